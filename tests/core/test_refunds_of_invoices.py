"""Refunds of settlements: along the invoices that they paid, which stay paid."""

import pytest

from ledger.core.allocations import AskedAllocation, read_allocations
from ledger.core.charges import SetFees
from ledger.core.credit_notes import IssueCreditNote
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import row_of, rows_of
from ledger.core.errors import LedgerError
from ledger.core.refunds import FailRefund
from ledger.core.rows import Invoice, Refund
from tests.core.refunding import invoices, kept, legs, refund, settled
from tests.core.stories import attempt, do, new_books, refusal, transfer


def test_a_refund_of_several_invoices_goes_along_them_in_their_order() -> None:
    books = new_books()
    settlement, names = settled(books, 30, 40)
    made = do(books, refund(settlement, 35))
    assert [(30, 30), (40, 5)] == [
        (each.amount, each.refunded) for each in read_allocations(kept(books, settlement).allocations)
    ]
    assert [30, 5] == [each.refunded for each in rows_of(made, Invoice)]
    assert ["paid", "paid"] == [each.state for each in rows_of(made, Invoice)]
    do(books, refund(settlement))
    assert [30, 40] == [books.invoices[int(name.rpartition("_")[2])].refunded for name in names]  # type: ignore[union-attr]


def test_a_refund_can_say_of_which_invoices_it_is() -> None:
    books = new_books()
    settlement, (first, second) = settled(books, 30, 40)
    (other,) = invoices(books, 5)

    def said(amount: int | None, *asked: tuple[str, int]) -> str | None:
        return refusal(books, refund(settlement, amount, allocations=[AskedAllocation(*each) for each in asked]))

    assert "amount_exceeds_remaining" == said(31, (first, 31))
    assert "field_invalid" == said(5, (other, 5))
    assert "not_found" == said(5, ("invoice_99", 5))
    assert said(None, (second, 25)) is None
    assert "amount_exceeds_remaining" == said(16, (second, 16))
    assert said(16, (first, 1), (second, 15)) is None
    assert [1, 40] == [each.refunded for each in read_allocations(kept(books, settlement).allocations)]
    assert "field_invalid" == refusal(books, refund(do(books, transfer()), 5, allocations=[AskedAllocation(first, 5)]))


def test_a_refusal_says_what_of_an_invoice_can_still_be_refunded() -> None:
    books = new_books()
    settlement, (first, second) = settled(books, 30, 40)

    def refused(amount: int) -> str:
        error = attempt(books, refund(settlement, amount, allocations=[AskedAllocation(first, amount)]))
        assert isinstance(error, LedgerError)
        return error.detail

    assert f"Of what was paid of {first} 0.30 EUR can still be refunded. Ask for at most that." == refused(31)
    do(books, refund(settlement, 30))
    assert f"All that was paid of {first} was refunded. Nothing of it is left." == refused(1)
    do(books, refund(settlement, 40, allocations=[AskedAllocation(second, 40)]))


@pytest.mark.parametrize(
    ("amount", "asked"),
    [
        (5, [("invoice_8", 4)]),
        (5, []),
        (10, [("invoice_8", 5), ("invoice_8", 5)]),
        (5, [("hold_8", 5)]),
    ],
)
def test_allocations_name_each_invoice_once_and_sum_to_the_amount(amount: int, asked: list[tuple[str, int]]) -> None:
    fault = refund("settlement_8", amount, allocations=[AskedAllocation(*each) for each in asked]).fault()
    assert fault is not None
    assert "field_invalid" == fault.code


def test_a_refund_keeps_the_credit_note_on_account_of_which_it_was_given() -> None:
    books = new_books()
    settlement, (first, _) = settled(books, 30, 40)
    (other,) = invoices(books, 5)
    note, another = (
        f"credit_note_{do(books, IssueCreditNote(invoice=each, amount=5, reason='late')).number}"
        for each in (first, other)
    )
    assert "not_found" == refusal(books, refund(settlement, 5, credit_note="credit_note_99"))
    assert "field_invalid" == refusal(books, refund(settlement, 5, credit_note=another))
    made = do(books, refund(settlement, 5, credit_note=note))
    assert note == f"credit_note_{row_of(made, Refund).credit_note}"


def test_a_failed_refund_of_an_invoice_takes_back_what_it_had_counted() -> None:
    books = new_books()
    (name,) = invoices(books, 60)
    do(books, SetFees(party="shop", fixed=7, on_refund="proportional"))
    paid = do(books, MakeDeposit(invoice=name, amount=60, currency="EUR", rail="upi", rail_reference="third"))
    settlement = f"settlement_{paid.number}"
    assert "field_invalid" == refusal(books, refund(f"deposit_{paid.number}"))
    made = do(books, refund(settlement, 30))
    assert [
        ("platform/fees", "shop/available", 4),
        ("shop/available", "rail:upi/outbound", 30),
    ] == legs(made)
    assert [30] == [each.refunded for each in rows_of(made, Invoice)]
    failed = do(books, FailRefund(refund=f"refund_{made.number}"))
    assert [
        ("rail:upi/outbound", "shop/available", 30),
        ("shop/available", "platform/fees", 4),
    ] == legs(failed)
    assert [0] == [each.refunded for each in rows_of(failed, Invoice)]
    assert (0, 0) == (kept(books, settlement).refunded, kept(books, settlement).fee_returned)
    assert [0] == [each.refunded for each in read_allocations(kept(books, settlement).allocations)]
