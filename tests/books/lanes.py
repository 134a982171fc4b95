"""What the tests of the lane share: a lane on a database with funded parties, and a head that can be held."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import uvloop

from ledger.books.database import connect, turn
from ledger.books.lane import Lane
from ledger.books.recall import Done, NotDone, Outcome
from ledger.core.commands import Command
from ledger.core.deposits import MakeDeposit
from ledger.core.parties import CreateParty
from ledger.core.transfers import Transfer
from tests.harness import Database

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, on the loop that the product uses; a test that hangs fails after a minute."""

    async def bounded() -> T:
        return await asyncio.wait_for(coroutine, 60)

    return uvloop.run(bounded())


def pay(payer: str, payee: str, amount: int = 1, **fields: Any) -> Transfer:
    """A transfer in EUR."""
    return Transfer(from_=payer, to=payee, amount=amount, currency="EUR", **fields)


def pay_between(parties: list[str], amount: int = 1) -> Transfer:
    """A transfer between two of these parties, drawn by lot."""
    payer, payee = random.sample(parties, 2)
    return pay(payer, payee, amount)


async def do(lane: Lane, command: Command, key: bytes | None = None, dry_run: bool = False) -> Outcome:
    """One command, under a new key unless one is given."""
    return await lane.submit(command, key or os.urandom(16), "key_1", "req_1", dry_run)


async def done(lane: Lane, command: Command, key: bytes | None = None) -> Done:
    """One command that must be accepted."""
    outcome = await do(lane, command, key)
    if isinstance(outcome, NotDone):
        raise AssertionError(f"refused: {outcome.error.code}: {outcome.error.detail}")
    return outcome


async def refusal(lane: Lane, command: Command, key: bytes | None = None) -> str:
    """The code with which a command is refused."""
    outcome = await do(lane, command, key)
    if isinstance(outcome, Done):
        raise AssertionError(f"accepted as entry {outcome.entry.number}")
    return outcome.error.code


@contextlib.asynccontextmanager
async def lane_on(database: Database, url: str | None = None) -> AsyncIterator[Lane]:
    """A lane at work, connected as the service's role."""
    lane = Lane(url or database.service_url, database.ledger_id, "test")
    lane.start()
    try:
        yield lane
    finally:
        await lane.stop()


async def fund(lane: Lane, parties: int, amount: int) -> list[str]:
    """New parties with money."""
    names = [f"p{os.urandom(6).hex()}" for _ in range(parties)]
    await asyncio.gather(*(done(lane, CreateParty(id=name, party_kind="person")) for name in names))
    deposits = (MakeDeposit(to=name, amount=amount, currency="EUR", rail="test", rail_reference=name) for name in names)
    await asyncio.gather(*(done(lane, deposit) for deposit in deposits if amount))
    return names


async def balance(database: Database, party: str) -> int:
    """What a party can spend, read from the table."""
    sql = "SELECT coalesce(sum(balance), 0)::bigint FROM accounts WHERE owner = $1 AND role = 'available'"
    return int(await value(database, sql, party))


async def entries(database: Database) -> int:
    """How many entries there are."""
    return int(await value(database, "SELECT count(*) FROM entries"))


async def value(database: Database, sql: str, *arguments: Any) -> Any:
    """One value, asked as the superuser."""
    connection = await connect(database.url)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def held_head(database: Database) -> AsyncIterator[None]:
    """While this lasts no commit can end: another session holds the head's lock."""
    connection = await connect(database.url)
    try:
        await turn(connection, database.ledger_id)
        async with connection.transaction():
            await connection.execute("SELECT lock_head($1)", database.ledger_id)
            yield
    finally:
        await connection.close()


async def waiting_for_lock(database: Database) -> None:
    """Wait until a backend waits for the head."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not await value(database, sql):
        await asyncio.sleep(0.01)
