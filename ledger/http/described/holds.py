"""Holds, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, INTENT_PROBLEMS, Operation, Word

SECTIONS = {
    "Holds": "Money reserved for a payee, who takes it in parts or lets it go: authorisations and captures. What was "
    "reserved before the payer's debits were frozen can still be captured; of a payer that is frozen wholly it cannot."
}

OPERATIONS = {
    "POST /v1/holds": Operation(
        "placeHold",
        "Holds",
        (
            "party_unknown",
            "same_party",
            "party_not_open",
            "limit_exceeded",
            "insufficient_funds",
            "balance_overflow",
            *INTENT_PROBLEMS,
        ),
        {"from": "alice", "to": "bikes", "amount": 20_000, "currency": "EUR", "memo": "Deposit for a rented bike"},
    ),
    "GET /v1/holds": Operation("listHolds", "Holds"),
    "GET /v1/holds/{hold}": Operation("showHold", "Holds"),
    "POST /v1/holds/{hold}/capture": Operation(
        "captureHold",
        "Holds",
        ("party_not_open", "hold_not_open", "limit_exceeded", "amount_exceeds_remaining", "balance_overflow"),
        {"amount": 4_500},
        {"amount": 4_500, "net": 4_325, "fee": 147, "fee_tax": 28},
    ),
    "POST /v1/holds/{hold}/void": Operation("voidHold", "Holds", ("hold_not_open", "balance_overflow"), {}),
    "POST /v1/holds/{hold}/increase": Operation(
        "increaseHold",
        "Holds",
        (
            "currency_invalid",
            "party_not_open",
            "hold_not_open",
            "limit_exceeded",
            "insufficient_funds",
            "balance_overflow",
            *INTENT_PROBLEMS,
        ),
        {"amount": 5_000},
    ),
}

WORDS = {
    "HoldAfterAnswer.id": Word("The hold's id.", "hold_42"),
    "HoldAfterAnswer.state": Word("Whether something can be captured.", "open"),
    "HoldAfterAnswer.amount": Word("How much was reserved, in minor units.", 20_000),
    "captured": Word("What was captured of it, in minor units.", 4_500),
    "released": Word("What was given back of it, in minor units.", 0),
    "CaptureHoldAnswer.id": Word("The capture's id, by which it can be refunded.", "capture_43"),
    "CaptureHoldBody.amount": Word("How much to take; what is left, if left out.", 4_500),
    "final": Word("Whether the rest goes back to the payer.", True),
    "hold": Word("The hold, as it is now.", INSIDE),
    "path.hold": Word("The hold's id.", "hold_42"),
}
