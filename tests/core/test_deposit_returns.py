"""Returns of deposits: a rail took the money back, whatever had become of it here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.allocations import AskedAllocation
from ledger.core.books import Books
from ledger.core.charges import SetFees
from ledger.core.commands import Command
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.entries import BODY_BYTES_MAX, Entry, row_of
from ledger.core.errors import LedgerError
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.parties import CreateParty
from ledger.core.reallocations import Reallocate
from ledger.core.refunds import FailRefund, MakeRefund, PayRefund
from ledger.core.rows import Deposit
from ledger.core.suspense import PARTS_MAX, AllocateSuspense, ReturnSuspense
from tests.core.refunding import invoices, kept, legs, refund
from tests.core.stories import attempt, deposit, do, new_books, refusal, transfer
from tests.core.test_deposits import sum_of_debts

RECALL = ReturnDeposit(deposit="deposit_8", reason="recall")
RAIL = "rail:upi/clearing"


def books_with_item() -> Books:
    """Entry 8 brings 1.00 EUR for nobody known."""
    books = new_books()
    do(books, deposit(to=None, amount=100))
    return books


def allocate(amount: int | None = None, **fields: str) -> AllocateSuspense:
    return AllocateSuspense(suspense="suspense_8", amount=amount, **(fields or {"to": "ann"}))


def paid(books: Books, refunded: Entry) -> Entry:
    """The rail has paid what it was asked to give back."""
    return do(books, PayRefund(refund=f"refund_{refunded.number}", rail_reference=f"r{refunded.number}"))


def recalled(books: Books, command: ReturnDeposit = RECALL) -> tuple[int, list[tuple[str, str, int]]]:
    entry = do(books, command)
    assert "returned" == row_of(entry, Deposit).state
    assert isinstance(entry.result, dict)
    return entry.result["amount"], legs(entry)


def test_what_was_allocated_is_taken_of_whoever_got_it_and_the_rest_of_suspense() -> None:
    books = books_with_item()
    do(books, allocate(40))
    do(books, transfer(amount=120))
    assert (
        100,
        [("ann/available", RAIL, 20), ("ann/receivable", RAIL, 20), ("platform/suspense", RAIL, 60)],
    ) == recalled(books)
    assert 0 == books.balance("platform", "suspense", "EUR")
    assert 20 == sum_of_debts(books, "ann", "EUR") == books.balance("ann", "receivable", "EUR")
    assert "suspense_not_open" == refusal(books, allocate(1))


def test_what_one_party_got_in_several_parts_is_taken_of_it_at_once() -> None:
    books = books_with_item()
    for command in (allocate(30), allocate(30, to="bob"), allocate(40)):
        do(books, command)
    assert (100, [("ann/available", RAIL, 70), ("bob/available", RAIL, 30)]) == recalled(books)


def test_what_paid_an_invoice_out_of_suspense_is_taken_of_the_merchant_and_counts_as_refunded() -> None:
    books = books_with_item()
    (invoice,) = invoices(books, 60)
    do(books, SetFees(party="shop", bps=1_000))
    settlement = f"settlement_{do(books, allocate(invoice=invoice)).number}"
    assert (
        100,
        [("shop/available", RAIL, 54), ("shop/receivable", RAIL, 6), ("platform/suspense", RAIL, 40)],
    ) == recalled(books)
    payment, row = kept(books, settlement), books.invoices[int(invoice.removeprefix("invoice_"))]
    assert (60, books.number - 1) == (payment.refunded, payment.reversed_by)
    assert row is not None
    assert ("paid", 60, 60) == (row.state, row.paid, row.refunded)
    assert "already_reversed" == refusal(books, refund(settlement, 1))


def test_it_is_taken_of_the_invoices_that_the_money_pays_by_then() -> None:
    books = books_with_item()
    first, second = invoices(books, 60, 60)
    made = do(books, allocate(invoice=first))
    asked = [AskedAllocation(second, 60)]
    do(books, Reallocate(settlement=f"settlement_{made.number}", allocations=asked))
    do(books, RECALL)
    rows = [books.invoices[int(name.removeprefix("invoice_"))] for name in (first, second)]
    assert [("open", 0, 0), ("paid", 60, 60)] == [
        (row.state, row.paid, row.refunded) if row is not None else None for row in rows
    ]


def test_a_surplus_that_was_allocated_is_taken_of_whoever_got_it() -> None:
    books = new_books()
    (invoice,) = invoices(books, 60)
    made = do(books, deposit(to=None, invoice=invoice, amount=100))
    do(books, AllocateSuspense(suspense=f"suspense_{made.number}", to="bob", amount=10))
    do(books, ReturnSuspense(suspense=f"suspense_{made.number}", amount=10))
    command = ReturnDeposit(deposit=f"deposit_{made.number}", reason="recall")
    assert "refund_not_open" == refusal(books, command)
    do(books, PayRefund(refund=f"refund_{books.number - 1}", rail_reference="back"))
    assert (
        90,
        [("shop/available", RAIL, 60), ("bob/available", RAIL, 10), ("platform/suspense", RAIL, 20)],
    ) == recalled(books, command)


def test_what_was_sent_back_already_is_not_there_to_be_recalled() -> None:
    books = new_books()
    paid(books, do(books, refund("deposit_6", 30)))
    command = ReturnDeposit(deposit="deposit_6", reason="recall")
    assert (70, [("ann/available", RAIL, 70)]) == recalled(books, command)
    assert 100 == kept(books, "deposit_6").refunded
    assert "already_reversed" == refusal(books, refund("deposit_6", 1))
    assert "already_reversed" == refusal(books, command)


def test_of_suspense_too_only_what_was_not_sent_back_is_recalled() -> None:
    books = books_with_item()
    paid(books, do(books, ReturnSuspense(suspense="suspense_8", amount=25)))
    assert (75, [("platform/suspense", RAIL, 75)]) == recalled(books)


@pytest.mark.parametrize("of", ["deposit", "suspense", "settlement"])
def test_a_refund_on_its_way_over_the_rail_makes_the_return_wait(of: str) -> None:
    books = books_with_item()
    (invoice,) = invoices(books, 60)
    settlement = f"settlement_{do(books, allocate(invoice=invoice)).number}"
    commands: dict[str, tuple[Command, ReturnDeposit, int]] = {
        "deposit": (refund("deposit_6", 30), ReturnDeposit(deposit="deposit_6", reason="recall"), 100),
        "suspense": (ReturnSuspense(suspense="suspense_8", amount=30), RECALL, 100),
        "settlement": (refund(settlement, 30), RECALL, 100),
    }
    asked, command, whole = commands[of]
    for is_paid in (False, True):
        name = f"refund_{do(books, asked).number}"
        refused = attempt(books, command)
        assert isinstance(refused, LedgerError)
        assert ("refund_not_open", True) == (refused.code, name in refused.detail)
        do(books, PayRefund(refund=name, rail_reference=name) if is_paid else FailRefund(refund=name))
    assert whole - 30 == recalled(books, command)[0]


def test_of_what_was_sent_back_as_a_whole_nothing_can_be_recalled() -> None:
    books = books_with_item()
    paid(books, do(books, refund("deposit_6")))
    paid(books, do(books, ReturnSuspense(suspense="suspense_8")))
    for number in (6, 8):
        refused = attempt(books, ReturnDeposit(deposit=f"deposit_{number}", reason="recall"))
        assert isinstance(refused, LedgerError)
        assert ("already_reversed", True) == (refused.code, "sent back" in refused.detail)


def invoice_of_long_names(books: Books, number: int) -> str:
    """An invoice over 10^11 of a merchant of its own, which keeps nothing; everything is as long as it can be."""
    merchant, customer = f"{number:02}{'m' * 62}", f"{number:02}{'c' * 62}"
    do(books, CreateParty(id=merchant, party_kind="merchant"))
    do(books, CreateParty(id=customer, party_kind="person"))
    command = CreateInvoice(
        merchant=merchant,
        customer=customer,
        currency="EUR",
        lines=[Line("Tile", 1, 10**11)],
        due_at="2100-01-01T00:00:00.123456Z",
        external_ref="x" * 128,
        memo="memo",
    )
    return f"invoice_{do(books, command).number}"


def test_an_item_goes_to_so_many_that_its_recall_still_fits_into_an_entry() -> None:
    books = new_books()
    do(books, deposit(to=None, amount=10**13))
    for number in range(PARTS_MAX):
        name = invoice_of_long_names(books, number)
        do(books, allocate(invoice=name))
        do(books, transfer(from_=f"{number:02}{'m' * 62}", to="bob", amount=10**10))
    assert "limit_exceeded" == refusal(books, allocate(invoice=invoice_of_long_names(books, PARTS_MAX)))
    assert "limit_exceeded" == refusal(books, allocate(1))
    assert refusal(books, ReturnSuspense(suspense="suspense_8", amount=1)) is None
    do(books, FailRefund(refund=f"refund_{books.number - 1}"))
    entry = do(books, RECALL)
    assert isinstance(entry.result, dict)
    assert 10**13 == entry.result["amount"]
    assert len(entry.body) < BODY_BYTES_MAX - 5_000  # what longer numbers and taxes take


steps = st.lists(
    st.tuples(st.sampled_from(("ann", "bob", "invoice", "back", "fail", "refund", "pay")), st.integers(1, 40)),
    max_size=12,
)


def step(books: Books, invoice: str, kind: str, amount: int) -> Command:
    if kind in ("ann", "bob"):
        return allocate(amount, to=kind)
    if kind == "invoice":
        return allocate(amount, invoice=invoice)
    if kind == "back":
        return ReturnSuspense(suspense="suspense_8", amount=amount)
    if kind == "refund":
        payments = [each for each in books.payments.values() if each is not None and each.kind == "settlement"]
        return MakeRefund(of=f"settlement_{payments[-1].entry if payments else 1}", amount=amount, reason="r")
    last = max((each for each, row in books.refunds.items() if row is not None), default=1)
    name = f"refund_{last}"
    return FailRefund(refund=name) if kind == "fail" else PayRefund(refund=name, rail_reference=name)


@given(steps)
def test_the_rail_has_back_all_that_it_brought_whatever_became_of_it(story: list[tuple[str, int]]) -> None:
    books = books_with_item()
    (invoice,) = invoices(books, 70)
    for kind, amount in story:
        attempt(books, step(books, invoice, kind, amount))
    for refunded in [row for row in books.refunds.values() if row is not None and row.state == "requested"]:
        assert "refund_not_open" == refusal(books, RECALL)
        do(books, PayRefund(refund=f"refund_{refunded.entry}", rail_reference="x"))
    outcome = attempt(books, RECALL)
    assert not isinstance(outcome, LedgerError) or outcome.code == "already_reversed"
    assert 200 == books.balance("rail:upi", "clearing", "EUR")
    assert 0 == books.balance("platform", "suspense", "EUR")
    for party in ("ann", "bob", "shop"):
        assert books.balance(party, "receivable", "EUR") == sum_of_debts(books, party, "EUR")
