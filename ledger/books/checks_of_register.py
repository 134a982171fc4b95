"""Checks of what is registered: aliases of parties, banks, rails, and the ledger's settings.

Both ways, as with agreements: what an entry says is kept, and what is kept an entry says.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ledger.books.checking import (
    ENTRIES,
    Along,
    Check,
    Exceptions,
    Part,
    Stretch,
    compare,
    entry_numbered,
    read_object,
)
from ledger.core.rows import Settings

_ERASED = "erased "
"""So begins the value of an alias that has ended and was erased."""


async def _aliases(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(
        f"""
        SELECT a.channel, a.value, a.party, a.entry, a.until_entry, made.kind AS made_by, made.body AS made,
               made.private AS made_private, ended.kind AS ended_by, ended.body AS ended, ended.private AS ended_private
        FROM aliases a
        LEFT JOIN {entry_numbered("a.entry")} made ON true
        LEFT JOIN {entry_numbered("a.until_entry")} ended ON true
        WHERE a.ledger_id = $1 AND a.party > $2 AND a.party <= $3
        """
    )
    found: list[tuple[str, str]] = []
    for row in rows:
        where = f"alias of entry {row['entry']}"
        if not _begins(row):
            found.append((where, f"names {row['party']} on {row['channel']}, but its entry does not say so"))
        if row["until_entry"] is not None and not _ends(row):
            found.append((where, f"ended with entry {row['until_entry']}, which does not say so"))
    return found


def _begins(row: Any) -> bool:
    """Whether the entry that an alias names as its beginning says so; of an erased value nothing can be said."""
    asked, clear = _asked(row["made"]), _clear(row["made_private"], row)
    if row["made_by"] == "party.create":
        named = clear.get("aliases")
        name = {"channel": row["channel"], "value": row["value"]}
        return bool(asked["id"] == row["party"] and (not clear or (named is not None and name in named)))
    return row["made_by"] == "alias.add" and _names(asked, clear, "value", row)


def _ends(row: Any) -> bool:
    """The same of the entry with which it ended: removed, replaced by another value, or taken over."""
    if row["ended_by"] not in ("alias.remove", "alias.add"):
        return False
    asked, clear = _asked(row["ended"]), _clear(row["ended_private"], row)
    if row["ended_by"] == "alias.remove":
        return _names(asked, clear, "value", row)
    taken_from = (read_object(row["ended"]).get("result") or {}).get("taken_from")
    was_taken = taken_from == row["party"] and _names(asked | {"party": taken_from}, clear, "value", row)
    return was_taken or ("replaces" in asked and _names(asked, clear, "replaces", row))


def _names(asked: dict[str, Any], clear: dict[str, Any], field: str, row: Any) -> bool:
    is_same = (asked["party"], asked["channel"]) == (row["party"], row["channel"])
    return is_same and clear.get(field, row["value"]) == row["value"]


def _asked(body: str | None) -> dict[str, Any]:
    asked: dict[str, Any] = read_object(body)["request"] if body is not None else {}
    return asked


def _clear(private: str | None, row: Any) -> dict[str, Any]:
    return read_object(private) if private is not None and not row["value"].startswith(_ERASED) else {}


async def _aliases_made(stretch: Stretch) -> Exceptions:
    """As many aliases of each party begin and end with each entry as the entry says."""
    rows = await stretch.fetch(
        f"""
        SELECT number, kind, body, private FROM {ENTRIES} e
        WHERE kind IN ('alias.add', 'alias.remove') OR kind = 'party.create' AND private IS NOT NULL
        """
    )
    numbers = {row["number"] for row in rows}
    said = Counter(event for row in rows for event in _events(row))
    aliases = await stretch.fetch(
        """
        SELECT party, entry, until_entry FROM aliases WHERE ledger_id = $1 AND party = ANY ($4)
        AND (entry > $2 AND entry <= $3 OR until_entry > $2 AND until_entry <= $3)
        """,
        list({party for party, _, _ in said}),
    )
    begun = ((row["party"], row["entry"], "begin") for row in aliases)
    ended = ((row["party"], row["until_entry"], "end") for row in aliases)
    kept = Counter(event for event in (*begun, *ended) if event[1] in numbers)
    return [
        (f"entry {event[1]}", f"has {said[event]} aliases of {event[0]} {event[2]}, but {kept[event]} are kept so")
        for event in said | kept
        if said[event] != kept[event]
    ]


def _events(row: Any) -> Iterator[tuple[str, int, str]]:
    body = read_object(row["body"])
    asked, number = body["request"], row["number"]
    if row["kind"] == "party.create":
        for _ in read_object(row["private"]).get("aliases") or ():
            yield asked["id"], number, "begin"
    elif row["kind"] == "alias.remove":
        yield asked["party"], number, "end"
    else:
        yield asked["party"], number, "begin"
        if "replaces" in asked:
            yield asked["party"], number, "end"
        if body.get("result") is not None:
            yield body["result"]["taken_from"], number, "end"


ALIASES = Check(
    "aliases",
    "Every alias names its party from the entry that set it until the entry that took it away.",
    (Part(Along.PARTIES, _aliases), Part(Along.ENTRIES, _aliases_made)),
)

_KINDS = {
    "banks": ("bank.register", ("id", "currency", "iban", "purpose")),
    "rails": ("rail.register", ("id", "settles_to")),
}


def _registered(kind: str, body: dict[str, Any]) -> tuple[Any, ...]:
    """A bank or rail as the entry that registered it says."""
    asked = body["request"]
    return tuple(asked.get(field) for field in next(fields for made_by, fields in _KINDS.values() if made_by == kind))


async def _registrations(stretch: Stretch) -> Exceptions:
    walk = stretch.walk
    found: list[tuple[str, str]] = []
    for table, (kind, fields) in _KINDS.items():
        rows = await walk.connection.fetch(
            f"""
            SELECT t.entry, e.kind AS made_by, e.body, {", ".join(f"t.{field}" for field in fields)}
            FROM {table} t LEFT JOIN {entry_numbered("t.entry")} e ON true
            WHERE t.ledger_id = $1
            """,
            walk.ledger_id,
        )
        for row in rows:
            said = _registered(kind, read_object(row["body"])) if row["made_by"] == kind else None
            found += compare(f"{table} of entry {row['entry']}", fields, said, tuple(row)[3:])
    return found


async def _registrations_made(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(
        f"""
        SELECT number, kind FROM {ENTRIES} e WHERE CASE kind
            WHEN 'bank.register' THEN NOT EXISTS (SELECT FROM banks WHERE ledger_id = $1 AND entry = e.number)
            WHEN 'rail.register' THEN NOT EXISTS (SELECT FROM rails WHERE ledger_id = $1 AND entry = e.number)
        END
        """
    )
    return [(f"entry {row['number']}", f"is a {row['kind']} of which nothing is kept") for row in rows]


REGISTRATIONS = Check(
    "registrations",
    "Every bank and rail is as its entry registered it.",
    (Part(Along.ONCE, _registrations), Part(Along.ENTRIES, _registrations_made)),
)


async def _settings(stretch: Stretch) -> Exceptions:
    row = await stretch.walk.connection.fetchrow(
        """
        SELECT l.name AS ledger, s.name, s.time_zone, s.currencies, s.request_signatures, s.limits, s.fees, (
            SELECT body FROM (
                SELECT number, body FROM entries WHERE ledger_id = $1 AND kind = 'ledger.set' OFFSET 0
            ) changes ORDER BY number DESC LIMIT 1
        ) AS body
        FROM ledgers l LEFT JOIN settings s USING (ledger_id) WHERE ledger_id = $1
        """,
        stretch.walk.ledger_id,
    )
    if row is None or row["name"] is None:
        return [("settings", "are not kept")]
    said = read_object(row["body"])["result"] if row["body"] is not None else {"name": row["ledger"]}
    fields = Settings.columns()
    default = Settings(said["name"])
    must = tuple(said.get(name, getattr(default, name)) for name in fields)
    return compare("settings", fields, must, tuple(row)[1:-1])


SETTINGS = Check(
    "settings",
    "The ledger's settings are those of the last entry that set them.",
    (Part(Along.ONCE, _settings),),
)

CHECKS = (ALIASES, REGISTRATIONS, SETTINGS)
