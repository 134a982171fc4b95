"""What each entry of the feed is about: a thing that can be asked for by the id that the feed names."""

import asyncio
from typing import Any

import pytest

from ledger.core.kinds import COMMANDS
from ledger.http.app import ROUTES
from ledger.http.resources import ABOUT, KEYS, MAKES, SINGLE
from ledger.http.routes import ANSWERS
from tests.books.lanes import done, lane_on
from tests.books.tampering import STORY
from tests.harness import Client, Database
from tests.http.teller import read
from tests.http.wire import problem_of

SHOWN_AT = {
    route.path.rpartition("/")[2].strip("{}"): route.path
    for route in ROUTES
    if route.method == "GET" and route.path.count("{") == 1 and route.path.endswith("}")
}
"""By the type of a resource: where it is shown by its id."""


@pytest.fixture(scope="module")
def entries(database: Database, client: Client) -> list[dict[str, Any]]:
    """The entries of a story that has something of each kind of agreement."""

    async def tell() -> None:
        async with lane_on(database) as lane:
            for command in STORY.values():
                await done(lane, command)

    asyncio.run(tell())
    found: list[dict[str, Any]] = read(client, "/v1/entries", limit=10_000)["entries"]
    return found


def test_a_kind_of_entry_stands_in_one_table_of_resources_at_most_and_in_one_if_it_makes_something() -> None:
    tabled = [*SINGLE, *KEYS, *ABOUT, *MAKES]
    assert len(tabled) == len(set(tabled))
    assert {kind for kind, (status, _) in ANSWERS.items() if status == 201} <= set(tabled) <= set(COMMANDS)


@pytest.mark.parametrize("kind", sorted({*COMMANDS} - {*SINGLE, *KEYS, *MAKES}))
def test_what_an_entry_changes_is_named_by_a_fact_of_its_command(kind: str) -> None:
    _, fact = ABOUT.get(kind) or (kind.partition(".")[0],) * 2
    assert fact in COMMANDS[kind].__struct_fields__


def test_a_resource_of_the_feed_is_found_where_its_type_is_shown(client: Client, entries: list[dict[str, Any]]) -> None:
    shown: set[str] = set()
    for entry in entries:
        resource = entry["resource"]
        if (path := SHOWN_AT.get(resource["type"])) is not None:
            answer = client.get(path.replace(f"{{{resource['type']}}}", resource["id"]))
            assert (200, resource["id"]) == (answer.status_code, answer.json()["id"]), entry["kind"]
            shown.add(resource["type"])
    agreements = {"hold", "capture", "payment_request", "split", "transfer", "invoice", "credit_note", "settlement"}
    assert agreements | {"refund", "payout", "suspense", "deposit", "party", "rail", "bank"} == shown


def test_a_type_without_a_route_is_not_that_of_one_by_another_name(entries: list[dict[str, Any]]) -> None:
    others = {entry["resource"]["type"] for entry in entries} - SHOWN_AT.keys()
    keys = {"party_key", "request_key", "api_key", "log_key"}
    booked = {"deposit_return", "reversal", "rail_settle", "rail_prefund", "bank_move"}
    assert {"ledger", "log"} | keys | booked == others


@pytest.mark.parametrize("name", ["nobody", "TEST", "test%2F", "t" * 33])
def test_a_rail_or_bank_that_nobody_registered_is_not_found(client: Client, name: str) -> None:
    assert (404, "rail_unknown") == problem_of(client.http.get(f"/v1/rails/{name}"))
    assert (404, "not_found") == problem_of(client.http.get(f"/v1/banks/{name}"))


def test_a_rail_and_a_bank_are_shown_as_they_are_listed(client: Client) -> None:
    for path in ("/v1/rails", "/v1/banks"):
        for listed in read(client, path)["data"]:
            assert listed == read(client, f"{path}/{listed['id']}")
