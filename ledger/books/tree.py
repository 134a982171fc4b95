"""The log as it is read: the roots of ranges of leaves, for proofs, tiles and receipts.

The leaves stand beside their entries, and the root of each completed subtree of 256, 65,536 … of them in `subtrees`;
whatever else a proof needs is folded from those. Each function here asks one query, however long the log is: a proof
reads at most two tiles a level, that of the entry and the last one.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ledger.books.database import Reader
from ledger.core.merkle import HASH_SIZE, TILE_HEIGHT, Frontier, Range, inclusion_ranges, tree_root
from ledger.core.tiles import Tile

Span = tuple[int, int, int]
"""(level, first, end): the hashes first up to, but without, end of a level, each the root of 256^level leaves."""

_STORED = """
    SELECT CASE WHEN span.level = 0
        THEN (SELECT string_agg(leaf, ''::bytea ORDER BY number) FROM entries
              WHERE ledger_id = $1 AND number > span.first AND number <= span.until)
        ELSE (SELECT string_agg(root, ''::bytea ORDER BY index) FROM subtrees
              WHERE ledger_id = $1 AND level = span.level AND index >= span.first AND index < span.until)
        END AS stored
    FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY span(level, first, until, n)
    ORDER BY span.n
"""


class BrokenLog(Exception):
    """The database is not the log that was signed: something of it is missing or was changed."""


class Proof(NamedTuple):
    """An entry's body as it was hashed, and its audit path in a log of some size."""

    body: bytes
    path: list[bytes]


async def hashes(connection: Reader, ledger_id: int, ranges: Sequence[Range]) -> list[bytes]:
    """The root of each of these ranges of leaves, as merkle.inclusion_ranges and consistency_ranges name them.

    Each begins at a multiple of a power of two that is at least its length. Raises BrokenLog.
    """
    rows = await connection.fetch(_STORED, ledger_id, *_columns(_spans(ranges)))
    return _roots(ranges, [row["stored"] for row in rows])


async def proof(connection: Reader, ledger_id: int, number: int, size: int) -> Proof:
    """An entry and its audit path in the log of the first `size` entries. Raises BrokenLog."""
    ranges = inclusion_ranges(number - 1, size)
    row = await connection.fetchrow(
        f"SELECT body, ARRAY({_STORED}) AS stored FROM entries WHERE ledger_id = $1 AND number = $5",
        ledger_id,
        *_columns(_spans(ranges)),
        number,
    )
    if row is None:
        raise BrokenLog(f"The entry {number} is not there.")
    return Proof(row["body"].encode(), _roots(ranges, row["stored"]))


async def frontier(connection: Reader, ledger_id: int, size: int) -> Frontier:
    """What must be known to append to the log of the first `size` entries. Raises BrokenLog."""
    parts = list(_perfect(0, size))
    return Frontier(size, tuple(await hashes(connection, ledger_id, parts)))


async def tile(connection: Reader, ledger_id: int, which: Tile) -> bytes:
    """The hashes of a tile, one after the other. Raises BrokenLog unless the log has grown as far as its last."""
    level, (first, end) = which.level or 0, which.hashes
    stored = await connection.fetchval(_STORED, ledger_id, [level], [first], [end])
    return _whole(stored, end - first)


async def leaves(connection: Reader, ledger_id: int, after: int, through: int) -> list[bytes]:
    """The leaf hashes of the entries after one number, up to and with another. Raises BrokenLog."""
    stored = await connection.fetchval(_STORED, ledger_id, [0], [after], [through])
    return _split(_whole(stored, through - after))


async def bodies(connection: Reader, ledger_id: int, start: int, end: int) -> list[bytes]:
    """The bodies under the leaves from start up to, but without, end. Raises BrokenLog."""
    rows = await connection.fetch(
        "SELECT body FROM entries WHERE ledger_id = $1 AND number > $2 AND number <= $3 ORDER BY number",
        ledger_id,
        start,
        end,
    )
    if len(rows) != end - start:
        raise BrokenLog(f"Of the entries {start + 1} to {end} only {len(rows)} are there.")
    return [row["body"].encode() for row in rows]


def _perfect(start: int, end: int) -> Iterable[Range]:
    """The perfect subtrees, largest first, of which a range consists that begins where such a subtree may begin."""
    while start < end:
        length = 1 << (end - start).bit_length() - 1
        yield start, start + length
        start += length


def _span(start: int, end: int) -> Span:
    """The stored hashes, 1 to 128 of them, of which the root of a perfect subtree is folded."""
    level = ((end - start).bit_length() - 1) // TILE_HEIGHT
    height = level * TILE_HEIGHT
    return level, start >> height, end >> height


def _spans(ranges: Iterable[Range]) -> list[Span]:
    return [_span(*part) for part_of in ranges for part in _perfect(*part_of)]


def _columns(spans: Sequence[Span]) -> tuple[list[int], list[int], list[int]]:
    return [level for level, _, _ in spans], [first for _, first, _ in spans], [end for _, _, end in spans]


def _roots(ranges: Iterable[Range], stored: Iterable[bytes | None]) -> list[bytes]:
    waiting = iter(stored)
    roots = []
    for start, end in ranges:
        parts = []
        for part in _perfect(start, end):
            _, first, until = _span(*part)
            parts.append(tree_root(_split(_whole(next(waiting), until - first))))
        # No part after the first is as large as the one before it, so that they are the roots of a frontier.
        roots.append(Frontier(end - start, tuple(parts)).root())
    return roots


def _whole(stored: bytes | None, count: int) -> bytes:
    found = stored or b""
    if len(found) != count * HASH_SIZE:
        raise BrokenLog(f"Of {count} hashes of the log only {len(found) // HASH_SIZE} are there.")
    return found


def _split(joined: bytes) -> list[bytes]:
    return [joined[at : at + HASH_SIZE] for at in range(0, len(joined), HASH_SIZE)]
