"""One ledger's rows are never another one's, in every table, however they are asked for."""

import asyncio
import hashlib
from collections.abc import Iterator

import asyncpg
import pytest

from ledger.books.commit import COMMIT, arguments
from ledger.books.database import Connection, LedgerReads, connect, connect_checks, connect_lane, read_pool, turn
from ledger.core.merkle import Frontier
from ledger.core.rows import ROW_TYPES
from tests.books.filling import FILLING
from tests.books.lanes import run
from tests.harness import Database, Databases, Superuser, make_ledger

FOUND_BEFORE_THE_LEDGER = {"api_keys", "public_keys", "settings"}
"""What the owner's functions read to learn which ledger is meant."""

TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND a.attname = 'ledger_id'
    AND c.relname <> 'ledgers' ORDER BY c.relname
"""
ROLES = pytest.mark.parametrize("role", ["chatledger_service", "chatledger_owner", "member_of_the_service"])


class Two:
    """A database with two ledgers that have rows in every table, and the tables' names."""

    def __init__(self, databases: Databases) -> None:
        self.database = databases.new()
        self.one = self.database.ledger_id
        self.other, self.others_token = make_ledger(self.database, "other")
        with Superuser(self.database.url) as superuser:
            superuser.run_script(FILLING.format(self.one) + FILLING.format(self.other))
            self.tables = [row["relname"] for row in superuser.rows(TABLES)]

    def alter(self, script: str) -> None:
        """Change the schema."""
        with Superuser(self.database.url) as superuser:
            superuser.run_script(script)

    async def seen(self, connection: Connection, table: str) -> set[int]:
        """The ledgers of which a connection sees rows."""
        return {row["ledger_id"] for row in await connection.fetch(f"SELECT DISTINCT ledger_id FROM ledger.{table}")}

    async def leaking(self, connection: Connection) -> list[str]:
        """The tables that show another ledger's rows, or none at all, to a connection that is turned to the first."""
        await turn(connection, self.one)
        return [table for table in self.tables if await self.seen(connection, table) != {self.one}]

    async def silent(self, connection: Connection) -> list[str]:
        """The tables that answer a connection that is turned to no ledger, in place of raising."""
        return [table for table in self.tables if not await _raises(connection, table)]


async def _raises(connection: Connection, table: str) -> bool:
    try:
        await connection.fetch(f"SELECT FROM ledger.{table}")
    except (asyncpg.UndefinedObjectError, asyncpg.InvalidTextRepresentationError):
        return True
    return False


async def acting_as(database: Database, role: str) -> Connection:
    """A connection that has the role's rights and no others."""
    connection = await connect(database.url)
    await connection.execute(f"SET SESSION AUTHORIZATION {role}")
    return connection


@pytest.fixture(scope="module")
def two(databases: Databases) -> Iterator[Two]:
    made = Two(databases)
    made.alter("CREATE ROLE member_of_the_service LOGIN; GRANT chatledger_service TO member_of_the_service")
    yield made
    made.alter("DROP ROLE member_of_the_service")
    databases.drop(made.database)


@pytest.fixture
def broken(databases: Databases) -> Iterator[Two]:
    """Like `two`, for a test that takes something away."""
    made = Two(databases)
    yield made
    databases.drop(made.database)


def test_every_table_that_belongs_to_a_ledger_has_its_policies_and_forces_them(two: Two) -> None:
    with Superuser(two.database.url) as superuser:
        forced = superuser.rows("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        policies = superuser.rows("SELECT tablename, policyname, cmd FROM pg_policies WHERE schemaname = 'ledger'")
    assert set(two.tables) == {row["relname"] for row in forced}
    expected = {(table, "one_ledger_at_a_time", "ALL") for table in two.tables}
    expected |= {(table, "owner_writes_one_ledger_at_a_time", "ALL") for table in two.tables}
    expected |= {(table, "auditor_sees_all_ledgers", "SELECT") for table in two.tables}
    expected |= {(table, "owner_finds_the_ledger", "SELECT") for table in FOUND_BEFORE_THE_LEDGER}
    assert expected == {tuple(row) for row in policies}


@ROLES
def test_a_session_sees_the_ledger_that_is_set_and_no_other(two: Two, role: str) -> None:
    async def story() -> list[str]:
        connection = await acting_as(two.database, role)
        leaking = await two.leaking(connection)
        await connection.close()
        return leaking

    assert (sorted(FOUND_BEFORE_THE_LEDGER) if role == "chatledger_owner" else []) == run(story())


@ROLES
def test_where_no_ledger_is_set_every_table_raises(two: Two, role: str) -> None:
    async def story() -> list[list[str]]:
        connection = await acting_as(two.database, role)
        unset = await two.silent(connection)
        await connection.execute("SET chatledger.ledger_id = ''")
        empty = await two.silent(connection)
        await connection.close()
        return [unset, empty]

    assert [sorted(FOUND_BEFORE_THE_LEDGER) if role == "chatledger_owner" else []] * 2 == run(story())


def test_a_table_without_row_level_security_would_be_found(broken: Two) -> None:
    async def story() -> list[list[str]]:
        connection = await connect(broken.database.service_url)
        found = [await broken.silent(connection), await broken.leaking(connection)]
        await connection.close()
        return found

    assert [[], []] == run(story())
    broken.alter("ALTER TABLE entries DISABLE ROW LEVEL SECURITY")
    assert [["entries"], ["entries"]] == run(story())
    broken.alter("ALTER TABLE entries ENABLE ROW LEVEL SECURITY; DROP POLICY one_ledger_at_a_time ON entries")
    assert [["entries"], ["entries"]] == run(story())


def test_the_owner_writes_only_to_the_ledger_that_is_set(two: Two) -> None:
    """The functions run as the owner, so this is what they can do when they are given another ledger's number."""

    async def story(table: str) -> str:
        connection = await acting_as(two.database, "chatledger_owner")
        try:
            await turn(connection, two.one)
            # Nothing of the other one's is there to be changed, and nothing can be put there.
            changed = await connection.execute(f"UPDATE {table} SET ledger_id = $1 WHERE ledger_id = $1", two.other)
            await connection.execute(f"UPDATE {table} SET ledger_id = $1 WHERE ledger_id = $2", two.other, two.one)
            return "moved into the other ledger"
        except asyncpg.InsufficientPrivilegeError:
            return changed
        finally:
            await connection.close()

    assert dict.fromkeys(two.tables, "UPDATE 0") == {table: run(story(table)) for table in two.tables}


def test_a_row_of_another_ledger_is_refused_by_the_function_that_writes_such_rows(two: Two) -> None:
    with Superuser(two.database.url) as session:
        sql, tables = "SELECT array_agg(t)::text FROM {} t WHERE ledger_id = $1", [kind.table for kind in ROW_TYPES]
        others = {table: session.value(sql.format(table), two.other) for table in tables}
        session.run_script(f"SET SESSION AUTHORIZATION chatledger_owner; SET chatledger.ledger_id = {two.one}")
        for table, rows in others.items():
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f'row-level security .* table "{table}"'):
                session.value(f"SELECT write_{table}($1::text::{table}[])", rows)


def test_a_lane_that_is_turned_to_one_ledger_cannot_write_another(two: Two) -> None:
    async def commit(turned_to: int) -> str:
        connection = await connect_lane(two.database.service_url, turned_to)
        try:
            version = await connection.fetchval("SELECT max(version) FROM heads")
            await connection.execute("SELECT lock_head($1)", two.other)
            row = await connection.fetchrow(COMMIT, *arguments(two.other, version, [], [], [], Frontier()))
            return str(row["answer"]) if row is not None else "none"
        finally:
            await connection.close()

    with pytest.raises(asyncpg.NoDataFoundError):
        run(commit(two.one))
    assert "ok" == run(commit(two.other))


def test_two_hundred_reads_of_two_ledgers_over_two_connections_see_their_own(two: Two) -> None:
    async def story() -> None:
        pool = await read_pool(two.database.service_url, 2)
        reads = [LedgerReads(pool, two.one), LedgerReads(pool, two.other)]
        found = await asyncio.gather(
            *(reads[n * n // 3 % 2].fetch("SELECT ledger_id FROM entries, pg_sleep(0.001)") for n in range(200))
        )
        for n, rows in enumerate(found):
            assert {reads[n * n // 3 % 2].ledger_id} == {row["ledger_id"] for row in rows}
        assert 2 == pool.get_size()
        await pool.close()

    run(story())


def test_after_an_error_or_a_cancellation_anywhere_reads_still_see_their_own(two: Two) -> None:
    async def story() -> None:
        pool = await read_pool(two.database.service_url, 1)
        one, other = LedgerReads(pool, two.one), LedgerReads(pool, two.other)

        async def check() -> None:
            for reads in (other, one):
                assert {reads.ledger_id} == {row["ledger_id"] for row in await reads.fetch("SELECT * FROM heads")}

        async def fail_in_a_transaction() -> None:
            async with other.acquire() as connection, connection.transaction():
                await connection.fetch("SELECT 1 / 0")

        await check()
        with pytest.raises(asyncpg.DivisionByZeroError):
            await fail_in_a_transaction()
        await check()
        for steps in range(40):
            reading = asyncio.create_task(other.fetch("SELECT FROM heads, pg_sleep(1)"))
            for _ in range(steps):
                await asyncio.sleep(0 if steps < 20 else 0.001)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await check()
        await pool.close()

    run(story())


def test_a_read_of_the_same_ledger_again_sends_nothing_but_itself(two: Two) -> None:
    async def story() -> list[str]:
        pool = await read_pool(two.database.service_url, 1)
        reads, sent = LedgerReads(pool, two.one), list[str]()
        await reads.fetchval("SELECT 1")
        async with reads.acquire() as connection:
            connection.add_query_logger(lambda record: sent.append(record.query))
        for _ in range(3):
            await reads.fetchval("SELECT number FROM heads")
        await LedgerReads(pool, two.other).fetchval("SELECT number FROM heads")
        await pool.close()
        return sent

    read = "SELECT number FROM heads"
    assert [read, read, read, f"SET chatledger.ledger_id = {two.other}", read] == run(story())


def test_the_checks_see_all_ledgers_and_can_write_none(two: Two) -> None:
    async def story(url: str) -> None:
        connection = await connect_checks(url)
        assert [] == [table for table in two.tables if await two.seen(connection, table) != {two.one, two.other}]
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE entries SET private = NULL")
        await connection.close()

    for url in (two.database.url, two.database.service_url):
        run(story(url))


def test_the_service_has_the_auditors_rights_only_once_it_takes_them(two: Two) -> None:
    sql = "SELECT pg_has_role($1, 'chatledger_auditor', 'USAGE'), pg_has_role($1, 'chatledger_auditor', 'MEMBER')"
    with Superuser(two.database.url) as superuser:
        for role in ("chatledger_service", "member_of_the_service"):
            assert (False, True) == tuple(superuser.rows(sql, role)[0])


def test_who_holds_a_key_is_found_before_a_ledger_is_set(two: Two) -> None:
    async def story() -> list[int]:
        pool = await read_pool(two.database.service_url, 1)
        sql = "SELECT ledger_id FROM holder_of($1)"
        tokens = (two.database.token, two.others_token)
        found = [await pool.fetchval(sql, hashlib.sha256(token.encode()).digest()) for token in tokens]
        found += [row["ledger_id"] for row in await pool.fetch("SELECT ledger_id FROM log_keys()")]
        await pool.close()
        return found

    assert [two.one, two.other] * 2 == run(story())


def test_every_ledgers_head_is_told_and_the_session_stays_where_it_was_turned(two: Two) -> None:
    async def story() -> None:
        connection = await connect(two.database.service_url)
        async with connection.transaction():
            assert {"test", "other"} == {
                row["ledger"] for row in await connection.fetch("SELECT * FROM heads_of_all()")
            }
            assert "" == await connection.fetchval("SELECT current_setting('chatledger.ledger_id')")
        await turn(connection, two.other)
        async with connection.transaction():
            await connection.fetch("SELECT * FROM heads_of_all()")
            assert {two.other} == await two.seen(connection, "heads")
        await connection.close()

    run(story())
