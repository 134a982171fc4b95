"""How a claim ends: taken by whoever has the alias, or given back once its time is over; exactly one of the two."""

import pytest

from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.books import Books
from ledger.core.claims import ReturnClaim, TakeClaim
from ledger.core.limits import SetLimits
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import CloseParty, FreezeParty, UnfreezeParty
from tests.core.claiming import DAY, PHONE, available, cem, legs, name, nothing, send
from tests.core.stories import START, deposit, do, new_books, refusal, transfer


def past(books: Books) -> int:
    """When the time of whatever was sent is over."""
    return books.now + 8 * DAY


# How a claim stands and who has the alias; whether it can be taken, and whether it can be given back.
STATES = {
    "pending, and nobody has the alias": (False, False),
    "pending, and somebody has the alias": (True, False),
    "over, and nobody has the alias": (False, True),
    "over, and somebody has the alias": (False, True),
    "claimed": (False, False),
    "returned": (False, False),
}


def standing(state: str) -> tuple[Books, str]:
    books = new_books()
    sent = name(do(books, send()))
    if "somebody" in state or state == "claimed":
        cem(books)
    if state == "claimed":
        do(books, TakeClaim(transfer=sent))
    if state == "returned":
        do(books, ReturnClaim(transfer=sent), past(books))
        cem(books)
    if "over" in state:
        books.now = past(books)
    return books, sent


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("at", [0, 1])
def test_each_state_knows_what_can_become_of_it(state: str, at: int) -> None:
    books, sent = standing(state)
    command = (TakeClaim, ReturnClaim)[at](transfer=sent)
    if STATES[state][at]:
        do(books, command)
        assert 0 == books.balance("ann", "escrow", "EUR")
        again, back = TakeClaim(transfer=sent), ReturnClaim(transfer=sent)
        assert nothing(books, again)
        assert nothing(books, back)
    else:
        before = available(books, "ann", "cem")
        assert nothing(books, command)
        assert before == available(books, "ann", "cem")


def test_at_the_very_moment_of_the_deadline_it_goes_back() -> None:
    books = new_books()
    sent = do(books, send(expires_at="2026-01-02T00:00:00Z"))
    cem(books)
    over = START + DAY
    assert nothing(books, ReturnClaim(transfer=name(sent)), over - 1)
    assert nothing(books, TakeClaim(transfer=name(sent)), over)
    assert [("ann/escrow", "ann/available", 60)] == legs(do(books, ReturnClaim(transfer=name(sent)), over))
    assert (100,) == available(books, "ann")


def test_who_cannot_be_paid_takes_it_once_they_can() -> None:
    books = new_books()
    sent = do(books, send())
    cem(books)
    do(books, FreezeParty(party="cem", mode="all"))
    assert nothing(books, TakeClaim(transfer=name(sent)))
    do(books, FreezeParty(party="cem", mode="debits"))
    do(books, TakeClaim(transfer=name(sent)))
    assert (60,) == available(books, "cem")


def test_who_is_frozen_until_the_deadline_never_has_it() -> None:
    books = new_books()
    sent = do(books, send())
    cem(books)
    do(books, FreezeParty(party="cem", mode="all"))
    do(books, ReturnClaim(transfer=name(sent)), past(books))
    do(books, UnfreezeParty(party="cem"))
    assert nothing(books, TakeClaim(transfer=name(sent)))
    assert (100, 0) == available(books, "ann", "cem")


def test_who_may_not_have_so_much_takes_it_once_they_may() -> None:
    books = new_books()
    sent = do(books, send())
    cem(books)
    do(books, SetLimits(party="cem", currency="EUR", balance=59))
    assert nothing(books, TakeClaim(transfer=name(sent)))
    do(books, SetLimits(party="cem", currency="EUR", balance=60))
    do(books, TakeClaim(transfer=name(sent)))
    assert (60,) == available(books, "cem")


def test_a_balance_that_is_full_leaves_the_money_waiting_and_no_refusal_remembered() -> None:
    books = new_books()
    sent = do(books, send())
    cem(books)
    do(books, deposit(to="cem", amount=AMOUNT_MAX - 59, rail="sepa"))
    assert nothing(books, TakeClaim(transfer=name(sent)))
    do(books, transfer(from_="cem", to="bob", amount=1))
    do(books, TakeClaim(transfer=name(sent)))


def test_an_alias_that_moves_before_it_is_taken_gives_it_to_the_new_holder() -> None:
    books = new_books()
    sent = do(books, send())
    cem(books)
    do(books, AddAlias(party="bob", channel="phone", value=PHONE, take_over=True))
    do(books, TakeClaim(transfer=name(sent)))
    assert (160, 0) == available(books, "bob", "cem")


def test_an_alias_that_was_taken_away_again_leaves_it_waiting() -> None:
    books = new_books()
    sent = do(books, send())
    cem(books)
    do(books, RemoveAlias(party="cem", channel="phone", value=PHONE))
    assert nothing(books, TakeClaim(transfer=name(sent)))


def test_nobody_claims_what_they_have_sent_themselves() -> None:
    books = new_books()
    sent = do(books, send())
    do(books, AddAlias(party="ann", channel="phone", value=PHONE))
    assert nothing(books, TakeClaim(transfer=name(sent)))
    do(books, ReturnClaim(transfer=name(sent)), past(books))
    assert (100,) == available(books, "ann")


@pytest.mark.parametrize("mode", ["debits", "all"])
def test_a_freeze_of_the_giver_stops_neither_a_claim_nor_its_return(mode: str) -> None:
    books = new_books()
    taken, left = do(books, send(amount=20)), do(books, send(amount=30, to="alias:phone:+491522222222"))
    do(books, FreezeParty(party="ann", mode="debits" if mode == "debits" else "all"))
    cem(books)
    do(books, TakeClaim(transfer=name(taken)))
    do(books, ReturnClaim(transfer=name(left)), past(books))
    assert (80, 20) == available(books, "ann", "cem")


def test_a_giver_does_not_close_while_something_waits() -> None:
    books = new_books()
    do(books, send(amount=100))
    assert "party_not_empty" == refusal(books, CloseParty(party="ann"))


def test_what_is_no_claim_cannot_be_taken_or_given_back() -> None:
    books = new_books()
    plain = do(books, transfer())
    for transfer_id in (name(plain), "transfer_99", "hold_3"):
        assert "not_found" == refusal(books, TakeClaim(transfer=transfer_id))
        assert "not_found" == refusal(books, ReturnClaim(transfer=transfer_id))
