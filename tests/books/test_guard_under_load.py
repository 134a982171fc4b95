"""The guard while several processes write at once: it never cries wolf, and it does cry when there is one."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.books import checkpoints, tree
from ledger.books.checkpoints import Checkpoints
from ledger.books.database import LedgerReads, connect_lane, read_pool
from ledger.books.guard import Guard, Rewritten, guard_of
from ledger.books.lane import Lane
from ledger.books.recall import Done, NotDone
from ledger.books.signing import Signing
from ledger.books.witness import Witness, checkpoint_of
from ledger.http import service as http
from tests.books.lanes import done, lane_on, pay, run, value
from tests.books.tampering import deposit
from tests.books.test_guard import ORIGIN, begin, copy_of
from tests.harness import Client, Database, Databases, make_log_key
from tests.http.test_kills import Process as Service

PROCESSES = 3
LOAD_SECONDS = 3


@pytest.fixture
def books(databases: Databases) -> Iterator[Database]:
    made = databases.new()

    async def endow() -> None:
        await begin(made)
        async with lane_on(made) as lane:
            await done(lane, deposit("alice", 1_000_000))

    run(endow())
    yield made
    databases.drop(made)


@pytest.fixture
def signing(books: Database, tmp_path: Path) -> Signing:
    made = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(books, made)
    return made


class Process(NamedTuple):
    """What a process has of a ledger: who writes, who signs, and what both know."""

    lane: Lane
    checkpoints: Checkpoints
    guard: Guard

    async def pay(self) -> Done | NotDone:
        """Alice pays bob."""
        return await self.lane.submit(pay("alice", "bob"), os.urandom(16), "key_1")


@contextlib.asynccontextmanager
async def process(books: Database, signing: Signing) -> AsyncIterator[Process]:
    """One that shares nothing with another but the database, the keys and the witness."""
    pool = await read_pool(books.service_url)
    guard = guard_of(books.ledger_id, "test", ORIGIN, signing)
    signs = Checkpoints("test", books.ledger_id, guard, LedgerReads(pool, books.ledger_id))
    lane = Lane(books.service_url, books.ledger_id, "test", guard)
    lane.on_commit = signs.committed
    lane.start()
    signs.start()
    try:
        yield Process(lane, signs, guard)
    finally:
        await lane.stop()
        await signs.stop()
        await pool.close()


async def work(books: Database, signing: Signing, ends: float) -> list[str]:
    """Pay, ask for checkpoints, lose the connection and start again as a new process, at random; what went wrong."""
    wrong: list[str] = []
    while asyncio.get_running_loop().time() < ends:
        async with process(books, signing) as one:
            for _ in range(random.randrange(5, 60)):
                outcomes = await asyncio.gather(*(one.pay() for _ in range(random.randrange(1, 8))))
                wrong += [outcome.error.code for outcome in outcomes if isinstance(outcome, NotDone)]
                if random.random() < 0.1:
                    one.lane._writer.cut()
                if random.random() < 0.3:
                    signed = await one.checkpoints.newest(random.choice((0, 1, 20)))
                    wrong += [] if signed.origin == ORIGIN else [signed.origin]
                wrong += [] if one.guard.fault is None else [one.guard.fault]
    return wrong


def test_processes_that_write_at_once_and_reconnect_and_restart_never_alarm(
    books: Database, signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "WITNESS_SECONDS", 0.002)  # all compare and move on the witness all the time

    async def story() -> list[list[str]]:
        ends = asyncio.get_running_loop().time() + LOAD_SECONDS
        return await asyncio.gather(*(work(books, signing, ends) for _ in range(PROCESSES)))

    assert [[]] * PROCESSES == run(story())
    (path,) = signing.witness.glob("*.checkpoint")
    assert run(value(books, "SELECT number FROM heads")) == checkpoint_of(path.read_bytes()).size


def test_two_databases_that_go_on_from_the_same_entry_are_found_out_while_they_are_written(
    databases: Databases, books: Database, signing: Signing
) -> None:
    """A stale primary that nobody has fenced: both grow, and each by itself is as it should be."""
    twin = books._replace(
        name="twin",
        url=databases.postgres.url(database="twin"),
        service_url=databases.postgres.url("chatledger_service", "twin"),
    )

    async def refused(one: Process) -> bool:
        return isinstance(await one.pay(), NotDone)

    async def story(second: Database) -> list[bool]:
        async with process(books, signing) as one, process(second, signing) as other:
            await asyncio.gather(one.checkpoints.newest(), other.checkpoints.newest())
            for _ in range(12):
                await asyncio.gather(one.pay(), other.pay())
                await asyncio.sleep(0.05)
            return list(await asyncio.gather(refused(one), refused(other)))

    # The control: nothing of the kind is found where both are the same database.
    assert [False, False] == run(story(books))
    copy_of(databases, books, "twin")
    assert True in run(story(twin))
    databases.drop(twin)


def test_what_was_seen_already_is_not_read_again(
    books: Database, signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that was idle opens its connection with no more queries than without a guard."""

    async def never(*_: object) -> None:
        raise AssertionError("the log was read")

    async def story() -> None:
        async with process(books, signing) as one:
            assert isinstance(await one.pay(), Done)
            await one.checkpoints.newest()
            await one.checkpoints._keep()
            with monkeypatch.context() as patched:
                for name in ("frontier", "leaves"):
                    patched.setattr(tree, name, never)
                one.lane._writer.cut()
                assert isinstance(await one.pay(), Done)

    run(story())


def test_a_process_that_only_reads_signs_nothing_once_the_database_is_another(
    databases: Databases, books: Database, signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even of an entry that both have: what would be shown beside the checkpoint is the other's."""
    monkeypatch.setattr(checkpoints, "FRESH_SECONDS", 0.1)

    async def story() -> None:
        async with process(books, signing) as one:
            known = await one.checkpoints.newest()
            assert known == await one.checkpoints.newest(5)
            await value(books, "UPDATE heads SET number = number - 1")
            await asyncio.sleep(0.15)
            with pytest.raises(Exception, match="The log is not signed. The database ends with entry"):
                await one.checkpoints.newest(5)

    run(story())


def test_without_the_witness_a_process_that_has_seen_nothing_does_not_write(
    books: Database, signing: Signing, tmp_path: Path
) -> None:
    async def story() -> None:
        async with process(books, signing) as one:
            await one.checkpoints.newest()
            await one.checkpoints._keep()
            (path,) = signing.witness.glob("*.checkpoint")
            path.rename(tmp_path / "kept")
            path.mkdir()  # as good as a share that is away
            one.lane._writer.cut()
            assert isinstance(await one.pay(), Done)  # it has seen the log itself
            async with process(books, signing) as other:
                outcome = await other.pay()
                assert isinstance(outcome, NotDone)
                assert "The witness cannot be read" in outcome.error.detail
            path.rmdir()
            (tmp_path / "kept").rename(path)
            async with process(books, signing) as other:
                assert isinstance(await other.pay(), Done)

    run(story())


def test_a_head_that_contradicts_itself_is_refused_by_whoever_knows_nothing_else(books: Database) -> None:
    async def story() -> None:
        await value(books, "UPDATE heads SET frontier = sha256('') || frontier")
        connection = await connect_lane(books.service_url, books.ledger_id)
        try:
            with pytest.raises(Rewritten, match="contradicts itself"):
                await Guard(books.ledger_id).check(connection)
        finally:
            await connection.close()

    run(story())


def test_a_service_that_is_killed_before_the_witness_was_told_starts_again_without_alarm(
    books: Database, signing: Signing
) -> None:
    folder = signing.keys.parent
    path, seen = Witness(signing.witness, ORIGIN).path, []
    service = Service(books, str(folder))
    for _ in range(5):
        client = Client(f"http://127.0.0.1:{service.port}", books.token)
        last = [client.transfer("alice", "bob", 1)["entry"] for _ in range(random.randrange(2, 40))][-1]
        service.kill()
        seen.append(last - (checkpoint_of(path.read_bytes()).size if path.exists() else 0))
        service.start()
        assert 200 == client.get("/readyz").status_code
        assert last + 1 == client.transfer("alice", "bob", 1)["entry"]
        client.close()
    service.kill()
    assert max(seen) > 0  # else nothing was tried


def test_requests_that_come_first_at_once_share_one_lane(books: Database, signing: Signing) -> None:
    async def story() -> None:
        service = http.Service(books.service_url, "http://test.invalid", signing)
        await service.start()
        lanes = await asyncio.gather(*(service.lane(books.ledger_id) for _ in range(5)))
        await service.stop()
        assert {lanes[0]} == set(lanes)

    run(story())
