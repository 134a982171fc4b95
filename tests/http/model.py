"""A second opinion of the books: what each request must be answered, and what everybody then has. Shares no code with
the product; plain dictionaries, one rule after the other.
"""

from collections import defaultdict
from typing import Any, NamedTuple

ENABLED = ("EUR", "INR", "JPY")

Verdict = tuple[int, str | None]
"""The status of the answer, and its code if it is a problem."""


class Deposited(NamedTuple):
    """A deposit as it was booked; `party` is None for one in suspense."""

    entry: int
    party: str | None
    amount: int
    currency: str


class Model:
    """Who there is, what they have, and what has been asked before."""

    def __init__(self) -> None:
        self.entries = 4  # what a prepared ledger begins with
        self.state: dict[str, str] = {}
        self.available: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.owes: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.suspense: defaultdict[str, int] = defaultdict(int)
        self.arrived: defaultdict[str, int] = defaultdict(int)
        self.aliases: dict[str, str] = {}
        self.deposits: list[Deposited] = []
        self.returned: set[int] = set()
        self.references: set[str] = set()

    def accounts(self) -> dict[tuple[str, str, str], int]:
        """By owner, role and currency: credits less debits, as far as they are not zero."""
        found = {("platform", "suspense", currency): left for currency, left in self.suspense.items()}
        found |= {("rail:test", "clearing", currency): -sum_ for currency, sum_ in self.arrived.items()}
        found |= {(party, "available", currency): has for (party, currency), has in self.available.items()}
        found |= {(party, "receivable", currency): -debt for (party, currency), debt in self.owes.items()}
        return {account: balance for account, balance in found.items() if balance != 0}

    def create(self, party: str, alias: str | None) -> Verdict:
        """A party registers."""
        if party in self.state or alias in self.aliases:
            return 409, "already_exists"
        self.state[party] = "open"
        if alias is not None:
            self.aliases[alias] = party
        return self._done(201)

    def set_state(self, party: str, state: str) -> Verdict:
        """A party is frozen, unfrozen or closed."""
        if party not in self.state:
            return 404, "party_unknown"
        if self.state[party] == "closed":
            return 409, "party_not_open"
        if state == "closed" and any(owner == party for owner, *_ in self.accounts()):
            return 409, "party_not_empty"
        self.state[party] = state
        return self._done(200)

    def add_alias(self, party: str, alias: str, take_over: bool) -> Verdict:
        """A party gets an alias."""
        if party not in self.state:
            return 404, "party_unknown"
        if self.state[party] == "closed":
            return 409, "party_not_open"
        holder = self.aliases.get(alias)
        if holder is not None and (holder == party or not take_over):
            return 409, "already_exists"
        self.aliases[alias] = party
        return self._done(201)

    def remove_alias(self, party: str, alias: str) -> Verdict:
        """A party loses an alias."""
        if party not in self.state:
            return 404, "party_unknown"
        if self.state[party] == "closed":
            return 409, "party_not_open"
        if self.aliases.get(alias) != party:
            return 404, "not_found"
        del self.aliases[alias]
        return self._done(200)

    def deposit(self, to: str | None, amount: int, currency: str, reference: str) -> Verdict:
        """Money arrives."""
        if reference in self.references:
            return 409, "already_exists"
        party = self.named(to)
        if self.state.get(party or "") not in ("open", "debits_frozen") or currency not in ENABLED:
            party = None
        self.references.add(reference)
        self.arrived[currency] += amount
        if party is None:
            self.suspense[currency] += amount
        else:
            self.available[party, currency] += amount
        verdict = self._done(201)
        self.deposits.append(Deposited(self.entries, party, amount, currency))
        return verdict

    def take_back(self, made: Deposited) -> Verdict:
        """A rail takes a deposit back."""
        if made.entry in self.returned:
            return 409, "already_reversed"
        self.returned.add(made.entry)
        self.arrived[made.currency] -= made.amount
        if made.party is None:
            self.suspense[made.currency] -= made.amount
        else:
            covered = min(made.amount, self.available[made.party, made.currency])
            self.available[made.party, made.currency] -= covered
            self.owes[made.party, made.currency] += made.amount - covered
        return self._done(201)

    def transfer(self, body: dict[str, Any]) -> Verdict:
        """A party pays another."""
        currency, amount = body["currency"], body["amount"]
        if currency not in ENABLED:
            return 422, "currency_invalid"
        payer, payee = self.named(body["from"]), self.named(body["to"])
        if payer not in self.state or payee not in self.state:
            return 404, "party_unknown"
        if body.get("to_expected") not in (None, payee):
            return 409, "alias_moved"
        if payer == payee:
            return 422, "same_party"
        if self.state[payer] != "open" or self.state[payee] in ("frozen", "closed"):
            return 409, "party_not_open"
        if self.available[payer, currency] < amount:
            return 422, "insufficient_funds"
        self.available[payer, currency] -= amount
        self.available[payee, currency] += amount
        return self._done(201)

    def named(self, reference: str | None) -> str | None:
        """The party that an id or alias names; it need not exist."""
        if reference is not None and reference.startswith("alias:app:"):
            return self.aliases.get(reference.removeprefix("alias:app:"))
        return reference

    def _done(self, status: int) -> Verdict:
        self.entries += 1
        return status, None
