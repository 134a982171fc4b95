"""Outside moves: where the money goes, that a reference books once, and the order of refusals."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.errors import LedgerError
from ledger.core.money import AMOUNT_MAX
from ledger.core.outside_moves import MoveBetweenBanks, PrefundRail, SettleRail
from ledger.core.rails import RegisterBank
from ledger.core.settings import SetLedger
from tests.core.stories import attempt, do, new_books, refusal

OWNERS = (("rail:upi", "clearing"), ("bank:bank", "cash"), ("bank:other", "cash"), ("platform", "fee_costs"))
AT_FIRST = (200, 0, 0, 0)
"""What upi, both banks and the costs come to in new books."""


def books_of_two_banks() -> Books:
    books = new_books()
    do(books, RegisterBank(id="other", currency="EUR", purpose="own"))
    do(books, RegisterBank(id="tokyo", currency="JPY", purpose="own"))
    return books


def settle(**fields: Any) -> SettleRail:
    facts: dict[str, Any] = {"rail": "upi", "bank": "bank", "amount": 90, "currency": "EUR", "reference": "s1"}
    return SettleRail(**facts | fields)


def prefund(**fields: Any) -> PrefundRail:
    facts: dict[str, Any] = {"rail": "upi", "bank": "bank", "amount": 90, "currency": "EUR", "reference": "s1"}
    return PrefundRail(**facts | fields)


def move(**fields: Any) -> MoveBetweenBanks:
    facts: dict[str, Any] = {"bank": "bank", "to": "other", "amount": 90, "currency": "EUR", "reference": "s1"}
    return MoveBetweenBanks(**facts | fields)


def money(books: Books) -> tuple[int, ...]:
    return tuple(books.balance(owner, role, "EUR") for owner, role in OWNERS)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (settle(), (110, 90, 0, 0)),
        (settle(fee=10), (100, 90, 0, 10)),
        (prefund(), (290, -90, 0, 0)),
        (prefund(fee=10), (290, -100, 0, 10)),
        (move(), (200, -90, 90, 0)),
        (move(fee=10), (200, -100, 90, 10)),
    ],
)
def test_a_move_and_its_fee_go_where_the_plan_says(command: Command, expected: tuple[int, ...]) -> None:
    books = books_of_two_banks()
    assert AT_FIRST == money(books)
    do(books, command)
    assert expected == money(books)


@pytest.mark.parametrize(
    ("command", "name"), [(settle(), "rail_settle_10"), (prefund(), "rail_prefund_10"), (move(), "bank_move_10")]
)
def test_a_reference_books_once_and_the_refusal_names_what_is_there(command: Command, name: str) -> None:
    books = books_of_two_banks()
    do(books, command)
    again = attempt(books, command)
    assert isinstance(again, LedgerError)
    assert ("already_exists", (name, 10)) == (again.code, again.existing)


def test_a_reference_of_another_kind_rail_or_bank_is_another_one() -> None:
    books = books_of_two_banks()
    others = (settle(), settle(rail="sepa"), settle(bank="other"), settle(reference="s2"), prefund(), move())
    assert [None] * 7 == [refusal(books, command) for command in (*others, move(bank="other", to="bank"))]
    assert "already_exists" == refusal(books, move(amount=1, to="bank", bank="other"))
    assert "already_exists" == refusal(books, settle(amount=1, fee=1))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (settle(rail="none", bank="none"), "rail_unknown"),
        (prefund(rail="none", bank="none"), "rail_unknown"),
        (settle(bank="none"), "not_found"),
        (prefund(bank="none"), "not_found"),
        (move(bank="none"), "not_found"),
        (move(to="none"), "not_found"),
        (settle(bank="tokyo"), "currency_mismatch"),
        (settle(currency="JPY"), "currency_mismatch"),
        (prefund(bank="tokyo"), "currency_mismatch"),
        (move(to="tokyo"), "currency_mismatch"),
        (move(bank="tokyo", to="other"), "currency_mismatch"),
        (settle(currency="HRK"), "currency_invalid"),
        (settle(effective_on="2026-01-02"), "timestamp_invalid"),
        (prefund(amount=AMOUNT_MAX), "balance_overflow"),
    ],
)
def test_a_move_that_cannot_be_is_refused_with_the_reason(command: Command, code: str) -> None:
    books = books_of_two_banks()
    assert code == refusal(books, command)
    assert AT_FIRST == money(books)


def test_a_move_between_a_bank_and_itself_is_a_wrong_field() -> None:
    fault = move(to="bank").fault()
    assert fault is not None
    assert ("/to", "field_invalid") == fault[:2]


@pytest.mark.parametrize(
    "command",
    [settle(rail="UPI"), settle(reference="a\x00b"), settle(effective_on="31.12."), move(bank=""), prefund(memo="\n")],
)
def test_what_a_move_is_called_has_a_form_to_keep_to(command: Command) -> None:
    assert command.fault() is not None


def test_a_currency_that_is_not_enabled_any_more_undoes_nothing_that_happened() -> None:
    books = books_of_two_banks()
    do(books, SetLedger(currencies=["JPY"]))
    assert refusal(books, settle()) is None


def test_a_move_counts_for_the_day_on_which_the_bank_booked_it() -> None:
    entry = do(books_of_two_banks(), settle(effective_on="2025-12-31"))
    assert date(2025, 12, 31) == entry.effective_on


facts: dict[str, st.SearchStrategy[Any]] = {
    "amount": st.integers(1, 500),
    "fee": st.integers(0, 20),
    "reference": st.sampled_from("abcd"),
}
banks = st.sampled_from(("bank", "other"))
moves: st.SearchStrategy[SettleRail | PrefundRail | MoveBetweenBanks] = st.one_of(
    st.builds(settle, bank=banks, **facts),
    st.builds(prefund, bank=banks, **facts),
    st.builds(move, bank=st.just("bank"), to=st.just("other"), **facts),
    st.builds(move, bank=st.just("other"), to=st.just("bank"), **facts),
)


@given(st.lists(moves, max_size=20))
def test_whatever_moves_outside_the_parties_money_and_what_is_ours_for_it_stay_the_same(
    story: list[SettleRail | PrefundRail | MoveBetweenBanks],
) -> None:
    books = books_of_two_banks()
    booked = set()
    for command in story:
        is_new = command.key not in booked
        assert (None if is_new else "already_exists") == refusal(books, command)
        booked.add(command.key)
        clearing, bank, other, costs = money(books)
        assert sum(AT_FIRST) == clearing + bank + other + costs
        assert 200 == books.balance("ann", "available", "EUR") + books.balance("bob", "available", "EUR")
