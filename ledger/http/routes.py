"""What a route is. One table of them serves the door, the OpenAPI document and the tests."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar, NamedTuple

import msgspec

from ledger.books.database import LedgerReads
from ledger.books.recall import NotDone
from ledger.core.commands import Command
from ledger.core.consent import is_signed
from ledger.core.entries import Entry, key_digest
from ledger.core.errors import Invalid
from ledger.core.intents import SignedIntent
from ledger.http.problems import refusal
from ledger.http.replies import REPLAYED, Reply
from ledger.http.service import Service
from ledger.http.strict import StrictDecoder

BODY_BYTES_MAX = 64 * 1024
BATCH_BYTES_MAX = 8 * 1024 * 1024

INTENTS_AT_ONCE = 16
"""So many signatures are checked before others get their turn: each takes some 100 µs."""


class Asked(NamedTuple):
    """A request that passed the door: who asks, what the path names, the query and body, its key
    (empty where none is needed), and the service behind the door."""

    service: Service
    ledger_id: int
    actor: str
    request_id: str
    path: dict[str, str]
    query: Any
    body: Any
    key: str

    @property
    def pool(self) -> LedgerReads:
        """What to read the ledger from which is asked; no other one's rows are there."""
        return self.service.reads(self.ledger_id)


class Answer(msgspec.Struct, kw_only=True):
    """What a write answers: `entry` is the number of the entry it made, null in a dry run."""

    new: ClassVar[tuple[str, ...]] = ()
    """The fields that only a real write has, beside `entry`."""

    entry: int | None

    def as_dry_run(self) -> None:
        """Take back what only a real write has, also in what the answer shows of other things."""
        for name in ("entry", *self.new):
            setattr(self, name, None)
        for name in self.__struct_fields__:
            inside = getattr(self, name)
            if isinstance(inside, Answer):
                inside.as_dry_run()


class Made(Answer, kw_only=True):
    """The same, of a thing whose id says which entry made it."""

    new: ClassVar[tuple[str, ...]] = ("id",)

    id: str | None


async def check_ahead(asked: Asked, intents: Iterable[SignedIntent | None]) -> None:
    """Check the signatures of intents before the queue, so that the lane never waits for the curve's arithmetic.

    What came of it is remembered; whether an intent counts is judged in the lane.
    """
    given = [intent for intent in intents if intent is not None]
    if not given:
        return
    rows = await asked.pool.fetch(
        "SELECT id, public_key FROM public_keys WHERE ledger_id = $1 AND id = ANY ($2)",
        asked.ledger_id,
        list({intent.key_id for intent in given}),
    )
    public_keys = {row["id"]: row["public_key"] for row in rows}
    for index, intent in enumerate(given):
        if intent.key_id in public_keys:
            is_signed(intent.payload, intent.key_id, intent.signature, public_keys[intent.key_id])
        if index % INTENTS_AT_ONCE == INTENTS_AT_ONCE - 1:
            await asyncio.sleep(0)


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """A route without query parameters."""


class WriteQuery(msgspec.Struct, forbid_unknown_fields=True):
    """A write's query parameters. `dry_run` answers what the write would, remembers no key and writes nothing."""

    dry_run: bool = False


Handle = Callable[[Asked], Awaitable[Reply]]


class Route:
    """One method on one path, and what answers it. `scope` None means that no credentials are needed.

    A `body` is what the route reads; a write needs an Idempotency-Key, unless its items carry their own. The docstring
    of `handle` tells callers what it does. The names in the path that are `deep` may have slashes in them.
    """

    def __init__(
        self,
        method: str,
        path: str,
        scope: str | None,
        handle: Handle,
        *,
        summary: str,
        answers: type[Any],
        status: int = 200,
        media_type: str = "application/json",
        query: type[msgspec.Struct] = NoQuery,
        body: type[msgspec.Struct] | None = None,
        body_bytes_max: int = BODY_BYTES_MAX,
        needs_key: bool = False,
        deep: tuple[str, ...] = (),
    ) -> None:
        self.method = method
        self.path = path
        self.scope = scope
        self.handle = handle
        self.summary = summary
        self.answers = answers
        self.status = status
        self.media_type = media_type
        self.query = query
        self.no_query = None if any(field.required for field in msgspec.structs.fields(query)) else query()
        self.body = body
        self.body_bytes_max = body_bytes_max
        self.needs_key = needs_key
        self.decoder = StrictDecoder(body, allow_empty=True) if body is not None else None
        self.names = re.findall(r"{(\w+)}", path)
        named = {name: f"(?P<{name}>{'.' if name in deep else '[^/]'}+)" for name in self.names}
        self.pattern = re.compile(r"\A" + re.sub(r"{(\w+)}", lambda found: named[found[1]], path) + r"\Z")


ANSWERS: dict[str, tuple[int, Callable[[Entry], Answer]]] = {}
"""How an accepted command of each kind is answered: the status, and the function that shows its entry."""


def write(
    method: str,
    path: str,
    scope: str,
    command: type[Command],
    answer: Callable[[Entry], Answer],
    *,
    summary: str,
    answers: type[Answer],
    status: int = 200,
) -> Route:
    """A route that gives one command to the lane and shows its entry. Fields that the path names come from there."""
    names = re.findall(r"{(\w+)}", path)
    ANSWERS[command.kind] = (status, answer)
    may_be_signed = "intent" in command.__struct_fields__

    async def handle(asked: Asked) -> Reply:
        made: Any = _with_path(command, asked.body, asked.path) if names else asked.body
        if may_be_signed and made.intent is not None:
            await check_ahead(asked, [made.intent])
        lane = await asked.service.lane(asked.ledger_id)
        dry_run = asked.query.dry_run
        outcome = await lane.submit(made, key_digest(asked.key), asked.actor, asked.request_id, dry_run, by_key=True)
        if isinstance(outcome, NotDone):
            return refusal(outcome.error, outcome.instance, asked.service.base, outcome.replayed)
        shown = answer(outcome.entry)
        if outcome.replayed:
            return Reply(status, shown, headers=REPLAYED)
        if dry_run:
            shown.as_dry_run()
        return Reply(status, shown)

    handle.__doc__ = command.__doc__
    return Route(
        method,
        path,
        scope,
        handle,
        summary=summary,
        answers=answers,
        status=status,
        query=WriteQuery,
        body=_body_of(command, names),
        needs_key=True,
    )


def _with_path(command: type[Command], body: Any, path: dict[str, str]) -> Command:
    made = command(**{name: getattr(body, name) for name in body.__struct_fields__}, **path)
    fault = made.fault()
    if fault is not None:
        raise Invalid(fault.code, fault.detail, [fault])
    return made


def _body_of(command: type[Command], names: list[str]) -> type[msgspec.Struct]:
    """The shape of a command's body: its fields without those that the path names."""
    if not names:
        return command
    fields: list[Any] = []
    for field in msgspec.structs.fields(command):
        if field.name not in names:
            default = {} if field.required else {"default": field.default}
            fields.append((field.name, field.type, msgspec.field(name=field.encode_name, **default)))
    name = command.__name__ + "Body"
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, omit_defaults=True, kw_only=True)
