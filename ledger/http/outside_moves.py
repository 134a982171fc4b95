"""Outside moves over HTTP: between rails and our bank accounts, and between those."""

from typing import Any

from ledger.core.entries import Entry, row_of
from ledger.core.outside_moves import MoveBetweenBanks, PrefundRail, SettleRail
from ledger.core.rows import OutsideMove
from ledger.core.text import format_timestamp
from ledger.http.routes import Made, write


class _MoveAnswer(Made, kw_only=True):
    amount: int
    fee: int
    currency: str
    reference: str
    memo: str | None
    posted_at: str
    effective_on: str


class RailMoveAnswer(_MoveAnswer, kw_only=True):
    """A payment between a rail and a bank account: `amount` arrived, `fee` was kept on the way."""

    rail: str
    bank: str


class BankMoveAnswer(_MoveAnswer, kw_only=True):
    """A payment from one bank account to another: `amount` arrived, `fee` was kept on the way."""

    bank: str
    to: str


def _fields(entry: Entry, row: OutsideMove) -> dict[str, Any]:
    return {
        "id": f"{row.kind.replace('.', '_')}_{entry.number}",
        "entry": entry.number,
        "amount": row.amount,
        "fee": row.fee,
        "currency": row.currency,
        "bank": row.bank,
        "reference": row.reference,
        "memo": entry.request.memo,
        "posted_at": format_timestamp(entry.posted_at),
        "effective_on": entry.effective_on.isoformat(),
    }


def of_rail(entry: Entry) -> RailMoveAnswer:
    """The move of a rail as it was booked."""
    row = row_of(entry, OutsideMove)
    return RailMoveAnswer(**_fields(entry, row), rail=row.rail or "")


def of_bank(entry: Entry) -> BankMoveAnswer:
    """The move between banks as it was booked."""
    row = row_of(entry, OutsideMove)
    return BankMoveAnswer(**_fields(entry, row), to=row.to_bank or "")


ROUTES = (
    write(
        "POST",
        "/v1/rails/{rail}/settle",
        "payouts:write",
        SettleRail,
        of_rail,
        summary="Book that a rail paid out to a bank account",
        answers=RailMoveAnswer,
        status=201,
    ),
    write(
        "POST",
        "/v1/rails/{rail}/prefund",
        "payouts:write",
        PrefundRail,
        of_rail,
        summary="Book that a rail was paid from a bank account",
        answers=RailMoveAnswer,
        status=201,
    ),
    write(
        "POST",
        "/v1/banks/{bank}/move",
        "payouts:write",
        MoveBetweenBanks,
        of_bank,
        summary="Book a payment between two bank accounts",
        answers=BankMoveAnswer,
        status=201,
    ),
)
