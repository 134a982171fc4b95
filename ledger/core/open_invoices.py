"""The invoices of a merchant's that a customer can pay in a currency, the oldest first: by when they are due, those
without a date last, and then by when they were made."""

from datetime import UTC, datetime
from typing import NamedTuple, Self

from ledger.core.allocations import ALLOCATIONS_MAX
from ledger.core.rows import Invoice

KNOWN_MAX = 3 * ALLOCATIONS_MAX
"""So many are loaded at once, however many there are: one payment settles a third of them."""
NO_DATE = datetime.max.replace(tzinfo=UTC)


class OpenInvoice(NamedTuple):
    """When an invoice is due, and its entry; neither changes while it can be paid."""

    due_at: datetime
    entry: int


class OpenInvoices(NamedTuple):
    """The `oldest`; all others are younger, and `is_all` says that there are none."""

    oldest: tuple[OpenInvoice, ...] = ()
    is_all: bool = True

    @property
    def suffices(self) -> bool:
        """Whether all that one payment settles are known."""
        return self.is_all or len(self.oldest) >= ALLOCATIONS_MAX

    @property
    def entries(self) -> list[int]:
        """The entries of the oldest, as many as one payment settles."""
        return [each.entry for each in self.oldest[:ALLOCATIONS_MAX]]

    def after(self, invoice: Invoice, can_be_paid: bool) -> Self:
        """What is known once an invoice can be paid, or no longer."""
        this = OpenInvoice(invoice.due_at or NO_DATE, invoice.entry)
        others = [each for each in self.oldest if each != this]
        if not can_be_paid:
            return self._replace(oldest=tuple(others))
        oldest = sorted([*others, this])
        # What comes after the last that is known has its place among those that are not.
        return self if oldest[-1] == this and not self.is_all else self._replace(oldest=tuple(oldest))
