"""Payouts over HTTP: requested, followed to their end, shown and listed; and what each of them paid out."""

from typing import Any, Literal, get_args

import msgspec

from ledger.books import accounts as kept
from ledger.books import agreements
from ledger.books.explanations import Explained, explained
from ledger.core.entries import Entry, row_of
from ledger.core.errors import NotFound
from ledger.core.payouts import ConfirmPayout, FailPayout, RequestPayout, ReturnPayout, SubmitPayout
from ledger.core.rows import Payout
from ledger.core.shape import numbered
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.cursors import PageQuery, cursor_at, place_at
from ledger.http.listing import Noun, Read, Shared
from ledger.http.periods import EntryNumber
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Route, write

PayoutState = Literal["requested", "in_transit", "paid", "failed", "returned"]


class PayoutAfterAnswer(Answer, kw_only=True):
    """A payout as an action left it; `entry` is the action's. GET also shows what was said when it was made."""

    id: str | None
    party: str
    amount: int
    amount_returned: int
    currency: str
    rail: str
    state: PayoutState
    rail_reference: str | None
    return_reference: str | None
    reason: str | None


class PayoutAnswer(PayoutAfterAnswer, kw_only=True):
    """A payout. `requested` and `in_transit` it waits for the rail's word; `reason` is why it failed or came back (the
    last time), and `amount_returned` how much came back in all. `entry` requested it."""

    new = ("id",)

    destination: str | None
    posted_at: str


class ExplanationLine(msgspec.Struct):
    """By how much an entry changed what the party could spend, and what that came to after it."""

    entry: int
    kind: str
    amount: int
    running: int


class ExplanationAnswer(msgspec.Struct):
    """What a payout paid out: all that moved the party's `available` since its payout before. `carried_forward` and the
    amounts of all pages' entries, less what was `remaining`, are exactly the payout's amount. Ask for the next page
    with `next_cursor`, until it is null."""

    id: str
    amount: int
    currency: str
    carried_forward: int
    remaining: int
    entries: list[ExplanationLine]
    next_cursor: str | None


class Place(msgspec.Struct, array_like=True):
    """Where an explanation goes on: after an entry."""

    entry: EntryNumber


def _fields(row: Payout, last: Entry) -> dict[str, Any]:
    """What a payout shows; `last` is the entry that left it so."""
    is_undone = isinstance(last.request, FailPayout | ReturnPayout)
    return {
        "id": f"payout_{row.entry}",
        "party": row.party,
        "amount": row.amount,
        "amount_returned": row.returned,
        "currency": row.currency,
        "rail": row.rail,
        "state": row.state,
        "rail_reference": row.rail_reference,
        "return_reference": last.request.rail_reference if isinstance(last.request, ReturnPayout) else None,
        "reason": last.request.reason if is_undone else None,
    }


def _shown(row: Payout, made: Entry, last: Entry) -> PayoutAnswer:
    request: RequestPayout = made.request
    return PayoutAnswer(
        **_fields(row, last),
        entry=row.entry,
        destination=request.destination,
        posted_at=format_timestamp(made.posted_at),
    )


def requested(entry: Entry) -> PayoutAnswer:
    """The payout as it was requested."""
    return _shown(row_of(entry, Payout), entry, entry)


def changed(entry: Entry) -> PayoutAfterAnswer:
    """The payout after an action."""
    return PayoutAfterAnswer(**_fields(row_of(entry, Payout), entry), entry=entry.number)


def show(row: Payout, read: Read) -> PayoutAnswer:
    """A payout as it is kept."""
    return _shown(row, read.entries[row.entry], read.entries[row.changed_by])


async def explain(asked: Asked) -> Reply:
    """What a payout paid out, entry by entry; of several postings of an entry, their sum."""
    name, ledger_id, query = asked.path["payout"], asked.ledger_id, asked.query
    number = numbered("payout", name)
    of = f"explanation {ledger_id} {name}"
    async with asked.pool.acquire() as connection:
        payout = await agreements.one(connection, ledger_id, Payout, number) if number is not None else None
        if payout is None:
            raise NotFound("not_found", f"There is no payout {name}.")
        after = place_at(of, query, Place).entry if query.cursor is not None else payout.after_entry
        account = await kept.account(connection, ledger_id, payout.party, "available", payout.currency)
        found = await explained(connection, ledger_id, account, after, payout.entry, query.limit + 1)
        carried = await kept.as_of(connection, ledger_id, account, payout.after_entry)
        remaining = await kept.as_of(connection, ledger_id, account, payout.entry)
    shown = found[: query.limit]
    return Reply(
        200,
        ExplanationAnswer(
            id=name,
            amount=payout.amount,
            currency=payout.currency,
            carried_forward=carried.balance,
            remaining=remaining.balance,
            entries=[_line(line) for line in shown],
            next_cursor=cursor_at(of, Place(shown[-1].entry)) if len(found) > len(shown) else None,
        ),
    )


def _line(line: Explained) -> ExplanationLine:
    return ExplanationLine(line.entry, line.kind, line.change, line.balance)


NOUN = Noun(
    kind=Payout,
    prefix="payout",
    plural="payouts",
    answer=PayoutAnswer,
    show=show,
    sides=("party",),
    states=get_args(PayoutState),
    shared=Shared("rail_reference", ("party",)),
    more=lambda row: (row.changed_by,),
)

ROUTES = (
    write(
        "POST",
        "/v1/payouts",
        "payouts:write",
        RequestPayout,
        requested,
        summary="Pay a party out over a rail",
        answers=PayoutAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a payout"),
    Route(
        "GET",
        "/v1/payouts/{payout}/explanation",
        "reports:read",
        explain,
        summary="Explain what a payout paid out",
        query=PageQuery,
        answers=ExplanationAnswer,
    ),
    write(
        "POST",
        "/v1/payouts/{payout}/submitted",
        "payouts:write",
        SubmitPayout,
        changed,
        summary="Say that the rail was told to pay",
        answers=PayoutAfterAnswer,
    ),
    write(
        "POST",
        "/v1/payouts/{payout}/paid",
        "payouts:write",
        ConfirmPayout,
        changed,
        summary="Say that the rail has paid",
        answers=PayoutAfterAnswer,
    ),
    write(
        "POST",
        "/v1/payouts/{payout}/failed",
        "payouts:write",
        FailPayout,
        changed,
        summary="Say that the rail could not pay",
        answers=PayoutAfterAnswer,
    ),
    write(
        "POST",
        "/v1/payouts/{payout}/returned",
        "payouts:write",
        ReturnPayout,
        changed,
        summary="Say that a payout came back after it was paid",
        answers=PayoutAfterAnswer,
    ),
)
