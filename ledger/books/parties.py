"""Parties and aliases read back."""

from typing import Any, NamedTuple

import msgspec

from ledger.books.database import Reader
from ledger.core.chart import ROLES
from ledger.core.parties import AliasName
from ledger.core.party_keys import Policy


class StoredParty(NamedTuple):
    """A party with its names, its aliases and its balances in their natural sign."""

    entry: int
    id: str
    kind: str
    name: str | None
    state: str
    aliases: list[AliasName]
    metadata: dict[str, str] | None
    balances: list[dict[str, int | str]]
    policy: Policy


async def party(connection: Reader, ledger_id: int, party_id: str) -> StoredParty | None:
    """One party; None if there is none."""
    row = await connection.fetchrow(
        """
        SELECT p.entry, p.kind, p.state, p.intents, p.intents_above, e.private FROM parties p
        JOIN entries e ON e.ledger_id = p.ledger_id AND e.number = p.entry
        WHERE p.ledger_id = $1 AND p.id = $2
        """,
        ledger_id,
        party_id,
    )
    if row is None:
        return None
    aliases = await connection.fetch(
        """
        SELECT channel, value FROM aliases
        WHERE ledger_id = $1 AND party = $2 AND until_entry IS NULL ORDER BY entry, channel, value
        """,
        ledger_id,
        party_id,
    )
    accounts = await connection.fetch(
        "SELECT currency, role, balance FROM accounts WHERE ledger_id = $1 AND owner = $2 ORDER BY currency, number",
        ledger_id,
        party_id,
    )
    balances: dict[str, dict[str, int | str]] = {}
    for account in accounts:
        in_currency = balances.setdefault(account["currency"], {"currency": account["currency"]})
        in_currency[account["role"]] = account["balance"] * ROLES[account["role"]].sign
    private: dict[str, Any] = msgspec.json.decode(row["private"]) if row["private"] is not None else {}
    return StoredParty(
        entry=row["entry"],
        id=party_id,
        kind=row["kind"],
        name=private.get("name"),
        state=row["state"],
        aliases=[AliasName(*alias) for alias in aliases],
        metadata=private.get("metadata"),
        balances=list(balances.values()),
        policy=Policy(row["intents"], row["intents_above"]),
    )


async def party_exists(connection: Reader, ledger_id: int, party_id: str) -> bool:
    """Whether there is a party of this id."""
    found = "SELECT EXISTS (SELECT FROM parties WHERE ledger_id = $1 AND id = $2)"
    return bool(await connection.fetchval(found, ledger_id, party_id))


async def alias_at(
    connection: Reader, ledger_id: int, channel: str, value: str, at_entry: int | None
) -> tuple[str, int] | None:
    """Whom an alias names now, or named once an entry was booked: the party, and the entry that set it."""
    row = await connection.fetchrow(
        """
        SELECT party, entry FROM aliases
        WHERE ledger_id = $1 AND channel = $2 AND value = $3
          AND CASE WHEN $4::bigint IS NULL THEN until_entry IS NULL
                   ELSE entry <= $4 AND (until_entry IS NULL OR until_entry > $4) END
        """,
        ledger_id,
        channel,
        value,
        at_entry,
    )
    return (row["party"], row["entry"]) if row is not None else None
