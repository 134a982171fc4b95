"""Lists of transfers over HTTP."""

from typing import Annotated, get_args

import msgspec

from ledger.books import transfers as kept
from ledger.books.feed import head
from ledger.books.recall import entries_by_number
from ledger.http.cursors import PageQuery, cursor_at, place_at
from ledger.http.parameters import check_state
from ledger.http.periods import EntryNumber, Timestamp, period
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route
from ledger.http.transfers import Status, TransferNowAnswer, as_now

State = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(get_args(Status))})]


class TransfersQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which transfers; all, if nothing is said."""

    party: Annotated[str, msgspec.Meta(description="Only those of this party, on either side.")] | None = None
    state: State | None = None
    chat: Annotated[str, msgspec.Meta(description="Only those made in this conversation.")] | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None


class TransferList(msgspec.Struct):
    """A page of transfers, the newest first. It can be shorter than its limit, or empty, with more to come as long as
    `next_cursor` is not null."""

    data: list[TransferNowAnswer]
    next_cursor: str | None


class Place(msgspec.Struct, array_like=True):
    """Where the list goes on: `before` an entry, down to the one behind `after`, fixed with the first page."""

    party: str | None
    state: str | None
    chat: str | None
    since: str | None
    until: str | None
    after: EntryNumber
    before: EntryNumber


async def list_transfers(asked: Asked) -> Reply:
    """A page of transfers, the newest first."""
    query: TransfersQuery = asked.query
    of = f"transfers {asked.ledger_id}"
    check_state(query.state, get_args(Status))
    async with asked.pool.acquire() as connection:
        if query.cursor is not None:
            place = place_at(of, query, Place)
        else:
            newest = await head(connection, asked.ledger_id)
            after, last = await period(connection, asked.ledger_id, query.since, query.until, newest)
            place = Place(query.party, query.state, query.chat, query.since, query.until, after, last + 1)
        if "\0" in f"{place.party}{place.state}{place.chat}":  # no text in Postgres has it
            return Reply(200, TransferList([], None))
        wanted = kept.Filter(place.party, place.chat, place.after, place.state)
        found = await kept.page(connection, asked.ledger_id, wanted, place.before, query.limit)
        entries = await entries_by_number(connection, asked.ledger_id, found.numbers)
        since = await kept.since(connection, asked.ledger_id, found.numbers)
    next_cursor = None
    if found.before is not None:
        next_cursor = cursor_at(of, msgspec.structs.replace(place, before=found.before))
    shown = [as_now(entries[number], since[number]) for number in found.numbers]
    return Reply(200, TransferList(shown, next_cursor))


ROUTES = (
    Route(
        "GET",
        "/v1/transfers",
        "entries:read",
        list_transfers,
        summary="List transfers",
        query=TransfersQuery,
        answers=TransferList,
    ),
)
