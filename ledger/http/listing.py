"""Lists and single agreements over HTTP: one way to show them all, kept as it is now, with what was said when made.

A noun says which of the filters it takes; the cursor has them baked in.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from ledger.books import agreements, feed
from ledger.books.agreements import Among, Filter, Lapse, Parts
from ledger.core.entries import Entry
from ledger.core.errors import Invalid, NotFound
from ledger.core.rows import Agreement
from ledger.core.shape import numbered, numbered_part
from ledger.http.cursors import PageQuery, cursor_at, place_at
from ledger.http.parameters import check_state, time_of
from ledger.http.periods import period
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route

Kept = TypeVar("Kept", bound=Agreement)


class Read(NamedTuple):
    """What was read beside the rows: entries by their number, the database's clock, by which deadlines are judged, and
    what the noun wants `beside`."""

    entries: dict[int, Entry]
    now: datetime
    beside: Any = None


Show = Callable[[Any, Read], Any]
"""Shows a row, with what was read for it."""


class Shared(NamedTuple):
    """A column that very many may have the same of; with it, these `sides` are looked for, of which those `once` have
    it at most once."""

    name: str
    sides: tuple[str, ...]
    once: tuple[str, ...] = ()


class Noun(NamedTuple):
    """How agreements of a kind are listed and shown.

    `prefix` begins their ids; `sides` are the columns that name parties, as a side of its `parts` may; `equal` are the
    query parameters that are columns, `among` those of `AMONG`, and `shared` one that very many may have the same of.
    What `lapses` reads as expired past its time. `show` is given the row and the entries that made it and that `more`
    names, and what is read `beside` for a page of rows: then all of it is as it was at one moment.
    """

    kind: type[Agreement]
    prefix: str
    plural: str
    answer: type[msgspec.Struct]
    show: Show
    sides: tuple[str, ...]
    states: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()
    shared: Shared | None = None
    lapses: bool = False
    fixed: tuple[tuple[str, Any], ...] = ()
    more: Callable[[Any], tuple[int, ...]] = lambda row: ()
    columns: Callable[[str, str], tuple[tuple[str, Any], ...]] = lambda name, value: ((name, value),)
    beside: Callable[[Any, int, Sequence[Any]], Awaitable[Any]] | None = None
    parts: Parts | None = None


AMONG: dict[str, Callable[[str], Among]] = {
    "chat": lambda value: Among("chats", "conversation", value),
    "invoice": lambda value: Among("settled_invoices", "invoice", numbered("invoice", value) or 0),
}
"""Query parameters by which another table finds entries."""


class Spot(msgspec.Struct, array_like=True):
    """Where a list goes on, with its filters."""

    filters: dict[str, str]
    through: int
    entry: int
    n: int


_PARTY = Annotated[str, msgspec.Meta(description="Only those of this party, on either side.")]
_CHAT = Annotated[str, msgspec.Meta(description="Only those made in this conversation.")]
_TIME = Annotated[str, msgspec.Meta(description="A time of RFC 3339 with its zone.")]
_EQUAL = Annotated[str, msgspec.Meta(description="Only those with exactly this one.")]


def routes(noun: Noun, example_summary: str) -> tuple[Route, Route]:
    """The list and the single one: GET /v1/<plural> and GET /v1/<plural>/{<prefix>}."""
    path = f"/v1/{noun.plural}"
    query, listed_as = _query_of(noun), _list_of(noun)

    async def list_them(asked: Asked) -> Reply:
        return Reply(200, await _list(noun, listed_as, asked))

    async def show_one(asked: Asked) -> Reply:
        return Reply(200, await show(noun, asked, asked.path[noun.prefix]))

    list_them.__doc__ = f"A page of {noun.plural.replace('-', ' ')}, the newest first."
    show_one.__doc__ = f"{example_summary}, as it is now."
    listed = Route(
        "GET",
        path,
        "entries:read",
        list_them,
        summary=f"List {noun.plural.replace('-', ' ')}",
        query=query,
        answers=listed_as,
    )
    single = Route(
        "GET", f"{path}/{{{noun.prefix}}}", "entries:read", show_one, summary=example_summary, answers=noun.answer
    )
    return listed, single


async def show(noun: Noun, asked: Asked, resource_id: str) -> Any:
    """One agreement as it is now. Raises not_found."""
    key = key_of(noun, resource_id)
    async with _connection(noun, asked) as connection:
        row = await agreements.one(connection, asked.ledger_id, noun.kind, *key) if key is not None else None
        if row is None or any(getattr(row, name) != value for name, value in noun.fixed):
            raise NotFound("not_found", f"There is no {noun.prefix.replace('_', ' ')} {resource_id}.")
        return (await answers(noun, asked, connection, [row]))[0]


def key_of(noun: Noun, resource_id: str) -> tuple[int, ...] | None:
    """The key in an id: `hold_7`; `payment_request_7` and its shares `payment_request_7_2`; None if it is none."""
    if "n" in noun.kind.unique:
        return numbered_part(noun.prefix, resource_id)
    number = numbered(noun.prefix, resource_id)
    return (number,) if number is not None else None


async def _list(noun: Noun, listed_as: type[msgspec.Struct], asked: Asked) -> Any:
    query: Any = asked.query
    of = f"{noun.plural} {asked.ledger_id}"
    given = {
        name: value
        for name in query.__struct_fields__
        if name not in ("limit", "cursor") and (value := getattr(query, name)) is not None
    }
    async with _connection(noun, asked) as connection:
        now = await connection.fetchval("SELECT now()")
        if query.cursor is not None:
            spot = place_at(of, query, Spot)
            if any(spot.filters.get(name) != value for name, value in given.items()):
                detail = "The cursor was made for other filters. Send it with those it was made for, or alone."
                raise Invalid.at("/cursor", "cursor_invalid", detail)
            before = (spot.entry, spot.n)
        else:
            spot, before = Spot(given, await feed.head(connection, asked.ledger_id), 0, 0), None
        wanted = await _filter(noun, asked, connection, spot, now)
        rows: Sequence[Any] = ()
        if not any("\0" in value for value in spot.filters.values()):  # no text in Postgres has it
            rows = await agreements.page(connection, asked.ledger_id, noun.kind, wanted, before, query.limit + 1)
        shown = rows[: query.limit]
        data = await answers(noun, asked, connection, shown, now)
    next_cursor = None
    if len(rows) > len(shown):
        last = shown[-1]
        next_cursor = cursor_at(of, Spot(spot.filters, spot.through, last.entry, getattr(last, "n", 0)))
    return listed_as(data=data, next_cursor=next_cursor)


async def answers(
    noun: Noun, asked: Asked, connection: Any, rows: Sequence[Any], now: datetime | None = None
) -> list[Any]:
    """Agreements that were found, as they are shown, by the clock that they were looked for by."""
    read = await _read(asked, connection, rows, noun, now or await connection.fetchval("SELECT now()"))
    return [noun.show(row, read) for row in rows]


async def _read(asked: Asked, connection: Any, rows: Sequence[Any], noun: Noun, now: datetime) -> Read:
    more = {number for row in rows for number in noun.more(row)}
    entries = await agreements.made_by(connection, asked.ledger_id, rows, more)
    beside = await noun.beside(connection, asked.ledger_id, rows) if noun.beside is not None else None
    return Read(entries, now, beside)


@contextlib.asynccontextmanager
async def _connection(noun: Noun, asked: Asked) -> AsyncIterator[Any]:
    """What to read from; with what stands beside it, a row is read as both were at one moment."""
    async with asked.pool.acquire() as connection:
        if noun.beside is None:
            yield connection
        else:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                yield connection


async def _filter(noun: Noun, asked: Asked, connection: Any, spot: Spot, now: datetime) -> Filter:
    filters = spot.filters
    state = filters.get("state")
    check_state(state, noun.states)
    for name in ("since", "until"):
        if name in filters:
            time_of(name, filters[name])
    after, through = await period(connection, asked.ledger_id, filters.get("since"), filters.get("until"), spot.through)
    equal = [column for name in noun.equal if name in filters for column in noun.columns(name, filters[name])]
    among = tuple(AMONG[name](filters[name]) for name in noun.among if name in filters)
    shared = noun.shared if noun.shared is not None and noun.shared.name in filters else None
    # Without either the table's own order will do; with one, each state has its stretch of the index.
    by_state = noun.states if ("party" in filters or shared is not None) and not among else ()
    lapse = Lapse(now)
    return Filter(
        sides=shared.sides if shared is not None else noun.sides,
        party=filters.get("party"),
        states=(state,) if state is not None else by_state,
        among=among,
        fixed=(*noun.fixed, (shared.name, filters[shared.name])) if shared is not None else noun.fixed,
        equal=tuple(equal),
        after=after,
        through=through,
        parts=noun.parts,
        once=shared.once if shared is not None else (),
        lapse=lapse if noun.lapses and state in (lapse.state, lapse.after) else None,
    )


def _query_of(noun: Noun) -> type[msgspec.Struct]:
    fields: list[Any] = [("party", _PARTY | None, None)] if noun.sides else []
    if noun.states:
        state = Annotated[
            str, msgspec.Meta(description="Only those in this state.", extra_json_schema={"enum": list(noun.states)})
        ]
        fields.append(("state", state | None, None))
    shared = (noun.shared.name,) if noun.shared is not None else ()
    names = (*noun.among, *shared, *noun.equal)
    fields += [(name, (_CHAT if name == "chat" else _EQUAL) | None, None) for name in names]
    fields += [("since", _TIME | None, None), ("until", _TIME | None, None)]
    return msgspec.defstruct(
        f"{noun.answer.__name__}Query", fields, bases=(PageQuery,), forbid_unknown_fields=True, kw_only=True
    )


def _list_of(noun: Noun) -> type[msgspec.Struct]:
    fields: list[Any] = [("data", list[noun.answer]), ("next_cursor", str | None)]  # type: ignore[name-defined]
    made = msgspec.defstruct(f"{noun.answer.__name__}List", fields)
    made.__doc__ = f"A page of {noun.plural.replace('-', ' ')}, the newest first."
    return made
