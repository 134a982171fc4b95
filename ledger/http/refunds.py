"""Refunds over HTTP: made, paid or failed by the rail; shown and listed."""

from typing import Any, Literal, get_args

from ledger.core.allocations import AskedAllocation, read_allocations
from ledger.core.entries import Entry, row_of
from ledger.core.errors import Invalid
from ledger.core.payments import number_of_payment
from ledger.core.refunds import FailRefund, MakeRefund, PayRefund
from ledger.core.rows import Refund
from ledger.core.shape import numbered
from ledger.core.text import format_timestamp
from ledger.http import listing
from ledger.http.listing import Noun, Read, Shared
from ledger.http.routes import Answer, write

RefundState = Literal["requested", "succeeded", "failed"]


class RefundAfterAnswer(Answer, kw_only=True):
    """A refund as the entry left it that the rail's word made. GET also shows what was said when it was made."""

    id: str | None
    of: str
    to: str | None
    rail: str | None
    amount: int
    currency: str
    fee_returned: int
    fee_tax_returned: int
    allocations: list[AskedAllocation]
    credit_note: str | None
    rail_reference: str | None
    state: RefundState


class RefundAnswer(RefundAfterAnswer, kw_only=True):
    """A refund: to the wallet of the party `to`, which succeeds at once, or back over the `rail`, whose word follows.
    The payee got `fee_returned` and `fee_tax_returned` back with it; `receivable` is what it has owed since."""

    new = ("id",)

    receivable: int
    reason: str | None
    posted_at: str


def _fields(row: Refund) -> dict[str, Any]:
    return {
        "id": f"refund_{row.entry}",
        "of": f"{row.of_kind}_{row.of}",
        "to": row.to,
        "rail": row.rail,
        "amount": row.amount,
        "currency": row.currency,
        "fee_returned": row.fee_returned,
        "fee_tax_returned": row.fee_tax_returned,
        "allocations": [
            AskedAllocation(f"invoice_{each.invoice}", each.amount) for each in read_allocations(row.allocations)
        ],
        "credit_note": f"credit_note_{row.credit_note}" if row.credit_note is not None else None,
        "rail_reference": row.rail_reference,
        "state": row.state,
    }


def made(entry: Entry) -> RefundAnswer:
    """The refund as it was made."""
    return _shown(row_of(entry, Refund), entry)


def _shown(row: Refund, made_by: Entry) -> RefundAnswer:
    owed = [posting.amount for posting in made_by.postings if posting.debit.role == "receivable"]
    return RefundAnswer(
        **_fields(row),
        entry=row.entry,
        receivable=sum(owed),
        reason=made_by.request.reason,
        posted_at=format_timestamp(made_by.posted_at),
    )


def show(row: Refund, read: Read) -> RefundAnswer:
    """A refund as it is kept."""
    return _shown(row, read.entries[row.entry])


def changed(entry: Entry) -> RefundAfterAnswer:
    """The refund after the rail's word."""
    return RefundAfterAnswer(**_fields(row_of(entry, Refund)), entry=entry.number)


def _columns(_: str, value: str) -> tuple[tuple[str, Any], ...]:
    """What a filter looks for: `of` names a payment, or a suspense item, by its id."""
    number = numbered("suspense", value)
    named = ("suspense", number) if number is not None else number_of_payment(value)
    if named is None:
        detail = "Name a transfer, capture, settlement, deposit or suspense item by its id."
        raise Invalid.at("/of", "field_invalid", detail)
    return ("of_kind", named[0]), ("of", named[1])


NOUN = Noun(
    kind=Refund,
    prefix="refund",
    plural="refunds",
    answer=RefundAnswer,
    show=show,
    sides=("party", "to"),
    states=get_args(RefundState),
    equal=("of",),
    shared=Shared("rail_reference", ("party",)),  # a rail has a reference for what goes to nobody here
    columns=_columns,
)

ROUTES = (
    write(
        "POST",
        "/v1/refunds",
        "refunds:write",
        MakeRefund,
        made,
        summary="Give back a payment or a part of it",
        answers=RefundAnswer,
        status=201,
    ),
    *listing.routes(NOUN, "Show a refund"),
    write(
        "POST",
        "/v1/refunds/{refund}/paid",
        "refunds:write",
        PayRefund,
        changed,
        summary="Book that the rail has paid a refund",
        answers=RefundAfterAnswer,
    ),
    write(
        "POST",
        "/v1/refunds/{refund}/failed",
        "refunds:write",
        FailRefund,
        changed,
        summary="Book that the rail could not pay a refund",
        answers=RefundAfterAnswer,
    ),
)
