"""Payments: what was paid and can be refunded, however it was paid.

Captures and settlements keep a row; a transfer or deposit gets one with its first refund, and is told from its entry
until then. A transfer that waited to be claimed is told from its claim, once there is somebody who took it.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.entries import Entry, row_of, rows_of
from ledger.core.movements import TRANSFER
from ledger.core.rows import Deposit, Payment

PAYMENT_KINDS = ("transfer", "capture", "settlement", "deposit")

PaymentId = Annotated[
    str,
    msgspec.Meta(
        title="PaymentId",
        description="The id of a transfer, capture, settlement or deposit, such as transfer_42.",
        extra_json_schema={"pattern": f"^(?:{'|'.join(PAYMENT_KINDS)})_[1-9][0-9]{{0,17}}$"},
    ),
]


def payment_in(entry: Entry) -> Payment | None:
    """The payment that an entry made without a row of its own: a transfer between two wallets, a deposit to one.

    A transfer that waited to be claimed went into escrow, and so is none here: its claim tells it.
    """
    number = entry.number
    if entry.kind in TRANSFER.entries:
        (paid,) = entry.postings
        if paid.credit.role != "available":
            return None
        payer, payee = paid.debit.owner, paid.credit.owner
        return Payment(number, number, "transfer", payer, payee, paid.amount, paid.debit.currency)
    if entry.kind == "deposit" and not rows_of(entry, Payment):
        row = row_of(entry, Deposit)
        if row.party is not None:
            return Payment(number, number, "deposit", None, row.party, row.amount, row.currency, row.rail)
    return None


def number_of_payment(payment_id: str) -> tuple[str, int] | None:
    """The kind and the entry in an id such as `transfer_7`; None if it is no id of a payment."""
    for kind in PAYMENT_KINDS:
        number = shape.numbered(kind, payment_id)
        if number is not None:
            return kind, number
    return None


def needs_of_payment(number: int) -> Iterable[tuple[str, Any]]:
    """What must be loaded to know the payment of an entry."""
    yield "payments", number
    yield "claims", number


def payment_of(books: Books, number: int) -> Payment | None:
    """The payment that an entry made, or None if it made none, or none yet."""
    payment = books.payments.find(number)
    if payment is not None:
        return payment
    claim = books.claims.find(number)
    if claim is None or claim.claimer is None:
        return None
    return Payment(number, number, "transfer", claim.giver, claim.claimer, claim.amount, claim.currency)


def known_payment(books: Books, number: int) -> Payment | None:
    """The same, as far as it is loaded: for what else a command then needs."""
    is_known = number in books.payments and number in books.claims
    return payment_of(books, number) if is_known or books.claims.complete else None
