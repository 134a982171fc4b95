"""The log's keys on the command line: the first one, a further one that running services find, and what is refused."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.books.signing import KeyFileError, Keys, Signing, load_keys, make_key
from ledger.cli import log_key
from ledger.cli.database import submit
from ledger.cli.log_key import ensure_log_key
from ledger.core.errors import TryLater
from ledger.core.notes import open_checkpoint, parse_verifier_key
from tests.cli.conftest import Run
from tests.cli.test_loss import options
from tests.harness import Client, Database, Databases, Superuser, serve


@pytest.fixture
def books(databases: Databases) -> Iterator[Database]:
    """Books whose log has no key yet."""
    made = databases.new()
    yield made
    databases.drop(made)


@pytest.fixture
def signing(tmp_path: Path) -> Signing:
    return Signing(tmp_path / "keys", tmp_path / "witness")


def first_key(books: Database, signing: Signing) -> str:
    return asyncio.run(ensure_log_key(books.service_url, books.ledger_id, "test", signing))


def lines_soon(client: Client, lines: list[str]) -> list[str]:
    """The log's verifier keys once they are these, or after five seconds."""
    ends = time.monotonic() + 5
    while (found := client.get("/v1/log/vkey").text.splitlines()) != lines and time.monotonic() < ends:
        time.sleep(0.05)
    return found


def test_the_first_key_is_made_once(books: Database, signing: Signing) -> None:
    line = first_key(books, signing)
    assert [line, "test.invalid/log/test"] == [first_key(books, signing), parse_verifier_key(line).name]
    (path,) = (signing.keys / "test").iterdir()
    with Superuser(books.url) as superuser:
        assert path.stem == superuser.value("SELECT id FROM public_keys WHERE purpose = 'log'")


def test_services_that_start_together_agree_on_the_first_key(books: Database, signing: Signing) -> None:
    async def start() -> list[str]:
        return await asyncio.gather(
            *(ensure_log_key(books.service_url, books.ledger_id, "test", signing) for _ in range(4))
        )

    assert 1 == len(set(asyncio.run(start())))
    with Superuser(books.url) as superuser:
        assert 1 == superuser.value("SELECT count(*) FROM public_keys WHERE purpose = 'log'")


def test_a_key_is_never_thrown_away_while_it_may_be_registered(
    books: Database, signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose_the_answer(*arguments: object) -> None:
        await submit(*arguments)  # type: ignore[arg-type]
        raise TryLater("outcome_unknown", "Nobody knows.")

    with monkeypatch.context() as patched:
        patched.setattr(log_key, "submit", lose_the_answer)
        with pytest.raises(TryLater):
            first_key(books, signing)
    (path,) = (signing.keys / "test").iterdir()
    first_key(books, signing)
    assert [path] == list((signing.keys / "test").iterdir())


def test_books_from_before_the_first_key_get_the_same_one_again(books: Database, signing: Signing) -> None:
    """What was published of the log still verifies it."""
    line = make_key(signing.keys / "test")
    assert line.public_key == parse_verifier_key(first_key(books, signing)).public_key


def test_running_services_find_a_further_key_and_stop_signing_with_a_revoked_one(
    books: Database, signing: Signing, chatledger: Run
) -> None:
    old = first_key(books, signing)
    (old_id,) = [path.stem for path in (signing.keys / "test").iterdir()]
    with serve(books, signing) as one, serve(books, signing) as other:
        clients = [Client(served.base, books.token) for served in (one, other)]
        assert [[old], [old]] == [lines_soon(client, [old]) for client in clients]
        new = chatledger("log-key", "rotate", *options(signing), url=books.service_url).out.strip()
        for client in clients:
            assert [old, new] == lines_soon(client, [old, new])
            note = client.get("/v1/log/checkpoint").content
            assert open_checkpoint(note, [parse_verifier_key(old)]) == open_checkpoint(note, [parse_verifier_key(new)])
        assert 0 == chatledger("log-key", "revoke", *options(signing), old_id, url=books.service_url).status
        for client in clients:
            assert [new] == lines_soon(client, [new])
            client.party()  # the other's witness is signed with the new key alone
            with pytest.raises(ValueError, match="No key that is trusted here"):
                open_checkpoint(client.get("/v1/log/checkpoint").content, [parse_verifier_key(old)])
            assert 200 == client.get("/readyz").status_code
            client.close()


def test_whose_key_file_is_elsewhere_is_told_so(books: Database, signing: Signing, tmp_path: Path) -> None:
    first_key(books, signing)
    with pytest.raises(KeyFileError, match="put its file there"):
        first_key(books, Signing(tmp_path / "elsewhere", signing.witness))


def test_half_a_key_is_never_read(tmp_path: Path) -> None:
    """A file appears under its name when it is whole."""
    keys = Keys(tmp_path)
    (tmp_path / "abc.part").write_bytes(b"-----BEGIN")
    made = make_key(tmp_path)
    keys.look_again()
    assert {made.key_id} == set(keys.signers) == set(load_keys(tmp_path))


def test_a_ledger_that_is_made_beside_a_running_service_is_signed_without_a_restart(
    books: Database, signing: Signing
) -> None:
    first_key(books, signing)
    with serve(books, signing) as served:
        with Superuser(books.url) as superuser:
            ledger_id = superuser.value("SELECT create_ledger('shop', 'test.invalid/log/shop')")
        line = asyncio.run(ensure_log_key(books.service_url, ledger_id, "shop", signing))
        with contextlib.closing(Client(served.base, books.token)) as client:
            note = client.get("/log/shop/checkpoint").content
    assert 1 == open_checkpoint(note, [parse_verifier_key(line)]).size


def test_init_of_an_embedded_database_makes_the_key_and_says_it(chatledger: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    tmp_path.chmod(0o711)
    said = chatledger("init", "--ledger", "shop", "--data", str(data))
    assert 0 == said.status, said.err
    line = said.out.splitlines()[-1].removeprefix("Its verifier key: ")
    (signer,) = load_keys(data / "keys" / "shop").values()
    assert ("chat-ledger.localhost/log/shop", signer.public_key) == parse_verifier_key(line)
