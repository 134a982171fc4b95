"""The ledger's settings over HTTP."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ledger.core.entries import Entry
from ledger.core.rows import Settings
from ledger.core.settings import SetLedger
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Route, write
from ledger.http.terms import FeesShown, LimitShown, fees_shown, limits_shown


class LedgerAnswer(Answer, kw_only=True):
    """A ledger's settings; `entry` is the write that is answered, null when they are only read. `limits` and `fees` are
    those of parties that have none of their own."""

    name: str
    time_zone: str
    currencies: list[str]
    request_signatures: Literal["optional", "required"]
    limits: list[LimitShown]
    fees: FeesShown | None


def set_(entry: Entry) -> LedgerAnswer:
    """The settings after the change."""
    return _shown(entry.number, entry.result or {})


def _shown(entry: int | None, row: Mapping[str, Any]) -> LedgerAnswer:
    kept = msgspec.convert(dict(row), Settings)
    return LedgerAnswer(
        entry=entry,
        name=kept.name,
        time_zone=kept.time_zone,
        currencies=kept.currencies,
        request_signatures=msgspec.convert(kept.request_signatures, Literal["optional", "required"]),
        limits=limits_shown(kept.limits),
        fees=fees_shown(kept.fees),
    )


async def show(asked: Asked) -> Reply:
    """The settings now."""
    row = await asked.pool.fetchrow(
        "SELECT name, time_zone, currencies, request_signatures, limits, fees FROM settings WHERE ledger_id = $1",
        asked.ledger_id,
    )
    return Reply(200, _shown(None, dict(row or {})))


ROUTES = (
    write(
        "PUT",
        "/v1/ledger",
        "settings:manage",
        SetLedger,
        set_,
        summary="Change the ledger's settings; what is left out stays",
        answers=LedgerAnswer,
    ),
    Route("GET", "/v1/ledger", "reports:read", show, summary="Show the ledger's settings", answers=LedgerAnswer),
)
