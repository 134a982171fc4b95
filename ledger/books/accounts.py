"""Accounts read back: their balance now, and as any entry left it."""

from typing import NamedTuple

from ledger.books.database import Reader
from ledger.core.chart import ROLES, owner_kind


class StoredAccount(NamedTuple):
    """An account as the entry `head` left it, with its balance in its natural sign.

    One that was never used has the number 0 (accounts are numbered from 1), the balance 0 and the version 0.
    """

    number: int
    owner: str
    role: str
    currency: str
    balance: int
    version: int
    head: int

    @property
    def sign(self) -> int:
        """What turns credits - debits into the natural sign."""
        return ROLES[self.role].sign


async def account(connection: Reader, ledger_id: int, owner: str, role: str, currency: str) -> StoredAccount:
    """An account as it is now."""
    row = await connection.fetchrow(
        """
        SELECT coalesce(a.number, 0) AS number, coalesce(a.balance, 0) AS balance, coalesce(a.version, 0) AS version,
               h.number AS head
        FROM heads h
        LEFT JOIN accounts a
            ON a.ledger_id = h.ledger_id AND a.owner = $2 AND a.role = $3 AND a.currency = $4
        WHERE h.ledger_id = $1
        """,
        ledger_id,
        owner,
        role,
        currency,
    )
    if row is None:
        raise LookupError(f"ledger {ledger_id} has no head")
    balance = row["balance"] * ROLES[role].sign
    return StoredAccount(row["number"], owner, role, currency, balance, row["version"], row["head"])


async def page(connection: Reader, ledger_id: int, after: int, limit: int) -> list[StoredAccount]:
    """Accounts in the order in which they were opened, after the one of a number, as the head has them."""
    rows = await connection.fetch(
        """
        SELECT a.number, a.owner, a.role, a.currency, a.balance, a.version, h.number AS head
        FROM accounts a JOIN heads h USING (ledger_id) WHERE ledger_id = $1 AND a.number > $2
        ORDER BY a.number LIMIT $3
        """,
        ledger_id,
        after,
        limit,
    )
    return [StoredAccount(*row)._replace(balance=row["balance"] * ROLES[row["role"]].sign) for row in rows]


async def as_of(connection: Reader, ledger_id: int, now: StoredAccount, entry: int) -> StoredAccount:
    """The same account as an earlier entry left it: two probes of an index, however long the history is.

    The account's last posting up to the entry is the last on either side. Comparing rows, and so naming the column that
    is constant, leaves the planner one index and its two ends; with an equality it may take the entries' own
    index, and walk back over everything that happened since to other accounts.
    """
    row = await connection.fetchrow(
        """
        SELECT balance, version FROM (
            (SELECT entry, n, debit_balance AS balance, debit_version AS version FROM postings
             WHERE ledger_id = $1 AND debit >= $2 AND (debit, entry) <= ($2, $3)
             ORDER BY debit DESC, entry DESC, n DESC LIMIT 1)
            UNION ALL
            (SELECT entry, n, credit_balance, credit_version FROM postings
             WHERE ledger_id = $1 AND credit >= $2 AND (credit, entry) <= ($2, $3)
             ORDER BY credit DESC, entry DESC, n DESC LIMIT 1)
        ) last ORDER BY entry DESC, n DESC LIMIT 1
        """,
        ledger_id,
        now.number,
        entry,
    )
    balance, version = (row["balance"], row["version"]) if row is not None else (0, 0)
    return now._replace(balance=balance * now.sign, version=version, head=entry)


async def owner_exists(connection: Reader, ledger_id: int, owner: str) -> bool:
    """Whether an owner's accounts may be asked for: the party, rail or bank is registered. The platform always is."""
    kind = owner_kind(owner)
    if kind not in _REGISTERS:
        return True
    table, prefix = _REGISTERS[kind]
    found: bool = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM {table} WHERE ledger_id = $1 AND id = $2)", ledger_id, owner.removeprefix(prefix)
    )
    return found


_REGISTERS = {"party": ("parties", ""), "rail": ("rails", "rail:"), "bank": ("banks", "bank:")}
"""The table in which an owner of each kind is registered, and what its name begins with in an account."""
