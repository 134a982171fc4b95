"""Parties and aliases read back."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.books.database import Reader
from ledger.core.chart import ROLES
from ledger.core.parties import AliasName
from ledger.core.rows import Party


class Holdings(NamedTuple):
    """What a party goes by and what it has: its balances in their natural sign, an object a currency."""

    aliases: list[AliasName]
    balances: list[dict[str, int | str]]


async def holdings(connection: Reader, ledger_id: int, parties: Sequence[Party]) -> dict[str, Holdings]:
    """The aliases and balances of parties, by their ids: in two queries, however many they are."""
    ids = [party.id for party in parties]
    aliases = await connection.fetch(
        """
        SELECT party, channel, value FROM aliases
        WHERE ledger_id = $1 AND party = ANY ($2) AND until_entry IS NULL ORDER BY entry, channel, value
        """,
        ledger_id,
        ids,
    )
    accounts = await connection.fetch(
        """
        SELECT owner, currency, role, balance FROM accounts
        WHERE ledger_id = $1 AND owner = ANY ($2) ORDER BY currency, number
        """,
        ledger_id,
        ids,
    )
    names: dict[str, list[AliasName]] = {party_id: [] for party_id in ids}
    for alias in aliases:
        names[alias["party"]].append(AliasName(alias["channel"], alias["value"]))
    balances: dict[str, dict[str, dict[str, int | str]]] = {party_id: {} for party_id in ids}
    for account in accounts:
        in_currency = balances[account["owner"]].setdefault(account["currency"], {"currency": account["currency"]})
        in_currency[account["role"]] = account["balance"] * ROLES[account["role"]].sign
    return {party_id: Holdings(names[party_id], list(balances[party_id].values())) for party_id in ids}


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
