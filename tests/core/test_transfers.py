"""A transfer: every reason to refuse in the promised order, and the line after which it must succeed."""

import itertools

import pytest

from ledger.core.aliases import AddAlias
from ledger.core.books import Books
from ledger.core.errors import LedgerError
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import FreezeParty
from ledger.core.rows import Settings
from ledger.core.transfers import Transfer
from tests.core.stories import attempt, deposit, do, new_books, refusal, transfer

# What can be wrong with a transfer, in the order in which it is said: what is wrong, the code, the field that is named.
REFUSALS = (
    ("the accounting date lies in the future", "timestamp_invalid", "/effective_on"),
    ("the currency is not enabled", "currency_invalid", "/currency"),
    ("there is no such payer", "party_unknown", "/from"),
    ("there is no such payee", "party_unknown", "/to"),
    ("the alias names another than the sender saw", "alias_moved", "/to"),
    ("payer and payee are the same", "same_party", None),
    ("the payer is frozen", "party_not_open", None),
    ("the payee is frozen", "party_not_open", None),
    ("the payer has not enough", "insufficient_funds", None),
    ("the payee's balance would overflow", "balance_overflow", None),
)
NAMES = [name for name, _, _ in REFUSALS]


def with_all_this_wrong(wrong: set[str]) -> tuple[Books, Transfer]:
    """Books and a transfer in which exactly these things are wrong."""
    books = new_books()
    if "the payee's balance would overflow" in wrong:
        do(books, deposit(to="bob", amount=AMOUNT_MAX - 100, rail="sepa"))
    if "the payer is frozen" in wrong:
        do(books, FreezeParty(party="ann", mode="debits"))
    if "the payee is frozen" in wrong:
        do(books, FreezeParty(party="bob", mode="all"))
    payer = "ghost" if "there is no such payer" in wrong else "ann"
    payee = payer if "payer and payee are the same" in wrong else "bob"
    if "there is no such payee" in wrong:
        payee = "nobody"
    return books, transfer(
        from_=payer,
        to=payee,
        amount=101 if "the payer has not enough" in wrong else 100,
        currency="INR" if "the currency is not enabled" in wrong else "EUR",
        effective_on="2026-01-02" if "the accounting date lies in the future" in wrong else None,
        to_expected="cem" if "the alias names another than the sender saw" in wrong else None,
    )


@pytest.mark.parametrize(("name", "code", "pointer"), REFUSALS)
def test_when_several_things_are_wrong_the_first_is_said(name: str, code: str, pointer: str | None) -> None:
    later = NAMES[NAMES.index(name) + 1 :]
    for count in range(len(later) + 1):
        for also in itertools.combinations(later, count):
            books, command = with_all_this_wrong({name, *also})
            outcome = attempt(books, command)
            assert isinstance(outcome, LedgerError), also
            assert (code, pointer) == (outcome.code, outcome.errors[0].pointer if outcome.errors else None), also


def test_with_nothing_wrong_the_money_moves() -> None:
    books, command = with_all_this_wrong(set())
    entry = do(books, command)
    assert [("ann/available", "bob/available", 100)] == [
        (p.debit.path, p.credit.path, p.amount) for p in entry.postings
    ]
    assert (0, 200) == (books.balance("ann", "available", "EUR"), books.balance("bob", "available", "EUR"))


@pytest.mark.parametrize(
    ("amount", "code"), [(99, None), (100, None), (101, "insufficient_funds"), (AMOUNT_MAX, "insufficient_funds")]
)
def test_exactly_what_is_there_can_be_paid_and_one_unit_more_cannot(amount: int, code: str | None) -> None:
    assert code == refusal(new_books(), transfer(amount=amount))


def test_a_refusal_for_want_of_funds_says_how_much_is_short() -> None:
    refused = attempt(new_books(), transfer(amount=1234))
    assert "ann has not enough available in EUR: 11.34 EUR short." == str(refused)


@pytest.mark.parametrize(("amount", "code"), [(AMOUNT_MAX - 200, None), (AMOUNT_MAX - 199, "balance_overflow")])
def test_a_balance_may_reach_two_to_the_53_minus_1_and_not_pass_it(amount: int, code: str | None) -> None:
    books = new_books()
    do(books, deposit(to="bob", amount=amount, rail="sepa"))
    assert code == refusal(books, transfer(amount=100))


def test_an_alias_pays_whoever_has_it_now() -> None:
    books = new_books()
    do(books, AddAlias(party="bob", channel="phone", value="+4915112345678"))
    entry = do(books, transfer(to="alias:phone:+4915112345678", to_expected="bob"))
    assert "bob/available" == entry.postings[0].credit.path


def test_an_alias_of_ones_own_is_still_oneself() -> None:
    books = new_books()
    do(books, AddAlias(party="ann", channel="phone", value="+4915112345678"))
    assert "same_party" == refusal(books, transfer(to="alias:phone:+4915112345678"))


def test_a_currency_that_was_enabled_and_withdrawn_since_is_not_newly_posted() -> None:
    books = new_books()
    books.set_settings(Settings("Test", "UTC", ["BGN"]))
    assert "currency_invalid" == refusal(books, transfer(currency="BGN"))
