"""Credit notes: an invoice that was issued is lowered, never changed."""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Name, Result
from ledger.core.errors import FieldError, Invalid, Refused
from ledger.core.fields import Amount, Reason
from ledger.core.invoice_lines import Totals, totals
from ledger.core.invoices import (
    PAYABLE,
    needs_of_invoice,
    next_number,
    not_open,
    set_invoice,
    settled,
    with_changes,
)
from ledger.core.itemised import WithLines
from ledger.core.money import format_amount
from ledger.core.rows import CreditNote, Invoice


class IssueCreditNote(WithLines, kw_only=True):
    """Lower an invoice by an amount, or by lines reckoned like its own. What that leaves paid beyond what is due may be
    refunded."""

    kind = "invoice.credit"
    private = ("reason", "lines")
    invoice: str
    amount: Amount | None = None
    reason: Reason

    def fault(self) -> FieldError | None:
        """An amount or lines, and the text's rule."""
        if (self.amount is None) == (self.lines is None):
            return FieldError("/amount", "field_invalid", "Give an amount or lines, one of the two.")
        return shape.first(shape.required_text("/reason", self.reason, shape.MEMO_LENGTH_MAX), super().fault())

    def needs(self, books: Books) -> Iterable[Name]:
        """The invoice, its parties, and the merchant's numbers."""
        yield from needs_of_invoice(books, shape.numbered("invoice", self.invoice))

    def decide(self, books: Books) -> Result:
        """Number it and lower what is due."""
        invoice = books.invoices.named(shape.numbered("invoice", self.invoice), self.invoice)
        if invoice.state not in ("paid", *PAYABLE):
            raise not_open(invoice, "a credit note needs an invoice that was issued")
        amount = self.amount if self.amount is not None else self._reckoned(invoice).total
        if amount > invoice.total - invoice.credited:
            left = format_amount(invoice.total - invoice.credited, invoice.currency)
            raise Refused("amount_exceeds_remaining", f"{left} of {self.invoice} can be credited. Credit at most that.")
        number = next_number(books, invoice.merchant)
        books.add(
            books.credit_notes,
            CreditNote(books.number, books.number, invoice.merchant, invoice.entry, number, amount, invoice.currency),
        )
        set_invoice(books, invoice, settled(with_changes(books, invoice, credited=invoice.credited + amount)))
        return None

    def _reckoned(self, invoice: Invoice) -> Totals:
        try:
            return totals(self.lines or [], invoice.tax_inclusive)
        except ValueError as wrong:
            raise Invalid.at("/lines", "amount_invalid", str(wrong)) from None
