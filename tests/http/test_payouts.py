"""Payouts on the real service: requested, followed to their end, listed; and raced for with refunds."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger.books.checks import run_checks
from tests.harness import Client, Superuser, new_key
from tests.http.wire import pointers, problem_of

IBAN = "DE89370400440532013000"
RETURN = ("state", "amount_returned", "return_reference", "reason")


def request(client: Client, party: str, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/payouts", body(party, **fields))
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()
    return made


def body(party: str, **fields: Any) -> dict[str, Any]:
    return {"party": party, "currency": "EUR", "rail": "test", "destination": IBAN} | fields


def act(client: Client, payout: dict[str, Any], action: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/payouts/{payout['id']}/{action}", fields)
    assert 200 == answer.status_code, answer.text
    after: dict[str, Any] = answer.json()
    return after


def balance(client: Client, owner: str, role: str) -> int:
    return int(client.get(f"/v1/accounts/{owner}/{role}/EUR").json()["balance"])


def test_a_payout_goes_to_the_rail_is_paid_and_comes_back(client: Client, superuser: Superuser) -> None:
    shop = client.funded(1000, kind="merchant")
    clearing, outbound = balance(client, "rail:test", "clearing"), balance(client, "rail:test", "outbound")
    payout = request(client, shop, amount=700)
    assert {
        "id": f"payout_{payout['entry']}",
        "party": shop,
        "amount": 700,
        "amount_returned": 0,
        "currency": "EUR",
        "rail": "test",
        "destination": IBAN,
        "state": "requested",
        "rail_reference": None,
        "return_reference": None,
        "reason": None,
    }.items() <= payout.items()
    assert (300, outbound + 700) == (client.available(shop), balance(client, "rail:test", "outbound"))
    assert "in_transit" == act(client, payout, "submitted", rail_reference="e2e-1")["state"]
    paid = act(client, payout, "paid", fee=20)
    assert ("paid", "e2e-1") == (paid["state"], paid["rail_reference"])
    assert (outbound, clearing - 720) == (
        balance(client, "rail:test", "outbound"),
        balance(client, "rail:test", "clearing"),
    )
    returned = act(client, payout, "returned", fee=30, reason="account closed", rail_reference="ret-1")
    after = ("state", "amount_returned", "reason", "rail_reference", "return_reference")
    assert ("returned", 700, "account closed", "e2e-1", "ret-1") == tuple(returned[name] for name in after)
    assert (1000, clearing - 50) == (client.available(shop), balance(client, "rail:test", "clearing"))
    shown = client.get(f"/v1/payouts/{payout['id']}").json()
    assert payout | {name: returned[name] for name in after} == shown
    by_reference = client.get("/v1/payouts", rail_reference="e2e-1").json()["data"]
    assert shown in by_reference
    again = client.post(f"/v1/payouts/{payout['id']}/paid")
    assert (409, "payout_not_open") == problem_of(again)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_payout_that_comes_back_in_parts_is_booked_in_all_of_them(client: Client, superuser: Superuser) -> None:
    shop = client.funded(100)
    payout = request(client, shop)
    act(client, payout, "paid", rail_reference=new_key())
    key = new_key()
    path = f"/v1/payouts/{payout['id']}/returned"
    first = client.post(path, {"amount": 40, "rail_reference": "ret-1", "reason": "one"}, key).json()
    assert (422, "amount_exceeds_remaining") == problem_of(client.post(path, {"amount": 61}))
    second = act(client, payout, "returned", amount=60, rail_reference="ret-2", reason="two")
    assert ("returned", 40, "ret-1", "one") == tuple(first[name] for name in RETURN)
    assert ("returned", 100, "ret-2", "two") == tuple(second[name] for name in RETURN)
    shown = client.get(f"/v1/payouts/{payout['id']}").json()
    assert {name: second[name] for name in RETURN}.items() <= shown.items()
    assert first == client.post(path, {"amount": 40, "rail_reference": "ret-1", "reason": "one"}, key).json()
    assert (409, "payout_not_open") == problem_of(client.post(path, {"amount": 1}))
    again = request(client, shop)
    lines = client.get(f"/v1/payouts/{again['id']}/explanation").json()["entries"]
    assert [(first["entry"], 40, 40), (second["entry"], 60, 100)] == [
        (line["entry"], line["amount"], line["running"]) for line in lines
    ]
    statement = client.get(f"/v1/accounts/{shop}/available/EUR/statement").json()
    assert [-100, 40, 60, -100] == [line["amount"] for line in statement["lines"]][-4:]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_of_two_parts_that_come_back_at_once_no_more_than_was_paid_is_booked(
    client: Client, superuser: Superuser
) -> None:
    shop = client.funded(100)
    for _ in range(3):
        payout = request(client, shop)
        act(client, payout, "paid")
        path = f"/v1/payouts/{payout['id']}/returned"
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(client.post, [path] * 5, [{"amount": 30}] * 5))
        assert [200, 200, 200, 422, 422] == sorted(answer.status_code for answer in answers)
        assert (90, 10) == (client.available(shop), act(client, payout, "returned")["amount_returned"] - 90)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_without_an_amount_all_that_is_available_goes_out(client: Client, superuser: Superuser) -> None:
    shop = client.funded(431)
    payout = request(client, shop)
    assert (431, 0) == (payout["amount"], client.available(shop))
    assert (422, "insufficient_funds") == problem_of(client.post("/v1/payouts", body(shop)))
    failed = act(client, payout, "failed", reason="no such account")
    assert ("failed", "no such account", 431) == (failed["state"], failed["reason"], client.available(shop))
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_what_comes_back_for_a_closed_party_waits_in_suspense(client: Client, superuser: Superuser) -> None:
    shop = client.funded(90)
    payout = request(client, shop)
    act(client, payout, "paid")
    assert 200 == client.post(f"/v1/parties/{shop}/close").status_code
    before = balance(client, "platform", "suspense")
    returned = act(client, payout, "returned", amount=60)
    assert 60 == returned["amount_returned"]
    assert before + 60 == balance(client, "platform", "suspense")
    (item,) = superuser.rows("SELECT reason, rail, party, remaining FROM suspense_items WHERE party = $1", shop)
    assert ("payout_returned", "test", shop, 60) == tuple(item)
    assert f"suspense_{returned['entry']}" in [each["id"] for each in client.get("/v1/suspense").json()["data"]]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_key_is_answered_the_same_again_and_a_dry_run_leaves_nothing(client: Client, superuser: Superuser) -> None:
    shop, key = client.funded(500), new_key()
    tried = client.post("/v1/payouts", body(shop, amount=200), dry_run=True).json()
    assert (None, None, 200) == (tried["id"], tried["entry"], tried["amount"])
    first = client.post("/v1/payouts", body(shop, amount=200), key=key)
    again = client.post("/v1/payouts", body(shop, amount=200), key=key)
    assert ("true", first.json()) == (again.headers["Idempotency-Replayed"], again.json())
    other = client.post("/v1/payouts", body(shop, amount=200, destination="someone-else"), key=key)
    assert ((422, "idempotency_key_reused"), ["/destination"]) == (problem_of(other), pointers(other))
    path, key = f"/v1/payouts/{first.json()['id']}/paid", new_key()
    tried = client.post(path, {"fee": 3}, dry_run=True).json()
    assert ("paid", None) == (tried["state"], tried["entry"])
    assert client.post(path, {"fee": 3}, key=key).json() == client.post(path, {"fee": 3}, key=key).json()
    assert 300 == client.available(shop)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_where_the_money_goes_stands_in_the_feed_as_a_commitment_only(client: Client) -> None:
    payout = request(client, client.funded(100))
    assert IBAN not in client.get(f"/v1/entries/{payout['entry']}").text
    entry = client.get(f"/v1/entries/{payout['entry']}").json()
    assert {"type": "payout", "id": payout["id"]} == entry["resource"]
    paid = act(client, payout, "paid")
    assert entry["resource"] == client.get(f"/v1/entries/{paid['entry']}").json()["resource"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"amount": 101}, (422, "insufficient_funds")),
        ({"amount": 0}, (422, "amount_invalid")),
        ({"rail": "swift"}, (404, "rail_unknown")),
        ({"party": "nobody"}, (404, "party_unknown")),
        ({"party": "rail:test"}, (422, "field_invalid")),
        ({"destination": ""}, (422, "field_invalid")),
        ({"destination": "x" * 129}, (422, "text_invalid")),
        ({"currency": "USD"}, (422, "currency_invalid")),
    ],
)
def test_a_payout_that_cannot_be_is_refused_with_the_reason(
    client: Client, fields: dict[str, Any], expected: tuple[int, str]
) -> None:
    shop = client.funded(100)
    assert expected == problem_of(client.post("/v1/payouts", body(shop) | fields))
    assert 100 == client.available(shop)


@pytest.mark.parametrize("action", ["submitted", "paid", "failed", "returned"])
def test_a_payout_that_does_not_exist_is_not_found(client: Client, action: str) -> None:
    for name in ("payout_999999", "payout_0", "deposit_1"):
        assert (404, "not_found") == problem_of(client.post(f"/v1/payouts/{name}/{action}"))
        assert (404, "not_found") == problem_of(client.get(f"/v1/payouts/{name}"))
        assert (404, "not_found") == problem_of(client.get(f"/v1/payouts/{name}/explanation"))


def test_payouts_are_listed_by_party_state_and_the_rails_reference(client: Client) -> None:
    shop, reference = client.funded(1000), new_key()
    payouts = [request(client, shop, amount=10) for _ in range(5)]
    ids = [payout["id"] for payout in reversed(payouts)]
    act(client, payouts[1], "submitted", rail_reference=reference)
    act(client, payouts[2], "failed", reason="no")

    def listed(**query: Any) -> list[str]:
        return [each["id"] for each in client.get("/v1/payouts", **query).json()["data"]]

    assert ids == listed(party=shop)
    assert [payouts[1]["id"]] == listed(rail_reference=reference) == listed(party=shop, state="in_transit")
    assert [payouts[2]["id"]] == listed(party=shop, state="failed")
    assert [] == listed(rail_reference="a\0b") == listed(party="a\0b")
    assert ids[:2] == listed(party=shop, since=payouts[3]["posted_at"])
    assert ids[2:] == listed(party=shop, until=payouts[3]["posted_at"])
    first = client.get("/v1/payouts", party=shop, limit=3).json()
    rest = client.get("/v1/payouts", cursor=first["next_cursor"], limit=3).json()
    assert (ids, None) == ([each["id"] for each in first["data"] + rest["data"]], rest["next_cursor"])
    (failed,) = client.get("/v1/payouts", party=shop, state="failed").json()["data"]
    assert ("no", IBAN) == (failed["reason"], failed["destination"])


def test_of_payouts_refunds_and_transfers_at_once_exactly_what_is_there_goes_out(
    client: Client, superuser: Superuser
) -> None:
    shop, friend = client.party(kind="merchant"), client.funded(100)
    sale = client.transfer(friend, shop, 100)
    asks: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/v1/payouts", body(shop, amount=30)),
        ("/v1/refunds", {"of": sale["id"], "amount": 30, "reason": "sent back"}),
        ("/v1/transfers", {"from": shop, "to": friend, "amount": 30, "currency": "EUR"}),
    )

    def take(turn: int) -> int:
        made = client.post(*asks[turn % 3])
        assert made.status_code == 201 or problem_of(made) in (
            (422, "insufficient_funds"),
            (422, "amount_exceeds_remaining"),  # of a sale that is refunded three times already
        )
        return 30 if made.status_code == 201 else 0

    with ThreadPoolExecutor(9) as pool:
        taken = sum(pool.map(take, range(18)))
    assert (90, 10) == (taken, client.available(shop))
    out = sum(each["amount"] for each in client.get("/v1/payouts", party=shop).json()["data"])
    assert 90 == out + client.available(friend)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_of_a_rails_two_words_at_once_exactly_one_counts(client: Client, superuser: Superuser) -> None:
    shop = client.funded(100)
    for _ in range(5):
        path = f"/v1/payouts/{request(client, shop, amount=20)['id']}"
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(client.post, (f"{path}/paid", f"{path}/failed")))
        assert [200, 409] == sorted(answer.status_code for answer in answers)
        is_paid = answers[0].status_code == 200
        assert ("paid" if is_paid else "failed") == client.get(path).json()["state"]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
