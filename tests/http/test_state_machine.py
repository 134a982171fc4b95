"""Whatever is asked of the real service, in whatever order, it answers and books what the model says."""

import contextlib
import copy
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.books.checks import run_checks
from tests.harness import Client, Databases, Superuser, new_key, serve
from tests.http.model import Model, Verdict
from tests.http.wire import problem_of

PARTIES = st.sampled_from((*["ann", "bob"] * 3, "cem", "ghost"))
ALIASES = st.sampled_from(("red", "green"))
REFERENCES = st.sampled_from((*["ann", "bob"] * 4, "cem", "cem", "ghost", "alias:app:red", "alias:app:green"))
CURRENCIES = st.sampled_from((*["EUR"] * 8, "JPY", "USD"))
AMOUNTS = st.integers(1, 30) | st.integers(1, 200)
MEMOS = st.sampled_from((None, None, "for the d\u00f6ner"))
DRY = st.sampled_from((False, False, False, False, True))
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


class Remembered(NamedTuple):
    """A request that a key stands for, and the answer it got."""

    method: str
    path: str
    body: dict[str, Any]
    key: str
    answer: httpx.Response


class Backend(RuleBasedStateMachine):
    """A messenger's backend that does as it likes, with a database and a service of its own."""

    databases: ClassVar[Databases]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.remembered: list[Remembered] = []
        self.open = contextlib.ExitStack()
        database = self.databases.new()
        self.open.callback(self.databases.drop, database)
        served = self.open.enter_context(serve(database))
        self.client = Client(served.base, database.token)
        self.open.callback(self.client.close)
        self.superuser = self.open.enter_context(Superuser(database.url))

    def teardown(self) -> None:
        self.open.close()

    def ask(
        self, method: str, path: str, body: dict[str, Any], judge: Callable[[Model], Verdict], dry_run: bool = False
    ) -> httpx.Response:
        """Ask the service and the model the same; both must come to the same verdict."""
        key = new_key()
        expected = judge(copy.deepcopy(self.model) if dry_run else self.model)
        answer = self.client.write(method, path, body, key, dry_run)
        code = None if answer.is_success else problem_of(answer)[1]
        assert expected == (answer.status_code, code)
        if not dry_run and code != "currency_invalid":
            self.remembered.append(Remembered(method, path, body, key, answer))
        if answer.is_success:
            assert answer.json()["entry"] == (None if dry_run else self.model.entries)
        return answer

    @initialize()
    def two_parties_have_money(self) -> None:
        for party in ("ann", "bob"):
            self.create(party, None, False)
            self.deposit(party, 100, "EUR", False, party, False)

    @rule(party=st.sampled_from(("cem", "dan", "ann")), alias=st.none() | ALIASES, dry_run=DRY)
    def create(self, party: str, alias: str | None, dry_run: bool) -> None:
        body: dict[str, Any] = {"id": party, "kind": "person", "name": party.title()}
        if alias is not None:
            body["aliases"] = [{"channel": "app", "value": alias}]
        self.ask("POST", "/v1/parties", body, lambda model: model.create(party, alias), dry_run)

    @rule(
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

    @precondition(lambda self: self.model.deposits)
    @rule(index=st.integers(0), dry_run=DRY)
    def take_back(self, index: int, dry_run: bool) -> None:
        made = self.model.deposits[index % len(self.model.deposits)]
        path = f"/v1/deposits/deposit_{made.entry}/return"
        self.ask("POST", path, {"reason": "recall"}, lambda model: model.take_back(made), dry_run)

    @rule(body=TRANSFERS, dry_run=DRY)
    def transfer(self, body: dict[str, Any], dry_run: bool) -> None:
        answer = self.ask("POST", "/v1/transfers", body, lambda model: model.transfer(body), dry_run)
        if answer.status_code == 201 and not dry_run:
            self._is_as_booked(answer.json(), body)

    @rule(pair=PAIRS, amount=st.integers(1, 20))
    def pay(self, pair: tuple[str, str], amount: int) -> None:
        body = {"from": pair[0], "to": pair[1], "amount": amount, "currency": "EUR"}
        self.ask("POST", "/v1/transfers", body, lambda model: model.transfer(body))

    @rule(bodies=st.lists(TRANSFERS, max_size=8), atomic=st.booleans())
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

    @rule(party=PARTIES, state=st.sampled_from((*STATES, "open", "open")), dry_run=DRY)
    def change_state(self, party: str, state: str, dry_run: bool) -> None:
        action, body = STATES[state]
        path = f"/v1/parties/{party}/{action}"
        self.ask("POST", path, body, lambda model: model.set_state(party, state), dry_run)
        self.pay((party, "bob"), 1)
        self.pay(("ann", party), 1)

    @rule(party=PARTIES, alias=ALIASES, take_over=st.booleans(), dry_run=DRY)
    def add_alias(self, party: str, alias: str, take_over: bool, dry_run: bool) -> None:
        body = {"channel": "app", "value": alias, "take_over": take_over}
        path = f"/v1/parties/{party}/aliases"
        self.ask("POST", path, body, lambda model: model.add_alias(party, alias, take_over), dry_run)

    @precondition(lambda self: self.model.aliases)
    @rule(party=PARTIES, alias=ALIASES, dry_run=DRY)
    def remove_alias(self, party: str, alias: str, dry_run: bool) -> None:
        path = f"/v1/parties/{party}/aliases/app/{alias}"
        self.ask("DELETE", path, {}, lambda model: model.remove_alias(party, alias), dry_run)

    @precondition(lambda self: self.remembered)
    @rule(index=st.integers(0), dry_run=DRY)
    def ask_again(self, index: int, dry_run: bool) -> None:
        method, path, body, key, answer = self.remembered[index % len(self.remembered)]
        again = self.client.write(method, path, body, key, dry_run)
        assert (answer.status_code, answer.content) == (again.status_code, again.content)
        assert "true" == again.headers["idempotency-replayed"]

    @precondition(lambda self: self.remembered)
    @rule(index=st.integers(0), dry_run=DRY)
    def ask_for_something_else_under_a_used_key(self, index: int, dry_run: bool) -> None:
        used = self.remembered[index % len(self.remembered)]
        body = {"id": "dan", "kind": "merchant"}
        assert (422, "idempotency_key_reused") == problem_of(self.client.post("/v1/parties", body, used.key, dry_run))

    @rule(party=PARTIES)
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
            assert self.model.available[party, balance["currency"]] == balance.get("available", 0)
            assert self.model.owes[party, balance["currency"]] == balance.get("receivable", 0)

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        rows = self.superuser.rows("SELECT owner, role, currency, balance FROM accounts WHERE balance <> 0")
        assert self.model.accounts() == {(row["owner"], row["role"], row["currency"]): row["balance"] for row in rows}

    @invariant()
    def nothing_was_made_of_nothing(self) -> None:
        sums = self.superuser.rows("SELECT currency, sum(balance)::bigint AS sum FROM accounts GROUP BY currency")
        assert {0} >= {row["sum"] for row in sums}
        assert self.model.entries == self.superuser.head()[1]

    @invariant()
    def every_check_finds_nothing(self) -> None:
        assert [] == self.superuser.wait(run_checks(self.superuser.connection, 1))

    def _is_as_booked(self, shown: dict[str, Any], asked: dict[str, Any]) -> None:
        payer, payee = self.model.named(asked["from"]), self.model.named(asked["to"])
        assert (payer, payee, asked["memo"]) == (shown["from"], shown["to"], shown["memo"])
        for side, party in (("from", payer), ("to", payee)):
            left = self.model.available[party or "", asked["currency"]]
            assert {"available": left} == shown["balances"][side]


def drive(databases: Databases, examples: int, steps: int) -> None:
    Backend.databases = databases
    run_state_machine_as_test(
        Backend, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


def test_the_service_answers_and_books_what_the_model_says(databases: Databases) -> None:
    drive(databases, examples=25, steps=40)


@pytest.mark.long
def test_it_does_so_for_a_long_time(databases: Databases) -> None:
    drive(databases, examples=200, steps=100)
