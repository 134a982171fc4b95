"""Whatever two parties agree on, in whatever order, the real service answers and books what the model says."""

import copy
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from tests.harness import Databases
from tests.http.machine import DRY, action, drive
from tests.http.model import Verdict, is_open
from tests.http.model_wallet import Wallet
from tests.http.test_state_machine import STATES, Backend

PERSONS = ("ann", "bob")
MERCHANTS = ("shop", "cafe")
PARTIES = st.sampled_from(PERSONS) | st.sampled_from((*PERSONS, *MERCHANTS)) | st.sampled_from(("cem", "ghost"))
NAMES = st.sampled_from((*PERSONS, *MERCHANTS) * 3 + ("cem", "ghost", "alias:app:red"))
PAIRS = st.sampled_from((("ann", "shop"), ("ann", "bob"), ("bob", "shop"), ("bob", "ann"))) | st.tuples(NAMES, NAMES)
CLAIM_SECONDS_MAX = 10
CURRENCIES = st.sampled_from((*["EUR"] * 12, "JPY", "USD"))
AMOUNTS = st.integers(1, 40) | st.integers(1, 40) | st.integers(1, 300)
PARTS = st.none() | st.integers(1, 20) | st.integers(1, 300)
WHICH = st.integers(0, 3) | st.integers(0, 40)
LIMITS = st.none() | st.integers(1, 200)
FEES = st.fixed_dictionaries(
    {"bps": st.sampled_from((0, 290, 1_000, 5_000)), "fixed": st.integers(0, 5)},
    optional={
        "min": st.none() | st.integers(0, 3),
        "max": st.none() | st.integers(3, 30),
        "on_refund": st.sampled_from(("keep", "proportional")),
    },
)
TAX_RATES = st.sampled_from((None, 1_900, 10_000))
TAXES: st.SearchStrategy[dict[str, Any]] = TAX_RATES.map(
    lambda bps: {} if bps is None else {"tax_code": "vat", "tax_bps": bps}
)
HOLDS = "/v1/holds/hold"
SPLITS = "/v1/splits/split"
REQUESTS = "/v1/payment-requests/payment_request"
SHARES = st.lists(NAMES, min_size=1, max_size=4, unique=True).flatmap(
    lambda payers: st.one_of(
        st.just([{"payer": payer} for payer in payers]),
        st.lists(st.integers(1, 5), min_size=len(payers), max_size=len(payers)).map(
            lambda weights: [{"payer": payer, "weight": weight} for payer, weight in zip(payers, weights, strict=True)]
        ),
        st.lists(st.integers(1, 60), min_size=len(payers), max_size=len(payers)).map(
            lambda amounts: [{"payer": payer, "amount": amount} for payer, amount in zip(payers, amounts, strict=True)]
        ),
    )
)


def some(prefix: str) -> Callable[[Backend], bool]:
    """Whether there is any agreement of a kind."""
    return lambda machine: any(path.startswith(prefix) for path in machine.model.shown)


class Agreeing(Backend):
    """A backend whose parties make agreements, each of which is looked at whenever it has changed."""

    kind_of_model = Wallet

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, dict[str, Any]] = {}

    @initialize()
    def there_are_merchants(self) -> None:
        for party in MERCHANTS:
            body = {"id": party, "kind": "merchant"}
            self.ask("POST", "/v1/parties", body, lambda model, party=party: model.create(party, None, "merchant"))
        for party in PERSONS:
            self.deposit(party, 400, "EUR", False, f"more-{party}", False)

    def one_of(self, prefix: str, which: int) -> str:
        """The path of an agreement: open ones first, of these the newest."""
        paths = [path for path in self.model.shown if path.startswith(prefix)]
        paths.sort(key=number_of, reverse=True)
        paths.sort(key=lambda path: not is_open(self.model.shown[path]))
        return str(paths[which % len(paths)])

    def ask(self, *asked: Any, **how: Any) -> httpx.Response:
        """As always; if an alias is registered now for which money waits, see that it is claimed."""
        answer = super().ask(*asked, **how)
        if self.model.take_claims():
            end = time.monotonic() + CLAIM_SECONDS_MAX
            while self.superuser.head()[1] < self.model.entries and time.monotonic() < end:
                time.sleep(0.02)
        return answer

    def act(self, action: str, path: str, body: dict[str, Any], judge: Callable[[Any], Verdict], dry: bool) -> None:
        """Do something to an agreement."""
        self.ask("POST", f"{path}/{action}", body, judge, dry)

    @invariant()
    def every_agreement_is_shown_as_the_model_says(self) -> None:
        for path, expected in self.model.shown.items():
            if self.seen.get(path) != expected:
                found = self.client.get(path)
                assert 200 == found.status_code, path
                shown = found.json()
                assert expected == {name: shown[name] for name in expected}, (path, expected, shown)
                self.seen[path] = copy.deepcopy(expected)

    @action(which=WHICH)
    def look_at_what_has_not_changed(self, which: int) -> None:
        for path in list(self.seen)[which % 4 :: 4]:
            del self.seen[path]

    @action(weight=2, party=st.sampled_from((*PERSONS, *MERCHANTS)), state=st.sampled_from((*STATES, "open", "open")))
    def freeze_or_close(self, party: str, state: str) -> None:
        does, body = STATES[state]
        self.ask("POST", f"/v1/parties/{party}/{does}", body, lambda model: model.set_state(party, state))

    # fees and limits

    @action(weight=2, party=PARTIES, fees=FEES, taxes=TAXES, dry_run=DRY)
    def set_fees(self, party: str, fees: dict[str, Any], taxes: dict[str, Any], dry_run: bool) -> None:
        body = fees | taxes
        self.ask("PUT", f"/v1/parties/{party}/fees", body, lambda model: model.set_fees(party, body), dry_run)

    @action(
        weight=2,
        party=PARTIES,
        limits=st.fixed_dictionaries(
            {"currency": st.sampled_from(("EUR", "EUR", "JPY"))},
            optional={
                "per_payment": LIMITS,
                "per_day_sum": LIMITS.map(lambda limit: limit and 10 * limit),
                "per_day_count": st.none() | st.integers(1, 10),
                "balance": LIMITS.map(lambda limit: limit and 10 * limit),
            },
        ),
        dry_run=DRY,
    )
    def set_limits(self, party: str, limits: dict[str, Any], dry_run: bool) -> None:
        path = f"/v1/parties/{party}/limits"
        self.ask("PUT", path, limits, lambda model: model.set_limits(party, limits), dry_run)

    # holds

    @action(weight=5, pair=PAIRS, amount=AMOUNTS, currency=CURRENCIES, dry_run=DRY)
    def place_a_hold(self, pair: tuple[str, str], amount: int, currency: str, dry_run: bool) -> None:
        body = {"from": pair[0], "to": pair[1], "amount": amount, "currency": currency}
        self.ask("POST", "/v1/holds", body, lambda model: model.place(body), dry_run)

    @action(weight=2, when=some(HOLDS), which=WHICH, amount=st.integers(1, 50), dry_run=DRY)
    def increase_a_hold(self, which: int, amount: int, dry_run: bool) -> None:
        path = self.one_of(HOLDS, which)
        self.act("increase", path, {"amount": amount}, lambda model: model.increase(path, amount), dry_run)

    @action(weight=6, when=some(HOLDS), which=WHICH, amount=PARTS, final=st.none() | st.booleans(), dry_run=DRY)
    def capture_a_hold(self, which: int, amount: int | None, final: bool | None, dry_run: bool) -> None:
        path = self.one_of(HOLDS, which)
        body = given(amount=amount, final=final)
        self.act("capture", path, body, lambda model: model.capture(path, amount, final is not False), dry_run)

    @action(weight=2, when=some(HOLDS), which=WHICH, dry_run=DRY)
    def void_a_hold(self, which: int, dry_run: bool) -> None:
        path = self.one_of(HOLDS, which)
        self.act("void", path, {}, lambda model: model.void(path), dry_run)

    # payment requests

    @action(weight=4, pair=PAIRS, amount=AMOUNTS, currency=CURRENCIES, dry_run=DRY)
    def request_a_payment(self, pair: tuple[str, str], amount: int, currency: str, dry_run: bool) -> None:
        body = {"payer": pair[0], "payee": pair[1], "amount": amount, "currency": currency}
        self.ask("POST", "/v1/payment-requests", body, lambda model: model.request(body), dry_run)

    @action(weight=6, when=some(REQUESTS), which=WHICH, dry_run=DRY)
    def pay_a_request(self, which: int, dry_run: bool) -> None:
        path = self.one_of(REQUESTS, which)
        self.act("pay", path, {}, lambda model: model.pay(path), dry_run)

    @action(weight=2, when=some(REQUESTS), which=WHICH, action=st.sampled_from(("decline", "cancel")), dry_run=DRY)
    def give_up_a_request(self, which: int, action: str, dry_run: bool) -> None:
        path = self.one_of(REQUESTS, which)
        state = {"decline": "declined", "cancel": "cancelled"}[action]
        self.act(action, path, {}, lambda model: model.give_up(path, state), dry_run)

    # transfers to be claimed

    @action(
        weight=2,
        pair=st.tuples(NAMES, st.sampled_from(("alias:app:red", "alias:app:green", "ghost"))),
        amount=AMOUNTS,
        currency=CURRENCIES,
        dry_run=DRY,
    )
    def transfer_to_whoever_it_will_be(self, pair: tuple[str, str], amount: int, currency: str, dry_run: bool) -> None:
        body = {"from": pair[0], "to": pair[1], "amount": amount, "currency": currency}
        body |= {"if_unknown": "hold_for_claim"}
        self.ask("POST", "/v1/transfers", body, lambda model: model.transfer(body), dry_run)

    # splits

    @action(weight=3, payee=NAMES, shares=SHARES, total=AMOUNTS, currency=CURRENCIES, dry_run=DRY)
    def split_a_bill(self, payee: str, shares: list[dict[str, Any]], total: int, currency: str, dry_run: bool) -> None:
        payers = [self.model.named(share["payer"]) for share in shares]
        if len({*payers}) == len(payers):  # the same payer twice is no split
            total = sum(share["amount"] for share in shares) if "amount" in shares[0] else total
            body = {"payee": payee, "currency": currency, "total": total, "shares": shares}
            self.ask("POST", "/v1/splits", body, lambda model: model.split(body), dry_run)

    @action(weight=2, when=some(SPLITS), which=WHICH, payer=PARTIES, dry_run=DRY)
    def waive_a_share(self, which: int, payer: str, dry_run: bool) -> None:
        path = self.one_of(SPLITS, which)
        self.act(f"shares/{payer}/waive", path, {}, lambda model: model.waive(path, payer), dry_run)

    @action(weight=1, when=some(SPLITS), which=WHICH, dry_run=DRY)
    def cancel_a_split(self, which: int, dry_run: bool) -> None:
        path = self.one_of(SPLITS, which)
        self.act("cancel", path, {}, lambda model: model.cancel_split(path), dry_run)


def given(**fields: Any) -> dict[str, Any]:
    """The fields of a body that are given."""
    return {name: value for name, value in fields.items() if value is not None}


def number_of(path: str) -> tuple[int, ...]:
    """The numbers in an id: of the entry, and which of several that it made."""
    return tuple(int(number) for number in re.findall(r"_(\d+)", path))


# The invoices' machine does all of this as well, and always runs.
@pytest.mark.long
def test_what_two_parties_agree_on_is_answered_and_booked_as_the_model_says(databases: Databases) -> None:
    drive(databases, Agreeing, rounds=1, steps=60)
