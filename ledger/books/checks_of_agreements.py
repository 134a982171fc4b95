"""Checks of agreements: what the books keep beside the entries is what the entries say.

Each entry's body has every agreement as the entry left it, so one check serves them all, both ways: what is kept is
what the entry that last changed it says, and what an entry says is kept, as that entry or a later one left it. What no
body has stands below.
"""

from datetime import date, datetime
from typing import Any

import msgspec

from ledger.books.checking import ENTRIES, Along, Check, Exceptions, Part, Stretch, entry_numbered, query
from ledger.books.rows import by_keys
from ledger.core.rows import AGREEMENTS, Agreement, image


class _Result(msgspec.Struct):
    rows: dict[str, list[dict[str, Any]]] = {}


class _Body(msgspec.Struct):
    """What of a body is looked at: the rows that the entry left, by their tables."""

    result: _Result | None = None


_read = msgspec.json.Decoder(_Body).decode


def _named(kind: type[Agreement], row: Any) -> str:
    """Where a row is, without naming a party: by its numbers, else by the entry that made it."""
    key = [row[name] for name in kind.unique]
    if all(isinstance(part, int) for part in key):
        return " ".join([kind.table, *map(str, key)])
    return f"{kind.table} of entry {row['entry']}"


def _readable(field: msgspec.structs.FieldInfo) -> str:
    """A column as Python can read it: of a time beyond the calendar the calendar's end, which no entry says."""
    column = f'r."{field.name}"'
    if field.type in (datetime, datetime | None):
        first, last = "'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'"
    elif field.type in (date, date | None):
        first, last = "'0001-01-01'", "'9999-12-31'"
    else:
        return column
    bounded = f"CASE WHEN {column} < {first} THEN {first} WHEN {column} > {last} THEN {last} ELSE {column} END"
    return f'{bounded} AS "{field.name}"'


def _said(body: str | None, table: str) -> list[dict[str, Any]]:
    """The rows of a table as an entry's body has them."""
    result = _read(body).result if body is not None else None
    return result.rows.get(table, []) if result is not None else []


def _differing(kept: dict[str, Any], said: dict[str, Any]) -> list[str]:
    return sorted(name for name in kept.keys() | said.keys() if kept.get(name) != said.get(name))


def _kept(kind: type[Agreement]) -> Part:
    """Whatever is kept stands in the entry that last changed it."""
    columns = ", ".join(_readable(field) for field in msgspec.structs.fields(kind))

    async def exceptions(stretch: Stretch) -> Exceptions:
        rows = await stretch.fetch(
            f"""
            SELECT {columns}, e.body FROM (
                SELECT * FROM {kind.table} WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0
            ) r LEFT JOIN {entry_numbered("r.changed_by")} e ON true
            """
        )
        found: list[tuple[str, str]] = []
        for row in rows:
            kept = image(dict(row), kind)
            said = [each for each in _said(row["body"], kind.table) if all(each[n] == kept[n] for n in kind.unique)]
            if said != [kept]:
                wrong = ", ".join(_differing(kept, *said)) if len(said) == 1 else "it does not say so"
                found.append((_named(kind, row), f"is not as entry {row['changed_by']} left it: {wrong}"))
        return found

    return Part(Along.ENTRIES, exceptions)


async def _all_kept(stretch: Stretch) -> Exceptions:
    """Whatever an entry says is kept, as that entry or a later one left it."""
    rows = await stretch.fetch(f"SELECT number, body FROM {ENTRIES} e WHERE strpos(body, '\"rows\":{{') > 0")
    by_table: dict[str, dict[tuple[Any, ...], tuple[int, dict[str, Any]]]] = {}
    for row in rows:
        result = _read(row["body"]).result
        for table, images in result.rows.items() if result is not None else ():
            for each in images:
                key = tuple(each[name] for name in AGREEMENTS[table].unique)
                last, _ = by_table.setdefault(table, {}).get(key, (0, each))
                by_table[table][key] = max(last, row["number"]), each
    found: list[tuple[str, str]] = []
    for table, said in by_table.items():
        kind = AGREEMENTS[table]
        kept = await _changed_by(stretch, kind, list(said))
        for key, (number, each) in said.items():
            if kept.get(key, 0) < number:
                found.append((_named(kind, each), f"is not kept as entry {number} left it"))
    return found


async def _changed_by(
    stretch: Stretch, kind: type[Agreement], keys: list[tuple[Any, ...]]
) -> dict[tuple[Any, ...], int]:
    rows = await stretch.walk.connection.fetch(
        by_keys(kind, (*kind.unique, "changed_by")), stretch.walk.ledger_id, *map(list, zip(*keys, strict=True))
    )
    return {tuple(row)[:-1]: row["changed_by"] for row in rows}


_BEYOND = " UNION ALL ".join(
    f"""
    SELECT format('{table} of entry %s', entry), 'no such entry' FROM {table} WHERE ledger_id = $1 AND entry < 1
    UNION ALL
    SELECT format('{table} of entry %s', r.entry), 'no such entry'
    FROM heads h JOIN {table} r ON r.ledger_id = h.ledger_id AND r.entry > h.number WHERE h.ledger_id = $1
    """
    for table in AGREEMENTS
)
"""Rows that no stretch of the history has."""

STATES = Check(
    "agreements",
    "Every agreement stands as the last entry that names it left it, and none that an entry names is missing.",
    (
        *(_kept(kind) for kind in AGREEMENTS.values()),
        Part(Along.ENTRIES, _all_kept),
        query(Along.ONCE, f"SELECT * FROM ({_BEYOND}) beyond"),
    ),
)


CLAIMS = Check(
    "claims",
    "What was sent to someone without an account waits for the alias that its sender named.",
    (
        query(
            Along.ENTRIES,
            f"""
            SELECT format('claims %s', c.entry), CASE
                WHEN c.waits_for IS NULL THEN 'is pending, but waits for no alias'
                WHEN c.state <> 'pending_claim' THEN 'waits for an alias, but is not pending'
                ELSE 'waits for another alias than was named' END
            FROM (
                SELECT * FROM claims WHERE ledger_id = $1 AND entry > $2 AND entry <= $3 OFFSET 0
            ) c LEFT JOIN {entry_numbered("c.entry")} e ON true
            WHERE (c.state = 'pending_claim') <> (c.waits_for IS NOT NULL)
               OR c.waits_for IS NOT NULL AND e.private::json ->> 'to' IS DISTINCT FROM c.waits_for
            """,
        ),
    ),
)

CHATS = Check(
    "chats",
    "An entry is found by its conversation if, and only if, it names one.",
    (
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s', entry), format('was made in %s, but is found in %s', said, found)
            FROM (
                SELECT number AS entry, body::json #>> '{{request,chat,conversation}}' AS said FROM {ENTRIES} e
                WHERE strpos(body, '"chat":{{') > 0
            ) e
            FULL JOIN (
                SELECT entry, conversation AS found FROM chats WHERE ledger_id = $1 AND entry > $2 AND entry <= $3
            ) c USING (entry)
            WHERE said IS DISTINCT FROM found
            """,
        ),
        query(
            Along.ONCE,
            """
            SELECT format('entry %s', entry), 'is found in a conversation, but is no entry'
            FROM chats, heads h WHERE chats.ledger_id = $1 AND h.ledger_id = $1 AND (entry < 1 OR entry > h.number)
            """,
        ),
    ),
)

CHECKS = (STATES, CLAIMS, CHATS)
