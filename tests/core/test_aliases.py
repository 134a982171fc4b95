"""Aliases: an alias names one party at a time, and it is known when it named whom."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.books import Books
from ledger.core.errors import LedgerError
from ledger.core.parties import AliasName, CreateParty
from ledger.core.rows import Alias
from tests.core.stories import Step, attempt, do, new_books, play, refusal, stories, transfer

ONE, TWO = "+4915111111111", "+4915122222222"


def add(party: str = "ann", value: str = ONE, **fields: Any) -> AddAlias:
    return AddAlias(party=party, channel="phone", value=value, **fields)


def holder(books: Books, value: str) -> str | None:
    alias = books.aliases.find(("phone", value))
    return alias.party if alias is not None else None


def test_an_alias_that_someone_has_is_not_given_away_unasked() -> None:
    books = new_books()
    number = do(books, add("bob")).number
    refused = attempt(books, add("ann"))
    assert isinstance(refused, LedgerError)
    assert ("already_exists", (f"alias:phone:{ONE}", number)) == (refused.code, refused.existing)
    assert "bob" not in refused.detail


def test_take_over_moves_it_and_tells_from_whom() -> None:
    books = new_books()
    first = do(books, add("bob")).number
    entry = do(books, add("ann", take_over=True))
    assert {"taken_from": "bob"} == entry.result
    assert "ann" == holder(books, ONE)
    assert [Alias("phone", ONE, first, "bob", entry.number), Alias("phone", ONE, entry.number, "ann")] == entry.rows


def test_take_over_of_an_alias_that_nobody_has_just_sets_it() -> None:
    books = new_books()
    assert do(books, add(take_over=True)).result is None
    assert "ann" == holder(books, ONE)


@pytest.mark.parametrize("take_over", [False, True])
def test_an_alias_that_the_party_has_already_is_refused_as_such(take_over: bool) -> None:
    books = new_books()
    do(books, add())
    assert "already_exists" == refusal(books, add(take_over=take_over))


def test_a_new_phone_takes_the_place_of_the_old_one() -> None:
    books = new_books()
    do(books, add())
    do(books, add(value=TWO, replaces=ONE))
    assert (None, "ann") == (holder(books, ONE), holder(books, TWO))


@pytest.mark.parametrize("replaces", [ONE, TWO])
def test_only_an_alias_of_ones_own_can_be_replaced(replaces: str) -> None:
    books = new_books()
    do(books, add("bob", ONE))
    refused = attempt(books, add(value="+4915133333333", replaces=replaces))
    assert isinstance(refused, LedgerError)
    assert ("not_found", "/replaces") == (refused.code, refused.errors[0].pointer)


def test_a_removed_alias_names_nobody_until_someone_takes_it() -> None:
    books = new_books()
    do(books, add("bob"))
    do(books, RemoveAlias(party="bob", channel="phone", value=ONE))
    assert "party_unknown" == refusal(books, transfer(to=f"alias:phone:{ONE}"))
    do(books, CreateParty(id="cem", party_kind="person", aliases=[AliasName("phone", ONE)]))
    assert "cem/available" == do(books, transfer(to=f"alias:phone:{ONE}")).postings[0].credit.path


@pytest.mark.parametrize(("party", "value"), [("ann", ONE), ("bob", TWO)])
def test_nobody_can_remove_an_alias_that_is_not_theirs(party: str, value: str) -> None:
    books = new_books()
    do(books, add("bob"))
    assert "not_found" == refusal(books, RemoveAlias(party=party, channel="phone", value=value))


def test_the_same_value_on_another_channel_is_another_alias() -> None:
    books = new_books()
    do(books, add("bob"))
    assert refusal(books, AddAlias(party="ann", channel="app", value=ONE)) is None


def test_once_an_alias_has_moved_the_sender_is_told() -> None:
    books = new_books()
    do(books, add("bob"))
    do(books, CreateParty(id="cem", party_kind="person"))
    do(books, add("cem", take_over=True))
    refused = attempt(books, transfer(to=f"alias:phone:{ONE}", to_expected="bob"))
    assert "The alias names cem now, not bob. Show the sender whom they pay, then ask again." == str(refused)


@given(stories)
def test_the_rows_of_an_alias_never_overlap_and_the_open_one_is_who_is_named(story: list[Step]) -> None:
    books = new_books()
    rows: dict[tuple[str, str, int], Alias] = {}
    for entry in play(books, story):
        for row in entry.rows:
            if isinstance(row, Alias):
                rows[row.channel, row.value, row.entry] = row
    by_name: dict[str, list[Alias]] = {}
    for row in rows.values():
        by_name.setdefault(row.value, []).append(row)
    for value, periods in by_name.items():
        periods.sort(key=lambda row: row.entry)
        for earlier, later in pairwise(periods):
            assert earlier.until_entry is not None
            assert earlier.until_entry <= later.entry
        assert holder(books, value) == (periods[-1].party if periods[-1].until_entry is None else None)


@pytest.mark.parametrize(
    ("command", "pointer"),
    [
        (add(value="0151"), "/value"),
        (add(replaces="0151"), "/replaces"),
        (AddAlias(party="ann", channel="Phone", value=ONE), "/channel"),
        (AddAlias(party="rail:upi", channel="phone", value=ONE), "/party"),
        (AddAlias(party="ann", channel="app", value=""), "/value"),
        (AddAlias(party="ann", channel="app", value="x" * 257), "/value"),
        (RemoveAlias(party="ann", channel="phone", value="0151"), "/value"),
    ],
)
def test_what_can_never_be_right_about_an_alias_is_named(command: AddAlias | RemoveAlias, pointer: str) -> None:
    fault = command.fault()
    assert fault is not None
    assert (pointer, "field_invalid") == (fault.pointer, fault.code)
