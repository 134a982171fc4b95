"""What erasing looks through: a field that names a party and is not looked at would leave text that nobody erased."""

import json
import time
from collections.abc import Iterator

import msgspec
import pytest

from ledger.books.database import connect
from ledger.books.erasure import NAMING, erase_refusals
from ledger.books.setup import enter_ledger
from ledger.core.api_keys import CreateApiKey
from ledger.core.books import Books
from ledger.core.fields import SCOPES
from ledger.core.kinds import COMMANDS
from ledger.core.parties import AliasName, CreateParty
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.rows import AGREEMENTS, Row
from ledger.core.settings import SetLedger
from tests.books.lanes import done, lane_on, pay, refusal, run, value
from tests.books.tampering import STORY
from tests.core.stories import do
from tests.harness import Database

PARTY_TYPES = ("PartyId", "PartyRef")


def fields_of_requests() -> Iterator[tuple[str, str]]:
    """The fields that are declared to name a party: the request's own with its kind, the others with their struct."""
    for kind, command in COMMANDS.items():
        for struct, schema in msgspec.json.schema(command)["$defs"].items():
            for name, field in schema["properties"].items():
                if any(f'"title": "{title}"' in json.dumps(field) for title in PARTY_TYPES):
                    yield kind if struct == command.__name__ else struct, name


@pytest.fixture(scope="module")
def kept() -> dict[tuple[str, str], set[str]]:
    """Each text column of agreements, and what a story that makes all of them says there; `parties` have the ids."""
    books = Books("test")
    books.now = time.time_ns() // 1000
    do(books, CreateApiKey(name="test", digest="C" * 42 + "A", scopes=list(SCOPES)))
    do(books, SetLedger(currencies=["EUR"]))
    do(books, RegisterBank(id="test", currency="EUR", purpose="safeguarded"))
    do(books, RegisterRail(id="test", settles_to="test"))
    rows: list[Row] = [row for command in STORY.values() for row in do(books, command).rows]
    return {
        (table, field.name): {getattr(row, field.name) for row in rows if row.table == table} - {None}
        for table, kind in AGREEMENTS.items()
        for field in msgspec.structs.fields(kind)
        if field.type in (str, str | None)
    }


def test_every_field_that_names_a_party_is_looked_at_and_no_other(kept: dict[tuple[str, str], set[str]]) -> None:
    parties = kept["parties", "id"]
    assert [] == [column for column, values in kept.items() if not values]
    in_rows = {column for (_, column), values in kept.items() if values & parties}
    assert {*NAMING} == in_rows | {name for _, name in fields_of_requests()}


def test_nothing_inside_a_field_of_a_request_names_a_party_but_a_splits_shares() -> None:
    assert {("Share", "payer")} == {(of, name) for of, name in fields_of_requests() if of not in COMMANDS}


def test_a_refused_transfer_is_also_about_the_party_that_its_sender_expected(database: Database) -> None:
    async def story() -> None:
        async with lane_on(database) as lane:
            for name, aliases in (("ann", None), ("bob", None), ("eve", [AliasName("chat", "bob")])):
                await done(lane, CreateParty(id=name, party_kind="person", aliases=aliases))
            to_bob = pay("ann", "alias:chat:bob", memo="for bob", to_expected="bob")
            assert "alias_moved" == await refusal(lane, to_bob)
        connection = await connect(database.url)
        ledger_id = await enter_ledger(connection, "test")
        erased = await erase_refusals(connection, ledger_id, "bob")
        await connection.close()
        assert 1 == erased
        assert 0 == await value(database, "SELECT count(*) FROM refusals WHERE private IS NOT NULL")

    run(story())
