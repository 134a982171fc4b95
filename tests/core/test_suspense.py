"""Suspense items: open until nothing of them is left; given to a party, to an invoice, or back to the rail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.entries import row_of
from ledger.core.errors import LedgerError
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice, VoidInvoice
from ledger.core.limits import SetLimits
from ledger.core.parties import CreateParty, FreezeParty
from ledger.core.rows import Payment, Refund
from ledger.core.settings import SetLedger
from ledger.core.suspense import AllocateSuspense, ReturnSuspense
from tests.core.stories import attempt, deposit, do, new_books, refusal

ITEM = "suspense_8"


def books_with_item(*more: Command) -> Books:
    """Entry 8 brings 1.00 EUR for nobody known; 9 is the shop, 10 its invoice over 0.60 EUR."""
    books = new_books()
    do(books, deposit(to=None, amount=100))
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, CreateInvoice(merchant="shop", currency="EUR", lines=[Line("Tile", 1, 60)]))
    for command in more:
        do(books, command)
    return books


def allocate(amount: int | None = None, **fields: str) -> AllocateSuspense:
    return AllocateSuspense(suspense=ITEM, amount=amount, **(fields or {"to": "bob"}))


STATES: dict[str, tuple[Command, ...]] = {
    "open": (),
    "open in part": (allocate(40),),
    "allocated": (allocate(),),
    "sent back": (ReturnSuspense(suspense=ITEM),),
    "recalled": (ReturnDeposit(deposit="deposit_8", reason="recall"),),
}
ACTIONS: dict[str, tuple[Command, tuple[str | None, ...]]] = {
    "allocate": (allocate(10), (None, None, *["suspense_not_open"] * 3)),
    "allocate the rest": (allocate(), (None, None, *["suspense_not_open"] * 3)),
    "allocate more": (allocate(101), (*["amount_exceeds_remaining"] * 2, *["suspense_not_open"] * 3)),
    "pay an invoice": (allocate(60, invoice="invoice_10"), (None, None, *["suspense_not_open"] * 3)),
    "send back": (ReturnSuspense(suspense=ITEM), (None, None, *["suspense_not_open"] * 3)),
    "send more back": (
        ReturnSuspense(suspense=ITEM, amount=101),
        (*["amount_exceeds_remaining"] * 2, *["suspense_not_open"] * 3),
    ),
    "recall": (
        ReturnDeposit(deposit="deposit_8", reason="recall"),
        (None, None, None, "refund_not_open", "already_reversed"),
    ),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("index", range(len(STATES)), ids=list(STATES))
def test_each_state_answers_each_action_as_the_table_says(action: str, index: int) -> None:
    books = books_with_item(*list(STATES.values())[index])
    command, answers = ACTIONS[action]
    assert answers[index] == refusal(books, command)


def test_what_pays_an_invoice_is_a_settlement_that_came_over_the_rail() -> None:
    entry = do(books_with_item(), allocate(invoice="invoice_10"))
    payment = row_of(entry, Payment)
    assert ("settlement", None, "upi", "shop", 60) == (
        payment.kind,
        payment.payer,
        payment.rail,
        payment.payee,
        payment.amount,
    )


def test_what_is_sent_back_is_a_refund_that_the_rail_has_yet_to_pay() -> None:
    books = books_with_item()
    refund = row_of(do(books, ReturnSuspense(suspense=ITEM, amount=30)), Refund)
    assert ("suspense", 8, "upi", 30, "requested") == (
        refund.of_kind,
        refund.of,
        refund.rail,
        refund.amount,
        refund.state,
    )
    assert (70, 30) == (books.balance("platform", "suspense", "EUR"), books.balance("rail:upi", "outbound", "EUR"))


@pytest.mark.parametrize(
    ("before", "command", "code"),
    [
        ([], allocate(to="ghost"), "party_unknown"),
        ([], allocate(invoice="invoice_99"), "not_found"),
        ([], AllocateSuspense(suspense="suspense_9", to="bob"), "not_found"),
        ([FreezeParty(party="bob", mode="all")], allocate(), "party_not_open"),
        ([FreezeParty(party="bob", mode="debits")], allocate(), None),
        ([VoidInvoice(invoice="invoice_10")], allocate(invoice="invoice_10"), "invoice_not_open"),
        ([], allocate(61, invoice="invoice_10"), "amount_exceeds_remaining"),
        ([SetLimits(party="bob", currency="EUR", balance=199)], allocate(), "limit_exceeded"),
        (
            [SetLimits(party="shop", currency="EUR", balance=1), VoidInvoice(invoice="invoice_10")],
            allocate(10, invoice="invoice_10"),
            "invoice_not_open",
        ),
        ([SetLimits(party="shop", currency="EUR", balance=1)], allocate(10, invoice="invoice_10"), "limit_exceeded"),
    ],
)
def test_it_goes_only_to_whom_may_have_it(before: list[Command], command: Command, code: str | None) -> None:
    assert code == refusal(books_with_item(*before), command)


def test_an_invoice_is_named_by_an_id_that_an_invoice_could_have() -> None:
    for name in ("\0", "invoice_0", "hold_8", "x" * 30_000):
        fault = allocate(invoice=name).fault()
        assert ("/invoice", "field_invalid") == (fault.pointer, fault.code) if fault is not None else False
    assert allocate(invoice="invoice_10").fault() is None


def test_what_waits_for_its_currency_to_be_enabled_goes_to_nobody_before_but_can_go_back() -> None:
    books = books_with_item(SetLedger(currencies=["JPY"]))
    assert "currency_invalid" == refusal(books, allocate())
    assert "currency_invalid" == refusal(books, allocate(invoice="invoice_10"))
    assert refusal(books, ReturnSuspense(suspense=ITEM, amount=10)) is None
    do(books, SetLedger(currencies=["EUR"]))
    assert refusal(books, allocate()) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=8))
def test_suspense_always_holds_what_its_open_items_have_left(steps: list[tuple[bool, int]]) -> None:
    books = books_with_item()
    left = 100
    for is_return, amount in steps:
        command = ReturnSuspense(suspense=ITEM, amount=amount) if is_return else allocate(amount)
        outcome = attempt(books, command)
        assert isinstance(outcome, LedgerError) == (amount > left)
        left -= amount if amount <= left else 0
        item = books.suspense_items[8]
        assert item is not None
        assert (left, "open" if left else "cleared") == (item.remaining, item.state)
        assert left == books.balance("platform", "suspense", "EUR")
