"""Splits over HTTP: made, waived in parts, cancelled; shown and listed with all their shares."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from ledger.books import agreements
from ledger.books.agreements import Parts
from ledger.core.chats import Chat
from ledger.core.entries import Entry, row_of, rows_of
from ledger.core.payment_requests import request_id
from ledger.core.rows import PaymentRequest, Split, moment, shown_time
from ledger.core.splits import CancelSplit, CreateSplit, WaiveShare
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.listing import Noun, Read
from ledger.http.payment_requests import RequestState
from ledger.http.routes import Answer, write

SplitState = Literal["open", "settled", "cancelled"]


class SplitShareAnswer(msgspec.Struct):
    """A payer's share of a split, and the payment request for it."""

    payer: str
    amount: int
    request: str | None
    state: RequestState


class SplitAfterAnswer(Answer, kw_only=True):
    """A split as an action left it; `entry` is the action's. GET also shows what was said when it was made."""

    id: str | None
    payee: str
    currency: str
    total: int
    state: SplitState
    shares: list[SplitShareAnswer]
    expires_at: str | None


class SplitAnswer(SplitAfterAnswer, kw_only=True):
    """A split. It is settled once every share is paid or waived; a share that was declined or has expired is neither.
    `entry` made it."""

    new = ("id",)

    memo: str | None
    chat: Chat | None
    posted_at: str

    def as_dry_run(self) -> None:
        """Take back what only a real write has."""
        super().as_dry_run()
        for share in self.shares:
            share.request = None


def _fields(row: Split, shares: list[SplitShareAnswer], expires_at: str | None) -> dict[str, Any]:
    return {
        "id": f"split_{row.entry}",
        "payee": row.payee,
        "currency": row.currency,
        "total": row.total,
        "state": row.state,
        "shares": shares,
        "expires_at": expires_at,
    }


def _shown(row: Split, requests: list[PaymentRequest], made: Entry, now: datetime) -> SplitAnswer:
    shares = [
        SplitShareAnswer(
            each.payer,
            each.amount,
            request_id(each.entry, each.n),
            msgspec.convert(each.state_at(now), RequestState),
        )
        for each in requests
    ]
    expires_at = requests[0].expires_at
    return SplitAnswer(
        **_fields(row, shares, shown_time(expires_at) if expires_at is not None else None),
        entry=row.entry,
        memo=made.request.memo,
        chat=made.request.chat,
        posted_at=format_timestamp(made.posted_at),
    )


def made(entry: Entry) -> SplitAnswer:
    """The split as it was made."""
    return _shown(row_of(entry, Split), rows_of(entry, PaymentRequest), entry, moment(entry.posted_at))


def show(row: Split, read: Read) -> SplitAnswer:
    """A split as it is kept."""
    return _shown(row, read.beside[row.entry], read.entries[row.entry], read.now)


def changed(entry: Entry) -> SplitAfterAnswer:
    """The split after an action."""
    row, result = row_of(entry, Split), entry.result or {}
    shares = [
        SplitShareAnswer(each["payer"], each["amount"], request_id(row.entry, each["n"]), each["state"])
        for each in result["shares"]
    ]
    return SplitAfterAnswer(**_fields(row, shares, result["expires_at"]), entry=entry.number)


async def _requests(connection: Any, ledger_id: int, splits: Sequence[Split]) -> dict[int, list[PaymentRequest]]:
    return await agreements.parts_of(connection, ledger_id, PaymentRequest, splits)


NOUN = Noun(
    kind=Split,
    prefix="split",
    plural="splits",
    answer=SplitAnswer,
    show=show,
    sides=("payee",),
    states=get_args(SplitState),
    among=("chat",),
    beside=_requests,
    parts=Parts(PaymentRequest, "payer", get_args(RequestState)),
)

ROUTES = (
    write(
        "POST",
        "/v1/splits",
        "transfers:write",
        CreateSplit,
        made,
        summary="Split a bill: ask everyone for a share",
        answers=SplitAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a split"),
    write(
        "POST",
        "/v1/splits/{split}/cancel",
        "transfers:write",
        CancelSplit,
        changed,
        summary="Ask nobody any more",
        answers=SplitAfterAnswer,
    ),
    write(
        "POST",
        "/v1/splits/{split}/shares/{payer}/waive",
        "transfers:write",
        WaiveShare,
        changed,
        summary="Let a payer off their share",
        answers=SplitAfterAnswer,
    ),
)
