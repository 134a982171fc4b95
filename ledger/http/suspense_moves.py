"""What is done with money in suspense, over HTTP: it is given to whom it belongs, pays an invoice, or goes back."""

from typing import Literal

from ledger.core.entries import Entry, row_of, rows_of
from ledger.core.rows import Payment, Refund, SuspenseItem
from ledger.core.suspense import AllocateSuspense, ReturnSuspense
from ledger.core.text import format_timestamp
from ledger.http.routes import Made, write
from ledger.http.suspense import SuspenseAfterAnswer, fields


class SuspenseAllocationAnswer(Made, kw_only=True):
    """What was given out of suspense: to the party `to`, or to an invoice by the `settlement`."""

    new = ("id", "settlement")

    amount: int
    currency: str
    to: str
    settlement: str | None
    suspense: SuspenseAfterAnswer
    posted_at: str


class SuspenseReturnAnswer(Made, kw_only=True):
    """What goes back over the rail: a refund, which the rail then pays or cannot."""

    amount: int
    currency: str
    rail: str
    reason: str | None
    state: Literal["requested"]
    suspense: SuspenseAfterAnswer
    posted_at: str


def _after(entry: Entry) -> SuspenseAfterAnswer:
    return SuspenseAfterAnswer(**fields(row_of(entry, SuspenseItem)))


def allocated(entry: Entry) -> SuspenseAllocationAnswer:
    """What was given out of suspense, as it was booked."""
    posting = entry.postings[0]
    return SuspenseAllocationAnswer(
        id=f"suspense_allocate_{entry.number}",
        entry=entry.number,
        amount=posting.amount,
        currency=posting.debit.currency,
        to=posting.credit.owner,
        settlement=f"settlement_{entry.number}" if rows_of(entry, Payment) else None,
        suspense=_after(entry),
        posted_at=format_timestamp(entry.posted_at),
    )


def returned(entry: Entry) -> SuspenseReturnAnswer:
    """What goes back, as it was booked."""
    refund = row_of(entry, Refund)
    return SuspenseReturnAnswer(
        id=f"refund_{entry.number}",
        entry=entry.number,
        amount=refund.amount,
        currency=refund.currency,
        rail=refund.rail or "",
        reason=entry.request.reason,
        state="requested",
        suspense=_after(entry),
        posted_at=format_timestamp(entry.posted_at),
    )


ROUTES = (
    write(
        "POST",
        "/v1/suspense/{suspense}/allocate",
        "deposits:write",
        AllocateSuspense,
        allocated,
        summary="Give money in suspense to whom it belongs, or to an invoice",
        answers=SuspenseAllocationAnswer,
        status=201,
    ),
    write(
        "POST",
        "/v1/suspense/{suspense}/return",
        "deposits:write",
        ReturnSuspense,
        returned,
        summary="Send money in suspense back over its rail",
        answers=SuspenseReturnAnswer,
        status=201,
    ),
)
