"""Transfers: a party pays another, inside the books."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.consent import check_consent, needs_of_intent
from ledger.core.errors import Conflict, FieldError, Refused
from ledger.core.fields import Amount, ChatId, Currency, Day, Memo, Metadata, PartyId, PartyRef
from ledger.core.intents import SignedIntent
from ledger.core.movements import TRANSFER
from ledger.core.parties import check_may_be_paid, check_may_pay
from ledger.core.rows import Party


class Chat(msgspec.Struct, forbid_unknown_fields=True):
    """Where in the messenger a payment was made; ids of the messenger's own."""

    conversation: ChatId
    message: ChatId | None = None

    def fault(self) -> FieldError | None:
        """The ids' rules."""
        return shape.first(
            shape.required_text("/conversation", self.conversation, shape.REFERENCE_LENGTH_MAX),
            shape.text("/message", self.message, shape.REFERENCE_LENGTH_MAX),
        )


class Transfer(Command):
    """Pay an amount from one party to another. `to_expected` is the party the sender saw behind an alias."""

    kind = "transfer"
    private = ("memo", "metadata")
    references = ("from_", "to")
    from_: PartyRef = msgspec.field(name="from")
    to: PartyRef
    amount: Amount
    currency: Currency
    memo: Memo | None = None
    chat: Chat | None = None
    metadata: Metadata | None = None
    effective_on: Day | None = None
    if_unknown: Literal["refuse"] = "refuse"
    to_expected: PartyId | None = None
    intent: SignedIntent | None = None

    def fault(self) -> FieldError | None:
        """The references' and texts' rules; the decoder asks `chat` itself."""
        return (
            shape.reference("/from", self.from_)
            or shape.reference("/to", self.to)
            or shape.currency(self.currency)
            or shape.text("/memo", self.memo)
            or shape.metadata(self.metadata)
            or shape.day("/effective_on", self.effective_on)
            or shape.party_id("/to_expected", self.to_expected)
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """Both parties and their accounts, and what the payer has signed."""
        needs = books.needs_of_party(self.from_) + books.needs_of_party(self.to)
        return needs if self.intent is None else (*needs, *needs_of_intent(self.intent))

    def effective_date(self, books: Books) -> str | None:
        """The accounting date that was asked for."""
        return self.effective_on

    def decide(self, books: Books) -> Result:
        """Every reason to refuse, in the order promised to callers; then the money moves."""
        books.check_currency(self.currency)
        payer = books.party(self.from_, "/from")
        payee = books.party(self.to, "/to")
        if self.to_expected is not None and payee.id != self.to_expected:
            raise _moved(payee, self.to_expected)
        if payer.id == payee.id:
            raise Refused("same_party", f"Payer and payee are both {payer.id}. Name two parties.")
        consent = check_consent(books, self.intent, self.kind, None, payer, payee.id, self.amount, self.currency)
        check_may_pay(payer)
        check_may_be_paid(payee)
        books.post(TRANSFER, payer.id, payee.id, self.amount, self.currency)
        return consent


def _moved(payee: Party, expected: str) -> Conflict:
    detail = f"The alias names {payee.id} now, not {expected}. Show the sender whom they pay, then ask again."
    return Conflict.at("/to", "alias_moved", detail)
