"""Cursors: where a list goes on, with its filters baked in; to the caller a word of [A-Za-z0-9_-] without a meaning.

It is the base64url of a checksum and the place in MessagePack. The checksum covers the list's own name, so that a
cursor is of use on its own list only. It keeps mistakes out, not forgers: whoever makes up a cursor sees nothing that
its key could not ask for anyway.
"""

import hashlib
from typing import Annotated, Any, TypeVar

import msgspec

from ledger.core.entries import base64url, from_base64url
from ledger.core.errors import Invalid

CHECKSUM_BYTES = 8
PAGE_MAX = 500

Cursor = Annotated[
    str,
    msgspec.Meta(description="`next_cursor` of the page before.", extra_json_schema={"pattern": "^[A-Za-z0-9_-]+$"}),
]
Place = TypeVar("Place", bound=msgspec.Struct)


class PageQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The query parameters of every list that comes in pages."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX, description="How many to show at most.")] = 50
    cursor: Cursor | None = None


def cursor_at(of: str, place: msgspec.Struct) -> str:
    """The cursor for a place in the list `of`."""
    packed = msgspec.msgpack.encode(place)
    return base64url(_checksum(of, packed) + packed)


def place_at(of: str, query: Any, kind: type[Place]) -> Place:
    """The place in the list `of` that a query's cursor names. Raises cursor_invalid.

    A filter may be sent again with the cursor, if it is the same. Fields of the place that are called like one of the
    query's are filters.
    """
    try:
        raw = from_base64url(query.cursor)
        checksum, packed = raw[:CHECKSUM_BYTES], raw[CHECKSUM_BYTES:]
        if base64url(raw) != query.cursor or checksum != _checksum(of, packed):
            raise ValueError("not a cursor of this list")
        place = msgspec.msgpack.decode(packed, type=kind)
    except (ValueError, msgspec.DecodeError):
        detail = (
            "This is no cursor of this list. Send the next_cursor of a page as it came, or none for the first page."
        )
        raise Invalid.at("/cursor", "cursor_invalid", detail) from None
    for name in place.__struct_fields__:
        asked = getattr(query, name, None)
        if asked is not None and asked != getattr(place, name):
            detail = f"The cursor was made for another {name}. Send it with the filters it was made for, or alone."
            raise Invalid.at("/cursor", "cursor_invalid", detail)
    return place


def _checksum(of: str, packed: bytes) -> bytes:
    return hashlib.sha256(of.encode() + b"\0" + packed).digest()[:CHECKSUM_BYTES]
