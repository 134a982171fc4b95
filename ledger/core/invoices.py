"""Invoices: what a merchant has sold and is to be paid for, from the draft to the last cent.

A draft may change; once it is finalised it has a number, which counts per merchant without gaps, and only credit notes
lower it. Its reference (ISO 11649) holds the entry's number, so that a payer's bank transfer says what it pays.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chats import Chat, enter_chat
from ledger.core.commands import Command, Name, Result
from ledger.core.deadlines import time_of
from ledger.core.errors import Conflict, FieldError, Invalid, Refused
from ledger.core.fields import Currency, Memo, PartyRef, RailReference, Timestamp
from ledger.core.invoice_lines import totals
from ledger.core.itemised import Lines, WithLines
from ledger.core.open_invoices import OpenInvoices
from ledger.core.parties import check_is_not_closed, check_may_be_paid
from ledger.core.rows import Invoice, InvoiceNumbers, Party

InvoiceState = Literal["draft", "open", "paid", "void", "uncollectible"]
PAYABLE = ("open", "uncollectible")


class CreateInvoice(WithLines, kw_only=True):
    """Issue an invoice, or with `finalize: false` draft one. The totals are computed here; tax is reckoned per rate on
    the sum of its lines and rounded half up once (EN 16931), or is within the amounts if `tax_inclusive`."""

    kind = "invoice.create"
    private = ("memo", "lines")
    references = ("merchant", "customer")
    merchant: PartyRef
    customer: PartyRef | None = None
    currency: Currency
    lines: Lines
    tax_inclusive: bool = False
    due_at: Timestamp | None = None
    external_ref: RailReference | None = None
    memo: Memo | None = None
    chat: Chat | None = None
    finalize: bool = True

    def is_tax_inclusive(self) -> bool:
        """Whether the tax is within the amounts."""
        return self.tax_inclusive

    def fault(self) -> FieldError | None:
        """The references', texts', times' and lines' rules."""
        return shape.first(
            shape.reference("/merchant", self.merchant),
            shape.reference("/customer", self.customer),
            shape.currency(self.currency),
            shape.timestamp("/due_at", self.due_at),
            shape.text("/external_ref", self.external_ref, shape.REFERENCE_LENGTH_MAX),
            shape.text("/memo", self.memo),
            super().fault(),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """Both parties, the merchant's numbers, and whether its reference is taken."""
        yield from books.needs_of_party(self.merchant)
        yield from books.needs_of_party(self.customer)
        merchant = books.known_party(self.merchant)
        if merchant is not None:
            yield "invoice_numbers", merchant.id
            if self.external_ref is not None:
                yield "invoice_refs", (merchant.id, self.external_ref)

    def decide(self, books: Books) -> Result:
        """Enter it, with a number unless it is a draft."""
        books.check_currency(self.currency)
        merchant = books.party(self.merchant, "/merchant")
        customer = books.party(self.customer, "/customer") if self.customer is not None else None
        check_merchant(merchant, customer)
        check_may_be_invoiced(merchant, customer)
        check_reference_is_new(books, merchant.id, self.external_ref)
        reckoned = totals(self.lines, self.tax_inclusive)
        invoice = Invoice(
            entry=books.number,
            changed_by=books.number,
            merchant=merchant.id,
            customer=customer.id if customer is not None else None,
            currency=self.currency,
            state="draft",
            subtotal=reckoned.subtotal,
            tax=reckoned.tax,
            total=reckoned.total,
            lines_by=books.number,
            tax_inclusive=self.tax_inclusive,
            memo_by=books.number if self.memo is not None else None,
            due_at=time_of(self.due_at),
            external_ref=self.external_ref,
        )
        enter_chat(books, self.chat)
        set_invoice(books, None, finalized(books, invoice) if self.finalize else invoice)
        return None


class InvoiceAction(Command):
    """Something that is done to one invoice, which the path names."""

    invoice: str

    def needs(self, books: Books) -> Iterable[Name]:
        """The invoice, its parties, and the merchant's numbers."""
        yield from needs_of_invoice(books, shape.numbered("invoice", self.invoice))

    def found(self, books: Books) -> Invoice:
        """The invoice. Raises not_found."""
        return books.invoices.named(shape.numbered("invoice", self.invoice), self.invoice)


class FinalizeInvoice(InvoiceAction):
    """Give a draft its number: from now on it can be paid, and not be changed."""

    kind = "invoice.finalize"

    def decide(self, books: Books) -> Result:
        """Open it."""
        invoice = self.found(books)
        books.check_currency(invoice.currency, "")
        customer = books.party(invoice.customer, "") if invoice.customer is not None else None
        check_may_be_invoiced(books.party(invoice.merchant, ""), customer)
        if invoice.state != "draft":
            raise not_open(invoice, "it was finalised before")
        set_invoice(books, invoice, finalized(books, invoice))
        return None


class VoidInvoice(InvoiceAction):
    """Take an invoice back of which nothing was paid or credited."""

    kind = "invoice.void"

    def decide(self, books: Books) -> Result:
        """Void it. Raises invoice_not_open while anything is allocated."""
        invoice = self.found(books)
        if invoice.state not in ("draft", *PAYABLE):
            raise not_open(invoice, "it cannot be voided")
        if invoice.paid > 0 or invoice.credited > 0:
            raise not_open(invoice, "something of it was paid or credited; issue a credit note over the rest")
        set_invoice(books, invoice, with_changes(books, invoice, state="void"))
        return None


class WriteOffInvoice(InvoiceAction):
    """Mark an open invoice as uncollectible: it is not expected to be paid, but still may be."""

    kind = "invoice.uncollectible"

    def decide(self, books: Books) -> Result:
        """Mark it."""
        invoice = self.found(books)
        if invoice.state != "open":
            raise not_open(invoice, "only an open one can be uncollectible")
        set_invoice(books, invoice, with_changes(books, invoice, state="uncollectible"))
        return None


def needs_of_invoice(books: Books, number: int | None) -> Iterable[Name]:
    """What must be loaded to change an invoice: itself, its parties, and what is counted of them."""
    if number is None:
        return
    yield "invoices", number
    invoice = books.invoices.get(number)
    if invoice is not None:
        yield from books.needs_of_party(invoice.merchant)
        yield from books.needs_of_party(invoice.customer)
        yield "invoice_numbers", invoice.merchant


def finalized(books: Books, invoice: Invoice) -> Invoice:
    """A draft with its number."""
    number = next_number(books, invoice.merchant)
    return with_changes(books, invoice, state="open", number=number, finalized_on=books.today)


def next_number(books: Books, merchant: str) -> int:
    """The next number of a merchant's series, taken by this entry."""
    numbers = books.invoice_numbers.find(merchant)
    if numbers is None:
        books.add(books.invoice_numbers, InvoiceNumbers(books.number, books.number, merchant, 1))
        return 1
    return books.change(books.invoice_numbers, numbers, last=numbers.last + 1).last


def settled(invoice: Invoice) -> Invoice:
    """The invoice in the state that what is due leaves it in."""
    if invoice.due == 0:
        return msgspec.structs.replace(invoice, state="paid")
    return msgspec.structs.replace(invoice, state="open") if invoice.state == "paid" else invoice


def pay_invoice(books: Books, invoice: Invoice, amount: int) -> None:
    """Count so much more as paid of an invoice; a negative amount takes an allocation away."""
    set_invoice(books, invoice, with_payment(books, invoice, amount))


def with_payment(books: Books, invoice: Invoice, amount: int) -> Invoice:
    """The invoice with so much more paid, not yet written."""
    return settled(with_changes(books, invoice, paid=invoice.paid + amount))


def refund_invoice(books: Books, invoice: Invoice, amount: int) -> None:
    """Count so much more of an invoice as refunded, or less if that failed; it stays paid all the same."""
    set_invoice(books, invoice, with_changes(books, invoice, refunded=invoice.refunded + amount))


def set_invoice(books: Books, before: Invoice | None, after: Invoice) -> None:
    """Write an invoice, and keep what is known beside it: its reference, who has something open, what is to be paid."""
    books.put(books.invoices, after.entry, after)
    was_open, is_open = before is not None and before.state in PAYABLE, after.state in PAYABLE
    if was_open != is_open:
        books.count_open(after.merchant, 1 if is_open else -1)
        books.count_open(after.customer, 1 if is_open else -1)
        _keep_open_invoices(books, after, is_open)
    if after.external_ref is not None and (before is None or before.external_ref != after.external_ref):
        books.remember(books.invoice_refs, (after.merchant, after.external_ref), after.entry)
    if before is not None and before.external_ref is not None and before.external_ref != after.external_ref:
        books.remember(books.invoice_refs, (after.merchant, before.external_ref), None)


def _keep_open_invoices(books: Books, invoice: Invoice, is_open: bool) -> None:
    """Keep what is known of those that can be paid; where too few are left of them, they are loaded anew."""
    key = (invoice.merchant, invoice.customer, invoice.currency)
    if invoice.customer is None or not (key in books.open_invoices or books.open_invoices.complete):
        return
    known = (books.open_invoices.find(key) or OpenInvoices()).after(invoice, is_open)
    if known.suffices:
        books.remember(books.open_invoices, key, known)
    else:
        books.forget(books.open_invoices, key)


def check_reference_is_new(books: Books, merchant: str, reference: str | None) -> None:
    """Raise already_exists if a merchant has used its own reference before."""
    there = books.invoice_refs.find((merchant, reference)) if reference is not None else None
    if there is not None:
        detail = f"{merchant} has an invoice with the external_ref {reference} already: invoice_{there}."
        raise Conflict("already_exists", detail, existing=(f"invoice_{there}", there))


def check_merchant(merchant: Party, customer: Party | None) -> None:
    """Raise field_invalid for a person that would issue an invoice, same_party for a merchant's to itself."""
    if merchant.kind != "merchant":
        detail = f"{merchant.id} is a person; invoices are issued by merchants."
        raise Invalid.at("/merchant", "field_invalid", detail)
    if customer is not None and customer.id == merchant.id:
        raise Refused("same_party", f"Merchant and customer are both {merchant.id}. Name two parties.")


def check_may_be_invoiced(merchant: Party, customer: Party | None) -> None:
    """Raise party_not_open for a merchant that cannot be paid, or a customer who is closed: nothing may stay open with
    one."""
    check_may_be_paid(merchant)
    if customer is not None:
        check_is_not_closed(customer)


def with_changes(books: Books, invoice: Invoice, **changes: Any) -> Invoice:
    """The invoice as this entry leaves it."""
    return msgspec.structs.replace(invoice, changed_by=books.number, **changes)


def not_open(invoice: Invoice, why: str) -> Conflict:
    """The refusal of what the invoice's state does not allow."""
    return Conflict("invoice_not_open", f"invoice_{invoice.entry} is {invoice.state}: {why}.")
