"""However finely what a rail brought was spread over invoices, one entry takes it back."""

import msgspec
import pytest

from ledger.core.allocations import AskedAllocation
from ledger.core.books import Books
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import BODY_BYTES_MAX, Entry
from ledger.core.errors import LedgerError
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.parties import CreateParty
from ledger.core.reallocations import Reallocate
from ledger.core.refunds import MakeRefund, PayRefund
from ledger.core.suspense import PARTS_MAX, AllocateSuspense
from tests.core.stories import attempt, deposit, do, new_books

INVOICES = 100


def invoices_of(books: Books, letters: int, number: int = 0) -> list[str]:
    """A hundred invoices over 10^11 each of a new merchant's to a new customer, with names of so many letters."""
    merchant, customer = (f"{number:02}{letter * letters}" for letter in "mc")
    do(books, CreateParty(id=merchant, party_kind="merchant"))
    do(books, CreateParty(id=customer, party_kind="person"))
    invoice = CreateInvoice(
        merchant=merchant,
        customer=customer,
        currency="EUR",
        lines=[Line("Tile", 1, 10**11)],
        due_at="2100-01-01T00:00:00.123456Z",
    )
    references = (f"{number:02}{'r' * letters * 2}" for number in range(INVOICES))
    made = (do(books, msgspec.structs.replace(invoice, external_ref=reference)) for reference in references)
    return [f"invoice_{entry.number}" for entry in made]


def spread(books: Books, settlement: str, invoices: list[str], amount: int) -> int:
    """Let a settlement pay as many invoices as it may, and give back a part of each; how many they are."""
    count = INVOICES + 1
    outcome: Entry | LedgerError | None = None
    while not isinstance(outcome, Entry):
        count -= 1
        parts = [amount - (count - 1) * 10, *[10] * (count - 1)]
        asked = [AskedAllocation(name, part) for name, part in zip(invoices, parts, strict=False)]
        outcome = attempt(books, Reallocate(settlement=settlement, allocations=asked))
        assert isinstance(outcome, Entry) or "limit_exceeded" == outcome.code
    refund = do(
        books, MakeRefund(of=settlement, allocations=[AskedAllocation(each.invoice, 1) for each in asked], reason="x")
    )
    do(books, PayRefund(refund=f"refund_{refund.number}", rail_reference="x" * 128))
    return count


@pytest.mark.parametrize(("letters", "least"), [(3, 5), (62, 3)])
def test_what_came_into_suspense_is_taken_back_from_however_many_invoices_it_paid(letters: int, least: int) -> None:
    books = new_books()
    item = do(books, deposit(to=None, amount=10**13)).number
    counts = set()
    for n in range(PARTS_MAX):
        invoices = invoices_of(books, letters, n)
        paid = do(books, AllocateSuspense(suspense=f"suspense_{item}", invoice=invoices[0], amount=10**11))
        counts.add(spread(books, f"settlement_{paid.number}", invoices, 10**11))
    assert least <= min(counts)
    assert len(do(books, ReturnDeposit(deposit=f"deposit_{item}", reason="r" * 500)).body) < BODY_BYTES_MAX - 5_000


@pytest.mark.parametrize(("letters", "least"), [(3, 100), (62, 70)])
def test_what_paid_an_invoice_is_taken_back_from_however_many_it_paid_in_the_end(letters: int, least: int) -> None:
    books = new_books()
    invoices = invoices_of(books, letters)
    paid = do(books, MakeDeposit(invoice=invoices[0], amount=10**11, currency="EUR", rail="upi", rail_reference="much"))
    assert least <= spread(books, f"settlement_{paid.number}", invoices, 10**11)
    taken = do(books, ReturnDeposit(deposit=f"deposit_{paid.number}", reason="r" * 500))
    assert len(taken.body) < BODY_BYTES_MAX - 5_000
