"""Transfers: a party pays another, inside the books."""

from collections.abc import Iterable
from typing import Any, Literal, Self

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chats import Chat, enter_chat
from ledger.core.claims import fund_claim, is_nobodys
from ledger.core.commands import Command, Name, Result
from ledger.core.consent import check_consent, needs_of_intent
from ledger.core.deadlines import check_deadline
from ledger.core.errors import Conflict, FieldError, NotFound, Refused
from ledger.core.fields import Amount, Currency, Day, Memo, Metadata, PartyId, PartyRef, Timestamp
from ledger.core.intents import SignedIntent
from ledger.core.limits import check_receiving, check_spending, needs_of_spending
from ledger.core.movements import TRANSFER
from ledger.core.parties import check_may_be_paid, check_may_pay
from ledger.core.rows import Party


class Transfer(Command):
    """Pay an amount from one party to another. `to_expected` is the party the sender saw behind an alias.

    With `if_unknown: hold_for_claim`, what is sent to an alias that nobody has waits for whoever registers it, and goes
    back after `expires_at`, 7 days if that is left out.
    """

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
    if_unknown: Literal["refuse", "hold_for_claim"] = "refuse"
    expires_at: Timestamp | None = None
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
            or self._expiry_fault()
        )

    def _expiry_fault(self) -> FieldError | None:
        if self.expires_at is not None and self.if_unknown != "hold_for_claim":
            detail = "Only what waits to be claimed expires: leave it out, or say if_unknown: hold_for_claim."
            return FieldError("/expires_at", "field_invalid", detail)
        return shape.timestamp("/expires_at", self.expires_at)

    def clear_texts(self) -> dict[str, Any]:
        """The private fields that are set. What the payer signed names the alias in clear where nobody has it yet."""
        found = super().clear_texts()
        if self.intent is not None and self.if_unknown == "hold_for_claim":
            found["intent"] = msgspec.to_builtins(self.intent)
        return found

    @classmethod
    def recalled(cls, facts: dict[str, Any], clear: dict[str, Any]) -> Self:
        """The command again, from what its entry keeps: erased texts are None, and so is an intent that was hidden."""
        if "intent" not in clear and isinstance(facts.get("intent"), str):
            facts = {name: value for name, value in facts.items() if name != "intent"}
        return super().recalled(facts, clear)

    def needs(self, books: Books) -> Iterable[Name]:
        """Both parties and their accounts, and what the payer has signed."""
        needs = (
            books.needs_of_party(self.from_)
            + books.needs_of_party(self.to)
            + needs_of_spending(books, self.from_, self.currency)
        )
        return needs if self.intent is None else (*needs, *needs_of_intent(self.intent))

    def effective_date(self, books: Books) -> str | None:
        """The accounting date that was asked for."""
        return self.effective_on

    def decide(self, books: Books) -> Result:
        """Every reason to refuse, in the order promised to callers; then the money moves."""
        books.check_currency(self.currency)
        check_deadline(books, self.expires_at)
        payer = books.party(self.from_, "/from")
        payee = books.party(self.to, "/to") if not is_nobodys(books, self.to) else None
        if payee is None and self.if_unknown == "refuse":
            raise _nobody(self.to)
        payee_id = payee.id if payee is not None else self.to
        if self.to_expected is not None and payee_id != self.to_expected:
            raise _moved(payee, self.to_expected)
        if payer.id == payee_id:
            raise Refused("same_party", f"Payer and payee are both {payer.id}. Name two parties.")
        consent = check_consent(books, self.intent, self.kind, None, payer, payee_id, self.amount, self.currency)
        check_may_pay(payer)
        if payee is not None:
            check_may_be_paid(payee)
        check_spending(books, payer, self.amount, self.currency)
        if payee is None:
            fund_claim(books, payer, self.to, self.amount, self.currency, self.expires_at)
        else:
            check_receiving(books, payee, self.amount, self.currency)
            books.post(TRANSFER, payer.id, payee.id, self.amount, self.currency)
        enter_chat(books, self.chat)
        return consent


def _nobody(alias: str) -> NotFound:
    detail = (
        f"There is no party {alias}. Correct it, register who has it with POST /v1/parties, or send `if_unknown: "
        "hold_for_claim`: then the money waits for whoever registers it."
    )
    return NotFound.at("/to", "party_unknown", detail)


def _moved(payee: Party | None, expected: str) -> Conflict:
    whom = payee.id if payee is not None else "nobody"
    detail = f"The alias names {whom} now, not {expected}. Show the sender whom they pay, then ask again."
    return Conflict.at("/to", "alias_moved", detail)
