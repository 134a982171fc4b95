"""A command comes back whole from what its entry keeps, and is compared with it field by field."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.aliases import AddAlias
from ledger.core.chats import Chat
from ledger.core.commands import Command, differing_fields
from ledger.core.entries import Entry, canonical, commitment
from ledger.core.errors import Invalid
from ledger.core.kinds import COMMANDS
from ledger.core.parties import AliasName, CreateParty, FreezeParty
from ledger.core.settings import SetLedger
from ledger.core.transfers import Transfer
from tests.core.stories import Step, commands, do, new_books, play, stories, transfer, two_of_a_kind

SALT = bytes(range(32))


def stored(command: Command) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What is kept of a command: its facts and its private part, as they are read back."""
    facts, private = command.sealed(SALT[16:])
    return json.loads(canonical(facts)), json.loads(private) if private is not None else None


FULL = transfer(
    to="alias:phone:+4915112345678",
    memo="for the döner",
    chat=Chat(conversation="c", message="m"),
    metadata={"order": "7"},
    effective_on="2026-01-01",
    to_expected="bob",
)


@given(commands)
def test_a_command_comes_back_whole_from_what_its_entry_keeps(command: Command) -> None:
    facts, private = stored(command)
    assert command == type(command).recalled(facts, private or {})


@given(commands)
def test_a_command_is_the_same_request_as_itself(command: Command) -> None:
    assert [] == differing_fields(*stored(command), command)


@given(two_of_a_kind)
def test_two_commands_of_a_kind_are_the_same_request_exactly_when_they_are_equal(two: tuple[Command, Command]) -> None:
    assert (two[0] == two[1]) == (differing_fields(*stored(two[0]), two[1]) == [])


@given(two_of_a_kind, st.data())
def test_the_field_that_differs_is_named(two: tuple[Command, Command], data: st.DataObject) -> None:
    command, other = two
    field = data.draw(st.sampled_from(msgspec.structs.fields(command)))
    changed = msgspec.structs.replace(command, **{field.name: getattr(other, field.name)})
    expected = [field.encode_name] if changed != command else []
    assert expected == differing_fields(*stored(command), changed)


@pytest.mark.parametrize(
    ("first", "again", "differing"),
    [
        (transfer(), transfer(memo="hello"), ["memo"]),
        (transfer(memo="hello"), transfer(), ["memo"]),
        (transfer(memo="hello"), transfer(memo="hallo"), ["memo"]),
        (transfer(), transfer(metadata={"a": "b"}), ["metadata"]),
        (transfer(metadata={}), transfer(), ["metadata"]),
        (transfer(metadata={"a": "1", "b": "2"}), transfer(metadata={"b": "2", "a": "1"}), []),
        (transfer(), transfer(to="alias:phone:+4915112345678"), ["to"]),
        (transfer(to="alias:phone:+4915112345678"), transfer(), ["to"]),
        (transfer(), transfer(if_unknown="refuse"), []),
        (transfer(), transfer(amount=6, currency="JPY"), ["amount", "currency"]),
        (FreezeParty(party="ann", mode="all"), FreezeParty(party="ann", mode="all", reason="fraud"), ["reason"]),
        (
            AddAlias(party="ann", channel="phone", value="+4915112345678"),
            AddAlias(party="ann", channel="phone", value="+4915112345678", replaces="+4915112345679"),
            ["replaces"],
        ),
    ],
)
def test_what_differs_is_judged_field_by_field(first: Command, again: Command, differing: list[str]) -> None:
    assert differing == differing_fields(*stored(first), again)


def test_erased_texts_no_longer_count_and_everything_else_does() -> None:
    facts, _ = stored(FULL)
    assert [] == differing_fields(facts, None, FULL)
    other_texts = msgspec.structs.replace(
        FULL, memo="other", metadata={"x": "y"}, to="alias:phone:+4900000000", amount=6
    )
    assert ["amount"] == differing_fields(facts, None, other_texts)


def test_a_text_that_was_never_given_still_counts_after_the_others_were_erased() -> None:
    facts, _ = stored(transfer(memo="hello"))
    assert ["metadata"] == differing_fields(facts, None, transfer(memo="hello", metadata={"a": "b"}))


def test_of_an_erased_command_the_private_texts_come_back_as_none() -> None:
    facts, _ = stored(FULL)
    erased = Transfer.recalled(facts, {})
    assert (None, None) == (erased.memo, erased.metadata)
    assert (FULL.amount, FULL.chat, FULL.effective_on) == (erased.amount, erased.chat, erased.effective_on)


def test_of_an_erased_alias_only_the_channel_is_left() -> None:
    facts, _ = stored(FULL)
    channel, _, commitment = Transfer.recalled(facts, {}).to.rpartition(":")
    assert "alias:phone" == channel
    assert 43 == len(commitment)


def test_an_erased_party_keeps_its_id_and_nothing_else_of_a_person() -> None:
    command = CreateParty(id="cem", party_kind="person", name="Cem", aliases=[AliasName("phone", "+4915112345678")])
    erased = CreateParty.recalled(stored(command)[0], {})
    assert ("cem", None, None, None) == (erased.id, erased.name, erased.aliases, erased.metadata)


@given(stories)
def test_what_was_not_said_is_not_in_the_entry(story: list[Step]) -> None:
    for entry in play(new_books(), story):
        nulls = [name for name, value in json.loads(entry.body)["request"].items() if value is None]
        fields = [field for field in msgspec.structs.fields(entry.request) if field.default is msgspec.UNSET]
        assert nulls == [field.name for field in fields if getattr(entry.request, field.name) is None]


@pytest.mark.parametrize("kind", COMMANDS)
def test_private_fields_and_references_are_fields(kind: str) -> None:
    command = COMMANDS[kind]
    fields = {field.name for field in msgspec.structs.fields(command)}
    assert {*command.private, *command.references} <= fields


def effective_dates(zone: str, asked: str) -> Entry:
    books = new_books()
    do(books, SetLedger(time_zone=zone))
    return do(books, transfer(effective_on=asked))


def test_an_accounting_date_may_lie_in_the_past_and_is_today_where_none_is_asked() -> None:
    assert "2020-02-29" == effective_dates("UTC", "2020-02-29").effective_on.isoformat()
    assert "2026-01-01" == do(new_books(), transfer()).effective_on.isoformat()


def test_whether_an_accounting_date_lies_in_the_future_depends_on_the_ledgers_zone() -> None:
    # The story's clock shows midnight of 2026-01-01 in UTC.
    assert "2026-01-01" == effective_dates("UTC", "2026-01-01").effective_on.isoformat()
    with pytest.raises(Invalid, match="lies in the future; today is 2025-12-31 in America/Lima") as refused:
        effective_dates("America/Lima", "2026-01-01")
    assert ("timestamp_invalid", "/effective_on") == (refused.value.code, refused.value.errors[0].pointer)


def test_a_memo_that_looks_like_an_alias_is_a_text_like_any_other() -> None:
    transfer = Transfer(from_="ann", to="bob", amount=1, currency="EUR", memo="alias:phone:+491701234567")
    facts, _ = transfer.sealed(b"salt")
    assert facts["memo"] == commitment(b"salt", "alias:phone:+491701234567")
