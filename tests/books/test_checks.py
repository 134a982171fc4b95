"""Each check is shown a ledger that was tampered with, and must name the place; of an honest one it must find nothing.

The tampering is done by a superuser inside a transaction that is rolled back, so all cases share one small ledger.
"""

import asyncio
import os

import pytest

from ledger.books.background import BackgroundChecks
from ledger.books.calls import Call
from ledger.books.checking import FINDINGS_MAX, Finding, looks
from ledger.books.checks import CHECKS, UnknownCheck, run_checks
from ledger.books.database import Connection, connect_checks
from ledger.core.parties import CreateParty
from ledger.core.rows import AGREEMENTS
from tests.books.agreed import BY_TILL, LAST, NO_CONSTRAINTS, SAMPLES, SUMS, Case, flip
from tests.books.lanes import done, lane_on, pay, refusal, run
from tests.books.tampering import ALICE, CASES, STORY, deposit
from tests.harness import PREPARED_ENTRIES, Database, Databases, Superuser


@pytest.fixture(scope="module")
def books(database: Database) -> Database:
    """The story, told by a lane. Entries made by nobody else: no service runs on it."""

    async def tell() -> None:
        async with lane_on(database) as lane:
            for number, command in STORY.items():
                assert number == (await done(lane, command)).entry.number
            till = Call(pay("alice", "bob"), os.urandom(16), "key_32", "req_1", by_key=True)
            assert BY_TILL == max(STORY) + 1
            calls = [Call(pay("alice", "bob"), os.urandom(16), "key_1", "req_1") for _ in range(BY_TILL + 1, LAST + 1)]
            calls.insert(0, till)
            await lane.submit_all(calls, atomic=False)
            assert "insufficient_funds" == await refusal(lane, pay("bob", "alice", 1_000_000))

    assert PREPARED_ENTRIES + 1 == min(STORY)
    run(tell())
    return database


def found(
    books: Database, tampering: str = "SELECT", names: list[str] | None = None, stretch: int = 5_000
) -> list[Finding]:
    """What the checks find once the tampering is done; afterwards it is undone."""
    (findings,) = found_each(books, [tampering], names, stretch)
    return findings


def found_each(
    books: Database, tamperings: list[str], names: list[str] | None, stretch: int = 5_000, before: str = "SELECT"
) -> list[list[Finding]]:
    """The same of each tampering by itself, over one connection; `before` all of them something else is done once."""
    checks = [check for check in CHECKS if names is None or check.name in names]

    async def look(connection: Connection, tampering: str) -> list[Finding]:
        point = connection.transaction()
        await point.start()
        await connection.execute(f"{tampering}; SET LOCAL ROLE chatledger_auditor")
        found = [each async for look in looks(connection, books.ledger_id, checks, stretch) for each in look.findings]
        await point.rollback()
        return found

    async def look_at_each() -> list[list[Finding]]:
        connection = await connect_checks(books.url)
        transaction = connection.transaction()
        try:
            await transaction.start()
            await connection.execute(
                f"""
                SET TRANSACTION READ WRITE; SET LOCAL ROLE NONE; SET LOCAL chatledger.ledger_id = {books.ledger_id};
                {before}
                """
            )
            return [await look(connection, tampering) for tampering in tamperings]
        finally:
            await transaction.rollback()
            await connection.close()

    return run(look_at_each())


def test_an_honest_ledger_has_no_exceptions(books: Database) -> None:
    assert [] == found(books)


def test_a_new_ledger_has_no_exceptions(databases: Databases) -> None:
    fresh = databases.new()
    with Superuser(fresh.url) as superuser:
        empty = superuser.value("SELECT create_ledger('empty', 'test.invalid/log/empty')")
    assert [] == found(fresh._replace(ledger_id=empty))
    databases.drop(fresh)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}: {case.where}")
def test_tampering_is_named_with_its_place(case: Case, books: Database) -> None:
    assert (case.check, case.where) in {each[:2] for each in found(books, case.tampering, [case.check])}


@pytest.mark.parametrize("case", SUMS, ids=lambda case: f"{case.check}: {case.where}")
def test_a_sum_speaks_where_a_row_and_its_entry_agree(case: Case, books: Database) -> None:
    assert (case.check, case.where) in {each[:2] for each in found(books, case.tampering, [case.check])}
    assert [] == found(books, case.tampering, ["agreements"])


def test_every_table_of_agreements_has_been_tampered_with() -> None:
    assert AGREEMENTS.keys() == SAMPLES.keys()


async def _columns(books: Database, table: str) -> dict[str, str]:
    connection = await connect_checks(books.url)
    try:
        query = """
            SELECT column_name, data_type FROM information_schema.columns
            WHERE table_schema = 'ledger' AND table_name = $1 AND column_name <> 'ledger_id' ORDER BY ordinal_position
        """
        return {row["column_name"]: row["data_type"] for row in await connection.fetch(query, table)}
    finally:
        await connection.close()


@pytest.mark.parametrize("table", SAMPLES)
def test_each_column_of_each_table_of_agreements_is_compared(table: str, books: Database) -> None:
    row = SAMPLES[table].row
    columns = run(_columns(books, table))
    assert [*AGREEMENTS[table].columns()] == [*columns]
    flips = [f"UPDATE {table} SET {flip(*column)} WHERE {row}" for column in columns.items()]
    findings = found_each(books, flips, ["agreements"], before=NO_CONSTRAINTS)
    assert [*AGREEMENTS[table].hidden] == [column for column, told in zip(columns, findings, strict=True) if not told]


@pytest.mark.parametrize("time", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_a_time_beyond_the_calendar_is_named_like_any_other(time: str, books: Database) -> None:
    tampering = f"""
        UPDATE holds SET expires_at = '{time}' WHERE entry = 47;
        UPDATE payment_requests SET expires_at = '{time}' WHERE entry = 53;
        UPDATE suspense_items SET arrived_on = '{time}' WHERE entry = 101
    """
    places = {each.where for each in found(books, tampering, ["agreements"])}
    assert {"holds 47", "payment_requests 53 0", "suspense_items 101"} == places


def test_what_not_even_python_can_reckon_with_stops_no_other_check(books: Database) -> None:
    tampering = """
        UPDATE public_keys SET valid_from = '20000-01-01' WHERE entry = 28;
        UPDATE suspense_items SET remaining = 39 WHERE entry = 10
    """
    assert {"public-keys", "suspense"} <= {each.check for each in found(books, tampering)}


def test_every_check_has_been_shown_something_to_find() -> None:
    assert {check.name for check in CHECKS} == {case.check for case in CASES}


@pytest.mark.parametrize("stretch", [1, 7, 256])
def test_how_long_the_stretches_are_makes_no_difference(stretch: int, books: Database) -> None:
    tampering = f"""
        UPDATE postings SET debit_balance = debit_balance + 1 WHERE entry IN (9, 12, 200);
        DELETE FROM entries WHERE number = 8;
        UPDATE accounts SET balance = balance + 1 WHERE number = {ALICE};
        UPDATE parties SET state = 'frozen' WHERE id IN ('alice', 'dora');
        UPDATE aliases SET party = 'zoe' WHERE entry = 5
    """
    assert sorted(found(books, tampering)) == sorted(found(books, tampering, stretch=stretch))
    assert [] == found(books, stretch=stretch)


def test_only_what_is_named_is_looked_at(books: Database) -> None:
    tampering = f"UPDATE accounts SET balance = balance + 1 WHERE number = {ALICE}"
    assert {"balances", "currencies"} == {each.check for each in found(books, tampering)}
    assert {"currencies"} == {each.check for each in found(books, tampering, ["currencies", "below-zero"])}


def test_a_name_that_no_check_has_is_answered_with_those_there_are(books: Database) -> None:
    async def ask() -> None:
        connection = await connect_checks(books.url)
        try:
            await run_checks(connection, books.ledger_id, ["balance"])
        finally:
            await connection.close()

    with pytest.raises(UnknownCheck, match="no check balance. There are: numbering, "):
        run(ask())


def test_erasing_leaves_nothing_to_find(books: Database) -> None:
    assert [] == found(books, f"SELECT erase(1, number) FROM generate_series(1, {LAST}) number")


def test_what_cannot_be_read_is_an_exception_and_stops_no_other_check(books: Database) -> None:
    tampering = """
        UPDATE entries SET body = '[]' WHERE number = 8;
        UPDATE suspense_items SET remaining = 49 WHERE entry = 10
    """
    seen = {(each.check, each.where) for each in found(books, tampering)}
    assert {("agreements", f"entries 0–{LAST}"), ("bodies", "entry 8"), ("suspense", "suspense")} <= seen


def test_of_each_check_no_more_is_told_than_anybody_can_read(books: Database) -> None:
    told = found(books, "UPDATE entries SET leaf = sha256('')", ["leaves"], stretch=64)
    assert FINDINGS_MAX == len(told)


def test_whoever_connects_looks_as_the_auditor(books: Database) -> None:
    async def user(url: str) -> str:
        connection = await connect_checks(url)
        try:
            return str(await connection.fetchval("SELECT current_user"))
        finally:
            await connection.close()

    assert ["chatledger_auditor"] * 2 == [run(user(url)) for url in (books.url, books.service_url)]


def test_while_payments_are_made_nothing_is_found(databases: Databases) -> None:
    """Accounts change between the looks at them, and the head moves on: none of that is an exception."""
    busy = databases.new()

    async def rounds(connection: Connection) -> list[Finding]:
        told = [each async for look in looks(connection, busy.ledger_id, CHECKS, 20) for each in look.findings]
        return told + await run_checks(connection, busy.ledger_id)

    async def story() -> list[Finding]:
        connection = await connect_checks(busy.url)
        async with lane_on(busy) as lane:
            for command in (STORY[5], STORY[6], deposit("alice", 1_000_000)):
                await done(lane, command)
            looking = asyncio.create_task(rounds(connection))
            while not looking.done():
                await asyncio.gather(*(done(lane, pay("alice", "bob")) for _ in range(3)))
                await asyncio.gather(done(lane, pay("bob", "alice", 2)), done(lane, deposit("bob", 5)))
                await asyncio.gather(
                    done(lane, deposit(None, 5)),
                    done(lane, CreateParty(id=f"p{os.urandom(6).hex()}", party_kind="person")),
                )
        await connection.close()
        return await looking

    assert [] == run(story())
    databases.drop(busy)


def test_the_background_looks_at_every_ledger_and_says_how_far(books: Database) -> None:
    async def first_results() -> BackgroundChecks:
        checks = BackgroundChecks(books.service_url)
        checks.start()
        while not checks.results:
            await asyncio.sleep(0.01)
        await checks.stop()
        return checks

    (result,) = run(first_results()).results.values()
    assert ([], LAST) == (result.findings, result.through_entry)
