"""Payouts: a party's money on its way out of the books, to the party's own account elsewhere.

The money leaves the wallet when the payout is requested, and waits as the rail's `outbound` for the rail's word. A rail
may answer at once or after days; what it could not pay, or sends back later, is the party's again. A freeze never
stands against that; a party that is closed by then has no wallet any more, so what comes back after it was paid goes to
suspense. While a payout is on its way its party cannot be closed.
"""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.consent import check_consent, needs_of_intent
from ledger.core.errors import Conflict, FieldError, Refused
from ledger.core.fields import Amount, Currency, Destination, OutsideId, PartyId, RailFee, RailReference, Reason
from ledger.core.intents import SignedIntent
from ledger.core.limits import check_spending, needs_of_spending
from ledger.core.money import format_amount
from ledger.core.movements import (
    PAYOUT,
    PAYOUT_FAILED,
    PAYOUT_PAID,
    PAYOUT_RETURNED,
    PAYOUT_RETURNED_TO_SUSPENSE,
    RAIL_FEE,
)
from ledger.core.parties import check_may_pay
from ledger.core.rails import check_rail
from ledger.core.rows import Payout
from ledger.core.suspense import suspend

ON_ITS_WAY = ("requested", "in_transit")


class RequestPayout(Command, kw_only=True):
    """Pay a party out over a rail, to a destination of its own: all that it can spend, unless `amount` says less.
    The money is taken at once; what becomes of it, the rail's word says.

    An `intent` is `of` the destination, so that nobody sends the money elsewhere. It is as private as that is.
    """

    kind = "payout.request"
    private = ("destination", "intent")
    party: PartyId
    amount: Amount | None = None
    currency: Currency
    rail: OutsideId
    destination: Destination
    intent: SignedIntent | None = None

    def fault(self) -> FieldError | None:
        """The id's, the currency's and the text's rules."""
        return shape.first(
            shape.party_id("/party", self.party),
            shape.currency(self.currency),
            shape.required_text("/destination", self.destination, shape.REFERENCE_LENGTH_MAX),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """The party and the rail with their accounts, the payout before, what the party signed and has paid today."""
        yield from books.needs_of_party(self.party)
        yield "rails", self.rail
        yield "owners", rail_owner(self.rail)
        yield "last_payouts", (self.party, self.currency)
        yield from needs_of_intent(self.intent)
        yield from needs_of_spending(books, self.party, self.currency)

    def decide(self, books: Books) -> Result:
        """Take it from the wallet. What of two that come at once the second finds is what the first has left."""
        books.check_currency(self.currency)
        party = books.party(self.party, "/party")
        check_rail(books, self.rail, "/rail")
        rail, currency = rail_owner(self.rail), self.currency
        amount = self.amount if self.amount is not None else books.balance(party.id, "available", currency)
        consent = check_consent(books, self.intent, self.kind, self.destination, party, rail, amount, currency)
        check_may_pay(party)
        check_spending(books, party, amount, currency)
        if amount == 0:
            raise Refused("insufficient_funds", f"{party.id} has nothing available in {currency} to be paid out.")
        books.post(PAYOUT, party.id, rail, amount, currency)
        books.add(
            books.payouts,
            Payout(
                entry=books.number,
                changed_by=books.number,
                party=party.id,
                amount=amount,
                currency=currency,
                rail=self.rail,
                state="requested",
                after_entry=books.last_payouts.find((party.id, currency)) or 0,
            ),
        )
        books.remember(books.last_payouts, (party.id, currency), books.number)
        books.count_open(party.id, 1)
        return consent


class PayoutAction(Command):
    """What the rail says of one payout, which the path names."""

    payout: str

    def needs(self, books: Books) -> Iterable[Name]:
        """The payout, then its party and all accounts that its money may go to."""
        number = shape.numbered("payout", self.payout)
        if number is None:
            return
        yield "payouts", number
        payout = books.payouts.get(number)
        if payout is not None:
            yield from books.needs_of_party(payout.party)
            yield "owners", rail_owner(payout.rail)
            yield "owners", PLATFORM

    def found(self, books: Books, *states: str) -> Payout:
        """The payout. Raises not_found, and payout_not_open unless it is in one of the states."""
        payout = books.payouts.named(shape.numbered("payout", self.payout), self.payout)
        if payout.state not in states:
            detail = f"payout_{payout.entry} is {payout.state}; for this it would have to be {' or '.join(states)}."
            raise Conflict("payout_not_open", detail)
        return payout


def _texts_fault(reference: str | None, reason: str | None = None) -> FieldError | None:
    return shape.first(
        shape.text("/rail_reference", reference, shape.REFERENCE_LENGTH_MAX),
        shape.required_text("/reason", reason, shape.MEMO_LENGTH_MAX) if reason is not None else None,
    )


def _change(books: Books, payout: Payout, state: str, reference: str | None = None) -> None:
    """Set the state, and the rail's reference to the payment if it gave one: the last one counts."""
    kept = reference if reference is not None else payout.rail_reference
    if payout.state in ON_ITS_WAY and state not in ON_ITS_WAY:
        books.count_open(payout.party, -1)
    books.change(books.payouts, payout, state=state, rail_reference=kept)


class SubmitPayout(PayoutAction, kw_only=True):
    """Say that the rail was told to pay; with the reference by which the rail knows the payout, if it gave one."""

    kind = "payout.submit"
    rail_reference: RailReference | None = None

    def fault(self) -> FieldError | None:
        """The reference's rule."""
        return _texts_fault(self.rail_reference)

    def decide(self, books: Books) -> Result:
        """Nothing moves."""
        _change(books, self.found(books, "requested"), "in_transit", self.rail_reference)
        return None


class ConfirmPayout(PayoutAction, kw_only=True):
    """Say that the rail has paid it. A `fee` of the rail's is a cost of the platform's, which the party never bears."""

    kind = "payout.paid"
    rail_reference: RailReference | None = None
    fee: RailFee = 0

    def fault(self) -> FieldError | None:
        """The reference's rule."""
        return _texts_fault(self.rail_reference)

    def decide(self, books: Books) -> Result:
        """The rail has what it was owed."""
        payout = self.found(books, *ON_ITS_WAY)
        rail = rail_owner(payout.rail)
        books.post(PAYOUT_PAID, rail, rail, payout.amount, payout.currency)
        if self.fee > 0:
            books.post(RAIL_FEE, PLATFORM, rail, self.fee, payout.currency)
        _change(books, payout, "paid", self.rail_reference)
        return None


class FailPayout(PayoutAction, kw_only=True):
    """Say that the rail could not pay: all of it is the party's again."""

    kind = "payout.failed"
    private = ("reason",)
    rail_reference: RailReference | None = None
    reason: Reason | None = None

    def fault(self) -> FieldError | None:
        """The texts' rules."""
        return _texts_fault(self.rail_reference, self.reason)

    def decide(self, books: Books) -> Result:
        """Give it back."""
        payout = self.found(books, *ON_ITS_WAY)
        books.post(PAYOUT_FAILED, rail_owner(payout.rail), payout.party, payout.amount, payout.currency)
        _change(books, payout, "failed", self.rail_reference)
        return None


class ReturnPayout(PayoutAction, kw_only=True):
    """Say that a payout came back after it was paid, at once or in parts. The party has again all that came back
    (`amount`: all that did not yet, unless it says less); what the rail keeps of that as its `fee` is a cost of the
    platform's. A party that is closed by then has it in suspense. The payout is found by the reference it was paid
    under; the return's own stands beside it."""

    kind = "payout.returned"
    private = ("reason",)
    rail_reference: RailReference | None = None
    amount: Amount | None = None
    fee: RailFee = 0
    reason: Reason | None = None

    def fault(self) -> FieldError | None:
        """The texts' rules."""
        return _texts_fault(self.rail_reference, self.reason)

    def decide(self, books: Books) -> Result:
        """Give back what came back. A part that did not stays paid; the fee lowers what the rail has of ours, and
        nothing else."""
        payout = self.found(books, "paid", "returned")
        left = payout.amount - payout.returned
        if left == 0:
            raise Conflict("payout_not_open", f"All of payout_{payout.entry} has come back.")
        amount = self.amount if self.amount is not None else left
        if amount > left:
            detail = f"Of {self.payout} {format_amount(left, payout.currency)} can still come back. Say at most that."
            raise Refused("amount_exceeds_remaining", detail)
        _give_back(books, payout, amount)
        if self.fee > 0:
            books.post(RAIL_FEE, PLATFORM, rail_owner(payout.rail), self.fee, payout.currency)
        books.change(books.payouts, payout, state="returned", returned=payout.returned + amount)
        return None


def _give_back(books: Books, payout: Payout, amount: int) -> None:
    """Credit the party, frozen or not; put the money into suspense if it is closed."""
    rail, currency = rail_owner(payout.rail), payout.currency
    party = books.party(payout.party, "")
    if party.state != "closed":
        books.post(PAYOUT_RETURNED, rail, party.id, amount, currency)
    else:
        books.post(PAYOUT_RETURNED_TO_SUSPENSE, rail, PLATFORM, amount, currency)
        suspend(books, payout.rail, amount, currency, "payout_returned", party)
