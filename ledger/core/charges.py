"""Charges: whose fee schedule holds for a payment, and the legs by which the fee and its tax leave it."""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from ledger.core.books import Books
from ledger.core.chart import PLATFORM, tax_owner
from ledger.core.commands import Name, Result
from ledger.core.entries import canonical
from ledger.core.errors import FieldError, NotFound
from ledger.core.fees import FeeSchedule, OnRefund, TaxCode, fee_of
from ledger.core.fields import Bps, MinorUnits
from ledger.core.movements import FEE, FEE_TAX
from ledger.core.parties import PartyAction, open_party
from ledger.core.rows import Party


class SetFees(PartyAction, kw_only=True):
    """Set what a party is charged of what it is paid by captures and settlements; a schedule of nothing is none, also
    where the ledger has one. Amounts are minor units of whatever currency is paid."""

    kind = "fees.set"
    bps: Bps = 0
    fixed: MinorUnits = 0
    min: MinorUnits | None = None
    max: MinorUnits | None = None
    tax_code: TaxCode | None = None
    tax_bps: Bps = 0
    on_refund: OnRefund = "keep"

    @property
    def schedule(self) -> FeeSchedule:
        """The schedule that is asked for."""
        return msgspec.convert(self, FeeSchedule, from_attributes=True)

    def fault(self) -> FieldError | None:
        """The id's and the schedule's rules."""
        return super().fault() or self.schedule.fault()

    def decide(self, books: Books) -> Result:
        """Set it."""
        party = open_party(books, self.party)
        books.change(books.parties, party, fees=written(self.schedule))
        return None


class ClearFees(PartyAction):
    """Take a party's own fee schedule away: the ledger's holds again."""

    kind = "fees.clear"

    def decide(self, books: Books) -> Result:
        """Clear it. Raises not_found if the party has none."""
        party = open_party(books, self.party)
        if party.fees is None:
            raise NotFound("not_found", f"{party.id} has no fee schedule of its own.")
        books.change(books.parties, party, fees=None)
        return None


class Charge(NamedTuple):
    """What was taken of a payment, in minor units, and how it goes back with a refund."""

    fee: int
    tax: int
    tax_code: str | None
    on_refund: OnRefund


NO_CHARGE = Charge(0, 0, None, "keep")


def written(schedule: FeeSchedule) -> str:
    """A schedule as a row keeps it: JSON."""
    return canonical(schedule).decode()


@lru_cache(maxsize=4096)
def read_schedule(fees: str) -> FeeSchedule:
    """The schedule that a row keeps."""
    return msgspec.json.decode(fees, type=FeeSchedule)


def schedule_of(books: Books, payee: Party) -> FeeSchedule | None:
    """The payee's own schedule; else, if it is a merchant, the ledger's."""
    fees = payee.fees or (books.settings.fees if payee.kind == "merchant" else None)
    return read_schedule(fees) if fees is not None else None


def needs_of_charge(books: Books, payee: str | None) -> tuple[Name, ...]:
    """What must be loaded to charge a payee, once the payee itself is."""
    party = books.known_party(payee)
    schedule = schedule_of(books, party) if party is not None else None
    if schedule is None:
        return ()
    taxed = (("owners", tax_owner(schedule.tax_code)),) if schedule.tax_code is not None else ()
    return (("owners", PLATFORM), *taxed)


def charge(books: Books, payee: Party, amount: int, currency: str) -> Charge:
    """Take the fee on a payment, and its tax, out of what the payee was paid."""
    schedule = schedule_of(books, payee)
    if schedule is None:
        return NO_CHARGE
    fee, tax = fee_of(schedule, amount)
    if fee > 0:
        books.post(FEE, payee.id, PLATFORM, fee, currency)
    if tax > 0 and schedule.tax_code is not None:
        books.post(FEE_TAX, payee.id, tax_owner(schedule.tax_code), tax, currency)
    return Charge(fee, tax, schedule.tax_code, schedule.on_refund)
