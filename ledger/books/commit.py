"""One batch to one call of the SQL function `commit`: everything that was decided, in one statement."""

from typing import Any

import msgspec

from ledger.core.entries import Entry, Posting
from ledger.core.merkle import Frontier
from ledger.core.rows import ROW_TYPES, Row

ARGUMENTS = 32 + len(ROW_TYPES)
COMMIT = f"SELECT * FROM ledger.commit({', '.join(f'${n}' for n in range(1, ARGUMENTS + 1))})"


Booked = tuple[int, int, Posting]
"""A posting with its entry's number and its place in the entry."""


def arguments(
    ledger_id: int,
    version: int,
    keys: list[bytes],
    entries: list[Entry],
    refusals: list[tuple[Any, ...]],
    frontier: Frontier,
) -> tuple[Any, ...]:
    """The function's arguments; `frontier` is the tree's before the batch and is extended here by its leaves."""
    leaves = [entry.leaf for entry in entries]
    subtrees = frontier.extend(leaves)
    booked = [(entry.number, n, posting) for entry in entries for n, posting in enumerate(entry.postings)]
    opened = [account for entry in entries for account in entry.opened]
    return (
        ledger_id,
        version,
        keys,
        [entry.posted_at for entry in entries],
        [entry.effective_on for entry in entries],
        [entry.kind for entry in entries],
        [entry.key for entry in entries],
        leaves,
        [entry.body.decode() for entry in entries],
        [entry.private for entry in entries],
        *_posting_columns(booked),
        [account.owner for account in opened],
        [account.role for account in opened],
        [account.currency for account in opened],
        *_decided_columns(booked),
        frontier.root(),
        frontier.to_bytes(),
        [level for level, _, _ in subtrees],
        [index for _, index, _ in subtrees],
        [root for _, _, root in subtrees],
        refusals or None,
        *_rows(ledger_id, entries),
    )


def _posting_columns(booked: list[Booked]) -> tuple[list[Any], ...]:
    return (
        [n for _, n, _ in booked],
        [posting.debit.currency for _, _, posting in booked],
        [number for number, _, _ in booked],
        [posting.debit.number for _, _, posting in booked],
        [posting.credit.number for _, _, posting in booked],
        [posting.amount for _, _, posting in booked],
        [posting.debit_balance for _, _, posting in booked],
        [posting.credit_balance for _, _, posting in booked],
        [posting.debit_version for _, _, posting in booked],
        [posting.credit_version for _, _, posting in booked],
    )


def _decided_columns(booked: list[Booked]) -> tuple[list[int], list[int], list[int]]:
    """Each account's number, and its balance and version as the batch's last posting of it left them.

    Not as the account stands now: by the time a batch is sent, the next one may have been decided upon it.
    """
    after: dict[int, tuple[int, int]] = {}
    for _, _, posting in booked:
        after[posting.debit.number] = (posting.debit_balance, posting.debit_version)
        after[posting.credit.number] = (posting.credit_balance, posting.credit_version)
    numbers = sorted(after)
    return numbers, [after[number][0] for number in numbers], [after[number][1] for number in numbers]


def _rows(ledger_id: int, entries: list[Entry]) -> list[list[tuple[Any, ...]] | None]:
    """One array a table, each row as the batch's last entry left it; None where a table is not touched."""
    last: dict[str, dict[tuple[Any, ...], Row]] = {}
    for entry in entries:
        for row in entry.rows:
            key = tuple(getattr(row, name) for name in row.unique)
            last.setdefault(row.table, {})[key] = row
    return [
        [(ledger_id, *msgspec.structs.astuple(row)) for row in last[row_type.table].values()]
        if row_type.table in last
        else None
        for row_type in ROW_TYPES
    ]
