"""Parties over HTTP: registered, shown, frozen, closed."""

from typing import Literal, get_args

import msgspec

from ledger.books import agreements
from ledger.books import parties as kept
from ledger.core.entries import Entry
from ledger.core.errors import NotFound
from ledger.core.parties import STATE_OF_MODE, AliasName, CloseParty, CreateParty, FreezeParty, UnfreezeParty
from ledger.core.party_keys import Intents, Policy, SetPolicy
from ledger.core.rows import Party
from ledger.http import listing
from ledger.http.listing import Noun, Read
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Route, write
from ledger.http.terms import FeesShown, LimitShown, fees_shown, limits_shown

Kind = Literal["person", "merchant"]
State = Literal["open", "debits_frozen", "frozen", "closed"]


class PartyAnswer(Answer, kw_only=True):
    """A party. `name` and `metadata` are null where none was given, or once they were erased; `balances` are in minor
    units, one object a currency; roles never used are left out. `limits` and `fees` are its own, null where it has none
    and the ledger's hold. `entry` is the one that registered the party."""

    id: str
    kind: Kind
    name: str | None
    state: State
    aliases: list[AliasName]
    metadata: dict[str, str] | None
    balances: list[dict[str, int | str]]
    policy: Policy
    limits: list[LimitShown] | None
    fees: FeesShown | None


class PolicyAnswer(Answer, kw_only=True):
    """A party's policy: of which payments its own signature is asked, and whether it may owe for a refund."""

    id: str
    intents: Intents
    above: int | None
    receivable_allowed: bool


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
        policy=Policy("never", None, False),
        limits=None,
        fees=None,
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


def _shown(row: Party, read: Read) -> PartyAnswer:
    request: CreateParty = read.entries[row.entry].request
    has: kept.Holdings = read.beside[row.id]
    return PartyAnswer(
        entry=row.entry,
        id=row.id,
        kind=msgspec.convert(row.kind, Kind),
        name=request.name,
        state=msgspec.convert(row.state, State),
        aliases=has.aliases,
        metadata=request.metadata,
        balances=has.balances,
        policy=Policy(msgspec.convert(row.intents, Intents), row.intents_above, row.receivable_allowed),
        limits=limits_shown(row.limits) if row.limits is not None else None,
        fees=fees_shown(row.fees),
    )


async def show(asked: Asked) -> Reply:
    """One party as it is now."""
    party_id = asked.path["party"]
    async with asked.pool.acquire() as connection:
        row = await agreements.one(connection, asked.ledger_id, Party, party_id)
        if row is None:
            raise NotFound("party_unknown", f"There is no party {party_id}. Register it with POST /v1/parties.")
        (answer,) = await listing.answers(NOUN, asked, connection, [row])
    return Reply(200, answer)


def policy(entry: Entry) -> PolicyAnswer:
    """The policy as it was set."""
    request: SetPolicy = entry.request
    return PolicyAnswer(
        entry=entry.number,
        id=request.party,
        intents=request.intents,
        above=request.above,
        receivable_allowed=request.receivable_allowed,
    )


NOUN = Noun(
    kind=Party,
    prefix="party",
    plural="parties",
    answer=PartyAnswer,
    show=_shown,
    sides=(),
    states=get_args(State),
    beside=kept.holdings,
)

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
    listing.routes(NOUN, "Show a party")[0],
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
