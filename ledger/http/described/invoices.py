"""Invoices and credit notes, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, Operation, Word, one_of

SECTIONS = {
    "Invoices": "What merchants have sold. Totals are computed here, numbers have no gaps, and the creditor reference "
    "(ISO 11649) tells a bank transfer's invoice. An action answers the invoice's amounts and state as it left them; "
    "GET shows the lines, the tax of each rate, the memo and the conversation as well.",
    "Credit notes": "What an invoice is lowered by after it was issued.",
}

LINES = [
    {"description": "Call-out", "quantity": 1, "unit_amount": 4_500, "tax_bps": 1_900},
    {"description": "Pipe work, hours", "quantity": "1.5", "unit_amount": 6_000, "tax_bps": 1_900},
]

OPERATIONS = {
    "POST /v1/invoices": Operation(
        "createInvoice",
        "Invoices",
        ("party_unknown", "same_party", "party_not_open", "already_exists"),
        {"merchant": "plumber", "customer": "alice", "currency": "EUR", "lines": LINES, "external_ref": "2026-117"},
    ),
    "GET /v1/invoices": Operation("listInvoices", "Invoices"),
    "GET /v1/invoices/{invoice}": Operation("showInvoice", "Invoices"),
    "GET /v1/invoices/{invoice}/text": Operation("printInvoice", "Invoices"),
    "GET /v1/invoices/{invoice}/qr": Operation("drawPaymentCode", "Invoices"),
    "PATCH /v1/invoices/{invoice}": Operation(
        "updateInvoice",
        "Invoices",
        ("party_unknown", "same_party", "party_not_open", "invoice_not_open", "already_exists"),
        {"due_at": "2026-12-20T23:00:00Z"},
    ),
    "POST /v1/invoices/{invoice}/finalize": Operation(
        "finalizeInvoice", "Invoices", ("currency_invalid", "party_not_open", "invoice_not_open"), {}
    ),
    "POST /v1/invoices/{invoice}/void": Operation("voidInvoice", "Invoices", ("invoice_not_open",), {}),
    "POST /v1/invoices/{invoice}/uncollectible": Operation("markUncollectible", "Invoices", ("invoice_not_open",), {}),
    "POST /v1/invoices/{invoice}/credit-notes": Operation(
        "issueCreditNote",
        "Credit notes",
        ("invoice_not_open", "amount_exceeds_remaining"),
        {"amount": 2_000, "reason": "Scratched a tile"},
    ),
    "GET /v1/credit-notes": Operation("listCreditNotes", "Credit notes"),
    "GET /v1/credit-notes/{credit_note}": Operation("showCreditNote", "Credit notes"),
}

_LINE = Word("The lines, 1 to 100.", INSIDE)

RULES = {"IssueCreditNoteBody": one_of(amount="integer", lines="array")}

WORDS = {
    "merchant": Word("The merchant's id.", "plumber"),
    "customer": Word("Who is to pay; null if that is not known here.", "alice"),
    "CreateInvoice.lines": Word("The lines, 1 to 100.", INSIDE),
    "UpdateInvoiceBody.lines": _LINE,
    "IssueCreditNoteBody.lines": Word("The lines, reckoned like the invoice's; or give an amount.", None),
    "InvoiceAnswer.lines": Word("The lines.", INSIDE),
    "description": Word("What was sold.", "Call-out"),
    "quantity": Word("How many or how much of it, as a string where there are decimals.", 1),
    "unit_amount": Word("The price of one, in minor units.", 4_500),
    "discount": Word("What is taken off the line, in minor units.", 0),
    "tax_bps": Word("The rate of tax, in basis points: 1900 is 19 %.", 1_900),
    "InvoiceLineAnswer.amount": Word("What the line comes to after its discount, in minor units.", 4_500),
    "tax_inclusive": Word("Whether the tax is within the amounts of the lines.", False),
    "tax_breakdown": Word("The tax of each rate.", INSIDE),
    "base": Word("What the rate is applied to, in minor units.", 13_500),
    "subtotal": Word("The sum without tax, in minor units.", 13_500),
    "tax": Word("The tax, in minor units.", 2_565),
    "total": Word("The sum with tax, in minor units.", 16_065),
    "due_at": Word("Until when it is to be paid.", "2026-12-20T23:00:00Z", "date-time"),
    "external_ref": Word("The merchant's own reference, which it uses once.", "2026-117"),
    "finalize": Word("Whether to issue it at once; else it is a draft.", True),
    "InvoiceAfterAnswer.reference": Word("The creditor reference (ISO 11649); null for a draft.", "RF4842"),
    "InvoiceAfterAnswer.id": Word("The invoice's id.", "invoice_42"),
    "InvoiceAfterAnswer.number": Word("The number in the merchant's series, which has no gaps; null for a draft.", 17),
    "InvoiceAfterAnswer.state": Word("Where it stands.", "open"),
    "InvoiceAnswerQuery.reference": Word("Only the one with this creditor reference.", "RF4842"),
    "amount_paid": Word("What was paid on it, in minor units.", 0),
    "amount_credited": Word("What credit notes have lowered it by, in minor units.", 0),
    "amount_refunded": Word("What was given back of that, in minor units.", 0),
    "amount_refundable": Word("What was paid beyond what a credit note left due, in minor units.", 0),
    "amount_due": Word("What is still to be paid, in minor units.", 16_065),
    "overdue": Word("Whether it was to be paid before now.", False),
    "finalized_on": Word("The day on which it was issued; null for a draft.", "2026-11-20", "date"),
    "CreditNoteAnswer.id": Word("The credit note's id.", "credit_note_43"),
    "IssuedCreditNoteAnswer.id": Word("The credit note's id.", "credit_note_43"),
    "CreditNoteAnswer.number": Word("The number in the merchant's series of invoices and credit notes.", 18),
    "IssuedCreditNoteAnswer.number": Word("The number in the merchant's series of invoices and credit notes.", 18),
    "invoice": Word("The invoice's id.", "invoice_42"),
    "IssuedCreditNoteAnswer.invoice": Word("The invoice, as it is now.", INSIDE),
    "CreditNoteAnswer.reason": Word("Why.", "Scratched a tile"),
    "IssuedCreditNoteAnswer.reason": Word("Why.", "Scratched a tile"),
    "path.credit_note": Word("The credit note's id.", "credit_note_43"),
}
