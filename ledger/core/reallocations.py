"""Reallocations: a settlement pays other invoices than was first said."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from ledger.core import allocations, shape
from ledger.core.allocations import ALLOCATION_LIST, Allocation, AskedAllocation, read_allocations
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.entries import canonical
from ledger.core.errors import FieldError, Invalid, NotFound, Refused
from ledger.core.invoices import needs_of_invoice, pay_invoice, with_payment
from ledger.core.money import format_amount
from ledger.core.parties import check_is_not_closed
from ledger.core.rows import Invoice, Payment, image
from ledger.core.settlements import check_are_in, check_are_of, check_invoice_is_open, check_is_payable
from ledger.core.suspense import PARTS_MAX

RECALL_BYTES_MAX = 45_000
"""Of the one entry that may have to take a deposit back, so much may be its invoices'; of an item's in suspense, each
part has its share."""
ALLOCATION_BYTES = 60


class Reallocate(Command):
    """Say anew which invoices a settlement pays; no money moves. What was refunded of an invoice stays with it."""

    kind = "settlement.reallocate"
    if_too_large = "Change fewer invoices at once, in several steps."
    settlement: str
    allocations: Annotated[list[AskedAllocation], ALLOCATION_LIST]

    def fault(self) -> FieldError | None:
        """Each invoice once."""
        return allocations.asked_fault(self.allocations)

    def needs(self, books: Books) -> Iterable[Name]:
        """The settlement, the invoices that it pays and those that it shall pay."""
        number = shape.numbered("settlement", self.settlement)
        if number is None:
            return
        yield "payments", number
        payment = books.payments.get(number)
        before = read_allocations(payment.allocations) if payment is not None else []
        after = [part.invoice for part in allocations.entries_of(self.allocations)]
        for invoice in {*after, *(each.invoice for each in before)}:
            yield from needs_of_invoice(books, invoice)
        if payment is not None and payment.rail is not None:
            yield "deposits", number

    def decide(self, books: Books) -> Result:
        """Give each invoice what it gets more, or less, than before."""
        payment = self._payment(books)
        parts = allocations.entries_of(self.allocations)
        invoices = [books.invoices.named(part.invoice, f"invoice_{part.invoice}") for part in parts]
        check_are_of(invoices, payment.payee)
        check_are_in(invoices, payment.currency)
        before = {each.invoice: each for each in read_allocations(payment.allocations)}
        more = {number: -each.amount for number, each in before.items()}
        for part in parts:
            more[part.invoice] = more.get(part.invoice, 0) + part.amount
        self._check_reopened(books, more)
        # What an invoice has already may be more than is due, after a credit note: only what is added has to be due.
        added = [(invoice, more[invoice.entry]) for invoice in invoices if more[invoice.entry] > 0]
        for invoice, _ in added:
            check_invoice_is_open(invoice)
        if sum(more.values()):
            whole = format_amount(payment.amount, payment.currency)
            raise Invalid.at("/allocations", "amount_invalid", f"The allocations have to sum to {whole}.")
        for number, each in before.items():
            if each.amount + more[number] < each.refunded:
                given = format_amount(each.refunded, payment.currency)
                detail = f"{given} of it were refunded for invoice_{number}. Leave at least that with it."
                raise Refused("amount_exceeds_remaining", detail)
        for invoice, amount in added:
            check_is_payable(invoice, amount)
        self._check_recall_fits(books, payment, invoices)
        for number, amount in more.items():
            if amount:
                pay_invoice(books, books.invoices.named(number, ""), amount)
        after = [
            Allocation(part.invoice, part.amount, before[part.invoice].refunded if part.invoice in before else 0)
            for part in parts
        ]
        books.change(books.payments, payment, allocations=allocations.written(after))
        return None

    def _check_reopened(self, books: Books, more: dict[int, int]) -> None:
        """Raise party_not_open where an invoice would be open again whose merchant or customer is closed for good."""
        for number, amount in more.items():
            invoice = books.invoices.named(number, f"invoice_{number}")
            if amount < 0 and invoice.state == "paid" and with_payment(books, invoice, amount).state != "paid":
                for party in (invoice.merchant, invoice.customer):
                    if party is not None:
                        check_is_not_closed(books.party(party, ""))

    def _check_recall_fits(self, books: Books, payment: Payment, invoices: Sequence[Invoice]) -> None:
        """Raise limit_exceeded where what came over a rail would pay more invoices than one entry can take back."""
        if payment.rail is None or len(invoices) == 1:
            return
        is_deposit = books.deposits.find(payment.entry) is not None
        size = sum(len(canonical(image(invoice, Invoice))) + ALLOCATION_BYTES for invoice in invoices)
        if size > RECALL_BYTES_MAX // (1 if is_deposit else PARTS_MAX):
            detail = (
                "The rail may take its money back by one entry, into which so many do not fit. Name fewer invoices."
            )
            raise Refused.at("/allocations", "limit_exceeded", detail)

    def _payment(self, books: Books) -> Payment:
        number = shape.numbered("settlement", self.settlement)
        payment = books.payments.find(number) if number is not None else None
        if payment is None or payment.kind != "settlement":
            raise NotFound("not_found", f"There is no settlement {self.settlement}.")
        return payment
