"""Money on its way in, out and back: payouts, rails and banks, suspense, refunds and reversals, in whatever order."""

import copy
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from tests.harness import Databases
from tests.http.machine import DRY, action, drive
from tests.http.model_refunds import Refunds
from tests.http.test_agreements_machine import CURRENCIES, NAMES, PARTIES, PARTS, WHICH, Agreeing, given, some

PAYOUTS = "/v1/payouts/payout"
REFUNDS = "/v1/refunds/refund"
COSTS = st.just(0) | st.integers(1, 30)
MOVES = st.fixed_dictionaries(
    {
        "amount": st.integers(1, 100),
        "currency": st.sampled_from(("EUR", "EUR", "EUR", "JPY")),
        "reference": st.integers(0, 20).map(str),
    },
    optional={"fee": COSTS},
)
RAILS = st.sampled_from((*["test"] * 9, "no"))
BANKS = st.sampled_from((*("test", "own") * 3, "none"))


class Outgoing(Agreeing):
    """A backend whose parties' money also leaves, and comes back."""

    kind_of_model = Refunds

    def __init__(self) -> None:
        super().__init__()
        self.items_seen: dict[str, dict[str, Any]] = {}

    @initialize()
    def there_is_another_bank(self) -> None:
        body = {"id": "own", "currency": "EUR", "purpose": "own"}
        self.ask("POST", "/v1/banks", body, lambda model: model.done(201, id="own"))

    # payouts

    @action(
        weight=3,
        party=PARTIES,
        amount=PARTS,
        currency=CURRENCIES,
        rail=st.sampled_from((*["test"] * 9, "no")),
        dry_run=DRY,
    )
    def request_a_payout(self, party: str, amount: int | None, currency: str, rail: str, dry_run: bool) -> None:
        body = given(party=party, amount=amount, currency=currency, rail=rail, destination="DE89370400440532013000")
        self.ask("POST", "/v1/payouts", body, lambda model: model.pay_out(body), dry_run)

    @action(weight=2, when=some(PAYOUTS), which=WHICH, dry_run=DRY)
    def submit_a_payout(self, which: int, dry_run: bool) -> None:
        path = self.one_of(PAYOUTS, which)
        self.act("submitted", path, {"rail_reference": "r"}, lambda model: model.submit(path), dry_run)

    @action(weight=3, when=some(PAYOUTS), which=WHICH, fee=COSTS, dry_run=DRY)
    def confirm_a_payout(self, which: int, fee: int, dry_run: bool) -> None:
        path = self.one_of(PAYOUTS, which)
        self.act("paid", path, {"fee": fee}, lambda model: model.confirm(path, fee), dry_run)

    @action(when=some(PAYOUTS), which=WHICH, dry_run=DRY)
    def fail_a_payout(self, which: int, dry_run: bool) -> None:
        path = self.one_of(PAYOUTS, which)
        self.act("failed", path, {"reason": "no such account"}, lambda model: model.fail(path), dry_run)

    @action(weight=2, when=some(PAYOUTS), which=WHICH, amount=PARTS, fee=COSTS, dry_run=DRY)
    def return_a_payout(self, which: int, amount: int | None, fee: int, dry_run: bool) -> None:
        path = self.one_of(PAYOUTS, which)
        body = given(amount=amount, fee=fee)
        self.act("returned", path, body, lambda model: model.come_back(path, amount, fee), dry_run)

    # suspense

    @action(weight=3, when=lambda machine: machine.model.items, which=WHICH, to=NAMES, amount=PARTS, dry_run=DRY)
    def allocate_what_is_in_suspense(self, which: int, to: str, amount: int | None, dry_run: bool) -> None:
        name = self.item(which)
        path, body = f"/v1/suspense/{name}/allocate", given(to=to, amount=amount)
        self.ask("POST", path, body, lambda model: model.allocate(name, to, amount), dry_run)

    @action(weight=2, when=lambda machine: machine.model.items, which=WHICH, amount=PARTS, dry_run=DRY)
    def return_what_is_in_suspense(self, which: int, amount: int | None, dry_run: bool) -> None:
        name = self.item(which)
        path, body = f"/v1/suspense/{name}/return", given(amount=amount, reason="unknown")
        self.ask("POST", path, body, lambda model: model.send_back(name, amount), dry_run)

    def item(self, which: int) -> str:
        """The id of what is or was in suspense: open ones first, of these the newest."""
        names = [*self.model.items][::-1]
        names.sort(key=lambda name: self.model.items[name]["state"] != "open")
        return str(names[which % len(names)])

    @invariant()
    def what_is_in_suspense_is_listed(self) -> None:
        if self.items_seen != self.model.items:
            found = self.client.get("/v1/suspense", limit=500).json()["data"]
            expected = {name: item for name, item in self.model.items.items() if item["state"] == "open"}
            names = ("amount", "remaining", "currency", "state")
            assert expected == {item["id"]: {name: item[name] for name in names} for item in found}
            self.items_seen = copy.deepcopy(self.model.items)

    # rails and banks

    @action(bank=BANKS, body=MOVES, dry_run=DRY)
    def settle_a_rail(self, bank: str, body: dict[str, Any], dry_run: bool) -> None:
        body = body | {"bank": bank}
        self.ask("POST", "/v1/rails/test/settle", body, lambda model: model.settle_rail(body), dry_run)

    @action(bank=BANKS, body=MOVES, dry_run=DRY)
    def prefund_a_rail(self, bank: str, body: dict[str, Any], dry_run: bool) -> None:
        body = body | {"bank": bank}
        self.ask("POST", "/v1/rails/test/prefund", body, lambda model: model.prefund_rail(body), dry_run)

    @action(banks=st.tuples(BANKS, BANKS).filter(lambda banks: banks[0] != banks[1]), body=MOVES, dry_run=DRY)
    def move_between_banks(self, banks: tuple[str, str], body: dict[str, Any], dry_run: bool) -> None:
        body = body | {"to": banks[1]}
        path = f"/v1/banks/{banks[0]}/move"
        self.ask("POST", path, body, lambda model: model.move_between_banks(banks[0], body), dry_run)

    # refunds and reversals

    @action(party=PARTIES, may_owe=st.booleans(), dry_run=DRY)
    def let_a_party_owe(self, party: str, may_owe: bool, dry_run: bool) -> None:
        body = {"intents": "never", "receivable_allowed": may_owe}
        self.ask("PUT", f"/v1/parties/{party}/policy", body, lambda model: model.set_policy(party, may_owe), dry_run)

    @action(weight=6, when=lambda machine: machine.model.payments, which=WHICH, amount=PARTS, dry_run=DRY)
    def refund(self, which: int, amount: int | None, dry_run: bool) -> None:
        payments = [*self.model.payments][::-1]
        of = payments[which % len(payments)]
        body = given(of=of, amount=amount, reason="broken")
        self.ask("POST", "/v1/refunds", body, lambda model: model.refund(of, amount), dry_run)

    @action(when=some(REFUNDS), which=WHICH, fee=COSTS, dry_run=DRY)
    def pay_a_refund(self, which: int, fee: int, dry_run: bool) -> None:
        path = self.one_of(REFUNDS, which)
        body = {"rail_reference": f"r-{self.model.entries}", "fee": fee}
        self.act("paid", path, body, lambda model: model.pay_refund(path, fee), dry_run)

    @action(when=some(REFUNDS), which=WHICH, dry_run=DRY)
    def fail_a_refund(self, which: int, dry_run: bool) -> None:
        path = self.one_of(REFUNDS, which)
        self.act("failed", path, {"reason": "no such account"}, lambda model: model.fail_refund(path), dry_run)

    @action(when=lambda machine: machine.model.reversible, weight=2, which=WHICH, dry_run=DRY)
    def reverse_what_can_be(self, which: int, dry_run: bool) -> None:
        entries = [*self.model.reversible][::-1]
        self._reverse(entries[which % len(entries)], dry_run)

    @action(entry=st.integers(1, 200), dry_run=DRY)
    def reverse(self, entry: int, dry_run: bool) -> None:
        self._reverse(entry, dry_run)

    def _reverse(self, entry: int, dry_run: bool) -> None:
        path = f"/v1/entries/{entry}/reverse"
        self.ask("POST", path, {"reason": "by mistake"}, lambda model: model.reverse(entry), dry_run)


# The invoices' machine does all of this as well, and always runs.
@pytest.mark.long
def test_money_on_its_way_in_out_and_back_is_booked_as_the_model_says(databases: Databases) -> None:
    drive(databases, Outgoing, rounds=1, steps=120, runs=5)
