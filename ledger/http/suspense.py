"""Suspense over HTTP: what has arrived and belongs to someone not yet known."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from ledger.books import suspense as kept
from ledger.books.recall import entries_by_number
from ledger.books.suspense import Item
from ledger.books.times import last_entry_before
from ledger.core.deposits import MakeDeposit
from ledger.core.errors import Invalid, NotFound
from ledger.core.rows import SuspenseItem, day_of, moment
from ledger.core.shape import numbered
from ledger.core.text import format_timestamp, parse_date, parse_timestamp
from ledger.http.cursors import PageQuery, cursor_at, place_at
from ledger.http.parameters import check_state
from ledger.http.periods import EntryNumber
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route

Days = Annotated[int, msgspec.Meta(ge=0, le=36_500, description="Only what has lain there for more days than this.")]
Moment = Annotated[
    str,
    msgspec.Meta(description="A time of RFC 3339, itself excluded, or a date: its end in the ledger's time zone."),
]
State = Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["open", "cleared"]})]


class SuspenseQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """As of when, now if nothing is said; how old the items are at least; and whether those that are open."""

    as_of: Moment | None = None
    state: State | None = None
    older_than: Days | None = None


class SuspenseItemAnswer(msgspec.Struct):
    """Money in suspense, brought by `deposit`, which may have said its `payer` and a `reference`. `age_days` counts
    from the day it arrived on to the day asked for; null once nothing remains."""

    id: str
    entry: int
    amount: int
    remaining: int
    currency: str
    reason: str
    arrived_on: str
    age_days: int | None
    state: Literal["open", "cleared"]
    deposit: str | None
    rail: str
    rail_reference: str | None
    reference: str | None
    payer: str | None
    party: str | None


class SuspenseList(msgspec.Struct):
    """A page of items, the oldest first."""

    data: list[SuspenseItemAnswer]
    next_cursor: str | None


class Place(msgspec.Struct, array_like=True):
    """Where the list goes on: after `entry`. `as_of_entry` and `day` were fixed with the first page."""

    as_of: str | None
    state: str | None
    older_than: Days | None
    as_of_entry: EntryNumber
    day: date
    entry: EntryNumber


class _Said(NamedTuple):
    """Which words came with a deposit, and who its payer was said to be."""

    reference: str | None
    payer: str | None


class _Moment(NamedTuple):
    """A moment: the last entry before it, and the day that ends with it or contains it."""

    entry: int
    day: date


async def list_suspense(asked: Asked) -> Reply:
    """A page of what is open, or was; or of what is cleared."""
    query: SuspenseQuery = asked.query
    of = f"suspense {asked.ledger_id}"
    check_state(query.state, ("open", "cleared"))
    if query.state == "cleared" and query.as_of is not None:
        detail = "As of a time only what was open then is listed. Give as_of or state=cleared, not both."
        raise Invalid.at("/state", "field_invalid", detail)
    if query.cursor is not None:
        place = place_at(of, query, Place)
    else:
        at = await _moment(asked, query.as_of)
        place = Place(query.as_of, query.state, query.older_than, at.entry, at.day, 0)
    arrived_before = date.max if place.older_than is None else _days_before(place.day, place.older_than)
    items = kept.cleared_items if place.state == "cleared" else kept.open_items
    found = await items(asked.pool, asked.ledger_id, place.as_of_entry, place.entry, arrived_before, query.limit + 1)
    shown = found[: query.limit]
    said = await _said(asked, [item.entry for item in shown])
    next_cursor = None
    if len(found) > len(shown):
        next_cursor = cursor_at(of, msgspec.structs.replace(place, entry=shown[-1].entry))
    return Reply(200, SuspenseList([_item(item, place.day, said[item.entry]) for item in shown], next_cursor))


async def _moment(asked: Asked, as_of: str | None) -> _Moment:
    """What `as_of` means, now if it is None. Raises timestamp_invalid."""
    now = await kept.now(asked.pool, asked.ledger_id)
    if as_of is None:
        return _Moment(now.head, day_of(moment(now.micros), now.time_zone))
    try:
        if "T" in as_of.upper():
            micros = parse_timestamp(as_of)
        else:
            micros = _start_of(parse_date(as_of) + timedelta(days=1), ZoneInfo(now.time_zone))
        day, time = day_of(moment(micros - 1), now.time_zone), format_timestamp(micros)
    except (ValueError, OverflowError):
        detail = "Write as_of as a time with its zone (2026-01-31T12:00:00Z) or as a date (2026-01-31)."
        raise Invalid.at("/as_of", "timestamp_invalid", detail) from None
    entry = await last_entry_before(asked.pool, asked.ledger_id, time)
    return _Moment(min(entry, now.head), day)


def _start_of(day: date, zone: ZoneInfo) -> int:
    """When a day begins, in microseconds since the epoch."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def _days_before(day: date, days: int) -> date:
    """A day counted back; the calendar's first, where it does not reach as far."""
    return day - timedelta(days=min(days, (day - date.min).days))


async def _said(asked: Asked, numbers: list[int]) -> dict[int, _Said]:
    """What the deposits said that brought items, by their entries; nothing where something else did."""
    said = dict.fromkeys(numbers, _Said(None, None))
    for number, entry in (await entries_by_number(asked.pool, asked.ledger_id, numbers)).items():
        made = entry.request
        if isinstance(made, MakeDeposit):
            is_erased = entry.private is None and (made.payer or "").startswith("alias:")
            said[number] = _Said(made.reference, None if is_erased else made.payer)
    return said


def _item(item: Item, day: date, said: _Said) -> SuspenseItemAnswer:
    return SuspenseItemAnswer(
        id=f"suspense_{item.entry}",
        entry=item.entry,
        amount=item.amount,
        remaining=item.remaining,
        currency=item.currency,
        reason=item.reason,
        arrived_on=item.arrived_on.isoformat(),
        age_days=(day - item.arrived_on).days if item.remaining else None,
        state="open" if item.remaining else "cleared",
        deposit=f"deposit_{item.entry}" if item.rail_reference is not None else None,
        rail=item.rail,
        rail_reference=item.rail_reference,
        reference=said.reference,
        payer=said.payer,
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


async def show(asked: Asked) -> Reply:
    """One item as it is now, also once it is cleared."""
    name = asked.path["suspense"]
    number = numbered("suspense", name)
    item = await kept.item(asked.pool, asked.ledger_id, number) if number is not None else None
    if item is None:
        raise NotFound("not_found", f"There is no suspense item {name}.")
    said = (await _said(asked, [item.entry]))[item.entry]
    return Reply(200, _item(item, (await _moment(asked, None)).day, said))


def fields(row: SuspenseItem) -> dict[str, Any]:
    """What is shown of an item that an action left so."""
    return {
        "id": f"suspense_{row.entry}",
        "amount": row.amount,
        "remaining": row.remaining,
        "currency": row.currency,
        "reason": row.reason,
        "arrived_on": row.arrived_on.isoformat(),
        "state": "open" if row.state == "open" else "cleared",
        "rail": row.rail,
        "party": row.party,
    }


ROUTES = (
    Route(
        "GET",
        "/v1/suspense/{suspense}",
        "reports:read",
        show,
        summary="Show a suspense item",
        answers=SuspenseItemAnswer,
    ),
    Route(
        "GET",
        "/v1/suspense",
        "reports:read",
        list_suspense,
        summary="List the money in suspense, now or as of a time or date, or what has left it",
        query=SuspenseQuery,
        answers=SuspenseList,
    ),
)
