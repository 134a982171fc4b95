"""Which entries count: as of a time or an entry, or from one time until another; always answered in entry numbers."""

from typing import Annotated

import msgspec

from ledger.books.database import Reader
from ledger.books.times import last_entry_before
from ledger.core.errors import Invalid
from ledger.core.text import parse_timestamp
from ledger.http.parameters import time_of

Timestamp = Annotated[str, msgspec.Meta(description="A time of RFC 3339 with its zone.")]
EntryNumber = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1, description="The number of an entry.")]


class AsOfQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """As of when: a time, which itself is excluded, or an entry, which counts. Now, if neither is given."""

    as_of: Timestamp | None = None
    as_of_entry: EntryNumber | None = None


async def as_of_number(connection: Reader, ledger_id: int, query: AsOfQuery, head: int) -> int:
    """The last entry that counts: the head, unless a time or an entry is given.

    Raises timestamp_invalid, and field_invalid for both at once or an entry that is still to come.
    """
    if query.as_of is not None and query.as_of_entry is not None:
        raise Invalid.at("/as_of_entry", "field_invalid", "Give as_of (a time) or as_of_entry (a number), not both.")
    if query.as_of is not None:
        return min(head, await last_entry_before(connection, ledger_id, time_of("as_of", query.as_of)))
    if query.as_of_entry is None:
        return head
    if query.as_of_entry > head:
        detail = f"There is no entry {query.as_of_entry} yet; the last is {head}."
        raise Invalid.at("/as_of_entry", "field_invalid", detail)
    return query.as_of_entry


async def period(
    connection: Reader, ledger_id: int, since: str | None, until: str | None, head: int
) -> tuple[int, int]:
    """The last entry before [since, until), and the last in it, none of them later than the head.

    Raises timestamp_invalid, and field_invalid for a period that ends before it begins.
    """
    if since is not None and until is not None:
        check_order(parse_timestamp(time_of("since", since)) <= parse_timestamp(time_of("until", until)))
    last = head
    if until is not None:
        last = min(head, await last_entry_before(connection, ledger_id, time_of("until", until)))
    if since is None:
        return 0, last
    return min(last, await last_entry_before(connection, ledger_id, time_of("since", since))), last


def check_order(is_in_order: bool) -> None:
    """Raise field_invalid unless a period ends at its beginning or later."""
    if not is_in_order:
        raise Invalid.at("/until", "field_invalid", "The period ends before it begins: until lies before since.")
