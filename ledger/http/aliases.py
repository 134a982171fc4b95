"""Aliases over HTTP."""

import msgspec

from ledger.books.parties import alias_at
from ledger.books.times import last_entry_before
from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.entries import Entry
from ledger.core.errors import NotFound
from ledger.core.text import alias_reference
from ledger.http.parameters import time_of
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Route, write


class AliasAnswer(Answer, kw_only=True):
    """An alias and the party it names; `taken_from` is the party that had it before. Once erased, `value` is null."""

    channel: str
    value: str | None
    party: str | None
    taken_from: str | None


class AtQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`at` asks whom the alias named at a time."""

    at: str | None = None


def added(entry: Entry) -> AliasAnswer:
    """The alias as it was set."""
    request: AddAlias = entry.request
    taken_from = (entry.result or {}).get("taken_from")
    return AliasAnswer(
        entry=entry.number, channel=request.channel, value=request.value, party=request.party, taken_from=taken_from
    )


def removed(entry: Entry) -> AliasAnswer:
    """The alias that names nobody any more."""
    request: RemoveAlias = entry.request
    return AliasAnswer(entry=entry.number, channel=request.channel, value=request.value, party=None, taken_from=None)


async def show(asked: Asked) -> Reply:
    """Whom an alias names."""
    channel, value = asked.path["channel"], asked.path["value"]
    async with asked.pool.acquire() as connection:
        at = asked.query.at
        number = None
        if at is not None:
            number = await last_entry_before(connection, asked.ledger_id, time_of("at", at))
        found = await alias_at(connection, asked.ledger_id, channel, value, number)
    if found is None:
        raise NotFound("not_found", f"{alias_reference(channel, value)} names nobody.")
    return Reply(200, AliasAnswer(entry=found[1], channel=channel, value=value, party=found[0], taken_from=None))


ROUTES = (
    write(
        "POST",
        "/v1/parties/{party}/aliases",
        "parties:write",
        AddAlias,
        added,
        summary="Give a party an alias, such as a phone number",
        answers=AliasAnswer,
        status=201,
    ),
    write(
        "DELETE",
        "/v1/parties/{party}/aliases/{channel}/{value}",
        "parties:write",
        RemoveAlias,
        removed,
        summary="Take an alias away from its party",
        answers=AliasAnswer,
    ),
    Route(
        "GET",
        "/v1/aliases/{channel}/{value}",
        "entries:read",
        show,
        summary="Show whom an alias names, now or at a time",
        query=AtQuery,
        answers=AliasAnswer,
    ),
)
