"""Payments that keep no row yet: transfers and deposits, told from what their entries left."""

from collections.abc import Sequence
from typing import Any

from ledger.books.database import Connection
from ledger.core.entries import Entry
from ledger.core.payments import payment_in
from ledger.core.rows import Payment

_COLUMNS = ", ".join(f'"{name}"' for name in Payment.columns())


async def payments(connection: Connection, ledger_id: int, keys: list[int]) -> dict[Any, Any]:
    """Payments by the entries that made them: the row, else what a transfer's posting or a deposit's row says.

    A transfer that waited to be claimed went into escrow, and so is none here: its claim tells it.
    """
    kept = await connection.fetch(
        f"""
        SELECT p.* FROM unnest($2::bigint[]) AS k (entry), LATERAL (
            SELECT {_COLUMNS} FROM payments WHERE ledger_id = $1 AND entry = k.entry OFFSET 0
        ) p
        """,
        ledger_id,
        keys,
    )
    told = await connection.fetch(
        """
        SELECT k.entry, 'transfer' AS kind, d.owner AS payer, c.owner AS payee, p.amount, p.currency, NULL AS rail
        FROM unnest($2::bigint[]) AS k (entry), LATERAL (
            SELECT kind FROM entries WHERE ledger_id = $1 AND number = k.entry OFFSET 0
        ) e, LATERAL (
            SELECT debit, credit, amount, currency FROM postings WHERE ledger_id = $1 AND entry = k.entry OFFSET 0
        ) p, LATERAL (
            SELECT owner, role FROM accounts WHERE ledger_id = $1 AND number = p.debit OFFSET 0
        ) d, LATERAL (
            SELECT owner, role FROM accounts WHERE ledger_id = $1 AND number = p.credit OFFSET 0
        ) c
        WHERE e.kind IN ('transfer', 'payment_request.pay') AND d.role = 'available' AND c.role = 'available'
        UNION ALL
        SELECT d.* FROM unnest($2::bigint[]) AS k (entry), LATERAL (
            SELECT entry, 'deposit', NULL, party, amount, currency, rail FROM deposits
            WHERE ledger_id = $1 AND entry = k.entry AND party IS NOT NULL AND reason IS NULL OFFSET 0
        ) d
        """,
        ledger_id,
        keys,
    )
    found = {row["entry"]: Payment(row["entry"], *row) for row in told}
    return found | {row["entry"]: Payment(*row) for row in kept}


def add_decided(found: dict[Any, Any], decided: Sequence[Entry]) -> None:
    """Add the payments of entries that are decided and not yet written."""
    for entry in decided:
        payment = payment_in(entry)
        if payment is not None:
            found[entry.number] = payment


async def open_refunds(connection: Connection, ledger_id: int, keys: list[int]) -> dict[Any, Any]:
    """The refunds of which the rail has yet to speak, by the entries that made what they are of."""
    rows = await connection.fetch(
        """
        SELECT k.of, r.entries FROM unnest($2::bigint[]) AS k (of), LATERAL (
            SELECT array_agg(entry ORDER BY entry) AS entries FROM (
                SELECT entry FROM refunds WHERE ledger_id = $1 AND of = k.of AND state = 'requested' OFFSET 0
            ) each
        ) r
        """,
        ledger_id,
        keys,
    )
    return {row["of"]: tuple(row["entries"] or ()) for row in rows}
