"""Giving back: what a refund moves, and how it is counted on the payment's invoices."""

from collections.abc import Iterable

import msgspec

from ledger.core.allocations import Allocation, InvoicePart, read_allocations, written
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, rail_owner, tax_owner
from ledger.core.commands import Name
from ledger.core.errors import Conflict, Refused
from ledger.core.fees import Fee, returned
from ledger.core.invoices import needs_of_invoice, refund_invoice
from ledger.core.money import format_amount
from ledger.core.movements import (
    FEE_AGAIN,
    FEE_RETURN,
    FEE_TAX_AGAIN,
    FEE_TAX_RETURN,
    REFUND,
    REFUND_AS_DEBT,
    REFUND_DEBT_FAILED,
    REFUND_FAILED,
    REFUND_TO_RAIL,
    REFUND_TO_RAIL_AS_DEBT,
)
from ledger.core.rows import Payment, Receivable, Refund


def needs_of_giving_back(books: Books, payment: Payment) -> Iterable[Name]:
    """What must be loaded to give a payment back: both parties or the rail, who has the fee, and the invoices."""
    yield from books.needs_of_party(payment.payee)
    yield from books.needs_of_party(payment.payer)
    if payment.rail is not None:
        yield "owners", rail_owner(payment.rail)
        yield "open_refunds", payment.entry
    if payment.fee > 0:
        yield "owners", PLATFORM
    if payment.tax_code is not None:
        yield "owners", tax_owner(payment.tax_code)
    for allocation in read_allocations(payment.allocations):
        yield from needs_of_invoice(books, allocation.invoice)


def check_may_be_given_back(books: Books, payment: Payment) -> None:
    """Raise party_not_open where the payer is closed, already_reversed where the rail has taken the deposit back."""
    if payment.payer is not None and books.party(payment.payer, "/of").state == "closed":
        raise Conflict("party_not_open", f"{payment.payer}, who paid, is closed for good: nobody is there to refund.")
    deposit = books.deposits.find(payment.entry) if payment.rail is not None else None
    if deposit is not None and deposit.state == "returned":
        raise Conflict("already_reversed", f"deposit_{deposit.entry} was returned: the rail has the money back.")


def return_fees(books: Books, payment: Payment, amount: int) -> Fee:
    """Give the payee the fee and its tax back, in proportion to what is refunded in all, where that was agreed.

    Never more than the refund itself, so that whatever fails can be undone; all of it comes back with the last unit.
    """
    if payment.on_refund != "proportional":
        return Fee(0, 0)
    refunded = payment.refunded + amount
    fee = max(0, returned(payment.fee, payment.amount, refunded) - payment.fee_returned)
    tax = max(0, returned(payment.fee_tax, payment.amount, refunded) - payment.fee_tax_returned)
    fee = min(fee, amount)
    tax = min(tax, amount - fee)
    if fee > 0:
        books.post(FEE_RETURN, PLATFORM, payment.payee, fee, payment.currency)
    if tax > 0 and payment.tax_code is not None:
        books.post(FEE_TAX_RETURN, tax_owner(payment.tax_code), payment.payee, tax, payment.currency)
    return Fee(fee, tax)


def give_back(books: Books, payment: Payment, amount: int) -> None:
    """Take it from what the payee can spend; what is short, where its policy allows that, it owes from then on."""
    payee = books.party(payment.payee, "/of")
    if payment.payer is not None:
        way, as_debt, to = REFUND, REFUND_AS_DEBT, payment.payer
    else:
        way, as_debt, to = REFUND_TO_RAIL, REFUND_TO_RAIL_AS_DEBT, rail_owner(payment.rail or "")
    covered = amount
    if payee.receivable_allowed and payee.state != "closed":
        covered = min(amount, books.balance(payee.id, "available", payment.currency))
    if covered > 0:
        books.post(way, payee.id, to, covered, payment.currency)
    short = amount - covered
    if short > 0:
        books.post(as_debt, payee.id, to, short, payment.currency)
        number = books.number
        books.add(books.receivables, Receivable(number, number, payee.id, short, short, payment.currency))


def share_out(allocations: list[Allocation], amount: int) -> list[InvoicePart]:
    """A refund over the invoices of its payment, in their order, each as far as it goes."""
    parts = []
    for each in allocations:
        part = min(amount, each.amount - each.refunded)
        if part > 0:
            parts.append(InvoicePart(each.invoice, part))
            amount -= part
    return parts


def check_within_allocations(allocations: list[Allocation], parts: list[InvoicePart], currency: str) -> None:
    """Raise amount_exceeds_remaining where an invoice's part is more than what of it was not refunded."""
    left = {each.invoice: each.amount - each.refunded for each in allocations}
    for part in parts:
        if part.amount > left[part.invoice]:
            what = format_amount(left[part.invoice], currency)
            detail = f"Of what was paid of invoice_{part.invoice} {what} can still be refunded. Ask for at most that."
            if left[part.invoice] == 0:
                detail = f"All that was paid of invoice_{part.invoice} was refunded. Nothing of it is left."
            raise Refused.at("/allocations", "amount_exceeds_remaining", detail)


def take_back(books: Books, payment: Payment, refund: Refund) -> None:
    """The rail could not give it back: what of it the payee owes it owes no more, the rest it has again without the
    fees that went with it, and nothing of it counts any more."""
    rail = rail_owner(refund.rail or "")
    debt = books.receivables.find((refund.entry, payment.payee))
    owed = min(refund.amount, debt.remaining) if debt is not None else 0
    if debt is not None and owed > 0:
        books.post(REFUND_DEBT_FAILED, rail, payment.payee, owed, refund.currency)
        books.change(books.receivables, debt, remaining=debt.remaining - owed)
    if refund.amount > owed:
        books.post(REFUND_FAILED, rail, payment.payee, refund.amount - owed, refund.currency)
    if refund.fee_returned > 0:
        books.post(FEE_AGAIN, payment.payee, PLATFORM, refund.fee_returned, refund.currency)
    if refund.fee_tax_returned > 0 and payment.tax_code is not None:
        books.post(FEE_TAX_AGAIN, payment.payee, tax_owner(payment.tax_code), refund.fee_tax_returned, refund.currency)
    count_refund(books, payment, read_parts(refund), Fee(refund.fee_returned, refund.fee_tax_returned), -refund.amount)


def count_refund(books: Books, payment: Payment, parts: list[InvoicePart], fees: Fee, amount: int) -> None:
    """Count what was refunded on the payment and its invoices, or no longer if it is negative. No invoice is reopened
    by it."""
    sign = 1 if amount > 0 else -1
    by_invoice = {part.invoice: sign * part.amount for part in parts}
    allocations = [
        msgspec.structs.replace(each, refunded=each.refunded + by_invoice.get(each.invoice, 0))
        for each in read_allocations(payment.allocations)
    ]
    books.change(
        books.payments,
        payment,
        allocations=written(allocations) if allocations else None,
        refunded=payment.refunded + amount,
        fee_returned=payment.fee_returned + sign * fees.fee,
        fee_tax_returned=payment.fee_tax_returned + sign * fees.tax,
    )
    for number, part in by_invoice.items():
        refund_invoice(books, books.invoices.named(number, ""), part)


def request_refund(books: Books, refund: Refund) -> None:
    """Enter a refund of which the rail has yet to say whether it paid; it is open with the party that gives it."""
    books.add(books.refunds, refund)
    books.remember(books.open_refunds, refund.of, (*on_their_way(books, refund.of), refund.entry))
    books.count_open(refund.party, 1)


def conclude_refund(books: Books, refund: Refund, state: str, rail_reference: str | None) -> None:
    """Enter what the rail said of it."""
    books.change(books.refunds, refund, state=state, rail_reference=rail_reference)
    others = tuple(number for number in on_their_way(books, refund.of) if number != refund.entry)
    books.remember(books.open_refunds, refund.of, others)
    books.count_open(refund.party, -1)


def on_their_way(books: Books, of: int) -> tuple[int, ...]:
    """The refunds of a payment or suspense item, by the entry of either, of which the rail has yet to speak."""
    return books.open_refunds.find(of) or ()


def read_parts(refund: Refund) -> list[InvoicePart]:
    """What of a refund is of which invoice."""
    return [InvoicePart(each.invoice, each.amount) for each in read_allocations(refund.allocations)]
