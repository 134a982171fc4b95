"""Limits: how much a party pays at once and in a day, and how much it has; its own, or the ledger's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.errors import LedgerError
from ledger.core.holds import CaptureHold, IncreaseHold, PlaceHold
from ledger.core.limits import PartyLimit, SetLimits, read_limits
from ledger.core.parties import CloseParty, FreezeParty
from ledger.core.settings import SetLedger
from tests.core.stories import START, attempt, deposit, do, new_books, refusal, transfer

HOUR = 3_600_000_000
MIDNIGHT = START + 23 * HOUR
"""When the first day ends in Berlin, the zone of the stories."""


def rich_books(**limits: int) -> Books:
    """Books in which ann has 10.00 EUR and, if any are given, these limits."""
    books = new_books()
    do(books, deposit(amount=900))
    if limits:
        do(books, SetLimits(party="ann", currency="EUR", **limits))
    return books


def said(books: Books, command: Command, at: int | None = None) -> str:
    """`done`, or what the refusal says."""
    outcome = attempt(books, command, at)
    return str(outcome) if isinstance(outcome, LedgerError) else "done"


def hold(**fields: Any) -> PlaceHold:
    facts: dict[str, Any] = {"from_": "ann", "to": "bob", "amount": 5, "currency": "EUR"}
    return PlaceHold(**facts | fields)


def test_a_payment_may_come_up_to_its_limit_and_not_beyond() -> None:
    books = rich_books(per_payment=100)
    assert "done" == said(books, transfer(amount=100))
    assert "ann may pay at most 1.00 EUR at once; pay less at once." == said(books, transfer(amount=101))
    assert "done" == said(books, transfer(amount=100))


def test_a_days_payments_may_come_up_to_their_sum_until_midnight_of_the_ledgers_zone() -> None:
    books = rich_books(per_day_sum=100)
    assert "done" == said(books, transfer(amount=60))
    assert "done" == said(books, transfer(amount=40))
    refused = "ann may pay at most 1.00 EUR a day; the next day begins at midnight, Europe/Berlin."
    assert refused == said(books, transfer(amount=1), MIDNIGHT - 1)
    assert "done" == said(books, transfer(amount=100), MIDNIGHT)
    assert refused == said(books, transfer(amount=1), MIDNIGHT + 1)


def test_a_payment_above_a_days_sum_is_not_told_to_wait_for_midnight() -> None:
    books = rich_books(per_day_sum=100)
    do(books, transfer(amount=60))
    assert "ann may pay at most 1.00 EUR a day; pay less." == said(books, transfer(amount=101))
    assert "midnight" in said(books, transfer(amount=100))


def test_payments_of_a_day_are_counted() -> None:
    books = rich_books(per_day_count=2)
    assert ["done", "done"] == [said(books, transfer()) for _ in range(2)]
    refused = "ann may pay 2 times a day in EUR; the next day begins at midnight, Europe/Berlin."
    assert refused == said(books, transfer())
    assert "done" == said(books, transfer(), MIDNIGHT)


def test_what_is_refused_does_not_count() -> None:
    books = rich_books(per_day_sum=100, per_day_count=1)
    assert "limit_exceeded" == refusal(books, transfer(amount=101))
    assert "insufficient_funds" == refusal(rich_books(per_day_count=1), transfer(amount=1001))
    assert "done" == said(books, transfer(amount=100))


def test_what_a_party_is_paid_does_not_count_as_paid() -> None:
    books = rich_books(per_day_sum=100)
    do(books, transfer(from_="bob", to="ann", amount=90))
    assert "done" == said(books, transfer(amount=100))


def test_payments_from_before_the_limit_was_set_count() -> None:
    books = rich_books()
    do(books, transfer(amount=60))
    do(books, SetLimits(party="ann", currency="EUR", per_day_sum=100))
    assert "limit_exceeded" == refusal(books, transfer(amount=41))
    assert "done" == said(books, transfer(amount=40))


def test_holds_count_when_they_are_placed_and_not_when_they_are_captured() -> None:
    books = rich_books(per_day_sum=100, per_day_count=3)
    placed = f"hold_{do(books, hold(amount=50)).number}"
    assert "limit_exceeded" == refusal(books, IncreaseHold(hold=placed, amount=51))
    assert "done" == said(books, IncreaseHold(hold=placed, amount=40))
    assert "done" == said(books, CaptureHold(hold=placed))
    assert "limit_exceeded" == refusal(books, transfer(amount=11))
    assert "done" == said(books, transfer(amount=10))


def test_what_is_sent_to_nobody_counts_as_paid() -> None:
    books = rich_books(per_day_sum=100)
    sent = transfer(to="alias:phone:+491511111111", amount=60, if_unknown="hold_for_claim")
    assert "done" == said(books, sent)
    assert "limit_exceeded" == refusal(books, transfer(amount=41))


def test_nobody_is_paid_beyond_what_they_may_have() -> None:
    books = rich_books()
    do(books, SetLimits(party="bob", currency="EUR", balance=150))
    refused = "bob may have at most 1.50 EUR; there is room once it has paid some out."
    assert refused == said(books, transfer(amount=51))
    assert "done" == said(books, transfer(amount=50))
    do(books, transfer(from_="bob", to="ann", amount=1))
    assert "done" == said(books, transfer(amount=1))


def test_a_balance_that_is_over_its_limit_already_may_be_paid_from() -> None:
    books = rich_books(balance=1)
    assert "done" == said(books, transfer(amount=5))
    assert "limit_exceeded" == refusal(books, transfer(from_="bob", to="ann"))


def test_a_capture_counts_against_what_the_payee_may_have() -> None:
    books = rich_books()
    placed = f"hold_{do(books, hold(amount=50)).number}"
    do(books, SetLimits(party="bob", currency="EUR", balance=149))
    assert "limit_exceeded" == refusal(books, CaptureHold(hold=placed))
    assert "done" == said(books, CaptureHold(hold=placed, amount=49))


def test_the_ledgers_limits_hold_for_every_party() -> None:
    books = rich_books()
    do(books, SetLedger(limits=[PartyLimit("EUR", per_payment=50)]))
    assert "limit_exceeded" == refusal(books, transfer(amount=51))
    assert "limit_exceeded" == refusal(books, transfer(from_="bob", to="ann", amount=51))
    do(books, SetLedger(name="other"))
    assert "limit_exceeded" == refusal(books, transfer(amount=51))
    do(books, SetLedger(limits=[]))
    assert books.settings.limits is None
    assert "done" == said(books, transfer(amount=51))


def test_a_partys_own_limits_in_a_currency_stand_in_place_of_all_of_the_ledgers() -> None:
    books = rich_books(per_payment=200)
    do(books, SetLedger(limits=[PartyLimit("EUR", per_payment=50, per_day_count=1), PartyLimit("JPY", per_payment=1)]))
    assert ["done", "done"] == [said(books, transfer(amount=150)) for _ in range(2)]
    do(books, deposit(amount=100, currency="JPY", rail="sepa"))
    assert "limit_exceeded" == refusal(books, transfer(amount=2, currency="JPY"))


def test_limits_in_one_currency_leave_the_others_alone() -> None:
    books = rich_books(per_day_sum=10)
    do(books, SetLimits(party="ann", currency="JPY", per_payment=7))
    do(books, deposit(amount=100, currency="JPY", rail="sepa"))
    assert "done" == said(books, transfer(amount=7, currency="JPY"))
    assert "limit_exceeded" == refusal(books, transfer(amount=8, currency="JPY"))
    assert "done" == said(books, transfer(amount=10))
    assert "limit_exceeded" == refusal(books, transfer(amount=1))


def test_limits_of_nothing_take_a_currencys_away() -> None:
    books = rich_books(per_payment=5)
    do(books, SetLimits(party="ann", currency="JPY", balance=7))
    do(books, SetLimits(party="ann", currency="EUR"))
    assert ["JPY"] == [limit.currency for limit in read_limits(books.party("ann", "").limits)]
    do(books, SetLimits(party="ann", currency="JPY"))
    assert [] == read_limits(books.party("ann", "").limits)


def test_limits_in_a_currency_that_is_no_longer_enabled_can_still_be_taken_away() -> None:
    books = rich_books(per_payment=5)
    do(books, SetLedger(currencies=["JPY"]))
    assert "currency_invalid" == refusal(books, SetLimits(party="ann", currency="EUR", per_payment=6))
    assert "done" == said(books, SetLimits(party="ann", currency="EUR"))


def test_a_partys_state_is_said_before_a_limit_and_a_limit_before_funds() -> None:
    books = rich_books(per_payment=5)
    assert "limit_exceeded" == refusal(books, transfer(amount=5000))
    do(books, FreezeParty(party="bob", mode="all"))
    assert "party_not_open" == refusal(books, transfer(amount=5000))


def test_the_day_of_another_time_zone_begins_at_its_own_midnight() -> None:
    books = rich_books(per_day_sum=100)
    do(books, transfer(amount=100))
    do(books, SetLedger(time_zone="Pacific/Kiritimati"))
    assert "done" == said(books, transfer(amount=100), START + 11 * HOUR)
    assert "limit_exceeded" == refusal(books, transfer(amount=1))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (SetLimits(party="nobody", currency="EUR", balance=1), "party_unknown"),
        (SetLimits(party="cleo", currency="EUR", balance=1), "party_not_open"),
        (SetLimits(party="ann", currency="INR", balance=1), "currency_invalid"),
    ],
)
def test_limits_are_set_of_open_parties_in_enabled_currencies(command: SetLimits, code: str) -> None:
    books = new_books()
    do(books, transfer(from_="bob", amount=100, to="ann"))
    do(books, CloseParty(party="bob"))
    if command.party == "cleo":
        command = SetLimits(party="bob", currency="EUR", balance=1)
    assert code == refusal(books, command)


@pytest.mark.parametrize(
    ("limits", "pointer", "code"),
    [
        ([PartyLimit("EUR", 5), PartyLimit("EUR", 6)], "/limits", "field_invalid"),
        ([PartyLimit("EUR", 5), PartyLimit("XXX", 6)], "/limits/1/currency", "currency_invalid"),
    ],
)
def test_what_can_never_be_right_about_a_ledgers_limits_is_named(
    limits: list[PartyLimit], pointer: str, code: str
) -> None:
    fault = SetLedger(limits=limits).fault()
    assert fault is not None
    assert (pointer, code) == (fault.pointer, fault.code)


amounts = st.integers(1, 60)
payments = st.lists(st.tuples(amounts, st.sampled_from((0, HOUR, 7 * HOUR, 24 * HOUR))), max_size=25)


@given(payments, st.none() | amounts, st.none() | st.integers(1, 120), st.none() | st.integers(1, 4))
def test_exactly_what_the_limits_leave_is_paid(
    asked: list[tuple[int, int]], per_payment: int | None, per_day_sum: int | None, per_day_count: int | None
) -> None:
    books = new_books()
    do(books, deposit(amount=10_000))
    limits = {"per_payment": per_payment, "per_day_sum": per_day_sum, "per_day_count": per_day_count}
    do(books, SetLimits(party="ann", currency="EUR", **limits))
    at, paid = START, dict[int, list[int]]()
    for amount, passed in asked:
        at += passed + 1
        today = paid.setdefault((at + HOUR) // (24 * HOUR), [])
        may = (
            (per_payment is None or amount <= per_payment)
            and (per_day_sum is None or sum(today) + amount <= per_day_sum)
            and (per_day_count is None or len(today) < per_day_count)
        )
        outcome = attempt(books, transfer(amount=amount), at)
        assert may == (not isinstance(outcome, LedgerError))
        if may:
            today.append(amount)
