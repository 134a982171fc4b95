"""Invoices: each state with each action, the totals, the numbers; what is due after payments and credit notes."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.allocations import AskedAllocation, read_allocations
from ledger.core.books import Books
from ledger.core.charges import SetFees
from ledger.core.commands import Command, differing_fields
from ledger.core.credit_notes import IssueCreditNote
from ledger.core.creditor_references import creditor_reference, printed
from ledger.core.deposits import MakeDeposit
from ledger.core.drafts import UpdateInvoice
from ledger.core.entries import Entry, read_body, row_of, rows_of
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice, FinalizeInvoice, VoidInvoice, WriteOffInvoice
from ledger.core.parties import CloseParty, CreateParty, FreezeParty
from ledger.core.reallocations import Reallocate
from ledger.core.rows import Invoice, Payment
from ledger.core.settlements import MakeSettlement, SettleInvoice
from tests.core.stories import do, new_books, refusal

LINES = [Line("Tiles", 4, 25)]


def invoice(**fields: object) -> CreateInvoice:
    """The shop charges ann 1.00 EUR."""
    facts: dict[str, object] = {"merchant": "shop", "customer": "ann", "currency": "EUR", "lines": LINES}
    return CreateInvoice(**facts | fields)  # type: ignore[arg-type]


def settle(amount: int | None = None, number: int = 9, payer: str = "ann") -> SettleInvoice:
    return SettleInvoice(invoice=f"invoice_{number}", payer=payer, amount=amount)


def books_with_shop() -> Books:
    """Ann and bob have 1.00 EUR each; entry 8 is the shop."""
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    return books


NAME = "invoice_9"
STATES: dict[str, list[Command]] = {
    "draft": [invoice(finalize=False)],
    "open": [invoice()],
    "paid in part": [invoice(), settle(40)],
    "credited in part": [invoice(), IssueCreditNote(invoice=NAME, amount=40, reason="late")],
    "paid": [invoice(), settle()],
    "void": [invoice(), VoidInvoice(invoice=NAME)],
    "uncollectible": [invoice(), WriteOffInvoice(invoice=NAME)],
}
ACTIONS: dict[str, tuple[Command, dict[str, str | None]]] = {
    "update": (UpdateInvoice(invoice=NAME, lines=LINES), {"draft": None}),
    "finalize": (FinalizeInvoice(invoice=NAME), {"draft": None}),
    "void": (VoidInvoice(invoice=NAME), {"draft": None, "open": None, "uncollectible": None}),
    "write off": (WriteOffInvoice(invoice=NAME), {"open": None, "paid in part": None, "credited in part": None}),
    "settle": (
        settle(10),
        {"open": None, "paid in part": None, "credited in part": None, "uncollectible": None},
    ),
    "settle too much": (
        settle(101),
        dict.fromkeys(("open", "paid in part", "credited in part", "uncollectible"), "amount_exceeds_remaining"),
    ),
    "credit": (
        IssueCreditNote(invoice=NAME, amount=10, reason="late"),
        dict.fromkeys(("open", "paid in part", "credited in part", "paid", "uncollectible"), None),
    ),
    "credit too much": (
        IssueCreditNote(invoice=NAME, amount=101, reason="late"),
        dict.fromkeys(
            ("open", "paid in part", "credited in part", "paid", "uncollectible"), "amount_exceeds_remaining"
        ),
    ),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_state_answers_each_action_as_the_table_says(state: str, action: str) -> None:
    books = books_with_shop()
    for command in STATES[state]:
        do(books, command)
    command, answers = ACTIONS[action]
    assert answers.get(state, "invoice_not_open") == refusal(books, command)


@pytest.mark.parametrize(
    ("payments", "credits", "state", "due", "refundable"),
    [
        ([], [], "open", 100, 0),
        ([60], [], "open", 40, 0),
        ([60], [40], "paid", 0, 0),
        ([60], [50], "paid", 0, 10),
        ([100], [100], "paid", 0, 100),
        ([], [100], "paid", 0, 0),
    ],
)
def test_what_is_due_and_what_can_be_refunded_follow_from_what_was_paid_and_credited(
    payments: list[int], credits: list[int], state: str, due: int, refundable: int
) -> None:
    books = books_with_shop()
    do(books, invoice())
    for amount in payments:
        do(books, settle(amount))
    for amount in credits:
        do(books, IssueCreditNote(invoice=NAME, amount=amount, reason="late"))
    row = books.invoices[9]
    assert row is not None
    assert (state, due, refundable) == (row.state, row.due, row.refundable)


def test_numbers_have_no_gaps_whatever_is_drafted_voided_or_refused() -> None:
    books = books_with_shop()
    do(books, invoice(finalize=False))
    do(books, invoice())
    assert "party_unknown" == refusal(books, invoice(customer="ghost"))
    do(books, IssueCreditNote(invoice="invoice_10", amount=1, reason="late"))
    do(books, FinalizeInvoice(invoice=NAME))
    do(books, VoidInvoice(invoice=NAME))
    do(books, invoice())
    numbers = [row.number for row in books.invoices.values() if row is not None]
    assert [3, 1, 4] == numbers
    assert [2] == [row.number for row in books.credit_notes.values() if row is not None]


def test_an_external_reference_is_used_once_by_each_merchant() -> None:
    books = books_with_shop()
    do(books, CreateParty(id="cafe", party_kind="merchant"))
    do(books, invoice(external_ref="A"))
    assert "already_exists" == refusal(books, invoice(external_ref="A"))
    do(books, invoice(merchant="cafe", external_ref="A"))
    do(books, invoice(finalize=False))
    assert "already_exists" == refusal(books, UpdateInvoice(invoice="invoice_12", external_ref="A"))


def test_a_person_issues_no_invoices_and_nobody_bills_themselves() -> None:
    books = books_with_shop()
    assert "field_invalid" == refusal(books, invoice(merchant="bob"))
    assert "same_party" == refusal(books, invoice(customer="shop"))
    assert "same_party" == refusal(books, MakeSettlement(payer="shop", merchant="shop", amount=1, currency="EUR"))


def test_a_fee_leaves_the_merchant_by_legs_of_its_own_after_the_whole_amount_came() -> None:
    books = books_with_shop()
    do(books, SetFees(party="shop", bps=1000, fixed=2, tax_code="gst", tax_bps=5000))
    do(books, invoice())
    entry = do(books, settle(number=10))
    assert [
        ("ann/available", "shop/available", 100),
        ("shop/available", "platform/fees", 12),
        ("shop/available", "tax:gst/payable", 6),
    ] == [(posting.debit.path, posting.credit.path, posting.amount) for posting in entry.postings]
    assert (12, 6) == (row_of(entry, Payment).fee, row_of(entry, Payment).fee_tax)


def test_on_one_payment_over_several_invoices_the_fixed_fee_is_taken_once() -> None:
    books = books_with_shop()
    do(books, SetFees(party="shop", fixed=10))
    for _ in range(2):
        do(books, invoice(lines=[Line("Tile", 1, 40)]))
    entry = do(books, MakeSettlement(payer="ann", merchant="shop", amount=80, currency="EUR"))
    assert 10 == row_of(entry, Payment).fee
    assert 70 == books.balance("shop", "available", "EUR")


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 100))
def test_one_payment_goes_to_the_oldest_due_first_and_to_the_last_unit(totals: list[int], amount: int) -> None:
    books = books_with_shop()
    for total in totals:
        do(books, invoice(lines=[Line("Tile", 1, total)]))
    command = MakeSettlement(payer="ann", merchant="shop", amount=amount, currency="EUR")
    if amount > sum(totals):
        assert "amount_exceeds_remaining" == refusal(books, command)
        return
    entry = do(books, command)
    shares = {each.invoice: each.amount for each in read_allocations(row_of(entry, Payment).allocations)}
    left = amount
    for number, total in enumerate(totals, 9):
        assert min(left, total) == shares.get(number, 0)
        left -= min(left, total)


def test_a_reallocation_moves_no_money_and_opens_what_it_leaves() -> None:
    books = books_with_shop()
    for _ in range(2):
        do(books, invoice(lines=[Line("Tile", 1, 50)]))
    do(books, settle(50))
    anew = [AskedAllocation("invoice_9", 10), AskedAllocation("invoice_10", 40)]
    entry = do(books, Reallocate(settlement="settlement_11", allocations=anew))
    assert [] == entry.postings
    assert [("open", 10), ("open", 40)] == [(row.state, row.paid) for row in rows_of(entry, Invoice)]
    short = [AskedAllocation("invoice_9", 49)]
    assert "amount_invalid" == refusal(books, Reallocate(settlement="settlement_11", allocations=short))


def test_a_reallocation_leaves_an_overpaid_invoice_what_it_has_and_adds_nothing_to_it() -> None:
    books = books_with_shop()
    for _ in range(2):
        do(books, invoice(lines=[Line("Tile", 1, 60)]))
    do(books, settle(40))
    do(books, IssueCreditNote(invoice=NAME, amount=29, reason="late"))
    name = "settlement_11"
    as_it_is = [AskedAllocation("invoice_9", 40)]
    assert refusal(books, Reallocate(settlement=name, allocations=as_it_is)) is None
    less = [AskedAllocation("invoice_9", 39), AskedAllocation("invoice_10", 1)]
    assert refusal(books, Reallocate(settlement=name, allocations=less)) is None
    assert "invoice_not_open" == refusal(books, Reallocate(settlement=name, allocations=as_it_is))


def test_an_invoice_of_another_merchant_is_missed_before_currencies_are_compared() -> None:
    books = books_with_shop()
    do(books, invoice())
    do(books, CreateParty(id="other", party_kind="merchant"))
    do(books, invoice(merchant="other"))
    both = [AskedAllocation("invoice_9", 1), AskedAllocation("invoice_11", 1)]
    command = MakeSettlement(payer="ann", merchant="shop", amount=2, currency="JPY", allocations=both)
    assert "not_found" == refusal(books, command)


def test_money_over_a_rail_pays_the_invoice_that_its_reference_names_and_the_rest_goes_to_the_payer() -> None:
    books = books_with_shop()
    do(books, invoice())
    reference = printed(creditor_reference(9)).lower()
    deposit = MakeDeposit(payer="bob", amount=130, currency="EUR", rail="upi", rail_reference="x", reference=reference)
    assert 100 == row_of(do(books, deposit), Payment).amount
    assert (130, 100) == (books.balance("bob", "available", "EUR"), books.balance("shop", "available", "EUR"))


def test_a_frozen_payer_or_merchant_settles_nothing() -> None:
    for party, mode in (("ann", "debits"), ("shop", "all")):
        books = books_with_shop()
        do(books, invoice())
        do(books, FreezeParty(party=party, mode=mode))  # type: ignore[arg-type]
        assert "party_not_open" == refusal(books, settle())


def test_a_party_with_an_open_invoice_cannot_be_closed() -> None:
    books = books_with_shop()
    do(books, invoice())
    assert "party_not_empty" == refusal(books, CloseParty(party="shop"))
    do(books, VoidInvoice(invoice=NAME))
    assert refusal(books, CloseParty(party="shop")) is None


def test_the_body_has_the_amounts_of_the_lines_and_not_their_words() -> None:
    books = books_with_shop()
    entry: Entry = do(books, invoice(memo="thanks"))
    request = msgspec.json.decode(read_body(entry.body).request)
    assert (4, 25) == (request["lines"][0]["quantity"], request["lines"][0]["unit_amount"])
    assert b"Tiles" not in entry.body
    private = json.loads(entry.private or "{}")
    assert ["Tiles"] == private["lines"]
    again = CreateInvoice.recalled(request, private)
    assert LINES == again.lines
    assert [] == differing_fields(request, private, invoice(memo="thanks"))
    assert ["lines"] == differing_fields(request, private, invoice(memo="thanks", lines=[Line("Tile", 4, 25)]))
    erased = CreateInvoice.recalled(request, {})
    assert [4] == [line.quantity for line in erased.lines]
    assert "null" in msgspec.json.encode(erased.lines).decode()
