"""Replay: the books made again from the entries' bodies alone, and what in them cannot be.

It believes nobody: neither balances nor the database's rows, only the bodies, which the log proves.
"""

from collections.abc import Iterable

import msgspec

from ledger.core.chart import PLATFORM, ROLES, owner_kind
from ledger.core.entries import PostingBody
from ledger.core.merkle import Frontier, leaf_hash
from ledger.core.money import AMOUNT_MAX
from ledger.core.movements import MOVEMENTS

AccountName = tuple[str, str]
"""`<owner>/<role>` and the currency."""

_PERMITTED = {(kind, leg.debit_role, leg.credit_role) for leg in MOVEMENTS for kind in leg.entries}


class Replayed(msgspec.Struct, gc=False):
    """What a replay looks at in a body."""

    ledger: str
    number: int
    kind: str
    posted_at: str
    key: str
    postings: list[PostingBody] = []


_read = msgspec.json.Decoder(Replayed).decode


class Replay:
    """A log as it is read from its beginning. `balances` are credits - debits, and how many postings there were.

    Without `books` only the tree is made again.
    """

    def __init__(self, ledger: str, books: bool = True) -> None:
        self.ledger = ledger
        self.tree = Frontier()
        self.balances: dict[AccountName, list[int]] = {}
        self._books = books
        self._last = ""
        self._keys: set[str] = set()

    def add(self, bodies: Iterable[bytes]) -> list[str]:
        """The next entries: sentences about what is wrong with them. It goes on after each."""
        found: list[str] = []
        leaves = []
        number = self.tree.size
        for body in bodies:
            number += 1
            leaves.append(leaf_hash(body))
            if self._books:
                found += self._add(number, body)
        self.tree.extend(leaves)
        return found

    def _add(self, number: int, body: bytes) -> list[str]:
        try:
            entry = _read(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
            return [f"Entry {number}: its body is not one of ours: {wrong}."]
        found: list[str] = []
        if entry.number != number or entry.ledger != self.ledger:
            found.append(f"Entry {number}: its body is entry {entry.number} of {entry.ledger}.")
        if entry.posted_at <= self._last:
            found.append(f"Entry {number}: it was posted at {entry.posted_at}, not after the entry before it.")
        if entry.key in self._keys:
            found.append(f"Entry {number}: its request's key was used by an entry before it.")
        self._last = entry.posted_at
        self._keys.add(entry.key)
        if entry.postings:
            found += (f"Entry {number}: {wrong}" for wrong in self._post(entry))
        return found

    def _post(self, entry: Replayed) -> list[str]:
        found = []
        touched = []
        for posting in entry.postings:
            sides = []
            for path in (posting.debit, posting.credit):
                held = self.balances.get((path, posting.currency))
                if held is None:
                    held = self.balances[path, posting.currency] = [0, 0]
                    found += _unknown(path)
                held[1] += 1
                sides.append(held)
                touched.append((path, held))
            debit, credit = sides
            debit[0] -= posting.amount
            credit[0] += posting.amount
            way = entry.kind, posting.debit.rpartition("/")[2], posting.credit.rpartition("/")[2]
            if way not in _PERMITTED or posting.debit == posting.credit or not 0 < posting.amount <= AMOUNT_MAX:
                found.append(f"{entry.kind} cannot move {posting.amount} from {posting.debit} to {posting.credit}.")
        for path, (balance, _) in touched:
            role = ROLES.get(path.rpartition("/")[2])
            if role is not None and not role.lowest <= balance <= role.highest:
                found.append(f"it leaves {path} at {balance * role.sign}, which it may not be.")
        return found


def _unknown(path: str) -> list[str]:
    owner, _, role = path.rpartition("/")
    kind = owner_kind(owner)
    if role in ROLES and ROLES[role].owner == (PLATFORM if owner == PLATFORM else kind):
        return []
    return [f"the chart has no account {path}."]
