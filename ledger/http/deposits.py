"""Deposits and their return over HTTP."""

from typing import Literal, get_args

import msgspec

from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import Entry, row_of, rows_of
from ledger.core.rows import Deposit, Payment
from ledger.core.text import format_timestamp, parse_timestamp
from ledger.http import listing
from ledger.http.listing import Noun, Read
from ledger.http.routes import Made, write

DepositState = Literal["credited", "suspense", "returned"]


class DepositAnswer(Made, kw_only=True):
    """A deposit: credited to the party `to`, or in suspense for a `reason`, or returned since."""

    new = ("id", "settlement")

    amount: int
    currency: str
    rail: str
    rail_reference: str
    state: DepositState
    reason: str | None
    to: str | None
    settlement: str | None
    surplus: int
    surplus_to: str | None
    occurred_at: str | None
    reference: str | None
    memo: str | None
    posted_at: str
    effective_on: str


class DepositReturnAnswer(Made, kw_only=True):
    """A deposit's return: the rail has taken `amount`, which is all that no refund had sent back before; `receivable`
    is what of it those who were credited now owe because their balances did not suffice."""

    deposit: str
    amount: int
    currency: str
    receivable: int
    reason: str | None
    posted_at: str


def answer(entry: Entry) -> DepositAnswer:
    """The deposit as it was booked."""
    request: MakeDeposit = entry.request
    row = row_of(entry, Deposit)
    return DepositAnswer(
        id=f"deposit_{entry.number}",
        entry=entry.number,
        amount=row.amount,
        currency=row.currency,
        rail=row.rail,
        rail_reference=row.rail_reference,
        state=msgspec.convert(row.state, DepositState),
        reason=row.reason,
        to=row.party,
        settlement=f"settlement_{entry.number}" if rows_of(entry, Payment) else None,
        surplus=row.surplus,
        surplus_to=row.surplus_to,
        occurred_at=_in_utc(request.occurred_at),
        reference=request.reference,
        memo=request.memo,
        posted_at=format_timestamp(entry.posted_at),
        effective_on=entry.effective_on.isoformat(),
    )


def _in_utc(time: str | None) -> str | None:
    return format_timestamp(parse_timestamp(time)) if time is not None else None


def returned(entry: Entry) -> DepositReturnAnswer:
    """The return as it was booked."""
    request: ReturnDeposit = entry.request
    result = entry.result or {}
    return DepositReturnAnswer(
        id=f"deposit_return_{entry.number}",
        entry=entry.number,
        deposit=request.deposit,
        amount=result["amount"],
        currency=result["currency"],
        receivable=result.get("receivable", 0),
        reason=request.reason,
        posted_at=format_timestamp(entry.posted_at),
    )


def _shown(row: Deposit, read: Read) -> DepositAnswer:
    deposit = answer(read.entries[row.entry])
    deposit.state = msgspec.convert(row.state, DepositState)
    return deposit


NOUN = Noun(
    kind=Deposit,
    prefix="deposit",
    plural="deposits",
    answer=DepositAnswer,
    show=_shown,
    sides=("party", "surplus_to"),
    states=get_args(DepositState),
    equal=("rail_reference",),
)

ROUTES = (
    write(
        "POST",
        "/v1/deposits",
        "deposits:write",
        MakeDeposit,
        answer,
        summary="Book money that arrived over a rail; a rail's reference books once",
        answers=DepositAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a deposit"),
    write(
        "POST",
        "/v1/deposits/{deposit}/return",
        "deposits:write",
        ReturnDeposit,
        returned,
        summary="Book that the rail took a deposit back",
        answers=DepositReturnAnswer,
        status=201,
    ),
)
