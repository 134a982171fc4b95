"""Fees, limits and the list of parties, as the OpenAPI document describes them."""

from ledger.http.words import INSIDE, Operation, Word

SECTIONS: dict[str, str] = {}

_FEES = {"bps": 290, "fixed": 30, "min": None, "max": None, "tax_code": "gst", "tax_bps": 1_800, "on_refund": "keep"}
_LIMIT = {"currency": "EUR", "per_payment": 50_000, "per_day_sum": 200_000, "per_day_count": 20, "balance": 1_000_000}

OPERATIONS = {
    "PUT /v1/parties/{party}/fees": Operation(
        "setFees",
        "Parties",
        ("party_unknown", "party_not_open"),
        {"bps": 290, "fixed": 30, "tax_code": "gst", "tax_bps": 1_800, "on_refund": "proportional"},
        {"id": "bikes", "fees": _FEES | {"on_refund": "proportional"}},
    ),
    "DELETE /v1/parties/{party}/fees": Operation(
        "clearFees",
        "Parties",
        ("party_unknown", "party_not_open", "not_found"),
        {},
        {"id": "bikes", "fees": None},
    ),
    "PUT /v1/parties/{party}/limits": Operation(
        "setLimits",
        "Parties",
        ("party_unknown", "party_not_open"),
        {"currency": "EUR", "per_payment": 50_000, "per_day_sum": 200_000, "per_day_count": 20, "balance": 1_000_000},
        {"limits": [_LIMIT]},
    ),
    "GET /v1/parties": Operation("listParties", "Parties"),
}

_TAX_FOR_SOMEONE = {
    "if": {"required": ["tax_bps"], "properties": {"tax_bps": {"minimum": 1}}},
    "then": {"required": ["tax_code"], "properties": {"tax_code": {"type": "string"}}},
}
RULES = {"SetFeesBody": _TAX_FOR_SOMEONE, "FeeSchedule": _TAX_FOR_SOMEONE}

WORDS = {
    "FeesAnswer.id": Word("The messenger's own id for the party.", "bikes"),
    "LimitsAnswer.id": Word("The messenger's own id for the party.", "alice"),
    "FeesAnswer.fees": Word("Its own fee schedule; null where it has none.", INSIDE),
    "PartyAnswer.fees": Word("Its own fee schedule; null where it has none.", None),
    "LedgerAnswer.fees": Word(
        "The fee schedule of merchants that have none of their own; null if there is none.", None
    ),
    "SetLedger.fees": Word("The fee schedule of merchants that have none of their own; null or empty is none.", None),
    "bps": Word("What is taken of the amount.", 290),
    "fixed": Word("What is added to that.", 30),
    "min": Word("The least fee.", None),
    "max": Word("The most.", None),
    "tax_code": Word("For whom the tax on the fee is collected.", "gst"),
    "on_refund": Word("What a refund gives back of the fee and its tax: nothing, or a proportional part.", "keep"),
    "LimitsAnswer.limits": Word("Its own limits, by currency.", INSIDE),
    "PartyAnswer.limits": Word("Its own limits, by currency; null where it has none.", None),
    "LedgerAnswer.limits": Word("The limits of parties that have none of their own in a currency.", []),
    "SetLedger.limits": Word(
        "The limits of parties that have none of their own in a currency; all of them. Null or no limits are none.",
        [_LIMIT],
    ),
    "per_day_count": Word("How many payments on one day of the ledger's calendar.", 20),
    **{
        f"{struct}.{name}": word
        for struct in ("SetLimitsBody", "PartyLimit", "LimitShown")
        for name, word in {
            "per_payment": Word("How much at once, in minor units.", 50_000),
            "per_day_sum": Word("How much on one day of the ledger's calendar, in minor units.", 200_000),
            "balance": Word("How much may be had, in minor units.", 1_000_000),
        }.items()
    },
    "PartyAnswerList.data": Word("The parties, the newest first.", INSIDE),
}
