"""Entries over HTTP: the feed, which can be waited for, and one entry by its number."""

import asyncio
import contextlib
import re
import time
from typing import Annotated

import msgspec

from ledger.books import feed
from ledger.books.feed import EntryBody
from ledger.core.entries import PostingBody
from ledger.core.errors import Invalid, NotFound
from ledger.core.kinds import COMMANDS
from ledger.http.periods import EntryNumber
from ledger.http.replies import Reply
from ledger.http.resources import Resource, resource
from ledger.http.routes import Asked, Route

POLL_SECONDS = 0.5
"""How often the head is looked at while a caller waits: another process's commits wake nobody here."""

_NUMBER = re.compile(r"\A[1-9][0-9]{0,17}\Z", re.ASCII)

Kind = Annotated[
    str, msgspec.Meta(description="Only entries of this kind.", extra_json_schema={"enum": list(COMMANDS)})
]


class FeedQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which entries: after a number, of one kind or of all; and how many seconds to wait where there is none yet."""

    after: EntryNumber = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000, description="How many to show at most.")] = 100
    kind: Kind | None = None
    wait: Annotated[int, msgspec.Meta(ge=0, le=30, description="Seconds to wait for an entry.")] = 0


class EntryAnswer(msgspec.Struct):
    """An entry as its body says it. `request` is what was asked, private texts replaced by commitments, and `result`
    what was decided beyond the postings. `request_key_digest` is base64url of the first 16 bytes of the
    Idempotency-Key's SHA-256."""

    number: int
    kind: str
    posted_at: str
    effective_on: str
    resource: Resource
    actor: str
    request_key_digest: str
    postings: list[PostingBody]
    request: Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "object"})]
    result: Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": ["object", "null"]})]


class FeedAnswer(msgspec.Struct):
    """Entries in order. Ask for those after `next_after`, which lies past entries of other kinds; a page can be shorter
    than its limit, or empty, with more to come as long as `next_after` is less than `head`."""

    entries: list[EntryAnswer]
    next_after: int
    head: int


def answer(entry: EntryBody) -> EntryAnswer:
    """An entry as it is shown."""
    return EntryAnswer(
        entry.number,
        entry.kind,
        entry.posted_at,
        entry.effective_on,
        resource(entry),
        entry.actor,
        entry.key,
        entry.postings,
        entry.request,
        entry.result,
    )


async def list_entries(asked: Asked) -> Reply:
    """A page of the feed, once there is something on it or the caller's patience ends."""
    query: FeedQuery = asked.query
    if query.kind is not None and query.kind not in COMMANDS:
        detail = f"There is no such kind of entry. There are: {', '.join(COMMANDS)}."
        raise Invalid.at("/kind", "field_invalid", detail)
    after, ends = query.after, time.monotonic() + query.wait
    while True:
        # Taken before the page is read: what is committed meanwhile sets it.
        moved = asked.service.next_commit(asked.ledger_id)
        page = await feed.page(asked.pool, asked.ledger_id, after, query.limit, query.kind)
        patience = ends - time.monotonic()
        if page.entries or page.next_after < page.head or patience <= 0 or asked.service.is_stopping:
            return Reply(200, FeedAnswer([answer(entry) for entry in page.entries], page.next_after, page.head))
        after = page.next_after
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(moved.wait(), min(patience, POLL_SECONDS))


async def show(asked: Asked) -> Reply:
    """One entry."""
    number = asked.path["number"]
    entry = None
    if _NUMBER.match(number):
        entry = await feed.entry(asked.pool, asked.ledger_id, int(number))
    if entry is None:
        raise NotFound("not_found", f"There is no entry {number}.")
    return Reply(200, answer(entry))


ROUTES = (
    Route(
        "GET",
        "/v1/entries",
        "entries:read",
        list_entries,
        summary="Follow the entries as they come",
        query=FeedQuery,
        answers=FeedAnswer,
    ),
    Route(
        "GET",
        "/v1/entries/{number}",
        "entries:read",
        show,
        summary="Show an entry",
        answers=EntryAnswer,
    ),
)
