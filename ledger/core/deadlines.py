"""Deadlines: until when something stands open, judged by the lane's clock."""

from datetime import datetime

from ledger.core.books import Books
from ledger.core.errors import Invalid
from ledger.core.rows import moment
from ledger.core.text import parse_timestamp

OPEN_SECONDS = 7 * 24 * 3600
OPEN_SECONDS_MAX = 366 * 24 * 3600


def check_deadline(books: Books, expires_at: str | None) -> None:
    """Raise timestamp_invalid unless a time that was asked for lies ahead, and not more than a year."""
    if expires_at is None:
        return
    seconds = (parse_timestamp(expires_at) - books.now) / 1_000_000
    if not 0 < seconds <= OPEN_SECONDS_MAX:
        detail = f"expires_at {expires_at} has to lie in the future, and at most 366 days ahead."
        raise Invalid.at("/expires_at", "timestamp_invalid", detail)


def time_of(text: str | None) -> datetime | None:
    """A time as a row has it; None where none is given."""
    return moment(parse_timestamp(text)) if text is not None else None


def deadline(books: Books, expires_at: str | None) -> datetime:
    """Until when: the time that was asked for, or 7 days from now."""
    return time_of(expires_at) or moment(books.now + OPEN_SECONDS * 1_000_000)
