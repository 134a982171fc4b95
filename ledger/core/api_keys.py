"""API keys: what opens the HTTP interface, made and revoked as entries: so the log says which key was valid when."""

import re
from typing import Annotated

import msgspec

from ledger.core import shape
from ledger.core.actors import Limit
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.entries import canonical, from_base64url
from ledger.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from ledger.core.fields import DIGEST_PATTERN, SCOPES, Digest, KeyName, Scope, Timestamp
from ledger.core.rows import ApiKey, moment
from ledger.core.text import parse_timestamp

LIMITS_MAX = 200
_digest = re.compile(DIGEST_PATTERN, re.ASCII)
SCOPE_LIST = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": len(SCOPES), "uniqueItems": True})
LIMIT_LIST = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": LIMITS_MAX})


class Access(Command, kw_only=True):
    """A way into the HTTP interface: for whom, what it may do, until when, and how much it may move.

    Where `limits` are given, only their currencies are open to it.
    """

    name: KeyName
    scopes: Annotated[list[Scope], SCOPE_LIST]
    valid_until: Timestamp | None = None
    limits: Annotated[list[Limit], LIMIT_LIST] | None = None

    def fault(self) -> FieldError | None:
        """Scopes that exist, a name, a time, and each currency once."""
        unknown = sorted(set(self.scopes) - set(SCOPES))
        if unknown:
            return FieldError("/scopes", "field_invalid", f"No such scope: {', '.join(unknown)}.")
        if not 1 <= len(set(self.scopes)) == len(self.scopes):
            return FieldError("/scopes", "field_invalid", "Name at least one scope, and each once.")
        currencies = [limit.currency for limit in self.limits or []]
        if self.limits is not None and not 1 <= len(set(currencies)) == len(currencies) <= LIMITS_MAX:
            return FieldError("/limits", "field_invalid", f"Give 1 to {LIMITS_MAX} limits, each currency once.")
        return shape.first(
            shape.required_text("/name", self.name, shape.NAME_LENGTH_MAX),
            shape.timestamp("/valid_until", self.valid_until),
            *(shape.currency(code, f"/limits/{index}/currency") for index, code in enumerate(currencies)),
        )

    def let_in(self, books: Books, key_id: str, digest: bytes | None) -> None:
        """Enter who may come in. Raises scope_missing, and timestamp_invalid for a time that is past."""
        _check_may_give(books, self.scopes)
        until = parse_timestamp(self.valid_until) if self.valid_until is not None else None
        check_is_ahead(books, until)
        row = ApiKey(
            id=key_id,
            digest=digest,
            name=self.name,
            scopes=self.scopes,
            limits=canonical(self.limits).decode() if self.limits is not None else None,
            valid_until=moment(until) if until is not None else None,
            revoked_by=None,
            entry=books.number,
        )
        books.put(books.api_keys, key_id, row)


class CreateApiKey(Access, kw_only=True):
    """Enter a key by the SHA-256 of its text (base64url); the text itself is kept nowhere."""

    kind = "api_key.create"
    digest: Digest

    def fault(self) -> FieldError | None:
        """The digest's form besides."""
        if not _digest.match(self.digest):
            detail = "Give the SHA-256 of the key's text in base64url, without padding: 43 characters."
            return FieldError("/digest", "field_invalid", detail)
        return super().fault()

    def needs(self, books: Books) -> list[Name]:
        """Whether a key of this text is known, in any ledger: it says alone which ledger is meant."""
        return [("digests", from_base64url(self.digest))]

    def decide(self, books: Books) -> Result:
        """Enter the key. Raises key_in_use."""
        key_id, digest = f"key_{books.number}", from_base64url(self.digest)
        if books.digests.find(digest):
            raise Conflict("key_in_use", "A key of this text is known already. Draw another one.")
        books.remember(books.digests, digest, True)
        self.let_in(books, key_id, digest)
        return {"id": key_id}


class RevokeApiKey(Command):
    """End an API key at once; what it did stands."""

    kind = "api_key.revoke"
    id: str

    def needs(self, books: Books) -> list[Name]:
        """The key."""
        return [("api_keys", self.id)]

    def decide(self, books: Books) -> Result:
        """Revoke it. A second time is a conflict."""
        revoke(books, self.id, is_bearer=True)
        return None


def revoke(books: Books, key_id: str, is_bearer: bool) -> None:
    """End a way into the HTTP interface. Raises not_found, and already_exists where it was ended before."""
    key = books.api_keys.find(key_id)
    if key is None or (key.digest is not None) != is_bearer:
        raise NotFound("not_found", f"There is no key {key_id:.64}.")
    if key.revoked_by is not None:
        raise already_revoked(key_id, key.revoked_by)
    books.put(books.api_keys, key_id, msgspec.structs.replace(key, revoked_by=books.number))


def already_revoked(key_id: str, entry: int) -> Conflict:
    """The refusal to revoke a key twice."""
    return Conflict("already_exists", f"The key {key_id} was revoked by entry {entry}.", existing=(key_id, entry))


def check_is_ahead(books: Books, until: int | None) -> None:
    """Raise timestamp_invalid for an end, in microseconds, that is past already."""
    if until is not None and until <= books.now:
        raise Invalid.at("/valid_until", "timestamp_invalid", "valid_until is past. Name a time that is to come.")


def _check_may_give(books: Books, scopes: list[str]) -> None:
    own = books.api_keys.get(books.actor)
    if own is None:  # the command line asks
        return
    lacking = sorted(set(scopes) - set(own.scopes))
    if lacking:
        raise Forbidden("scope_missing", f"A key gives no scope that it lacks itself: {', '.join(lacking)}.")
    if own.limits is not None:
        raise Forbidden("scope_missing", "A key that has limits makes no further keys, which could have none.")
