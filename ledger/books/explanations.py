"""Explanations of payouts: what made the wallet come to what was paid out, entry by entry, a page at a time."""

from typing import NamedTuple

from ledger.books.accounts import StoredAccount
from ledger.books.database import Reader

_LINES = """
    WITH page AS (
        SELECT entry FROM (
            (SELECT DISTINCT debit, entry FROM postings
             WHERE ledger_id = $1 AND (debit, entry) > ($2, $3) AND (debit, entry) < ($2, $4)
             ORDER BY debit, entry LIMIT $5)
            UNION ALL
            (SELECT DISTINCT credit, entry FROM postings
             WHERE ledger_id = $1 AND (credit, entry) > ($2, $3) AND (credit, entry) < ($2, $4)
             ORDER BY credit, entry LIMIT $5)
        ) side GROUP BY entry ORDER BY entry LIMIT $5
    )
    SELECT page.entry, e.kind, sum(p.change)::bigint AS change, (array_agg(p.balance ORDER BY p.n DESC))[1] AS balance
    FROM page,
    LATERAL (SELECT kind FROM entries WHERE ledger_id = $1 AND number = page.entry OFFSET 0) e,
    LATERAL (
        SELECT n, CASE WHEN debit = $2 THEN -amount ELSE amount END AS change,
               CASE WHEN debit = $2 THEN debit_balance ELSE credit_balance END AS balance
        FROM postings WHERE ledger_id = $1 AND entry = page.entry AND $2 IN (debit, credit) OFFSET 0
    ) p
    GROUP BY page.entry, e.kind ORDER BY page.entry
"""


class Explained(NamedTuple):
    """By how much an entry changed an account, all its postings together, and what the balance was after it; in the
    natural sign."""

    entry: int
    kind: str
    change: int
    balance: int


async def explained(
    connection: Reader, ledger_id: int, account: StoredAccount, after: int, before: int, limit: int
) -> list[Explained]:
    """The first entries that moved an account between two others, themselves left out. What it costs depends on
    `limit` alone."""
    rows = await connection.fetch(_LINES, ledger_id, account.number, after, before, limit)
    sign = account.sign
    return [Explained(row["entry"], row["kind"], row["change"] * sign, row["balance"] * sign) for row in rows]
