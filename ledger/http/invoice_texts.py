"""Invoices as they are sent in a chat: in words, and as the QR code that banking applications read (EPC069-12)."""

import io

import segno

from ledger.books import agreements
from ledger.books.letterheads import Letterhead, letterhead
from ledger.core.creditor_references import creditor_reference
from ledger.core.errors import NotFound
from ledger.core.invoice_lines import TaxLine
from ledger.core.invoice_texts import BankAccount, Printed, PrintedLine, epc_payload, plain_text
from ledger.core.invoices import PAYABLE
from ledger.core.rows import Invoice, day_of
from ledger.core.shape import numbered
from ledger.http import invoices
from ledger.http.invoices import InvoiceAnswer
from ledger.http.listing import Read
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route

TEXT = "text/plain; charset=utf-8"
SVG = "image/svg+xml"


async def print_invoice(asked: Asked) -> Reply:
    """The invoice as a message of short lines, with how to pay it; in English."""
    row, answer, head = await _read(asked)
    return Reply(200, plain_text(_printed(row, answer, head)).encode() + b"\n", TEXT.encode())


async def draw_code(asked: Asked) -> Reply:
    """A QR code to pay what is due by a SEPA transfer: for invoices in EUR, of a ledger that keeps its clients' money
    at a bank with an IBAN to which a rail settles."""
    row, answer, head = await _read(asked)
    if row.currency != "EUR" or row.state not in PAYABLE or head.iban is None:
        what = "an open invoice in EUR, and a safeguarded bank with an IBAN to which a rail settles"
        detail = f"{answer.id} cannot be paid by a QR code: that takes {what}."
        raise NotFound("not_found", detail)
    try:
        payload = epc_payload(head.holder, head.iban, row.due, creditor_reference(row.entry))
    except ValueError as wrong:
        raise NotFound("not_found", f"{answer.id} cannot be paid by a QR code. {wrong}") from None
    # What EPC069-12 asks for: error correction of level M, version 13 at most.
    code = segno.make(payload, error="m", boost_error=False, micro=False, encoding="utf-8")
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", scale=4, border=4, light="white", xmldecl=True, svgns=True, nl=False)
    return Reply(200, drawn.getvalue(), SVG.encode())


async def _read(asked: Asked) -> tuple[Invoice, InvoiceAnswer, Letterhead]:
    name = asked.path["invoice"]
    number = numbered("invoice", name)
    async with asked.pool.acquire() as connection:
        row = await agreements.one(connection, asked.ledger_id, Invoice, number) if number is not None else None
        if row is None:
            raise NotFound("not_found", f"There is no invoice {name}.")
        entries = await agreements.made_by(connection, asked.ledger_id, [row], invoices.told_by(row))
        now = await connection.fetchval("SELECT now()")
        head = await letterhead(connection, asked.ledger_id, row.merchant, row.customer, row.currency)
    return row, invoices.show(row, Read(entries, now)), head


def _printed(row: Invoice, invoice: InvoiceAnswer, head: Letterhead) -> Printed:
    return Printed(
        merchant=head.merchant,
        customer=head.customer,
        number=str(invoice.number) if invoice.number is not None else None,
        reference=invoice.reference,
        currency=invoice.currency,
        issued_on=invoice.finalized_on,
        due_on=day_of(row.due_at, head.time_zone).isoformat() if row.due_at is not None else None,
        lines=[
            PrintedLine(line.description, str(line.quantity), line.unit_amount, line.amount, line.discount)
            for line in invoice.lines
        ],
        subtotal=invoice.subtotal,
        breakdown=[TaxLine(each.tax_bps, each.base, each.tax) for each in invoice.tax_breakdown],
        total=invoice.total,
        paid=invoice.amount_paid,
        credited=invoice.amount_credited,
        refunded=invoice.amount_refunded,
        due=invoice.amount_due,
        state=invoice.state,
        tax_inclusive=invoice.tax_inclusive,
        memo=invoice.memo,
        bank=BankAccount(head.holder, head.iban) if head.iban is not None else None,
    )


ROUTES = (
    Route(
        "GET",
        "/v1/invoices/{invoice}/text",
        "entries:read",
        print_invoice,
        summary="Print an invoice as a message to send in the chat",
        answers=str,
        media_type=TEXT,
    ),
    Route(
        "GET",
        "/v1/invoices/{invoice}/qr",
        "entries:read",
        draw_code,
        summary="Draw the QR code of a bank transfer that pays an invoice",
        answers=str,
        media_type=SVG,
    ),
)
