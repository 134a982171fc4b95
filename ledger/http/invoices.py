"""Invoices over HTTP: drafted, issued, shown, listed; and put into words and a QR code to send in the chat."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from ledger.core.chats import Chat
from ledger.core.creditor_references import creditor_reference, invoice_of_reference
from ledger.core.drafts import UpdateInvoice
from ledger.core.entries import Entry, row_of
from ledger.core.invoice_lines import Line, totals
from ledger.core.invoices import PAYABLE, CreateInvoice, FinalizeInvoice, InvoiceState, VoidInvoice, WriteOffInvoice
from ledger.core.rows import Invoice, moment, shown_time
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.listing import Noun, Read, Shared
from ledger.http.routes import Answer, write


class InvoiceAfterAnswer(Answer, kw_only=True):
    """An invoice as an action left it; `entry` is the action's. GET shows its lines, tax rates and memo as well."""

    id: str | None
    number: int | None
    reference: str | None
    merchant: str
    customer: str | None
    currency: str
    subtotal: int
    tax: int
    total: int
    tax_inclusive: bool
    amount_paid: int
    amount_credited: int
    amount_refunded: int
    amount_refundable: int
    amount_due: int
    state: InvoiceState
    overdue: bool
    finalized_on: str | None
    due_at: str | None
    external_ref: str | None


class InvoiceLineAnswer(msgspec.Struct):
    """A line; `amount` is after its discount. The description is null once it was erased."""

    description: str | None
    quantity: int | str
    unit_amount: int
    discount: int
    tax_bps: int
    amount: int


class TaxLineAnswer(msgspec.Struct):
    """The tax of one rate: on `base`, the sum of its lines without tax."""

    tax_bps: int
    base: int
    tax: int


class InvoiceAnswer(InvoiceAfterAnswer, kw_only=True):
    """An invoice. What is due is the total less what was credited and paid; what was paid beyond that is refundable."""

    new = ("id", "reference")

    lines: list[InvoiceLineAnswer]
    tax_breakdown: list[TaxLineAnswer]
    memo: str | None
    chat: Chat | None
    posted_at: str


def after(row: Invoice, entry: int, now: datetime) -> dict[str, Any]:
    """What is shown of an invoice beside its lines."""
    return {
        "entry": entry,
        "id": f"invoice_{row.entry}",
        "number": row.number,
        "reference": creditor_reference(row.entry) if row.number is not None else None,
        "merchant": row.merchant,
        "customer": row.customer,
        "currency": row.currency,
        "subtotal": row.subtotal,
        "tax": row.tax,
        "total": row.total,
        "tax_inclusive": row.tax_inclusive,
        "amount_paid": row.paid,
        "amount_credited": row.credited,
        "amount_refunded": row.refunded,
        "amount_refundable": row.refundable,
        "amount_due": row.due if row.state in PAYABLE else 0,
        "state": row.state,
        "overdue": row.state == "open" and row.due_at is not None and row.due_at < now,
        "finalized_on": row.finalized_on.isoformat() if row.finalized_on is not None else None,
        "due_at": shown_time(row.due_at) if row.due_at is not None else None,
        "external_ref": row.external_ref,
    }


def changed(entry: Entry) -> InvoiceAfterAnswer:
    """The invoice after an action that left one."""
    return InvoiceAfterAnswer(**after(row_of(entry, Invoice), entry.number, moment(entry.posted_at)))


def issued(entry: Entry) -> InvoiceAnswer:
    """The invoice as it was issued or drafted."""
    return _shown(row_of(entry, Invoice), {entry.number: entry}, moment(entry.posted_at))


def show(row: Invoice, read: Read) -> InvoiceAnswer:
    """An invoice as it is kept, with its lines."""
    return _shown(row, read.entries, read.now)


def told_by(row: Invoice) -> tuple[int, ...]:
    """The entries that say what is not in the row: the lines, and the memo."""
    return (row.lines_by,) if row.memo_by is None else (row.lines_by, row.memo_by)


def _shown(row: Invoice, entries: Mapping[int, Entry], now: datetime) -> InvoiceAnswer:
    made, itemised = entries[row.entry], entries[row.lines_by]
    lines: list[Line] = itemised.request.lines
    reckoned = totals(lines, row.tax_inclusive)
    return InvoiceAnswer(
        **after(row, row.entry, now),
        lines=[_line(line, amount) for line, amount in zip(lines, reckoned.amounts, strict=True)],
        tax_breakdown=[TaxLineAnswer(*each) for each in reckoned.breakdown],
        memo=entries[row.memo_by].request.memo if row.memo_by is not None else None,
        chat=made.request.chat,
        posted_at=format_timestamp(made.posted_at),
    )


def _line(line: Line, amount: int) -> InvoiceLineAnswer:
    return InvoiceLineAnswer(
        line.description, line.quantity, line.unit_amount, line.discount or 0, line.tax_bps or 0, amount
    )


def _columns(_: str, value: str) -> tuple[tuple[str, Any]]:
    """A filter as a column: a creditor reference holds the invoice's entry."""
    return (("entry", invoice_of_reference(value) or 0),)


NOUN = Noun(
    kind=Invoice,
    prefix="invoice",
    plural="invoices",
    answer=InvoiceAnswer,
    show=show,
    sides=("merchant", "customer"),
    states=get_args(InvoiceState),
    among=("chat",),
    equal=("reference",),
    shared=Shared("external_ref", ("merchant", "customer"), once=("merchant",)),
    more=told_by,
    columns=_columns,
)

ROUTES = (
    write(
        "POST",
        "/v1/invoices",
        "invoices:write",
        CreateInvoice,
        issued,
        summary="Issue an invoice, or draft one",
        answers=InvoiceAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show an invoice"),
    write(
        "PATCH",
        "/v1/invoices/{invoice}",
        "invoices:write",
        UpdateInvoice,
        changed,
        summary="Change a draft",
        answers=InvoiceAfterAnswer,
    ),
    write(
        "POST",
        "/v1/invoices/{invoice}/finalize",
        "invoices:write",
        FinalizeInvoice,
        changed,
        summary="Issue a draft: give it its number",
        answers=InvoiceAfterAnswer,
    ),
    write(
        "POST",
        "/v1/invoices/{invoice}/void",
        "invoices:write",
        VoidInvoice,
        changed,
        summary="Take an invoice back of which nothing was paid",
        answers=InvoiceAfterAnswer,
    ),
    write(
        "POST",
        "/v1/invoices/{invoice}/uncollectible",
        "invoices:write",
        WriteOffInvoice,
        changed,
        summary="Mark an invoice as not expected to be paid",
        answers=InvoiceAfterAnswer,
    ),
)
