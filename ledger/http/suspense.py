"""Suspense over HTTP: what has arrived and belongs to someone not yet known."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from ledger.books import agreements
from ledger.books import suspense as kept
from ledger.books.suspense import OpenItem
from ledger.books.times import from_micros, last_entry_before
from ledger.core.entries import Entry, row_of, rows_of
from ledger.core.errors import Invalid, NotFound
from ledger.core.rows import Payment, Refund, SuspenseItem
from ledger.core.shape import numbered
from ledger.core.suspense import AllocateSuspense, ReturnSuspense
from ledger.core.text import format_timestamp, parse_date, parse_timestamp
from ledger.http.cursors import PageQuery, cursor_at, place_at
from ledger.http.periods import EntryNumber
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Made, Route, write

Days = Annotated[int, msgspec.Meta(ge=0, le=36_500, description="Only what has lain there for more days than this.")]
Moment = Annotated[
    str,
    msgspec.Meta(description="A time of RFC 3339, itself excluded, or a date: its end in the ledger's time zone."),
]


class SuspenseQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """As of when, now if nothing is said; and how old the items are at least."""

    as_of: Moment | None = None
    older_than: Days | None = None


class SuspenseItemAnswer(msgspec.Struct):
    """Money in suspense, brought by `deposit`. `age_days` counts from the day it arrived on to the day asked for."""

    id: str
    entry: int
    amount: int
    remaining: int
    currency: str
    reason: str
    arrived_on: str
    age_days: int
    state: Literal["open"]
    deposit: str | None
    rail: str
    rail_reference: str | None
    party: str | None


class SuspenseList(msgspec.Struct):
    """A page of open items, the oldest first."""

    data: list[SuspenseItemAnswer]
    next_cursor: str | None


class Place(msgspec.Struct, array_like=True):
    """Where the list goes on: after `entry`. `as_of_entry` and `day` were fixed with the first page."""

    as_of: str | None
    older_than: Days | None
    as_of_entry: EntryNumber
    day: date
    entry: EntryNumber


class _Moment(NamedTuple):
    """A moment: the last entry before it, and the day that ends with it or contains it."""

    entry: int
    day: date


async def list_suspense(asked: Asked) -> Reply:
    """A page of what is open, or was."""
    query: SuspenseQuery = asked.query
    of = f"suspense {asked.ledger_id}"
    if query.cursor is not None:
        place = place_at(of, query, Place)
    else:
        moment = await _moment(asked, query.as_of)
        place = Place(query.as_of, query.older_than, moment.entry, moment.day, 0)
    arrived_before = date.max if place.older_than is None else _days_before(place.day, place.older_than)
    found = await kept.open_items(
        asked.pool, asked.ledger_id, place.as_of_entry, place.entry, arrived_before, query.limit + 1
    )
    shown = found[: query.limit]
    next_cursor = None
    if len(found) > len(shown):
        next_cursor = cursor_at(of, msgspec.structs.replace(place, entry=shown[-1].entry))
    return Reply(200, SuspenseList([_item(item, place.day) for item in shown], next_cursor))


async def _moment(asked: Asked, as_of: str | None) -> _Moment:
    """What `as_of` means, now if it is None. Raises timestamp_invalid."""
    now = await kept.now(asked.pool, asked.ledger_id)
    zone = ZoneInfo(now.time_zone)
    if as_of is None:
        return _Moment(now.head, _day_of(now.micros, zone))
    try:
        if "T" in as_of.upper():
            micros = parse_timestamp(as_of)
        else:
            micros = _start_of(parse_date(as_of) + timedelta(days=1), zone)
        day, time = _day_of(micros - 1, zone), format_timestamp(micros)
    except (ValueError, OverflowError):
        detail = "Write as_of as a time with its zone (2026-01-31T12:00:00Z) or as a date (2026-01-31)."
        raise Invalid.at("/as_of", "timestamp_invalid", detail) from None
    entry = await last_entry_before(asked.pool, asked.ledger_id, time)
    return _Moment(min(entry, now.head), day)


def _start_of(day: date, zone: ZoneInfo) -> int:
    """When a day begins, in microseconds since the epoch."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def _day_of(micros: int, zone: ZoneInfo) -> date:
    return from_micros(micros).astimezone(zone).date()


def _days_before(day: date, days: int) -> date:
    """A day counted back; the calendar's first, where it does not reach as far."""
    return day - timedelta(days=min(days, (day - date.min).days))


def _item(item: OpenItem, day: date) -> SuspenseItemAnswer:
    return SuspenseItemAnswer(
        id=f"suspense_{item.entry}",
        entry=item.entry,
        amount=item.amount,
        remaining=item.remaining,
        currency=item.currency,
        reason=item.reason,
        arrived_on=item.arrived_on.isoformat(),
        age_days=(day - item.arrived_on).days,
        state="open",
        deposit=f"deposit_{item.entry}" if item.rail_reference is not None else None,
        rail=item.rail,
        rail_reference=item.rail_reference,
        party=item.party,
    )


class SuspenseAfterAnswer(msgspec.Struct):
    """A suspense item as an action left it."""

    id: str
    amount: int
    remaining: int
    currency: str
    reason: str
    arrived_on: str
    state: Literal["open", "cleared"]
    rail: str
    party: str | None


class SuspenseAllocationAnswer(Made, kw_only=True):
    """What was given out of suspense: to the party `to`, or to an invoice by the `settlement`."""

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
    return _shown(row_of(entry, SuspenseItem))


async def show(asked: Asked) -> Reply:
    """One item as it is now, also once it is cleared."""
    name = asked.path["suspense"]
    number = numbered("suspense", name)
    row = await agreements.one(asked.pool, asked.ledger_id, SuspenseItem, number) if number is not None else None
    if row is None:
        raise NotFound("not_found", f"There is no suspense item {name}.")
    return Reply(200, _shown(row))


def _shown(row: SuspenseItem) -> SuspenseAfterAnswer:
    return SuspenseAfterAnswer(
        id=f"suspense_{row.entry}",
        amount=row.amount,
        remaining=row.remaining,
        currency=row.currency,
        reason=row.reason,
        arrived_on=row.arrived_on.isoformat(),
        state="open" if row.state == "open" else "cleared",
        rail=row.rail,
        party=row.party,
    )


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
    Route(
        "GET",
        "/v1/suspense/{suspense}",
        "reports:read",
        show,
        summary="Show a suspense item",
        answers=SuspenseAfterAnswer,
    ),
    Route(
        "GET",
        "/v1/suspense",
        "reports:read",
        list_suspense,
        summary="List the money in suspense, now or as of a time or date",
        query=SuspenseQuery,
        answers=SuspenseList,
    ),
)
