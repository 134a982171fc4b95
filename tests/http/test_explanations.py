"""Explanations of payouts on the real service: what was paid out, entry by entry, and that it adds up."""

import contextlib
import random
from typing import Any

import pytest

from ledger.books.checks import run_checks
from tests.harness import Client, Served, Superuser, serve
from tests.http.test_payouts import act, body, request
from tests.http.wire import problem_of


def explanation(client: Client, payout: str, limit: int = 2) -> dict[str, Any]:
    """The explanation with the entries of all its pages."""
    page = client.get(f"/v1/payouts/{payout}/explanation", limit=limit).json()
    whole: dict[str, Any] = page
    while page["next_cursor"] is not None:
        assert limit == len(page["entries"])
        page = client.get(f"/v1/payouts/{payout}/explanation", limit=limit, cursor=page["next_cursor"]).json()
        whole = whole | {"entries": whole["entries"] + page["entries"]}
    return whole | {"next_cursor": None}


def test_a_payout_is_explained_by_what_came_and_went_since_the_one_before(client: Client) -> None:
    shop, friend = client.party(kind="merchant"), client.funded(1000)
    sale = client.transfer(friend, shop, 500)
    first = request(client, shop, amount=450)
    assert {
        "id": first["id"],
        "amount": 450,
        "currency": "EUR",
        "carried_forward": 0,
        "remaining": 50,
        "entries": [{"entry": sale["entry"], "kind": "transfer", "amount": 500, "running": 500}],
        "next_cursor": None,
    } == explanation(client, first["id"])
    failed = act(client, first, "failed")
    gift = client.transfer(shop, friend, 20)
    second = request(client, shop)
    told = explanation(client, second["id"])
    assert (50, 0, 480) == (told["carried_forward"], told["remaining"], told["amount"])
    assert [
        (failed["entry"], "payout.failed", 450, 500),
        (gift["entry"], "transfer", -20, 480),
    ] == [tuple(line.values()) for line in told["entries"]]


def test_an_entry_that_moves_the_wallet_more_than_once_is_one_line(client: Client) -> None:
    shop, rider = client.party(kind="merchant"), client.funded(1000)
    fees = {"bps": 290, "fixed": 30, "tax_code": "in-gst", "tax_bps": 1800}
    assert 200 == client.put(f"/v1/parties/{shop}/fees", fees).status_code
    hold = client.post("/v1/holds", {"from": rider, "to": shop, "amount": 800, "currency": "EUR"}).json()
    capture = client.post(f"/v1/holds/{hold['id']}/capture", {"amount": 800}).json()
    assert 3 == len(client.get(f"/v1/entries/{capture['entry']}").json()["postings"])
    payout = request(client, shop)
    assert [(capture["entry"], "hold.capture", capture["net"], capture["net"])] == [
        tuple(line.values()) for line in explanation(client, payout["id"])["entries"]
    ]


@pytest.mark.parametrize("seed", range(6))
def test_an_explanation_adds_up_whatever_the_story(client: Client, superuser: Superuser, seed: int) -> None:
    dice = random.Random(seed)
    shop, friend = client.funded(500), client.funded(500)
    payouts: list[dict[str, Any]] = []
    for _ in range(40):
        what = dice.choice(["in", "in", "out", "out", "hold", "payout", "payout", "act", "act", "elsewhere"])
        amount = dice.randint(1, 60)
        if what in ("in", "out"):
            payer, payee = (shop, friend) if what == "out" else (friend, shop)
            client.post("/v1/transfers", {"from": payer, "to": payee, "amount": amount, "currency": "EUR"})
        elif what == "hold":
            made = client.post("/v1/holds", {"from": shop, "to": friend, "amount": amount, "currency": "EUR"})
            if made.status_code == 201:
                client.post(f"/v1/holds/{made.json()['id']}/capture", {"amount": 1})
        elif what == "payout":
            made = client.post("/v1/payouts", body(shop) | ({"amount": amount} if dice.random() < 0.8 else {}))
            payouts += [made.json()] if made.status_code == 201 else []
        elif what == "act" and payouts:
            action = dice.choice(["submitted", "paid", "failed", "returned"])
            client.post(f"/v1/payouts/{dice.choice(payouts)['id']}/{action}")
        elif what == "elsewhere":
            client.deposit(shop, amount, "INR")
            client.post("/v1/payouts", body(shop, currency="INR", amount=1))
    assert payouts
    remaining = 0
    for payout in payouts:
        told = explanation(client, payout["id"], limit=dice.randint(1, 5))
        assert told["amount"] == payout["amount"]
        running = told["carried_forward"]
        assert remaining == running
        for line in told["entries"]:
            running += line["amount"]
            assert line["running"] == running
        assert told["amount"] == running - told["remaining"]
        remaining = told["remaining"]
        assert all(line["entry"] < payout["entry"] for line in told["entries"])
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_service_that_has_just_started_knows_the_payout_before(client: Client, service: Served) -> None:
    shop = client.funded(100)
    client.deposit(shop, 7, "INR")
    first = request(client, shop, amount=40)
    with serve(service.database) as other, contextlib.closing(Client(other.base, service.database.token)) as newcomer:
        act(newcomer, first, "paid")
        second = request(newcomer, shop)
        elsewhere = request(newcomer, shop, currency="INR")
    told = explanation(client, second["id"])
    assert (60, 0, []) == (told["carried_forward"], told["remaining"], told["entries"])
    assert [7] == [line["amount"] for line in explanation(client, elsewhere["id"])["entries"]]


def test_a_cursor_of_one_explanation_is_of_no_use_for_another(client: Client) -> None:
    shop = client.funded(100)
    client.deposit(shop, 1)
    first, second = request(client, shop, amount=1), request(client, shop, amount=1)
    cursor = client.get(f"/v1/payouts/{first['id']}/explanation", limit=1).json()["next_cursor"]
    answer = client.get(f"/v1/payouts/{second['id']}/explanation", cursor=cursor)
    assert (422, "cursor_invalid") == problem_of(answer)
