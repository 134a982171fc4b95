"""Settlements: how many invoices one payment pays, in which currency, and whose invoices it may reopen."""

import pytest

from ledger.core.allocations import ALLOCATIONS_MAX, AskedAllocation
from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.drafts import UpdateInvoice
from ledger.core.errors import LedgerError
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice, FinalizeInvoice
from ledger.core.parties import CloseParty, CreateParty, FreezeParty
from ledger.core.reallocations import Reallocate
from ledger.core.settings import SetLedger
from ledger.core.settlements import MakeSettlement, SettleInvoice
from tests.core.refunding import invoices
from tests.core.stories import attempt, deposit, do, new_books, refusal, transfer

CUSTOMER = "customer-0123456789"


def issue(customer: str | None, amount: int, **fields: object) -> CreateInvoice:
    lines = [Line(description="bread", quantity=1, unit_amount=amount)]
    facts: dict[str, object] = {"merchant": "shop", "customer": customer, "currency": "EUR", "lines": lines}
    return CreateInvoice(**facts | fields)  # type: ignore[arg-type]


def books_with_many(count: int, external_ref: str) -> tuple[Books, list[str]]:
    """So many invoices of the shop's over 20.00 EUR, and a customer who can pay them; their ids."""
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, CreateParty(id=CUSTOMER, party_kind="person"))
    do(books, deposit(to=CUSTOMER, amount=2_000 * count))
    numbers = [
        do(books, issue(CUSTOMER, 2_000, external_ref=f"{external_ref}-{n:04}", due_at="2026-02-01T00:00:00Z")).number
        for n in range(count)
    ]
    return books, [f"invoice_{number}" for number in numbers]


def settle(names: list[str]) -> MakeSettlement:
    asked = [AskedAllocation(name, 1) for name in names]
    return MakeSettlement(payer=CUSTOMER, merchant="shop", amount=len(asked), currency="EUR", allocations=asked)


def refused(books: Books, command: Command) -> LedgerError:
    outcome = attempt(books, command)
    if not isinstance(outcome, LedgerError):
        raise TypeError(f"{command.kind} was done")
    return outcome


def test_one_payment_settles_a_hundred_invoices_and_says_so_of_more() -> None:
    books, _ = books_with_many(ALLOCATIONS_MAX + 5, "0fcd64a5-37a4-4ef1-aa54-d6ee11bd0f46")
    pay = MakeSettlement(payer=CUSTOMER, merchant="shop", amount=2_000 * ALLOCATIONS_MAX + 1, currency="EUR")
    error = refused(books, pay)
    assert "amount_exceeds_remaining" == error.code
    assert f"One payment settles at most {ALLOCATIONS_MAX} invoices" in error.detail
    assert "2000.00 EUR" in error.detail
    do(books, MakeSettlement(payer=CUSTOMER, merchant="shop", amount=2_000 * ALLOCATIONS_MAX, currency="EUR"))
    error = refused(books, pay)
    assert "100.00 EUR are due" in error.detail
    assert "at most" in error.detail
    assert "invoices" not in error.detail


def test_no_more_invoices_are_loaded_than_one_payment_settles_and_those_are_the_oldest() -> None:
    books, names = books_with_many(ALLOCATIONS_MAX + 5, "many")
    do(books, issue(CUSTOMER, 7, due_at="2026-03-01T00:00:00Z"))
    do(books, issue(CUSTOMER, 7, currency="JPY", due_at="2026-01-15T00:00:00Z"))
    first = do(books, issue(CUSTOMER, 7, due_at="2026-01-15T00:00:00Z"))
    pay = MakeSettlement(payer=CUSTOMER, merchant="shop", amount=2_007, currency="EUR")

    def needed() -> list[str]:
        return [f"invoice_{key}" for shelf, key in pay.needs(books) if shelf == "invoices"]

    oldest = [f"invoice_{first.number}", *names]
    assert oldest[:ALLOCATIONS_MAX] == needed()
    do(books, pay)
    assert oldest[2 : 2 + ALLOCATIONS_MAX] == needed()


def test_what_an_entry_cannot_hold_is_refused_with_what_to_do_instead() -> None:
    books, names = books_with_many(ALLOCATIONS_MAX, "ж" * 120)
    error = refused(books, settle(names))
    assert ("entry_too_large", True) == (error.code, "Pay fewer invoices at once" in error.detail)
    do(books, settle(names[:50]))
    do(books, settle(names[50:]))


def test_a_settlement_that_was_made_can_be_allocated_anew_if_need_be_in_steps() -> None:
    books, names = books_with_many(2 * ALLOCATIONS_MAX, "0fcd64a5-37a4-4ef1-aa54-d6ee11bd0f46")
    made, others = do(books, settle(names[:ALLOCATIONS_MAX])), names[ALLOCATIONS_MAX:]

    def reallocate(after: list[str]) -> Reallocate:
        return Reallocate(f"settlement_{made.number}", [AskedAllocation(name, 1) for name in after])

    error = refused(books, reallocate(others))
    assert ("entry_too_large", True) == (error.code, "Change fewer invoices at once" in error.detail)
    do(books, reallocate(others[:50] + names[50:ALLOCATIONS_MAX]))
    do(books, reallocate(others))


@pytest.mark.parametrize(
    "command",
    [
        SettleInvoice(invoice="invoice_9", payer="ann"),
        FinalizeInvoice(invoice="invoice_10"),
        MakeSettlement(payer="ann", merchant="shop", amount=1, currency="EUR"),
    ],
)
def test_nothing_is_issued_or_paid_in_a_currency_that_is_not_enabled(command: Command) -> None:
    books = new_books()
    for before in (
        CreateParty(id="shop", party_kind="merchant"),
        issue("ann", 50),
        issue("ann", 50, finalize=False),
        SetLedger(currencies=["JPY"]),
    ):
        do(books, before)
    assert "currency_invalid" == refusal(books, command)
    do(books, SetLedger(currencies=["EUR"]))
    assert refusal(books, command) is None


def books_with_closed() -> Books:
    """Entry 10 is a draft of the shop's for cem, who is closed; 12 one for nobody."""
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, CreateParty(id="cem", party_kind="person"))
    do(books, issue("cem", 50, finalize=False))
    do(books, CloseParty(party="cem"))
    do(books, issue(None, 50, finalize=False))
    return books


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (issue("cem", 50), "party_not_open"),
        (issue("cem", 50, finalize=False), "party_not_open"),
        (FinalizeInvoice(invoice="invoice_10"), "party_not_open"),
        (UpdateInvoice(invoice="invoice_12", customer="cem"), "party_not_open"),
        (UpdateInvoice(invoice="invoice_10", customer="ann"), None),
        (UpdateInvoice(invoice="invoice_12", customer="ann"), None),
        (FinalizeInvoice(invoice="invoice_12"), None),
    ],
)
def test_a_closed_party_gets_no_invoice(command: Command, code: str | None) -> None:
    assert code == refusal(books_with_closed(), command)


def test_a_frozen_party_may_be_sent_an_invoice() -> None:
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, FreezeParty(party="ann", mode="all"))
    assert refusal(books, issue("ann", 50)) is None


@pytest.mark.parametrize("closed", ["cem", "shop"])
def test_no_invoice_of_a_closed_party_is_reopened(closed: str) -> None:
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, CreateParty(id="cem", party_kind="person"))
    of_cem = do(books, issue("cem", 50))
    (other,) = invoices(books, 50)
    made = do(books, SettleInvoice(invoice=f"invoice_{of_cem.number}", payer="ann"))
    anew = Reallocate(f"settlement_{made.number}", [AskedAllocation(other, 50)])
    if closed == "shop":
        do(books, SettleInvoice(invoice=other, payer="bob", amount=50))
        do(books, transfer(from_="shop", to="ann", amount=100))
    do(books, CloseParty(party=closed))
    assert "party_not_open" == refusal(books, anew)
