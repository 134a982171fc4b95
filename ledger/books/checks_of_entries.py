"""Checks of the one sequence of entries, and of the log that is made of it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from ledger.books.checking import (
    ENTRIES,
    Along,
    Check,
    Exceptions,
    Part,
    Stretch,
    account_numbered,
    compare,
    entry_numbered,
    query,
    read_object,
)
from ledger.core.entries import base64url, canonical, commitment, from_base64url, read_body
from ledger.core.kinds import COMMANDS
from ledger.core.merkle import TILE_HEIGHT
from ledger.core.text import format_timestamp

NUMBERED = Check(
    "numbering",
    "Entries are numbered 1 … n without gaps, in strictly increasing time, and the head agrees.",
    (
        query(
            Along.ONCE,
            """
            SELECT 'head', format('stands at entry %s of %s, but the last entry is %s of %s',
                                  h.number, h.posted_at, last.number, last.posted_at)
            FROM heads h LEFT JOIN LATERAL (
                SELECT number, posted_at FROM entries WHERE ledger_id = $1 ORDER BY number DESC LIMIT 1
            ) last ON true
            WHERE h.ledger_id = $1
              AND (h.number, h.posted_at) IS DISTINCT FROM (coalesce(last.number, 0), coalesce(last.posted_at, 'epoch'))
            UNION ALL
            SELECT format('entry %s', number), 'is numbered below 1' FROM entries WHERE ledger_id = $1 AND number < 1
            UNION ALL
            SELECT format('entry %s', p.entry), 'has a posting, but is not among 1 … n' FROM postings p
            WHERE p.ledger_id = $1 AND p.entry < 1
            UNION ALL
            SELECT format('entry %s', p.entry), 'has a posting, but is not among 1 … n' FROM heads h
            JOIN postings p ON p.ledger_id = h.ledger_id AND p.entry > h.number WHERE h.ledger_id = $1
            """,
        ),
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s', n), CASE WHEN e.number IS NULL THEN 'is missing'
                   ELSE format('is of %s, no later than the entry before it, %s', e.posted_at, before.posted_at) END
            FROM generate_series($2::bigint + 1, $3::bigint) n
            LEFT JOIN {entry_numbered("n")} e ON true
            LEFT JOIN {entry_numbered("n - 1")} before ON true
            WHERE e.number IS NULL OR e.posted_at <= before.posted_at
            """,
        ),
    ),
)

KEYS = Check(
    "request-keys",
    "No request key occurs twice, among the entries and the refusals.",
    (
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s', e.number), format('has the request key of %s, too', other.what)
            FROM {ENTRIES} e, LATERAL (
                SELECT format('entry %s', number) AS what FROM entries
                WHERE ledger_id = $1 AND key = e.key AND number <> e.number
                UNION ALL
                SELECT format('a refusal of %s', refused_at) FROM refusals WHERE ledger_id = $1 AND key = e.key
                OFFSET 0
            ) other
            """,
        ),
    ),
)


async def _bodies(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(
        f"""
        SELECT e.number, e.kind, micros(e.posted_at) AS posted_at, e.effective_on, e.key, e.body, (
            SELECT string_agg(concat_ws(' ', p.n, debit.owner || '/' || debit.role, credit.owner || '/' || credit.role,
                                        p.amount, p.currency), ', ' ORDER BY p.n)
            FROM (SELECT * FROM postings WHERE ledger_id = $1 AND entry = e.number OFFSET 0) p,
                 {account_numbered("p.debit")} debit, {account_numbered("p.credit")} credit
        ) AS postings
        FROM {ENTRIES} e
        """
    )
    return list(_differing_bodies(stretch.walk.head.ledger, rows))


_SAID = ("ledger", "number", "kind", "posted_at", "effective_on", "key", "postings")


def _differing_bodies(ledger: str, rows: list[Any]) -> Iterator[tuple[str, str]]:
    for number, kind, posted_at, effective_on, key, text, postings in rows:
        where, raw = f"entry {number}", text.encode()
        try:
            body = read_body(raw)
            is_canonical = canonical(msgspec.json.decode(raw)) == raw
        except msgspec.MsgspecError as fault:
            yield where, f"has a body that cannot be read: {fault}"
            continue
        if not is_canonical:
            yield where, "has a body that is not canonical JSON"
        moved = ", ".join([f"{n} {p.debit} {p.credit} {p.amount} {p.currency}" for n, p in enumerate(body.postings)])
        said = (body.ledger, body.number, body.kind, body.posted_at, body.effective_on, body.key, moved)
        time, day = format_timestamp(posted_at), effective_on.isoformat()
        stored = (ledger, number, kind, time, day, base64url(key), postings or "")
        if said != stored:
            yield from compare(where, _SAID, said, stored)


BODIES = Check(
    "bodies",
    "Every entry's body is canonical JSON that says what the entry's columns and postings say.",
    (Part(Along.ENTRIES, _bodies),),
)


_HIDING = {
    kind: tuple({name.rstrip("_") for name in names} for names in (command.private, command.references))
    for kind, command in COMMANDS.items()
}
"""Of each kind of entry: the fields whose texts are hidden, and those that hide an alias which names a party."""


async def _private_parts(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(f"SELECT number, kind, body, private FROM {ENTRIES} e WHERE private IS NOT NULL")
    return list(_differing_private_parts(rows))


def _differing_private_parts(rows: list[Any]) -> Iterator[tuple[str, str]]:
    for row in rows:
        where = f"entry {row['number']}"
        try:
            differing = _differing_texts(row)
        except (msgspec.MsgspecError, LookupError, ValueError, TypeError, AttributeError) as fault:
            yield where, f"has a private part that cannot be read: {fault}"
            continue
        for name in differing:
            yield where, f"has a private {name} that is not what its body commits to"


def _differing_texts(row: Any) -> list[str]:
    facts = read_object(read_body(row["body"]).request)
    clear = read_object(row["private"])
    salt = from_base64url(clear.pop("salt"))
    texts, references = _HIDING[row["kind"]]
    said = {name: fact for name, fact in facts.items() if fact is not None}
    hidden = {name for name in said if name in texts or (name in references and _is_alias(said[name]))}

    def is_committed(name: str) -> bool:
        fact, value = facts.get(name), clear[name]
        if name in references:
            return bool(fact == _commitment_to_alias(salt, value))
        if isinstance(fact, list):  # an invoice's lines, of which the descriptions are hidden
            return [line["description"] for line in fact] == [commitment(salt, text) for text in value]
        return bool(fact == commitment(salt, value if isinstance(value, str) else canonical(value).decode()))

    return [name for name in sorted(hidden | clear.keys()) if name not in clear or not is_committed(name)]


def _is_alias(reference: str) -> bool:
    return reference.startswith("alias:")


def _commitment_to_alias(salt: bytes, reference: str) -> str:
    """Of an alias that names a party the channel stays readable."""
    word, channel, value = reference.split(":", 2)
    return f"{word}:{channel}:{commitment(salt, value)}"


PRIVATE_PARTS = Check(
    "private-parts",
    "Every private part that was not erased is what its entry's body commits to.",
    (Part(Along.ENTRIES, _private_parts),),
)


async def _dates(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(f"SELECT number, micros(posted_at) AS posted_at, effective_on FROM {ENTRIES} e")
    found: list[tuple[str, str]] = []
    for row in rows:
        day: date = stretch.walk.day(row["number"], row["posted_at"])
        if row["effective_on"] > day:
            found.append((f"entry {row['number']}", f"takes effect on {row['effective_on']}, but was posted on {day}"))
    return found


DATES = Check(
    "dates",
    "No entry takes effect after the day on which it was posted, in the ledger's time zone of that moment.",
    (Part(Along.ENTRIES, _dates),),
)

_HASH_OF_BODY = r"sha256('\x00'::bytea || convert_to(body, 'UTF8'))"

LEAVES = Check(
    "leaves",
    "Every entry's leaf is the hash of its body: SHA-256(0x00 ‖ body), RFC 6962.",
    (
        query(
            Along.ENTRIES,
            f"""
            SELECT format('entry %s', number), 'has a leaf that is not the hash of its body' FROM {ENTRIES} e
            WHERE leaf <> {_HASH_OF_BODY}
            """,
        ),
    ),
)


async def _tree(stretch: Stretch) -> Exceptions:
    """Grow the tree from the bodies themselves, not from the leaves that are stored beside them."""
    rows = await stretch.fetch(f"SELECT {_HASH_OF_BODY} FROM {ENTRIES} e ORDER BY number")
    walk = stretch.walk
    completed = walk.tree.extend(leaf for (leaf,) in rows)
    found: list[tuple[str, str]] = []
    if completed:
        kept = await walk.connection.fetch(
            """
            SELECT c.level, c.index, s.root FROM unnest($2::smallint[], $3::bigint[]) c (level, index), LATERAL (
                SELECT root FROM subtrees WHERE ledger_id = $1 AND level = c.level AND index = c.index OFFSET 0
            ) s
            """,
            walk.ledger_id,
            [level for level, _, _ in completed],
            [index for _, index, _ in completed],
        )
        roots = {(row["level"], row["index"]): row["root"] for row in kept}
        for level, index, root in completed:
            if roots.get((level, index)) != root:
                last = (index + 1) << TILE_HEIGHT * level
                found.append((f"entry {last}", f"completes subtree {level}/{index}, whose root is not kept as it is"))
    if stretch.is_last and (walk.tree.root(), walk.tree.to_bytes()) != (walk.head.root, walk.head.frontier):
        found.append(("head", f"has not the root and frontier that follow from the first {walk.head.number} bodies"))
    return found


MERKLE_ROOT = Check(
    "merkle-root",
    "The Merkle root recomputed from the entries' bodies is the head's; so are the roots of the subtrees.",
    (
        Part(Along.ENTRIES, _tree),
        query(
            Along.ONCE,
            f"""
            SELECT format('subtree %s/%s', s.level, s.index), 'is kept, but has not all its leaves yet'
            FROM heads h JOIN subtrees s USING (ledger_id)
            WHERE h.ledger_id = $1
              AND (s.level < 1 OR s.index < 0 OR (s.index + 1) * power(2, {TILE_HEIGHT} * s.level) > h.number)
            """,
        ),
    ),
)

CHECKS = (NUMBERED, KEYS, BODIES, PRIVATE_PARTS, DATES, LEAVES, MERKLE_ROOT)
