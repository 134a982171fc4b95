"""Times turned into entry numbers: everything as of a time is read as of the last entry before it."""

from datetime import UTC, datetime, timedelta

from ledger.books.database import Reader
from ledger.core.text import parse_timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_micros(micros: int) -> datetime:
    """A datetime of microseconds since the epoch, without the detour over a float."""
    return _EPOCH + timedelta(microseconds=micros)


async def last_entry_before(connection: Reader, ledger_id: int, at: str) -> int:
    """The last entry posted before an RFC 3339 time, which itself is excluded; 0 if there is none.

    ValueError if the time is not one.
    """
    number: int = await connection.fetchval(
        "SELECT last_entry_before($1, $2)", ledger_id, from_micros(parse_timestamp(at))
    )
    return number
