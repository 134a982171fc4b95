"""Agreements read back: one by its id, or a page of those that a filter finds, the newest first.

A page costs the same however many there are: each of its branches walks one index from its newest end, and stops.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeVar

from ledger.books.database import Reader
from ledger.books.recall import entries_by_number
from ledger.core.entries import Entry
from ledger.core.rows import Agreement

Kept = TypeVar("Kept", bound=Agreement)


class Filter(NamedTuple):
    """What a page shows: where one of `sides` is the `party`; in one of `states`; made in a `chat`; with the values of
    `fixed` columns, which very many may have, and of `equal` ones, which few have; by entries after `after` and up to
    `through`."""

    sides: tuple[str, ...] = ()
    party: str | None = None
    states: tuple[str, ...] = ()
    chat: str | None = None
    fixed: tuple[tuple[str, Any], ...] = ()
    equal: tuple[tuple[str, Any], ...] = ()
    after: int = 0
    through: int = 2**53


Place = tuple[int, int]
"""Where a page goes on: before an entry, and before the n-th of what that entry made."""


def columns_of(kind: type[Agreement], alias: str = "t") -> str:
    """The columns of a table for a SELECT, in the order of the row's fields."""
    return ", ".join(f'{alias}."{name}"' for name in kind.columns())


async def one(connection: Reader, ledger_id: int, kind: type[Kept], *key: Any) -> Kept | None:
    """The row of a key, as it is now; None if there is none."""
    is_same = " AND ".join(f'"{name}" = ${n}' for n, name in enumerate(kind.unique, 2))
    sql = f"SELECT {columns_of(kind)} FROM {kind.table} t WHERE ledger_id = $1 AND {is_same}"
    row = await connection.fetchrow(sql, ledger_id, *key)
    return kind(*row) if row is not None else None


async def page(
    connection: Reader, ledger_id: int, kind: type[Kept], asked: Filter, before: Place | None, limit: int
) -> list[Kept]:
    """The newest rows that pass the filter, before a place."""
    select = _Select(kind, ledger_id, asked, before)
    parts = select.found() if asked.equal or asked.chat is not None else select.walks()
    size = select.bound(limit)
    found = " UNION ".join(f"({part} LIMIT {size})" for part in parts)
    sql = f"SELECT {columns_of(kind)} FROM ({found}) t ORDER BY {select.order} LIMIT {size}"
    return [kind(*row) for row in await connection.fetch(sql, *select.values)]


class _Select:
    """The queries of a page, whose plan may not depend on statistics: on a fresh table they are wrong."""

    def __init__(self, kind: type[Agreement], ledger_id: int, asked: Filter, before: Place | None) -> None:
        self.values: list[Any] = [ledger_id]
        self._kind, self._asked = kind, asked
        self._key = ("entry", "n") if "n" in kind.unique else ("entry",)
        self.order = _descending(self._key)
        self._after = self.bound(asked.after)
        # Where it begins: right before a place, which `through` led to, or with `through`.
        self._first, self._is_first = (("entry",), "<=") if before is None else (self._key, "<")
        begin = (asked.through,) if before is None else before[: len(self._key)]
        self._begin = [self.bound(part) for part in begin]

    def bound(self, value: Any) -> str:
        """A parameter of the queries."""
        self.values.append(value)
        return f"${len(self.values)}"

    def walks(self) -> list[str]:
        """One walk for each side and state, along the index that has them before the entry."""
        asked = self._asked
        fixed = [(name, self.bound(value)) for name, value in asked.fixed]
        party = self.bound(asked.party) if asked.party is not None else ""
        sides = [[(side, party)] for side in asked.sides] if party else [[]]
        states = [[("state", self.bound(state))] for state in asked.states] or [[]]
        return [self._walk([*fixed, *side, *state]) for side, state in product(sides, states)]

    def _walk(self, columns: list[tuple[str, str]]) -> str:
        """The last of the columns is compared with the entry as one row, and ordered by, which comes to the same as
        being equal: so no index will do but the one, however few rows Postgres believes there are."""
        where = ["t.ledger_id = $1", *(f't."{name}" = {value}' for name, value in columns[:-1])]
        names, values = [name for name, _ in columns[-1:]], [value for _, value in columns[-1:]]
        where.append(f"({_listed([*names, 'entry'])}) > ({', '.join([*values, self._after])})")
        begin = ", ".join([*values, *self._begin])
        where.append(f"({_listed([*names, *self._first])}) {self._is_first} ({begin})")
        where += [f't."{name}" IS NOT NULL' for name in names]  # as partial indexes say it
        return f"""
            SELECT {columns_of(self._kind)} FROM {self._kind.table} t
            WHERE {" AND ".join(where)} ORDER BY {_descending([*names, *self._key])}
        """

    def found(self) -> list[str]:
        """The few that have equal columns, else those of a conversation, and of these what passes the filter."""
        asked, table = self._asked, self._kind.table
        begin = f"({_listed(self._first)}) {self._is_first} ({', '.join(self._begin)})"
        where = [f"t.entry > {self._after}", begin]
        where += [f't."{name}" = {self.bound(value)}' for name, value in asked.fixed]
        if asked.party is not None:
            where.append(f"{self.bound(asked.party)} IN ({_listed(asked.sides)})")
        if asked.states:
            where.append(f"t.state = ANY ({self.bound(asked.states)})")
        chats = ""
        if asked.chat is not None:
            chats = f"SELECT entry FROM chats c WHERE c.ledger_id = $1 AND c.conversation = {self.bound(asked.chat)}"
        order = self.order
        if asked.equal:
            same = " AND ".join(f'"{name}" = {self.bound(value)}' for name, value in asked.equal)
            source = f"(SELECT * FROM {table} WHERE ledger_id = $1 AND {same} OFFSET 0) t"
            if chats:
                where.append(f"EXISTS ({chats} AND c.entry = t.entry OFFSET 0)")
        else:
            walk = f"{chats} AND entry > {self._after} AND entry <= {self._begin[0]}"
            row = f"SELECT * FROM {table} WHERE ledger_id = $1 AND entry = c.entry OFFSET 0"
            source = f"({walk} ORDER BY entry DESC OFFSET 0) c, LATERAL ({row}) t"
            order = ", ".join(["c.entry DESC", *(f't."{name}" DESC' for name in self._key[1:])])
        return [f"SELECT {columns_of(self._kind)} FROM {source} WHERE {' AND '.join(where)} ORDER BY {order}"]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f't."{name}"' for name in names)


def _descending(names: Iterable[str]) -> str:
    return ", ".join(f't."{name}" DESC' for name in names)


async def parts_of(
    connection: Reader, ledger_id: int, kind: type[Kept], rows: Sequence[Agreement]
) -> dict[int, list[Kept]]:
    """The agreements of another kind that the same entries made, by these and in their order: a split's requests."""
    found: dict[int, list[Kept]] = {row.entry: [] for row in rows}
    sql = f"""
        SELECT r.* FROM unnest($2::bigint[]) AS k (entry), LATERAL (
            SELECT {columns_of(kind)} FROM {kind.table} t WHERE ledger_id = $1 AND entry = k.entry ORDER BY n OFFSET 0
        ) r
    """
    for each in await connection.fetch(sql, ledger_id, list(found)):
        part = kind(*each)
        found[part.entry].append(part)
    return found


async def made_by(
    connection: Reader, ledger_id: int, rows: Sequence[Agreement], more: Iterable[int] = ()
) -> dict[int, Entry]:
    """The entries that made agreements, and `more`, by their numbers: whatever else was said then is read there."""
    return await entries_by_number(connection, ledger_id, sorted({*(row.entry for row in rows), *more}))
