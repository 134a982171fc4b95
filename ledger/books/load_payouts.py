"""What the working set knows of payouts and outside moves beside their rows: a party's last one, references booked."""

from typing import Any

from ledger.books.database import Connection
from ledger.books.rows import Loader


async def last_payouts(connection: Connection, ledger_id: int, keys: list[tuple[str, str]]) -> dict[Any, Any]:
    """The entry of each party's last payout in a currency."""
    rows = await connection.fetch(
        """
        SELECT k.party, k.currency, p.entry FROM unnest($2::text[], $3::text[]) AS k (party, currency), LATERAL (
            SELECT entry FROM payouts WHERE ledger_id = $1 AND party = k.party AND currency = k.currency
            ORDER BY party DESC, currency DESC, entry DESC LIMIT 1
        ) p
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
    )
    return {(row["party"], row["currency"]): row["entry"] for row in rows}


async def move_references(
    connection: Connection, ledger_id: int, keys: list[tuple[str, str, str, str]]
) -> dict[Any, Any]:
    """The entries that booked references of outside moves and were not reversed; between banks there is no rail."""
    rows = await connection.fetch(
        """
        SELECT k.kind, k.rail, k.bank, k.reference, m.entry
        FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS k (kind, rail, bank, reference), LATERAL (
            SELECT entry FROM outside_moves
            WHERE ledger_id = $1 AND kind = k.kind AND rail = k.rail AND bank = k.bank AND reference = k.reference
              AND state = 'posted'
            UNION ALL
            SELECT entry FROM outside_moves
            WHERE k.rail = '' AND ledger_id = $1 AND kind = k.kind AND rail IS NULL AND bank = k.bank
              AND reference = k.reference AND state = 'posted'
            OFFSET 0
        ) m
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
    )
    return {(row["kind"], row["rail"], row["bank"], row["reference"]): row["entry"] for row in rows}


LOADERS: dict[str, Loader] = {
    "last_payouts": last_payouts,
    "move_references": move_references,
}
