"""Which claims can be taken: those whose alias somebody has.

What waits may be much, and is not looked through time and again: once when the service starts and then every ten
minutes, a stretch at a time. In between only the entries since the last look are read, for those after which a party
can have what it could not have before.
"""

import time
from collections.abc import Iterable
from itertools import islice

import msgspec

from ledger.books.database import Reader
from ledger.books.feed import head

ENTRIES_MAX = 50_000
CLAIMS_MAX = 50_000
"""So many of either are looked at once; the rest with the next look."""
ALL_SECONDS = 600.0

KINDS = ("party.create", "alias.add", "party.freeze", "party.unfreeze", "limits.set")
"""After these a party may have another alias, or may be paid again. They name it `party` or `id`."""

# What is no part of the index that is meant stands outside of the OFFSET 0: on a fresh table the planner would else
# take another index, and look through all of it.
_PAYABLE = "LATERAL (SELECT state FROM parties WHERE ledger_id = $1 AND id = a.party OFFSET 0) p"
_IS_PAYABLE = "p.state IN ('open', 'debits_frozen')"
_SINCE = f"""
    SELECT c.entry FROM (
        SELECT DISTINCT coalesce(request ->> 'party', request ->> 'id') AS party FROM (
            SELECT body::json -> 'request' AS request FROM entries
            WHERE ledger_id = $1 AND number > $2 AND number <= $3 AND kind = ANY ($4) OFFSET 0
        ) e OFFSET 0
    ) named, LATERAL (
        SELECT party, channel, value, until_entry FROM aliases WHERE ledger_id = $1 AND party = named.party OFFSET 0
    ) a, {_PAYABLE}, LATERAL (
        SELECT entry FROM claims
        WHERE ledger_id = $1 AND waits_for = 'alias:' || a.channel || ':' || a.value OFFSET 0
    ) c WHERE a.until_entry IS NULL AND {_IS_PAYABLE} ORDER BY c.entry
"""
_NEXT_STRETCH = """
    SELECT waits_for FROM claims WHERE ledger_id = $1 AND waits_for > $2 ORDER BY waits_for OFFSET $3 LIMIT 1
"""
_OF_STRETCH = f"""
    SELECT c.entry FROM (
        SELECT entry, split_part(waits_for, ':', 2) AS channel,
               substr(waits_for, length('alias::') + 1 + length(split_part(waits_for, ':', 2))) AS value
        FROM claims WHERE ledger_id = $1 AND waits_for > $2 AND ($3::text IS NULL OR waits_for <= $3) OFFSET 0
    ) c, LATERAL (
        SELECT party FROM aliases
        WHERE ledger_id = $1 AND channel = c.channel AND value = c.value AND until_entry IS NULL OFFSET 0
    ) a, {_PAYABLE} WHERE {_IS_PAYABLE} ORDER BY c.entry
"""


class Look(msgspec.Struct):
    """How far a ledger is looked through: the last entry; and, of all that waits, the last alias, None between two
    looks at all of it. `found` is what was found and is not tried yet."""

    entry: int
    alias: str | None = ""
    all_at: float = 0.0
    found: dict[int, None] = {}


class ClaimsDue:
    """Finds the claims that can be taken, ledger by ledger."""

    def __init__(self) -> None:
        self._looks: dict[int, Look] = {}

    async def find(self, reader: Reader, ledger_id: int, at_most: int) -> list[str]:
        """The transfers of claims that may be taken now, as far as they were found since the last look or are left."""
        newest = await head(reader, ledger_id)
        look = self._looks.setdefault(ledger_id, Look(newest))
        through = min(newest, look.entry + ENTRIES_MAX)
        if through > look.entry:
            rows = await reader.fetch(_SINCE, ledger_id, look.entry, through, KINDS)
            look.found |= {row["entry"]: None for row in rows}
        look.entry = through
        await self._look_at_all(reader, ledger_id, look)
        return [f"transfer_{entry}" for entry in islice(look.found, at_most)]

    def tried(self, ledger_id: int, names: Iterable[str], was_answered: Iterable[bool]) -> None:
        """Forget what was tried. What the books could not say yet comes again, after the others."""
        found = self._looks[ledger_id].found
        for name, is_answered in zip(names, was_answered, strict=True):
            entry = int(name.rpartition("_")[2])
            found.pop(entry, None)
            if not is_answered:
                found[entry] = None

    async def _look_at_all(self, reader: Reader, ledger_id: int, look: Look) -> None:
        if look.alias is None and time.monotonic() - look.all_at >= ALL_SECONDS:
            look.alias = ""
        if look.alias is not None:
            last = await reader.fetchval(_NEXT_STRETCH, ledger_id, look.alias, CLAIMS_MAX - 1)
            rows = await reader.fetch(_OF_STRETCH, ledger_id, look.alias, last)
            look.found |= {row["entry"]: None for row in rows}
            look.alias, look.all_at = last, time.monotonic()
