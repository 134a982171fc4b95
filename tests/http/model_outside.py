"""What the model knows of money on its way in and out: payouts, what rails and banks pay each other, suspense."""

from typing import Any

from tests.http.model import ENABLED, OUTBOUND, RAIL, Account, Verdict
from tests.http.model_wallet import Wallet

FEE_COSTS: Account = ("platform", "fee_costs")

BANKS = {"test": "EUR", "own": "EUR"}
"""The banks there are, and their currencies."""


class Outside(Wallet):
    """The books with the outside world."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: dict[tuple[str, Account, str], int] = {}
        """By the reference: the entry that booked it."""

    # payouts

    def pay_out(self, body: dict[str, Any]) -> Verdict:
        """A party asks for its money, or for all of it."""
        currency, party = body["currency"], self.named(body["party"])
        if currency not in ENABLED:
            return 422, "currency_invalid"
        if party not in self.state:
            return 404, "party_unknown"
        if body["rail"] != "test":
            return 404, "rail_unknown"
        if self.cannot_pay(party):
            return 409, "party_not_open"
        available = self.available(party, currency)
        amount = body.get("amount") or available
        if self.is_too_much(party, amount, currency):
            return 422, "limit_exceeded"
        if amount > available or amount == 0:
            return 422, "insufficient_funds"
        self.spend(party, OUTBOUND, amount, currency)
        payout = {"party": party, "amount": amount, "amount_returned": 0, "currency": currency}
        return self.made("/v1/payouts/payout", payout | {"state": "requested"})

    def submit(self, path: str) -> Verdict:
        """The rail was told."""
        payout = self.shown.get(path)
        if payout is None:
            return 404, "not_found"
        if payout["state"] != "requested":
            return 409, "payout_not_open"
        payout["state"] = "in_transit"
        return self.done(200, **payout)

    def confirm(self, path: str, fee: int) -> Verdict:
        """The rail says it has paid."""
        payout = self.shown.get(path)
        if payout is None:
            return 404, "not_found"
        if payout["state"] not in ("requested", "in_transit"):
            return 409, "payout_not_open"
        payout["state"] = "paid"
        self.move(OUTBOUND, RAIL, payout["amount"], payout["currency"])
        self.move(FEE_COSTS, RAIL, fee, payout["currency"])
        return self.done(200, **payout)

    def fail(self, path: str) -> Verdict:
        """The rail says it will not pay."""
        payout = self.shown.get(path)
        if payout is None:
            return 404, "not_found"
        if payout["state"] not in ("requested", "in_transit"):
            return 409, "payout_not_open"
        payout["state"] = "failed"
        self.give_to(payout["party"], OUTBOUND, payout["amount"], payout["currency"])
        return self.done(200, **payout)

    def come_back(self, path: str, amount: int | None, fee: int) -> Verdict:
        """The rail says that what it paid came back, or some of it."""
        payout = self.shown.get(path)
        if payout is None:
            return 404, "not_found"
        left = payout["amount"] - payout["amount_returned"]
        if payout["state"] not in ("paid", "returned") or left == 0:
            return 409, "payout_not_open"
        amount = left if amount is None else amount
        if amount > left:
            return 422, "amount_exceeds_remaining"
        payout |= {"state": "returned", "amount_returned": payout["amount_returned"] + amount}
        self.give_to(payout["party"], RAIL, amount, payout["currency"])
        self.move(FEE_COSTS, RAIL, fee, payout["currency"])
        return self.done(200, **payout)

    def give_to(self, party: str, source: Account, amount: int, currency: str) -> None:
        """Money that comes back is its owner's, frozen or not; a closed one's waits in suspense."""
        if self.state[party] == "closed":
            self.put_in_suspense(source, amount, currency)
        else:
            self.move(source, (party, "available"), amount, currency)

    # suspense

    def allocate(self, name: str, to: str, amount: int | None) -> Verdict:
        """What is in suspense turns out to be a party's."""
        item, party = self.items.get(name), self.named(to)
        if item is None:
            return 404, "not_found"
        if party not in self.state:
            return 404, "party_unknown"
        if item["currency"] not in ENABLED:
            return 422, "currency_invalid"
        if self.cannot_be_paid(party):
            return 409, "party_not_open"
        if item["state"] != "open":
            return 409, "suspense_not_open"
        amount = item["remaining"] if amount is None else amount
        if self.is_too_rich(party, amount, item["currency"]):
            return 422, "limit_exceeded"
        if amount > item["remaining"]:
            return 422, "amount_exceeds_remaining"
        self.take_from_suspense(item, (party, "available"), amount)
        self.given[int(name.removeprefix("suspense_"))].append((party, amount))
        return self.done(201, to=party, amount=amount, currency=item["currency"])

    def send_back(self, name: str, amount: int | None) -> Verdict:
        """What is in suspense goes back over the rail."""
        item = self.items.get(name)
        if item is None:
            return 404, "not_found"
        if item["state"] != "open":
            return 409, "suspense_not_open"
        amount = item["remaining"] if amount is None else amount
        if amount > item["remaining"]:
            return 422, "amount_exceeds_remaining"
        self.take_from_suspense(item, OUTBOUND, amount)
        refund = {"of": name, "to": None, "amount": amount, "currency": item["currency"], "state": "requested"}
        self.shown[f"/v1/refunds/refund_{self.entries + 1}"] = refund
        return self.done(201, id=f"refund_{self.entries + 1}", amount=amount, state="requested")

    # what rails and banks pay each other

    def settle_rail(self, body: dict[str, Any]) -> Verdict:
        """A rail pays out to a bank, and keeps a fee."""
        bank = (f"bank:{body['bank']}", "cash")
        return self._paid("rail_settle", RAIL, bank, body)

    def prefund_rail(self, body: dict[str, Any]) -> Verdict:
        """A bank pays in to a rail, and keeps a fee."""
        bank = (f"bank:{body['bank']}", "cash")
        return self._paid("rail_prefund", bank, RAIL, body)

    def move_between_banks(self, bank: str, body: dict[str, Any]) -> Verdict:
        """A bank pays another, and keeps a fee."""
        return self._paid("bank_move", (f"bank:{bank}", "cash"), (f"bank:{body['to']}", "cash"), body)

    def _paid(self, kind: str, source: Account, target: Account, body: dict[str, Any]) -> Verdict:
        """What was paid is an asset of ours in another place; each bank account has its references, and each books
        once."""
        banks = [owner.removeprefix("bank:") for owner, role in (source, target) if role == "cash"]
        if not BANKS.keys() >= {*banks}:
            return 404, "not_found"
        reference = kind, target if kind == "rail_settle" else source, body["reference"]
        if reference in self.moved:
            return 409, "already_exists"
        currency = body["currency"]
        if any(BANKS[bank] != currency for bank in banks):
            return 422, "currency_mismatch"
        fee = body.get("fee", 0)
        self.moved[reference] = self.entries + 1
        self.move(target, source, body["amount"], currency)
        self.move(FEE_COSTS, source, fee, currency)
        verdict = self.done(201, id=f"{kind}_{self.entries + 1}", amount=body["amount"], fee=fee)
        self.reversible[self.entries] = [(target, source, body["amount"]), (FEE_COSTS, source, fee)], currency
        return verdict
