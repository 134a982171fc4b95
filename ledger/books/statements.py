"""Statements: the postings of one account in their order, a page at a time."""

from datetime import date
from typing import NamedTuple

from ledger.books.accounts import StoredAccount
from ledger.books.database import Reader

_LINES = """
    WITH page AS (
        SELECT entry, n, change, balance, other FROM (
            (SELECT entry, n, -amount AS change, debit_balance AS balance, credit AS other FROM postings
             WHERE ledger_id = $1 AND (debit, entry, n) > ($2, $3, $4) AND (debit, entry) <= ($2, $5)
             ORDER BY debit, entry, n LIMIT $6)
            UNION ALL
            (SELECT entry, n, amount, credit_balance, debit FROM postings
             WHERE ledger_id = $1 AND (credit, entry, n) > ($2, $3, $4) AND (credit, entry) <= ($2, $5)
             ORDER BY credit, entry, n LIMIT $6)
        ) side ORDER BY entry, n LIMIT $6
    )
    SELECT p.entry, p.n, e.kind, micros(e.posted_at) AS posted_at, e.effective_on, p.change, p.balance, a.owner,
           e.private::json ->> 'memo' AS memo
    FROM page p,
    LATERAL (
        SELECT kind, posted_at, effective_on, private FROM entries WHERE ledger_id = $1 AND number = p.entry OFFSET 0
    ) e,
    LATERAL (SELECT owner FROM accounts WHERE ledger_id = $1 AND number = p.other OFFSET 0) a
    ORDER BY p.entry, p.n
"""


class Line(NamedTuple):
    """One posting of an account: by what it changed the balance, and what that was afterwards, in the natural sign.

    `posted_at` is microseconds since the epoch; `memo` is None where there was none, or once it was erased.
    """

    entry: int
    n: int
    kind: str
    posted_at: int
    effective_on: date
    change: int
    balance: int
    counterparty: str
    memo: str | None


async def lines(
    connection: Reader, ledger_id: int, account: StoredAccount, after: tuple[int, int], last_entry: int, limit: int
) -> list[Line]:
    """The first lines after a place (entry, n), up to an entry. What it costs depends on `limit` alone."""
    rows = await connection.fetch(_LINES, ledger_id, account.number, *after, last_entry, limit)
    return [
        Line(
            row["entry"],
            row["n"],
            row["kind"],
            row["posted_at"],
            row["effective_on"],
            row["change"] * account.sign,
            row["balance"] * account.sign,
            row["owner"],
            row["memo"],
        )
        for row in rows
    ]
