"""Rails and banks over HTTP."""

import msgspec

from ledger.core.entries import Entry
from ledger.core.errors import NotFound
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.text import is_rail_or_bank_id
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Route, write


class RailAnswer(Answer, kw_only=True):
    """A rail and the bank to which it pays out."""

    id: str
    settles_to: str


class BankAnswer(Answer, kw_only=True):
    """One account at a bank."""

    id: str
    currency: str
    iban: str | None
    purpose: str


class RailList(msgspec.Struct):
    """All rails."""

    data: list[RailAnswer]
    next_cursor: str | None


class BankList(msgspec.Struct):
    """All banks."""

    data: list[BankAnswer]
    next_cursor: str | None


def rail(entry: Entry) -> RailAnswer:
    """The rail as it was registered."""
    request: RegisterRail = entry.request
    return RailAnswer(entry=entry.number, id=request.id, settles_to=request.settles_to)


def bank(entry: Entry) -> BankAnswer:
    """The bank as it was registered."""
    request: RegisterBank = entry.request
    return BankAnswer(
        entry=entry.number, id=request.id, currency=request.currency, iban=request.iban, purpose=request.purpose
    )


async def list_rails(asked: Asked) -> Reply:
    """The rails, few enough to be shown at once."""
    rows = await asked.pool.fetch(
        "SELECT entry, id, settles_to FROM rails WHERE ledger_id = $1 ORDER BY id", asked.ledger_id
    )
    return Reply(200, RailList([RailAnswer(**dict(row)) for row in rows], None))


async def list_banks(asked: Asked) -> Reply:
    """The banks, few enough to be shown at once."""
    rows = await asked.pool.fetch(
        "SELECT entry, id, currency, iban, purpose FROM banks WHERE ledger_id = $1 ORDER BY id", asked.ledger_id
    )
    return Reply(200, BankList([BankAnswer(**dict(row)) for row in rows], None))


async def show_rail(asked: Asked) -> Reply:
    """One rail."""
    sql = "SELECT entry, id, settles_to FROM rails WHERE ledger_id = $1 AND id = $2"
    name = asked.path["rail"]
    row = await asked.pool.fetchrow(sql, asked.ledger_id, name) if is_rail_or_bank_id(name) else None
    if row is None:
        raise NotFound("rail_unknown", f"There is no rail {name}. Register it with POST /v1/rails.")
    return Reply(200, RailAnswer(**dict(row)))


async def show_bank(asked: Asked) -> Reply:
    """One bank account."""
    sql = "SELECT entry, id, currency, iban, purpose FROM banks WHERE ledger_id = $1 AND id = $2"
    name = asked.path["bank"]
    row = await asked.pool.fetchrow(sql, asked.ledger_id, name) if is_rail_or_bank_id(name) else None
    if row is None:
        raise NotFound("not_found", f"There is no bank {name}. Register it with POST /v1/banks.")
    return Reply(200, BankAnswer(**dict(row)))


ROUTES = (
    write(
        "POST",
        "/v1/rails",
        "settings:manage",
        RegisterRail,
        rail,
        summary="Register an outside payment system",
        answers=RailAnswer,
        status=201,
    ),
    Route("GET", "/v1/rails", "reports:read", list_rails, summary="List the rails", answers=RailList),
    Route("GET", "/v1/rails/{rail}", "reports:read", show_rail, summary="Show a rail", answers=RailAnswer),
    write(
        "POST",
        "/v1/banks",
        "settings:manage",
        RegisterBank,
        bank,
        summary="Register one account at a bank",
        answers=BankAnswer,
        status=201,
    ),
    Route("GET", "/v1/banks", "reports:read", list_banks, summary="List the banks", answers=BankList),
    Route("GET", "/v1/banks/{bank}", "reports:read", show_bank, summary="Show a bank account", answers=BankAnswer),
)
