"""Refunds that the rail could not pay: everybody has, and owes, what they did before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.charges import SetFees
from ledger.core.entries import Entry, row_of, rows_of
from ledger.core.parties import CreateParty
from ledger.core.party_keys import SetPolicy
from ledger.core.payouts import RequestPayout
from ledger.core.refunds import FailRefund, MakeRefund, PayRefund
from ledger.core.rows import Receivable
from tests.core.refunding import WORKED_EXAMPLE, invoices, legs, refund
from tests.core.stories import deposit, do, new_books, refusal, transfer


def sold(amount: int, kept: int, **fees: object) -> tuple[Books, str]:
    """The shop, which may owe, sold something over a rail and has `kept` of it, or nothing if that is below 0; the id
    of the settlement."""
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, SetPolicy(party="shop", intents="never", receivable_allowed=True))
    if fees:
        do(books, SetFees(party="shop", **fees))  # type: ignore[arg-type]
    (invoice,) = invoices(books, amount)
    made = do(books, deposit(to=None, invoice=invoice, amount=amount, rail_reference="sold"))
    spare = books.balance("shop", "available", "EUR") - kept
    if spare > 0:
        do(books, transfer(from_="shop", to="ann", amount=spare))
    return books, f"settlement_{made.number}"


def standing(books: Books) -> tuple[int, ...]:
    shop = (books.balance("shop", role, "EUR") for role in ("available", "receivable"))
    return (*shop, books.balance("rail:upi", "outbound", "EUR"), books.balance("platform", "fees", "EUR"))


def fail(books: Books, made: Entry) -> Entry:
    return do(books, FailRefund(refund=f"refund_{made.number}"))


def test_a_debt_that_a_refund_made_is_gone_once_the_rail_could_not_pay_it() -> None:
    books, settlement = sold(100, 0)
    made = do(books, refund(settlement))
    assert [("shop/receivable", "rail:upi/outbound", 100)] == legs(made)
    failed = fail(books, made)
    assert [("rail:upi/outbound", "shop/receivable", 100)] == legs(failed)
    assert (made.number, 100, 0) == tuple(
        getattr(row_of(failed, Receivable), name) for name in ("entry", "amount", "remaining")
    )
    assert (0, 0, 0, 0) == standing(books)
    assert "insufficient_funds" == refusal(
        books, RequestPayout(party="shop", currency="EUR", rail="upi", destination="x", amount=1)
    )


def test_what_is_no_longer_owed_comes_back_as_money() -> None:
    books, settlement = sold(100, 30)
    made = do(books, refund(settlement))
    debt = row_of(made, Receivable)
    # Of the 70 owed another issue's collection has taken 50, which were the shop's.
    do(books, transfer(to="shop", amount=50))
    books.change(books.receivables, debt, remaining=20)
    books.account("shop", "available", "EUR").balance -= 50
    books.account("shop", "receivable", "EUR").balance += 50
    failed = fail(books, made)
    assert [("rail:upi/outbound", "shop/receivable", 20), ("rail:upi/outbound", "shop/available", 80)] == legs(failed)
    assert (80, 0, 0, 0) == standing(books)


def test_a_refund_that_made_no_debt_leaves_those_of_others_as_they_are() -> None:
    books, settlement = sold(100, 40)
    owing, covered = do(books, refund(settlement, 60)), do(books, refund("deposit_6", 5))
    assert 20 == row_of(owing, Receivable).remaining
    assert [] == rows_of(fail(books, covered), Receivable)
    assert (0, 20, 60, 0) == standing(books)


@given(
    st.integers(1, 2_000),
    st.integers(0, 2_000),
    st.lists(st.tuples(st.integers(1, 2_000), st.booleans()), min_size=1, max_size=4),
    st.booleans(),
)
def test_whatever_fails_leaves_all_as_it_was_before_it_was_asked_for(
    amount: int, kept: int, parts: list[tuple[int, bool]], has_fee: bool
) -> None:
    fees = WORKED_EXAMPLE | {"on_refund": "proportional"} if has_fee else {}
    books, settlement = sold(amount, kept, **fees)
    left = amount
    for part, is_paid in parts:
        if part > left:
            continue
        before = standing(books)
        made = do(books, refund(settlement, part))
        if is_paid:
            do(books, PayRefund(refund=f"refund_{made.number}", rail_reference="out"))
            left -= part
        else:
            fail(books, made)
            assert before == standing(books)


@pytest.mark.parametrize("of", ["\0", "x" * 30_000, "", "hold_8", "transfer_", "transfer_0", "suspense_8"])
def test_a_refund_names_what_could_be_a_payment(of: str) -> None:
    fault = refund(of).fault()
    assert ("/of", "field_invalid") == (fault.pointer, fault.code) if fault is not None else False
    assert refund("transfer_99").fault() is None


@pytest.mark.parametrize("name", ["\0", "invoice_8", ""])
def test_a_refund_names_what_could_be_a_credit_note(name: str) -> None:
    fault = MakeRefund(of="transfer_8", reason="faulty", credit_note=name).fault()
    assert ("/credit_note", "field_invalid") == (fault.pointer, fault.code) if fault is not None else False
    assert MakeRefund(of="transfer_8", reason="faulty", credit_note="credit_note_8").fault() is None
