"""Which claims can be taken is found out of many that wait, without looking through all of them each time."""

import asyncio
from typing import cast

import pytest

from ledger.books import claims_due
from ledger.books.claims_due import ClaimsDue
from ledger.books.database import Reader, turn
from tests.books.test_reads_sql import Counting, read_pool_of
from tests.harness import Database, Superuser

LEDGER, PENDING, NEWER = 9, 100_000, 40
KNOWN = 7_000
"""Of those that wait every so many-th is for an alias that somebody has."""


@pytest.fixture(scope="module", params=["fresh", "analysed"])
def waiting(request: pytest.FixtureRequest, database: Database, superuser: Superuser) -> Database:
    """A hundred thousand claims that wait, some for an alias that a party has, every other of which is frozen; and
    entries to come."""
    if request.param == "analysed":
        superuser.run_script("ANALYZE")
        return database
    superuser.run_script(
        f"""
        ALTER TABLE claims SET (autovacuum_enabled = off);
        INSERT INTO ledgers VALUES ({LEDGER}, 'waiting', 'waiting');
        INSERT INTO heads VALUES ({LEDGER}, 1, {PENDING}, 0, now(), sha256(''), '');
        INSERT INTO claims SELECT {LEDGER}, e, e, 'ann', 1, 'EUR', 'pending_claim', 'infinity', NULL,
            'alias:mail:' || e || ':x' FROM generate_series(1, {PENDING}) e;
        INSERT INTO parties
        SELECT {LEDGER}, e, e, 'p' || e, 'person', CASE WHEN e % 2 = 0 THEN 'open' ELSE 'frozen' END, 'never', NULL,
               false, NULL, NULL
        FROM generate_series(1, 20) e;
        INSERT INTO aliases
        SELECT {LEDGER}, 'mail', e * {KNOWN} || ':x', 1, 'p' || e FROM generate_series(1, 10) e;
        INSERT INTO entries
        SELECT {LEDGER}, e, 'epoch'::timestamptz + e * interval '1 second', '2026-01-01', 'transfer',
               substring(sha256(e::text::bytea) FOR 16), sha256(''), '{{}}', NULL
        FROM generate_series({PENDING} + 1, {PENDING} + {NEWER}) e;
        """
    )
    return database


def found(*numbers: int) -> list[str]:
    return [f"transfer_{number * KNOWN}" for number in numbers]


async def look(database: Database, due: ClaimsDue) -> tuple[list[str], int]:
    async with read_pool_of(database) as connection:
        await turn(connection, LEDGER)
        reader = Counting(connection)
        return await due.find(cast(Reader, reader), LEDGER, 500), reader.blocks


def test_the_first_look_finds_all_whose_alias_somebody_has_who_can_be_paid(waiting: Database) -> None:
    due = ClaimsDue()
    names = [name for _ in range(3) for name in asyncio.run(look(waiting, due))[0]]
    assert set(found(2, 4, 6, 8, 10)) <= set(names)
    assert set() == set(found(1, 3, 5, 7, 9)) & set(names)


def test_what_was_tried_is_not_tried_again_unless_nobody_answered(waiting: Database) -> None:
    due = ClaimsDue()
    for _ in range(3):
        names, _ = asyncio.run(look(waiting, due))
    due.tried(LEDGER, names, [name != names[0] for name in names])
    assert names[:1] == asyncio.run(look(waiting, due))[0]


def test_between_two_looks_at_all_of_them_the_waiting_cost_nothing(waiting: Database) -> None:
    due = ClaimsDue()
    for _ in range(4):
        asyncio.run(look(waiting, due))
    assert asyncio.run(look(waiting, due))[1] < 8


def test_whoever_gets_an_alias_later_is_found_by_its_entry(waiting: Database, superuser: Superuser) -> None:
    due = ClaimsDue()
    for _ in range(3):
        names, _ = asyncio.run(look(waiting, due))
    due.tried(LEDGER, names, [True] * len(names))
    entry = superuser.value(f"SELECT number + 1 FROM heads WHERE ledger_id = {LEDGER}")
    party = f"p{2 + 2 * (entry % 2)}"
    superuser.run_script(
        f"""
        INSERT INTO aliases VALUES ({LEDGER}, 'mail', '{entry % 1000}:x', {entry}, '{party}');
        UPDATE entries SET kind = 'alias.add', body = '{{"request": {{"party": "{party}"}}}}'
        WHERE ledger_id = {LEDGER} AND number = {entry};
        UPDATE heads SET number = {entry} WHERE ledger_id = {LEDGER}
        """
    )
    names, blocks = asyncio.run(look(waiting, due))
    assert f"transfer_{entry % 1000}" in names
    assert blocks < 100


def test_after_ten_minutes_all_of_them_are_looked_at_again(waiting: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    due = ClaimsDue()
    for _ in range(3):
        names, _ = asyncio.run(look(waiting, due))
    due.tried(LEDGER, names, [True] * len(names))
    assert [] == asyncio.run(look(waiting, due))[0]
    monkeypatch.setattr(claims_due, "ALL_SECONDS", 0.0)
    assert [] != asyncio.run(look(waiting, due))[0]
