"""Settlements over HTTP: invoices paid, shown, listed and allocated anew."""

from typing import Any

import msgspec

from ledger.core.allocations import read_allocations
from ledger.core.entries import Entry, row_of, rows_of
from ledger.core.reallocations import Reallocate
from ledger.core.rows import Invoice, Payment, moment
from ledger.core.settlements import MakeSettlement, SettleInvoice
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.invoices import InvoiceAfterAnswer, after
from ledger.http.listing import Noun, Read
from ledger.http.routes import Made, write


class AllocationAnswer(msgspec.Struct):
    """What of a settlement paid an invoice."""

    invoice: str
    amount: int
    refunded: int


class SettlementAnswer(Made, kw_only=True):
    """A payment of invoices; the merchant has the `net` of it. `payer` is null, and `rail` is not, where it came over a
    rail. By its id it can be refunded."""

    payer: str | None
    rail: str | None
    merchant: str
    amount: int
    currency: str
    fee: int
    fee_tax: int
    net: int
    refunded: int
    allocations: list[AllocationAnswer]
    memo: str | None
    posted_at: str


class SettledAnswer(SettlementAnswer, kw_only=True):
    """A settlement as it was made, with the invoice as it left it."""

    invoice: InvoiceAfterAnswer


class SettledManyAnswer(SettlementAnswer, kw_only=True):
    """A settlement as it was made or allocated anew, with the invoices as that left them."""

    invoices: list[InvoiceAfterAnswer]

    def as_dry_run(self) -> None:
        """Take back what only a real write has."""
        super().as_dry_run()
        for invoice in self.invoices:
            invoice.as_dry_run()


def fields(row: Payment, memo: str | None, posted_at: int, entry: int) -> dict[str, Any]:
    """What is shown of a settlement."""
    return {
        "id": f"settlement_{row.entry}",
        "entry": entry,
        "payer": row.payer,
        "rail": row.rail,
        "merchant": row.payee,
        "amount": row.amount,
        "currency": row.currency,
        "fee": row.fee,
        "fee_tax": row.fee_tax,
        "net": row.amount - row.fee - row.fee_tax,
        "refunded": row.refunded,
        "allocations": [
            AllocationAnswer(f"invoice_{each.invoice}", each.amount, each.refunded)
            for each in read_allocations(row.allocations)
        ],
        "memo": memo,
        "posted_at": format_timestamp(posted_at),
    }


def _fields(entry: Entry) -> dict[str, Any]:
    return fields(row_of(entry, Payment), getattr(entry.request, "memo", None), entry.posted_at, entry.number)


def _invoices(entry: Entry) -> list[InvoiceAfterAnswer]:
    at = moment(entry.posted_at)
    return [InvoiceAfterAnswer(**after(row, entry.number, at)) for row in rows_of(entry, Invoice)]


def settled(entry: Entry) -> SettledAnswer:
    """The settlement of one invoice."""
    (invoice,) = _invoices(entry)
    return SettledAnswer(**_fields(entry), invoice=invoice)


def settled_many(entry: Entry) -> SettledManyAnswer:
    """The settlement of several."""
    return SettledManyAnswer(**_fields(entry), invoices=_invoices(entry))


def show(row: Payment, read: Read) -> SettlementAnswer:
    """A settlement as it is kept."""
    made = read.entries[row.entry]
    return SettlementAnswer(**fields(row, getattr(made.request, "memo", None), made.posted_at, row.entry))


NOUN = Noun(
    kind=Payment,
    prefix="settlement",
    plural="settlements",
    answer=SettlementAnswer,
    show=show,
    sides=("payer", "payee"),
    among=("chat", "invoice"),
    fixed=(("kind", "settlement"),),
)

ROUTES = (
    write(
        "POST",
        "/v1/invoices/{invoice}/settle",
        "invoices:settle",
        SettleInvoice,
        settled,
        summary="Pay an invoice from a wallet, in part or whole",
        answers=SettledAnswer,
        status=201,
    ),
    write(
        "POST",
        "/v1/settlements",
        "invoices:settle",
        MakeSettlement,
        settled_many,
        summary="Pay several invoices of a merchant's by one payment",
        answers=SettledManyAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a settlement"),
    write(
        "POST",
        "/v1/settlements/{settlement}/reallocate",
        "invoices:settle",
        Reallocate,
        settled_many,
        summary="Say anew which invoices a settlement pays",
        answers=SettledManyAnswer,
    ),
)
