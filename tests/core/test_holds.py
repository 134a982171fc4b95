"""Holds: each state with each action, what is captured and what goes back; and what falls due is tried again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.books import Books
from ledger.core.charges import SetFees
from ledger.core.commands import Command
from ledger.core.deadlines import OPEN_SECONDS
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import row_of
from ledger.core.holds import CaptureHold, ExpireHold, IncreaseHold, PlaceHold, VoidHold
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import CloseParty, CreateParty, FreezeParty
from ledger.core.payouts import RequestPayout
from ledger.core.rows import Hold, Payment
from ledger.core.settings import SetLedger
from tests.core.stories import attempt, do, new_books, refusal

NAME = "hold_8"
SECOND = 1_000_000


def place(amount: int = 60) -> PlaceHold:
    """Ann, who has 1.00 EUR, lets bob take so much."""
    return PlaceHold(from_="ann", to="bob", amount=amount, currency="EUR")


def capture(amount: int | None = None, final: bool = True) -> CaptureHold:
    return CaptureHold(hold=NAME, amount=amount, final=final)


def held(books: Books) -> tuple[int, int, int]:
    """What ann has, what is held of it, and what bob has."""
    return (
        books.balance("ann", "available", "EUR"),
        books.balance("ann", "held", "EUR"),
        books.balance("bob", "available", "EUR"),
    )


STATES: dict[str, list[Command]] = {
    "open": [place()],
    "captured in part": [place(), capture(10, final=False)],
    "captured": [place(), capture(10)],
    "captured to the end": [place(), capture(60, final=False)],
    "voided": [place(), VoidHold(hold=NAME)],
    "overdue": [place()],
    "expired": [place(), ExpireHold(hold=NAME)],
}
ACTIONS: dict[str, tuple[Command, dict[str, str | None]]] = {
    "capture": (capture(10), {"open": None, "captured in part": None}),
    "capture too much": (
        capture(61),
        dict.fromkeys(("open", "captured in part"), "amount_exceeds_remaining"),
    ),
    "increase": (IncreaseHold(hold=NAME, amount=10), {"open": None, "captured in part": None}),
    "increase too much": (
        IncreaseHold(hold=NAME, amount=41),
        dict.fromkeys(("open", "captured in part"), "insufficient_funds"),
    ),
    "void": (VoidHold(hold=NAME), {"open": None, "captured in part": None}),
    "expire": (ExpireHold(hold=NAME), {"overdue": None}),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_state_answers_each_action_as_the_table_says(state: str, action: str) -> None:
    books = new_books()
    for command in STATES[state]:
        if isinstance(command, ExpireHold):
            books.now += OPEN_SECONDS * SECOND
        do(books, command)
    if state == "overdue":
        books.now += OPEN_SECONDS * SECOND
    command, answers = ACTIONS[action]
    assert answers.get(state, "hold_not_open") == refusal(books, command)


def test_a_deadline_is_over_at_its_very_microsecond() -> None:
    for early, answers in ((1, (None, "hold_not_open")), (0, ("hold_not_open", None))):
        for command, answer in zip((VoidHold(hold=NAME), ExpireHold(hold=NAME)), answers, strict=True):
            books = new_books()
            begun = do(books, place()).posted_at
            outcome = attempt(books, command, begun + OPEN_SECONDS * SECOND - early)
            assert answer == getattr(outcome, "code", None)


@given(st.lists(st.integers(1, 40), max_size=5), st.lists(st.integers(1, 20), max_size=2), st.booleans())
def test_what_was_reserved_is_captured_released_or_still_held(
    captures: list[int], increases: list[int], is_voided: bool
) -> None:
    books = new_books()
    hold = row_of(do(books, place()), Hold)
    for command in (
        *(IncreaseHold(hold=NAME, amount=amount) for amount in increases),
        *(capture(amount, final=False) for amount in captures),
        *([VoidHold(hold=NAME)] if is_voided else []),
    ):
        attempt(books, command)
        hold = books.holds.find(8) or hold
        assert hold.amount == hold.captured + hold.released + hold.remaining
        assert (100 - hold.amount + hold.released, hold.remaining, 100 + hold.captured) == held(books)
        assert (hold.state == "open") == (hold.remaining > 0)


def test_a_capture_is_a_payment_with_its_fee_and_the_rest_goes_back() -> None:
    books = new_books()
    do(books, SetFees(party="bob", bps=1_000, fixed=1))
    entry = do(books, PlaceHold(from_="ann", to="bob", amount=60, currency="EUR"))
    payment = row_of(do(books, CaptureHold(hold=f"hold_{entry.number}", amount=50)), Payment)
    assert ("capture", 50, 6) == (payment.kind, payment.amount, payment.fee)
    assert (50, 0, 144) == held(books)


def test_whose_debits_are_frozen_reserves_nothing_more_but_honours_what_was_reserved() -> None:
    books = new_books()
    do(books, place())
    do(books, FreezeParty(party="ann", mode="debits"))
    for command in (place(1), IncreaseHold(hold=NAME, amount=1)):
        assert "party_not_open" == refusal(books, command)
    assert refusal(books, capture(10, final=False)) is None
    assert refusal(books, VoidHold(hold=NAME)) is None
    assert (90, 0, 110) == held(books)


@pytest.mark.parametrize("party", ["ann", "bob"])
def test_of_who_is_frozen_wholly_nothing_is_captured_but_what_is_held_goes_back(party: str) -> None:
    books = new_books()
    do(books, place())
    do(books, FreezeParty(party=party, mode="all"))
    assert "party_not_open" == refusal(books, capture())
    assert refusal(books, VoidHold(hold=NAME)) is None
    assert (100, 0, 100) == held(books)


@pytest.mark.parametrize("end", [capture(10), capture(20, final=False), VoidHold(hold=NAME), ExpireHold(hold=NAME)])
def test_who_may_still_capture_a_hold_cannot_be_closed_until_it_ends(end: Command) -> None:
    books = new_books()
    do(books, CreateParty(id="shop", party_kind="merchant"))
    hold = f"hold_{do(books, PlaceHold(from_='ann', to='shop', amount=20, currency='EUR')).number}"
    assert "party_not_empty" == refusal(books, CloseParty(party="shop"))
    do(books, IncreaseHold(hold=hold, amount=1))
    do(books, CaptureHold(hold=hold, amount=1, final=False))
    assert 1 == books.open_things["shop"]
    books.now += OPEN_SECONDS * SECOND if isinstance(end, ExpireHold) else 0
    do(books, msgspec.structs.replace(end, hold=hold))
    assert 0 == books.open_things["shop"]


def test_in_a_currency_that_is_no_longer_enabled_a_hold_is_captured_but_not_increased() -> None:
    books = new_books()
    do(books, place())
    do(books, SetLedger(currencies=["JPY"]))
    assert "currency_invalid" == refusal(books, IncreaseHold(hold=NAME, amount=1))
    assert refusal(books, capture(10, final=False)) is None
    assert refusal(books, VoidHold(hold=NAME)) is None


def test_an_expiry_that_has_no_room_is_not_remembered_and_is_done_once_there_is_some() -> None:
    books = new_books()
    do(books, place())
    much = MakeDeposit(to="ann", amount=AMOUNT_MAX - 40, currency="EUR", rail="sepa", rail_reference="much")
    do(books, much)
    books.now += OPEN_SECONDS * SECOND
    assert "balance_overflow" == refusal(books, ExpireHold(hold=NAME))
    assert ExpireHold.falls_due
    do(books, RequestPayout(party="ann", amount=60, currency="EUR", rail="upi", destination="somewhere"))
    assert refusal(books, ExpireHold(hold=NAME)) is None


def test_all_that_was_ever_reserved_under_a_hold_stays_a_number_that_json_keeps_exact() -> None:
    books = new_books()
    do(books, MakeDeposit(to="ann", amount=AMOUNT_MAX - 300, currency="EUR", rail="sepa", rail_reference="much"))
    hold = f"hold_{do(books, place(AMOUNT_MAX - 200)).number}"
    do(books, CaptureHold(hold=hold, amount=AMOUNT_MAX - 210, final=False))
    back = do(books, PlaceHold(from_="bob", to="ann", amount=AMOUNT_MAX - 210, currency="EUR"))
    do(books, CaptureHold(hold=f"hold_{back.number}"))
    assert "balance_overflow" == refusal(books, IncreaseHold(hold=hold, amount=201))
    assert refusal(books, IncreaseHold(hold=hold, amount=200)) is None
