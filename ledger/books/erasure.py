"""Erasing: which entries keep private text of a party, and emptying it. Bodies, balances and proofs stay as they are.

The connection must act as the owner of the books (`setup.act_as_owner`) and be turned to the ledger.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from ledger.books.database import Connection, Reader
from ledger.core.parties import AliasName
from ledger.core.text import alias_reference

PAGE_ENTRIES = 20_000
"""So many entries are looked through at once: no snapshot is held for long."""
ERASED_AT_ONCE = 1_000
NAMING = (
    "id",
    "party",
    "from",
    "to",
    "to_expected",
    "payer",
    "payee",
    "merchant",
    "customer",
    "giver",
    "claimer",
    "surplus_to",
)
"""The fields of requests, of agreements and of a split's shares that name a party."""

_ABOUT_PARTY = """
    SELECT number FROM ledger.entries
    WHERE ledger_id = $1 AND number > $2 AND number <= $3 AND private IS NOT NULL AND (
        strpos(body, $4) > 0 AND (
            EXISTS (
                SELECT FROM json_each_text(body::json -> 'request') f WHERE f.key = ANY ($6) AND f.value = $4
            )
            OR EXISTS (
                SELECT FROM json_each(body::json #> '{result,rows}') t, json_array_elements(t.value) r,
                            json_each_text(r) f
                WHERE f.key = ANY ($6) AND f.value = $4
            )
            OR EXISTS (
                SELECT FROM json_array_elements(body::json -> 'postings') p
                WHERE $4 IN (split_part(p ->> 'debit', '/', 1), split_part(p ->> 'credit', '/', 1))
            )
        )
        OR EXISTS (SELECT FROM json_each_text(private::json) f WHERE f.value = ANY ($5))
        OR strpos(private, '"shares"') > 0 AND EXISTS (
            SELECT FROM jsonb_path_query(private::jsonb, '$.shares[*].keyvalue()', '{}', true) f
            WHERE f ->> 'key' = ANY ($6) AND f ->> 'value' = ANY ($5 || $4)
        )
    )
"""


async def live_aliases(reader: Reader, ledger_id: int, party: str) -> list[AliasName]:
    """The aliases that name a party now. Their values stay, since they are in use, until they are removed."""
    rows = await reader.fetch(
        "SELECT channel, value FROM ledger.aliases WHERE ledger_id = $1 AND party = $2 AND until_entry IS NULL",
        ledger_id,
        party,
    )
    return [AliasName(*row) for row in rows]


async def waiting_claims(reader: Reader, ledger_id: int, numbers: Sequence[int]) -> dict[int, datetime]:
    """Which of some entries are transfers that wait to be claimed, and until when. Their private parts stay, since they
    are in use, until they were claimed or went back."""
    rows = await reader.fetch(
        """
        SELECT entry, expires_at FROM ledger.claims
        WHERE ledger_id = $1 AND entry = ANY ($2::bigint[]) AND waits_for IS NOT NULL ORDER BY entry
        """,
        ledger_id,
        numbers,
    )
    return {row["entry"]: row["expires_at"] for row in rows}


async def entries_of_party(
    reader: Reader, ledger_id: int, party: str, on_page: Callable[[int, int], None] = lambda done, head: None
) -> list[int]:
    """The numbers of the entries with private text that are about a party, or that set an alias it no longer has.

    About it are those whose request names it, by its id or by an alias it has or had, and those that moved its money.
    `on_page` hears how many entries of how many have been looked through.
    """
    aliases = await reader.fetch(
        "SELECT channel, value, entry, until_entry FROM ledger.aliases WHERE ledger_id = $1 AND party = $2",
        ledger_id,
        party,
    )
    names = [alias_reference(alias["channel"], alias["value"]) for alias in aliases]
    found = {alias["entry"] for alias in aliases if alias["until_entry"] and not alias["value"].startswith("erased ")}
    head: int = await reader.fetchval("SELECT number FROM ledger.heads WHERE ledger_id = $1", ledger_id)
    for after in range(0, head, PAGE_ENTRIES):
        rows = await reader.fetch(
            _ABOUT_PARTY,
            ledger_id,
            after,
            after + PAGE_ENTRIES,
            party,
            names,
            NAMING,
        )
        found.update(row["number"] for row in rows)
        on_page(min(after + PAGE_ENTRIES, head), head)
    return sorted(found)


async def erase_entries(connection: Connection, ledger_id: int, numbers: Sequence[int]) -> int:
    """Empty the private parts of entries; how many had one."""
    emptied = 0
    for start in range(0, len(numbers), ERASED_AT_ONCE):
        emptied += await connection.fetchval(
            "SELECT count(*) FILTER (WHERE ledger.erase($1, n)) FROM unnest($2::bigint[]) AS n",
            ledger_id,
            numbers[start : start + ERASED_AT_ONCE],
        )
    return emptied


async def erase_refusals(connection: Connection, ledger_id: int, party: str) -> int:
    """Empty the private parts of the refused requests that name a party; how many there were."""
    emptied: int = await connection.fetchval("SELECT ledger.erase_refusals($1, $2, $3)", ledger_id, party, NAMING)
    return emptied
