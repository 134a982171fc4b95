"""Splits, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, Operation, Word

SECTIONS = {
    "Splits": "A group's bill: each payer is asked for a share, and the shares are the total to the last minor unit."
}

_ID = Word("The split's id.", "split_42")

OPERATIONS = {
    "POST /v1/splits": Operation(
        "createSplit",
        "Splits",
        ("party_unknown", "same_party", "party_not_open", "limit_exceeded"),
        {
            "payee": "alice",
            "currency": "EUR",
            "total": 4000,
            "shares": [{"payer": "alice"}, {"payer": "bob"}, {"payer": "alias:phone:+4915187654321"}],
            "memo": "Pizza",
            "chat": {"conversation": "c-8142", "message": "m-77"},
        },
    ),
    "GET /v1/splits": Operation("listSplits", "Splits"),
    "GET /v1/splits/{split}": Operation("showSplit", "Splits"),
    "POST /v1/splits/{split}/cancel": Operation(
        "cancelSplit", "Splits", ("request_not_open",), {}, {"entry": 43, "state": "cancelled"}
    ),
    "POST /v1/splits/{split}/shares/{payer}/waive": Operation(
        "waiveShare", "Splits", ("request_not_open",), {}, {"entry": 43}
    ),
}

WORDS = {
    "SplitAfterAnswer.id": _ID,
    "path.split": _ID,
    "path.payer": Word("Whose share it is: a party's id.", "bob"),
    "SplitAfterAnswer.state": Word("`settled` once every share is paid or waived.", "open"),
    "CreateSplit.total": Word("What the shares have to sum to, in minor units.", 4000),
    "SplitAfterAnswer.total": Word("What the shares sum to, in minor units.", 4000),
    "CreateSplit.shares": Word(
        "Who has a share: all by weight, all by amount, or all alike. The payee may, too.", INSIDE
    ),
    "SplitAfterAnswer.shares": Word("Each payer's share, in the order in which they were named.", INSIDE),
    "SplitAfterAnswer.expires_at": Word("Until when shares can be paid; null if for ever.", None, "date-time"),
    "CreateSplit.expires_at": Word(
        "Until when shares can be paid, at most 366 days ahead; for ever, if left out.", "2026-11-27T23:05:01.000000Z"
    ),
    "weight": Word("The share in proportion to the others'.", None),
    "Share.amount": Word("How much the share is, in minor units.", None),
    "SplitShareAnswer.amount": Word("How much the share is, in minor units.", 1333),
    "SplitShareAnswer.request": Word("The payment request for the share.", "payment_request_42_2"),
    "SplitShareAnswer.state": Word("What became of the request; waived shares are cancelled.", "open"),
}
