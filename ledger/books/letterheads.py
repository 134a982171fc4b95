"""What stands on an invoice beside itself: what people call the two parties, the bank account to pay to, the clock."""

from typing import NamedTuple

from ledger.books.database import Reader


class Letterhead(NamedTuple):
    """Names as the parties gave them, their ids where they gave none or it was erased; `iban` of the bank account that
    keeps the clients' money in the currency and that a rail settles to, so that what is paid there can be booked, None
    if there is none; `holder` is the ledger's own name, `time_zone` where its days begin."""

    merchant: str
    customer: str | None
    holder: str
    iban: str | None
    time_zone: str


async def letterhead(
    connection: Reader, ledger_id: int, merchant: str, customer: str | None, currency: str
) -> Letterhead:
    """What stands on an invoice between two parties in a currency."""
    rows = await connection.fetch(
        """
        SELECT p.id, coalesce(e.private::json ->> 'name', p.id) AS name FROM parties p
        JOIN entries e ON e.ledger_id = p.ledger_id AND e.number = p.entry
        WHERE p.ledger_id = $1 AND p.id = ANY ($2)
        """,
        ledger_id,
        [merchant, *([customer] if customer is not None else [])],
    )
    names = {row["id"]: row["name"] for row in rows}
    account = await connection.fetchrow(
        """
        SELECT s.name, b.iban, s.time_zone FROM settings s LEFT JOIN LATERAL (
            SELECT iban FROM banks
            WHERE ledger_id = $1 AND currency = $2 AND iban IS NOT NULL AND purpose = 'safeguarded'
              AND EXISTS (SELECT FROM rails WHERE ledger_id = $1 AND settles_to = banks.id)
            ORDER BY entry LIMIT 1
        ) b ON true
        WHERE s.ledger_id = $1
        """,
        ledger_id,
        currency,
    )
    holder, iban, time_zone = account if account is not None else ("", None, "UTC")
    return Letterhead(names.get(merchant, merchant), names.get(customer or "", customer), holder, iban, time_zone)
