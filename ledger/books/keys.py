"""Keys read back: those of parties, those that sign requests, and API keys, each with the state it is in now."""

from datetime import UTC, datetime
from typing import Any

from ledger.books.database import Reader
from ledger.core.rows import EPOCH


def state_of(row: Any, now: datetime) -> str:
    """Whether a key counts: live, pending (entered by recovery, not yet), expired, revoked."""
    if row["revoked_by"] is not None:
        return "revoked"
    if row["valid_until"] is not None and row["valid_until"] <= now:
        return "expired"
    return "pending" if row.get("valid_from", EPOCH) > now else "live"


async def public_keys(connection: Reader, ledger_id: int, purpose: str, owner: str) -> list[dict[str, Any]]:
    """The public keys of an owner for a purpose, the first one first."""
    rows = await connection.fetch(
        """
        SELECT id, owner, public_key, valid_from, valid_until, revoked_by, entry FROM public_keys
        WHERE ledger_id = $1 AND owner = $2 AND purpose = $3 ORDER BY entry
        """,
        ledger_id,
        owner,
        purpose,
    )
    return _with_states(rows)


async def api_keys(connection: Reader, ledger_id: int, are_bearer: bool) -> list[dict[str, Any]]:
    """The ways into the HTTP interface, the first one first: API keys, or keys that sign requests."""
    rows = await connection.fetch(
        """
        SELECT k.id, p.public_key, k.name, k.scopes, k.limits, k.valid_until, k.revoked_by, k.entry FROM api_keys k
        LEFT JOIN public_keys p ON p.ledger_id = k.ledger_id AND p.id = k.id
        WHERE k.ledger_id = $1 AND (k.digest IS NOT NULL) = $2 ORDER BY k.entry
        """,
        ledger_id,
        are_bearer,
    )
    return _with_states(rows)


def _with_states(rows: list[Any]) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [{**row, "state": state_of(row, now)} for row in rows]
