"""Outside moves, as the OpenAPI document describes them."""

from ledger.http.words import Operation, Word

SECTIONS = {
    "Outside moves": "What rails and our bank accounts pay each other; nobody's wallet is touched. They are booked as "
    "they happened, each reference once."
}

_OF_RAILS = ("rail_unknown", "not_found", "already_exists", "currency_mismatch", "balance_overflow")

OPERATIONS = {
    "POST /v1/rails/{rail}/settle": Operation(
        "settleRail",
        "Outside moves",
        _OF_RAILS,
        {"bank": "house-bank", "amount": 98_500, "currency": "EUR", "fee": 1_500, "reference": "STMT-2026-11-20-7"},
        {"id": "rail_settle_42"},
    ),
    "POST /v1/rails/{rail}/prefund": Operation(
        "prefundRail",
        "Outside moves",
        _OF_RAILS,
        {"bank": "house-bank", "amount": 500_000, "currency": "EUR", "reference": "STMT-2026-11-20-8"},
        {"id": "rail_prefund_42", "amount": 500_000, "fee": 0, "reference": "STMT-2026-11-20-8"},
    ),
    "POST /v1/banks/{bank}/move": Operation(
        "moveBetweenBanks",
        "Outside moves",
        ("not_found", "already_exists", "currency_mismatch", "balance_overflow"),
        {"to": "own-funds", "amount": 20_000, "currency": "EUR", "reference": "STMT-2026-11-20-9"},
        {"id": "bank_move_42", "amount": 20_000, "fee": 0, "reference": "STMT-2026-11-20-9"},
    ),
}

_OF_RAIL = ("SettleRailBody", "PrefundRailBody", "RailMoveAnswer")
_OF_BANK = ("MoveBetweenBanksBody", "BankMoveAnswer")

WORDS = {
    "path.bank": Word("The bank account that pays.", "house-bank"),
    "path.rail": Word("The rail.", "sepa"),
    **{
        f"{struct}.{field}": word
        for struct in (*_OF_RAIL, *_OF_BANK)
        for field, word in (
            ("amount", Word("How much arrived, in minor units.", 98_500)),
            ("fee", Word("What was kept on the way, in minor units: a cost of the platform's.", 1_500)),
            ("reference", Word("The bank's or rail's own reference; it books once.", "STMT-2026-11-20-7")),
            ("memo", Word("A text for people.", None)),
        )
    },
    **{
        f"{struct}.effective_on": Word(
            "The accounting day it counts for; today if left out, never in the future.", None
        )
        for struct in ("SettleRailBody", "PrefundRailBody", "MoveBetweenBanksBody")
    },
    "RailMoveAnswer.id": Word("The move's id.", "rail_settle_42"),
    "BankMoveAnswer.id": Word("The move's id.", "bank_move_42"),
    "RailMoveAnswer.rail": Word("The rail.", "sepa"),
    **{f"{struct}.bank": Word("The bank account on the other side.", "house-bank") for struct in _OF_RAIL},
    "BankMoveAnswer.bank": Word("The bank account that pays.", "house-bank"),
    **{f"{struct}.to": Word("The bank account that is paid.", "own-funds") for struct in _OF_BANK},
}
