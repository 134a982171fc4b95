"""Drafts: what an invoice is before it is issued, when it may still change."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Name, Result
from ledger.core.errors import FieldError
from ledger.core.fields import Currency, Memo, PartyRef, RailReference, Timestamp
from ledger.core.invoice_lines import totals
from ledger.core.invoices import (
    check_merchant,
    check_reference_is_new,
    find_invoice,
    needs_of_invoice,
    not_open,
    set_invoice,
    time_of,
)
from ledger.core.itemised import WithLines


class UpdateInvoice(WithLines, kw_only=True):
    """Change a draft. What is left out stays; `lines` come with their memo and `tax_inclusive`, which are replaced with
    them."""

    kind = "invoice.update"
    private = ("memo", "lines")
    references = ("customer",)
    invoice: str
    customer: PartyRef | None = None
    currency: Currency | None = None
    due_at: Timestamp | None = None
    external_ref: RailReference | None = None
    memo: Memo | None = None

    def fault(self) -> FieldError | None:
        """The references', texts', times' and lines' rules."""
        if self.lines is None and (self.memo is not None or self.tax_inclusive or self.currency is not None):
            detail = "Send the lines too: memo, currency and tax_inclusive are replaced together with them."
            return FieldError("/lines", "field_missing", detail)
        return shape.first(
            shape.reference("/customer", self.customer),
            shape.currency(self.currency) if self.currency is not None else None,
            shape.timestamp("/due_at", self.due_at),
            shape.text("/external_ref", self.external_ref, shape.REFERENCE_LENGTH_MAX),
            shape.text("/memo", self.memo),
            super().fault(),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """The invoice, its parties, and whether the reference is taken."""
        number = shape.numbered("invoice", self.invoice)
        yield from needs_of_invoice(books, number)
        yield from books.needs_of_party(self.customer)
        invoice = books.invoices.get(number)
        if invoice is not None and self.external_ref is not None:
            yield "invoice_refs", (invoice.merchant, self.external_ref)

    def decide(self, books: Books) -> Result:
        """Change it. Raises invoice_not_open once it is no draft."""
        invoice = find_invoice(books, shape.numbered("invoice", self.invoice), self.invoice)
        if self.currency is not None:
            books.check_currency(self.currency)
        customer = books.party(self.customer, "/customer") if self.customer is not None else None
        check_merchant(books.party(invoice.merchant, ""), customer)
        if invoice.state != "draft":
            raise not_open(invoice, "only a draft can be changed; issue a credit note instead")
        if self.external_ref != invoice.external_ref:
            check_reference_is_new(books, invoice.merchant, self.external_ref)
        changes: dict[str, Any] = {}
        if self.lines is not None:
            reckoned = totals(self.lines, self.tax_inclusive)
            changes |= {"subtotal": reckoned.subtotal, "tax": reckoned.tax, "total": reckoned.total}
            changes |= {"lines_by": books.number, "tax_inclusive": self.tax_inclusive}
        given = {
            "customer": customer.id if customer is not None else None,
            "currency": self.currency,
            "due_at": time_of(self.due_at),
            "external_ref": self.external_ref,
        }
        changes |= {name: value for name, value in given.items() if value is not None}
        set_invoice(books, invoice, msgspec.structs.replace(invoice, changed_by=books.number, **changes))
        return None
