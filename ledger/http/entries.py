"""Entries over HTTP: the feed, which can be waited for, and one entry by its number."""

import asyncio
import contextlib
import re
import time
from typing import Annotated, Any

import msgspec

from ledger.books import feed
from ledger.books.feed import EntryBody
from ledger.core.entries import PostingBody
from ledger.core.errors import Invalid, NotFound
from ledger.core.kinds import COMMANDS
from ledger.http.periods import EntryNumber
from ledger.http.replies import Reply
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


class Resource(msgspec.Struct):
    """What an entry is about: the thing that it made, or the noun that it changed."""

    type: str
    id: str


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


_KEYS = ("party_key.register", "party_key.recover", "request_key.register", "log_key.register")
"""Kinds that make a key, which is called by its thumbprint."""

_ABOUT = {
    "party.create": ("party", "id"),
    "party.freeze": ("party", "party"),
    "party.unfreeze": ("party", "party"),
    "party.close": ("party", "party"),
    "policy.set": ("party", "party"),
    "fees.set": ("party", "party"),
    "limits.set": ("party", "party"),
    "claim.take": ("transfer", "transfer"),
    "claim.return": ("transfer", "transfer"),
    "party_key.revoke": ("party_key", "key_id"),
    "request_key.revoke": ("request_key", "key_id"),
    "log_key.revoke": ("log_key", "key_id"),
    "api_key.revoke": ("api_key", "id"),
    "alias.add": ("party", "party"),
    "alias.remove": ("party", "party"),
    "bank.register": ("bank", "id"),
    "rail.register": ("rail", "id"),
    "payment_request.decline": ("payment_request", "payment_request"),
    "payment_request.cancel": ("payment_request", "payment_request"),
    "payment_request.expire": ("payment_request", "payment_request"),
    "split.waive": ("split", "split"),
    "split.cancel": ("split", "split"),
    "refund.paid": ("refund", "refund"),
    "refund.failed": ("refund", "refund"),
    "payout.submit": ("payout", "payout"),
    "payout.paid": ("payout", "payout"),
    "payout.failed": ("payout", "payout"),
    "payout.returned": ("payout", "payout"),
}
"""Of the kinds of entries that make nothing with a number of its own: the noun, and the fact that names it."""

_MAKES = {
    "hold.capture": "capture",
    "payment_request.create": "payment_request",
    "payment_request.pay": "transfer",
    "split.create": "split",
    "payout.request": "payout",
}
"""Of the kinds of entries that make something that is called otherwise than they are: the noun."""


def resource(entry: EntryBody) -> Resource:
    """What an entry is about. Most make something whose id is their kind and number: transfer_8, deposit_return_9."""
    if entry.kind == "ledger.set":
        return Resource("ledger", entry.ledger)
    if entry.kind == "log.accept_loss":
        return Resource("log", msgspec.json.decode(entry.request)["origin"])
    if entry.kind == "api_key.create":
        return Resource("api_key", f"key_{entry.number}")
    if entry.kind in _KEYS:
        return Resource(entry.kind.partition(".")[0], msgspec.json.decode(entry.result)["id"])
    if entry.kind in _ABOUT:
        noun, fact = _ABOUT[entry.kind]
        facts: dict[str, Any] = msgspec.json.decode(entry.request)
        return Resource(noun, facts[fact])
    noun = _MAKES.get(entry.kind) or entry.kind.replace(".", "_")
    return Resource(noun, f"{noun}_{entry.number}")


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
