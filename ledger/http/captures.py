"""Captures over HTTP: what was taken of holds, shown and listed; each can be refunded."""

import msgspec

from ledger.core.rows import Payment
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.listing import Noun, Read
from ledger.http.routes import Made


class CaptureAnswer(Made, kw_only=True):
    """A capture as it is now: the payee got the `net` of it, without the fee and its tax. What was `refunded` of it the
    payer has back, and the payee what was returned of the fee and its tax."""

    hold: str
    from_: str = msgspec.field(name="from")
    to: str
    amount: int
    currency: str
    fee: int
    fee_tax: int
    net: int
    refunded: int
    fee_returned: int
    fee_tax_returned: int
    memo: str | None
    posted_at: str


def show(row: Payment, read: Read) -> CaptureAnswer:
    """A capture as it is kept, with what was said when it was made."""
    entry = read.entries[row.entry]
    return CaptureAnswer(
        id=f"capture_{row.entry}",
        entry=row.entry,
        hold=entry.request.hold,
        from_=row.payer or "",
        to=row.payee,
        amount=row.amount,
        currency=row.currency,
        fee=row.fee,
        fee_tax=row.fee_tax,
        net=row.amount - row.fee - row.fee_tax,
        refunded=row.refunded,
        fee_returned=row.fee_returned,
        fee_tax_returned=row.fee_tax_returned,
        memo=entry.request.memo,
        posted_at=format_timestamp(entry.posted_at),
    )


NOUN = Noun(
    kind=Payment,
    prefix="capture",
    plural="captures",
    answer=CaptureAnswer,
    show=show,
    sides=("payer", "payee"),
    fixed=(("kind", "capture"),),
)

ROUTES = listing.routes(NOUN, "Show a capture")
