"""Suspense read back: money that arrived for nobody known, as it lay there once an entry was booked."""

from datetime import date
from typing import NamedTuple

from ledger.books.database import Reader

_OPEN = """
    WITH there AS (
        SELECT entry, sum(amount)::bigint AS taken_since FROM (
            (SELECT entry, 0 AS amount FROM suspense_items
             WHERE ledger_id = $1 AND state = 'open' AND entry > $3 AND entry <= $2 AND arrived_on < $4
             ORDER BY entry LIMIT $5)
            UNION ALL
            -- What was taken out since, or came back: each such entry says which one item it left so.
            SELECT (e.body::json #>> '{result,rows,suspense_items,0,entry}')::bigint, p.amount
            FROM accounts a,
            LATERAL (
                (SELECT entry, amount FROM postings
                 WHERE ledger_id = $1 AND (debit, entry) > (a.number, $2) AND debit <= a.number
                 ORDER BY debit, entry, n)
                UNION ALL
                (SELECT entry, -amount FROM postings
                 WHERE ledger_id = $1 AND (credit, entry) > (a.number, $2) AND credit <= a.number
                 ORDER BY credit, entry, n)
                OFFSET 0
            ) p,
            LATERAL (SELECT body FROM entries WHERE ledger_id = $1 AND number = p.entry OFFSET 0) e
            WHERE a.ledger_id = $1 AND a.owner = 'platform' AND a.role = 'suspense'
        ) either WHERE entry > $3 AND entry <= $2 GROUP BY entry ORDER BY entry
    )
    SELECT there.entry, s.amount, s.remaining + there.taken_since AS remaining, s.currency, s.reason, s.arrived_on,
           s.rail, d.rail_reference, s.party
    FROM there,
    LATERAL (SELECT * FROM suspense_items WHERE ledger_id = $1 AND entry = there.entry OFFSET 0) s
    LEFT JOIN LATERAL (
        SELECT rail_reference FROM deposits WHERE ledger_id = $1 AND entry = s.entry OFFSET 0
    ) d ON true
    WHERE s.arrived_on < $4 AND s.remaining + there.taken_since > 0
    ORDER BY there.entry LIMIT $5
"""
_AS_NOW = """
    SELECT s.entry, s.amount, s.remaining, s.currency, s.reason, s.arrived_on, s.rail, d.rail_reference, s.party
    FROM suspense_items s LEFT JOIN LATERAL (
        SELECT rail_reference FROM deposits WHERE ledger_id = $1 AND entry = s.entry OFFSET 0
    ) d ON true
    WHERE s.ledger_id = $1
"""


class Item(NamedTuple):
    """Money in suspense, or that was until nothing remained, with the reference of the deposit that brought it, if one
    did; `entry` made both. Amounts are in minor units; `party` is whom it was meant for, if that is known."""

    entry: int
    amount: int
    remaining: int
    currency: str
    reason: str
    arrived_on: date
    rail: str
    rail_reference: str | None
    party: str | None


class Now(NamedTuple):
    """The present: the last entry, the ledger's time zone, the database's clock in microseconds since the epoch."""

    head: int
    time_zone: str
    micros: int


async def now(connection: Reader, ledger_id: int) -> Now:
    """What `as of` means when nothing else is said."""
    row = await connection.fetchrow(
        """
        SELECT h.number, s.time_zone, micros(now()) FROM heads h JOIN settings s USING (ledger_id)
        WHERE h.ledger_id = $1
        """,
        ledger_id,
    )
    if row is None:
        raise LookupError(f"ledger {ledger_id} has no head")
    return Now(*row)


async def open_items(
    connection: Reader, ledger_id: int, as_of_entry: int, after: int, arrived_before: date, limit: int
) -> list[Item]:
    """The first items after the entry `after` that were open once the entry `as_of_entry` was booked.

    Those are what is open now, and what was taken out since; so it costs as much as has happened since.
    """
    rows = await connection.fetch(_OPEN, ledger_id, as_of_entry, after, arrived_before, limit)
    return [Item(*row) for row in rows]


async def cleared_items(
    connection: Reader, ledger_id: int, until: int, after: int, arrived_before: date, limit: int
) -> list[Item]:
    """The first items after the entry `after`, up to the entry `until`, of which nothing remains."""
    sql = f"""
        {_AS_NOW} AND s.state = 'cleared' AND s.entry <= $2 AND s.entry > $3 AND s.arrived_on < $4
        ORDER BY s.entry LIMIT $5
    """
    return [Item(*row) for row in await connection.fetch(sql, ledger_id, until, after, arrived_before, limit)]


async def item(connection: Reader, ledger_id: int, entry: int) -> Item | None:
    """The item that an entry made, as it is now; None if it made none."""
    row = await connection.fetchrow(f"{_AS_NOW} AND s.entry = $2", ledger_id, entry)
    return Item(*row) if row is not None else None
