"""Reports: the trial balance, summed from the postings themselves.

It is summed a stretch of entries at a time, by short queries, so that it holds no snapshot however long the history is;
entries never change, so it comes out as if it had been summed at once. To look up two accounts for each posting would
cost twenty times as much as the sums: which row of the report an account belongs to is therefore found out first, and
goes along with every query as a table of two bytes an account.
"""

from datetime import date
from typing import Any, NamedTuple

import msgspec

from ledger.books.database import Reader
from ledger.core.chart import ROLES

CLIENTS = "clients"
"""The owner that stands for all parties together."""
ENTRIES_AT_ONCE = 50_000
ACCOUNTS_AT_ONCE = 100_000

_CLIENT_ROLES = [role.name for role in ROLES.values() if role.owner == "party"]

_PLACES = """
    SELECT string_agg(int2send((coalesce(array_position($4::text[], role), 1) - 1)::smallint), '' ORDER BY number)
               AS places,
           array_agg(number) FILTER (WHERE role <> ALL ($4)) AS numbers,
           array_agg(owner) FILTER (WHERE role <> ALL ($4)) AS owners,
           array_agg(role) FILTER (WHERE role <> ALL ($4)) AS roles
    FROM accounts WHERE ledger_id = $1 AND number > $2 AND number <= $3
"""
_SUMS = """
    SELECT p.currency, {is_before} AS is_before,
           get_byte($4, (p.debit * 2)::int) * 256 + get_byte($4, (p.debit * 2 + 1)::int) AS debit_row,
           get_byte($4, (p.credit * 2)::int) * 256 + get_byte($4, (p.credit * 2 + 1)::int) AS credit_row,
           sum(p.amount) AS amount
    FROM postings p {dated}
    WHERE p.ledger_id = $1 AND p.entry > $2 AND p.entry <= $3 {is_within}
    GROUP BY 1, 2, 3, 4
"""
_SUMS_POSTED = _SUMS.format(is_before="p.entry <= $5", dated="", is_within="")
_SUMS_EFFECTIVE = _SUMS.format(
    is_before="e.effective_on < $5",
    dated=", LATERAL (SELECT effective_on FROM entries WHERE ledger_id = $1 AND number = p.entry OFFSET 0) e",
    is_within="AND e.effective_on < $6",
)


class Head(NamedTuple):
    """How far the books have come: the last entry, and how many accounts there are."""

    number: int
    accounts: int


class Group(NamedTuple):
    """The accounts that one row of a report shows; `owner` is `clients`, or whoever else owns them."""

    currency: str
    owner: str
    role: str


class Sums(msgspec.Struct):
    """What was debited and credited before a period and in it, in minor units."""

    debits_before: int = 0
    credits_before: int = 0
    debits: int = 0
    credits: int = 0


async def head(connection: Reader, ledger_id: int) -> Head:
    """The books as they are now."""
    row = await connection.fetchrow("SELECT number, accounts FROM heads WHERE ledger_id = $1", ledger_id)
    if row is None:
        raise LookupError(f"ledger {ledger_id} has no head")
    return Head(*row)


async def sums_posted(connection: Reader, ledger_id: int, before: int, until: Head) -> dict[Group, Sums]:
    """The sums of all entries up to `until`; the period begins after the entry `before`."""
    return await _sums(connection, ledger_id, until, _SUMS_POSTED, before)


async def sums_effective(
    connection: Reader, ledger_id: int, since: date | None, before: date | None, until: Head
) -> dict[Group, Sums]:
    """The sums of those entries up to `until` whose accounting date lies before a day; the period begins at `since`."""
    # asyncpg writes Python's first and last date as Postgres's -infinity and infinity.
    return await _sums(connection, ledger_id, until, _SUMS_EFFECTIVE, since or date.min, before or date.max)


async def _sums(connection: Reader, ledger_id: int, until: Head, query: str, *bounds: Any) -> dict[Group, Sums]:
    places, report_rows = await _report_rows(connection, ledger_id, until.accounts)
    groups: dict[Group, Sums] = {}
    for first in range(0, until.number, ENTRIES_AT_ONCE):
        last = min(first + ENTRIES_AT_ONCE, until.number)
        for row in await connection.fetch(query, ledger_id, first, last, places, *bounds):
            amount = int(row["amount"])
            debited = groups.setdefault(Group(row["currency"], *report_rows[row["debit_row"]]), Sums())
            credited = groups.setdefault(Group(row["currency"], *report_rows[row["credit_row"]]), Sums())
            if row["is_before"]:
                debited.debits_before += amount
                credited.credits_before += amount
            else:
                debited.debits += amount
                credited.credits += amount
    return groups


async def _report_rows(connection: Reader, ledger_id: int, accounts: int) -> tuple[bytes, list[tuple[str, str]]]:
    """The report's rows as (owner, role), and for each account, by its number, which of them it is in."""
    report_rows = {(CLIENTS, role): place for place, role in enumerate(_CLIENT_ROLES)}
    places = bytearray(2)  # accounts are numbered from 1
    for first in range(0, accounts, ACCOUNTS_AT_ONCE):
        last = min(first + ACCOUNTS_AT_ONCE, accounts)
        found = await connection.fetchrow(_PLACES, ledger_id, first, last, _CLIENT_ROLES)
        if found is None or len(found["places"]) != (last - first) * 2:
            raise LookupError(f"ledger {ledger_id} lacks some of the accounts {first + 1} to {last}")
        places += found["places"]
        others = zip(found["numbers"] or (), found["owners"] or (), found["roles"] or (), strict=True)
        for number, owner, role in others:
            place = report_rows.setdefault((owner, role), len(report_rows))
            places[number * 2 : number * 2 + 2] = place.to_bytes(2, "big")
    return bytes(places), list(report_rows)
