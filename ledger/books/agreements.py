"""Agreements read back: one by its id, or a page of those that a filter finds, the newest first.

A page costs the same however many there are: each of its branches walks one index from its newest end, and stops.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple, TypeVar

from ledger.books.database import Reader
from ledger.books.recall import entries_by_number
from ledger.books.rows import columns_of, listed
from ledger.core.entries import Entry
from ledger.core.rows import Agreement

Kept = TypeVar("Kept", bound=Agreement)


class Parts(NamedTuple):
    """Agreements of another `kind` that the same entries made, as a split's requests: `n` counts them from 1 on. Their
    `side` names a party of the whole; they are in `states` of their own."""

    kind: type[Agreement]
    side: str
    states: tuple[str, ...]


class Among(NamedTuple):
    """The entries that another table has under a value: those of a conversation, or what settled an invoice."""

    table: str
    column: str
    value: Any


class Lapse(NamedTuple):
    """What stands open until a time reads as expired from then on (`now`), though its row says so a little later."""

    now: datetime
    column: str = "expires_at"
    state: str = "open"
    after: str = "expired"


class Filter(NamedTuple):
    """What a page shows: where one of `sides`, or of its `parts`, is the `party`; in one of `states`, which are those
    that are read after a `lapse`; `among` what other tables have; with the values of `fixed` columns, which very many
    may have, though a party on one of the sides `once` at most once, and of `equal` ones, which few have; by entries
    after `after` and up to `through`."""

    sides: tuple[str, ...] = ()
    party: str | None = None
    states: tuple[str, ...] = ()
    among: tuple[Among, ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()
    equal: tuple[tuple[str, Any], ...] = ()
    after: int = 0
    through: int = 2**53
    parts: Parts | None = None
    once: tuple[str, ...] = ()
    lapse: Lapse | None = None


Place = tuple[int, int]
"""Where a page goes on: before an entry, and before the n-th of what that entry made."""


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
    parts = select.found() if asked.equal or asked.among else select.walks()
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
        self._now = self.bound(asked.lapse.now) if asked.lapse is not None else ""

    def bound(self, value: Any) -> str:
        """A parameter of the queries."""
        self.values.append(value)
        return f"${len(self.values)}"

    def walks(self) -> list[str]:
        """One walk for each side and state, along the index that has them before the entry; and what of it is once."""
        asked = self._asked
        fixed = [(name, self.bound(value)) for name, value in asked.fixed]
        party = self.bound(asked.party) if asked.party is not None else ""
        sides = [[(side, party)] for side in asked.sides if side not in asked.once] if party else [[]]
        states = [[("state", self.bound(state))] for state in asked.states] or [[]]
        walks = [self._walk([*fixed, *side, *state]) for side, state in product(sides, states)]
        walks += [self._one([*fixed, (side, party)]) for side in asked.once if party]
        if asked.lapse is not None and asked.lapse.after in asked.states:
            walks.append(self._lapsed(asked.lapse, party))
        return walks + (self._walks_of_parts(asked.parts, party) if asked.parts is not None and party else [])

    def _walks_of_parts(self, parts: Parts, party: str) -> list[str]:
        """One walk for each state of the parts, along their own index; the whole of each is looked up."""
        having = f"AND t.state = ANY ({self.bound(self._asked.states)})" if self._asked.states else ""
        place = (parts.side, "state", "entry")
        return [
            f"""
            SELECT {columns_of(self._kind)} FROM (
                SELECT {listed(place)} FROM {parts.kind.table} t WHERE t.ledger_id = $1 AND n > 0
                AND ({listed(place)}) > ({party}, {state}, {self._after})
                AND ({listed(place)}) {self._is_first} ({party}, {state}, {self._begin[0]})
                ORDER BY {_descending(place)} OFFSET 0
            ) p, LATERAL (SELECT * FROM {self._kind.table} WHERE ledger_id = $1 AND entry = p.entry OFFSET 0) t
            WHERE true {having} ORDER BY {_descending(place).replace("t.", "p.")}
            """
            for state in map(self.bound, parts.states)
        ]

    def _walk(self, columns: list[tuple[str, str]]) -> str:
        """All columns are compared with the entry as one row, and ordered by, which comes to the same as being equal:
        so no index will do but the one that has them all, however few rows Postgres believes there are."""
        names, values = [name for name, _ in columns], [value for _, value in columns]
        where = ["t.ledger_id = $1"]
        where.append(f"({listed([*names, 'entry'])}) > ({', '.join([*values, self._after])})")
        begin = ", ".join([*values, *self._begin])
        where.append(f"({listed([*names, *self._first])}) {self._is_first} ({begin})")
        where += self._words(names)
        if "state" in names and self._asked.lapse is not None:
            where.append(f"{self._has_lapsed(self._asked.lapse)} IS NOT TRUE")
        return f"""
            SELECT {columns_of(self._kind)} FROM {self._kind.table} t
            WHERE {" AND ".join(where)} ORDER BY {_descending([*names, *self._key])}
        """

    def _one(self, columns: list[tuple[str, str]]) -> str:
        """What is unique in these columns, if it passes."""
        same = " AND ".join(f't."{name}" = {value}' for name, value in columns)
        words = " AND ".join(self._words([name for name, _ in columns]))
        row = f"SELECT * FROM {self._kind.table} t WHERE ledger_id = $1 AND {same} AND {words} OFFSET 0"
        where = " AND ".join(self._where())
        return f"SELECT {columns_of(self._kind)} FROM ({row}) t WHERE {where} ORDER BY {self.order}"

    def _words(self, names: list[str]) -> list[str]:
        """What partial indexes say. Those of fixed columns begin alike: each says of its side, or else of the entry, a
        truth that only its own queries repeat, lest one be taken for another."""
        words = [f't."{name}" IS NOT NULL' for name in names]
        if self._asked.fixed:
            sides = [name for name in names if name in self._asked.sides]
            words += [f"t.{side} <> ''" for side in sides] or ["t.entry > 0"]
        return words

    def _lapsed(self, lapse: Lapse, party: str) -> str:
        """What nobody has written yet, which is little, along the index that has it by its time."""
        where = [self._begins(), f"t.entry > {self._after}"]
        where += [f"{party} IN ({listed(self._asked.sides)})"] if party else []
        return f"""
            SELECT {columns_of(self._kind)} FROM (
                SELECT * FROM {self._kind.table} t WHERE ledger_id = $1 AND {self._has_lapsed(lapse)}
                ORDER BY {lapse.column} OFFSET 0
            ) t WHERE {" AND ".join(where)} ORDER BY {self.order}
        """

    def _has_lapsed(self, lapse: Lapse) -> str:
        return f"(t.state = '{lapse.state}' AND t.{lapse.column} <= {self._now})"

    def _begins(self) -> str:
        return f"({listed(self._first)}) {self._is_first} ({', '.join(self._begin)})"

    def _where(self) -> list[str]:
        """From where on, and in which states."""
        where, lapse = [f"t.entry > {self._after}", self._begins()], self._asked.lapse
        if self._asked.states:
            is_in_state = f"t.state = ANY ({self.bound(self._asked.states)})"
            if lapse is not None:
                has_lapsed = self._has_lapsed(lapse)
                also = f"OR {has_lapsed}" if lapse.after in self._asked.states else f"AND {has_lapsed} IS NOT TRUE"
                is_in_state = f"({is_in_state} {also})"
            where.append(is_in_state)
        return where

    def found(self) -> list[str]:
        """The few that have equal columns, else those among what another table has; of these what passes the filter."""
        asked, table = self._asked, self._kind.table
        where = self._where()
        where += [f't."{name}" = {self.bound(value)}' for name, value in asked.fixed]
        if asked.party is not None:
            where.append(self._is_of(asked.party, asked.parts))
        among = [
            f"SELECT entry FROM {each.table} c WHERE c.ledger_id = $1 AND c.{each.column} = {self.bound(each.value)}"
            for each in asked.among
        ]
        order = self.order
        if asked.equal:
            same = " AND ".join(f'"{name}" = {self.bound(value)}' for name, value in asked.equal)
            source = f"(SELECT * FROM {table} WHERE ledger_id = $1 AND {same} OFFSET 0) t"
        else:
            walk = f"{among.pop(0)} AND entry > {self._after} AND entry <= {self._begin[0]}"
            row = f"SELECT * FROM {table} WHERE ledger_id = $1 AND entry = c.entry OFFSET 0"
            source = f"({walk} ORDER BY entry DESC OFFSET 0) c, LATERAL ({row}) t"
            order = ", ".join(["c.entry DESC", *(f't."{name}" DESC' for name in self._key[1:])])
        where += [f"EXISTS ({each} AND c.entry = t.entry OFFSET 0)" for each in among]
        return [f"SELECT {columns_of(self._kind)} FROM {source} WHERE {' AND '.join(where)} ORDER BY {order}"]

    def _is_of(self, party: str, parts: Parts | None) -> str:
        name = self.bound(party)
        has_side = f"{name} IN ({listed(self._asked.sides)})"
        if parts is None:
            return has_side
        there = f'SELECT FROM {parts.kind.table} WHERE ledger_id = $1 AND entry = t.entry AND "{parts.side}" = {name}'
        return f"({has_side} OR EXISTS ({there} AND n > 0 OFFSET 0))"


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
