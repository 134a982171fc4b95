"""The ledger's settings over HTTP."""

from typing import Literal

import msgspec

from ledger.core.entries import Entry
from ledger.core.settings import SetLedger
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Route, write


class LedgerAnswer(Answer, kw_only=True):
    """A ledger's settings; `entry` is the write that is answered, null when they are only read."""

    name: str
    time_zone: str
    currencies: list[str]
    request_signatures: Literal["optional", "required"]


def set_(entry: Entry) -> LedgerAnswer:
    """The settings after the change."""
    return LedgerAnswer(entry=entry.number, **msgspec.convert(entry.result, dict))


async def show(asked: Asked) -> Reply:
    """The settings now."""
    row = await asked.pool.fetchrow(
        "SELECT name, time_zone, currencies, request_signatures FROM settings WHERE ledger_id = $1", asked.ledger_id
    )
    return Reply(200, LedgerAnswer(entry=None, **dict(row or {})))


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
