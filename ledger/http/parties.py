"""Parties over HTTP: registered, shown, frozen, closed."""

from typing import Literal

import msgspec

from ledger.books import parties as kept
from ledger.core.entries import Entry
from ledger.core.errors import NotFound
from ledger.core.parties import STATE_OF_MODE, AliasName, CloseParty, CreateParty, FreezeParty, UnfreezeParty
from ledger.core.party_keys import Intents, Policy, SetPolicy
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Route, write

State = Literal["open", "debits_frozen", "frozen", "closed"]


class PartyAnswer(Answer, kw_only=True):
    """A party. `name` and `metadata` are null where none was given, or once they were erased; `balances` are in minor
    units, one object a currency; roles never used are left out. `entry` is the one that registered the party."""

    id: str
    kind: Literal["person", "merchant"]
    name: str | None
    state: State
    aliases: list[AliasName]
    metadata: dict[str, str] | None
    balances: list[dict[str, int | str]]
    policy: Policy


class PolicyAnswer(Answer, kw_only=True):
    """A party's policy: of which payments its own signature is asked."""

    id: str
    intents: Intents
    above: int | None


class PartyStateAnswer(Answer, kw_only=True):
    """A party's state after an action on it."""

    id: str
    state: State


def created(entry: Entry) -> PartyAnswer:
    """The party as it was registered."""
    request: CreateParty = entry.request
    return PartyAnswer(
        entry=entry.number,
        id=request.id,
        kind=request.party_kind,
        name=request.name,
        state="open",
        aliases=request.aliases or [],
        metadata=request.metadata,
        balances=[],
        policy=Policy("never", None),
    )


def frozen(entry: Entry) -> PartyStateAnswer:
    """The state after a freeze."""
    request: FreezeParty = entry.request
    return _state(entry, STATE_OF_MODE[request.mode])


def unfrozen(entry: Entry) -> PartyStateAnswer:
    """The state after an unfreeze."""
    return _state(entry, "open")


def closed(entry: Entry) -> PartyStateAnswer:
    """The state after closing."""
    return _state(entry, "closed")


def _state(entry: Entry, state: str) -> PartyStateAnswer:
    return PartyStateAnswer(entry=entry.number, id=entry.request.party, state=msgspec.convert(state, State))


async def show(asked: Asked) -> Reply:
    """One party as it is now."""
    party_id = asked.path["party"]
    async with asked.pool.acquire() as connection:
        party = await kept.party(connection, asked.ledger_id, party_id)
    if party is None:
        raise NotFound("party_unknown", f"There is no party {party_id}. Register it with POST /v1/parties.")
    return Reply(200, PartyAnswer(**party._asdict()))


def policy(entry: Entry) -> PolicyAnswer:
    """The policy as it was set."""
    request: SetPolicy = entry.request
    return PolicyAnswer(entry=entry.number, id=request.party, intents=request.intents, above=request.above)


ROUTES = (
    write(
        "POST",
        "/v1/parties",
        "parties:write",
        CreateParty,
        created,
        summary="Register a person or a merchant",
        answers=PartyAnswer,
        status=201,
    ),
    Route("GET", "/v1/parties/{party}", "entries:read", show, summary="Show a party", answers=PartyAnswer),
    write(
        "POST",
        "/v1/parties/{party}/freeze",
        "parties:write",
        FreezeParty,
        frozen,
        summary="Freeze a party: it cannot pay (debits), or neither pay nor be paid (all)",
        answers=PartyStateAnswer,
    ),
    write(
        "POST",
        "/v1/parties/{party}/unfreeze",
        "parties:write",
        UnfreezeParty,
        unfrozen,
        summary="Let a frozen party pay and be paid again",
        answers=PartyStateAnswer,
    ),
    write(
        "POST",
        "/v1/parties/{party}/close",
        "parties:write",
        CloseParty,
        closed,
        summary="Close a party whose balances are zero, for good",
        answers=PartyStateAnswer,
    ),
    write(
        "PUT",
        "/v1/parties/{party}/policy",
        "settings:manage",
        SetPolicy,
        policy,
        summary="Say of which payments the party's own signature is asked",
        answers=PolicyAnswer,
    ),
)
