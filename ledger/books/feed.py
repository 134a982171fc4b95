"""The feed: the entries in their order, as their bodies say them."""

from typing import NamedTuple

import msgspec

from ledger.books.database import Reader
from ledger.core.entries import PostingBody

SCANNED_MAX = 10_000
"""How many entries a page looks at, whatever it is asked for."""
PAGE_BYTES_MAX = 8 * 1024 * 1024
"""A page ends with the entry that passes this: bodies can be large."""


class EntryBody(msgspec.Struct, gc=False):
    """What the feed shows of a body. The request's facts and the result stay as they were written."""

    ledger: str
    number: int
    kind: str
    posted_at: str
    effective_on: str
    actor: str
    key: str
    request: msgspec.Raw
    result: msgspec.Raw = msgspec.Raw(b"null")
    postings: list[PostingBody] = []


class Page(NamedTuple):
    """Entries in order; `next_after` is where to go on, past those that were filtered out; `head` is the last there
    is."""

    entries: list[EntryBody]
    next_after: int
    head: int


_read = msgspec.json.Decoder(EntryBody).decode


async def head(connection: Reader, ledger_id: int) -> int:
    """The number of the last entry; 0 if there is none."""
    number: int = await connection.fetchval("SELECT number FROM heads WHERE ledger_id = $1", ledger_id)
    return number


async def page(connection: Reader, ledger_id: int, after: int, limit: int, kind: str | None) -> Page:
    """Up to `limit` entries after a number, of one kind or of all."""
    newest = await head(connection, ledger_id)
    last = min(newest, after + SCANNED_MAX)
    if last <= after:
        return Page([], after, newest)
    rows = await connection.fetch(
        """
        SELECT body, found FROM (
            SELECT number, body, count(*) OVER () AS found,
                   sum(octet_length(body)) OVER (ORDER BY number) - octet_length(body) AS bytes_before
            FROM (
                SELECT number, body FROM entries
                WHERE ledger_id = $1 AND number > $2 AND number <= $3 AND ($4::text IS NULL OR kind = $4)
                ORDER BY number LIMIT $5
            ) found
        ) sized WHERE bytes_before < $6 ORDER BY number
        """,
        ledger_id,
        after,
        last,
        kind,
        limit,
        PAGE_BYTES_MAX,
    )
    entries = [_read(row["body"]) for row in rows]
    is_cut_short = bool(rows) and (len(rows) == limit or len(rows) < rows[0]["found"])
    return Page(entries, entries[-1].number if is_cut_short else last, newest)


async def entry(connection: Reader, ledger_id: int, number: int) -> EntryBody | None:
    """One entry."""
    body = await connection.fetchval("SELECT body FROM entries WHERE ledger_id = $1 AND number = $2", ledger_id, number)
    return _read(body) if body is not None else None
