"""How the checks are run: along a ledger's history in short stretches, each looked at by one short query.

Nothing holds a snapshot for long, so a check of a large ledger disturbs nobody, and can be done bit by bit. It is exact
all the same: entries never change, and what does change is compared with them inside one statement.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from ledger.books.database import Connection
from ledger.core.entries import read_body
from ledger.core.merkle import Frontier

STRETCH = 20_000
"""So many entries, accounts or parties are looked at by one query, unless another size is asked for."""
FINDINGS_MAX = 100
"""A check that has found so many exceptions has failed; it looks no further."""


class Finding(NamedTuple):
    """An exception to a check. `where` names nobody: an entry, an account by its number; `what` is a sentence's end."""

    check: str
    where: str
    what: str


Exceptions = Iterable[tuple[str, str]]
"""Where and what."""

Fields = tuple[Any, ...]


# OFFSET 0 fences what is inside from what is outside, so that each row is looked up by its index whatever the planner
# believes of tables that nobody has analysed yet.

ENTRIES = "(SELECT * FROM entries WHERE ledger_id = $1 AND number > $2 AND number <= $3 OFFSET 0)"
"""The entries of a stretch."""
POSTINGS = "(SELECT * FROM postings WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0)"
"""The postings of a stretch of entries."""
read_object = msgspec.json.Decoder(dict[str, Any]).decode


def entry_numbered(number: str) -> str:
    """The entry of a number that the query has at hand."""
    return f"LATERAL (SELECT * FROM entries WHERE ledger_id = $1 AND number = {number} OFFSET 0)"


def account_numbered(number: str) -> str:
    """The account of a number that the query has at hand."""
    return f"LATERAL (SELECT * FROM accounts WHERE ledger_id = $1 AND number = {number} OFFSET 0)"


class Along(StrEnum):
    """What a part of a check goes along. The history comes last: by then it has all that the tables were seen with."""

    ONCE = "once"
    PARTIES = "parties"
    ACCOUNTS = "accounts"
    ENTRIES = "entries"


class Head(NamedTuple):
    """A ledger's name, and its head when a walk began."""

    ledger: str
    number: int
    accounts: int
    root: bytes
    frontier: bytes


class Walk:
    """One walk along a table, with what is carried from stretch to stretch; all of it is small.

    `tree` grows by the entries' leaves, `sums` by the accounts' balances as they were at the head, `moved` by what
    each key with limits has moved in a currency on a day.
    """

    def __init__(self, connection: Connection, ledger_id: int, head: Head, zones: list[tuple[int, ZoneInfo]]) -> None:
        self.connection = connection
        self.ledger_id = ledger_id
        self.head = head
        self.tree = Frontier()
        self.sums: Counter[str] = Counter()
        self.moved: Counter[tuple[str, str, date]] = Counter()
        self._zones = zones

    def day(self, entry: int, micros: int) -> date:
        """The date of a time in the time zone that the ledger had when the entry was made."""
        zone = next((zone for number, zone in self._zones if number < entry), UTC)
        return datetime.fromtimestamp(micros // 1_000_000, zone).date()


class Stretch(NamedTuple):
    """A piece of a walk: what lies after `after`, up to and with `through`."""

    walk: Walk
    after: Any
    through: Any
    is_last: bool

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a query whose $1, $2 and $3 are the ledger, `after` and `through`."""
        walk = self.walk
        return await walk.connection.fetch(query, walk.ledger_id, self.after, self.through, *arguments)


class Part(NamedTuple):
    """What finds exceptions, and what it goes along."""

    along: Along
    exceptions: Callable[[Stretch], Awaitable[Exceptions]]


class Check(NamedTuple):
    """Something that must always be true: a name to ask for it by, a sentence, and what finds its exceptions."""

    name: str
    sentence: str
    parts: tuple[Part, ...]


def query(along: Along, sql: str, *arguments: Any) -> Part:
    """A part that is a query of exceptions: two columns, where and what. $1 is the ledger, $2 and $3 the stretch's
    bounds; a query that goes along nothing takes the ledger alone."""
    limited = f"{sql} LIMIT {FINDINGS_MAX}"

    async def exceptions(stretch: Stretch) -> Exceptions:
        if along is Along.ONCE:
            rows = await stretch.walk.connection.fetch(limited, stretch.walk.ledger_id, *arguments)
        else:
            rows = await stretch.fetch(limited, *arguments)
        return [(where, what) for where, what in rows]

    return Part(along, exceptions)


def compare(where: str, fields: Iterable[str], said: Fields | None, kept: Fields | None) -> Exceptions:
    """How what is kept differs from what the entries say; None is nothing at all."""
    if said is None or kept is None:
        word = "is not kept, though an entry says so" if kept is None else "is kept, though no entry says so"
        return [] if said is kept else [(where, word)]
    return [
        (where, f"has {name} {there}, but what was entered says {must}")
        for name, must, there in zip(fields, said, kept, strict=True)
        if must != there
    ]


class Look(NamedTuple):
    """One short look: what was found, how much of all the work is done, and the last entry that it is good for."""

    findings: list[Finding]
    done: int
    work: int
    through_entry: int


async def looks(
    connection: Connection, ledger_id: int, checks: Sequence[Check], stretch: int = STRETCH
) -> AsyncGenerator[Look, None]:
    """Run checks look by look. Between two of them nothing is held in the database, so a caller may take its time."""
    found: Counter[str] = Counter()
    done = 0
    for along in Along:
        parts = [(check.name, part) for check in checks for part in check.parts if part.along is along]
        if not parts:
            continue
        walk = await _set_out(connection, ledger_id)
        work = _work(checks, walk.head)
        async for piece in _stretches(walk, along, stretch):
            for name, part in parts:
                exceptions = await _look(part, piece) if found[name] < FINDINGS_MAX else []
                findings = [Finding(name, *exception) for exception in exceptions][: FINDINGS_MAX - found[name]]
                found[name] += len(findings)
                done += _size(along, piece)
                yield Look(findings, min(done, work), work, walk.head.number)


_UNREADABLE = (
    *(asyncpg.DataError, msgspec.MsgspecError),
    *(LookupError, ValueError, TypeError, AttributeError, OverflowError),
)
"""What was written by the books can be read and reckoned with; what cannot is an exception in itself."""


async def _look(part: Part, piece: Stretch) -> Exceptions:
    try:
        return await part.exceptions(piece)
    except _UNREADABLE as fault:
        return [(f"{part.along} {piece.after}–{piece.through}", f"cannot be judged: {type(fault).__name__}: {fault}")]


async def _set_out(connection: Connection, ledger_id: int) -> Walk:
    head = await connection.fetchrow(
        """
        SELECT l.name, h.number, h.accounts, h.root, h.frontier
        FROM heads h JOIN ledgers l USING (ledger_id) WHERE ledger_id = $1
        """,
        ledger_id,
    )
    if head is None:
        raise LookupError(f"there is no ledger {ledger_id}")
    settings = await connection.fetch(
        "SELECT number, body FROM entries WHERE ledger_id = $1 AND kind = 'ledger.set' ORDER BY number DESC", ledger_id
    )
    return Walk(connection, ledger_id, Head(*head), [(row["number"], _zone(row["body"])) for row in settings])


def _zone(body: str) -> ZoneInfo:
    try:
        return ZoneInfo((read_body(body).result or {})["time_zone"])
    except (msgspec.MsgspecError, LookupError, ValueError, OSError, TypeError):
        return ZoneInfo("UTC")  # a body that was spoilt: the check of bodies and leaves will say so


async def _stretches(walk: Walk, along: Along, size: int) -> AsyncIterator[Stretch]:
    """Tile the table, without gap or overlap; a table that is empty is one empty stretch."""
    if along is Along.PARTIES:
        async for piece in _stretches_of_parties(walk, size):
            yield piece
        return
    end = {Along.ONCE: 0, Along.ACCOUNTS: walk.head.accounts, Along.ENTRIES: walk.head.number}[along]
    for after in range(0, max(end, 1), size):
        through = min(after + size, end)
        yield Stretch(walk, after, through, through == end)


async def _stretches_of_parties(walk: Walk, size: int) -> AsyncIterator[Stretch]:
    """Parties have no numbers, so their ids are cut into pieces; those that only an alias names are within."""
    last = await walk.connection.fetchval(
        """
        SELECT greatest((SELECT max(id) FROM parties WHERE ledger_id = $1),
                        (SELECT max(party) FROM aliases WHERE ledger_id = $1),
                        (SELECT max(owner) FROM public_keys WHERE ledger_id = $1), '')
        """,
        walk.ledger_id,
    )
    after = ""
    while True:
        through = await walk.connection.fetchval(
            """
            SELECT id FROM parties WHERE ledger_id = $1 AND id > $2 AND id < $3 ORDER BY id OFFSET $4 LIMIT 1
            """,
            walk.ledger_id,
            after,
            last,
            size - 1,
        )
        yield Stretch(walk, after, last if through is None else through, through is None)
        if through is None:
            return
        after = through


def _work(checks: Sequence[Check], head: Head) -> int:
    sizes = {Along.ACCOUNTS: head.accounts, Along.ENTRIES: head.number}
    return sum(max(sizes.get(part.along, 1), 1) for check in checks for part in check.parts)


def _size(along: Along, piece: Stretch) -> int:
    return piece.through - piece.after if along in (Along.ACCOUNTS, Along.ENTRIES) else int(piece.is_last)
