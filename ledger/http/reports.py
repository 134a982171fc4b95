"""Reports over HTTP: the trial balance."""

from datetime import date
from itertools import groupby
from typing import Annotated, Literal

import msgspec

from ledger.books import reports as kept
from ledger.books.reports import Group, Sums
from ledger.core.chart import ROLES, Class
from ledger.core.errors import Invalid
from ledger.core.text import parse_date
from ledger.http.periods import AsOfQuery, as_of_number, check_order, period
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route

Bound = Annotated[
    str,
    msgspec.Meta(description="With basis=posted a time of RFC 3339; with basis=effective a date, YYYY-MM-DD."),
]


class TrialBalanceQuery(AsOfQuery, forbid_unknown_fields=True, kw_only=True):
    """The period: from `since` on, and before `until`. `posted` goes by when we booked, `effective` by the accounting
    date. Nothing that was booked later than as of counts."""

    since: Bound | None = None
    until: Bound | None = None
    basis: Literal["posted", "effective"] = "posted"


class TrialBalanceRow(msgspec.Struct):
    """The accounts of one role: those of all parties together (`clients`), or of one other owner. Balances are in the
    natural sign of the class; debits and credits are the period's turnovers, which may pass 2^53 and so are strings."""

    owner: str
    role: str
    class_: Class = msgspec.field(name="class")
    opening: int
    debits: str
    credits: str
    closing: int


class CurrencyBalance(msgspec.Struct):
    """One currency, in minor units. `debits` and `credits` are the sums of the rows', and equal."""

    currency: str
    debits: str
    credits: str
    rows: list[TrialBalanceRow]


class TrialBalanceAnswer(msgspec.Struct):
    """A trial balance. Asked again with `as_of_entry`, it comes out the same."""

    as_of_entry: int
    currencies: list[CurrencyBalance]


async def trial_balance(asked: Asked) -> Reply:
    """The trial balance of a period, or of all there is."""
    query: TrialBalanceQuery = asked.query
    pool, ledger_id = asked.pool, asked.ledger_id
    head = await kept.head(pool, ledger_id)
    last = await as_of_number(pool, ledger_id, query, head.number)
    if query.basis == "posted":
        before, last = await period(pool, ledger_id, query.since, query.until, last)
        groups = await kept.sums_posted(pool, ledger_id, before, head._replace(number=last))
    else:
        since, until = _day("since", query.since), _day("until", query.until)
        check_order((since or date.min) <= (until or date.max))
        groups = await kept.sums_effective(pool, ledger_id, since, until, head._replace(number=last))
    return Reply(200, TrialBalanceAnswer(last, _currencies(groups)))


def _currencies(groups: dict[Group, Sums]) -> list[CurrencyBalance]:
    """The groups by currency, and in it by class, owner and role."""
    classes = list(Class)

    def place(group: Group) -> tuple[str, int, str, str]:
        return group.currency, classes.index(ROLES[group.role].account_class), group.owner, group.role

    currencies = []
    for currency, members in groupby(sorted(groups, key=place), lambda group: group.currency):
        found = list(members)
        debited = sum(groups[group].debits for group in found)
        credited = sum(groups[group].credits for group in found)
        rows = [_row(group, groups[group]) for group in found]
        currencies.append(CurrencyBalance(currency, str(debited), str(credited), rows))
    return currencies


def _row(group: Group, sums: Sums) -> TrialBalanceRow:
    role = ROLES[group.role]
    opening = (sums.credits_before - sums.debits_before) * role.sign
    closing = opening + (sums.credits - sums.debits) * role.sign
    return TrialBalanceRow(
        group.owner, group.role, role.account_class, opening, str(sums.debits), str(sums.credits), closing
    )


def _day(name: str, value: str | None) -> date | None:
    try:
        return parse_date(value) if value is not None else None
    except ValueError:
        detail = f"With basis=effective, {name} is an accounting date: write it YYYY-MM-DD."
        raise Invalid.at(f"/{name}", "timestamp_invalid", detail) from None


ROUTES = (
    Route(
        "GET",
        "/v1/reports/trial-balance",
        "reports:read",
        trial_balance,
        summary="Show the turnovers and balances of all accounts, now or of a period",
        query=TrialBalanceQuery,
        answers=TrialBalanceAnswer,
    ),
)
