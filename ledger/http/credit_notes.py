"""Credit notes over HTTP."""

from ledger.core.credit_notes import IssueCreditNote
from ledger.core.entries import Entry, row_of
from ledger.core.rows import CreditNote
from ledger.core.shape import numbered
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.invoices import InvoiceAfterAnswer, changed
from ledger.http.listing import Noun, Read
from ledger.http.routes import Made, write


class CreditNoteAnswer(Made, kw_only=True):
    """A credit note: its number is of the same series as the merchant's invoices."""

    number: int
    merchant: str
    invoice: str
    amount: int
    currency: str
    reason: str | None
    posted_at: str


class IssuedCreditNoteAnswer(Made, kw_only=True):
    """A credit note as it was issued, with the invoice that it lowered."""

    number: int
    amount: int
    currency: str
    reason: str | None
    posted_at: str
    invoice: InvoiceAfterAnswer


def issued(entry: Entry) -> IssuedCreditNoteAnswer:
    """The credit note as it was issued."""
    row, request = row_of(entry, CreditNote), entry.request
    return IssuedCreditNoteAnswer(
        id=f"credit_note_{entry.number}",
        entry=entry.number,
        number=row.number,
        amount=row.amount,
        currency=row.currency,
        reason=request.reason,
        posted_at=format_timestamp(entry.posted_at),
        invoice=changed(entry),
    )


def show(row: CreditNote, read: Read) -> CreditNoteAnswer:
    """A credit note."""
    made = read.entries[row.entry]
    return CreditNoteAnswer(
        id=f"credit_note_{row.entry}",
        entry=row.entry,
        number=row.number,
        merchant=row.merchant,
        invoice=f"invoice_{row.invoice}",
        amount=row.amount,
        currency=row.currency,
        reason=made.request.reason,
        posted_at=format_timestamp(made.posted_at),
    )


def _columns(name: str, value: str) -> tuple[tuple[str, int]]:
    """A filter as a column: an invoice's id holds its entry."""
    return ((name, numbered("invoice", value) or 0),)


NOUN = Noun(
    kind=CreditNote,
    prefix="credit_note",
    plural="credit-notes",
    answer=CreditNoteAnswer,
    show=show,
    sides=("merchant",),
    equal=("invoice",),
    columns=_columns,
)

ROUTES = (
    write(
        "POST",
        "/v1/invoices/{invoice}/credit-notes",
        "invoices:write",
        IssueCreditNote,
        issued,
        summary="Lower an invoice that was issued",
        answers=IssuedCreditNoteAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a credit note"),
)
