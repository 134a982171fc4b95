"""Drafts: what an invoice is before it is issued, when it may still change."""

from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Name, Result
from ledger.core.deadlines import time_of
from ledger.core.errors import FieldError, Invalid
from ledger.core.fields import Currency, Memo, PartyRef, RailReference, Timestamp
from ledger.core.invoice_lines import totals
from ledger.core.invoices import (
    check_merchant,
    check_reference_is_new,
    needs_of_invoice,
    not_open,
    set_invoice,
    with_changes,
)
from ledger.core.itemised import Lines, WithLines
from ledger.core.parties import check_is_not_closed
from ledger.core.rows import Invoice

Said = TypeVar("Said")


class UpdateInvoice(WithLines, kw_only=True):
    """Change a draft, as a merge patch (RFC 7396): what is left out stays, null takes away what need not be there.
    `currency` and `tax_inclusive` change together with the `lines` only, which are reckoned by them."""

    kind = "invoice.update"
    private = ("memo", "lines")
    references = ("customer",)
    invoice: str
    customer: PartyRef | UnsetType | None = UNSET
    currency: Currency | UnsetType = UNSET
    lines: Lines | UnsetType = UNSET
    tax_inclusive: bool | UnsetType = UNSET
    due_at: Timestamp | UnsetType | None = UNSET
    external_ref: RailReference | UnsetType | None = UNSET
    memo: Memo | UnsetType | None = UNSET

    def is_tax_inclusive(self) -> bool | None:
        """Whether the tax is within the amounts, if that is said."""
        return _said(self.tax_inclusive)

    def fault(self) -> FieldError | None:
        """The references', texts', times' and lines' rules."""
        if self.lines is UNSET and (self.tax_inclusive is not UNSET or self.currency is not UNSET):
            detail = "Send the lines too: they are reckoned by the currency and by tax_inclusive."
            return FieldError("/lines", "field_missing", detail)
        return shape.first(
            shape.reference("/customer", _said(self.customer)),
            shape.currency(self.currency) if self.currency is not UNSET else None,
            shape.timestamp("/due_at", _said(self.due_at)),
            shape.text("/external_ref", _said(self.external_ref), shape.REFERENCE_LENGTH_MAX),
            shape.text("/memo", _said(self.memo)),
            super().fault(),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """The invoice, its parties, and whether the reference is taken."""
        number = shape.numbered("invoice", self.invoice)
        yield from needs_of_invoice(books, number)
        yield from books.needs_of_party(_said(self.customer))
        invoice = books.invoices.get(number)
        if invoice is not None and _said(self.external_ref) is not None:
            yield "invoice_refs", (invoice.merchant, self.external_ref)

    def decide(self, books: Books) -> Result:
        """Change it. Raises invoice_not_open once it is no draft."""
        invoice = books.invoices.named(shape.numbered("invoice", self.invoice), self.invoice)
        if self.currency is not UNSET:
            books.check_currency(self.currency)
        named = _said(self.customer)
        customer = books.party(named, "/customer") if named is not None else None
        check_merchant(books.party(invoice.merchant, ""), customer)
        if customer is not None:
            check_is_not_closed(customer)
        if invoice.state != "draft":
            raise not_open(invoice, "only a draft can be changed; issue a credit note instead")
        if self.external_ref != invoice.external_ref:
            check_reference_is_new(books, invoice.merchant, _said(self.external_ref))
        given = {
            "customer": customer.id if customer is not None else self.customer,
            "currency": self.currency,
            "due_at": time_of(self.due_at) if isinstance(self.due_at, str) else self.due_at,
            "external_ref": self.external_ref,
            "memo_by": books.number if isinstance(self.memo, str) else self.memo,
        }
        changes = {name: value for name, value in given.items() if value is not UNSET}
        set_invoice(books, invoice, with_changes(books, invoice, **changes, **self._reckoned(books, invoice)))
        return None

    def _reckoned(self, books: Books, invoice: Invoice) -> dict[str, Any]:
        """What new lines change; prices are with tax where they were, unless it is said."""
        if self.lines is UNSET:
            return {}
        inclusive = self.tax_inclusive if self.tax_inclusive is not UNSET else invoice.tax_inclusive
        try:
            sums = totals(self.lines, inclusive)
        except ValueError as wrong:
            raise Invalid.at("/lines", "amount_invalid", str(wrong)) from None
        reckoned = {"subtotal": sums.subtotal, "tax": sums.tax, "total": sums.total}
        return reckoned | {"lines_by": books.number, "tax_inclusive": inclusive}


def _said(value: Said | UnsetType | None) -> Said | None:
    """A field that is neither null nor left out."""
    return None if value is UNSET else value
