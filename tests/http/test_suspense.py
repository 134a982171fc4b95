"""Suspense: what has arrived for nobody known, now and as of any moment."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.harness import Client, new_key
from tests.http.teller import pages, read

SUSPENSE = "/v1/suspense"


def give_back(client: Client, deposit: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = client.post(f"/v1/deposits/{deposit['id']}/return", {"reason": "recalled"}).json()
    return made


def entries(answers: list[dict[str, Any]]) -> list[int]:
    return [item["entry"] for answer in answers for item in answer["data"]]


def test_money_for_nobody_known_is_listed_with_the_deposit_that_brought_it(client: Client) -> None:
    made = client.deposit("not-yet-here", 250, "JPY", rail_reference="ref 1")
    item = {
        "id": f"suspense_{made['entry']}",
        "entry": made["entry"],
        "amount": 250,
        "remaining": 250,
        "currency": "JPY",
        "reason": "party_unknown",
        "arrived_on": made["posted_at"][:10],
        "age_days": 0,
        "state": "open",
        "deposit": made["id"],
        "rail": "test",
        "rail_reference": "ref 1",
        "reference": None,
        "payer": None,
        "party": None,
    }
    assert item in read(client, SUSPENSE)["data"]


def test_money_that_was_credited_is_not_listed(client: Client) -> None:
    made = client.deposit(client.party(), 250)
    assert made["entry"] not in entries(pages(client, SUSPENSE))


def test_what_was_returned_is_gone_but_was_there_as_of_before(client: Client) -> None:
    kept, gone = client.deposit(None, 10), client.deposit(None, 20)
    returned = give_back(client, gone)
    assert {kept["entry"], gone["entry"]} & {*entries(pages(client, SUSPENSE))} == {kept["entry"]}
    before = {
        item["entry"]: item for page in pages(client, SUSPENSE, as_of=returned["posted_at"]) for item in page["data"]
    }
    assert (20, 20, "open") == tuple(before[gone["entry"]][name] for name in ("amount", "remaining", "state"))
    assert kept["entry"] in before


def test_as_of_a_time_there_is_nothing_that_came_then_or_later(client: Client) -> None:
    first, second = client.deposit(None, 10), client.deposit(None, 20)
    give_back(client, first)
    found = entries(pages(client, SUSPENSE, as_of=second["posted_at"]))
    assert first["entry"] in found
    assert second["entry"] not in found


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_the_pages_are_of_one_moment_while_items_come_and_go(client: Client, limit: int) -> None:
    made = [client.deposit(None, amount) for amount in (1, 2, 3, 4)]
    whole = entries(pages(client, SUSPENSE, limit=500))
    first = read(client, SUSPENSE, limit=limit)
    give_back(client, made[1])
    client.deposit(None, 5)
    found, cursor = entries([first]), first["next_cursor"]
    while cursor is not None:
        page = read(client, SUSPENSE, limit=limit, cursor=cursor)
        found, cursor = found + entries([page]), page["next_cursor"]
    assert whole == found == sorted(found)


def test_as_of_a_date_is_as_of_its_end_in_the_ledgers_time_zone(client: Client) -> None:
    made = client.deposit(None, 10)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        client.put("/v1/ledger", {"time_zone": zone})
        day = datetime.fromisoformat(made["posted_at"]).astimezone(ZoneInfo(zone)).date()
        for as_of, is_there in ((day - timedelta(days=1), False), (day, True), (day + timedelta(days=1), True)):
            found = entries(pages(client, SUSPENSE, as_of=as_of.isoformat()))
            assert is_there == (made["entry"] in found), (zone, as_of)
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).isoformat()
        eve = (day - timedelta(days=1)).isoformat()
        assert pages(client, SUSPENSE, as_of=midnight) == pages(client, SUSPENSE, as_of=eve)
    client.put("/v1/ledger", {"time_zone": "UTC"})


def test_older_than_so_many_days_leaves_out_what_is_younger_or_just_that_old(client: Client) -> None:
    made = client.deposit(None, 10)
    in_ten_days = (date.fromisoformat(made["effective_on"]) + timedelta(days=10)).isoformat()
    ages = {days: pages(client, SUSPENSE, as_of=in_ten_days, older_than=days) for days in (9, 10)}
    assert 10 == next(item["age_days"] for item in ages[9][-1]["data"] if item["entry"] == made["entry"])
    assert made["entry"] not in entries(ages[10])


def test_older_than_so_many_days_holds_for_what_is_gone_by_now_too(client: Client) -> None:
    gone = client.deposit(None, 10)
    before = give_back(client, gone)["posted_at"]
    assert gone["entry"] in entries(pages(client, SUSPENSE, as_of=before))
    assert gone["entry"] not in entries(pages(client, SUSPENSE, as_of=before, older_than=0))


def test_the_open_items_add_up_to_the_account(client: Client) -> None:
    gone = client.deposit(None, 11)
    client.deposit(None, 12)
    returned = give_back(client, gone)
    for as_of in (None, returned["posted_at"], gone["posted_at"]):
        items = [item for page in pages(client, SUSPENSE, as_of=as_of, limit=3) for item in page["data"]]
        open_sum = sum(item["remaining"] for item in items if item["currency"] == "EUR")
        assert open_sum == read(client, "/v1/accounts/platform/suspense/EUR", as_of=as_of)["balance"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"as_of": "yesterday"}, "timestamp_invalid"),
        ({"as_of": "2026-02-30"}, "timestamp_invalid"),
        ({"as_of": "2026-02-01T24:00:00Z"}, "timestamp_invalid"),
        ({"as_of": "9999-12-31"}, "timestamp_invalid"),
        ({"as_of": "0001-01-01T00:00:00Z"}, "timestamp_invalid"),
        ({"older_than": "-1"}, "field_invalid"),
        ({"older_than": "1000000000"}, "field_invalid"),
        ({"colour": "red"}, "field_unknown"),
    ],
)
def test_a_moment_or_age_that_makes_no_sense_is_refused(client: Client, query: dict[str, str], code: str) -> None:
    response = client.get(SUSPENSE, **query)
    assert (422, code) == (response.status_code, response.json()["code"])


def test_the_oldest_day_there_is_and_the_greatest_age_find_nothing(client: Client) -> None:
    client.deposit(None, 1, rail_reference=new_key())
    assert {"data": [], "next_cursor": None} == read(client, SUSPENSE, as_of="0001-01-02", older_than=36_500)


def test_an_item_is_shown_as_it_is_listed_also_once_it_is_cleared(client: Client) -> None:
    made = client.deposit(None, 70, rail_reference="ref 70")
    name = f"suspense_{made['entry']}"
    (listed,) = (item for page in pages(client, SUSPENSE) for item in page["data"] if item["id"] == name)
    assert listed == read(client, f"{SUSPENSE}/{name}")
    give_back(client, made)
    cleared = listed | {"remaining": 0, "state": "cleared", "age_days": None}
    assert cleared == read(client, f"{SUSPENSE}/{name}")
    assert [cleared] == [
        item
        for page in pages(client, SUSPENSE, state="cleared", limit=1)
        for item in page["data"]
        if item["id"] == name
    ]


def test_items_are_listed_by_their_state_the_open_ones_unless_said(client: Client) -> None:
    kept, gone = client.deposit(None, 10), client.deposit(None, 20)
    give_back(client, gone)
    by_state = {state: entries(pages(client, SUSPENSE, state=state, limit=2)) for state in ("open", "cleared")}
    assert entries(pages(client, SUSPENSE)) == by_state["open"]
    assert [True, False] == [kept["entry"] in by_state[state] for state in by_state]
    assert [False, True] == [gone["entry"] in by_state[state] for state in by_state]
    assert [] == entries(pages(client, SUSPENSE, state="cleared", older_than=1))


@pytest.mark.parametrize("query", [{"state": "lost"}, {"state": "cleared", "as_of": "2026-01-01"}])
def test_a_state_that_cannot_be_asked_for_is_refused(client: Client, query: dict[str, str]) -> None:
    refused = client.get(SUSPENSE, **query)
    assert (422, "field_invalid") == (refused.status_code, refused.json()["code"])
    assert ["/state"] == [error["pointer"] for error in refused.json()["errors"]]
