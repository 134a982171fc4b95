"""Transfers to someone without an account, and lists of transfers, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, Operation, Word

SECTIONS: dict[str, str] = {}

OPERATIONS = {
    "GET /v1/transfers": Operation("listTransfers", "Transfers"),
    "GET /v1/deposits": Operation("listDeposits", "Deposits"),
}

WORDS = {
    "Transfer.expires_at": Word("Until when it can be claimed, with if_unknown: hold_for_claim; 7 days.", None),
    "if_unknown": Word(
        "What to do if nobody has the alias in `to`: `refuse`, or `hold_for_claim` until somebody registers it.",
        "refuse",
    ),
    "TransferAnswer.status": Word("What became of it; `posted` unless it waited to be claimed.", "posted"),
    "TransferAnswer.expires_at": Word("Until when it can be claimed; null where it was paid at once.", None),
    "TransferAnswer.to": Word("Who is paid; the alias that it was sent to, as long as nobody has claimed it.", "bob"),
    "TransferNowAnswer.refunded": Word("What was given back of it, in minor units; all of it once it was reversed.", 0),
    "TransferNowAnswer.reversed_by": Word("The entry that took all of it back; null where none did.", None),
    "TransferNowAnswer.payment_request": Word("The payment request that it paid; null where it paid none.", None),
    "TransfersQuery.state": Word("Only those of which this became, as their `status` says it.", "pending_claim"),
    "DepositAnswerList.data": Word("The deposits, the newest first.", INSIDE),
    "TransferList.data": Word("The transfers, the newest first.", INSIDE),
}
