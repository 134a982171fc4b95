"""API keys: `clk_` and 32 random bytes in base62. Only the SHA-256 is kept; 256 random bits need no slower hash."""

import hashlib
import time
from typing import NamedTuple

from ledger.books.database import Pool
from ledger.core.errors import Unauthenticated

FRESH_SECONDS = 1.0
CACHED_MAX = 10_000


class Holder(NamedTuple):
    """Who holds a key: its ledger, its id, what it may do."""

    ledger_id: int
    key_id: str
    scopes: frozenset[str]


NOBODY = Holder(0, "", frozenset())
"""Who asks where no credentials are needed."""


class Credentials:
    """Who a bearer key belongs to; what was found is trusted for a second."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[bytes, tuple[float, Holder]] = {}

    async def holder(self, authorization: bytes | None) -> Holder:
        """The holder of the key in an Authorization header. Raises credentials_missing and credentials_invalid."""
        if authorization is None:
            detail = "Send your API key: Authorization: Bearer clk_… (`chatledger key create` makes one)."
            raise Unauthenticated("credentials_missing", detail)
        scheme, _, token = authorization.partition(b" ")
        now = time.monotonic()
        known = self._known.get(token)
        if known is not None and now - known[0] < FRESH_SECONDS and scheme.lower() == b"bearer":
            return known[1]
        holder = await self._look_up(token) if scheme.lower() == b"bearer" and token.startswith(b"clk_") else None
        if holder is None:
            self._known.pop(token, None)
            detail = "No such API key: it is mistyped, or it was never made, expired or was revoked."
            raise Unauthenticated("credentials_invalid", detail)
        if len(self._known) >= CACHED_MAX:
            self._known.clear()
        self._known[token] = (now, holder)
        return holder

    async def _look_up(self, token: bytes) -> Holder | None:
        row = await self._pool.fetchrow(
            "SELECT ledger_id, id, scopes FROM api_keys WHERE digest = $1", hashlib.sha256(token).digest()
        )
        return Holder(row["ledger_id"], row["id"], frozenset(row["scopes"])) if row is not None else None
