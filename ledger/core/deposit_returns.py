"""Returns of deposits: a rail takes money back, whatever became of it here."""

from collections.abc import Iterable, Sequence

from ledger.core import allocations, shape
from ledger.core.allocations import read_allocations
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError
from ledger.core.fields import Reason
from ledger.core.giving_back import on_their_way
from ledger.core.invoices import needs_of_invoice, refund_invoice
from ledger.core.movements import RETURN_AS_DEBT, RETURN_FROM_BALANCE, RETURN_FROM_SUSPENSE
from ledger.core.rows import Deposit, Payment, Receivable, SuspenseItem
from ledger.core.suspense import Part, read_parts


class ReturnDeposit(Command):
    """Book that a rail took a deposit back: a recall, a chargeback of a top-up. What was paid with it stays paid; who
    was credited gives it back, as far as the balance goes, and owes the rest. What waits in suspense leaves it, and
    what a refund has sent back over the rail is no longer there to be taken."""

    kind = "deposit.return"
    private = ("reason",)
    if_too_large = "Allocate its settlements to fewer invoices first."
    deposit: str
    reason: Reason

    def fault(self) -> FieldError | None:
        """The text's rule."""
        return shape.required_text("/reason", self.reason, shape.MEMO_LENGTH_MAX)

    def needs(self, books: Books) -> Iterable[Name]:
        """The deposit, then whoever has got some of it, the payments that it was, and whether refunds are open."""
        number = shape.numbered("deposit", self.deposit)
        if number is None:
            return
        yield "deposits", number
        yield "suspense_items", number
        deposit = books.deposits.get(number)
        if deposit is not None:
            yield "owners", rail_owner(deposit.rail)
            yield "owners", PLATFORM
            yield from books.needs_of_party(deposit.surplus_to)
        parts = _parts_of(books.suspense_items.get(number))
        for part in parts:
            yield from books.needs_of_party(part.party)
        for entry in (number, *_settlements(parts)):
            yield "payments", entry
            yield "open_refunds", entry
            payment = books.payments.get(entry)
            if payment is not None:
                yield from books.needs_of_party(payment.payee)
                for each in read_allocations(payment.allocations):
                    yield from needs_of_invoice(books, each.invoice)

    def decide(self, books: Books) -> Result:
        """Take it from where it went: suspense, or a balance as far as it goes and the rest as a debt."""
        deposit = books.deposits.named(shape.numbered("deposit", self.deposit), self.deposit)
        item = books.suspense_items.find(deposit.entry)
        parts = _parts_of(item)
        entries = (deposit.entry, *_settlements(parts))
        self._check_may_be_returned(books, deposit, entries)
        payments = [payment for entry in entries if (payment := books.payments.find(entry)) is not None]
        credited = _credited(deposit, payments, parts)
        waiting = item.remaining if item is not None else 0
        amount = sum(credited.values()) + waiting
        if amount == 0:
            raise Conflict("already_reversed", f"All of {self.deposit} was sent back over {deposit.rail} before.")
        owed = sum(self._take_back(books, deposit, party, part) for party, part in credited.items() if part > 0)
        for payment in payments:
            self._undo_payment(books, payment)
        if item is not None and waiting > 0:
            books.post(RETURN_FROM_SUSPENSE, PLATFORM, rail_owner(deposit.rail), waiting, deposit.currency)
            books.change(books.suspense_items, item, remaining=0, state="cleared")
        books.change(books.deposits, deposit, state="returned")
        return {"amount": amount, "currency": deposit.currency, "receivable": owed}

    def _check_may_be_returned(self, books: Books, deposit: Deposit, entries: Iterable[int]) -> None:
        """Raise already_reversed, and refund_not_open while the rail may yet send some of it back."""
        if deposit.state == "returned":
            raise Conflict("already_reversed", f"{self.deposit} was returned before.")
        for entry in entries:
            for refund in on_their_way(books, entry):
                detail = (
                    f"refund_{refund} of it is on its way over {deposit.rail}. Book what became of that (/paid or "
                    "/failed), then the return under a new key."
                )
                raise Conflict("refund_not_open", detail)

    def _take_back(self, books: Books, deposit: Deposit, party: str, amount: int) -> int:
        """Take an amount from a party; what it owes of it now."""
        rail, currency = rail_owner(deposit.rail), deposit.currency
        covered = min(amount, books.balance(party, "available", currency))
        if covered > 0:
            books.post(RETURN_FROM_BALANCE, party, rail, covered, currency)
        short = amount - covered
        if short > 0:
            books.post(RETURN_AS_DEBT, party, rail, short, currency)
            books.add(books.receivables, Receivable(books.number, books.number, party, short, short, currency))
        return short

    def _undo_payment(self, books: Books, payment: Payment) -> None:
        """Nothing of it is left to refund."""
        if payment.refunded == payment.amount:
            return
        paid = read_allocations(payment.allocations)
        for each in paid:
            if each.refunded < each.amount:
                refund_invoice(books, books.invoices.named(each.invoice, ""), each.amount - each.refunded)
            each.refunded = each.amount
        kept = allocations.written(paid) if paid else None
        books.change(books.payments, payment, refunded=payment.amount, reversed_by=books.number, allocations=kept)


def _parts_of(item: SuspenseItem | None) -> list[Part]:
    return read_parts(item.allocated) if item is not None else []


def _settlements(parts: Sequence[Part]) -> list[int]:
    """The entries of what paid invoices out of suspense."""
    return [part.settlement for part in parts if part.settlement is not None]


def _credited(deposit: Deposit, payments: Sequence[Payment], parts: Sequence[Part]) -> dict[str, int]:
    """What each party has got of a deposit and not sent back: as the payments that it was, as its surplus, and out of
    suspense."""
    credited: dict[str, int] = {}
    got = [(payment.payee, payment.amount - payment.refunded) for payment in payments]
    if deposit.surplus_to is not None:
        got.append((deposit.surplus_to, deposit.surplus))
    got += [(part.party, part.amount) for part in parts if part.settlement is None]
    for party, amount in got:
        credited[party] = credited.get(party, 0) + amount
    return credited
