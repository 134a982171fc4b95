"""Limits: how much a party may pay at once and in a day, and how much it may have; of the ledger's, or its own.

A limit of the party's own in a currency stands in place of the ledger's. A day is one of the ledger's calendar; what
was paid on it is summed from the postings, and is kept nowhere else.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

import msgspec

from ledger.core import shape
from ledger.core.books import Books, Spent
from ledger.core.commands import Name, Result
from ledger.core.entries import canonical
from ledger.core.errors import FieldError, Refused
from ledger.core.fields import Amount, Currency
from ledger.core.money import format_amount
from ledger.core.parties import PartyAction, open_party
from ledger.core.rows import Party

PAYING_KINDS = (
    "transfer",
    "payment_request.pay",
    "hold.place",
    "hold.increase",
    "invoice.settle",
    "settlement",
    "payout.request",
)
"""The kinds of entries by which a party pays, or takes money out: what a daily limit counts."""

PAID_INTO = ("available", "held", "escrow", "outbound")
"""The roles to which they move what is paid; the rest is fees."""

Times = Annotated[int, msgspec.Meta(ge=1, le=1_000_000, title="Times", description="How many times, 1 to 1000000.")]


class PartyLimit(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How much a party may pay in a currency by one payment, on one day and how often; and how much it may have."""

    currency: Currency
    per_payment: Amount | None = None
    per_day_sum: Amount | None = None
    per_day_count: Times | None = None
    balance: Amount | None = None

    @property
    def is_daily(self) -> bool:
        """Whether it counts what is paid on a day."""
        return self.per_day_sum is not None or self.per_day_count is not None

    @property
    def is_none(self) -> bool:
        """Whether it limits nothing."""
        return not self.is_daily and self.per_payment is None and self.balance is None


class SetLimits(PartyAction, kw_only=True):
    """Set a party's own limits in a currency, which stand in place of the ledger's; with no limit given, the ledger's
    hold again. All are in minor units, but `per_day_count`, which counts payments."""

    kind = "limits.set"
    currency: Currency
    per_payment: Amount | None = None
    per_day_sum: Amount | None = None
    per_day_count: Times | None = None
    balance: Amount | None = None

    def fault(self) -> FieldError | None:
        """The id's and the currency's rules."""
        return shape.first(super().fault(), shape.currency(self.currency))

    def decide(self, books: Books) -> Result:
        """Set them."""
        party = open_party(books, self.party)
        limit = msgspec.convert(self, PartyLimit, from_attributes=True)
        if not limit.is_none:
            books.check_currency(self.currency)
        others = [each for each in read_limits(party.limits) if each.currency != self.currency]
        books.change(books.parties, party, limits=written([*others, limit]))
        return None


def written(limits: Iterable[PartyLimit]) -> str | None:
    """Limits as a row keeps them: JSON by currency, None where nothing is limited."""
    some = sorted((each for each in limits if not each.is_none), key=lambda each: each.currency)
    return canonical(some).decode() if some else None


def read_limits(limits: str | None) -> list[PartyLimit]:
    """The limits that a row keeps."""
    return list(_read(limits or "[]").values())


@lru_cache(maxsize=4096)
def _read(limits: str) -> dict[str, PartyLimit]:
    return {limit.currency: limit for limit in msgspec.json.decode(limits, type=list[PartyLimit])}


def limit_of(books: Books, party: Party, currency: str) -> PartyLimit | None:
    """What limits a party in a currency."""
    for limits in (party.limits, books.settings.limits):
        if limits is not None and currency in _read(limits):
            return _read(limits)[currency]
    return None


def needs_of_spending(books: Books, reference: str | None, currency: str) -> tuple[Name, ...]:
    """What must be loaded to judge what a party pays, once the party itself is: what it has paid today, if limited."""
    party = books.known_party(reference)
    if party is None or (party.limits is None and books.settings.limits is None):
        return ()
    limit = limit_of(books, party, currency)
    return (("spent", _today_of(books, party, currency)),) if limit is not None and limit.is_daily else ()


def _today_of(books: Books, party: Party, currency: str) -> tuple[str, str, str]:
    """The key of what a party has paid today; the day is one of a time zone, which can be changed."""
    return party.id, currency, books.settings.time_zone


def check_spending(books: Books, party: Party, amount: int, currency: str) -> None:
    """Count what a party pays. Raises limit_exceeded, which names the limit and says when it frees."""
    limit = limit_of(books, party, currency)
    if limit is None and not books.spent and not books.spent.complete:
        return  # nothing was ever counted here; the usual case, hence first
    key = _today_of(books, party, currency)
    is_counted = key in books.spent or books.spent.complete or (limit is not None and limit.is_daily)
    before = books.spent.find(key) if is_counted else None
    if before is None or before.day != books.today:
        before = Spent(books.today, 0, 0)
    spent = Spent(before.day, before.amount + amount, before.times + 1)
    if limit is not None:
        _judge(books, party, limit, amount, spent)
    if is_counted:  # else it is not known what was paid before
        books.remember(books.spent, key, spent)


def check_receiving(books: Books, party: Party, amount: int, currency: str) -> None:
    """Raise limit_exceeded if a party would have more than it may."""
    if exceeds_balance(books, party, amount, currency):
        limit = limit_of(books, party, currency)
        most = format_amount((limit and limit.balance) or 0, currency)
        raise Refused("limit_exceeded", f"{party.id} may have at most {most}; there is room once it has paid some out.")


def exceeds_balance(books: Books, party: Party, amount: int, currency: str) -> bool:
    """Whether a party would have more than it may."""
    if party.limits is None and books.settings.limits is None:
        return False
    limit = limit_of(books, party, currency)
    most = limit.balance if limit is not None else None
    return most is not None and books.balance(party.id, "available", currency) + amount > most


def _judge(books: Books, party: Party, limit: PartyLimit, amount: int, spent: Spent) -> None:
    def refusal(what: str, when: str) -> Refused:
        return Refused("limit_exceeded", f"{party.id} may pay {what}; {when}.")

    frees = f"the next day begins at midnight, {books.settings.time_zone}"
    if limit.per_payment is not None and amount > limit.per_payment:
        most = format_amount(limit.per_payment, limit.currency)
        raise refusal(f"at most {most} at once", "pay less at once")
    if limit.per_day_sum is not None and spent.amount > limit.per_day_sum:
        most = format_amount(limit.per_day_sum, limit.currency)
        raise refusal(f"at most {most} a day", frees if amount <= limit.per_day_sum else "pay less")
    if limit.per_day_count is not None and spent.times > limit.per_day_count:
        raise refusal(f"{limit.per_day_count} times a day in {limit.currency}", frees)


def limits_fault(limits: list[PartyLimit] | None) -> FieldError | None:
    """What is wrong with the limits of a ledger: a currency that is none, or one that is named twice."""
    codes = [limit.currency for limit in limits or []]
    if len(set(codes)) < len(codes):
        return FieldError("/limits", "field_invalid", "Name each currency once.")
    return shape.first(*(shape.currency(code, f"/limits/{index}/currency") for index, code in enumerate(codes)))
