"""Query parameters that several reads share."""

from ledger.core.errors import Invalid
from ledger.core.text import parse_timestamp


def time_of(name: str, value: str) -> str:
    """A time of RFC 3339 with its zone. Raises timestamp_invalid."""
    try:
        parse_timestamp(value)
    except ValueError:
        detail = f"Write {name} as RFC 3339, with its zone: 2026-01-31T12:00:00Z (a + is sent as %2B)."
        raise Invalid.at(f"/{name}", "timestamp_invalid", detail) from None
    return value
