"""Refunds, captures and reversals, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, Operation, Word

SECTIONS = {
    "Captures": "What was taken of holds.",
    "Refunds": "Payments given back, wholly or in part: to a wallet at once, or over the rail by which they came.",
    "Reversals": "Entries that should not have been, turned round by finance.",
}

OUTCOME_PROBLEMS = ("refund_not_open", "limit_exceeded", "balance_overflow")

OPERATIONS = {
    "GET /v1/captures": Operation("listCaptures", "Captures"),
    "GET /v1/captures/{capture}": Operation("showCapture", "Captures"),
    "POST /v1/refunds": Operation(
        "makeRefund",
        "Refunds",
        (
            "not_found",
            "party_not_open",
            "already_reversed",
            "limit_exceeded",
            "amount_exceeds_remaining",
            "insufficient_funds",
            "balance_overflow",
        ),
        {"of": "capture_43", "amount": 1_250, "reason": "The bike had a flat tyre"},
    ),
    "GET /v1/refunds": Operation("listRefunds", "Refunds"),
    "GET /v1/refunds/{refund}": Operation("showRefund", "Refunds"),
    "POST /v1/refunds/{refund}/paid": Operation(
        "payRefund",
        "Refunds",
        OUTCOME_PROBLEMS,
        {"rail_reference": "2026-11-21-000007", "fee": 25},
        {"to": None, "rail": "sepa", "of": "deposit_41", "rail_reference": "2026-11-21-000007"},
    ),
    "POST /v1/refunds/{refund}/failed": Operation(
        "failRefund",
        "Refunds",
        OUTCOME_PROBLEMS,
        {"rail_reference": "2026-11-21-000007", "reason": "The account is closed"},
        {
            "to": None,
            "rail": "sepa",
            "of": "deposit_41",
            "rail_reference": "2026-11-21-000007",
            "state": "failed",
        },
    ),
    "POST /v1/entries/{number}/reverse": Operation(
        "reverseEntry",
        "Reversals",
        ("party_not_open", "already_reversed", "limit_exceeded", "insufficient_funds", "balance_overflow"),
        {"reason": "Paid twice by mistake"},
    ),
}

WORDS = {
    "path.refund": Word("The refund's id.", "refund_42"),
    "path.capture": Word("The capture's id.", "capture_42"),
    "refunded": Word("What was given back of it, in minor units.", 0),
    "fee_returned": Word("What the payee got back of the fee, in minor units.", 0),
    "fee_tax_returned": Word("What the payee got back of the tax on the fee, in minor units.", 0),
    "CaptureAnswer.id": Word("The capture's id, by which it can be refunded.", "capture_43"),
    "CaptureAnswer.hold": Word("The hold of which it was taken.", "hold_42"),
    "MakeRefund.of": Word("What to give back: a transfer, capture, settlement or deposit, by its id.", "capture_43"),
    "MakeRefund.amount": Word("How much to give back; all that is left, if left out.", 1_250),
    "MakeRefund.allocations": Word("How much of it is of which invoice; in their order, if left out.", None),
    "MakeRefund.credit_note": Word("The credit note of one of the invoices on account of which it is given.", None),
    "MakeRefund.reason": Word("Why.", "The bike had a flat tyre"),
    "RefundAnswerQuery.of": Word("Only those of this payment or suspense item, by its id.", "capture_43"),
    "RefundAnswerQuery.rail_reference": Word("Only those with this reference of the rail's own.", "2026-11-21-000007"),
    "RefundAfterAnswer.id": Word("The refund's id.", "refund_44"),
    "RefundAfterAnswer.of": Word(
        "What was given back: a transfer, capture, settlement, deposit or suspense item.", "capture_43"
    ),
    "RefundAfterAnswer.state": Word("Whether the money is back: `requested` waits for the rail's word.", "succeeded"),
    "RefundAfterAnswer.to": Word("Whose wallet it went to; null if it goes over the rail.", "alice"),
    "RefundAfterAnswer.rail": Word("The rail over which it goes back; null if it went to a wallet.", None),
    "RefundAfterAnswer.rail_reference": Word("The rail's own reference; null while there is none.", None),
    "RefundAfterAnswer.allocations": Word("How much of it is of which invoice; none if it is of no settlement.", []),
    "RefundAfterAnswer.credit_note": Word("The credit note on account of which it was given.", None),
    "RefundAfterAnswer.amount": Word("How much was given back, in minor units.", 1_250),
    "RefundAnswer.reason": Word("Why; null once it was erased.", "The bike had a flat tyre"),
    "PayRefundBody.fee": Word("What the rail keeps for it, in minor units.", 25),
    "PayRefundBody.rail_reference": Word("The rail's own reference.", "2026-11-21-000007"),
    "FailRefundBody.rail_reference": Word("The rail's own reference, if it gave one.", "2026-11-21-000007"),
    "FailRefundBody.reason": Word("Why the rail could not pay it.", "The account is closed"),
    "AskedAllocation.amount": Word("How much of it, in minor units.", 1_250),
    "ReversalAnswer.id": Word("The reversal's id.", "reversal_45"),
    "ReversalAnswer.reason": Word("Why; null once it was erased.", "Paid twice by mistake"),
    "ReversalAnswer.postings": Word("The postings, turned round.", INSIDE),
    "ReverseEntryBody.reason": Word("Why.", "Paid twice by mistake"),
    "reverses": Word("The number of the entry that was turned round.", 42),
}
