"""Holds (authorisations): money of the payer's reserved for a payee, who takes it in parts or lets it go.

A deadline is judged by the lane's clock everywhere: past it a hold can only expire, whoever comes first.
"""

from collections.abc import Iterable

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.charges import charge, needs_of_charge
from ledger.core.chats import Chat, enter_chat
from ledger.core.commands import Command, Name, Result
from ledger.core.consent import check_consent, needs_of_intent
from ledger.core.deadlines import check_deadline, deadline
from ledger.core.errors import Conflict, FieldError, Refused
from ledger.core.fields import Amount, Currency, Memo, PartyRef, Timestamp
from ledger.core.intents import SignedIntent
from ledger.core.limits import check_receiving, check_spending, needs_of_spending
from ledger.core.money import AMOUNT_MAX, format_amount
from ledger.core.movements import HOLD_CAPTURE, HOLD_PLACE, HOLD_RELEASE
from ledger.core.parties import check_may_be_paid, check_may_honour, check_may_pay
from ledger.core.rows import Hold, Payment, moment


class PlaceHold(Command, kw_only=True):
    """Reserve money of a payer's for a payee. It expires after 7 days, unless `expires_at` says otherwise."""

    kind = "hold.place"
    private = ("memo",)
    references = ("from_", "to")
    from_: PartyRef = msgspec.field(name="from")
    to: PartyRef
    amount: Amount
    currency: Currency
    expires_at: Timestamp | None = None
    memo: Memo | None = None
    chat: Chat | None = None
    intent: SignedIntent | None = None

    def fault(self) -> FieldError | None:
        """The references', texts' and times' rules."""
        return shape.first(
            shape.reference("/from", self.from_),
            shape.reference("/to", self.to),
            shape.currency(self.currency),
            shape.timestamp("/expires_at", self.expires_at),
            shape.text("/memo", self.memo),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """Both parties and their accounts, what the payer has signed and has paid today."""
        yield from books.needs_of_party(self.from_)
        yield from books.needs_of_party(self.to)
        yield from needs_of_intent(self.intent)
        yield from needs_of_spending(books, self.from_, self.currency)

    def decide(self, books: Books) -> Result:
        """Reserve it."""
        check_deadline(books, self.expires_at)
        books.check_currency(self.currency)
        payer, payee = books.party(self.from_, "/from"), books.party(self.to, "/to")
        if payer.id == payee.id:
            raise Refused("same_party", f"Payer and payee are both {payer.id}. Name two parties.")
        consent = check_consent(books, self.intent, self.kind, None, payer, payee.id, self.amount, self.currency)
        check_may_pay(payer)
        check_may_be_paid(payee)
        check_spending(books, payer, self.amount, self.currency)
        books.post(HOLD_PLACE, payer.id, payer.id, self.amount, self.currency)
        enter_chat(books, self.chat)
        books.add(
            books.holds,
            Hold(
                entry=books.number,
                changed_by=books.number,
                payer=payer.id,
                payee=payee.id,
                amount=self.amount,
                currency=self.currency,
                captured=0,
                released=0,
                state="open",
                expires_at=deadline(books, self.expires_at),
            ),
        )
        books.count_open(payee.id, 1)
        return consent


class HoldAction(Command):
    """Something that is done to one hold, which the path names."""

    hold: str

    def needs(self, books: Books) -> Iterable[Name]:
        """The hold, then its parties and what the payee is charged."""
        number = shape.numbered("hold", self.hold)
        if number is None:
            return
        yield "holds", number
        hold = books.holds.get(number)
        if hold is not None:
            yield from books.needs_of_party(hold.payer)
            yield from books.needs_of_party(hold.payee)
            yield from needs_of_charge(books, hold.payee)

    def found(self, books: Books) -> Hold:
        """The hold. Raises not_found."""
        return books.holds.named(shape.numbered("hold", self.hold), self.hold)


def check_is_open(books: Books, hold: Hold) -> None:
    """Raise hold_not_open unless the hold is open and its time is not over."""
    if hold.state != "open":
        raise Conflict("hold_not_open", f"hold_{hold.entry} is {hold.state}.")
    if hold.state_at(moment(books.now)) != "open":
        raise Conflict("hold_not_open", f"hold_{hold.entry} has expired. Place a new one.")


class CaptureHold(HoldAction, kw_only=True):
    """Take what was reserved, or a part of it: what is left if no amount is given. A `final` capture gives the rest
    back to the payer; else more can be captured later."""

    kind = "hold.capture"
    private = ("memo",)
    amount: Amount | None = None
    final: bool = True
    memo: Memo | None = None

    def fault(self) -> FieldError | None:
        """The text's rule."""
        return shape.text("/memo", self.memo)

    def decide(self, books: Books) -> Result:
        """Pay the payee out of what is held, take the fee, and release the rest if it is final."""
        hold = self.found(books)
        payer, payee = books.party(hold.payer, ""), books.party(hold.payee, "")
        check_may_honour(payer)
        check_may_be_paid(payee)
        check_is_open(books, hold)
        amount = self.amount if self.amount is not None else hold.remaining
        check_receiving(books, payee, amount, hold.currency)
        if amount > hold.remaining:
            left = format_amount(hold.remaining, hold.currency)
            raise Refused("amount_exceeds_remaining", f"{left} of {self.hold} are left. Capture at most that.")
        books.post(HOLD_CAPTURE, payer.id, payee.id, amount, hold.currency)
        charged = charge(books, payee, amount, hold.currency)
        rest = hold.remaining - amount
        released = rest if self.final else 0
        if released > 0:
            books.post(HOLD_RELEASE, payer.id, payer.id, released, hold.currency)
        state = "captured" if self.final or rest == 0 else "open"
        books.change(books.holds, hold, captured=hold.captured + amount, released=hold.released + released, state=state)
        if state == "captured":
            books.count_open(payee.id, -1)
        books.add(
            books.payments,
            Payment(
                entry=books.number,
                changed_by=books.number,
                kind="capture",
                payer=payer.id,
                payee=payee.id,
                amount=amount,
                currency=hold.currency,
                fee=charged.fee,
                fee_tax=charged.tax,
                tax_code=charged.tax_code,
                on_refund=charged.on_refund,
            ),
        )
        return None


class VoidHold(HoldAction):
    """Let the payer have back what is left of a hold."""

    kind = "hold.void"

    def decide(self, books: Books) -> Result:
        """Release it."""
        hold = self.found(books)
        check_is_open(books, hold)
        release(books, hold, "voided")
        return None


class IncreaseHold(HoldAction, kw_only=True):
    """Reserve more under the same hold: `amount` is what is added."""

    kind = "hold.increase"
    amount: Amount
    intent: SignedIntent | None = None

    def needs(self, books: Books) -> Iterable[Name]:
        """The hold and its parties, what the payer has signed and has paid today."""
        yield from super().needs(books)
        yield from needs_of_intent(self.intent)
        hold = books.holds.get(shape.numbered("hold", self.hold))
        if hold is not None:
            yield from needs_of_spending(books, hold.payer, hold.currency)

    def decide(self, books: Books) -> Result:
        """Reserve it."""
        hold = self.found(books)
        books.check_currency(hold.currency, "")
        payer, payee = books.party(hold.payer, ""), books.party(hold.payee, "")
        name = f"hold_{hold.entry}"
        consent = check_consent(books, self.intent, self.kind, name, payer, payee.id, self.amount, hold.currency)
        check_may_pay(payer)
        check_may_be_paid(payee)
        check_is_open(books, hold)
        check_spending(books, payer, self.amount, hold.currency)
        if hold.amount + self.amount > AMOUNT_MAX:
            detail = f"All that was ever reserved under {self.hold} would pass 2^53-1 minor units. Place another hold."
            raise Refused("balance_overflow", detail)
        books.post(HOLD_PLACE, payer.id, payer.id, self.amount, hold.currency)
        books.change(books.holds, hold, amount=hold.amount + self.amount)
        return consent


class ExpireHold(HoldAction):
    """Release what is left of a hold whose time is over; asked for by the sweeper alone."""

    kind = "hold.expire"
    falls_due = True

    def decide(self, books: Books) -> Result:
        """Release it, unless somebody came first."""
        hold = self.found(books)
        if hold.state_at(moment(books.now)) == hold.state:
            raise Conflict("hold_not_open", f"{self.hold} is {hold.state} until {hold.expires_at}.")
        release(books, hold, "expired")
        return None


def release(books: Books, hold: Hold, state: str) -> None:
    """Give the payer back what is left; a freeze does not stand against it."""
    books.post(HOLD_RELEASE, hold.payer, hold.payer, hold.remaining, hold.currency)
    books.change(books.holds, hold, released=hold.released + hold.remaining, state=state)
    books.count_open(hold.payee, -1)
