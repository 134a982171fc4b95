"""Requests over HTTP: what became of an Idempotency-Key."""

from typing import Any, Literal

import msgspec

from ledger.books.recall import NotDone, stored_by_key
from ledger.core.entries import key_digest
from ledger.core.errors import NotFound
from ledger.core.text import format_timestamp
from ledger.http.problems import problem
from ledger.http.replies import Reply
from ledger.http.routes import ANSWERS, Asked, Route


class RequestAnswer(msgspec.Struct):
    """What became of a request: the status and body that it was answered with, and the entry it made, if any."""

    key: str
    state: Literal["accepted", "refused"]
    status: int
    entry: int | None
    at: str
    body: Any


async def show(asked: Asked) -> Reply:
    """What a key was used for."""
    key = asked.path["key"]
    digest = key_digest(key)
    stored = (await stored_by_key(asked.pool, asked.ledger_id, [digest])).get(digest)
    if stored is None:
        detail = "No request has been accepted or refused under this key: send it, or if you have, send it again."
        raise NotFound("not_found", detail)
    at = format_timestamp(stored.at)
    if isinstance(stored.outcome, NotDone):
        details = problem(stored.outcome.error, stored.outcome.instance, asked.service.base)
        return Reply(200, RequestAnswer(key, "refused", details.status, None, at, details))
    status, answer = ANSWERS[stored.kind]
    entry = stored.outcome.entry
    return Reply(200, RequestAnswer(key, "accepted", status, entry.number, at, answer(entry)))


ROUTES = (
    Route(
        "GET",
        "/v1/requests/{key}",
        "entries:read",
        show,
        summary="Show what became of an Idempotency-Key",
        answers=RequestAnswer,
    ),
)
