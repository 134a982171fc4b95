"""Who asks: the holder of an API key, or of a key that signs requests.

An API key is `clk_` and 32 random bytes in base62. Only its SHA-256 is kept; 256 random bits need no slower hash. A
request that is signed (core/signatures.py) names a registered public key instead.
"""

import hashlib
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ledger.books.database import Pool
from ledger.core.actors import unsigned
from ledger.core.errors import Unauthenticated
from ledger.core.signatures import Claim, Request, SignatureRefused, read_claim

FRESH_SECONDS = 1.0
"""For so long a write trusts what was found before: the lane judges the key again. A read looks anew each time."""
CACHED_MAX = 10_000


class Holder(NamedTuple):
    """Who holds a key: its ledger, its id, what it may do, until when; and, of a key that signs, the public key.

    `must_sign` says that the ledger takes signed writes only.
    """

    ledger_id: int
    key_id: str
    scopes: frozenset[str]
    ends: datetime | None = None
    public_key: bytes = b""
    must_sign: bool = False

    @property
    def is_over(self) -> bool:
        """Whether its time is up."""
        return self.ends is not None and datetime.now(UTC) >= self.ends


NOBODY = Holder(0, "", frozenset())
"""Who asks where no credentials are needed."""


class _Recent:
    """Whom names of one kind were found to belong to, a moment ago."""

    def __init__(self) -> None:
        self._found: dict[bytes, tuple[float, Holder]] = {}

    def find(self, name: bytes) -> Holder | None:
        """The holder, if it was found within the last second."""
        found = self._found.get(name)
        return found[1] if found is not None and time.monotonic() - found[0] < FRESH_SECONDS else None

    def keep(self, name: bytes, holder: Holder) -> None:
        """Remember who was just found."""
        if len(self._found) >= CACHED_MAX:
            self._found.clear()
        self._found[name] = (time.monotonic(), holder)


class Credentials:
    """Who a key belongs to."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        # Kept apart: the id of a key that signs is no secret, and one in 2^24 begins with clk_ like a token.
        self._bearers = _Recent()
        self._signers = _Recent()

    async def bearer(self, authorization: bytes | None, is_write: bool) -> Holder:
        """The holder of the key in an Authorization header.

        Raises credentials_missing, credentials_invalid, and signature_missing for a write that has to be signed.
        """
        if authorization is None:
            detail = "Send your API key: Authorization: Bearer clk_… (`chatledger key create` makes one)."
            raise Unauthenticated("credentials_missing", detail)
        scheme, _, token = authorization.partition(b" ")
        holder = None
        if scheme.lower() == b"bearer" and token.startswith(b"clk_"):
            holder = self._bearers.find(token) if is_write else None
            if holder is None:
                holder = await self._look_up(token)
        if holder is None or holder.is_over:
            detail = "No such API key: it is mistyped, or it was never made, expired or was revoked."
            raise Unauthenticated("credentials_invalid", detail)
        if is_write and holder.must_sign:
            raise unsigned()
        return holder

    async def signer(self, request: Request, is_write: bool) -> Holder:
        """The holder of the key that signed a request. Raises the codes of SignatureRefused, key_unknown and
        key_revoked."""
        try:
            claim = read_claim(request, int(time.time()))
            holder = await self._signer(claim, is_write)
            claim.verify(holder.public_key)
        except SignatureRefused as refused:
            raise Unauthenticated(refused.code, refused.detail) from None
        return holder

    async def _signer(self, claim: Claim, is_write: bool) -> Holder:
        name = claim.key_id.encode()
        holder = self._signers.find(name) if is_write else None
        if holder is None:
            row = await self._pool.fetchrow("SELECT * FROM signer_of($1)", claim.key_id)
            if row is None:
                raise SignatureRefused("key_unknown", f"No key {claim.key_id:.64} signs requests: POST /v1/keys.")
            if row["revoked_by"] is not None or row["valid_from"] > datetime.now(UTC):
                raise _not_live(claim)
            holder = _holder(row, row["public_key"])
            self._signers.keep(name, holder)
        if holder.is_over:
            raise _not_live(claim)
        return holder

    async def _look_up(self, token: bytes) -> Holder | None:
        row = await self._pool.fetchrow("SELECT * FROM holder_of($1)", hashlib.sha256(token).digest())
        if row is None or row["revoked_by"] is not None:
            return None
        holder = _holder(row)
        self._bearers.keep(token, holder)
        return holder


def _holder(row: Any, public_key: bytes = b"") -> Holder:
    must_sign = row["request_signatures"] == "required" and not public_key
    return Holder(row["ledger_id"], row["id"], frozenset(row["scopes"]), row["valid_until"], public_key, must_sign)


def _not_live(claim: Claim) -> SignatureRefused:
    return SignatureRefused("key_revoked", f"The key {claim.key_id} was revoked, has expired or does not count yet.")
