"""Payment requests over HTTP: made, paid, declined, taken back; shown and listed."""

from datetime import datetime
from typing import Any, ClassVar, Literal, get_args

from ledger.core.chats import Chat
from ledger.core.entries import Entry, row_of
from ledger.core.payment_requests import (
    CancelPaymentRequest,
    CreatePaymentRequest,
    DeclinePaymentRequest,
    PayPaymentRequest,
    id_of,
)
from ledger.core.rows import PaymentRequest, moment, shown_time
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.listing import Noun, Read
from ledger.http.routes import Answer, Made, write

RequestState = Literal["open", "paid", "declined", "cancelled", "expired"]


class PaymentRequestAfterAnswer(Answer, kw_only=True):
    """A payment request as an action left it, by its `entry`. GET also shows what was said when it was made."""

    new: ClassVar[tuple[str, ...]] = ("transfer",)

    id: str | None
    payee: str
    payer: str
    amount: int
    currency: str
    state: RequestState
    expires_at: str | None
    split: str | None
    transfer: str | None


class PaymentRequestAnswer(PaymentRequestAfterAnswer, kw_only=True):
    """A payment request; past `expires_at` it is expired. A share of a split names its `split`, whose `entry`, memo and
    chat are its own."""

    new = ("id", "transfer")

    memo: str | None
    chat: Chat | None
    posted_at: str


class RequestPaymentAnswer(Made, kw_only=True):
    """The transfer that paid a request. By its id it can be refunded."""

    amount: int
    currency: str
    request: PaymentRequestAfterAnswer
    posted_at: str


def _fields(row: PaymentRequest, now: datetime) -> dict[str, Any]:
    return {
        "id": id_of(row),
        "payee": row.payee,
        "payer": row.payer,
        "amount": row.amount,
        "currency": row.currency,
        "state": row.state_at(now),
        "expires_at": shown_time(row.expires_at) if row.expires_at is not None else None,
        "split": f"split_{row.entry}" if row.n > 0 else None,
        "transfer": f"transfer_{row.paid_by}" if row.paid_by is not None else None,
    }


def _shown(row: PaymentRequest, made: Entry, now: datetime) -> PaymentRequestAnswer:
    return PaymentRequestAnswer(
        **_fields(row, now),
        entry=row.entry,
        memo=made.request.memo,
        chat=made.request.chat,
        posted_at=format_timestamp(made.posted_at),
    )


def made(entry: Entry) -> PaymentRequestAnswer:
    """The request as it was made."""
    return _shown(row_of(entry, PaymentRequest), entry, moment(entry.posted_at))


def show(row: PaymentRequest, read: Read) -> PaymentRequestAnswer:
    """A request as it is kept."""
    return _shown(row, read.entries[row.entry], read.now)


def changed(entry: Entry) -> PaymentRequestAfterAnswer:
    """The request after an action."""
    return PaymentRequestAfterAnswer(
        **_fields(row_of(entry, PaymentRequest), moment(entry.posted_at)), entry=entry.number
    )


def paid(entry: Entry) -> RequestPaymentAnswer:
    """The payment as it was booked."""
    request = changed(entry)
    return RequestPaymentAnswer(
        id=f"transfer_{entry.number}",
        entry=entry.number,
        amount=request.amount,
        currency=request.currency,
        request=request,
        posted_at=format_timestamp(entry.posted_at),
    )


NOUN = Noun(
    kind=PaymentRequest,
    prefix="payment_request",
    plural="payment-requests",
    answer=PaymentRequestAnswer,
    show=show,
    sides=("payer", "payee"),
    states=get_args(RequestState),
    among=("chat",),
    lapses=True,
)

ROUTES = (
    write(
        "POST",
        "/v1/payment-requests",
        "transfers:write",
        CreatePaymentRequest,
        made,
        summary="Ask a payer for money",
        answers=PaymentRequestAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a payment request"),
    write(
        "POST",
        "/v1/payment-requests/{payment_request}/pay",
        "transfers:write",
        PayPaymentRequest,
        paid,
        summary="Pay a request",
        answers=RequestPaymentAnswer,
        status=201,
    ),
    write(
        "POST",
        "/v1/payment-requests/{payment_request}/decline",
        "transfers:write",
        DeclinePaymentRequest,
        changed,
        summary="Say no to a request, for its payer",
        answers=PaymentRequestAfterAnswer,
    ),
    write(
        "POST",
        "/v1/payment-requests/{payment_request}/cancel",
        "transfers:write",
        CancelPaymentRequest,
        changed,
        summary="Take a request back, for its payee",
        answers=PaymentRequestAfterAnswer,
    ),
)
