"""Whatever is asked of the books, in whatever order, this holds."""

import copy
import itertools
import json
from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ledger.core.books import Books, NotLoaded, Savepoint, Shelf
from ledger.core.chart import ROLES, owner_kind
from ledger.core.commands import Command
from ledger.core.entries import Account, Entry
from ledger.core.errors import LedgerError, NotFound
from ledger.core.money import AMOUNT_MAX
from ledger.core.rows import Settings
from ledger.core.transfers import Transfer
from tests.core.stories import START, Step, attempt, do, new_books, play, snapshot, steps, stories


def accounts(books: Books) -> list[Account]:
    return [account for held in books.owners.values() for account in (held or {}).values()]


@given(stories)
def test_per_currency_credits_minus_debits_over_all_accounts_are_zero(story: list[Step]) -> None:
    books = new_books()
    event(f"{len(play(books, story)) // 5 * 5} entries or a few more")
    sums: defaultdict[str, int] = defaultdict(int)
    for account in accounts(books):
        sums[account.currency] += account.balance
    assert {0} == set(sums.values())


@given(stories)
def test_the_postings_in_the_bodies_alone_give_every_balance_and_version_again(story: list[Step]) -> None:
    books = new_books()
    before = {(each.path, each.currency): (each.balance, each.version) for each in accounts(books)}
    for entry in play(books, story):
        body = json.loads(entry.body)
        for posting, decided in zip(body.get("postings", []), entry.postings, strict=True):
            for path, change in ((posting["debit"], -posting["amount"]), (posting["credit"], posting["amount"])):
                balance, version = before.get((path, posting["currency"]), (0, 0))
                before[path, posting["currency"]] = (balance + change, version + 1)
            assert before[posting["debit"], posting["currency"]] == (decided.debit_balance, decided.debit_version)
            assert before[posting["credit"], posting["currency"]] == (decided.credit_balance, decided.credit_version)
    assert before == {(each.path, each.currency): (each.balance, each.version) for each in accounts(books)}


@given(stories)
def test_no_account_is_below_zero_that_may_not_be_and_none_leaves_the_exact_range(story: list[Step]) -> None:
    books = new_books()
    play(books, story)
    for account in accounts(books):
        role = ROLES[account.role]
        assert role.may_go_below_zero or account.balance * role.sign >= 0
        assert -AMOUNT_MAX <= account.balance <= AMOUNT_MAX
        assert role.owner == owner_kind(account.owner)


@given(stories)
def test_entries_are_numbered_without_gaps_in_strictly_increasing_time(story: list[Step]) -> None:
    books = new_books()
    first = books.number
    entries = play(books, story)
    assert list(range(first, first + len(entries))) == [entry.number for entry in entries]
    times = [START, *(entry.posted_at for entry in entries)]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


@given(stories)
def test_accounts_are_numbered_in_the_order_in_which_they_open(story: list[Step]) -> None:
    books = new_books()
    before = books.accounts_opened
    opened = [account.number for entry in play(books, story) for account in entry.opened]
    assert list(range(before + 1, before + 1 + len(opened))) == opened
    assert books.accounts_opened == len(accounts(books))


@given(stories, st.integers(0, 30))
def test_undo_takes_the_books_back_to_exactly_where_they_were(story: list[Step], done: int) -> None:
    books = new_books()
    play(books, story[:done])
    before, point = snapshot(books), books.savepoint()
    play(books, story[done:])
    books.undo(point)
    assert before == snapshot(books)


@given(stories)
def test_what_was_undone_can_be_done_again_with_the_same_entries(story: list[Step]) -> None:
    books = new_books()
    point = books.savepoint()
    first = [entry.body for entry in play(books, story)]
    books.undo(point)
    assert first == [entry.body for entry in play(books, story)]


@given(stories, st.integers(0, 30))
def test_a_later_savepoint_still_holds_once_what_came_before_it_is_durable(story: list[Step], done: int) -> None:
    books = new_books()
    play(books, story[:done])
    point = books.savepoint()
    play(books, story[done:])
    books.forget_journal(point.journal)
    books.undo(Savepoint(0, point.number, point.now))
    untouched = new_books()
    play(untouched, story[:done])
    assert snapshot(untouched) | {"point": None} == snapshot(books) | {"point": None}


@given(stories, steps)
def test_a_refused_command_leaves_nothing_behind(story: list[Step], step: Step) -> None:
    books = new_books()
    play(books, story)
    before = snapshot(books)
    outcome = attempt(books, *step)
    event(type(outcome).__name__)
    assert isinstance(outcome, LedgerError) == (before == snapshot(books))


def lean_books(whole: Books, command: Command) -> Books:
    """Books that hold nothing but what a command says it needs, as a lane's may after it forgot the rest."""
    lean = Books(whole.ledger, whole.settings, complete=False)
    lean.number, lean.now, lean.accounts_opened = whole.number, whole.now, whole.accounts_opened
    while missing := [(name, key) for name, key in command.needs(lean) if key not in getattr(lean, name)]:
        for name, key in missing:
            getattr(lean, name)[key] = copy.deepcopy(getattr(whole, name).find(key))
    return lean


def told(outcome: Entry | LedgerError) -> Any:
    if isinstance(outcome, LedgerError):
        return outcome.code, outcome.detail, outcome.errors, outcome.existing
    return outcome.body, outcome.private, outcome.rows, outcome.opened, outcome.postings


@given(stories)
def test_a_command_looks_only_at_what_it_says_it_needs(story: list[Step]) -> None:
    books = new_books()
    clock = START
    for command, passed in story:
        clock += passed
        lean = lean_books(books, command)
        assert told(attempt(lean, command, clock)) == told(attempt(books, command, clock))


def test_asking_for_what_was_never_loaded_is_an_error_of_ours_and_no_refusal() -> None:
    books = Books("test", Settings("Test", currencies=["EUR"]), complete=False)
    with pytest.raises(NotLoaded, match="party ann"):
        do(books, Transfer(from_="ann", to="bob", amount=1, currency="EUR"))


def test_what_is_known_to_be_absent_counts_as_loaded() -> None:
    shelf: Shelf[str] = Shelf("party", complete=False)
    shelf["ann"] = None
    assert shelf.find("ann") is None


@pytest.mark.parametrize("key", [7, None])
def test_what_is_not_there_is_refused_by_the_name_it_was_asked_under(key: int | None) -> None:
    shelf: Shelf[str] = Shelf("suspense item", complete=True)
    with pytest.raises(NotFound, match=r"^There is no suspense item suspense_7\.$"):
        shelf.named(key, "suspense_7")


@pytest.mark.parametrize(
    ("zone", "at", "today"),
    [
        ("UTC", "2026-01-01T00:00:00", "2026-01-01"),
        ("Europe/Berlin", "2025-12-31T23:00:00", "2026-01-01"),
        ("Europe/Berlin", "2025-12-31T22:59:59", "2025-12-31"),
        ("Europe/Berlin", "2026-03-29T21:59:59", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00:00", "2026-03-30"),
        ("Asia/Kolkata", "2025-12-31T18:30:00", "2026-01-01"),
        ("Pacific/Kiritimati", "2025-12-31T10:00:00", "2026-01-01"),
    ],
)
def test_today_is_the_date_in_the_ledgers_own_time_zone(zone: str, at: str, today: str) -> None:
    books = Books("test", Settings("Test", zone))
    books.now = int(datetime.fromisoformat(at + "+00:00").timestamp()) * 1_000_000
    assert today == books.today.isoformat()
