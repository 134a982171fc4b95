"""Suspense: money that arrived and could not be credited is given to whom it belongs, pays an invoice, or goes back."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ledger.core import shape
from ledger.core.allocations import InvoiceId
from ledger.core.books import Books
from ledger.core.charges import charge, needs_of_charge
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.entries import canonical
from ledger.core.errors import Conflict, FieldError, Refused
from ledger.core.fields import Amount, PartyRef, Reason
from ledger.core.giving_back import request_refund
from ledger.core.invoices import needs_of_invoice
from ledger.core.limits import check_receiving
from ledger.core.money import format_amount
from ledger.core.movements import ALLOCATE, ALLOCATE_TO_INVOICE, SUSPENSE_RETURN
from ledger.core.parties import check_may_be_paid
from ledger.core.rows import Party, Refund, SuspenseItem
from ledger.core.settlements import check_invoice_is_open, check_is_payable, enter_settlement

PARTS_MAX = 20
"""Of an item: so many parts, each a merchant's for a few invoices, fit into the one entry that may have to take them
back."""


class Part(msgspec.Struct, omit_defaults=True):
    """So much of an item was allocated to a party, in minor units; to an invoice of its by the `settlement`, an
    entry."""

    party: str
    amount: int
    settlement: int | None = None


def read_parts(text: str | None) -> list[Part]:
    """The parts that an item's row keeps; [] if nothing of it was allocated."""
    return _read(text) if text is not None else []


_read = msgspec.json.Decoder(list[Part]).decode


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
        return shape.first(shape.reference("/to", self.to), shape.resource("/invoice", "invoice", self.invoice))

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
            books.check_currency(item.currency, "")
            check_may_be_paid(party)
            check_is_open(item)
            amount = self.amount if self.amount is not None else item.remaining
            check_receiving(books, party, amount, item.currency)
            books.post(ALLOCATE, PLATFORM, party.id, _give(books, item, Part(party.id, amount)), item.currency)
        return None

    def _pay_invoice(self, books: Books, item: SuspenseItem, name: str) -> None:
        invoice = books.invoices.named(shape.numbered("invoice", name), name)
        merchant = books.party(invoice.merchant, "")
        if invoice.currency != item.currency:
            detail = f"{name} is in {invoice.currency}, the item in {item.currency}."
            raise Refused("currency_mismatch", detail)
        books.check_currency(item.currency, "")
        check_may_be_paid(merchant)
        check_is_open(item)
        check_invoice_is_open(invoice)
        amount = self.amount if self.amount is not None else min(item.remaining, max(invoice.due, 1))
        check_receiving(books, merchant, amount, item.currency)
        check_is_payable(invoice, amount)
        given = _give(books, item, Part(merchant.id, amount, books.number))
        books.post(ALLOCATE_TO_INVOICE, PLATFORM, merchant.id, given, item.currency)
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
            yield "open_refunds", item.entry

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
        request_refund(books, refund)
        return None


def suspend(books: Books, rail: str, amount: int, currency: str, reason: str, meant_for: Party | None) -> None:
    """Enter what this entry puts into suspense: money that came over a rail, and for whom as far as that is known."""
    books.add(
        books.suspense_items,
        SuspenseItem(
            entry=books.number,
            changed_by=books.number,
            amount=amount,
            remaining=amount,
            currency=currency,
            reason=reason,
            arrived_on=books.today,
            state="open",
            rail=rail,
            party=meant_for.id if meant_for is not None else None,
        ),
    )


def check_is_open(item: SuspenseItem) -> None:
    """Raise suspense_not_open once nothing of the item is left."""
    if item.state != "open":
        raise Conflict("suspense_not_open", f"suspense_{item.entry} is cleared.")


def take(books: Books, item: SuspenseItem, amount: int, **changes: Any) -> int:
    """Lower what is left of an item by an amount. Raises amount_exceeds_remaining."""
    left = item.remaining - amount
    if left < 0:
        remaining = format_amount(item.remaining, item.currency)
        raise Refused("amount_exceeds_remaining", f"{remaining} of suspense_{item.entry} are left. Take at most that.")
    books.change(books.suspense_items, item, remaining=left, state="open" if left > 0 else "cleared", **changes)
    return amount


def _give(books: Books, item: SuspenseItem, given: Part) -> int:
    """Lower what is left of an item by a part, and keep who got it: the rail may recall it. Raises limit_exceeded."""
    parts = read_parts(item.allocated)
    before = next((each for each in parts if (each.party, each.settlement) == (given.party, given.settlement)), None)
    if before is not None:
        before.amount += given.amount
    elif len(parts) < PARTS_MAX:
        parts.append(given)
    else:
        detail = (
            f"suspense_{item.entry} went to {PARTS_MAX} parties and invoices, the most there can be. Give the rest to "
            "one of these parties, or send it back."
        )
        raise Refused("limit_exceeded", detail)
    return take(books, item, given.amount, allocated=canonical(parts).decode())


def _needs_of_item(name: str) -> Iterable[Name]:
    number = shape.numbered("suspense", name)
    if number is not None:
        yield "suspense_items", number
        yield "owners", PLATFORM


def _found(books: Books, name: str) -> SuspenseItem:
    return books.suspense_items.named(shape.numbered("suspense", name), name)
