"""A deposit: the money is here, so no state of the books refuses it. And what happens when a rail takes it back."""

import json

import pytest
from hypothesis import given

from ledger.core.aliases import AddAlias
from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import Entry, row_of
from ledger.core.errors import LedgerError
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import CloseParty, CreateParty, FreezeParty, UnfreezeParty
from ledger.core.rows import Deposit
from ledger.core.settings import SetLedger
from tests.core.stories import (
    Step,
    attempt,
    deposit,
    deposits,
    do,
    new_books,
    play,
    refusal,
    snapshot,
    stories,
    transfer,
)


def legs(entry: Entry) -> list[tuple[str, str, int]]:
    return [(posting.debit.path, posting.credit.path, posting.amount) for posting in entry.postings]


def take_back(made: Entry | int) -> ReturnDeposit:
    return ReturnDeposit(deposit=f"deposit_{made.number if isinstance(made, Entry) else made}", reason="recall")


@given(stories, deposits)
def test_no_state_of_the_books_refuses_a_well_formed_deposit(story: list[Step], made: MakeDeposit) -> None:
    books = new_books()
    play(books, story)
    outcome = attempt(books, made)
    if isinstance(outcome, LedgerError):
        assert outcome.code in ("rail_unknown", "already_exists", "balance_overflow")
    else:
        row = row_of(outcome, Deposit)
        owner = "platform/suspense" if row.state == "suspense" else outcome.postings[0].credit.path
        assert [(f"rail:{made.rail}/clearing", owner, made.amount)] == legs(outcome)
        assert (row.reason is not None) == (owner == "platform/suspense")


@pytest.mark.parametrize(
    ("before", "made", "reason"),
    [
        ([], deposit(), None),
        ([], deposit(to=None), "unassigned"),
        ([], deposit(to="ghost"), "party_unknown"),
        ([], deposit(to="alias:phone:+4915112345678"), "party_unknown"),
        (
            [AddAlias(party="bob", channel="phone", value="+4915112345678")],
            deposit(to="alias:phone:+4915112345678"),
            None,
        ),
        ([FreezeParty(party="ann", mode="debits")], deposit(), None),
        ([FreezeParty(party="ann", mode="all")], deposit(), "party_not_open"),
        ([FreezeParty(party="ann", mode="all"), UnfreezeParty(party="ann")], deposit(), None),
        ([transfer(amount=100), CloseParty(party="ann")], deposit(), "party_not_open"),
        ([], deposit(currency="INR"), "currency_not_enabled"),
        ([FreezeParty(party="ann", mode="all")], deposit(currency="INR"), "party_not_open"),
        ([], deposit(to="ghost", currency="INR"), "party_unknown"),
    ],
)
def test_what_cannot_be_credited_waits_in_suspense_and_says_why(
    before: list[Command], made: MakeDeposit, reason: str | None
) -> None:
    books = new_books()
    for command in before:
        do(books, command)
    entry = do(books, made)
    item = books.suspense_items.find(entry.number)
    assert reason == row_of(entry, Deposit).reason
    assert reason == (item.reason if item is not None else None)
    assert ("credited" if reason is None else "suspense") == books.deposits[entry.number].state  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (deposit(currency="BGN", rail="none", rail_reference="first"), "currency_invalid"),
        (deposit(rail="none", rail_reference="first"), "rail_unknown"),
        (deposit(rail_reference="first", amount=AMOUNT_MAX), "already_exists"),
        (deposit(amount=AMOUNT_MAX - 199), "balance_overflow"),
        (deposit(amount=AMOUNT_MAX - 200), None),
    ],
)
def test_of_what_does_refuse_a_deposit_the_first_is_said(made: MakeDeposit, code: str | None) -> None:
    assert code == refusal(new_books(), made)


@pytest.mark.parametrize("name", ["\0", "invoice_", "invoice_01", "invoice_7\n", "7", "", "hold_7", "x" * 30_000])
def test_an_invoice_is_named_by_an_id_that_an_invoice_could_have(name: str) -> None:
    fault = deposit(to=None, invoice=name).fault()
    assert ("/invoice", "field_invalid") == (fault.pointer, fault.code) if fault is not None else False
    assert deposit(to=None, invoice="invoice_7").fault() is None


def test_what_the_payer_wrote_is_kept_apart_from_the_log() -> None:
    said = "John Smith, invoice seventeen"
    entry = do(new_books(), deposit(to=None, reference=said, memo="by hand"))
    assert said.encode() not in entry.body
    assert {"reference": said, "memo": "by hand"}.items() <= json.loads(entry.private or "{}").items()
    assert ("suspense", "invoice_unknown") == (row_of(entry, Deposit).state, row_of(entry, Deposit).reason)


def test_a_reference_that_was_booked_before_names_its_deposit() -> None:
    refused = attempt(new_books(), deposit(rail_reference="first", amount=77))
    assert isinstance(refused, LedgerError)
    assert ("already_exists", ("deposit_6", 6)) == (refused.code, refused.existing)


def test_a_reference_stays_taken_once_its_deposit_is_returned_and_the_refusal_says_what_to_do() -> None:
    books = new_books()
    assert "returned" not in str(attempt(books, deposit(rail_reference="first")))
    do(books, take_back(6))
    refused = attempt(books, deposit(rail_reference="first"))
    assert isinstance(refused, LedgerError)
    assert ("already_exists", ("deposit_6", 6)) == (refused.code, refused.existing)
    assert "was returned" in refused.detail
    assert "of its own" in refused.detail


def test_the_same_reference_on_another_rail_is_another_deposit() -> None:
    assert refusal(new_books(), deposit(rail="sepa", rail_reference="first")) is None


@pytest.mark.parametrize(
    ("occurred_at", "day"),
    [
        (None, "2026-01-01"),
        ("2025-12-31T23:30:00Z", "2026-01-01"),
        ("2025-12-31T22:30:00Z", "2025-12-31"),
        ("2025-12-31T23:30:00+01:00", "2025-12-31"),
        ("2019-07-01T00:00:00Z", "2019-07-01"),
        ("2099-01-01T00:00:00Z", "2026-01-01"),
    ],
)
def test_the_accounting_date_is_the_day_it_occurred_in_the_ledgers_zone_and_never_later_than_today(
    occurred_at: str | None, day: str
) -> None:
    assert day == do(new_books(), deposit(occurred_at=occurred_at)).effective_on.isoformat()


@pytest.mark.parametrize("zone", ["America/Lima", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    ("occurred_at", "days"),
    [
        ("0001-01-01T00:00:00.000001Z", {"0001-01-01"}),
        ("9999-12-31T23:59:59Z", {"2025-12-31", "2026-01-01"}),
    ],
)
def test_the_ends_of_the_calendar_are_days_too(zone: str, occurred_at: str, days: set[str]) -> None:
    books = new_books()
    do(books, SetLedger(time_zone=zone))
    assert do(books, deposit(occurred_at=occurred_at)).effective_on.isoformat() in days


# Returns


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (5, [("ann/available", "rail:upi/clearing", 5)]),
        (200, [("ann/available", "rail:upi/clearing", 5)]),
        (3, [("ann/available", "rail:upi/clearing", 3), ("ann/receivable", "rail:upi/clearing", 2)]),
        (0, [("ann/receivable", "rail:upi/clearing", 5)]),
    ],
)
def test_a_return_takes_what_is_there_and_the_rest_becomes_a_debt(
    left: int, expected: list[tuple[str, str, int]]
) -> None:
    books = new_books()
    made = do(books, deposit())
    do(books, deposit(amount=200, rail_reference="more"))
    if left < 305:
        do(books, transfer(amount=305 - left))
    entry = do(books, take_back(made))
    assert expected == legs(entry)
    debt = books.receivables.find((entry.number, "ann"))
    assert max(5 - left, 0) == (debt.remaining if debt is not None else 0)
    assert max(5 - left, 0) == books.balance("ann", "receivable", "EUR")
    assert "returned" == books.deposits[made.number].state  # type: ignore[union-attr]


def test_the_return_of_what_waits_in_suspense_clears_it() -> None:
    books = new_books()
    made = do(books, deposit(to=None))
    assert [("platform/suspense", "rail:upi/clearing", 5)] == legs(do(books, take_back(made)))
    item = books.suspense_items[made.number]
    assert item is not None
    assert ("cleared", 0) == (item.state, item.remaining)


@pytest.mark.parametrize("mode", ["debits", "all"])
def test_a_freeze_does_not_stop_a_return(mode: str) -> None:
    books = new_books()
    made = do(books, deposit())
    do(books, FreezeParty(party="ann", mode=mode))  # type: ignore[arg-type]
    assert refusal(books, take_back(made)) is None


def test_even_a_closed_party_can_come_to_owe() -> None:
    books = new_books()
    do(books, CreateParty(id="cem", party_kind="person"))
    made = do(books, deposit(to="cem"))
    do(books, transfer(from_="cem", to="ann"))
    do(books, CloseParty(party="cem"))
    assert [("cem/receivable", "rail:upi/clearing", 5)] == legs(do(books, take_back(made)))


@pytest.mark.parametrize("to", ["ann", None])
def test_a_deposit_is_returned_once(to: str | None) -> None:
    books = new_books()
    made = do(books, deposit(to=to))
    do(books, take_back(made))
    before = snapshot(books)
    assert "already_reversed" == refusal(books, take_back(made))
    assert before == snapshot(books)


@pytest.mark.parametrize(
    "name", ["deposit_99", "deposit_4", "transfer_6", "deposit_06", "deposit_", "deposit_6\n", "6", "deposit_-6"]
)
def test_what_is_no_deposit_cannot_be_returned(name: str) -> None:
    assert "not_found" == refusal(new_books(), ReturnDeposit(deposit=name, reason="recall"))


def test_a_return_follows_its_deposit_into_a_currency_that_was_disabled_since() -> None:
    books = new_books()
    made = do(books, deposit(currency="JPY"))
    do(books, SetLedger(currencies=["EUR"]))
    assert [("ann/available", "rail:upi/clearing", 5)] == legs(do(books, take_back(made)))


@given(stories)
def test_suspense_and_receivable_accounts_hold_what_their_items_have_left(story: list[Step]) -> None:
    books = new_books()
    play(books, story)
    for currency in ("EUR", "INR", "JPY"):
        items = [item for item in books.suspense_items.values() if item is not None and item.currency == currency]
        assert sum(item.remaining for item in items) == books.balance("platform", "suspense", currency)
        for party in books.parties:
            assert books.balance(party, "receivable", currency) == sum_of_debts(books, party, currency)


def sum_of_debts(books: Books, party: str, currency: str) -> int:
    debts = (debt for debt in books.receivables.values() if debt is not None)
    return sum(debt.remaining for debt in debts if (debt.party, debt.currency) == (party, currency))
