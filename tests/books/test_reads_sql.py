"""A balance as of an entry and a page of a statement cost the same however long the history, known to Postgres or not.

What is counted is blocks: unlike time they are the same on every machine.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, cast

import pytest

from ledger.books import transfers
from ledger.books.accounts import StoredAccount, as_of
from ledger.books.database import Connection, Reader, read_pool, turn
from ledger.books.explanations import explained
from ledger.books.feed import page
from ledger.books.statements import lines
from ledger.core.movements import TRANSFER
from tests.books.lanes import done, fund, lane_on, pay_between, run
from tests.harness import Database, Databases, Superuser

T = TypeVar("T")

ENTRIES, ACCOUNTS, OTHERS = 60_000, 5_000, 2_497
LEDGER, LIMIT = 7, 50
# The rail was debited by each of the first tenth of the postings and never since, so that its last one lies far back;
# the merchant has two thirds of the rest, on either side; an account like any other has a few, nobody's has none.
RAIL, MERCHANT, PERSON, NOBODY = 1, 2, 77, 0

BODY = json.dumps(
    dict.fromkeys(["ledger", "kind", "posted_at", "effective_on", "actor", "key"], "x" * 80)
    | {"number": 1, "request": {}}
)
HISTORY = f"""
    ALTER TABLE postings SET (autovacuum_enabled = off);
    ALTER TABLE entries SET (autovacuum_enabled = off);
    ALTER TABLE accounts SET (autovacuum_enabled = off);
    INSERT INTO ledgers VALUES ({LEDGER}, 'history', 'history');
    INSERT INTO heads VALUES ({LEDGER}, 1, {ENTRIES}, {ACCOUNTS}, now(), sha256(''), '');
    INSERT INTO accounts
    SELECT {LEDGER}, a, 'owner' || a, 'available', 'EUR', 0, 0 FROM generate_series(1, {ACCOUNTS}) a;
    INSERT INTO entries
    SELECT {LEDGER}, e, 'epoch'::timestamptz + e * interval '1 second', '2026-01-01', 'transfer',
           substring(sha256(e::text::bytea) FOR 16), sha256(''), '{BODY}', NULL
    FROM generate_series(1, {ENTRIES}) e;
    INSERT INTO postings
    SELECT {LEDGER}, 0, 'EUR', e,
           CASE WHEN e <= {ENTRIES // 10} THEN {RAIL} WHEN e % 3 = 0 THEN {MERCHANT} ELSE 4 + e * 7 % {OTHERS} * 2 END,
           CASE WHEN e > {ENTRIES // 10} AND e % 3 = 1 THEN {MERCHANT} ELSE 5 + e * 11 % {OTHERS} * 2 END,
           1, 0, 0, 1, 1
    FROM generate_series(1, {ENTRIES}) e;
"""


class Counting:
    """A connection that counts the blocks which its queries touch, and answers them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.blocks = 0

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        # Of a statement by itself EXPLAIN would always plan for the arguments at hand, whatever plan_cache_mode says.
        await self.connection.execute(f"PREPARE measured AS {query}")
        execute = f"EXECUTE measured ({', '.join(map(literal, arguments))})" if arguments else "EXECUTE measured"
        plan = await self.connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {execute}")
        await self.connection.execute("DEALLOCATE measured")
        top = json.loads(plan)[0]["Plan"]
        self.blocks += top["Shared Hit Blocks"] + top["Shared Read Blocks"]
        return await self.connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        return next(iter(await self.fetch(query, *arguments)), None)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        row = await self.fetchrow(query, *arguments)
        return row[0] if row is not None else None


def literal(value: Any) -> str:
    """An argument as EXECUTE takes it: a text, which becomes of the type that the parameter is of."""
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        value = "{" + ",".join(json.dumps(str(each)) for each in value) + "}"
    return "'" + str(value).replace("'", "''") + "'"


class Reads:
    """A database as the service reads it, what its queries cost being counted: one connection for each way to plan, on
    a loop of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._connections: dict[str, Connection] = {}

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine that reads."""
        return self._runner.run(coroutine)

    async def counting(self, plan: str) -> Counting:
        """The connection that plans in this way, its count at zero."""
        if plan not in self._connections:
            connection = await self._open.enter_async_context(read_pool_of(self._database))
            await turn(connection, LEDGER)
            await connection.execute(f"SET plan_cache_mode = {plan}")
            self._connections[plan] = connection
        return Counting(self._connections[plan])

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._open.aclose())
        self._runner.close()


@asynccontextmanager
async def read_pool_of(database: Database) -> AsyncIterator[Connection]:
    pool = await read_pool(database.service_url, 1)
    try:
        async with pool.acquire() as connection:
            yield cast(Connection, connection)
    finally:
        await pool.close()


@pytest.fixture(scope="module", params=["fresh", "analysed"])
def history(request: pytest.FixtureRequest, database: Database, superuser: Superuser) -> Iterator[Reads]:
    """A history of which Postgres knows nothing yet, and then all that it can find out."""
    superuser.run_script(HISTORY if request.param == "fresh" else "ANALYZE")
    reads = Reads(database)
    yield reads
    reads.close()


def stored(number: int) -> StoredAccount:
    return StoredAccount(number, "owner", "available", "EUR", 0, 0, ENTRIES)


PLANS = pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
WHOSE = pytest.mark.parametrize("account", [RAIL, MERCHANT, PERSON, NOBODY])


@PLANS
@WHOSE
def test_a_balance_as_of_an_entry_is_two_probes_of_an_index(history: Reads, account: int, plan: str) -> None:
    async def blocks(entry: int) -> int:
        connection = await history.counting(plan)
        await as_of(cast(Reader, connection), LEDGER, stored(account), entry)
        return connection.blocks

    for entry in (ENTRIES, ENTRIES // 2, ENTRIES // 100, 0):
        assert history.run(blocks(entry)) < 16


@PLANS
@WHOSE
def test_a_page_of_a_statement_costs_its_own_lines_and_no_others(history: Reads, account: int, plan: str) -> None:
    async def cost(after: int) -> tuple[int, int]:
        connection = await history.counting(plan)
        found = await lines(cast(Reader, connection), LEDGER, stored(account), (after, -1), ENTRIES, LIMIT)
        return connection.blocks, len(found)

    for after in (0, ENTRIES // 2, ENTRIES - 100, ENTRIES):
        blocks, found = history.run(cost(after))
        assert blocks < 16 + 10 * found
    assert (LIMIT if account in (RAIL, MERCHANT) else 0) <= history.run(cost(0))[1]


@PLANS
@WHOSE
def test_a_page_of_a_payouts_explanation_costs_its_own_lines_and_no_others(
    history: Reads, account: int, plan: str
) -> None:
    async def cost(after: int) -> tuple[int, int]:
        connection = await history.counting(plan)
        found = await explained(cast(Reader, connection), LEDGER, stored(account), after, ENTRIES, LIMIT)
        return connection.blocks, len(found)

    for after in (0, ENTRIES // 2, ENTRIES - 100, ENTRIES):
        blocks, found = history.run(cost(after))
        assert blocks < 16 + 12 * found
    assert (LIMIT if account in (RAIL, MERCHANT) else 0) <= history.run(cost(0))[1]


@PLANS
def test_a_page_of_the_feed_costs_the_entries_it_looks_at(history: Reads, plan: str) -> None:
    async def blocks(kind: str | None) -> int:
        connection = await history.counting(plan)
        await page(cast(Reader, connection), LEDGER, ENTRIES // 2, LIMIT, kind)
        return connection.blocks

    assert history.run(blocks(None)) < 32
    assert history.run(blocks("deposit")) < 2_000


@PLANS
@pytest.mark.parametrize("owner", [*(f"owner{number}" for number in (RAIL, MERCHANT, PERSON)), "nobody", None])
def test_a_page_of_transfers_costs_its_own_and_no_others(history: Reads, owner: str | None, plan: str) -> None:
    async def cost(before: int) -> tuple[int, int]:
        connection = await history.counting(plan)
        wanted = transfers.Filter(owner, None, 0)
        found = await transfers.page(cast(Reader, connection), LEDGER, wanted, before, LIMIT)
        return connection.blocks, len(found.numbers)

    for before in (ENTRIES + 1, ENTRIES // 2, 2):
        blocks, found = history.run(cost(before))
        assert blocks < 32 + 12 * found
    assert (LIMIT if owner in ("owner1", "owner2", None) else 0) <= history.run(cost(ENTRIES + 1))[1]


@PLANS
def test_a_page_of_transfers_looks_at_so_many_other_entries_and_no_more(
    history: Reads, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "TRANSFER", TRANSFER._replace(entries=("none",)))
    monkeypatch.setattr(transfers, "LOOKED_AT_MAX", 500)

    async def cost(owner: str | None) -> int:
        connection = await history.counting(plan)
        wanted = transfers.Filter(owner, None, 0)
        found = await transfers.page(cast(Reader, connection), LEDGER, wanted, ENTRIES + 1, LIMIT)
        assert ([], True) == (found.numbers, found.before is not None)
        return connection.blocks

    for owner in ("owner2", None):
        assert history.run(cost(owner)) < 2 * 500 * 8


def test_a_payment_does_not_read_all_accounts_of_the_ledger(databases: Databases) -> None:
    """Row-level security, too, gives the planner a condition on the ledger, by which to read all of it: it would, as
    long as Postgres takes a table of which it knows nothing for a small one."""
    fresh, others, payments = databases.new(), 1_500, 20

    async def pay_often() -> None:
        async with lane_on(fresh) as lane:
            parties = await fund(lane, 10, 1_000)
            for _ in range(payments):
                await done(lane, pay_between(parties))

    with Superuser(fresh.url) as superuser:
        of_service = "usename = 'chatledger_service' AND datname = current_database()"

        def tuples_read() -> int:
            while superuser.value(f"SELECT count(*) FROM pg_stat_activity WHERE {of_service}"):
                superuser.value("SELECT pg_sleep(0.01)")  # a backend's figures are complete once it has ended
            return int(superuser.value("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'accounts'"))

        superuser.run_script(
            f"""
            ALTER TABLE accounts SET (autovacuum_enabled = off);
            INSERT INTO accounts SELECT {fresh.ledger_id}, a, 'owner' || a, 'available', 'EUR', 0, 0
            FROM generate_series(1001, 1000 + {others}) a
            """
        )
        before = tuples_read()
        run(pay_often())
        # To learn of the parties is not what is counted here: that reads them all once or twice.
        assert tuples_read() - before < payments * others / 2
    databases.drop(fresh)
