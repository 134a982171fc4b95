"""What parties are held to over HTTP: their fees and their limits, or the ledger's."""

import msgspec

from ledger.core.charges import ClearFees, SetFees
from ledger.core.entries import Entry, row_of
from ledger.core.fees import OnRefund
from ledger.core.limits import SetLimits
from ledger.core.rows import Party
from ledger.http.routes import Answer, write


class LimitShown(msgspec.Struct):
    """How much may be paid in a currency, at once and in a day, and how much may be had; null where nothing limits
    it."""

    currency: str
    per_payment: int | None = None
    per_day_sum: int | None = None
    per_day_count: int | None = None
    balance: int | None = None


class FeesShown(msgspec.Struct):
    """How a fee and its tax are reckoned, in basis points and minor units of whatever currency is paid."""

    bps: int = 0
    fixed: int = 0
    min: int | None = None
    max: int | None = None
    tax_code: str | None = None
    tax_bps: int = 0
    on_refund: OnRefund = "keep"


class LimitsAnswer(Answer, kw_only=True):
    """A party's own limits, by currency."""

    id: str
    limits: list[LimitShown]


class FeesAnswer(Answer, kw_only=True):
    """A party's own fee schedule; null where it has none."""

    id: str
    fees: FeesShown | None


def limits_shown(limits: str | None) -> list[LimitShown]:
    """Limits as they are shown, from the JSON that is kept."""
    return msgspec.json.decode(limits or "[]", type=list[LimitShown])


def fees_shown(fees: str | None) -> FeesShown | None:
    """A schedule as it is shown, from the JSON that is kept."""
    return msgspec.json.decode(fees, type=FeesShown) if fees is not None else None


def _limits_set(entry: Entry) -> LimitsAnswer:
    party = row_of(entry, Party)
    return LimitsAnswer(entry=entry.number, id=party.id, limits=limits_shown(party.limits))


def _fees_set(entry: Entry) -> FeesAnswer:
    party = row_of(entry, Party)
    return FeesAnswer(entry=entry.number, id=party.id, fees=fees_shown(party.fees))


ROUTES = (
    write(
        "PUT",
        "/v1/parties/{party}/fees",
        "settings:manage",
        SetFees,
        _fees_set,
        summary="Set what a party is charged of what it is paid",
        answers=FeesAnswer,
    ),
    write(
        "DELETE",
        "/v1/parties/{party}/fees",
        "settings:manage",
        ClearFees,
        _fees_set,
        summary="Take a party's own fee schedule away",
        answers=FeesAnswer,
    ),
    write(
        "PUT",
        "/v1/parties/{party}/limits",
        "settings:manage",
        SetLimits,
        _limits_set,
        summary="Set how much a party may pay and have in a currency",
        answers=LimitsAnswer,
    ),
)
