"""Payouts, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, INTENT_PROBLEMS, Operation, Word

SECTIONS = {"Payouts": "A party's money on its way out, over a rail to an account of its own."}

ENDED = ("text_invalid", "payout_not_open", "balance_overflow")
IBAN = "DE89370400440532013000"

OPERATIONS = {
    "POST /v1/payouts": Operation(
        "requestPayout",
        "Payouts",
        (
            "text_invalid",
            "party_unknown",
            "rail_unknown",
            *INTENT_PROBLEMS,
            "party_not_open",
            "limit_exceeded",
            "insufficient_funds",
            "balance_overflow",
        ),
        {"party": "bikes", "amount": 48_750, "currency": "EUR", "rail": "sepa", "destination": IBAN},
    ),
    "GET /v1/payouts": Operation("listPayouts", "Payouts"),
    "GET /v1/payouts/{payout}": Operation("showPayout", "Payouts"),
    "GET /v1/payouts/{payout}/explanation": Operation("explainPayout", "Payouts"),
    "POST /v1/payouts/{payout}/submitted": Operation(
        "submitPayout",
        "Payouts",
        ("text_invalid", "payout_not_open"),
        {"rail_reference": "E2E-20261120-0042"},
        {"state": "in_transit", "rail_reference": "E2E-20261120-0042"},
    ),
    "POST /v1/payouts/{payout}/paid": Operation(
        "confirmPayout",
        "Payouts",
        ENDED,
        {"rail_reference": "E2E-20261120-0042", "fee": 20},
        {"state": "paid", "rail_reference": "E2E-20261120-0042"},
    ),
    "POST /v1/payouts/{payout}/failed": Operation(
        "failPayout",
        "Payouts",
        ENDED,
        {"reason": "The account is closed"},
        {"state": "failed", "reason": "The account is closed"},
    ),
    "POST /v1/payouts/{payout}/returned": Operation(
        "returnPayout",
        "Payouts",
        ("payout_not_open", "amount_exceeds_remaining", "balance_overflow"),
        {"fee": 300, "reason": "The account is closed"},
        {"state": "returned", "amount_returned": 48_750, "reason": "The account is closed"},
    ),
}

_RAIL_FEE = Word("What the rail keeps for itself, in minor units: a cost of the platform's, not of the party's.", 20)

WORDS = {
    "destination": Word("The party's own account outside, such as an IBAN or a UPI id; null once it was erased.", IBAN),
    "RequestPayout.intent": Word("What the party's device has signed, `of` being the destination.", None),
    "path.payout": Word("The payout's id.", "payout_42"),
    "RequestPayout.amount": Word("How much; all that the party can spend, if left out.", 48_750),
    "RequestPayout.rail": Word("The rail that is to pay.", "sepa"),
    "ReturnPayoutBody.amount": Word(
        "How much came back now, before the rail's fee; what did not yet, if left out.", 48_750
    ),
    **{
        f"{struct}.rail_reference": Word("The reference by which the rail knows it; the last one counts.", "E2E-0042")
        for struct in ("SubmitPayoutBody", "ConfirmPayoutBody", "FailPayoutBody")
    },
    "ReturnPayoutBody.rail_reference": Word("The reference by which the rail knows the return.", "RET-0042"),
    "ConfirmPayoutBody.fee": _RAIL_FEE,
    "ReturnPayoutBody.fee": _RAIL_FEE,
    "PayoutAfterAnswer.id": Word("The payout's id.", "payout_42"),
    "PayoutAfterAnswer.party": Word("Whose money it is.", "bikes"),
    "PayoutAfterAnswer.amount": Word("How much, in minor units.", 48_750),
    "PayoutAfterAnswer.amount_returned": Word("What came back of it in all after it was paid, in minor units.", 0),
    "PayoutAfterAnswer.rail": Word("The rail that pays.", "sepa"),
    "PayoutAfterAnswer.state": Word("How far it has come.", "requested"),
    "PayoutAfterAnswer.rail_reference": Word("The reference by which the rail knows it; null if there is none.", None),
    "PayoutAfterAnswer.return_reference": Word(
        "The reference by which it knows the last return; null if there is none.", None
    ),
    "PayoutAfterAnswer.reason": Word("Why it failed or, the last time, came back; null if nobody said so.", None),
    "PayoutAnswerQuery.rail_reference": Word("Only those the rail knows by this reference.", "E2E-20261120-0042"),
    "ExplanationAnswer.id": Word("The payout's id.", "payout_42"),
    "ExplanationAnswer.amount": Word("How much was paid out, in minor units.", 48_750),
    "carried_forward": Word("What the party could spend right after its payout before, in minor units.", 0),
    "ExplanationAnswer.remaining": Word("What the party could spend right after the payout, in minor units.", 0),
    "ExplanationAnswer.entries": Word("What moved the party's `available` in between, in order.", INSIDE),
    "ExplanationLine.entry": Word("The entry's number.", 40),
    "ExplanationLine.kind": Word("What happened.", "hold.capture"),
    "ExplanationLine.amount": Word("By how much it changed what the party could spend, in minor units.", 48_750),
    "running": Word("What the party could spend after it, in minor units.", 48_750),
}
