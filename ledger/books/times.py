"""Times turned into entry numbers: everything as of a time is read as of the last entry before it."""

from ledger.books.database import Reader
from ledger.core.rows import moment
from ledger.core.text import parse_timestamp


async def last_entry_before(connection: Reader, ledger_id: int, at: str) -> int:
    """The last entry posted before an RFC 3339 time, which itself is excluded; 0 if there is none.

    ValueError if the time is not one.
    """
    number: int = await connection.fetchval("SELECT last_entry_before($1, $2)", ledger_id, moment(parse_timestamp(at)))
    return number
