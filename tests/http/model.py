"""A second opinion of the books: what each request must be answered, and what everybody then has. Shares no code with
the product; plain dictionaries, one rule after the other.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

ENABLED = ("EUR", "INR", "JPY")

Verdict = tuple[int, str | None]
"""The status of the answer, and its code if it is a problem."""

Account = tuple[str, str]
"""An owner and a role."""

RAIL: Account = ("rail:test", "clearing")
OUTBOUND: Account = ("rail:test", "outbound")
SUSPENSE: Account = ("platform", "suspense")

OPEN_STATES = {"open", "draft", "uncollectible", "requested", "in_transit", "pending_claim"}
"""In these an agreement is not over."""

ROLES = ("from", "to", "payer", "payee", "merchant", "customer", "party")
"""What a party can be in an agreement."""


def is_open(shown: dict[str, Any]) -> bool:
    """Whether an agreement is not over."""
    return shown.get("state", shown.get("status")) in OPEN_STATES


class Charge(NamedTuple):
    """What a payee is charged for being paid, and whether it gets that back with refunds."""

    fee: int
    tax: int
    tax_code: str | None
    goes_back: bool


NO_CHARGE = Charge(0, 0, None, False)


@dataclass
class Payment:
    """What can be refunded: who paid whom what, what the payee was charged, how much went back; a deposit's payer is
    None."""

    payer: str | None
    payee: str
    amount: int
    currency: str
    charge: Charge = NO_CHARGE
    refunded: int = 0
    is_reversed: bool = False


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
        self.balance: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self.aliases: dict[str, str] = {}
        self.deposits: list[Deposited] = []
        self.references: set[str] = set()
        self.payments: dict[str, Payment] = {}
        """By the id that a refund names."""
        self.reversible: dict[int, tuple[list[tuple[Account, Account, int]], str]] = {}
        """By entry: its postings and their currency."""
        self.limits: dict[tuple[str | None, str], dict[str, int]] = {}
        self.spent: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.said: dict[str, Any] = {}
        """What the answer to the last request must say, among other things."""
        self.shown: dict[str, dict[str, Any]] = {}
        """By path: what a GET of each agreement must show, among other things."""
        self.items: dict[str, dict[str, Any]] = {}
        """By id: what is in suspense, and what was."""

    def accounts(self) -> dict[tuple[str, str, str], int]:
        """By owner, role and currency: credits less debits, as far as they are not zero."""
        return {account: balance for account, balance in self.balance.items() if balance != 0}

    def available(self, party: str | None, currency: str) -> int:
        """What a party can spend."""
        return self.balance[party or "", "available", currency]

    def move(self, debit: Account, credit: Account, amount: int, currency: str) -> None:
        """One posting."""
        self.balance[(*debit, currency)] -= amount
        self.balance[(*credit, currency)] += amount

    def create(self, party: str, alias: str | None, kind: str = "person") -> Verdict:
        """A party registers."""
        if party in self.state or alias in self.aliases:
            return 409, "already_exists"
        self.state[party] = "open"
        if alias is not None:
            self.aliases[alias] = party
        return self.done(201, id=party, kind=kind)

    def set_state(self, party: str, state: str) -> Verdict:
        """A party is frozen, unfrozen or closed."""
        if party not in self.state:
            return 404, "party_unknown"
        if self.state[party] == "closed":
            return 409, "party_not_open"
        if state == "closed" and (any(owner == party for owner, *_ in self.accounts()) or self.is_bound(party)):
            return 409, "party_not_empty"
        self.state[party] = state
        return self.done(200, id=party, state=state)

    def is_bound(self, party: str) -> bool:
        """Whether something that a party is part of is not over."""
        return any(is_open(shown) and party in {shown.get(role) for role in ROLES} for shown in self.shown.values())

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
        return self.done(201)

    def remove_alias(self, party: str, alias: str) -> Verdict:
        """A party loses an alias."""
        if party not in self.state:
            return 404, "party_unknown"
        if self.state[party] == "closed":
            return 409, "party_not_open"
        if self.aliases.get(alias) != party:
            return 404, "not_found"
        del self.aliases[alias]
        return self.done(200)

    def deposit(self, to: str | None, amount: int, currency: str, reference: str) -> Verdict:
        """Money arrives."""
        if reference in self.references:
            return 409, "already_exists"
        party = self.named(to)
        if self.cannot_be_paid(party) or currency not in ENABLED or self.is_too_rich(party, amount, currency):
            party = None
        self.references.add(reference)
        if party is None:
            self.put_in_suspense(RAIL, amount, currency)
        else:
            self.move(RAIL, (party, "available"), amount, currency)
        verdict = self.done(201, to=party, amount=amount, state="credited" if party else "suspense")
        self.deposits.append(Deposited(self.entries, party, amount, currency))
        if party is not None:
            self.payments[f"deposit_{self.entries}"] = Payment(None, party, amount, currency)
        return verdict

    def put_in_suspense(self, source: Account, amount: int, currency: str) -> None:
        """Money arrives for nobody who could have it."""
        self.move(source, SUSPENSE, amount, currency)
        item = {"amount": amount, "remaining": amount, "currency": currency, "state": "open"}
        self.items[f"suspense_{self.entries + 1}"] = item

    def take_from_suspense(self, item: dict[str, Any], target: Account, amount: int) -> None:
        """It goes where it belongs; a negative amount comes back."""
        item["remaining"] -= amount
        item["state"] = "open" if item["remaining"] else "cleared"
        self.move(SUSPENSE, target, amount, item["currency"])

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
        refusal = self.refusal_of_payment(payer, payee, amount, currency)
        if refusal:
            return refusal
        self.spend(payer, (payee, "available"), amount, currency)
        verdict = self.done(201, **{"from": payer, "to": payee, "amount": amount, "status": "posted"})
        self.payments[f"transfer_{self.entries}"] = Payment(payer, payee, amount, currency)
        self.reversible[self.entries] = [((payer, "available"), (payee, "available"), amount)], currency
        return verdict

    def spend(self, payer: str, to: Account, amount: int, currency: str) -> None:
        """What is available to a party goes elsewhere, and counts for its limits of the day."""
        self.move((payer, "available"), to, amount, currency)
        self.spent[payer, currency].append(amount)

    def refusal_of_payment(self, payer: str, payee: str, amount: int, currency: str) -> Verdict | None:
        """Why one party may not pay another out of what is available to it."""
        if self.cannot_pay(payer) or self.cannot_be_paid(payee):
            return 409, "party_not_open"
        if self.is_too_much(payer, amount, currency) or self.is_too_rich(payee, amount, currency):
            return 422, "limit_exceeded"
        if self.available(payer, currency) < amount:
            return 422, "insufficient_funds"
        return None

    def cannot_pay(self, party: str) -> bool:
        """Whether its state keeps a party from paying."""
        return self.state[party] != "open"

    def cannot_be_paid(self, party: str | None) -> bool:
        """Whether there is no such party, or its state keeps it from being paid."""
        return self.state.get(party or "") not in ("open", "debits_frozen")

    def is_too_much(self, payer: str, amount: int, currency: str) -> bool:
        """Whether a limit of the payer's forbids it."""
        limits, spent = self.limits_of(payer, currency), self.spent[payer, currency]
        return (
            amount > limits.get("per_payment", amount)
            or sum(spent) + amount > limits.get("per_day_sum", sum(spent) + amount)
            or len(spent) + 1 > limits.get("per_day_count", len(spent) + 1)
        )

    def is_too_rich(self, payee: str | None, amount: int, currency: str) -> bool:
        """Whether a limit of the payee's forbids it."""
        most = self.limits_of(payee or "", currency).get("balance")
        return most is not None and self.available(payee, currency) + amount > most

    def limits_of(self, party: str, currency: str) -> dict[str, int]:
        """A party's own limits stand in place of the ledger's."""
        return self.limits.get((party, currency), self.limits.get((None, currency), {}))

    def set_limits(self, party: str | None, limits: dict[str, Any]) -> Verdict:
        """A party, or the ledger (None), gets limits in one currency."""
        if party is not None and party not in self.state:
            return 404, "party_unknown"
        if self.state.get(party or "") == "closed":
            return 409, "party_not_open"
        self.limits[party, limits["currency"]] = {
            name: limit for name, limit in limits.items() if name != "currency" and limit is not None
        }
        return self.done(200)

    def named(self, reference: str | None) -> str | None:
        """The party that an id or alias names; it need not exist."""
        if reference is not None and reference.startswith("alias:app:"):
            return self.aliases.get(reference.removeprefix("alias:app:"))
        return reference

    def made(self, prefix: str, agreement: dict[str, Any]) -> Verdict:
        """An agreement was made; its id ends with the entry's number."""
        path = f"{prefix}_{self.entries + 1}"
        self.shown[path] = agreement
        return self.done(201, **agreement, id=path.rpartition("/")[2])

    def done(self, status: int, /, **said: Any) -> Verdict:
        """Another entry was made, and the answer says so."""
        self.entries += 1
        self.said = said
        return status, None
