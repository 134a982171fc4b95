"""Settlements, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, INTENT_PROBLEMS, Operation, Word

SECTIONS = {"Settlements": "Invoices that are paid: from a wallet or over a rail, in part or whole, one or several."}

_PAID = (
    "currency_invalid",
    "party_unknown",
    "same_party",
    "party_not_open",
    "invoice_not_open",
    "limit_exceeded",
    "amount_exceeds_remaining",
    "insufficient_funds",
    "balance_overflow",
    *INTENT_PROBLEMS,
)

OPERATIONS = {
    "POST /v1/invoices/{invoice}/settle": Operation(
        "settleInvoice", "Settlements", _PAID, {"payer": "alice", "amount": 10_000}
    ),
    "POST /v1/settlements": Operation(
        "makeSettlement",
        "Settlements",
        (*_PAID, "not_found", "currency_mismatch"),
        {"payer": "alice", "merchant": "plumber", "amount": 10_000, "currency": "EUR"},
    ),
    "GET /v1/settlements": Operation("listSettlements", "Settlements"),
    "GET /v1/settlements/{settlement}": Operation("showSettlement", "Settlements"),
    "POST /v1/settlements/{settlement}/reallocate": Operation(
        "reallocate",
        "Settlements",
        (
            "party_not_open",
            "invoice_not_open",
            "currency_mismatch",
            "amount_invalid",
            "amount_exceeds_remaining",
            "limit_exceeded",
        ),
        {"allocations": [{"invoice": "invoice_42", "amount": 10_000}]},
    ),
}

WORDS = {
    "SettleInvoiceBody.amount": Word("How much; what is due, if left out.", 10_000),
    "SettlementAnswer.id": Word("The settlement's id.", "settlement_43"),
    "SettlementAnswer.amount": Word("How much was paid, in minor units.", 10_000),
    "SettlementAnswer.rail": Word("The rail over which it came; null if it was paid from a wallet.", None),
    "SettledAnswer.invoice": Word("The invoice, as it is now.", INSIDE),
    "invoices": Word("The invoices, as they are now.", INSIDE),
    "allocations": Word("What pays which invoice.", INSIDE),
    "settlement": Word("The settlement of the invoice; null where none was paid.", None),
    "surplus": Word("What was more than was due, in minor units.", 0),
    "surplus_to": Word("Who has the surplus; null if it waits in suspense, or there is none.", None),
    "path.settlement": Word("The settlement's id.", "settlement_43"),
}
