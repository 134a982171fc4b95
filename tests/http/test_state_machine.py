"""Whatever is asked of the real service, in whatever order, it answers and books what the model says."""

import copy
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.harness import Databases, new_key
from tests.http.machine import DRY, Machine, action, drive
from tests.http.wire import problem_of

PARTIES = st.sampled_from((*["ann", "bob"] * 3, "cem", "ghost"))
ALIASES = st.sampled_from(("red", "green"))
REFERENCES = st.sampled_from((*["ann", "bob"] * 4, "cem", "cem", "ghost", "alias:app:red", "alias:app:green"))
CURRENCIES = st.sampled_from((*["EUR"] * 8, "JPY", "USD"))
AMOUNTS = st.integers(1, 30) | st.integers(1, 200)
MEMOS = st.sampled_from((None, None, "for the d\u00f6ner"))
PAIRS = st.sampled_from((("ann", "bob"), ("bob", "ann"))) | st.tuples(REFERENCES, REFERENCES)
TRANSFERS = st.builds(
    lambda pair, rest: {"from": pair[0], "to": pair[1]} | rest,
    PAIRS,
    st.fixed_dictionaries(
        {"amount": AMOUNTS, "currency": CURRENCIES, "memo": MEMOS}, optional={"to_expected": PARTIES}
    ),
)


STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "debits_frozen": ("freeze", {"mode": "debits"}),
    "frozen": ("freeze", {"mode": "all"}),
    "open": ("unfreeze", {}),
    "closed": ("close", {}),
}
"""By the state it leads to: what is done to a party."""


class Backend(Machine):
    """A backend whose parties pay each other."""

    @initialize()
    def two_parties_have_money(self) -> None:
        for party in ("ann", "bob"):
            self.create(party, None, False)
            self.deposit(party, 100, "EUR", False, party, False)

    @action(party=st.sampled_from(("cem", "dan", "ann")), alias=st.none() | ALIASES, dry_run=DRY)
    def create(self, party: str, alias: str | None, dry_run: bool) -> None:
        body: dict[str, Any] = {"id": party, "kind": "person", "name": party.title()}
        if alias is not None:
            body["aliases"] = [{"channel": "app", "value": alias}]
        self.ask("POST", "/v1/parties", body, lambda model: model.create(party, alias), dry_run)

    @action(
        to=st.none() | REFERENCES,
        amount=AMOUNTS,
        currency=CURRENCIES,
        is_known=DRY,
        reference=st.integers().map(str),
        dry_run=DRY,
    )
    def deposit(
        self, to: str | None, amount: int, currency: str, is_known: bool, reference: str, dry_run: bool
    ) -> None:
        if is_known and self.model.references:
            reference = min(self.model.references)
        body = {"to": to, "amount": amount, "currency": currency, "rail": "test", "rail_reference": reference}
        answer = self.ask(
            "POST", "/v1/deposits", body, lambda model: model.deposit(to, amount, currency, reference), dry_run
        )
        if answer.status_code == 201 and not dry_run:
            party = self.model.deposits[-1].party
            assert (party, "credited" if party else "suspense") == (answer.json()["to"], answer.json()["state"])

    @action(weight=2, when=lambda machine: machine.model.deposits, index=st.integers(0), dry_run=DRY)
    def take_back(self, index: int, dry_run: bool) -> None:
        deposits = sorted(self.model.deposits, key=lambda made: made.entry in self.model.returned)
        made = deposits[index % len(deposits)]
        path = f"/v1/deposits/deposit_{made.entry}/return"
        self.ask("POST", path, {"reason": "recall"}, lambda model: model.take_back(made), dry_run)

    @action(body=TRANSFERS, dry_run=DRY)
    def transfer(self, body: dict[str, Any], dry_run: bool) -> None:
        answer = self.ask("POST", "/v1/transfers", body, lambda model: model.transfer(body), dry_run)
        if answer.status_code == 201 and not dry_run:
            self._is_as_booked(answer.json(), body)

    @action(pair=PAIRS, amount=st.integers(1, 20))
    def pay(self, pair: tuple[str, str], amount: int) -> None:
        body = {"from": pair[0], "to": pair[1], "amount": amount, "currency": "EUR"}
        self.ask("POST", "/v1/transfers", body, lambda model: model.transfer(body))

    @action(bodies=st.lists(TRANSFERS, max_size=8), atomic=st.booleans())
    def batch(self, bodies: list[dict[str, Any]], atomic: bool) -> None:
        items = [body | {"key": new_key()} for body in bodies]
        before = copy.deepcopy(self.model)
        expected = [self.model.transfer(body) for body in bodies]
        guilty = next((index for index, (status, _) in enumerate(expected) if status != 201), None)
        if atomic and guilty is not None:
            self.model = before
            expected = [expected[i] if i == guilty else (422, "linked_failed") for i in range(len(bodies))]
        answer = self.client.post("/v1/transfers/batch", {"transfers": items, "atomic": atomic})
        results = answer.json()["results"]
        assert expected == [(each["status"], each.get("problem", {}).get("code")) for each in results]
        for result, body in zip(results, bodies, strict=True):
            if "transfer" in result:
                assert body["amount"] == result["transfer"]["amount"]

    @action(party=PARTIES, state=st.sampled_from((*STATES, "open", "open")), dry_run=DRY)
    def change_state(self, party: str, state: str, dry_run: bool) -> None:
        action, body = STATES[state]
        path = f"/v1/parties/{party}/{action}"
        self.ask("POST", path, body, lambda model: model.set_state(party, state), dry_run)
        self.pay((party, "bob"), 1)
        self.pay(("ann", party), 1)

    @action(party=PARTIES, alias=ALIASES, take_over=st.booleans(), dry_run=DRY)
    def add_alias(self, party: str, alias: str, take_over: bool, dry_run: bool) -> None:
        body = {"channel": "app", "value": alias, "take_over": take_over}
        path = f"/v1/parties/{party}/aliases"
        self.ask("POST", path, body, lambda model: model.add_alias(party, alias, take_over), dry_run)

    @action(when=lambda machine: machine.model.aliases, party=PARTIES, alias=ALIASES, dry_run=DRY)
    def remove_alias(self, party: str, alias: str, dry_run: bool) -> None:
        path = f"/v1/parties/{party}/aliases/app/{alias}"
        self.ask("DELETE", path, {}, lambda model: model.remove_alias(party, alias), dry_run)

    @action(party=PARTIES)
    def look_at_a_party(self, party: str) -> None:
        found = self.client.get(f"/v1/parties/{party}")
        if party not in self.model.state:
            assert (404, "party_unknown") == problem_of(found)
            return
        shown = found.json()
        assert self.model.state[party] == shown["state"]
        aliases = {alias for alias, holder in self.model.aliases.items() if holder == party}
        assert aliases == {alias["value"] for alias in shown["aliases"]}
        for balance in shown["balances"]:
            assert self.model.available(party, balance["currency"]) == balance.get("available", 0)
            assert -self.model.balance[party, "receivable", balance["currency"]] == balance.get("receivable", 0)

    def _is_as_booked(self, shown: dict[str, Any], asked: dict[str, Any]) -> None:
        payer, payee = self.model.named(asked["from"]), self.model.named(asked["to"])
        assert (payer, payee, asked["memo"]) == (shown["from"], shown["to"], shown["memo"])
        for side, party in (("from", payer), ("to", payee)):
            left = self.model.available(party, asked["currency"])
            assert {"available": left} == shown["balances"][side]


def test_the_service_answers_and_books_what_the_model_says(databases: Databases) -> None:
    drive(databases, Backend, rounds=1, steps=40)


@pytest.mark.long
def test_it_does_so_for_a_long_time(databases: Databases) -> None:
    drive(databases, Backend, rounds=20, steps=100)
