"""What the lane does when the database fails it: nothing acknowledged is lost, and nothing is done twice."""

import asyncio
import os

import asyncpg
import pytest

from ledger.books import lane
from ledger.books.database import connect
from ledger.books.fence import LostConnection
from ledger.books.recall import NotDone
from ledger.books.writer import _Transaction
from ledger.core.aliases import AddAlias
from ledger.core.deposits import MakeDeposit
from tests.books.lanes import (
    balance,
    do,
    done,
    entries,
    fund,
    held_head,
    lane_on,
    pay,
    pay_between,
    refusal,
    run,
    value,
    waiting_for_lock,
)
from tests.books.relay import relayed
from tests.harness import Database, Databases


@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_connection_cut_around_the_commit_loses_nothing_and_does_nothing_twice(
    database: Database, fault: str
) -> None:
    async def story() -> None:
        async with relayed(database.service_url) as relay, lane_on(database, relay.url) as one:
            payer, payee = await fund(one, 2, 100)
            await done(one, pay(payer, payee))
            before = await entries(database)
            for _ in range(3):
                relay.fault = fault
                await done(one, pay(payer, payee, 10))
            assert relay.faults == 3
            assert await entries(database) == before + 3
            assert await balance(database, payer) == 69

    run(story())


def test_a_backend_still_at_work_is_fenced_before_its_batch_is_done_again(database: Database) -> None:
    async def story() -> None:
        async with relayed(database.service_url) as relay, lane_on(database, relay.url) as one:
            payer, payee = await fund(one, 2, 100)
            await done(one, pay(payer, payee))
            before = await entries(database)
            async with held_head(database):
                relay.fault = "during"
                first = asyncio.create_task(done(one, pay(payer, payee, 10)))
                await waiting_for_lock(database)
                await asyncio.sleep(0.3)
                assert not first.done()
            await first
            assert relay.faults == 1
            assert await entries(database) == before + 1
            assert await balance(database, payer) == 89

    run(story())


@pytest.mark.parametrize(("fault", "is_written"), [("before", False), ("after", True), ("during", True)])
def test_a_fault_of_the_relay_hides_whether_a_statement_was_done(
    database: Database, fault: str, is_written: bool
) -> None:
    """The control: to whoever only sees the connection end, done and not done look the same."""

    async def story() -> None:
        async with relayed(database.url) as relay:
            connection = await connect(relay.url)
            relay.fault = fault
            with pytest.raises((OSError, asyncpg.PostgresError)):
                await connection.execute(f"CREATE TABLE after_{fault} ()")
            await asyncio.sleep(0.1)
            assert await value(database, "SELECT to_regclass($1) IS NOT NULL", f"after_{fault}") is is_written

    run(story())


def test_a_commit_without_an_answer_is_fenced_and_done_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "COMMIT_SECONDS_MAX", 0.3)

    async def story() -> None:
        async with relayed(database.service_url) as relay, lane_on(database, relay.url) as one:
            payer, payee = await fund(one, 2, 100)
            await done(one, pay(payer, payee))
            before = await entries(database)
            relay.fault = "silence"
            await done(one, pay(payer, payee, 10))
            assert await entries(database) == before + 1

    run(story())


def test_an_explicit_transaction_counts_only_if_the_server_says_commit(database: Database) -> None:
    async def story() -> None:
        connection = await connect(database.service_url)
        try:
            with pytest.raises(LostConnection, match="ROLLBACK"):
                async with _Transaction(connection):
                    with pytest.raises(Exception, match="division"):
                        await connection.execute("SELECT 1 / 0")
        finally:
            await connection.close()

    run(story())


def test_a_database_that_cannot_write_blames_nobody_and_uses_up_no_key(databases: Databases) -> None:
    database = databases.new()
    read_only = f"ALTER ROLE chatledger_service IN DATABASE {database.name} SET default_transaction_read_only"

    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 100)
        key = os.urandom(16)
        await value(database, f"{read_only} = on")
        async with lane_on(database) as one:
            codes = await asyncio.gather(*(refusal(one, pay(payer, payee), each) for each in (key, os.urandom(16))))
            assert codes == ["unavailable", "unavailable"]
            await value(database, f"{read_only} = off")
            assert not (await done(one, pay(payer, payee), key)).replayed

    run(story())
    databases.drop(database)


def test_what_may_have_landed_is_never_called_undone(databases: Databases) -> None:
    """The answer to a commit is lost, and then nothing can be written any more: it was done, and nobody may deny it."""
    database = databases.new()
    read_only = f"ALTER ROLE chatledger_service IN DATABASE {database.name} SET default_transaction_read_only"

    async def story() -> None:
        async with relayed(database.service_url) as relay, lane_on(database, relay.url) as one:
            payer, payee = await fund(one, 2, 100)
            await done(one, pay(payer, payee))
            key = os.urandom(16)
            await value(database, f"{read_only} = on")
            relay.fault = "after"
            assert await refusal(one, pay(payer, payee, 10), key) == "outcome_unknown"
            await value(database, f"{read_only} = off")
            assert (await done(one, pay(payer, payee, 10), key)).replayed
            assert await balance(database, payer) == 89

    run(story())
    databases.drop(database)


def test_a_command_that_cannot_be_written_fails_alone(databases: Databases) -> None:
    database = databases.new()
    refuse = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.amount = 13 THEN RAISE EXCEPTION 'not thirteen' USING ERRCODE = 'check_violation'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON postings FOR EACH ROW EXECUTE FUNCTION refuse();
    """

    async def story() -> None:
        async with lane_on(database) as one:
            payer, payee = await fund(one, 2, 1_000)
            connection = await connect(database.url)
            await connection.execute(refuse)
            await connection.close()
            amounts = [*range(1, 20), 13]
            outcomes = await asyncio.gather(*(do(one, pay(payer, payee, amount)) for amount in amounts))
            failed = [
                (amount, outcome.error.code)
                for amount, outcome in zip(amounts, outcomes, strict=True)
                if isinstance(outcome, NotDone)
            ]
            assert failed == [(13, "internal"), (13, "internal")]
            assert await balance(database, payer) == 1_000 - sum(amounts) + 26

    run(story())
    databases.drop(database)


@pytest.mark.parametrize("rows", [0, 3_000, 30_000])
def test_the_plan_of_a_commit_does_not_depend_on_statistics(databases: Databases, rows: int) -> None:
    """On a fresh table, one grown tenfold since it was analysed, and a large one: each row is found by index."""
    database = databases.new()
    grow = """
        INSERT INTO accounts SELECT 1, 1000 + n, 'x' || n, 'available', 'EUR', 0, 0 FROM generate_series($1::int, $2) n
    """
    reads = """
        SELECT sum(coalesce(seq_tup_read, 0))::bigint, sum(coalesce(idx_tup_fetch, 0))::bigint
        FROM pg_stat_user_tables WHERE relname IN ('accounts', 'entries', 'refusals', 'postings')
    """

    async def story() -> None:
        connection = await connect(database.url)
        async with lane_on(database) as one:
            parties = await fund(one, 40, 1_000)
            if rows:
                await connection.execute(grow, 1, rows // 10)
                await connection.execute("ANALYZE")
                await connection.execute(grow, rows // 10 + 1, rows)
                await value(database, "UPDATE heads SET version = version + 1, accounts = accounts + 100000")
            await done(one, pay(parties[0], parties[1]))
            backend = one._writer._backend
            assert backend is not None
        await _flush_statistics(database)
        before = await connection.fetchrow(reads)
        async with lane_on(database) as one:
            for _ in range(5):
                pairs = [(parties[n], parties[n + 20]) for n in range(20)]
                await asyncio.gather(*(done(one, pay(*pair)) for pair in pairs))
        await _flush_statistics(database)
        after = await connection.fetchrow(reads)
        await connection.close()
        assert before is not None
        assert after is not None
        assert after[0] - before[0] == 0, "a table was read from end to end"
        assert after[1] - before[1] <= 100 * 12, "an index look-up found far more than the row it was for"

    run(story())
    databases.drop(database)


def test_an_old_snapshot_held_by_a_reader_does_not_stop_the_lane(database: Database) -> None:
    async def story() -> None:
        reader = await connect(database.url)
        async with lane_on(database) as one, reader.transaction(isolation="repeatable_read"):
            payer, payee = await fund(one, 2, 10_000)
            seen = await reader.fetchval("SELECT count(*) FROM entries")
            for _ in range(300):
                await done(one, pay(payer, payee))
            assert await reader.fetchval("SELECT count(*) FROM entries") == seen
            assert await balance(database, payer) == 9_700
        await reader.close()

    run(story())


async def _flush_statistics(database: Database) -> None:
    """A backend reports what it read when it ends, or when asked; the lane's has ended by now."""
    await asyncio.sleep(0.1)
    await value(database, "SELECT pg_stat_force_next_flush()")


def test_a_fault_while_rows_are_loaded_leaves_nobody_without_an_answer(database: Database) -> None:
    async def story() -> None:
        async with (
            relayed(database.service_url) as relay,
            lane_on(database) as other,
            lane_on(database, relay.url) as one,
        ):
            payer, payee = await fund(other, 2, 100)
            await done(one, pay_between(await fund(one, 2, 100)))
            relay.fault = "before"
            await done(one, pay(payer, payee, 10))
            assert relay.faults == 1
            assert await balance(database, payer) == 90

    run(story())


def test_rows_named_by_two_columns_are_loaded_by_index(databases: Databases) -> None:
    """References, the deposits that have them, and aliases are looked up one by one, even if nothing was analysed."""
    database = databases.new()
    fetched = """
        SELECT sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0))::bigint FROM pg_stat_user_tables
        WHERE relname IN ('deposits', 'aliases')
    """

    async def story() -> None:
        async with lane_on(database) as one:
            (party,) = await fund(one, 1, 0)
            await asyncio.gather(*(done(one, _deposit(party, n)) for n in range(1_500)))
            aliases = [AddAlias(party=party, channel="app", value=f"a{n}") for n in range(500)]
            await asyncio.gather(*(done(one, alias) for alias in aliases))
        await _flush_statistics(database)
        before = await value(database, fetched)
        async with lane_on(database) as one:
            await asyncio.gather(*(refusal(one, _deposit(party, n)) for n in range(300)))
            await asyncio.gather(*(refusal(one, pay(f"alias:app:a{n}", party)) for n in range(300)))
        await _flush_statistics(database)
        assert await value(database, fetched) - before == 3 * 300

    run(story())
    databases.drop(database)


def _deposit(party: str, n: int) -> MakeDeposit:
    return MakeDeposit(to=party, amount=1, currency="EUR", rail="test", rail_reference=f"r{n}")
