"""`chatledger accept-loss` and `chatledger log-key`: what a person decides about the log."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.books.signing import Signing
from ledger.books.witness import Witness, checkpoint_of
from ledger.core.notes import open_checkpoint, parse_verifier_key
from ledger.core.receipts import parse_receipt, verify_receipt
from tests.books.lanes import run
from tests.books.test_guard import begin, copy_of, restore
from tests.cli.conftest import Run
from tests.harness import Client, Database, Databases, Superuser, make_log_key, serve

ORIGIN = "test.invalid/log/test"


@pytest.fixture
def books(databases: Databases) -> Iterator[Database]:
    made = databases.new()
    run(begin(made))
    yield made
    databases.drop(made)


@pytest.fixture
def signing(books: Database, tmp_path: Path) -> Signing:
    made = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(books, made)
    return made


def options(signing: Signing) -> list[str]:
    return ["--ledger", "test", "--keys", str(signing.keys), "--witness", str(signing.witness)]


def lose(databases: Databases, books: Database, signing: Signing) -> int:
    """Make three payments, and put the books from before them back; the last entry that is lost."""
    copy_of(databases, books, "lost")
    with serve(books, signing) as served, contextlib.closing(Client(served.base, books.token)) as client:
        last = [client.transfer("alice", "bob", 1)["entry"] for _ in range(3)][-1]
    restore(databases, books, "lost")
    return int(last)


def test_a_loss_that_was_accepted_begins_a_new_log_and_is_told_in_it(
    databases: Databases, books: Database, signing: Signing, chatledger: Run
) -> None:
    last = lose(databases, books, signing)
    old = next(signing.witness.glob("*.checkpoint")).read_text()
    said = chatledger("accept-loss", "--yes", *options(signing), url=books.service_url)
    assert 0 == said.status, said.err
    key = parse_verifier_key(said.out.strip())
    assert f"{ORIGIN}/2" == key.name
    with serve(books, signing) as served, contextlib.closing(Client(served.base, books.token)) as client:
        entry = client.get(f"/v1/entries/{last - 2}").json()
        assert ("log.accept_loss", old, last - 2, last) == (
            entry["kind"],
            entry["request"]["old_checkpoint"],
            entry["request"]["lost_from"],
            entry["request"]["lost_to"],
        )
        paid = client.transfer("alice", "bob", 1)
        assert last - 1 == paid["entry"]
        receipt = client.get(f"/v1/entries/{paid['entry']}/receipt").content
        assert f"{ORIGIN}/2".encode() in receipt
        verify_receipt(parse_receipt(receipt), [key])
        assert 200 == client.get("/readyz").status_code
    assert [old] == [path.read_text() for path in signing.witness.glob("*.before-epoch-2")]
    again = chatledger("accept-loss", "--yes", *options(signing), url=books.service_url)
    assert (1, True) == (again.status, "Nothing is lost" in again.err)


def test_a_running_service_notices_what_was_accepted_and_works_again(
    databases: Databases, books: Database, signing: Signing, chatledger: Run
) -> None:
    payment = {"from": "alice", "to": "bob", "amount": 1, "currency": "EUR"}
    copy_of(databases, books, "older")
    with serve(books, signing) as served, contextlib.closing(Client(served.base, books.token)) as client:
        for _ in range(20):
            client.transfer("alice", "bob", 1)
        assert ORIGIN == checkpoint_of(client.get("/v1/log/checkpoint").content).origin
        restore(databases, books, "older")
        assert [503, 503] == [client.post("/v1/transfers", payment).status_code for _ in range(2)]
        assert 503 == client.get("/readyz").status_code
        said = chatledger("accept-loss", "--yes", *options(signing), url=books.service_url)
        assert 0 == said.status, said.err
        assert 200 == client.get("/readyz").status_code
        entry = client.transfer("alice", "bob", 1)["entry"]
        receipt = client.get(f"/v1/entries/{entry}/receipt").content
        assert f"{ORIGIN}/2" == verify_receipt(parse_receipt(receipt), [parse_verifier_key(said.out.strip())]).origin
        deadline, witness = time.monotonic() + 5, Witness(signing.witness, ORIGIN)
        while checkpoint_of(witness.read() or b"").size < entry and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (f"{ORIGIN}/2", entry) == checkpoint_of(witness.read() or b"")[:2]


def test_a_second_loss_has_an_epoch_of_its_own(
    databases: Databases, books: Database, signing: Signing, chatledger: Run
) -> None:
    for epoch in (2, 3):
        lose(databases, books, signing)
        said = chatledger("accept-loss", "--yes", *options(signing), url=books.service_url)
        assert (0, f"{ORIGIN}/{epoch}") == (said.status, parse_verifier_key(said.out.strip()).name), said.err
    assert 2 == len(list(signing.witness.glob("*.before-epoch-*")))
    with Superuser(books.url) as superuser:
        assert [2, 3] == [row["epoch"] for row in superuser.rows("SELECT epoch FROM epochs ORDER BY epoch")]


def test_what_was_interrupted_is_finished_when_it_is_asked_again(
    databases: Databases, books: Database, signing: Signing, chatledger: Run
) -> None:
    lose(databases, books, signing)
    path = next(signing.witness.glob("*.checkpoint"))
    old = path.read_bytes()
    assert 0 == chatledger("accept-loss", "--yes", *options(signing), url=books.service_url).status
    path.write_bytes(old)  # as if it had ended before the witness was told
    said = chatledger("accept-loss", "--yes", *options(signing), url=books.service_url)
    assert (0, True) == (said.status, "goes on under its new origin already" in said.err), said.err
    with Superuser(books.url) as superuser:
        assert 1 == superuser.value("SELECT count(*) FROM epochs")
    with serve(books, signing) as served, contextlib.closing(Client(served.base, books.token)) as client:
        assert client.transfer("alice", "bob", 1)["entry"]


def test_nothing_is_accepted_unless_somebody_says_so(
    databases: Databases, books: Database, signing: Signing, chatledger: Run
) -> None:
    lose(databases, books, signing)
    with Superuser(books.url) as superuser:
        before = superuser.head()
        said = chatledger("accept-loss", *options(signing), url=books.service_url)
        assert 1 == said.status
        assert "are known to have been committed" in said.err
        assert before == superuser.head()


def test_without_a_loss_or_a_witness_there_is_nothing_to_accept(
    books: Database, signing: Signing, chatledger: Run
) -> None:
    said = chatledger("accept-loss", "--yes", *options(signing), url=books.service_url)
    assert (1, True) == (said.status, "There is no witness of test" in said.err)
    with serve(books, signing) as served, contextlib.closing(Client(served.base, books.token)) as client:
        client.get("/v1/log/checkpoint")
    said = chatledger("accept-loss", "--yes", *options(signing), url=books.service_url)
    assert (1, True) == (said.status, "Nothing is lost" in said.err)


def test_a_log_key_is_rotated_and_the_old_one_revoked_and_both_are_remembered(
    books: Database, signing: Signing, chatledger: Run
) -> None:
    listed = chatledger("log-key", "list", *options(signing), url=books.service_url).out
    (old,) = [word for word in listed.split() if word.startswith(ORIGIN)]
    said = chatledger("log-key", "rotate", *options(signing), url=books.service_url)
    new = said.out.strip()
    old_id = min((signing.keys / "test").iterdir(), key=lambda path: path.stat().st_mtime).stem
    assert 0 == chatledger("log-key", "revoke", *options(signing), old_id, url=books.service_url).status
    with serve(books, signing) as served, contextlib.closing(Client(served.base, books.token)) as client:
        note = client.get("/v1/log/checkpoint").content
        assert f"{new}\n" == client.get("/v1/log/vkey").text
        assert open_checkpoint(note, [parse_verifier_key(new)])
        with pytest.raises(ValueError, match="No key that is trusted here"):
            open_checkpoint(note, [parse_verifier_key(old)])
        assert 2 == len(client.get("/.well-known/jwks.json").json()["keys"])
    new_id = next(path.stem for path in (signing.keys / "test").iterdir() if path.stem != old_id)
    last = chatledger("log-key", "revoke", *options(signing), new_id, url=books.service_url)
    assert (1, True) == (last.status, "It is the log's only key" in last.err)


def test_a_service_without_the_logs_key_does_not_start(books: Database, signing: Signing, chatledger: Run) -> None:
    folder = signing.keys.parent / "elsewhere"
    said = chatledger(
        "up", "--port", "0", "--keys", str(folder), "--witness", str(signing.witness), url=books.service_url
    )
    assert (1, True) == (said.status, "put its file there" in said.err)
