"""Statements over HTTP: an account's postings in their order, with the running balance."""

from typing import Annotated

import msgspec

from ledger.books import accounts as kept
from ledger.books.statements import Line, lines
from ledger.core.text import format_timestamp
from ledger.http.accounts import account_of
from ledger.http.cursors import PageQuery, cursor_at, place_at
from ledger.http.periods import EntryNumber, Timestamp, period
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route


class StatementQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """The period: from `since` on, and before `until`. From the beginning and up to now where they are left out."""

    since: Timestamp | None = None
    until: Timestamp | None = None


class StatementLine(msgspec.Struct):
    """One posting: by what it changed the balance, and what that was afterwards. `counterparty` owns the other account;
    `memo` is null where there was none, or once it was erased."""

    entry: int
    kind: str
    posted_at: str
    effective_on: str
    amount: int
    balance: int
    counterparty: str
    memo: str | None


class StatementAnswer(msgspec.Struct):
    """A page of a statement. `opening` and `closing` are the whole period's, the same on every page; all in minor
    units, in the natural sign of the account's class. Ask for the next page with `next_cursor`, until it is null."""

    opening: int
    lines: list[StatementLine]
    closing: int
    next_cursor: str | None


class Place(msgspec.Struct, array_like=True):
    """Where a statement goes on: after the posting `n` of `entry`. The period lies after `opening_entry` and up to
    `closing_entry`, both fixed with the first page."""

    since: str | None
    until: str | None
    opening_entry: EntryNumber
    closing_entry: EntryNumber
    entry: EntryNumber
    n: Annotated[int, msgspec.Meta(ge=-1, le=2**15 - 1)]


async def show(asked: Asked) -> Reply:
    """A page of a statement."""
    account = await account_of(asked)
    pool, ledger_id, query = asked.pool, asked.ledger_id, asked.query
    of = f"statement {ledger_id} {account.owner}/{account.role}/{account.currency}"
    if query.cursor is not None:
        place = place_at(of, query, Place)
    else:
        before, last = await period(pool, ledger_id, query.since, query.until, account.head)
        place = Place(query.since, query.until, before, last, before + 1, -1)
    found = await lines(pool, ledger_id, account, (place.entry, place.n), place.closing_entry, query.limit + 1)
    shown = found[: query.limit]
    next_cursor = None
    if len(found) > len(shown):
        next_cursor = cursor_at(of, msgspec.structs.replace(place, entry=shown[-1].entry, n=shown[-1].n))
    opening = await kept.as_of(pool, ledger_id, account, place.opening_entry)
    closing = await kept.as_of(pool, ledger_id, account, place.closing_entry)
    return Reply(200, StatementAnswer(opening.balance, [_line(line) for line in shown], closing.balance, next_cursor))


def _line(line: Line) -> StatementLine:
    return StatementLine(
        line.entry,
        line.kind,
        format_timestamp(line.posted_at),
        line.effective_on.isoformat(),
        line.change,
        line.balance,
        line.counterparty,
        line.memo,
    )


ROUTES = (
    Route(
        "GET",
        "/v1/accounts/{owner}/{role}/{currency}/statement",
        "entries:read",
        show,
        summary="List an account's postings with the running balance",
        query=StatementQuery,
        answers=StatementAnswer,
    ),
)
