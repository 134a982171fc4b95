"""Deposits: money that arrived over a rail. The money is here, so the state of the books never refuses it.

It tops up a wallet or pays the invoice that it names. What cannot be credited goes to suspense with a reason, to be
allocated or returned later.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ledger.core import shape
from ledger.core.allocations import InvoiceId
from ledger.core.books import Books
from ledger.core.charges import charge, needs_of_charge
from ledger.core.chart import PLATFORM, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.creditor_references import invoice_of_reference
from ledger.core.errors import Conflict, FieldError, NotFound
from ledger.core.fields import Amount, Currency, Memo, OutsideId, PartyRef, RailReference, Timestamp
from ledger.core.invoices import PAYABLE, needs_of_invoice
from ledger.core.limits import exceeds_balance
from ledger.core.movements import DEPOSIT_CREDITED, DEPOSIT_SUSPENDED, RECEIVE, SURPLUS, SURPLUS_SUSPENDED
from ledger.core.rails import check_rail
from ledger.core.rows import Deposit, Invoice, Party, day_of, moment
from ledger.core.settlements import enter_settlement
from ledger.core.suspense import suspend
from ledger.core.text import parse_timestamp


class Destination(NamedTuple):
    """Where a deposit goes: to a party, to an invoice of its, or into suspense for a `reason`."""

    party: Party | None
    invoice: Invoice | None = None
    reason: str | None = None


class MakeDeposit(Command, kw_only=True):
    """Book money that a rail says has arrived: for a party, for an invoice (by its id or its creditor reference, where
    spaces and case do not matter), or for nobody known. What an invoice does not need goes to the `payer`."""

    kind = "deposit"
    private = ("memo", "reference")
    references = ("to", "payer")
    to: PartyRef | None = None
    payer: PartyRef | None = None
    amount: Amount
    currency: Currency
    rail: OutsideId
    rail_reference: RailReference
    occurred_at: Timestamp | None = None
    invoice: InvoiceId | None = None
    reference: RailReference | None = None
    memo: Memo | None = None

    def fault(self) -> FieldError | None:
        """The references', texts' and times' rules; one destination at most."""
        if sum(each is not None for each in (self.to, self.invoice, self.reference)) > 1:
            return FieldError("/to", "field_invalid", "Give one of to, invoice and reference.")
        return shape.first(
            shape.reference("/to", self.to),
            shape.reference("/payer", self.payer),
            shape.currency(self.currency),
            shape.text("/rail_reference", self.rail_reference, shape.REFERENCE_LENGTH_MAX),
            shape.timestamp("/occurred_at", self.occurred_at),
            shape.resource("/invoice", "invoice", self.invoice),
            shape.text("/reference", self.reference, shape.REFERENCE_LENGTH_MAX),
            shape.text("/memo", self.memo),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """The rail, the deposit that has the reference already, the party or the invoice, and what its merchant is
        charged."""
        yield "rails", self.rail
        yield "owners", rail_owner(self.rail)
        yield "owners", PLATFORM
        yield "deposit_references", (self.rail, self.rail_reference)
        booked = books.deposit_references.get((self.rail, self.rail_reference))
        if booked is not None:
            yield "deposits", booked
        yield from books.needs_of_party(self.to)
        yield from books.needs_of_party(self.payer)
        number = self._invoice_number()
        yield from needs_of_invoice(books, number)
        invoice = books.invoices.get(number)
        if invoice is not None:
            yield from needs_of_charge(books, invoice.merchant)

    def effective_date(self, books: Books) -> str | None:
        """The day on which it occurred, by the ledger's time zone; a rail's clock that is ahead counts as today."""
        if self.occurred_at is None:
            return None
        occurred = moment(parse_timestamp(self.occurred_at))
        return min(day_of(occurred, books.settings.time_zone), books.today).isoformat()

    def decide(self, books: Books) -> Result:
        """Credit the party, pay the invoice, or put the money into suspense and say why."""
        books.check_is_not_withdrawn(self.currency)
        check_rail(books, self.rail, "/rail")
        self._check_is_new(books)
        where = self._destination(books)
        rail = rail_owner(self.rail)
        surplus, surplus_to = 0, None
        if where.party is None or where.reason is not None:
            books.post(DEPOSIT_SUSPENDED, rail, PLATFORM, self.amount, self.currency)
            suspend(books, self.rail, self.amount, self.currency, where.reason or "unassigned", where.party)
        elif where.invoice is not None:
            surplus = self._receive(books, where.party, where.invoice)
            surplus_to = self._give_surplus(books, surplus) if surplus > 0 else None
        else:
            books.post(DEPOSIT_CREDITED, rail, where.party.id, self.amount, self.currency)
        self._enter(books, where, surplus, surplus_to)
        return None

    def _invoice_number(self) -> int | None:
        if self.invoice is not None:
            return shape.numbered("invoice", self.invoice)
        return invoice_of_reference(self.reference) if self.reference is not None else None

    def _check_is_new(self, books: Books) -> None:
        number = books.deposit_references.find((self.rail, self.rail_reference))
        if number is None:
            return
        what_to_do = "Do not book it again."
        booked = books.deposits.find(number)
        if booked is not None and booked.state == "returned":
            what_to_do = (
                "That one was returned since. If the rail repeats its notice, nothing is to be done; if the money has "
                "come anew, or was booked wrongly, book it under a rail_reference of its own."
            )
        detail = f"{self.rail} {self.rail_reference} is booked already, as deposit_{number}. {what_to_do}"
        raise Conflict("already_exists", detail, existing=(f"deposit_{number}", number))

    def _destination(self, books: Books) -> Destination:
        """Whom or what to credit, or the reason why nobody can be."""
        if self.invoice is not None or self.reference is not None:
            return self._invoice_destination(books)
        party = known(books, self.to)
        if party is None:
            return Destination(known(books, self.payer), reason="party_unknown" if self.to else "unassigned")
        return Destination(party, reason=self._why_not(books, party, self.amount))

    def _invoice_destination(self, books: Books) -> Destination:
        number = self._invoice_number()
        invoice = books.invoices.find(number) if number is not None else None
        if invoice is None:
            return Destination(known(books, self.payer), reason="invoice_unknown")
        if invoice.state not in PAYABLE or invoice.currency != self.currency:
            reason = "invoice_not_open" if invoice.state not in PAYABLE else "currency_mismatch"
            return Destination(known(books, self.payer), reason=reason)
        merchant = books.party(invoice.merchant, "")
        return Destination(merchant, invoice, self._why_not(books, merchant, min(invoice.due, self.amount)))

    def _why_not(self, books: Books, party: Party, amount: int) -> str | None:
        """Why a party cannot be credited, or None if it can."""
        if party.state in ("frozen", "closed"):
            return "party_not_open"
        if self.currency not in books.settings.currencies:
            return "currency_not_enabled"
        return "limit_exceeded" if exceeds_balance(books, party, amount, self.currency) else None

    def _receive(self, books: Books, merchant: Party, invoice: Invoice) -> int:
        """Pay an invoice as far as something is due on it; what is left."""
        part = min(invoice.due, self.amount)
        books.post(RECEIVE, rail_owner(self.rail), merchant.id, part, self.currency)
        charged = charge(books, merchant, part, self.currency)
        enter_settlement(books, None, self.rail, merchant, [(invoice, part)], self.currency, charged)
        return self.amount - part

    def _give_surplus(self, books: Books, surplus: int) -> str | None:
        """Credit the payer with what was more than was due, if possible; else it waits in suspense."""
        payer = known(books, self.payer)
        if payer is not None and self._why_not(books, payer, surplus) is None:
            books.post(SURPLUS, rail_owner(self.rail), payer.id, surplus, self.currency)
            return payer.id
        books.post(SURPLUS_SUSPENDED, rail_owner(self.rail), PLATFORM, surplus, self.currency)
        suspend(books, self.rail, surplus, self.currency, "overpaid", payer)
        return None

    def _enter(self, books: Books, where: Destination, surplus: int, surplus_to: str | None) -> None:
        is_credited = where.party is not None and where.reason is None
        row = Deposit(
            entry=books.number,
            changed_by=books.number,
            rail=self.rail,
            rail_reference=self.rail_reference,
            party=where.party.id if where.party is not None and is_credited else None,
            amount=self.amount,
            currency=self.currency,
            state="credited" if is_credited else "suspense",
            reason=None if is_credited else where.reason or "unassigned",
            surplus=surplus,
            surplus_to=surplus_to,
        )
        books.add(books.deposits, row)
        books.remember(books.deposit_references, (self.rail, self.rail_reference), row.entry)


def known(books: Books, reference: str | None) -> Party | None:
    """The party that a reference names, or None: money that is here is booked all the same."""
    try:
        return books.party(reference, "") if reference is not None else None
    except NotFound:
        return None
