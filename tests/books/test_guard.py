"""The guard: a database that lost entries, or is another one, is neither written nor signed, until a person says so."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.books.database import connect
from ledger.books.guard import Guard, Rewritten, guard_of
from ledger.books.lane import Lane
from ledger.books.recall import Done, NotDone
from ledger.books.signing import Signing
from ledger.books.witness import Witness
from ledger.core.errors import TryLater
from ledger.core.merkle import Frontier, leaf_hash
from ledger.core.parties import CreateParty
from tests.books.lanes import done, lane_on, pay, run
from tests.books.tampering import deposit
from tests.harness import Client, Database, Databases, Superuser, make_log_key, serve

ORIGIN = "test.invalid/log/test"


@pytest.fixture
def books(databases: Databases) -> Iterator[Database]:
    """A database of its own, for it is replaced."""
    made = databases.new()
    yield made
    databases.drop(made)


@pytest.fixture
def signing(books: Database, tmp_path: Path) -> Signing:
    made = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(books, made)
    return made


async def begin(books: Database) -> None:
    """Alice, with money, and bob."""
    async with lane_on(books) as lane:
        await done(lane, CreateParty(id="alice", party_kind="person"))
        await done(lane, CreateParty(id="bob", party_kind="person"))
        await done(lane, deposit("alice", 1000))


def guard(books: Database, signing: Signing | None = None) -> Guard:
    return guard_of(books.ledger_id, "test", ORIGIN, signing)


def copy_of(databases: Databases, books: Database, name: str) -> None:
    """A copy of a database as it is now, as a backup would be."""
    with Superuser(databases.postgres.url()) as superuser:
        _disconnect(superuser, books.name)
        superuser.run_script(f"CREATE DATABASE {name} TEMPLATE {books.name}")


def restore(databases: Databases, books: Database, name: str) -> None:
    """Put a copy in the place of a database, under whoever is connected to it."""
    with Superuser(databases.postgres.url()) as superuser:
        superuser.run_script(f"ALTER DATABASE {books.name} ALLOW_CONNECTIONS false")
        _disconnect(superuser, books.name)
        superuser.run_script(f"DROP DATABASE {books.name}")
        superuser.run_script(f"ALTER DATABASE {name} RENAME TO {books.name}")


def _disconnect(superuser: Superuser, name: str) -> None:
    superuser.rows("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name)


async def paid(books: Database, guard: Guard, times: int = 1) -> Done | NotDone:
    """The outcome of the last of some payments by a lane of its own."""
    lane = Lane(books.service_url, books.ledger_id, "test", guard)
    lane.start()
    try:
        outcomes = [await lane.submit(pay("alice", "bob"), os.urandom(16), "key_1") for _ in range(times)]
    finally:
        await lane.stop()
    return outcomes[-1]


def refused(outcome: Done | NotDone) -> str:
    assert isinstance(outcome, NotDone)
    assert isinstance(outcome.error, TryLater)
    assert "unavailable" == outcome.error.code
    return outcome.error.detail


async def checked(books: Database, guard: Guard) -> None:
    connection = await connect(books.url)
    try:
        await guard.check(connection)
    finally:
        await connection.close()


def test_a_database_that_was_restored_from_an_older_copy_is_not_written(
    databases: Databases, books: Database, signing: Signing
) -> None:
    run(begin(books))
    copy_of(databases, books, "older")
    with serve(books, signing) as served:
        client = Client(served.base, books.token)
        last = [client.transfer("alice", "bob", 1)["entry"] for _ in range(3)][-1]
        client.close()
    restore(databases, books, "older")
    with serve(books, signing) as served:
        client = Client(served.base, books.token)
        answer = client.post("/v1/transfers", {"from": "alice", "to": "bob", "amount": 1, "currency": "EUR"})
        assert (503, "unavailable") == (answer.status_code, answer.json()["code"])
        sentence = f"entries {last - 2} to {last} are known to have been committed"
        assert sentence in answer.json()["detail"]
        assert sentence in client.get("/readyz").json()["detail"]
        assert 503 == client.get("/v1/log/checkpoint").status_code
        assert 200 == client.get("/v1/parties/alice").status_code  # reading goes on
        client.close()
    # What shows that it is the witness who knows: without it, nobody does.
    assert isinstance(run(paid(books, guard(books))), Done)


def test_a_database_that_is_swapped_under_a_running_service_is_not_written(
    databases: Databases, books: Database
) -> None:
    run(begin(books))
    copy_of(databases, books, "swapped")
    with serve(books) as served:  # without a witness: what the process has seen itself suffices
        client = Client(served.base, books.token)
        last = [client.transfer("alice", "bob", 1)["entry"] for _ in range(2)][-1]
        restore(databases, books, "swapped")
        answer = client.post("/v1/transfers", {"from": "alice", "to": "bob", "amount": 1, "currency": "EUR"})
        assert (503, True) == (answer.status_code, answer.json()["code"] in ("unavailable", "outcome_unknown"))
        answer = client.post("/v1/transfers", {"from": "alice", "to": "bob", "amount": 1, "currency": "EUR"})
        assert (503, "unavailable") == (answer.status_code, answer.json()["code"])
        assert f"entries {last - 1} to {last} are known" in answer.json()["detail"]
        client.close()
    with Superuser(books.url) as superuser:
        assert last - 2 == superuser.head()[1]


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE heads SET root = sha256('forged')",
        "UPDATE entries SET leaf = sha256('forged') WHERE number = 6",
        "UPDATE heads SET frontier = frontier || frontier",
    ],
)
def test_a_log_that_was_forged_in_the_database_is_neither_written_nor_signed(
    books: Database, signing: Signing, forgery: str
) -> None:
    run(begin(books))
    known = guard(books, signing)
    with serve(books, signing) as served:
        client = Client(served.base, books.token)
        client.get("/v1/log/checkpoint")
        client.close()
    with Superuser(books.url) as superuser:
        superuser.run_script(forgery)
    with serve(books, signing) as served:
        client = Client(served.base, books.token)
        assert 503 == client.get("/v1/log/checkpoint").status_code
        client.close()
    assert "not those that were known" in refused(run(paid(books, known)))


def test_a_history_that_was_rewritten_without_a_contradiction_is_known_by_the_witness(
    books: Database, signing: Signing
) -> None:
    run(begin(books))
    assert isinstance(run(paid(books, guard(books), 5)), Done)
    with serve(books, signing) as served:
        client = Client(served.base, books.token)
        assert 200 == client.get("/v1/log/checkpoint").status_code
        client.close()
    with Superuser(books.url) as superuser:
        rows = superuser.rows("SELECT number, body FROM entries ORDER BY number")
        forged = Frontier()
        for row in rows:
            body = row["body"].replace('"amount":1,', '"amount":2,')
            superuser.rows(
                "UPDATE entries SET body = $2, leaf = $3 WHERE number = $1",
                row["number"],
                body,
                leaf_hash(body.encode()),
            )
            forged.append(leaf_hash(body.encode()))
        superuser.rows("UPDATE heads SET root = $1, frontier = $2", forged.root(), forged.to_bytes())
    assert "not those that were known" in refused(run(paid(books, guard(books, signing))))
    run(checked(books, guard(books)))  # in itself it is as it should be


def test_what_the_guard_has_seen_is_compared_on_every_new_connection(databases: Databases, books: Database) -> None:
    run(begin(books))
    copy_of(databases, books, "before")
    known = guard(books)
    assert isinstance(run(paid(books, known, 3)), Done)
    assert isinstance(run(paid(books, known)), Done)  # another connection, the same books
    restore(databases, books, "before")
    assert "are known to have been committed" in refused(run(paid(books, known)))


def test_an_epoch_that_somebody_entered_by_hand_is_found_out(books: Database, signing: Signing) -> None:
    run(begin(books))
    with serve(books, signing) as served:
        client = Client(served.base, books.token)
        assert 200 == client.get("/v1/log/checkpoint").status_code
        client.close()
    with Superuser(books.url) as superuser:
        superuser.run_script(f"INSERT INTO epochs VALUES (1, 2, '{ORIGIN}/2', 5)")
    assert "accept-loss" in refused(run(paid(books, guard(books, signing))))


def test_a_witness_that_nobody_here_has_signed_is_not_believed(
    books: Database, signing: Signing, tmp_path: Path
) -> None:
    run(begin(books))
    other = Signing(tmp_path / "other", signing.witness)
    Witness(signing.witness, ORIGIN).advance(f"{ORIGIN}\n5\n{'A' * 43}=\n\n— {ORIGIN} AAAAAAAA\n".encode())
    assert "is not trusted" in refused(run(paid(books, guard(books, other))))


def test_two_processes_that_write_in_turns_give_no_false_alarm(books: Database, signing: Signing) -> None:
    """Each sees the other's entries as what extends its own, and the witness grows under both."""
    run(begin(books))
    made: list[str] = []

    def write(client: Client) -> None:
        for _ in range(25):
            answer = client.post("/v1/transfers", {"from": "alice", "to": "bob", "amount": 1, "currency": "EUR"})
            made.append(str(answer.json().get("code", "done")))
            made.append(str(client.get("/v1/log/checkpoint").status_code))

    with serve(books, signing) as one, serve(books, signing) as two:
        clients = [Client(served.base, books.token) for served in (one, two, one, two)]

        async def all_at_once() -> None:
            await asyncio.gather(*(asyncio.to_thread(write, client) for client in clients))

        asyncio.run(all_at_once())
        for client in clients:
            client.close()
        assert [] == one.service.faults + two.service.faults
    assert {"done", "200"} == set(made)


def test_the_guard_of_an_empty_log_has_nothing_to_say(books: Database) -> None:
    with Superuser(books.url) as superuser:
        empty = superuser.value("SELECT create_ledger('empty', 'test.invalid/log/empty')")

    async def look() -> None:
        connection = await connect(books.url)
        try:
            assert 0 == (await Guard(empty).check(connection)).size
            with pytest.raises(Rewritten):
                other = Guard(empty)
                other.seen, other.origin = (await Guard(books.ledger_id).check(connection)), "test.invalid/log/empty"
                await other.check(connection)
        finally:
            await connection.close()

    run(look())
