"""Transfers read back: pages of them, the newest first, and what became of each since it was booked.

There is no table of transfers. A party's are found by the postings of its accounts and by what it has claimed, those of
a conversation by the chats, all by the entries themselves; each is walked along its index from its newest end. Among
very many other entries a page may find few transfers, or none: it looks at so many and no more.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ledger.books.database import Reader
from ledger.books.rows import columns_of
from ledger.core.movements import TRANSFER
from ledger.core.rows import Claim

LOOKED_AT_MAX = 5_000
"""How many postings of an account, chats of a conversation, or entries a page looks at."""


class Filter(NamedTuple):
    """Which transfers: of a party, on either side; made in a conversation; by entries after `after`; in a `state`,
    which is one of claims or `posted`."""

    party: str | None
    chat: str | None
    after: int
    state: str | None = None


class Found(NamedTuple):
    """The numbers of transfers, the newest first; the next page goes on `before` an entry, None if there is none."""

    numbers: list[int]
    before: int | None


class Since(NamedTuple):
    """What became of a transfer since it was booked: what was `refunded` of it, and the entry that took all of it back;
    its claim, if it waited to be claimed; and the database's clock, which judges that."""

    refunded: int
    reversed_by: int | None
    claim: Claim | None
    now: datetime


async def page(connection: Reader, ledger_id: int, wanted: Filter, before: int, limit: int) -> Found:
    """The newest transfers that pass the filter, before an entry."""
    accounts: list[int] = []
    if wanted.party is not None:
        rows = await connection.fetch(
            "SELECT number FROM accounts WHERE ledger_id = $1 AND owner = $2 AND role = 'available' ORDER BY number",
            ledger_id,
            wanted.party,
        )
        accounts = [row["number"] for row in rows]
    where: list[Any] = [ledger_id, wanted.after, before]
    walks = _walks(wanted, accounts, where)
    values = [*where, list(TRANSFER.entries), limit + 1]
    kinds, most, also = f"${len(where) + 1}", f"${len(where) + 2}", ""
    if wanted.chat is not None and wanted.party is not None:
        also = _IS_OF.format(party=f"${len(values) + 1}", accounts=f"${len(values) + 2}")
        values += [wanted.party, accounts]
    if wanted.state is not None:
        also += _IS_IN.format(state=f"${len(values) + 1}")
        values.append(wanted.state)
    found = " UNION ".join(
        f"""
        (SELECT w.entry FROM ({walk} LIMIT {LOOKED_AT_MAX}) w, LATERAL (
             SELECT kind FROM entries WHERE ledger_id = $1 AND number = w.entry OFFSET 0
         ) e WHERE e.kind = ANY ({kinds}) {also} ORDER BY w.entry DESC LIMIT {most})
        """
        for walk in walks
    )
    rows = await connection.fetch(f"SELECT entry FROM ({found}) f ORDER BY entry DESC LIMIT {most}", *values)
    numbers = [row["entry"] for row in rows]
    if len(numbers) > limit:
        return Found(numbers[:limit], numbers[limit - 1])
    # Whichever walk was cut short says how far all of them have come.
    ends = " UNION ALL ".join(f"(SELECT entry FROM ({walk} OFFSET {LOOKED_AT_MAX - 1} LIMIT 1) w)" for walk in walks)
    end = await connection.fetchval(f"SELECT max(entry) FROM ({ends}) w", *where)
    return Found([number for number in numbers if end is None or number >= end], end)


def _walks(wanted: Filter, accounts: list[int], values: list[Any]) -> list[str]:
    """What is walked, from the newest end on; `values` are the parameters."""

    def bound(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    place = "entry > $2 AND entry < $3 ORDER BY entry DESC"
    if wanted.chat is not None:
        return [f"SELECT entry FROM chats WHERE ledger_id = $1 AND conversation = {bound(wanted.chat)} AND {place}"]
    if wanted.state not in (None, "posted"):
        return _claims(wanted, bound)
    if wanted.party is None:
        numbered = "number > $2 AND number < $3 ORDER BY number DESC"
        return [f"SELECT number AS entry FROM entries WHERE ledger_id = $1 AND {numbered}"]
    postings = [
        f"SELECT entry FROM postings WHERE ledger_id = $1 AND {side} = {bound(account)} AND {place}, n DESC"
        for account in accounts
        for side in ("debit", "credit")
    ]
    claimed = f"SELECT entry FROM claims WHERE ledger_id = $1 AND claimer = {bound(wanted.party)} AND {place}"
    return [*postings, claimed]


def _claims(wanted: Filter, bound: Callable[[Any], str]) -> list[str]:
    """The claims among which those of a state are; one whose time is over is kept as pending a little longer."""
    place = "entry > $2 AND entry < $3 ORDER BY entry DESC"
    if wanted.party is None:
        return [f"SELECT entry FROM claims WHERE ledger_id = $1 AND {place}"]
    party = bound(wanted.party)
    if wanted.state == "claimed":
        taken = [f"SELECT entry FROM claims WHERE ledger_id = $1 AND claimer = {party} AND {place}"]
    else:
        taken = []
    # Compared as one row, so that no index will do but the one of a giver's claims in a state.
    given = [
        f"""
        SELECT entry FROM claims WHERE ledger_id = $1 AND giver = {party} AND (state, entry) > ({state}, $2)
        AND (state, entry) < ({state}, $3) ORDER BY state DESC, entry DESC
        """
        for state in map(bound, ("returned", "pending_claim") if wanted.state == "returned" else (wanted.state,))
    ]
    return taken + given


_IS_OF = """
    AND (EXISTS (
        SELECT FROM postings
        WHERE ledger_id = $1 AND entry = w.entry AND (debit = ANY ({accounts}) OR credit = ANY ({accounts})) OFFSET 0
    ) OR EXISTS (SELECT FROM claims WHERE ledger_id = $1 AND entry = w.entry AND claimer = {party} OFFSET 0))
"""


_IS_IN = """
    AND {state} = coalesce((
        SELECT CASE WHEN state = 'pending_claim' AND expires_at <= now() THEN 'returned' ELSE state END
        FROM claims WHERE ledger_id = $1 AND entry = w.entry OFFSET 0
    ), 'posted')
"""


# One statement, so that a claim and what was refunded of it are as they were at one moment; by the keys, like by_keys.
_SINCE = f"""
    SELECT k.entry, now(), p.refunded, p.reversed_by, c.*
    FROM unnest($2::bigint[]) AS k (entry)
    LEFT JOIN LATERAL (
        SELECT refunded, reversed_by FROM payments WHERE ledger_id = $1 AND entry = k.entry OFFSET 0
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT {columns_of(Claim)} FROM claims t WHERE t.ledger_id = $1 AND t.entry = k.entry OFFSET 0
    ) c ON true
"""


async def since(connection: Reader, ledger_id: int, numbers: Sequence[int]) -> dict[int, Since]:
    """What became of transfers, by entry; all of it as it was at one moment."""
    return {
        entry: Since(refunded or 0, reversed_by, Claim(*claim) if claim[0] is not None else None, now)
        for entry, now, refunded, reversed_by, *claim in await connection.fetch(_SINCE, ledger_id, numbers)
    }
