"""Refunds: never more than was paid, the fee in proportion, and what the rail's word does."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.entries import row_of
from ledger.core.errors import LedgerError
from ledger.core.parties import CloseParty, FreezeParty
from ledger.core.party_keys import SetPolicy
from ledger.core.refunds import FailRefund, PayRefund
from ledger.core.rows import Payment, Receivable, Refund, SuspenseItem
from tests.core.refunding import WORKED_EXAMPLE, capture, kept, legs, refund
from tests.core.stories import attempt, deposit, do, new_books, refusal, transfer


def balances(books: Books, *owners: str) -> tuple[int, ...]:
    return tuple(books.balance(owner, "available", "EUR") for owner in owners)


def test_a_transfer_goes_back_in_parts_and_never_beyond_what_was_paid() -> None:
    books = new_books()
    paid = do(books, transfer(amount=50))
    first = do(books, refund(paid, 20))
    assert [("bob/available", "ann/available", 20)] == legs(first)
    assert ("succeeded", "bob", "ann", None) == (
        row_of(first, Refund).state,
        row_of(first, Refund).party,
        row_of(first, Refund).to,
        row_of(first, Refund).rail,
    )
    assert "amount_exceeds_remaining" == refusal(books, refund(paid, 31))
    rest = do(books, refund(paid))
    assert 30 == row_of(rest, Refund).amount
    for amount in (None, 1):
        nothing = attempt(books, refund(paid, amount))
        assert isinstance(nothing, LedgerError)
        assert ("amount_exceeds_remaining", True) == (nothing.code, nothing.detail.startswith("All of transfer_"))
    assert (100, 100) == balances(books, "ann", "bob")


def test_a_deposit_goes_back_over_its_rail_and_the_rail_says_when() -> None:
    books = new_books()
    asked = do(books, refund("deposit_6", 40))
    assert [("ann/available", "rail:upi/outbound", 40)] == legs(asked)
    assert ("requested", "upi", None) == (
        row_of(asked, Refund).state,
        row_of(asked, Refund).rail,
        row_of(asked, Refund).to,
    )
    paid = do(books, PayRefund(refund=f"refund_{asked.number}", rail_reference="out", fee=3))
    assert [
        ("rail:upi/outbound", "rail:upi/clearing", 40),
        ("platform/fee_costs", "rail:upi/clearing", 3),
    ] == legs(paid)
    assert ("succeeded", "out") == (row_of(paid, Refund).state, row_of(paid, Refund).rail_reference)


def test_a_refund_that_the_rail_could_not_pay_counts_no_more() -> None:
    books = new_books()
    asked = do(books, refund("deposit_6"))
    failed = do(books, FailRefund(refund=f"refund_{asked.number}", reason="account closed"))
    assert [("rail:upi/outbound", "ann/available", 100)] == legs(failed)
    assert 0 == row_of(failed, Payment).refunded
    assert refusal(books, refund("deposit_6")) is None


OUTCOMES: dict[str, Callable[[str], Command]] = {
    "paid": lambda name: PayRefund(refund=name, rail_reference="out"),
    "failed": lambda name: FailRefund(refund=name),
}


def refund_in(books: Books, state: str) -> str:
    made = do(books, refund(do(books, transfer()) if state == "given to a wallet" else "deposit_6", 5))
    name = f"refund_{made.number}"
    if state in OUTCOMES:
        do(books, OUTCOMES[state](name))
    return name


@pytest.mark.parametrize(
    ("state", "action"), [*itertools.product(("requested", "given to a wallet", "paid", "failed"), OUTCOMES)]
)
def test_the_rail_speaks_once_of_a_refund_over_it(state: str, action: str) -> None:
    books = new_books()
    name = refund_in(books, state)
    assert (None if state == "requested" else "refund_not_open") == refusal(books, OUTCOMES[action](name))


@pytest.mark.parametrize("action", OUTCOMES)
@pytest.mark.parametrize("name", ["refund_6", "refund_99", "deposit_6", "", "refund_0"])
def test_nothing_can_be_said_of_a_refund_that_is_not(name: str, action: str) -> None:
    assert "not_found" == refusal(new_books(), OUTCOMES[action](name))


@pytest.mark.parametrize(
    ("of", "code"),
    [
        ("transfer_99", "not_found"),
        ("hold_8", "not_found"),
        ("transfer_", "not_found"),
        ("", "not_found"),
        ("transfer_4", "not_found"),
        ("transfer_6", "field_invalid"),
        ("capture_6", "field_invalid"),
        ("deposit_6", None),
    ],
)
def test_what_is_refunded_is_a_payment_by_its_own_name(of: str, code: str | None) -> None:
    assert code == refusal(new_books(), refund(of))


def test_a_deposit_in_suspense_is_no_payment_yet() -> None:
    books = new_books()
    made = do(books, deposit(to=None))
    assert "not_found" == refusal(books, refund(made))


def test_a_returned_deposit_is_not_refunded() -> None:
    books = new_books()
    do(books, ReturnDeposit(deposit="deposit_6", reason="recalled"))
    assert "already_reversed" == refusal(books, refund("deposit_6"))


def test_the_fee_comes_back_in_proportion_before_the_money_goes() -> None:
    books = new_books()
    taken = capture(books, 10_000, **WORKED_EXAMPLE, on_refund="proportional")
    assert (9_622,) == balances(books, "shop")
    half = do(books, refund(taken, 5_000))
    assert [
        ("platform/fees", "shop/available", 160),
        ("tax:vat/payable", "shop/available", 29),
        ("shop/available", "ann/available", 5_000),
    ] == legs(half)
    do(books, refund(taken))
    assert (320, 58) == (kept(books, taken).fee_returned, kept(books, taken).fee_tax_returned)
    assert (0,) == balances(books, "shop")
    assert 0 == books.balance("platform", "fees", "EUR") == books.balance("tax:vat", "payable", "EUR")


def test_a_fee_that_is_kept_the_payee_has_to_bear() -> None:
    books = new_books()
    taken = capture(books, 10_000, **WORKED_EXAMPLE)
    assert "insufficient_funds" == refusal(books, refund(taken))
    assert [("shop/available", "ann/available", 9_622)] == legs(do(books, refund(taken, 9_622)))


def test_what_the_payee_is_short_of_it_owes_where_its_policy_allows_that() -> None:
    books = new_books()
    taken = capture(books, 10_000, **WORKED_EXAMPLE)
    do(books, SetPolicy(party="shop", intents="never", receivable_allowed=True))
    made = do(books, refund(taken))
    assert [("shop/available", "ann/available", 9_622), ("shop/receivable", "ann/available", 378)] == legs(made)
    assert ("shop", 378, 378) == (
        row_of(made, Receivable).party,
        row_of(made, Receivable).amount,
        row_of(made, Receivable).remaining,
    )


def test_a_policy_that_says_nothing_of_it_lets_nobody_owe() -> None:
    books = new_books()
    do(books, transfer(amount=100))
    assert "insufficient_funds" == refusal(books, refund("deposit_6"))
    do(books, SetPolicy(party="ann", intents="never", receivable_allowed=True))
    do(books, SetPolicy(party="ann", intents="never"))
    assert "insufficient_funds" == refusal(books, refund("deposit_6"))


def test_what_goes_back_over_a_rail_can_be_owed_too() -> None:
    books = new_books()
    do(books, SetPolicy(party="ann", intents="never", receivable_allowed=True))
    do(books, transfer(amount=100))
    assert [("ann/receivable", "rail:upi/outbound", 100)] == legs(do(books, refund("deposit_6")))


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ([FreezeParty(party="bob", mode="all")], None),
        ([FreezeParty(party="ann", mode="all")], None),
        ([transfer(amount=95), CloseParty(party="ann")], "party_not_open"),
        ([transfer(from_="bob", to="ann", amount=102)], "insufficient_funds"),
    ],
)
def test_a_freeze_never_stands_against_a_refund_but_a_closed_payer_does(
    before: list[Command], code: str | None
) -> None:
    books = new_books()
    paid = do(books, transfer(amount=5))
    for command in before:
        do(books, command)
    assert code == refusal(books, refund(paid))


def test_a_closed_payee_is_never_left_owing() -> None:
    books = new_books()
    paid = do(books, transfer(amount=5))
    do(books, SetPolicy(party="bob", intents="never", receivable_allowed=True))
    do(books, transfer(from_="bob", to="ann", amount=105))
    do(books, CloseParty(party="bob"))
    assert "insufficient_funds" == refusal(books, refund(paid))


def test_a_failed_return_of_suspense_lies_in_suspense_again() -> None:
    books = new_books()
    item = do(books, deposit(to=None, amount=9))
    returned = Refund(
        entry=books.number,
        changed_by=books.number,
        of=item.number,
        of_kind="suspense",
        party=None,
        to=None,
        rail="upi",
        amount=9,
        currency="EUR",
        fee_returned=0,
        fee_tax_returned=0,
        state="requested",
    )
    books.refunds[books.number] = returned
    books.suspense_items[item.number] = SuspenseItem.recalled(
        {**item.result["rows"]["suspense_items"][0], "remaining": 0, "state": "cleared"},  # type: ignore[index]
        item.number,
    )
    books.account("rail:upi", "outbound", "EUR").balance += 9
    books.account("platform", "suspense", "EUR").balance -= 9
    failed = do(books, FailRefund(refund=f"refund_{returned.entry}"))
    assert [("rail:upi/outbound", "platform/suspense", 9)] == legs(failed)
    assert ("open", 9) == (row_of(failed, SuspenseItem).state, row_of(failed, SuspenseItem).remaining)


amounts = st.integers(1, 400)
shares = st.integers(1, 40)
turns = st.lists(st.tuples(st.sampled_from(("give", "give", "give", "fail", "pay")), shares, st.integers(0, 9)))


@given(amounts, st.integers(0, 400), st.integers(0, 400), turns)
def test_in_however_many_refunds_all_of_a_payment_gives_back_exactly_all_of_its_fee(
    amount: int, fee: int, fee_tax: int, story: list[tuple[str, int, int]]
) -> None:
    fee = min(fee, amount)
    fee_tax = min(fee_tax, amount - fee)
    books = new_books()
    paid = do(books, deposit(amount=amount))
    charged = {"fee": fee, "fee_tax": fee_tax, "tax_code": "vat", "on_refund": "proportional"}
    books.payments[paid.number] = Payment(
        paid.number,
        paid.number,
        "deposit",
        None,
        "ann",
        amount,
        "EUR",
        "upi",
        **charged,  # type: ignore[arg-type]
    )
    do(books, transfer(amount=100))  # so that it has nothing to spare
    name, open_refunds = f"deposit_{paid.number}", []
    do(books, SetPolicy(party="ann", intents="never", receivable_allowed=True))
    for turn, share, which in story:
        if turn == "give":
            made = attempt(books, refund(name, share))
            if isinstance(made, LedgerError):
                assert "amount_exceeds_remaining" == made.code
                assert kept(books, name).refunded + share > amount
            else:
                open_refunds.append(f"refund_{made.number}")
        elif open_refunds:
            done = open_refunds.pop(which % len(open_refunds))
            do(books, FailRefund(refund=done) if turn == "fail" else PayRefund(refund=done, rail_reference="out"))
        check_is_within(books, kept(books, name))
    if kept(books, name).refunded < amount:
        do(books, refund(name))
    payment = kept(books, name)
    assert (amount, fee, fee_tax) == (payment.refunded, payment.fee_returned, payment.fee_tax_returned)


def check_is_within(books: Books, payment: Payment) -> None:
    """Refunded is within what was paid, returned within what was charged, and both are what the refunds sum to."""
    assert 0 <= payment.refunded <= payment.amount
    assert 0 <= payment.fee_returned <= payment.fee
    assert 0 <= payment.fee_tax_returned <= payment.fee_tax
    count = [each for each in books.refunds.values() if each is not None and each.state != "failed"]
    assert (payment.refunded, payment.fee_returned, payment.fee_tax_returned) == (
        sum(each.amount for each in count),
        sum(each.fee_returned for each in count),
        sum(each.fee_tax_returned for each in count),
    )
