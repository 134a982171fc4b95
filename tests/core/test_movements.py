"""The table of movements and the chart of accounts say the same, and money moves no other way."""

import pytest
from hypothesis import given

from ledger.core.chart import PLATFORM, ROLES, Class, owner_kind
from ledger.core.movements import MOVEMENTS, Leg, leg
from tests.core.stories import Step, new_books, play, stories

OWNERS = {"rail", "bank", "tax", "platform"}


def kind_of(who: str) -> str:
    return who if who in OWNERS else "party"


@pytest.mark.parametrize("movement", MOVEMENTS, ids=lambda leg: f"{leg.kind}: {leg.debit_role} -> {leg.credit_role}")
def test_a_movement_names_roles_of_the_chart_and_their_owners(movement: Leg) -> None:
    assert ROLES[movement.debit_role].owner == kind_of(movement.debit_who)
    assert ROLES[movement.credit_role].owner == kind_of(movement.credit_who)
    assert movement.debit_role == "cash" or movement[1:3] != movement[3:5]


def test_no_movement_is_in_the_table_twice() -> None:
    ways = [(*movement[:5], movement.entries) for movement in MOVEMENTS]
    assert len(set(ways)) == len(ways)


@given(stories)
def test_every_posting_goes_a_way_that_the_table_has_for_its_kind(story: list[Step]) -> None:
    ways = {
        (kind, kind_of(way.debit_who), way.debit_role, kind_of(way.credit_who), way.credit_role)
        for way in MOVEMENTS
        for kind in way.entries
    }
    for entry in play(new_books(), story):
        for posting in entry.postings:
            debit, credit = posting.debit, posting.credit
            way = (entry.kind, owner_kind(debit.owner), debit.role, owner_kind(credit.owner), credit.role)
            assert way in ways
            assert debit.currency == credit.currency
            assert posting.amount > 0


@pytest.mark.parametrize(
    "way",
    [
        "party.available -> party.salary",
        "rail.available -> party.available",
        "party.suspense -> party.available",
        "bank.clearing -> party.available",
    ],
)
def test_a_movement_that_the_chart_does_not_know_cannot_be_entered(way: str) -> None:
    before = list(MOVEMENTS)
    with pytest.raises(LookupError):
        leg("invented", way, "")
    assert before == MOVEMENTS


@pytest.mark.parametrize(
    ("role", "account_class", "may_go_below_zero", "sign"),
    [
        ("available", "liability", False, 1),
        ("receivable", "asset", False, -1),
        ("clearing", "asset", True, -1),
        ("cash", "asset", True, -1),
        ("suspense", "liability", False, 1),
    ],
)
def test_the_chart_is_the_plans(role: str, account_class: str, may_go_below_zero: bool, sign: int) -> None:
    known = ROLES[role]
    assert (Class(account_class), may_go_below_zero, sign) == (
        known.account_class,
        known.may_go_below_zero,
        known.sign,
    )


@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        ("ann", "party"),
        ("rail:upi", "rail"),
        ("bank:main", "bank"),
        ("tax:de19", "tax"),
        (PLATFORM, "platform"),
        ("rail", "party"),
        ("rails:upi", "party"),
        ("a:rail:upi", "party"),
    ],
)
def test_an_owners_name_says_what_it_is(owner: str, kind: str) -> None:
    assert kind == owner_kind(owner)
