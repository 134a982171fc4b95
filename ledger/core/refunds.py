"""Refunds: money of a payment given back, to the payer's wallet at once, or over the rail by which it came.

What is given back reserves: the payment counts it from the request on, so refunds never exceed what was paid, however
they race. A freeze of either party never stands against a refund.
"""

from collections.abc import Iterable
from typing import Annotated

from ledger.core import shape
from ledger.core.allocations import (
    ALLOCATION_LIST,
    Allocation,
    AskedAllocation,
    CreditNoteId,
    InvoicePart,
    asked_fault,
    entries_of,
    read_allocations,
)
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.entries import canonical
from ledger.core.errors import Conflict, FieldError, Invalid, NotFound, Refused
from ledger.core.fields import Amount, Memo, RailFee, RailReference, Reason
from ledger.core.giving_back import (
    check_may_be_given_back,
    check_within_allocations,
    conclude_refund,
    count_refund,
    give_back,
    needs_of_giving_back,
    request_refund,
    return_fees,
    share_out,
    take_back,
)
from ledger.core.money import format_amount
from ledger.core.movements import RAIL_FEE, REFUND_FAILED_TO_SUSPENSE, REFUND_PAID
from ledger.core.payments import (
    PaymentId,
    known_payment,
    needs_of_payment,
    number_of_payment,
    payment_of,
)
from ledger.core.rows import Payment, Refund


class MakeRefund(Command, kw_only=True):
    """Give back a payment or a part of it: all that is left of it, if neither an amount nor allocations are given.

    A payment from a wallet goes back there at once. One that came over a rail is requested of the rail, whose word
    follows: `/paid` or `/failed`. Where the fee is returned in proportion, the payee gets it back first.
    """

    kind = "refund"
    private = ("reason",)
    if_too_large = "Give back fewer invoices at once, by several refunds."
    of: PaymentId
    amount: Amount | None = None
    allocations: Annotated[list[AskedAllocation], ALLOCATION_LIST] | None = None
    credit_note: CreditNoteId | None = None
    reason: Reason

    def fault(self) -> FieldError | None:
        """The ids' and the text's rules; the allocations sum to the amount."""
        return shape.first(
            self._of_fault(),
            shape.resource("/credit_note", "credit_note", self.credit_note),
            shape.required_text("/reason", self.reason, shape.MEMO_LENGTH_MAX),
            asked_fault(self.allocations),
            self._sum_fault(),
        )

    def _of_fault(self) -> FieldError | None:
        if number_of_payment(self.of) is not None:
            return None
        return FieldError("/of", "field_invalid", "Name a transfer, capture, settlement or deposit by its id.")

    def _sum_fault(self) -> FieldError | None:
        if self.allocations is None:
            return None
        allocated = sum(each.amount for each in self.allocations)
        if self.amount is not None and allocated != self.amount:
            detail = f"The allocations sum to {allocated}, the amount is {self.amount}: make them equal."
            return FieldError("/allocations", "field_invalid", detail)
        return None

    def needs(self, books: Books) -> Iterable[Name]:
        """The payment, then both parties, the invoices that it settled, and who has its fee."""
        named = number_of_payment(self.of)
        if named is None:
            return
        yield from needs_of_payment(named[1])
        yield "deposits", named[1]
        credit_note = shape.numbered("credit_note", self.credit_note or "")
        if credit_note is not None:
            yield "credit_notes", credit_note
        for part in entries_of(self.allocations or []):
            yield "invoices", part.invoice
        payment = known_payment(books, named[1])
        if payment is not None:
            yield from needs_of_giving_back(books, payment)

    def decide(self, books: Books) -> Result:
        """Return what was charged, give the money back, and count it on the payment and its invoices."""
        payment = self._payment(books)
        allocations = read_allocations(payment.allocations)
        credit_note = self._credit_note(books, allocations)
        chosen = self._chosen(books, allocations)
        check_may_be_given_back(books, payment)
        if payment.reversed_by is not None:
            raise Conflict("already_reversed", f"{self.of} was taken back as a whole, by entry {payment.reversed_by}.")
        amount = self._amount(payment)
        parts = share_out(allocations, amount) if chosen is None else chosen
        check_within_allocations(allocations, parts, payment.currency)
        fees = return_fees(books, payment, amount)
        give_back(books, payment, amount)
        count_refund(books, payment, parts, fees, amount)
        is_over_rail = payment.payer is None
        refund = Refund(
            entry=books.number,
            changed_by=books.number,
            of=payment.entry,
            of_kind=payment.kind,
            party=payment.payee,
            to=payment.payer,
            rail=payment.rail if is_over_rail else None,
            amount=amount,
            currency=payment.currency,
            fee_returned=fees.fee,
            fee_tax_returned=fees.tax,
            state="requested" if is_over_rail else "succeeded",
            allocations=canonical([part._asdict() for part in parts]).decode() if parts else None,
            credit_note=credit_note,
        )
        if is_over_rail:
            request_refund(books, refund)
        else:
            books.add(books.refunds, refund)
        return None

    def _payment(self, books: Books) -> Payment:
        named = number_of_payment(self.of)
        payment = payment_of(books, named[1]) if named is not None else None
        if named is None or payment is None:
            detail = f"There is no payment {self.of:.64}. Name a transfer, capture, settlement or deposit by its id."
            raise NotFound.at("/of", "not_found", detail)
        if payment.kind != named[0]:
            detail = f"What {self.of} paid is {payment.kind}_{payment.entry}: refund that."
            raise Invalid.at("/of", "field_invalid", detail)
        return payment

    def _credit_note(self, books: Books, allocations: list[Allocation]) -> int | None:
        """The entry of the credit note, which is one of the payment's invoices."""
        if self.credit_note is None:
            return None
        number = shape.numbered("credit_note", self.credit_note)
        note = books.credit_notes.find(number) if number is not None else None
        if note is None:
            raise NotFound.at("/credit_note", "not_found", f"There is no credit note {self.credit_note:.64}.")
        if note.invoice not in [each.invoice for each in allocations]:
            detail = f"{self.credit_note} is of invoice_{note.invoice}, which {self.of} did not settle."
            raise Invalid.at("/credit_note", "field_invalid", detail)
        return note.entry

    def _chosen(self, books: Books, allocations: list[Allocation]) -> list[InvoicePart] | None:
        """What is asked for of each invoice; None if nothing was said of them."""
        if self.allocations is None:
            return None
        settled = {each.invoice for each in allocations}
        chosen = entries_of(self.allocations)
        for index, part in enumerate(chosen):
            pointer, name = f"/allocations/{index}/invoice", f"invoice_{part.invoice}"
            if books.invoices.find(part.invoice) is None:
                raise NotFound.at(pointer, "not_found", f"There is no {name}.")
            if part.invoice not in settled:
                raise Invalid.at(pointer, "field_invalid", f"{self.of} did not settle {name}.")
        return chosen

    def _amount(self, payment: Payment) -> int:
        left = payment.amount - payment.refunded
        allocated = sum(each.amount for each in self.allocations or [])
        amount = self.amount or allocated or left
        if left == 0:
            raise Refused("amount_exceeds_remaining", f"All of {self.of} was refunded. Nothing of it is left.")
        if not 0 < amount <= left:
            shown = format_amount(left, payment.currency)
            raise Refused(
                "amount_exceeds_remaining", f"{shown} of {self.of} can still be refunded. Ask for at most that."
            )
        return amount


class RefundOutcome(Command):
    """The rail's word about a refund over it, which the path names."""

    refund: str

    def needs(self, books: Books) -> Iterable[Name]:
        """The refund, then what it is of, and whoever has its money."""
        number = shape.numbered("refund", self.refund)
        if number is None:
            return
        yield "refunds", number
        refund = books.refunds.get(number)
        if refund is None:
            return
        yield "owners", PLATFORM
        yield from (("owners", rail_owner(refund.rail)),) if refund.rail is not None else ()
        yield "suspense_items" if refund.of_kind == "suspense" else "payments", refund.of
        yield "open_refunds", refund.of
        payment = books.payments.get(refund.of)
        if payment is not None:
            yield "receivables", (number, payment.payee)
            yield from needs_of_giving_back(books, payment)

    def requested(self, books: Books) -> Refund:
        """The refund, while the rail has not spoken. Raises not_found and refund_not_open."""
        refund = books.refunds.named(shape.numbered("refund", self.refund), self.refund)
        if refund.state != "requested":
            raise Conflict("refund_not_open", f"{self.refund} has {refund.state} already.")
        return refund


class PayRefund(RefundOutcome, kw_only=True):
    """Book that the rail has paid a refund; `fee` is what it keeps for that, in minor units."""

    kind = "refund.paid"
    rail_reference: RailReference
    fee: RailFee = 0

    def fault(self) -> FieldError | None:
        """The reference's rule."""
        return shape.text("/rail_reference", self.rail_reference, shape.REFERENCE_LENGTH_MAX)

    def decide(self, books: Books) -> Result:
        """It leaves what the rail was told to pay; what the rail keeps is a cost of ours."""
        refund = self.requested(books)
        rail = rail_owner(refund.rail or "")
        books.post(REFUND_PAID, rail, rail, refund.amount, refund.currency)
        if self.fee > 0:
            books.post(RAIL_FEE, PLATFORM, rail, self.fee, refund.currency)
        conclude_refund(books, refund, "succeeded", self.rail_reference)
        return None


class FailRefund(RefundOutcome, kw_only=True):
    """Book that the rail could not pay a refund: everything is as if it had not been asked for, and it can be asked for
    again."""

    kind = "refund.failed"
    private = ("reason",)
    rail_reference: RailReference | None = None
    reason: Memo | None = None

    def fault(self) -> FieldError | None:
        """The texts' rules."""
        return shape.first(
            shape.text("/rail_reference", self.rail_reference, shape.REFERENCE_LENGTH_MAX),
            shape.text("/reason", self.reason),
        )

    def decide(self, books: Books) -> Result:
        """Give it back to the payee and take the returned fees again, or back into suspense."""
        refund = self.requested(books)
        if refund.of_kind == "suspense":
            self._suspend(books, refund)
        else:
            payment = books.payments.find(refund.of)
            if payment is None:
                raise NotFound("not_found", f"There is no payment that {self.refund} is of.")
            take_back(books, payment, refund)
        conclude_refund(books, refund, "failed", self.rail_reference)
        return None

    def _suspend(self, books: Books, refund: Refund) -> None:
        item = books.suspense_items.find(refund.of)
        if item is None:
            raise NotFound("not_found", f"There is no suspense item that {self.refund} is of.")
        rail = rail_owner(refund.rail or "")
        books.post(REFUND_FAILED_TO_SUSPENSE, rail, PLATFORM, refund.amount, refund.currency)
        books.change(books.suspense_items, item, remaining=item.remaining + refund.amount, state="open")
