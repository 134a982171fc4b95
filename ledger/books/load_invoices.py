"""What the working set knows of invoices that no row says by itself: external references, and what can be paid."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ledger.books.database import Connection
from ledger.books.rows import Loader
from ledger.core.entries import Entry
from ledger.core.invoices import PAYABLE
from ledger.core.open_invoices import KNOWN_MAX, NO_DATE, OpenInvoice, OpenInvoices
from ledger.core.rows import Invoice


async def invoice_refs(connection: Connection, ledger_id: int, keys: list[tuple[str, str]]) -> dict[Any, Any]:
    """The invoice of a merchant's that has an external reference of its own."""
    rows = await connection.fetch(
        """
        SELECT k.merchant, k.external_ref, i.entry
        FROM unnest($2::text[], $3::text[]) AS k (merchant, external_ref), LATERAL (
            SELECT entry FROM invoices
            WHERE ledger_id = $1 AND external_ref = k.external_ref AND merchant = k.merchant AND merchant <> '' OFFSET 0
        ) i
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
    )
    return {(row["merchant"], row["external_ref"]): row["entry"] for row in rows}


async def open_invoices(connection: Connection, ledger_id: int, keys: list[tuple[str, str, str]]) -> dict[Any, Any]:
    """The oldest invoices of a merchant's that a customer can pay in a currency: those of PAYABLE, in the words of the
    index that has them."""
    rows = await connection.fetch(
        f"""
        SELECT k.merchant, k.customer, k.currency, i.due_at, i.entry
        FROM unnest($2::text[], $3::text[], $4::text[]) AS k (merchant, customer, currency), LATERAL (
            SELECT due_at, entry FROM invoices
            WHERE ledger_id = $1 AND customer = k.customer AND merchant = k.merchant AND currency = k.currency
              AND state IN ('open', 'uncollectible')
            ORDER BY due_at, entry LIMIT {KNOWN_MAX}
        ) i
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
    )
    found: defaultdict[Any, list[OpenInvoice]] = defaultdict(list)
    for *key, due_at, entry in rows:
        found[tuple(key)].append(OpenInvoice(due_at or NO_DATE, entry))
    return {key: OpenInvoices(tuple(oldest), len(oldest) < KNOWN_MAX) for key, oldest in found.items()}


def add_decided(found: dict[Any, Any], decided: Sequence[Entry]) -> None:
    """Add the invoices that decided and not yet written entries opened, and take away those that they ended."""
    for entry in decided:
        for row in entry.rows:
            if isinstance(row, Invoice):
                key = row.merchant, row.customer, row.currency
                found[key] = found.get(key, OpenInvoices()).after(row, row.state in PAYABLE)


LOADERS: dict[str, Loader] = {
    "invoice_refs": invoice_refs,
    "open_invoices": open_invoices,
}
