"""What is done with money in suspense, as the OpenAPI document describes it."""

from ledger.http.words import INSIDE, Operation, Word, one_of

SECTIONS: dict[str, str] = {}

OPERATIONS = {
    "GET /v1/suspense/{suspense}": Operation("showSuspenseItem", "Suspense"),
    "POST /v1/suspense/{suspense}/allocate": Operation(
        "allocateSuspense",
        "Suspense",
        (
            "currency_invalid",
            "party_unknown",
            "party_not_open",
            "suspense_not_open",
            "invoice_not_open",
            "currency_mismatch",
            "limit_exceeded",
            "amount_exceeds_remaining",
            "balance_overflow",
        ),
        {"to": "alice", "amount": 1_250},
        {"to": "alice"},
    ),
    "POST /v1/suspense/{suspense}/return": Operation(
        "returnSuspense",
        "Suspense",
        ("suspense_not_open", "amount_exceeds_remaining", "balance_overflow"),
        {"reason": "Nobody knows the sender"},
        {"state": "requested"},
    ),
}

RULES = {"AllocateSuspenseBody": one_of(to="string", invoice="string")}

_PARTY = Word("Whom it was meant for; null if that is not known.", None)

WORDS = {
    "AllocateSuspenseBody.to": Word("The party that it belongs to; or give an invoice.", "alice"),
    "AllocateSuspenseBody.invoice": Word("The invoice that it was meant to pay; or give a party.", None),
    "AllocateSuspenseBody.amount": Word("How much; what is left or due, if left out.", 1_250),
    "ReturnSuspenseBody.amount": Word("How much; what is left, if left out.", None),
    "SuspenseAllocationAnswer.id": Word("The allocation's id.", "suspense_allocate_43"),
    "SuspenseAllocationAnswer.to": Word("Who has it now; of an invoice, the merchant.", "alice"),
    "SuspenseAllocationAnswer.suspense": Word("The item, as it is now.", INSIDE),
    "SuspenseReturnAnswer.id": Word("The refund's id: see `/v1/refunds`.", "refund_43"),
    "SuspenseReturnAnswer.state": Word("`requested`: the rail has yet to pay it.", "requested"),
    "SuspenseReturnAnswer.suspense": Word("The item, as it is now.", INSIDE),
    "SuspenseReturnAnswer.reason": Word("Why.", "Nobody knows the sender"),
    "SuspenseAfterAnswer.id": Word("The item's id.", "suspense_41"),
    "SuspenseAfterAnswer.reason": Word("Why it could not be credited.", "party_unknown"),
    "SuspenseAfterAnswer.state": Word("Whether something of it is left.", "open"),
    "SuspenseAfterAnswer.party": _PARTY,
    "SuspenseItemAnswer.reference": Word(
        "What the payer wrote with it; null if nothing, or erased.", "Invoice seventeen"
    ),
    "SuspenseItemAnswer.payer": Word("Who the deposit said had paid: a party's id or alias; null if nobody.", "alice"),
    "SuspenseQuery.state": Word("Only those in this state; the open ones if left out.", "open"),
    "MakeDeposit.reference": Word("What the payer wrote; a creditor reference (ISO 11649) names an invoice.", "RF4842"),
    "DepositAnswer.reference": Word("What the payer wrote; null if nothing, or erased.", None),
    "SuspenseItemAnswer.party": _PARTY,
    "path.suspense": Word("The item's id.", "suspense_41"),
}
