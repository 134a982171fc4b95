"""Deposits and their return over HTTP."""

from typing import Literal

from ledger.books.recall import entry_by_number
from ledger.core.deposits import MakeDeposit, ReturnDeposit
from ledger.core.entries import Entry
from ledger.core.errors import NotFound
from ledger.core.shape import numbered
from ledger.core.text import format_timestamp, parse_timestamp
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Made, Route, write


class DepositAnswer(Made, kw_only=True):
    """A deposit: credited to the party `to`, or in suspense for a `reason`, or returned since."""

    amount: int
    currency: str
    rail: str
    rail_reference: str
    state: Literal["credited", "suspense", "returned"]
    reason: str | None
    to: str | None
    occurred_at: str | None
    memo: str | None
    posted_at: str
    effective_on: str


class DepositReturnAnswer(Made, kw_only=True):
    """A deposit's return: `receivable` is what the party now owes because its balance did not suffice."""

    deposit: str
    amount: int
    currency: str
    receivable: int
    reason: str | None
    posted_at: str


def answer(entry: Entry) -> DepositAnswer:
    """The deposit as it was booked."""
    request: MakeDeposit = entry.request
    result = entry.result or {}
    owner = entry.postings[0].credit.owner
    return DepositAnswer(
        id=f"deposit_{entry.number}",
        entry=entry.number,
        amount=request.amount,
        currency=request.currency,
        rail=request.rail,
        rail_reference=request.rail_reference,
        state=result["state"],
        reason=result.get("reason"),
        to=owner if result["state"] == "credited" else None,
        occurred_at=_in_utc(request.occurred_at),
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


async def show(asked: Asked) -> Reply:
    """One deposit as it is now."""
    number = numbered("deposit", asked.path["deposit"])
    async with asked.pool.acquire() as connection:
        entry = await entry_by_number(connection, asked.ledger_id, number) if number is not None else None
        if entry is None or entry.kind != MakeDeposit.kind:
            raise NotFound("not_found", f"There is no deposit {asked.path['deposit']}.")
        state = await connection.fetchval(
            "SELECT state FROM deposits WHERE ledger_id = $1 AND entry = $2", asked.ledger_id, number
        )
    deposit = answer(entry)
    deposit.state = state
    return Reply(200, deposit)


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
    Route("GET", "/v1/deposits/{deposit}", "entries:read", show, summary="Show a deposit", answers=DepositAnswer),
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
