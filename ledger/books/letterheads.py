"""What stands on an invoice beside itself: what people call the two parties, and the bank account to pay to."""

from typing import NamedTuple

from ledger.books.database import Reader


class Letterhead(NamedTuple):
    """Names as the parties gave them, their ids where they gave none or it was erased; `iban` of the bank account that
    is kept in the currency, None if there is none; `holder` is the ledger's own name."""

    merchant: str
    customer: str | None
    holder: str
    iban: str | None


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
        SELECT s.name AS holder, b.iban FROM settings s LEFT JOIN LATERAL (
            SELECT iban FROM banks WHERE ledger_id = $1 AND currency = $2 AND iban IS NOT NULL
            ORDER BY purpose = 'safeguarded' DESC, entry LIMIT 1
        ) b ON true
        WHERE s.ledger_id = $1
        """,
        ledger_id,
        currency,
    )
    holder, iban = (account["holder"], account["iban"]) if account is not None else ("", None)
    return Letterhead(names.get(merchant, merchant), names.get(customer or "", customer), holder, iban)
