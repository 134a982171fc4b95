"""Rows of a table by their keys, all of them in one query."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from ledger.books.database import Connection
from ledger.core.books import shelf_key
from ledger.core.rows import Row

Loader = Callable[..., Awaitable[dict[Any, Any]]]
"""What finds rows: of a connection, a ledger's id and keys; by key, those that there are."""


def listed(names: Iterable[str]) -> str:
    """Columns of a table `t` for a query, quoted: some are words of SQL's."""
    return ", ".join(f't."{name}"' for name in names)


def columns_of(kind: type[Row]) -> str:
    """All columns of a table `t` for a SELECT, in the order of the row's fields."""
    return listed(kind.columns())


def by_keys(kind: type[Row], columns: Iterable[str]) -> str:
    """A query of these columns, by what is unique in the table: of the ledger and an array for each unique column.

    Each key is looked up by itself, behind OFFSET 0, like the commit's: as a plain join the whole table would be read.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    arrays = ", ".join(f"${n}::{_ARRAY_OF[types[name]]}" for n, name in enumerate(kind.unique, 2))
    is_same = " AND ".join(f't."{name}" = k."{name}"' for name in kind.unique)
    return f"""
        SELECT r.* FROM unnest({arrays}) AS k ({", ".join(f'"{name}"' for name in kind.unique)}), LATERAL (
            SELECT {listed(columns)} FROM {kind.table} t WHERE t.ledger_id = $1 AND {is_same} OFFSET 0
        ) r
    """


_ARRAY_OF = {int: "bigint[]", str: "text[]"}


def loader_of(kind: type[Row]) -> Loader:
    """The loader of a table, by what is unique there."""
    sql = by_keys(kind, kind.columns())

    async def load(connection: Connection, ledger_id: int, keys: list[Any]) -> dict[Any, Any]:
        arrays = [keys] if len(kind.unique) == 1 else [list(column) for column in zip(*keys, strict=True)]
        found = (kind(*row) for row in await connection.fetch(sql, ledger_id, *arrays))
        return {shelf_key(row): row for row in found}

    return load
