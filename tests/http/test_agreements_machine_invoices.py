"""All there is to agree on at once: what merchants have sold as well, and how it is paid."""

from typing import Any

import pytest
from hypothesis import strategies as st

from tests.harness import Databases
from tests.http.machine import DRY, action, drive
from tests.http.model_settlements import Settlements
from tests.http.test_agreements_machine import CURRENCIES, MERCHANTS, NAMES, PARTS, PERSONS, WHICH, given, some
from tests.http.test_agreements_machine_outside import Outgoing

INVOICES = "/v1/invoices/invoice"
SETTLEMENTS = "/v1/settlements/settlement"
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "description": st.just("bread"),
            "quantity": st.integers(1, 3) | st.sampled_from(("0.5", "1.25", "0.333")),
            "unit_amount": st.integers(1, 40),
        },
        optional={"tax_bps": st.sampled_from((None, 0, 700, 1_900))},
    ),
    min_size=1,
    max_size=3,
)
SELLERS = st.sampled_from((*MERCHANTS * 5, "ghost"))
BUYERS = st.sampled_from((*PERSONS * 6, "cem", "shop", "ghost", "alias:app:red"))
DUE = st.none() | st.sampled_from(("2100-01-01T00:00:00.000000Z", "2100-02-01T00:00:00.000000Z"))
CREDITED = st.tuples(st.integers(1, 60), st.none()) | st.tuples(st.none(), LINES)


def as_list(allocations: dict[str, int]) -> list[dict[str, Any]]:
    return [{"invoice": name, "amount": amount} for name, amount in allocations.items()]


class Selling(Outgoing):
    """A backend with merchants that send invoices."""

    kind_of_model = Settlements

    # invoices

    @action(
        weight=5,
        merchant=SELLERS,
        customer=st.none() | BUYERS,
        currency=CURRENCIES,
        lines=LINES,
        more=st.fixed_dictionaries(
            {}, optional={"tax_inclusive": st.booleans(), "finalize": st.booleans(), "due_at": DUE}
        ),
        dry_run=DRY,
    )
    def issue_an_invoice(
        self,
        merchant: str,
        customer: str | None,
        currency: str,
        lines: list[dict[str, Any]],
        more: dict[str, Any],
        dry_run: bool,
    ) -> None:
        body = given(merchant=merchant, customer=customer, currency=currency, lines=lines) | more
        self.ask("POST", "/v1/invoices", body, lambda model: model.issue(body), dry_run)

    @action(
        when=some(INVOICES),
        which=WHICH,
        changes=st.fixed_dictionaries(
            {}, optional={"lines": LINES, "customer": st.none() | BUYERS, "due_at": st.none() | DUE}
        ),
        dry_run=DRY,
    )
    def change_an_invoice(self, which: int, changes: dict[str, Any], dry_run: bool) -> None:
        path = self.one_of(INVOICES, which)
        self.ask("PATCH", path, changes, lambda model: model.update(path, changes), dry_run)

    @action(weight=2, when=some(INVOICES), which=WHICH, dry_run=DRY)
    def finalize_an_invoice(self, which: int, dry_run: bool) -> None:
        path = self.one_of(INVOICES, which)
        self.act("finalize", path, {}, lambda model: model.finalize(path), dry_run)

    @action(when=some(INVOICES), which=WHICH, dry_run=DRY)
    def void_an_invoice(self, which: int, dry_run: bool) -> None:
        path = self.one_of(INVOICES, which)
        self.act("void", path, {}, lambda model: model.void_invoice(path), dry_run)

    @action(when=some(INVOICES), which=WHICH, dry_run=DRY)
    def give_up_on_an_invoice(self, which: int, dry_run: bool) -> None:
        path = self.one_of(INVOICES, which)
        self.act("uncollectible", path, {}, lambda model: model.give_up_on(path), dry_run)

    @action(weight=2, when=some(INVOICES), which=WHICH, credited=CREDITED, dry_run=DRY)
    def credit_an_invoice(
        self, which: int, credited: tuple[int | None, list[dict[str, Any]] | None], dry_run: bool
    ) -> None:
        path, (amount, lines) = self.one_of(INVOICES, which), credited
        body = given(amount=amount, lines=lines, reason="stale")
        self.act("credit-notes", path, body, lambda model: model.credit(path, amount, lines), dry_run)

    # settlements

    @action(weight=6, when=some(INVOICES), which=WHICH, payer=BUYERS, amount=PARTS, dry_run=DRY)
    def settle_an_invoice(self, which: int, payer: str, amount: int | None, dry_run: bool) -> None:
        path = self.one_of(INVOICES, which)
        body = given(payer=payer, amount=amount)
        self.act("settle", path, body, lambda model: model.settle_one(path, payer, amount), dry_run)

    @action(
        weight=4,
        when=some(INVOICES),
        pair=st.tuples(BUYERS, SELLERS),
        amount=st.integers(1, 150),
        currency=CURRENCIES,
        parts=st.none() | st.lists(st.tuples(WHICH, st.integers(1, 60)), min_size=1, max_size=3),
        dry_run=DRY,
    )
    def settle_several(
        self,
        pair: tuple[str, str],
        amount: int,
        currency: str,
        parts: list[tuple[int, int]] | None,
        dry_run: bool,
    ) -> None:
        payer, merchant = pair
        body: dict[str, Any] = {"payer": payer, "merchant": merchant, "amount": amount, "currency": currency}
        asked: dict[str, Any] = {"currency": currency}
        if parts is not None:
            asked["allocations"] = self.allocations(parts)
            amount = sum(asked["allocations"].values())
            body |= {"amount": amount, "allocations": as_list(asked["allocations"])}
        self.ask("POST", "/v1/settlements", body, lambda model: model.settle(payer, merchant, amount, asked), dry_run)

    @action(
        weight=3,
        when=some(SETTLEMENTS),
        which=st.integers(0, 40),
        parts=st.lists(st.tuples(WHICH, st.integers(1, 40)), max_size=2),
        dry_run=DRY,
    )
    def reallocate_a_settlement(self, which: int, parts: list[tuple[int, int]], dry_run: bool) -> None:
        path = self.one_of(SETTLEMENTS, which)
        allocations = self.allocations(parts)
        rest = self.model.shown[path]["amount"] - sum(allocations.values())
        first = self.model.shown[path]["allocations"][0]["invoice"]
        if rest > 0:
            allocations[first] = allocations.get(first, 0) + rest
        body = {"allocations": as_list(allocations)}
        self.act("reallocate", path, body, lambda model: model.reallocate(path, allocations), dry_run)

    def allocations(self, parts: list[tuple[int, int]]) -> dict[str, int]:
        """What is paid on which invoice."""
        return {self.one_of(INVOICES, which).rpartition("/")[2]: amount for which, amount in parts}

    # over a rail

    @action(
        weight=4,
        when=some(INVOICES),
        which=WHICH,
        is_named=st.booleans(),
        payer=st.none() | NAMES,
        amount=st.integers(1, 100),
        currency=st.sampled_from((*["EUR"] * 8, "JPY")),
        reference=st.integers(0).map(lambda number: f"bank-{number}"),
        dry_run=DRY,
    )
    def receive(
        self, which: int, is_named: bool, payer: str | None, amount: int, currency: str, reference: str, dry_run: bool
    ) -> None:
        path = self.one_of(INVOICES, which)
        name: str | None = path.rpartition("/")[2]
        body = given(payer=payer, amount=amount, currency=currency, rail="test", rail_reference=reference)
        if is_named:
            body["invoice"] = name
        else:
            body["reference"] = self.client.get(path).json()["reference"]
            if body["reference"] is None:
                return
        self.ask(
            "POST", "/v1/deposits", body, lambda model: model.receive(name, payer, amount, currency, reference), dry_run
        )

    @action(
        weight=2,
        when=lambda machine: machine.model.items and some(INVOICES)(machine),
        which=WHICH,
        invoice=WHICH,
        amount=PARTS,
        dry_run=DRY,
    )
    def allocate_to_an_invoice(self, which: int, invoice: int, amount: int | None, dry_run: bool) -> None:
        name, invoice_name = self.item(which), self.one_of(INVOICES, invoice).rpartition("/")[2]
        path, body = f"/v1/suspense/{name}/allocate", given(invoice=invoice_name, amount=amount)
        self.ask("POST", path, body, lambda model: model.allocate_to_invoice(name, invoice_name, amount), dry_run)

    @action(
        weight=2,
        when=some(SETTLEMENTS),
        which=WHICH,
        parts=st.lists(st.integers(1, 40), min_size=1, max_size=2),
        dry_run=DRY,
    )
    def refund_of_certain_invoices(self, which: int, parts: list[int], dry_run: bool) -> None:
        path = self.one_of(SETTLEMENTS, which)
        of = path.rpartition("/")[2]
        settled = [each["invoice"] for each in self.model.shown[path]["allocations"]]
        asked = dict(zip(settled, parts, strict=False))
        body = {"of": of, "amount": sum(asked.values()), "allocations": as_list(asked), "reason": "stale"}
        self.ask("POST", "/v1/refunds", body, lambda model: model.refund(of, body["amount"], asked), dry_run)


def test_all_that_can_be_agreed_on_is_answered_and_booked_as_the_model_says(databases: Databases) -> None:
    drive(databases, Selling, rounds=1, steps=120, runs=9)


@pytest.mark.long
def test_it_is_so_for_a_long_time(databases: Databases) -> None:
    drive(databases, Selling, rounds=30, steps=200)
