"""Deposits: money that arrived over a rail. The money is here, so the state of the books never refuses it.

What cannot be credited goes to suspense with a reason, to be allocated or returned later.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.currencies import is_postable
from ledger.core.errors import Conflict, FieldError, Invalid, NotFound
from ledger.core.fields import Amount, Currency, Memo, OutsideId, PartyRef, RailReference, Reason, Timestamp
from ledger.core.movements import (
    DEPOSIT_CREDITED,
    DEPOSIT_SUSPENDED,
    RETURN_AS_DEBT,
    RETURN_FROM_BALANCE,
    RETURN_FROM_SUSPENSE,
)
from ledger.core.rows import Deposit, Receivable, SuspenseItem
from ledger.core.text import parse_timestamp


class MakeDeposit(Command, kw_only=True):
    """Book money that a rail says has arrived for a party, or for nobody known."""

    kind = "deposit"
    private = ("memo",)
    references = ("to",)
    to: PartyRef | None = None
    amount: Amount
    currency: Currency
    rail: OutsideId
    rail_reference: RailReference
    occurred_at: Timestamp | None = None
    memo: Memo | None = None

    def fault(self) -> FieldError | None:
        """The references', texts' and times' rules."""
        return shape.first(
            shape.reference("/to", self.to),
            shape.currency(self.currency),
            shape.text("/rail_reference", self.rail_reference, shape.REFERENCE_LENGTH_MAX),
            shape.timestamp("/occurred_at", self.occurred_at),
            shape.text("/memo", self.memo),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """The rail, whether the reference is booked, and the party."""
        yield "rails", self.rail
        yield "owners", rail_owner(self.rail)
        yield "owners", PLATFORM
        yield "deposit_references", (self.rail, self.rail_reference)
        yield from books.needs_of_party(self.to)

    def effective_date(self, books: Books) -> str | None:
        """The day on which it occurred, by the ledger's time zone; a rail's clock that is ahead counts as today."""
        if self.occurred_at is None:
            return None
        occurred = datetime.fromtimestamp(parse_timestamp(self.occurred_at) // 1_000_000, UTC)
        try:
            day = occurred.astimezone(ZoneInfo(books.settings.time_zone)).date()
        except OverflowError:  # the calendar ends there
            day = occurred.date()
        return min(day, books.today).isoformat()

    def decide(self, books: Books) -> Result:
        """Credit the party, or put the money into suspense and say why."""
        if not is_postable(self.currency, books.today):
            detail = f"{self.currency} has been withdrawn; it is read for ever and not newly posted."
            raise Invalid.at("/currency", "currency_invalid", detail)
        if books.rails.find(self.rail) is None:
            detail = f"There is no rail {self.rail}. Register it with POST /v1/rails, or correct the name."
            raise NotFound.at("/rail", "rail_unknown", detail)
        self._check_is_new(books)
        party, reason = self._destination(books)
        rail = rail_owner(self.rail)
        if reason is None and party is not None:
            books.post(DEPOSIT_CREDITED, rail, party, self.amount, self.currency)
        else:
            books.post(DEPOSIT_SUSPENDED, rail, PLATFORM, self.amount, self.currency)
        state = "credited" if reason is None else "suspense"
        self._enter(books, party if reason is None else None, state, reason)
        return {"state": state} if reason is None else {"state": state, "reason": reason}

    def _check_is_new(self, books: Books) -> None:
        number = books.deposit_references.find((self.rail, self.rail_reference))
        if number is not None:
            detail = f"{self.rail} {self.rail_reference} is booked already, as deposit_{number}. Do not book it again."
            raise Conflict("already_exists", detail, existing=(f"deposit_{number}", number))

    def _destination(self, books: Books) -> tuple[str | None, str | None]:
        """Whom to credit, or the reason why nobody can be."""
        if self.to is None:
            return None, "unassigned"
        try:
            party = books.party(self.to, "/to")
        except NotFound:
            return None, "party_unknown"
        if party.state in ("frozen", "closed"):
            return party.id, "party_not_open"
        if self.currency not in books.settings.currencies:
            return party.id, "currency_not_enabled"
        return party.id, None

    def _enter(self, books: Books, party: str | None, state: str, reason: str | None) -> None:
        number = books.number
        row = Deposit(number, self.rail, self.rail_reference, party, self.amount, self.currency, state, reason)
        books.put(books.deposits, number, row)
        books.remember(books.deposit_references, (self.rail, self.rail_reference), number)
        if reason is not None:
            item = SuspenseItem(number, self.amount, self.amount, self.currency, reason, books.today, "open")
            books.put(books.suspense, number, item)


class ReturnDeposit(Command):
    """Book that a rail took a deposit back: a recall, a chargeback of a top-up."""

    kind = "deposit.return"
    private = ("reason",)
    deposit: str
    reason: Reason

    def fault(self) -> FieldError | None:
        """The text's rule."""
        return shape.required_text("/reason", self.reason, shape.MEMO_LENGTH_MAX)

    def needs(self, books: Books) -> Iterable[Name]:
        """The deposit, then whoever was credited."""
        number = shape.numbered("deposit", self.deposit)
        if number is None:
            return
        yield "deposits", number
        yield "suspense", number
        deposit = books.deposits.get(number)
        if deposit is not None:
            yield "owners", rail_owner(deposit.rail)
            yield "owners", deposit.party if deposit.party is not None else PLATFORM

    def decide(self, books: Books) -> Result:
        """Take it from where it went: suspense, or the balance as far as it goes and the rest as a debt."""
        number = shape.numbered("deposit", self.deposit)
        deposit = books.deposits.find(number) if number is not None else None
        if deposit is None:
            raise NotFound("not_found", f"There is no deposit {self.deposit}.")
        if deposit.state == "returned":
            raise Conflict("already_reversed", f"{self.deposit} was returned before.")
        rail, amount, currency = rail_owner(deposit.rail), deposit.amount, deposit.currency
        result: dict[str, object] = {"amount": amount, "currency": currency}
        if deposit.party is None:
            books.post(RETURN_FROM_SUSPENSE, PLATFORM, rail, amount, currency)
            self._clear_suspense(books, deposit)
        else:
            covered = min(amount, books.balance(deposit.party, "available", currency))
            if covered > 0:
                books.post(RETURN_FROM_BALANCE, deposit.party, rail, covered, currency)
            if covered < amount:
                books.post(RETURN_AS_DEBT, deposit.party, rail, amount - covered, currency)
                debt = Receivable(books.number, deposit.party, amount - covered, amount - covered, currency)
                books.put(books.receivables, books.number, debt)
            result["receivable"] = amount - covered
        books.put(books.deposits, deposit.entry, msgspec.structs.replace(deposit, state="returned"))
        return result

    def _clear_suspense(self, books: Books, deposit: Deposit) -> None:
        item = books.suspense.find(deposit.entry)
        if item is None or item.remaining != deposit.amount:
            raise Conflict("suspense_not_open", f"suspense_{deposit.entry} has been allocated. Reverse that first.")
        books.put(books.suspense, deposit.entry, msgspec.structs.replace(item, remaining=0, state="cleared"))
