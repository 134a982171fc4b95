"""Keys over HTTP: those of parties, which sign intents, those that sign requests, and API keys."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from ledger.books import keys as kept
from ledger.books.parties import party_exists
from ledger.core.actors import Limit
from ledger.core.api_keys import CreateApiKey, RevokeApiKey
from ledger.core.entries import Entry
from ledger.core.errors import NotFound
from ledger.core.keys import to_base64
from ledger.core.party_keys import RecoverParty, RegisterPartyKey, RevokePartyKey
from ledger.core.request_keys import RegisterRequestKey, RevokeRequestKey
from ledger.core.rows import EPOCH
from ledger.core.text import format_timestamp, parse_timestamp
from ledger.http.replies import Reply
from ledger.http.routes import Answer, Asked, Made, Route, write

KeyState = Literal["live", "pending", "expired", "revoked"]


class PartyKeyAnswer(Answer, kw_only=True):
    """A key of a party's device. It counts from `valid_from` on: at once, or 72 hours after a recovery."""

    key_id: str
    party: str
    public_key: str
    valid_from: str
    valid_until: str | None
    state: KeyState


class RequestKeyAnswer(Answer, kw_only=True):
    """A key that signs requests, with what it may do."""

    key_id: str
    public_key: str
    name: str
    scopes: list[str]
    limits: list[Limit]
    valid_until: str | None
    state: KeyState


class ApiKeyAnswer(Made, kw_only=True):
    """An API key, with what it may do; its text is known to whoever made it, and to nobody else."""

    name: str
    scopes: list[str]
    limits: list[Limit]
    valid_until: str | None
    state: KeyState


class RevokedKeyAnswer(Answer, kw_only=True):
    """A key that counts no more."""

    id: str
    state: Literal["revoked"]


class PartyKeyList(msgspec.Struct):
    """All keys of a party, revoked ones too."""

    data: list[PartyKeyAnswer]
    next_cursor: str | None


class RequestKeyList(msgspec.Struct):
    """All keys that sign requests, revoked ones too."""

    data: list[RequestKeyAnswer]
    next_cursor: str | None


class ApiKeyList(msgspec.Struct):
    """All API keys, revoked ones too."""

    data: list[ApiKeyAnswer]
    next_cursor: str | None


def party_key(entry: Entry) -> PartyKeyAnswer:
    """A party's key as it was registered."""
    request: RegisterPartyKey | RecoverParty = entry.request
    result = entry.result or {}
    return PartyKeyAnswer(
        entry=entry.number,
        key_id=result["id"],
        party=request.party,
        public_key=request.public_key,
        valid_from=result["valid_from"],
        valid_until=_in_utc(request.valid_until) if isinstance(request, RegisterPartyKey) else None,
        state="live" if isinstance(request, RegisterPartyKey) else "pending",
    )


def request_key(entry: Entry) -> RequestKeyAnswer:
    """A key that signs requests as it was registered."""
    request: RegisterRequestKey = entry.request
    return RequestKeyAnswer(
        entry=entry.number,
        key_id=(entry.result or {})["id"],
        public_key=request.public_key,
        name=request.name,
        scopes=request.scopes,
        limits=request.limits or [],
        valid_until=_in_utc(request.valid_until),
        state="live",
    )


def api_key(entry: Entry) -> ApiKeyAnswer:
    """An API key as it was entered."""
    request: CreateApiKey = entry.request
    return ApiKeyAnswer(
        entry=entry.number,
        id=(entry.result or {})["id"],
        name=request.name,
        scopes=request.scopes,
        limits=request.limits or [],
        valid_until=_in_utc(request.valid_until),
        state="live",
    )


def revoked(entry: Entry) -> RevokedKeyAnswer:
    """A public key that was revoked."""
    return RevokedKeyAnswer(entry=entry.number, id=entry.request.key_id, state="revoked")


def revoked_api_key(entry: Entry) -> RevokedKeyAnswer:
    """An API key that was revoked."""
    return RevokedKeyAnswer(entry=entry.number, id=entry.request.id, state="revoked")


async def list_party_keys(asked: Asked) -> Reply:
    """A party's keys, few enough to be shown at once."""
    party = asked.path["party"]
    rows = await kept.public_keys(asked.pool, asked.ledger_id, "payer", party)
    if not rows and not await party_exists(asked.pool, asked.ledger_id, party):
        raise NotFound("party_unknown", f"There is no party {party}. Register it with POST /v1/parties.")
    keys = [
        PartyKeyAnswer(
            entry=row["entry"],
            key_id=row["id"],
            party=party,
            public_key=to_base64(row["public_key"]),
            valid_from=_shown(row["valid_from"]),
            valid_until=_shown(row["valid_until"]) if row["valid_until"] is not None else None,
            state=row["state"],
        )
        for row in rows
    ]
    return Reply(200, PartyKeyList(keys, None))


async def list_request_keys(asked: Asked) -> Reply:
    """The keys that sign requests, few enough to be shown at once."""
    rows = await kept.api_keys(asked.pool, asked.ledger_id, are_bearer=False)
    keys = [RequestKeyAnswer(key_id=row["id"], public_key=to_base64(row["public_key"]), **_access(row)) for row in rows]
    return Reply(200, RequestKeyList(keys, None))


async def list_api_keys(asked: Asked) -> Reply:
    """The API keys, few enough to be shown at once."""
    rows = await kept.api_keys(asked.pool, asked.ledger_id, are_bearer=True)
    return Reply(200, ApiKeyList([ApiKeyAnswer(id=row["id"], **_access(row)) for row in rows], None))


def _access(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "entry": row["entry"],
        "name": row["name"],
        "scopes": row["scopes"],
        "limits": msgspec.json.decode(row["limits"] or "[]", type=list[Limit]),
        "valid_until": _shown(row["valid_until"]) if row["valid_until"] is not None else None,
        "state": row["state"],
    }


def _shown(at: datetime) -> str:
    delta = at - EPOCH
    return format_timestamp((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds)


def _in_utc(at: str | None) -> str | None:
    return format_timestamp(parse_timestamp(at)) if at is not None else None


ROUTES = (
    write(
        "POST",
        "/v1/parties/{party}/keys",
        "keys:manage",
        RegisterPartyKey,
        party_key,
        summary="Register a key with which a party's device signs intents",
        answers=PartyKeyAnswer,
        status=201,
    ),
    Route(
        "GET",
        "/v1/parties/{party}/keys",
        "entries:read",
        list_party_keys,
        summary="List a party's keys",
        answers=PartyKeyList,
    ),
    write(
        "POST",
        "/v1/parties/{party}/keys/recover",
        "keys:recover",
        RecoverParty,
        party_key,
        summary="Register a key of a party that has lost its own; it counts after 72 hours",
        answers=PartyKeyAnswer,
        status=201,
    ),
    write(
        "DELETE",
        "/v1/parties/{party}/keys/{key_id}",
        "keys:manage",
        RevokePartyKey,
        revoked,
        summary="Revoke a party's key",
        answers=RevokedKeyAnswer,
    ),
    write(
        "POST",
        "/v1/keys",
        "keys:manage",
        RegisterRequestKey,
        request_key,
        summary="Register a public key that signs requests (RFC 9421)",
        answers=RequestKeyAnswer,
        status=201,
    ),
    Route(
        "GET",
        "/v1/keys",
        "keys:manage",
        list_request_keys,
        summary="List the keys that sign requests",
        answers=RequestKeyList,
    ),
    write(
        "DELETE",
        "/v1/keys/{key_id}",
        "keys:manage",
        RevokeRequestKey,
        revoked,
        summary="Revoke a key that signs requests",
        answers=RevokedKeyAnswer,
    ),
    write(
        "POST",
        "/v1/api-keys",
        "keys:manage",
        CreateApiKey,
        api_key,
        summary="Enter an API key, by the SHA-256 of its text",
        answers=ApiKeyAnswer,
        status=201,
    ),
    Route("GET", "/v1/api-keys", "keys:manage", list_api_keys, summary="List the API keys", answers=ApiKeyList),
    write(
        "DELETE",
        "/v1/api-keys/{id}",
        "keys:manage",
        RevokeApiKey,
        revoked_api_key,
        summary="Revoke an API key, at once",
        answers=RevokedKeyAnswer,
    ),
)
