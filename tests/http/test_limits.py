"""Limits and fees on the real service: set, shown, kept; a day's sum is held against whoever races or restarts."""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from ledger.books.checks import run_checks
from ledger.core.limits import SetLimits
from tests.books.lanes import do, fund, lane_on, pay, run
from tests.harness import Client, Databases, Served, Superuser, new_key, serve
from tests.http.wire import pointers, problem_of

NOTHING = {"per_payment": None, "per_day_sum": None, "per_day_count": None, "balance": None}
WORKED = {"bps": 290, "fixed": 30, "min": None, "max": None, "tax_code": "gst", "tax_bps": 1_800, "on_refund": "keep"}


@pytest.fixture(autouse=True, scope="module")
def whole_books_hold(superuser: Superuser) -> Iterator[None]:
    """After all of it every check finds nothing."""
    yield
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def limit(client: Client, party: str, **limits: int) -> httpx.Response:
    answer = client.put(f"/v1/parties/{party}/limits", {"currency": "EUR"} | limits)
    assert 200 == answer.status_code, answer.text
    return answer


def try_to_pay(client: Client, payer: str, payee: str, amount: int) -> httpx.Response:
    return client.post("/v1/transfers", {"from": payer, "to": payee, "amount": amount, "currency": "EUR"})


def test_a_partys_limits_are_set_shown_and_taken_away(client: Client) -> None:
    party = client.party()
    assert None is client.get(f"/v1/parties/{party}").json()["limits"]
    made = limit(client, party, per_payment=500, per_day_count=3).json()
    shown = [NOTHING | {"currency": "EUR", "per_payment": 500, "per_day_count": 3}]
    assert {"entry": made["entry"], "id": party, "limits": shown} == made
    assert shown == client.get(f"/v1/parties/{party}").json()["limits"]
    body = {"currency": "INR", "balance": 7}
    again = [client.put(f"/v1/parties/{party}/limits", body, key=f"k-{party}") for _ in range(2)]
    assert again[0].json() == again[1].json()
    assert "true" == again[1].headers["idempotency-replayed"]
    assert ["EUR", "INR"] == [each["currency"] for each in again[0].json()["limits"]]
    for currency in ("EUR", "INR"):
        client.put(f"/v1/parties/{party}/limits", {"currency": currency})
    assert None is client.get(f"/v1/parties/{party}").json()["limits"]


def test_a_refusal_names_the_limit_and_says_when_it_frees(client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    limit(client, payer, per_payment=300, per_day_sum=500)
    refused = try_to_pay(client, payer, payee, 301)
    assert (422, "limit_exceeded") == problem_of(refused)
    assert f"{payer} may pay at most 3.00 EUR at once; pay less at once." == refused.json()["detail"]
    client.transfer(payer, payee, 300)
    refused = try_to_pay(client, payer, payee, 201)
    assert f"{payer} may pay at most 5.00 EUR a day; the next day begins at midnight, UTC." == refused.json()["detail"]
    client.transfer(payer, payee, 200)


def test_what_a_party_may_have_is_not_passed_by_a_transfer(client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    limit(client, payee, balance=100)
    client.transfer(payer, payee, 100)
    refused = try_to_pay(client, payer, payee, 1)
    assert (422, "limit_exceeded") == problem_of(refused)


def test_payments_from_before_the_limit_was_set_count_toward_the_day(client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    client.transfer(payer, payee, 60)
    hold = {"from": payer, "to": payee, "amount": 10, "currency": "EUR"}
    assert 201 == client.post("/v1/holds", hold).status_code
    sent = {"from": payer, "to": "alias:phone:+4915799999999", "amount": 10, "currency": "EUR"}
    assert 201 == client.post("/v1/transfers", sent | {"if_unknown": "hold_for_claim"}).status_code
    client.transfer(payee, payer, 5)
    limit(client, payer, per_day_sum=100)
    assert (422, "limit_exceeded") == problem_of(try_to_pay(client, payer, payee, 21))
    client.transfer(payer, payee, 20)


def test_a_limit_on_single_payments_does_not_make_the_service_forget_what_was_paid(client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    client.transfer(payer, payee, 60)
    limit(client, payer, per_payment=500)
    client.transfer(payer, payee, 10)
    limit(client, payer, per_day_sum=100)
    assert (422, "limit_exceeded") == problem_of(try_to_pay(client, payer, payee, 31))
    client.transfer(payer, payee, 30)


def test_a_restart_of_the_service_forgets_nothing(databases: Databases) -> None:
    database = databases.new()
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        payer, payee = client.funded(1000), client.party()
        limit(client, payer, per_day_sum=100, per_day_count=3)
        client.transfer(payer, payee, 60)
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        assert (422, "limit_exceeded") == problem_of(try_to_pay(client, payer, payee, 41))
        client.transfer(payer, payee, 39)
        client.transfer(payer, payee, 1)
        assert (422, "limit_exceeded") == problem_of(try_to_pay(client, payer, payee, 1))
    databases.drop(database)


def test_what_was_paid_yesterday_does_not_count_today(databases: Databases) -> None:
    database = databases.new()
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        payer, payee = client.funded(1000), client.party()
        limit(client, payer, per_day_sum=100)
        client.transfer(payer, payee, 100)
    with Superuser(database.url) as superuser:
        superuser.run_script("UPDATE entries SET posted_at = posted_at - interval '1 day'")
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        client.transfer(payer, payee, 70)
        assert (422, "limit_exceeded") == problem_of(try_to_pay(client, payer, payee, 31))
    databases.drop(database)


def test_payments_that_race_never_exceed_the_days_sum_together(client: Client, service: Served) -> None:
    payer, payee = client.funded(1000), client.party()
    limit(client, payer, per_day_sum=100)
    with (
        serve(service.database) as other,
        contextlib.closing(Client(other.base, client.token)) as second,
        ThreadPoolExecutor(16) as threads,
    ):
        asked = [threads.submit(try_to_pay, (client, second)[number % 2], payer, payee, 30) for number in range(16)]
        answers = [each.result().status_code for each in asked]
    assert [201] * 3 + [422] * 13 == sorted(answers)
    assert 910 == client.available(payer)


def test_payments_decided_together_with_the_limit_they_come_before_count(service: Served) -> None:
    """They are not written yet when what was paid today is summed."""

    async def ask() -> list[str]:
        async with lane_on(service.database) as lane:
            payer, payee = await fund(lane, 2, 1000)
            set_limit = SetLimits(party=payer, currency="EUR", per_day_sum=100, per_day_count=2)
            commands = [pay(payer, payee, 60), set_limit, pay(payer, payee, 41), pay(payer, payee, 40)]
            commands += [pay(payer, payee, 1)]
            outcomes = await asyncio.gather(*(do(lane, command) for command in commands))
            return [type(outcome).__name__ for outcome in outcomes]

    assert ["Done", "Done", "NotDone", "Done", "NotDone"] == run(ask())


def test_the_ledgers_limits_and_fees_are_replaced_as_a_whole_and_shown(databases: Databases) -> None:
    database = databases.new()
    with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
        before = client.get("/v1/ledger").json()
        assert ([], None) == (before["limits"], before["fees"])
        body = {"limits": [{"currency": "INR", "balance": 9}, {"currency": "EUR", "per_payment": 100}], "fees": WORKED}
        made = client.put("/v1/ledger", body).json()
        limits = [NOTHING | {"currency": "EUR", "per_payment": 100}, NOTHING | {"currency": "INR", "balance": 9}]
        assert before | {"entry": made["entry"], "limits": limits, "fees": WORKED} == made
        payer, payee = client.funded(1000), client.party()
        assert (422, "limit_exceeded") == problem_of(try_to_pay(client, payer, payee, 101))
        made = client.put("/v1/ledger", {"limits": [{"currency": "INR", "balance": 9}]}).json()
        assert (limits[1:], WORKED) == (made["limits"], made["fees"])
        client.transfer(payer, payee, 101)
        nothings: tuple[dict[str, Any], ...] = ({"limits": [], "fees": {}}, {"limits": None, "fees": None})
        for nothing in nothings:
            client.put("/v1/ledger", body)
            client.put("/v1/ledger", nothing)
            assert before == client.get("/v1/ledger").json()
        assert [] == run_with(database.url)
    databases.drop(database)


def run_with(url: str) -> list[object]:
    with Superuser(url) as superuser:
        return list(superuser.wait(run_checks(superuser.connection, 1)))


def test_a_schedule_that_a_party_has_of_its_own_is_taken_away_again(client: Client) -> None:
    shop, key = client.party(kind="merchant"), new_key()
    path = f"/v1/parties/{shop}/fees"
    assert (404, "not_found") == problem_of(client.delete(path))
    client.put(path, WORKED)
    tried = client.delete(path, dry_run=True)
    assert {"entry": None, "id": shop, "fees": None} == tried.json()
    assert WORKED == client.get(f"/v1/parties/{shop}").json()["fees"]
    cleared = client.delete(path, key)
    assert (200, {"id": shop, "fees": None}) == (
        cleared.status_code,
        {name: cleared.json()[name] for name in ("id", "fees")},
    )
    assert cleared.json() == client.delete(path, key).json()
    assert None is client.get(f"/v1/parties/{shop}").json()["fees"]
    entry = client.get(f"/v1/entries/{cleared.json()['entry']}").json()
    assert ("fees.clear", {"type": "party", "id": shop}) == (entry["kind"], entry["resource"])


@pytest.mark.parametrize("name", ["name", "time_zone", "currencies", "request_signatures"])
def test_a_setting_that_a_ledger_cannot_be_without_is_not_taken_away(client: Client, name: str) -> None:
    answer = client.put("/v1/ledger", {name: None})
    assert (422, [f"/{name}"]) == (answer.status_code, pointers(answer))


def test_fees_are_set_shown_and_taken_of_what_is_captured(client: Client) -> None:
    shop, payer = client.party(kind="merchant"), client.funded(20_000)
    assert None is client.get(f"/v1/parties/{shop}").json()["fees"]
    body = {"bps": 290, "fixed": 30, "tax_code": "gst", "tax_bps": 1_800}
    made = client.put(f"/v1/parties/{shop}/fees", body).json()
    assert {"entry": made["entry"], "id": shop, "fees": WORKED} == made
    assert WORKED == client.get(f"/v1/parties/{shop}").json()["fees"]
    hold = client.post("/v1/holds", {"from": payer, "to": shop, "amount": 10_000, "currency": "EUR"}).json()
    taken = client.post(f"/v1/holds/{hold['id']}/capture", {}).json()
    assert (320, 58, 9_622) == (taken["fee"], taken["fee_tax"], taken["net"])
    assert 9_622 == client.available(shop)


@pytest.mark.parametrize(
    ("path", "body", "code", "pointer"),
    [
        ("limits", {}, "field_missing", "/currency"),
        ("limits", {"currency": "EUR", "per_payment": 0}, "amount_invalid", "/per_payment"),
        ("limits", {"currency": "EUR", "per_day_count": 0}, "field_invalid", "/per_day_count"),
        ("limits", {"currency": "XXX", "balance": 1}, "currency_invalid", "/currency"),
        ("limits", {"currency": "EUR", "party": "alice"}, "field_unknown", "/party"),
        ("fees", {"bps": 10_001}, "field_invalid", "/bps"),
        ("fees", {"fixed": -1}, "amount_invalid", "/fixed"),
        ("fees", {"tax_bps": 5}, "field_invalid", "/tax_code"),
    ],
)
def test_what_is_wrong_with_terms_is_named(
    client: Client, path: str, body: dict[str, object], code: str, pointer: str
) -> None:
    refused = client.put(f"/v1/parties/alice/{path}", body)
    assert (422, code) == problem_of(refused)
    assert [pointer] == pointers(refused)


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"limits": [{"currency": "EUR"}, {"currency": "EUR"}]}, "field_invalid", "/limits"),
        ({"limits": [{"currency": "XXX", "balance": 1}]}, "currency_invalid", "/limits/0/currency"),
        ({"limits": [{"balance": 1}]}, "field_missing", "/limits/0/currency"),
        ({"fees": {"min": 2, "max": 1}}, "field_invalid", "/fees/min"),
    ],
)
def test_what_is_wrong_with_a_ledgers_terms_is_named(
    client: Client, body: dict[str, object], code: str, pointer: str
) -> None:
    refused = client.put("/v1/ledger", body)
    assert (422, code) == problem_of(refused)
    assert [pointer] == pointers(refused)


def test_terms_of_nobody_are_not_found_and_a_dry_run_sets_none(client: Client) -> None:
    for path, body in (("fees", {"bps": 1}), ("limits", {"currency": "EUR", "balance": 1})):
        assert (404, "party_unknown") == problem_of(client.put(f"/v1/parties/nobody/{path}", body))
        party = client.party()
        tried = client.write("PUT", f"/v1/parties/{party}/{path}", body, new_key(), dry_run=True).json()
        assert (None, party) == (tried["entry"], tried["id"])
        shown = client.get(f"/v1/parties/{party}").json()
        assert (None, None) == (shown["fees"], shown["limits"])
