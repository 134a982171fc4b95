"""Allocations: which part of a payment pays which invoice. A payment's row keeps them as JSON."""

from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

import msgspec

from ledger.core import shape
from ledger.core.entries import canonical
from ledger.core.errors import FieldError
from ledger.core.fields import Amount

ALLOCATIONS_MAX = 100

InvoiceId = Annotated[
    str,
    msgspec.Meta(
        title="InvoiceId",
        description="An invoice's id, such as invoice_42.",
        extra_json_schema={"pattern": "^invoice_[1-9][0-9]{0,17}$"},
    ),
]
CreditNoteId = Annotated[
    str,
    msgspec.Meta(
        title="CreditNoteId",
        description="A credit note's id, such as credit_note_42.",
        extra_json_schema={"pattern": "^credit_note_[1-9][0-9]{0,17}$"},
    ),
]
ALLOCATION_LIST = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": ALLOCATIONS_MAX})


class AskedAllocation(msgspec.Struct, forbid_unknown_fields=True):
    """So much for this invoice, in minor units."""

    invoice: InvoiceId
    amount: Amount


class Allocation(msgspec.Struct):
    """So much of a payment paid the invoice of an entry; `refunded` of it was given back. Minor units."""

    invoice: int
    amount: int
    refunded: int = 0


class InvoicePart(NamedTuple):
    """An invoice by its entry, and so much for it in minor units."""

    invoice: int
    amount: int


def read_allocations(text: str | None) -> list[Allocation]:
    """The allocations that a payment's row keeps; [] for one that pays no invoice."""
    return _read(text) if text is not None else []


_read = msgspec.json.Decoder(list[Allocation]).decode


def written(allocations: Sequence[Allocation]) -> str:
    """Allocations as a row keeps them."""
    return canonical(allocations).decode()


def asked_fault(asked: Sequence[AskedAllocation] | None) -> FieldError | None:
    """What is wrong with allocations that are asked for: each invoice once, and not too many."""
    if asked is None:
        return None
    if not 1 <= len(asked) <= ALLOCATIONS_MAX or len({each.invoice for each in asked}) < len(asked):
        detail = f"Name 1 to {ALLOCATIONS_MAX} invoices, each once."
        return FieldError("/allocations", "field_invalid", detail)
    return shape.first(
        *(shape.resource(f"/allocations/{index}/invoice", "invoice", each.invoice) for index, each in enumerate(asked))
    )


def entries_of(asked: Iterable[AskedAllocation]) -> list[InvoicePart]:
    """What is asked for, by the invoices' entries."""
    return [InvoicePart(shape.numbered("invoice", each.invoice) or 0, each.amount) for each in asked]
