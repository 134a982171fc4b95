"""What the state machines share: a service of their own, a model of it, and the question whether both say the same."""

import contextlib
import copy
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, TypeVar

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ledger.books.checks import run_checks
from tests.harness import Client, Databases, Superuser, new_key, serve
from tests.http.model import Verdict
from tests.http.model_returns import Returns
from tests.http.wire import problem_of

DRY = st.sampled_from((False, False, False, False, True))

NOT_YET = {"id", "shares", "settlement"}
"""What an answer to a dry run cannot say, because the ids are not there yet."""

Method = TypeVar("Method", bound=Callable[..., None])


class Remembered(NamedTuple):
    """A request that a key stands for, and the answer it got."""

    method: str
    path: str
    body: dict[str, Any]
    key: str
    answer: httpx.Response


class Action(NamedTuple):
    """How often a method is chosen, whether it can be, and what it is called with."""

    weight: int
    when: Callable[[Any], Any]
    arguments: st.SearchStrategy[dict[str, Any]]


def action(weight: int = 1, when: Callable[[Any], Any] | None = None, **arguments: Any) -> Callable[[Method], Method]:
    """Mark a method as something that can happen. Hypothesis's own rules are switched off at random, run by run: what
    needs four others before it would hardly ever happen."""

    def mark(method: Method) -> Method:
        chance = Action(weight, when or (lambda machine: True), st.fixed_dictionaries(arguments))
        setattr(method, "action", chance)  # noqa: B010
        return method

    return mark


class Machine(RuleBasedStateMachine):
    """A messenger's backend that does as it likes, with a database and a service of its own."""

    databases: ClassVar[Databases]
    kind_of_model: ClassVar[type[Returns]] = Returns

    def __init__(self) -> None:
        super().__init__()
        self.model: Any = self.kind_of_model()
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

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        chances = {name: chance for name, chance in self.actions() if chance.when(self)}
        name = data.draw(st.sampled_from([name for name, chance in chances.items() for _ in range(chance.weight)]))
        getattr(self, name)(**data.draw(chances[name].arguments))

    @classmethod
    def actions(cls) -> Iterable[tuple[str, Action]]:
        """What can happen, by the method's name."""
        for name in dir(cls):
            chance = getattr(getattr(cls, name), "action", None)
            if chance is not None:
                yield name, chance

    def ask(
        self, method: str, path: str, body: dict[str, Any], judge: Callable[[Any], Verdict], dry_run: bool = False
    ) -> httpx.Response:
        """Ask the service and the model the same; both must come to the same verdict."""
        key = new_key()
        model = copy.deepcopy(self.model) if dry_run else self.model
        expected = judge(model)
        answer = self.client.write(method, path, body, key, dry_run)
        code = None if answer.is_success else problem_of(answer)[1]
        assert expected == (answer.status_code, code), (expected, method, path, body, answer.text)
        if not dry_run and code not in ("currency_invalid", "amount_invalid", "field_invalid"):
            self.remembered.append(Remembered(method, path, body, key, answer))
        if answer.is_success:
            said = {"entry": model.entries} | model.said
            if dry_run:
                said = {name: value for name, value in said.items() if name not in NOT_YET} | {"entry": None}
            answered = answer.json()
            assert said == {name: answered[name] for name in said}, (said, method, path, body, answered)
        return answer

    @action(when=lambda machine: machine.remembered, index=st.integers(0), dry_run=DRY)
    def ask_again(self, index: int, dry_run: bool) -> None:
        method, path, body, key, answer = self.remembered[index % len(self.remembered)]
        again = self.client.write(method, path, body, key, dry_run)
        assert (answer.status_code, answer.content) == (again.status_code, again.content)
        assert "true" == again.headers["idempotency-replayed"]

    @action(when=lambda machine: machine.remembered, index=st.integers(0), dry_run=DRY)
    def ask_for_something_else_under_a_used_key(self, index: int, dry_run: bool) -> None:
        used = self.remembered[index % len(self.remembered)]
        body = {"id": "dan", "kind": "merchant"}
        assert (422, "idempotency_key_reused") == problem_of(self.client.post("/v1/parties", body, used.key, dry_run))

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        rows = self.superuser.rows("SELECT owner, role, currency, balance FROM accounts WHERE balance <> 0")
        booked = {(row["owner"], row["role"], row["currency"]): row["balance"] for row in rows}
        expected = self.model.accounts()
        assert expected == booked, {
            "expected": expected.items() - booked.items(),
            "not": booked.items() - expected.items(),
        }

    @invariant()
    def nothing_was_made_of_nothing(self) -> None:
        sums = self.superuser.rows("SELECT currency, sum(balance)::bigint AS sum FROM accounts GROUP BY currency")
        assert {0} >= {row["sum"] for row in sums}
        assert self.model.entries == self.superuser.head()[1]

    @invariant()
    def every_check_finds_nothing(self) -> None:
        found = self.superuser.wait(run_checks(self.superuser.connection, 1))
        assert [] == found, found


def drive(databases: Databases, machine: type[Machine], rounds: int, steps: int, runs: int = 10) -> None:
    """Let it happen, some times from the beginning in each round. Of more than ten in one go Hypothesis makes most by
    repeating parts of others; and always the first is the simplest there is: the same action again and again.
    """
    machine.databases = databases
    for _ in range(rounds):
        run_state_machine_as_test(
            machine, settings=settings(max_examples=runs, stateful_step_count=steps, deadline=None)
        )
