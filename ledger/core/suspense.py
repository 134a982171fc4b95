"""Suspense: money that arrived and could not be credited is given to whom it belongs, pays an invoice, or goes back."""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.allocations import InvoiceId
from ledger.core.books import Books
from ledger.core.charges import charge, needs_of_charge
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError, NotFound, Refused
from ledger.core.fields import Amount, PartyRef, Reason
from ledger.core.invoices import find_invoice, needs_of_invoice
from ledger.core.limits import check_receiving
from ledger.core.money import format_amount
from ledger.core.movements import ALLOCATE, ALLOCATE_TO_INVOICE, SUSPENSE_RETURN
from ledger.core.parties import check_may_be_paid
from ledger.core.rows import Refund, SuspenseItem
from ledger.core.settlements import check_is_payable, enter_settlement


class AllocateSuspense(Command, kw_only=True):
    """Give an item, or a part of it, to the party that it belongs to, or to the invoice that it was meant to pay."""

    kind = "suspense.allocate"
    references = ("to",)
    suspense: str
    to: PartyRef | None = None
    invoice: InvoiceId | None = None
    amount: Amount | None = None

    def fault(self) -> FieldError | None:
        """A party or an invoice."""
        if (self.to is None) == (self.invoice is None):
            return FieldError("/to", "field_invalid", "Give to, a party, or invoice: one of the two.")
        return shape.reference("/to", self.to)

    def needs(self, books: Books) -> Iterable[Name]:
        """The item, and whom or what it goes to."""
        yield from _needs_of_item(self.suspense)
        yield from books.needs_of_party(self.to)
        if self.invoice is not None:
            number = shape.numbered("invoice", self.invoice)
            yield from needs_of_invoice(books, number)
            invoice = books.invoices.get(number)
            if invoice is not None:
                yield from needs_of_charge(books, invoice.merchant)

    def decide(self, books: Books) -> Result:
        """Move it. Raises suspense_not_open, and amount_exceeds_remaining for more than is left."""
        item = _found(books, self.suspense)
        if self.invoice is not None:
            self._pay_invoice(books, item, self.invoice)
        else:
            party = books.party(self.to or "", "/to")
            check_may_be_paid(party)
            check_is_open(item)
            amount = self.amount if self.amount is not None else item.remaining
            check_receiving(books, party, amount, item.currency)
            books.post(ALLOCATE, PLATFORM, party.id, take(books, item, amount), item.currency)
        return None

    def _pay_invoice(self, books: Books, item: SuspenseItem, name: str) -> None:
        invoice = find_invoice(books, shape.numbered("invoice", name), name)
        merchant = books.party(invoice.merchant, "")
        check_may_be_paid(merchant)
        check_is_open(item)
        if invoice.currency != item.currency:
            detail = f"{name} is in {invoice.currency}, the item in {item.currency}."
            raise Refused("currency_mismatch", detail)
        amount = self.amount if self.amount is not None else min(item.remaining, max(invoice.due, 1))
        check_receiving(books, merchant, amount, item.currency)
        check_is_payable(invoice, amount)
        books.post(ALLOCATE_TO_INVOICE, PLATFORM, merchant.id, take(books, item, amount), item.currency)
        charged = charge(books, merchant, amount, item.currency)
        enter_settlement(books, None, item.rail, merchant, [(invoice, amount)], item.currency, charged)


class ReturnSuspense(Command, kw_only=True):
    """Send an item, or a part of it, back over the rail by which it came. It is a refund, which the rail then pays."""

    kind = "suspense.return"
    private = ("reason",)
    suspense: str
    amount: Amount | None = None
    reason: Reason | None = None

    def fault(self) -> FieldError | None:
        """The text's rule."""
        return shape.required_text("/reason", self.reason, shape.MEMO_LENGTH_MAX) if self.reason is not None else None

    def needs(self, books: Books) -> Iterable[Name]:
        """The item and its rail."""
        yield from _needs_of_item(self.suspense)
        item = books.suspense_items.get(shape.numbered("suspense", self.suspense))
        if item is not None:
            yield "owners", rail_owner(item.rail)

    def decide(self, books: Books) -> Result:
        """Tell the rail to pay it."""
        item = _found(books, self.suspense)
        check_is_open(item)
        amount = take(books, item, self.amount if self.amount is not None else item.remaining)
        books.post(SUSPENSE_RETURN, PLATFORM, rail_owner(item.rail), amount, item.currency)
        refund = Refund(
            entry=books.number,
            changed_by=books.number,
            of=item.entry,
            of_kind="suspense",
            party=None,
            to=None,
            rail=item.rail,
            amount=amount,
            currency=item.currency,
            fee_returned=0,
            fee_tax_returned=0,
            state="requested",
        )
        books.add(books.refunds, refund)
        return None


def check_is_open(item: SuspenseItem) -> None:
    """Raise suspense_not_open once nothing of the item is left."""
    if item.state != "open":
        raise Conflict("suspense_not_open", f"suspense_{item.entry} is cleared.")


def take(books: Books, item: SuspenseItem, amount: int) -> int:
    """Lower what is left of an item by an amount. Raises amount_exceeds_remaining."""
    left = item.remaining - amount
    if left < 0:
        remaining = format_amount(item.remaining, item.currency)
        raise Refused("amount_exceeds_remaining", f"{remaining} of suspense_{item.entry} are left. Take at most that.")
    books.change(books.suspense_items, item, remaining=left, state="open" if left > 0 else "cleared")
    return amount


def _needs_of_item(name: str) -> Iterable[Name]:
    number = shape.numbered("suspense", name)
    if number is not None:
        yield "suspense_items", number
        yield "owners", PLATFORM


def _found(books: Books, name: str) -> SuspenseItem:
    number = shape.numbered("suspense", name)
    item = books.suspense_items.find(number) if number is not None else None
    if item is None:
        raise NotFound("not_found", f"There is no suspense item {name}.")
    return item
