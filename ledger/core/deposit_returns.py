"""Returns of deposits: a rail takes money back, whatever became of it here."""

from collections.abc import Iterable

from ledger.core import allocations, shape
from ledger.core.allocations import read_allocations
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError, NotFound
from ledger.core.fields import Reason
from ledger.core.invoices import find_invoice, needs_of_invoice, refund_invoice
from ledger.core.movements import RETURN_AS_DEBT, RETURN_FROM_BALANCE, RETURN_FROM_SUSPENSE
from ledger.core.rows import Deposit, Payment, Receivable


class ReturnDeposit(Command):
    """Book that a rail took a deposit back: a recall, a chargeback of a top-up. What was paid with it stays paid; who
    was credited gives it back, as far as the balance goes, and owes the rest."""

    kind = "deposit.return"
    private = ("reason",)
    deposit: str
    reason: Reason

    def fault(self) -> FieldError | None:
        """The text's rule."""
        return shape.required_text("/reason", self.reason, shape.MEMO_LENGTH_MAX)

    def needs(self, books: Books) -> Iterable[Name]:
        """The deposit, then whoever was credited, and the payment that it was."""
        number = shape.numbered("deposit", self.deposit)
        if number is None:
            return
        yield "deposits", number
        yield "suspense_items", number
        yield "payments", number
        deposit = books.deposits.get(number)
        if deposit is not None:
            yield "owners", rail_owner(deposit.rail)
            yield "owners", PLATFORM
            yield from books.needs_of_party(deposit.party)
            yield from books.needs_of_party(deposit.surplus_to)
        payment = books.payments.get(number)
        for each in read_allocations(payment.allocations) if payment is not None else ():
            yield from needs_of_invoice(books, each.invoice)

    def decide(self, books: Books) -> Result:
        """Take it from where it went: suspense, or a balance as far as it goes and the rest as a debt."""
        number = shape.numbered("deposit", self.deposit)
        deposit = books.deposits.find(number) if number is not None else None
        if deposit is None:
            raise NotFound("not_found", f"There is no deposit {self.deposit}.")
        if deposit.state == "returned":
            raise Conflict("already_reversed", f"{self.deposit} was returned before.")
        payment = books.payments.find(deposit.entry)
        if payment is not None and payment.refunded > 0:
            raise Conflict("already_reversed", f"{self.deposit} was refunded, wholly or in part.")
        owed = 0
        if deposit.party is not None:
            owed += self._take_back(books, deposit, deposit.party, deposit.amount - deposit.surplus)
            if payment is not None:
                self._undo_payment(books, payment)
        suspended = deposit.amount if deposit.party is None else deposit.surplus
        if suspended > 0 and deposit.surplus_to is not None:
            owed += self._take_back(books, deposit, deposit.surplus_to, suspended)
        elif suspended > 0:
            self._clear_suspense(books, deposit, suspended)
        books.change(books.deposits, deposit, state="returned")
        return {"amount": deposit.amount, "currency": deposit.currency, "receivable": owed}

    def _take_back(self, books: Books, deposit: Deposit, party: str, amount: int) -> int:
        """Take an amount from a party; what it owes of it now."""
        rail, currency = rail_owner(deposit.rail), deposit.currency
        covered = min(amount, books.balance(party, "available", currency))
        if covered > 0:
            books.post(RETURN_FROM_BALANCE, party, rail, covered, currency)
        short = amount - covered
        if short > 0:
            books.post(RETURN_AS_DEBT, party, rail, short, currency)
            before = books.receivables.get((books.number, party))
            owes = short + (before.amount if before is not None else 0)
            books.add(books.receivables, Receivable(books.number, books.number, party, owes, owes, currency))
        return short

    def _undo_payment(self, books: Books, payment: Payment) -> None:
        """Nothing of it is left to refund."""
        paid = read_allocations(payment.allocations)
        for each in paid:
            refund_invoice(books, find_invoice(books, each.invoice, ""), each.amount)
            each.refunded = each.amount
        kept = allocations.written(paid) if paid else None
        books.change(books.payments, payment, refunded=payment.amount, reversed_by=books.number, allocations=kept)

    def _clear_suspense(self, books: Books, deposit: Deposit, amount: int) -> None:
        item = books.suspense_items.find(deposit.entry)
        if item is None or item.remaining != amount:
            raise Conflict("suspense_not_open", f"suspense_{deposit.entry} has been allocated. Reverse that first.")
        books.post(RETURN_FROM_SUSPENSE, PLATFORM, rail_owner(deposit.rail), amount, deposit.currency)
        books.change(books.suspense_items, item, remaining=0, state="cleared")
