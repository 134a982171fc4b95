"""Charges: whose schedule holds for a payment, and the legs by which the fee and its tax leave it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.charges import ClearFees, SetFees
from ledger.core.entries import Entry, row_of
from ledger.core.fees import FeeSchedule
from ledger.core.holds import CaptureHold, PlaceHold
from ledger.core.parties import CloseParty, CreateParty
from ledger.core.rows import Payment
from ledger.core.settings import SetLedger
from tests.core.stories import deposit, do, new_books, refusal, transfer

WORKED: dict[str, Any] = {"bps": 290, "fixed": 30, "tax_code": "gst", "tax_bps": 1_800}


def shop_books() -> Books:
    """Books with a merchant, the shop, and with 1,000.00 EUR of ann's."""
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, deposit(amount=100_000))
    return books


def capture(books: Books, amount: int = 10_000, to: str = "shop") -> Entry:
    hold = do(books, PlaceHold(from_="ann", to=to, amount=amount, currency="EUR"))
    return do(books, CaptureHold(hold=f"hold_{hold.number}"))


def taken(entry: Entry) -> tuple[int, int]:
    payment = row_of(entry, Payment)
    return payment.fee, payment.fee_tax


def test_the_whole_amount_reaches_the_payee_and_fee_and_tax_leave_as_legs_of_their_own() -> None:
    books = shop_books()
    do(books, SetFees(party="shop", **WORKED))
    entry = capture(books)
    assert [
        ("ann/held", "shop/available", 10_000),
        ("shop/available", "platform/fees", 320),
        ("shop/available", "tax:gst/payable", 58),
    ] == [(p.debit.path, p.credit.path, p.amount) for p in entry.postings]
    assert 9_622 == books.balance("shop", "available", "EUR")
    payment = row_of(entry, Payment)
    assert (320, 58, "gst", "keep") == (payment.fee, payment.fee_tax, payment.tax_code, payment.on_refund)


def test_a_merchant_without_a_schedule_of_its_own_is_charged_by_the_ledgers() -> None:
    books = shop_books()
    assert (0, 0) == taken(capture(books))
    do(books, SetLedger(fees=FeeSchedule(bps=100)))
    assert (100, 0) == taken(capture(books))
    do(books, SetFees(party="shop", bps=200))
    assert (200, 0) == taken(capture(books))
    do(books, ClearFees(party="shop"))
    assert (100, 0) == taken(capture(books))
    assert "not_found" == refusal(books, ClearFees(party="shop"))
    do(books, SetLedger(fees=None))
    assert (0, 0) == taken(capture(books))


def test_a_schedule_of_nothing_frees_a_merchant_from_the_ledgers() -> None:
    books = shop_books()
    do(books, SetLedger(fees=FeeSchedule(bps=100)))
    do(books, SetFees(party="shop"))
    assert (0, 0) == taken(capture(books))


def test_an_empty_schedule_takes_the_ledgers_fees_away_and_one_left_out_does_not() -> None:
    books = shop_books()
    do(books, SetLedger(fees=FeeSchedule(bps=100)))
    do(books, SetLedger(name="other"))
    assert (100, 0) == taken(capture(books))
    do(books, SetLedger(fees=FeeSchedule()))
    assert books.settings.fees is None
    assert (0, 0) == taken(capture(books))


def test_a_person_is_charged_by_a_schedule_of_its_own_alone() -> None:
    books = shop_books()
    do(books, SetLedger(fees=FeeSchedule(bps=100)))
    assert (0, 0) == taken(capture(books, to="bob"))
    do(books, SetFees(party="bob", bps=100))
    assert (100, 0) == taken(capture(books, to="bob"))


def test_a_transfer_is_not_charged() -> None:
    books = shop_books()
    do(books, SetFees(party="shop", bps=100))
    assert 1 == len(do(books, transfer(to="shop", amount=10_000)).postings)


@given(
    st.integers(1, 100_000),
    st.integers(0, 10_000),
    st.integers(0, 200_000),
    st.integers(0, 10_000),
)
def test_a_fee_never_leaves_the_payee_with_less_than_before(amount: int, bps: int, fixed: int, tax_bps: int) -> None:
    books = shop_books()
    do(books, SetFees(party="shop", bps=bps, fixed=fixed, tax_code="gst", tax_bps=tax_bps))
    fee, tax = taken(capture(books, amount))
    assert amount - fee - tax == books.balance("shop", "available", "EUR") >= 0
    assert (fee, tax) == (books.balance("platform", "fees", "EUR"), books.balance("tax:gst", "payable", "EUR"))


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"bps": 10_001}, "/bps", "field_invalid"),
        ({"fixed": -1}, "/fixed", "amount_invalid"),
        ({"min": 5, "max": 4}, "/min", "field_invalid"),
        ({"tax_bps": 1}, "/tax_code", "field_invalid"),
        ({"tax_code": "GST"}, "/tax_code", "field_invalid"),
    ],
)
def test_what_can_never_be_right_about_a_schedule_is_named(fields: dict[str, Any], pointer: str, code: str) -> None:
    fault = SetFees(party="shop", **fields).fault()
    assert fault is not None
    assert (pointer, code) == (fault.pointer, fault.code)


def test_fees_are_set_of_parties_that_are_there_and_open() -> None:
    books = shop_books()
    assert "party_unknown" == refusal(books, SetFees(party="nobody", bps=1))
    do(books, CloseParty(party="shop"))
    assert "party_not_open" == refusal(books, SetFees(party="shop", bps=1))
