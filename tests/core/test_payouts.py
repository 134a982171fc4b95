"""Payouts: the state machine as a table, where the money is in each state, and what stands against one."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

from ledger.core.books import Books
from ledger.core.commands import Command, write
from ledger.core.entries import key_digest, rows_of
from ledger.core.errors import LedgerError
from ledger.core.limits import SetLimits
from ledger.core.parties import CloseParty, FreezeParty, UnfreezeParty
from ledger.core.party_keys import RegisterPartyKey, SetPolicy
from ledger.core.payouts import ConfirmPayout, FailPayout, RequestPayout, ReturnPayout, SubmitPayout
from ledger.core.rows import Payout, SuspenseItem
from tests.core.devices import Device
from tests.core.stories import do, new_books, refusal, transfer

STATES = ("requested", "in_transit", "paid", "failed", "returned")
ACTIONS: dict[str, Callable[[str], Command]] = {
    "submitted": lambda payout: SubmitPayout(payout=payout),
    "paid": lambda payout: ConfirmPayout(payout=payout),
    "failed": lambda payout: FailPayout(payout=payout),
    "returned": lambda payout: ReturnPayout(payout=payout),
}
WAY_TO = {
    "requested": (),
    "in_transit": ("submitted",),
    "paid": ("paid",),
    "failed": ("failed",),
    "returned": ("paid", "returned"),
}
AFTER = {
    ("requested", "submitted"): "in_transit",
    ("requested", "paid"): "paid",
    ("requested", "failed"): "failed",
    ("in_transit", "paid"): "paid",
    ("in_transit", "failed"): "failed",
    ("paid", "returned"): "returned",
}
"""What an action leads to; every other pair of state and action is payout_not_open."""


def ask(**fields: Any) -> RequestPayout:
    """Ann is paid out 40 minor units of EUR over upi, as far as nothing else is said."""
    facts: dict[str, Any] = {"party": "ann", "amount": 40, "currency": "EUR", "rail": "upi", "destination": "ann@bank"}
    return RequestPayout(**facts | fields)


def requested(books: Books, **fields: Any) -> str:
    return f"payout_{do(books, ask(**fields)).number}"


def in_state(state: str) -> tuple[Books, str]:
    books = new_books()
    payout = requested(books)
    for action in WAY_TO[state]:
        do(books, ACTIONS[action](payout))
    assert state == state_of(books, payout)
    return books, payout


def row(books: Books, payout: str) -> Payout:
    found = books.payouts.find(int(payout.rpartition("_")[2]))
    assert found is not None
    return found


def state_of(books: Books, payout: str) -> str:
    return row(books, payout).state


def money(books: Books) -> tuple[int, int, int, int]:
    """What ann has, what upi is told to pay, what it has of ours, what it has cost."""
    return (
        books.balance("ann", "available", "EUR"),
        books.balance("rail:upi", "outbound", "EUR"),
        books.balance("rail:upi", "clearing", "EUR"),
        books.balance("platform", "fee_costs", "EUR"),
    )


# The state machine


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_in_each_state_has_the_answer_of_the_table(state: str, action: str) -> None:
    books, payout = in_state(state)
    before = row(books, payout), money(books)
    code = refusal(books, ACTIONS[action](payout))
    if (state, action) in AFTER:
        assert (None, AFTER[state, action]) == (code, state_of(books, payout))
    else:
        assert ("payout_not_open", before) == (code, (row(books, payout), money(books)))


def test_every_state_that_the_table_knows_can_be_reached() -> None:
    assert set(STATES) == {"requested", *AFTER.values()}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("requested", (60, 40, 200, 0)),
        ("in_transit", (60, 40, 200, 0)),
        ("paid", (60, 0, 160, 0)),
        ("failed", (100, 0, 200, 0)),
        ("returned", (100, 0, 200, 0)),
    ],
)
def test_in_each_state_the_money_is_where_the_plan_says(state: str, expected: tuple[int, int, int, int]) -> None:
    assert expected == money(in_state(state)[0])


@pytest.mark.parametrize("name", ["payout_1", "payout_999", "payout_x", "hold_8", ""])
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_on_what_is_no_payout_is_not_found(action: str, name: str) -> None:
    assert "not_found" == refusal(new_books(), ACTIONS[action](name))


# The rail's fee, and what comes back


def test_a_rails_fee_is_the_platforms_cost_and_never_the_partys() -> None:
    books, payout = in_state("requested")
    do(books, ConfirmPayout(payout=payout, fee=3))
    assert (60, 0, 157, 3) == money(books)
    do(books, ReturnPayout(payout=payout, fee=5))
    assert (100, 0, 192, 8) == money(books)


@pytest.mark.parametrize(
    ("amount", "expected"), [(1, (61, 0, 161, 0)), (39, (99, 0, 199, 0)), (40, (100, 0, 200, 0)), (41, None)]
)
def test_no_more_comes_back_than_was_paid(amount: int, expected: tuple[int, int, int, int] | None) -> None:
    books, payout = in_state("paid")
    code = refusal(books, ReturnPayout(payout=payout, amount=amount))
    if expected is None:
        assert ("amount_exceeds_remaining", "paid") == (code, state_of(books, payout))
    else:
        assert (None, "returned", expected) == (code, state_of(books, payout), money(books))


def test_the_rails_last_reference_is_kept_and_neither_none_nor_a_returns_own_replaces_it() -> None:
    books, payout = in_state("requested")
    do(books, SubmitPayout(payout=payout, rail_reference="a"))
    do(books, ConfirmPayout(payout=payout))
    assert "a" == row(books, payout).rail_reference
    do(books, ReturnPayout(payout=payout, rail_reference="b"))
    assert "a" == row(books, payout).rail_reference


def test_what_comes_back_in_parts_is_booked_each_time_and_never_beyond_what_was_paid() -> None:
    books, payout = in_state("paid")
    parts = ((15, 15, (75, 0, 175, 0)), (5, 20, (80, 0, 180, 0)), (None, 40, (100, 0, 200, 0)))
    for amount, returned, expected in parts:
        too_much = 41 - row(books, payout).returned
        assert "amount_exceeds_remaining" == refusal(books, ReturnPayout(payout=payout, amount=too_much))
        do(books, ReturnPayout(payout=payout, amount=amount))
        assert ("returned", returned, expected) == (state_of(books, payout), row(books, payout).returned, money(books))
    assert "payout_not_open" == refusal(books, ReturnPayout(payout=payout, amount=1))


def test_of_what_comes_back_in_parts_a_party_closed_in_between_has_the_rest_in_suspense() -> None:
    books, payout = in_state("paid")
    do(books, ReturnPayout(payout=payout, amount=10))
    do(books, transfer(amount=70))
    do(books, CloseParty(party="ann"))
    (item,) = rows_of(do(books, ReturnPayout(payout=payout)), SuspenseItem)
    assert (30, 40) == (item.amount, row(books, payout).returned)


# Whose party is not open


@pytest.mark.parametrize("mode", ["debits", "all"])
@pytest.mark.parametrize(("state", "action"), [("in_transit", "failed"), ("paid", "returned")])
def test_a_freeze_stands_against_a_payout_but_never_against_its_return(
    mode: Literal["debits", "all"], state: str, action: str
) -> None:
    books, payout = in_state(state)
    do(books, FreezeParty(party="ann", mode=mode))
    assert "party_not_open" == refusal(books, ask(amount=1))
    do(books, ACTIONS[action](payout))
    assert 100 == books.balance("ann", "available", "EUR")


@pytest.mark.parametrize("state", ["requested", "in_transit"])
def test_a_party_is_not_closed_while_a_payout_of_its_is_on_its_way(state: str) -> None:
    books, _ = in_state(state)
    do(books, transfer(amount=60))
    assert "party_not_empty" == refusal(books, CloseParty(party="ann"))


def test_what_comes_back_to_a_closed_party_waits_in_suspense() -> None:
    books, payout = in_state("paid")
    do(books, transfer(amount=60))
    do(books, CloseParty(party="ann"))
    entry = do(books, ACTIONS["returned"](payout))
    (item,) = rows_of(entry, SuspenseItem)
    assert (40, 40, "EUR", "payout_returned", "open", "upi", "ann") == (
        item.amount,
        item.remaining,
        item.currency,
        item.reason,
        item.state,
        item.rail,
        item.party,
    )
    assert (0, 40) == (books.balance("ann", "available", "EUR"), books.balance("platform", "suspense", "EUR"))


# How much, and the order of refusals


def test_without_an_amount_all_that_is_available_goes_out_once() -> None:
    books = new_books()
    payout = requested(books, amount=None)
    assert (100, 0) == (row(books, payout).amount, books.balance("ann", "available", "EUR"))
    assert "insufficient_funds" == refusal(books, ask(amount=None))
    assert "insufficient_funds" == refusal(books, ask(amount=None, currency="JPY"))


@pytest.mark.parametrize(("amount", "code"), [(99, None), (100, None), (101, "insufficient_funds")])
def test_exactly_what_is_there_can_be_paid_out_and_one_unit_more_cannot(amount: int, code: str | None) -> None:
    assert code == refusal(new_books(), ask(amount=amount))


def test_when_several_things_are_wrong_the_first_in_the_promised_order_is_said() -> None:
    books = new_books()
    do(books, SetLimits(party="ann", currency="EUR", per_payment=50))
    do(books, FreezeParty(party="ann", mode="debits"))
    wrong: dict[str, Any] = {"currency": "INR", "party": "nobody", "rail": "none", "amount": 101}
    said = []
    for name in wrong:
        said.append(refusal(books, ask(**wrong)))
        wrong = {other: value for other, value in wrong.items() if other != name}
    assert ["currency_invalid", "party_unknown", "rail_unknown", "party_not_open"] == said
    do(books, UnfreezeParty(party="ann"))
    assert "limit_exceeded" == refusal(books, ask(amount=101))
    do(books, SetLimits(party="ann", currency="EUR"))
    assert "insufficient_funds" == refusal(books, ask(amount=101))


def test_a_payout_counts_towards_what_a_party_may_pay_in_a_day() -> None:
    books = new_books()
    do(books, SetLimits(party="ann", currency="EUR", per_day_sum=50))
    assert [None, "limit_exceeded", None] == [
        refusal(books, command) for command in (ask(amount=40), ask(amount=11), transfer(amount=10))
    ]


def test_a_payout_needs_the_partys_signature_where_its_policy_asks_for_it() -> None:
    books, device = new_books(), Device(1)
    do(books, RegisterPartyKey(party="ann", public_key=device.public_key, proof=device.proof("payer", "ann")))
    word = device.authorise("policy.set", "ann", key_digest("p"), "always", "")
    policy = SetPolicy(party="ann", intents="always", authorization=word)
    write(books, policy, actor="key_1", key=key_digest("p"), salt=bytes(32), at=books.now)
    assert "intent_required" == refusal(books, ask())

    def sent(asked: int | None, **terms: Any) -> str | None:
        facts = {"operation": "payout.request", "of": "ann@bank", "from": "ann", "to": "rail:upi", "amount": 40}
        command = ask(amount=asked, intent=device.intent("k", **facts | terms))
        try:
            write(books, command, actor="key_1", key=key_digest("k"), salt=bytes(32), at=books.now)
        except LedgerError as error:
            return error.code
        return None

    for terms in ({"to": "rail:sepa"}, {"amount": 39}, {"operation": "transfer"}, {"of": "eve@bank"}, {"of": None}):
        assert "intent_mismatch" == sent(40, **terms)
    assert "intent_mismatch" == sent(None)
    assert sent(None, amount=100) is None
