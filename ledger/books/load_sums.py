"""What the working set knows by counting or summing: what parties paid today, and what stands open with them."""

from collections.abc import Sequence
from typing import Any

from ledger.books.database import Connection
from ledger.books.rows import Loader
from ledger.core.books import Spent
from ledger.core.entries import Entry
from ledger.core.invoices import PAYABLE
from ledger.core.limits import PAID_INTO, PAYING_KINDS
from ledger.core.rows import day_of, moment


async def spent(connection: Connection, ledger_id: int, keys: list[tuple[str, str, str]]) -> dict[Any, Any]:
    """What parties have paid today, by party, currency and the time zone of the day: summed from its postings.

    Where the books are ahead of the database's clock, today is the day of their last entry: the next is no earlier.
    """
    rows = await connection.fetch(
        """
        SELECT k.owner, k.currency, k.zone, today.day, least(coalesce(p.sum, 0), 9007199254740991)::bigint AS sum,
               coalesce(p.times, 0) AS times
        FROM (
            SELECT zone, day, last_entry_before($1, day::timestamp AT TIME ZONE zone) AS before FROM (
                SELECT zone, (greatest(clock_timestamp(), h.posted_at) AT TIME ZONE zone)::date AS day
                FROM heads h, (SELECT DISTINCT zone FROM unnest($4::text[]) z (zone)) zones
                WHERE h.ledger_id = $1 OFFSET 0
            ) now OFFSET 0
        ) today JOIN unnest($2::text[], $3::text[], $4::text[]) AS k (owner, currency, zone) ON k.zone = today.zone
        LEFT JOIN LATERAL (
            SELECT number FROM accounts
            WHERE ledger_id = $1 AND owner = k.owner AND role = 'available' AND currency = k.currency OFFSET 0
        ) a ON true
        LEFT JOIN LATERAL (
            SELECT sum(p.amount) AS sum, count(DISTINCT p.entry) AS times FROM (
                SELECT entry, credit, amount FROM postings
                WHERE ledger_id = $1 AND debit = a.number AND entry > today.before OFFSET 0
            ) p, LATERAL (
                SELECT kind FROM entries WHERE ledger_id = $1 AND number = p.entry OFFSET 0
            ) e, LATERAL (
                SELECT role FROM accounts WHERE ledger_id = $1 AND number = p.credit OFFSET 0
            ) c
            WHERE e.kind = ANY ($5) AND c.role = ANY ($6)
        ) p ON true
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
        list(PAYING_KINDS),
        list(PAID_INTO),
    )
    return {tuple(row)[:3]: Spent(*tuple(row)[3:]) for row in rows}


def add_decided(found: dict[Any, Any], decided: Sequence[Entry]) -> None:
    """Add what was paid by entries that are decided and not yet written, which a query does not see."""
    for entry in decided:
        if entry.kind not in PAYING_KINDS:
            continue
        paid: dict[tuple[str, str], int] = {}
        for posting in entry.postings:
            if posting.debit.role == "available" and posting.credit.role in PAID_INTO:
                of = posting.debit.owner, posting.debit.currency
                paid[of] = paid.get(of, 0) + posting.amount
        for (owner, currency, zone), before in list(found.items()):
            day = day_of(moment(entry.posted_at), zone)
            if (owner, currency) in paid and day >= before.day:
                since = before if day == before.day else Spent(day, 0, 0)
                now = Spent(day, since.amount + paid[owner, currency], since.times + 1)
                found[owner, currency, zone] = now


async def open_requests(connection: Connection, ledger_id: int, keys: list[tuple[str, str]]) -> dict[Any, Any]:
    """How many payment requests stand open, by payer and payee."""
    rows = await connection.fetch(
        """
        SELECT k.payer, k.payee, r.count FROM unnest($2::text[], $3::text[]) AS k (payer, payee), LATERAL (
            SELECT count(*) AS count FROM payment_requests
            WHERE ledger_id = $1 AND payer = k.payer AND payee = k.payee AND state = 'open' OFFSET 0
        ) r
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
    )
    return {(row["payer"], row["payee"]): row["count"] for row in rows}


async def open_things(connection: Connection, ledger_id: int, keys: list[str]) -> dict[Any, Any]:
    """How many invoices, payment requests, splits, refunds and payouts stand open with a party, on either side, and how
    many holds for it: the payer of one has an account that is not empty."""
    # The states stand in the query itself: an array's length the planner would guess, and take a worse index.
    rows = await connection.fetch(
        f"""
        SELECT k.party, count(*) AS count FROM unnest($2::text[]) AS k (party), LATERAL (
            SELECT FROM invoices WHERE ledger_id = $1 AND merchant = k.party AND state IN {PAYABLE}
            UNION ALL
            SELECT FROM invoices WHERE ledger_id = $1 AND customer = k.party AND state IN {PAYABLE}
            UNION ALL
            SELECT FROM holds WHERE ledger_id = $1 AND payee = k.party AND state = 'open'
            UNION ALL
            SELECT FROM payment_requests WHERE ledger_id = $1 AND payer = k.party AND state = 'open'
            UNION ALL
            SELECT FROM payment_requests WHERE ledger_id = $1 AND payee = k.party AND state = 'open'
            UNION ALL
            SELECT FROM splits WHERE ledger_id = $1 AND payee = k.party AND state = 'open'
            UNION ALL
            SELECT FROM refunds WHERE ledger_id = $1 AND party = k.party AND state = 'requested'
            UNION ALL
            SELECT FROM payouts WHERE ledger_id = $1 AND party = k.party AND state IN ('requested', 'in_transit')
            OFFSET 0
        ) open GROUP BY k.party
        """,
        ledger_id,
        keys,
    )
    return {row["party"]: row["count"] for row in rows}


LOADERS: dict[str, Loader] = {
    "open_requests": open_requests,
    "open_things": open_things,
    "spent": spent,
}
