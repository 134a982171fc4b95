"""What the working set knows of payments: their rows, else what their entries tell, and refunds still on their way."""

from collections.abc import Iterable
from typing import Any

from ledger.books.database import Connection
from ledger.books.recall import entries_by_number
from ledger.books.rows import Loader, loader_of
from ledger.core.entries import Entry
from ledger.core.payments import payment_in
from ledger.core.rows import Payment

_rows = loader_of(Payment)


async def payments(connection: Connection, ledger_id: int, keys: list[int]) -> dict[Any, Any]:
    """Payments by the entries that made them: the row, else what the entry itself tells."""
    found = await _rows(connection, ledger_id, keys)
    others = await entries_by_number(connection, ledger_id, [key for key in keys if key not in found])
    add_payments(found, others.values())
    return found


def add_payments(found: dict[Any, Any], entries: Iterable[Entry]) -> None:
    """Add the payments that entries made without a row, be they read back, or decided and not yet written."""
    for entry in entries:
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


LOADERS: dict[str, Loader] = {
    "payments": payments,
    "open_refunds": open_refunds,
}
