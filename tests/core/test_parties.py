"""Parties: what may be done to one in each of its states."""

from typing import Any

import pytest

from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.errors import LedgerError
from ledger.core.holds import PlaceHold
from ledger.core.parties import AliasName, CloseParty, CreateParty, FreezeParty, UnfreezeParty
from tests.core.stories import attempt, deposit, do, new_books, refusal, snapshot, transfer

PHONE = "+4915112345678"
STATES = ("open", "debits_frozen", "frozen", "closed")
INTO: dict[str, list[Command]] = {
    "open": [],
    "debits_frozen": [FreezeParty(party="cem", mode="debits")],
    "frozen": [FreezeParty(party="cem", mode="all")],
    "closed": [transfer(from_="cem", to="ann"), CloseParty(party="cem")],
}
# What is done, and what it gets from a party that is open, debits_frozen, frozen, closed; None where it is done.
MATRIX: tuple[tuple[str, Command, tuple[str | None, ...]], ...] = (
    ("it pays", transfer(from_="cem"), (None, *["party_not_open"] * 3)),
    ("it is paid", transfer(to="cem"), (None, None, "party_not_open", "party_not_open")),
    ("money arrives for it", deposit(to="cem"), (None,) * 4),
    ("its deposit is returned", ReturnDeposit(deposit="deposit_9", reason="recall"), (None,) * 4),
    ("its debits are frozen", FreezeParty(party="cem", mode="debits"), (None, None, None, "party_not_open")),
    ("it is frozen", FreezeParty(party="cem", mode="all"), (None, None, None, "party_not_open")),
    ("it is unfrozen", UnfreezeParty(party="cem"), (None, None, None, "party_not_open")),
    ("it is closed with money", CloseParty(party="cem"), (*["party_not_empty"] * 3, "party_not_open")),
    ("it gets an alias", AddAlias(party="cem", channel="app", value="c"), (None, None, None, "party_not_open")),
    ("it loses an alias", RemoveAlias(party="cem", channel="phone", value=PHONE), (None, None, None, "party_not_open")),
    ("its id is taken again", CreateParty(id="cem", party_kind="person"), ("already_exists",) * 4),
)


def books_with_cem(state: str) -> Books:
    books = new_books()
    do(books, CreateParty(id="cem", party_kind="person", aliases=[AliasName("phone", PHONE)]))
    do(books, deposit(to="cem", rail_reference="for cem"))
    for command in INTO[state]:
        do(books, command)
    return books


@pytest.mark.parametrize("index", range(4), ids=STATES)
@pytest.mark.parametrize(("command", "answers"), [(row[1], row[2]) for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_what_may_be_done_depends_on_the_state(index: int, command: Command, answers: tuple[str | None, ...]) -> None:
    books = books_with_cem(STATES[index])
    assert books.parties["cem"].state == STATES[index]  # type: ignore[union-attr]
    assert answers[index] == refusal(books, command)


@pytest.mark.parametrize(
    ("command", "state"),
    [
        (FreezeParty(party="cem", mode="debits"), "debits_frozen"),
        (FreezeParty(party="cem", mode="all"), "frozen"),
        (UnfreezeParty(party="cem"), "open"),
    ],
)
@pytest.mark.parametrize("before", STATES[:3])
def test_a_freeze_or_unfreeze_leads_to_its_state_from_wherever(before: str, command: Command, state: str) -> None:
    books = books_with_cem(before)
    do(books, command)
    assert state == books.parties["cem"].state  # type: ignore[union-attr]


@pytest.mark.parametrize("state", STATES[:3])
def test_an_empty_party_can_be_closed_and_never_opened_again(state: str) -> None:
    books = new_books()
    do(books, CreateParty(id="cem", party_kind="merchant"))
    for command in INTO[state]:
        do(books, command)
    do(books, CloseParty(party="cem"))
    assert ["party_not_open"] * 2 == [
        refusal(books, UnfreezeParty(party="cem")),
        refusal(books, CloseParty(party="cem")),
    ]


def test_a_party_that_owes_cannot_be_closed() -> None:
    books = books_with_cem("open")
    do(books, transfer(from_="cem", to="ann"))
    do(books, ReturnDeposit(deposit="deposit_9", reason="recall"))
    refused = attempt(books, CloseParty(party="cem"))
    assert "cem/receivable in EUR is not zero. A party that owes stays; freeze it instead." == str(refused)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (None, "cem/available in EUR is not zero. Move the money out, then close the party."),
        (
            PlaceHold(from_="cem", to="ann", amount=5, currency="EUR"),
            "cem/held in EUR is not zero. Void the party's holds or let them end, then close it.",
        ),
        (
            transfer(from_="cem", to=f"alias:phone:{PHONE}0", if_unknown="hold_for_claim"),
            "cem/escrow in EUR is not zero. Wait until what the party sent is claimed or comes back, then close it.",
        ),
    ],
)
def test_who_cannot_close_a_party_is_told_what_to_do_first(command: Command | None, sentence: str) -> None:
    books = books_with_cem("open")
    if command is not None:
        do(books, command)
    assert sentence == str(attempt(books, CloseParty(party="cem")))


@pytest.mark.parametrize(
    "command",
    [
        FreezeParty(party="ghost", mode="all"),
        UnfreezeParty(party="ghost"),
        CloseParty(party="ghost"),
        AddAlias(party="ghost", channel="phone", value=PHONE),
        RemoveAlias(party="ghost", channel="phone", value=PHONE),
    ],
)
def test_nothing_can_be_done_to_a_party_that_does_not_exist(command: Command) -> None:
    assert "party_unknown" == refusal(new_books(), command)


def test_a_taken_id_names_the_entry_that_registered_it() -> None:
    refused = attempt(books_with_cem("open"), CreateParty(id="cem", party_kind="merchant"))
    assert isinstance(refused, LedgerError)
    assert ("cem", 8) == refused.existing


def test_a_party_with_a_taken_alias_is_not_registered_at_all() -> None:
    books = books_with_cem("open")
    before = snapshot(books)
    new = CreateParty(id="dan", party_kind="person", aliases=[AliasName("app", "dan"), AliasName("phone", PHONE)])
    assert "already_exists" == refusal(books, new)
    assert before == snapshot(books)


def faults(**fields: Any) -> tuple[str, str] | None:
    fault = CreateParty(**{"id": "cem", "party_kind": "person"} | fields).fault()
    return (fault.pointer, fault.code) if fault is not None else None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"name": "Ğ" * 200, "aliases": [AliasName("app", str(i)) for i in range(20)]}, None),
        ({"id": "rail:upi"}, ("/id", "field_invalid")),
        ({"name": "Ğ" * 201}, ("/name", "text_invalid")),
        ({"aliases": [AliasName("app", str(i)) for i in range(21)]}, ("/aliases", "field_invalid")),
        ({"aliases": [AliasName("app", "a"), AliasName("app", "a")]}, ("/aliases", "field_invalid")),
        ({"aliases": [AliasName("app", "a"), AliasName("phone", "0151")]}, ("/aliases/1/value", "field_invalid")),
        ({"aliases": [AliasName("App", "a")]}, ("/aliases/0/channel", "field_invalid")),
        ({"metadata": {"k": "\u202e"}}, ("/metadata/k", "text_invalid")),
    ],
)
def test_what_can_never_be_right_about_a_party_is_named(
    fields: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    assert expected == faults(**fields)
