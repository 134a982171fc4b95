"""Holds over HTTP: placed, taken in parts, voided; shown and listed."""

from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from ledger.core.chats import Chat
from ledger.core.entries import Entry, row_of
from ledger.core.holds import CaptureHold, IncreaseHold, PlaceHold, VoidHold
from ledger.core.rows import Hold, Payment, moment, shown_time
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.listing import Noun, Read
from ledger.http.routes import Answer, Made, write

HoldState = Literal["open", "captured", "voided", "expired"]


class HoldAfterAnswer(Answer, kw_only=True):
    """A hold as an action left it; `entry` is the action's. GET also shows what was said when it was made."""

    id: str | None
    from_: str = msgspec.field(name="from")
    to: str
    amount: int
    captured: int
    released: int
    remaining: int
    currency: str
    state: HoldState
    expires_at: str


class HoldAnswer(HoldAfterAnswer, kw_only=True):
    """A hold. What is not `captured` or `released` remains; past `expires_at` it is expired, and what remains goes back
    within seconds. `entry` placed it."""

    new = ("id",)

    memo: str | None
    chat: Chat | None
    posted_at: str


class CaptureHoldAnswer(Made, kw_only=True):
    """A capture: the payee has the `net` of it, without the fee and its tax. By its id it can be refunded."""

    amount: int
    currency: str
    fee: int
    fee_tax: int
    net: int
    hold: HoldAfterAnswer
    memo: str | None
    posted_at: str


def _fields(row: Hold, now: datetime) -> dict[str, Any]:
    return {
        "id": f"hold_{row.entry}",
        "from_": row.payer,
        "to": row.payee,
        "amount": row.amount,
        "captured": row.captured,
        "released": row.released,
        "remaining": row.remaining,
        "currency": row.currency,
        "state": row.state_at(now),
        "expires_at": shown_time(row.expires_at),
    }


def placed(entry: Entry) -> HoldAnswer:
    """The hold as it was placed."""
    return _shown(row_of(entry, Hold), entry, moment(entry.posted_at))


def _shown(row: Hold, made: Entry, now: datetime) -> HoldAnswer:
    request: PlaceHold = made.request
    return HoldAnswer(
        **_fields(row, now),
        entry=row.entry,
        memo=request.memo,
        chat=request.chat,
        posted_at=format_timestamp(made.posted_at),
    )


def show(row: Hold, read: Read) -> HoldAnswer:
    """A hold as it is kept; one whose time is over reads as expired, though its money goes back a little later."""
    return _shown(row, read.entries[row.entry], read.now)


def changed(entry: Entry) -> HoldAfterAnswer:
    """The hold after an action."""
    return HoldAfterAnswer(**_fields(row_of(entry, Hold), moment(entry.posted_at)), entry=entry.number)


def captured(entry: Entry) -> CaptureHoldAnswer:
    """The capture as it was booked."""
    payment, request = row_of(entry, Payment), entry.request
    return CaptureHoldAnswer(
        id=f"capture_{entry.number}",
        entry=entry.number,
        amount=payment.amount,
        currency=payment.currency,
        fee=payment.fee,
        fee_tax=payment.fee_tax,
        net=payment.amount - payment.fee - payment.fee_tax,
        hold=changed(entry),
        memo=request.memo,
        posted_at=format_timestamp(entry.posted_at),
    )


NOUN = Noun(
    kind=Hold,
    prefix="hold",
    plural="holds",
    answer=HoldAnswer,
    show=show,
    sides=("payer", "payee"),
    states=get_args(HoldState),
    among=("chat",),
    lapses=True,
)

ROUTES = (
    write(
        "POST",
        "/v1/holds",
        "transfers:write",
        PlaceHold,
        placed,
        summary="Reserve money of a payer's for a payee",
        answers=HoldAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a hold"),
    write(
        "POST",
        "/v1/holds/{hold}/capture",
        "transfers:write",
        CaptureHold,
        captured,
        summary="Take what is held, or a part of it",
        answers=CaptureHoldAnswer,
        status=201,
    ),
    write(
        "POST",
        "/v1/holds/{hold}/void",
        "transfers:write",
        VoidHold,
        changed,
        summary="Give back what is left of a hold",
        answers=HoldAfterAnswer,
    ),
    write(
        "POST",
        "/v1/holds/{hold}/increase",
        "transfers:write",
        IncreaseHold,
        changed,
        summary="Reserve more under the same hold",
        answers=HoldAfterAnswer,
    ),
)
