"""Refunds on the real service: to a wallet, over a rail, of invoices; raced; by a service that knows nothing yet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from ledger.books.checks import run_checks
from tests.harness import Client, Served, Superuser, new_key, serve
from tests.http.wire import pointers, problem_of


@pytest.fixture(autouse=True)
def books_are_in_order(superuser: Superuser) -> Any:
    yield
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    body: dict[str, Any] = answer.json()
    return body


def refund(client: Client, of: str, amount: int | None = None, **fields: Any) -> dict[str, Any]:
    asked = {"of": of, "reason": "faulty"} | ({"amount": amount} if amount is not None else {})
    return made(client.post("/v1/refunds", asked | fields))


def capture(client: Client, payer: str, shop: str, amount: int) -> dict[str, Any]:
    body = {"from": payer, "to": shop, "amount": amount, "currency": "EUR"}
    hold = made(client.post("/v1/holds", body))
    return made(client.post(f"/v1/holds/{hold['id']}/capture", {}))


def test_a_capture_is_refunded_in_parts_with_its_fee_and_both_are_shown(client: Client) -> None:
    rider, shop = client.funded(10_000), client.party(kind="merchant")
    fees = {"bps": 290, "fixed": 30, "tax_code": "vat", "tax_bps": 1800, "on_refund": "proportional"}
    made(client.put(f"/v1/parties/{shop}/fees", fees))
    taken = capture(client, rider, shop, 10_000)
    half = refund(client, taken["id"], 5_000)
    assert half | {"to": rider, "rail": None, "state": "succeeded", "fee_returned": 160, "fee_tax_returned": 29} == half
    assert half | {"of": taken["id"], "amount": 5_000, "currency": "EUR", "receivable": 0, "reason": "faulty"} == half
    assert half == client.get(f"/v1/refunds/{half['id']}").json()
    shown = client.get(f"/v1/captures/{taken['id']}").json()
    assert (10_000, 9_622, 5_000, 160, 29) == tuple(
        shown[name] for name in ("amount", "net", "refunded", "fee_returned", "fee_tax_returned")
    )
    assert [shown] == client.get("/v1/captures", party=shop).json()["data"]
    refund(client, taken["id"])
    assert (10_000, 0) == (client.available(rider), client.available(shop))
    over = client.post("/v1/refunds", {"of": taken["id"], "amount": 1, "reason": "faulty"})
    assert (422, "amount_exceeds_remaining") == problem_of(over)


def test_a_refund_is_replayed_under_its_key_and_tried_in_a_dry_run(client: Client) -> None:
    payer, payee = client.funded(100), client.party()
    paid = client.transfer(payer, payee, 100)
    body, key = {"of": paid["id"], "reason": "faulty"}, new_key()
    tried = client.post("/v1/refunds", body, key, dry_run=True).json()
    assert (None, None, 100) == (tried["id"], tried["entry"], tried["amount"])
    first, again = client.post("/v1/refunds", body, key), client.post("/v1/refunds", body, key)
    assert first.json() == again.json()
    assert "true" == again.headers["idempotency-replayed"]
    other = client.post("/v1/refunds", body | {"reason": "another"}, key)
    assert (422, "idempotency_key_reused") == problem_of(other)
    assert 100 == client.available(payer)


def test_a_deposit_goes_back_over_its_rail_which_says_what_became_of_it(client: Client) -> None:
    party = client.party()
    paid = client.deposit(party, 100)
    first, second = refund(client, paid["id"], 60), refund(client, paid["id"])
    assert ("requested", "test", None, 40) == tuple(second[name] for name in ("state", "rail", "to", "amount"))
    assert 0 == client.available(party)
    out = new_key()
    done = made(client.post(f"/v1/refunds/{first['id']}/paid", {"rail_reference": out, "fee": 2}))
    assert ("succeeded", out) == (done["state"], done["rail_reference"])
    failed = made(client.post(f"/v1/refunds/{second['id']}/failed", {"reason": "account closed"}))
    assert ("failed", first["entry"] < failed["entry"]) == (failed["state"], True)
    assert 40 == client.available(party)
    again = client.post(f"/v1/refunds/{first['id']}/failed", {})
    assert (409, "refund_not_open") == problem_of(again)
    listed = client.get("/v1/refunds", rail_reference=out).json()["data"]
    assert [first | {"state": "succeeded", "rail_reference": out}] == listed


def test_refunds_are_listed_by_payment_party_and_state_the_newest_first(client: Client) -> None:
    payer, payee = client.funded(100), client.party()
    paid, other = client.transfer(payer, payee, 50), client.transfer(payer, payee, 50)
    ids = [refund(client, paid["id"], amount)["id"] for amount in (1, 2, 3)]
    last = refund(client, other["id"], 4)["id"]

    def listed(**query: str) -> list[str]:
        return [each["id"] for each in client.get("/v1/refunds", **query).json()["data"]]

    assert [last, *reversed(ids)] == listed(party=payer) == listed(party=payee, state="succeeded")
    assert [*reversed(ids)] == listed(of=paid["id"])
    assert [] == listed(party=payer, state="failed")
    assert [] == listed(of="transfer_999999") == listed(of=f"capture_{paid['entry']}")
    assert (422, ["/of"]) == ((answer := client.get("/v1/refunds", of="x")).status_code, pointers(answer))
    page = client.get("/v1/refunds", party=payer, limit=3).json()
    assert [ids[0]] == listed(cursor=page["next_cursor"])


def test_a_return_of_suspense_that_the_rail_could_not_pay_lies_there_again(client: Client) -> None:
    item = f"suspense_{client.deposit(None, 9)['entry']}"
    returned = made(client.post(f"/v1/suspense/{item}/return", {"reason": "nobody knows them"}))
    name = f"refund_{returned['entry']}"
    (listed,) = client.get("/v1/refunds", of=item).json()["data"]
    assert (name, item, "requested", "test") == tuple(listed[field] for field in ("id", "of", "state", "rail"))
    assert "failed" == made(client.post(f"/v1/refunds/{name}/failed", {}))["state"]
    again = made(client.post(f"/v1/suspense/{item}/return", {"reason": "another account"}))
    paid = made(client.post(f"/v1/refunds/refund_{again['entry']}/paid", {"rail_reference": new_key()}))
    assert "succeeded" == paid["state"]


def test_a_party_is_not_closed_while_a_refund_of_its_is_on_its_way(client: Client, service: Served) -> None:
    party = client.party()
    on_its_way = refund(client, client.deposit(party, 9)["id"])
    assert (409, "party_not_empty") == problem_of(client.post(f"/v1/parties/{party}/close", {}))
    with serve(service.database) as started:
        other = Client(started.base, client.token)
        assert (409, "party_not_empty") == problem_of(other.post(f"/v1/parties/{party}/close", {}))
        other.close()
    made(client.post(f"/v1/refunds/{on_its_way['id']}/paid", {"rail_reference": new_key()}))
    made(client.post(f"/v1/parties/{party}/close", {}))


def test_what_a_merchant_is_short_of_it_owes_if_its_policy_says_so(client: Client) -> None:
    payer, payee = client.funded(100), client.party()
    paid = client.transfer(payer, payee, 100)
    client.transfer(payee, client.party(), 70)
    asked = {"of": paid["id"], "reason": "faulty"}
    assert (422, "insufficient_funds") == problem_of(client.post("/v1/refunds", asked))
    policy = made(client.put(f"/v1/parties/{payee}/policy", {"intents": "never", "receivable_allowed": True}))
    assert policy["receivable_allowed"]
    assert client.get(f"/v1/parties/{payee}").json()["policy"]["receivable_allowed"]
    assert 70 == refund(client, paid["id"])["receivable"]
    assert (100, 0) == (client.available(payer), client.available(payee))


def test_what_a_refund_left_owing_is_owed_no_more_once_it_failed(client: Client, service: Served) -> None:
    payee = client.party()
    paid = client.deposit(payee, 100)
    made(client.put(f"/v1/parties/{payee}/policy", {"intents": "never", "receivable_allowed": True}))
    client.transfer(payee, client.party(), 70)
    first, second = refund(client, paid["id"], 60), refund(client, paid["id"], 40)
    assert (30, 40) == (first["receivable"], second["receivable"])
    made(client.post(f"/v1/refunds/{second['id']}/failed", {}))
    with serve(service.database) as started:
        other = Client(started.base, client.token)
        made(other.post(f"/v1/refunds/{first['id']}/failed", {}))
        other.close()
    owed = client.get(f"/v1/accounts/{payee}/receivable/EUR").json()["balance"]
    assert (30, 0) == (client.available(payee), owed)


def test_a_refund_of_a_settlement_is_counted_on_its_invoices(client: Client) -> None:
    payer, shop = client.funded(100), client.party(kind="merchant")
    line = {"description": "bread", "quantity": 1}
    names = [
        made(
            client.post(
                "/v1/invoices",
                {"merchant": shop, "customer": payer, "currency": "EUR", "lines": [line | {"unit_amount": total}]},
            )
        )["id"]
        for total in (30, 40)
    ]
    paid = made(client.post("/v1/settlements", {"payer": payer, "merchant": shop, "amount": 70, "currency": "EUR"}))
    first = refund(client, paid["id"], 5, allocations=[{"invoice": names[1], "amount": 5}])
    assert [{"invoice": names[1], "amount": 5}] == first["allocations"]
    refund(client, paid["id"], 31)
    assert [(30, "paid"), (6, "paid")] == [
        (shown["amount_refunded"], shown["state"])
        for shown in (client.get(f"/v1/invoices/{name}").json() for name in names)
    ]


def at_once(*asked: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(asked)) as pool:
        return [each.result() for each in [pool.submit(ask) for ask in asked]]


def test_of_two_refunds_of_sixty_out_of_a_hundred_exactly_one_goes_through(client: Client) -> None:
    payer, payee = client.funded(100), client.funded(1_000)
    for _ in range(10):
        paid = client.transfer(payer, payee, 100)
        body = {"of": paid["id"], "amount": 60, "reason": "faulty"}
        answers = at_once(*[lambda body=body: client.post("/v1/refunds", body)] * 2)
        assert [201, 422] == sorted(answer.status_code for answer in answers)
        refund(client, paid["id"])
        assert 100 == client.available(payer)


def test_a_refund_and_a_payout_never_both_get_the_same_money(client: Client) -> None:
    payer, payee = client.funded(100), client.party()
    for _ in range(10):
        paid = client.transfer(payer, payee, 100)
        payout = {"party": payee, "amount": 100, "currency": "EUR", "rail": "test", "destination": "DE89"}
        answers = at_once(
            lambda paid=paid: client.post("/v1/refunds", {"of": paid["id"], "reason": "faulty"}),  # type: ignore[misc]
            lambda payout=payout: client.post("/v1/payouts", payout),  # type: ignore[misc]
        )
        assert [201, 422] == sorted(answer.status_code for answer in answers)
        assert 0 == client.available(payee)
        if answers[1].status_code == 201:
            payer = client.funded(100)


def test_a_service_that_has_just_started_knows_what_can_be_refunded(client: Client, service: Served) -> None:
    payer, payee = client.funded(100), client.party()
    transfer, deposit = client.transfer(payer, payee, 20), client.deposit(payer, 30)
    asked = made(client.post("/v1/payment-requests", {"payer": payer, "payee": payee, "amount": 5, "currency": "EUR"}))
    request = made(client.post(f"/v1/payment-requests/{asked['id']}/pay", {}))
    taken, returned = capture(client, payer, payee, 7), client.deposit(payer, 1)
    made(client.post(f"/v1/deposits/{returned['id']}/return", {"reason": "recalled"}))
    suspended = client.deposit(None, 3)
    with serve(service.database) as started:
        other = Client(started.base, client.token)
        found = [refund(other, each["id"], 1) for each in (transfer, deposit, request, taken)]
        assert [payer, None, payer, payer] == [each["to"] for each in found]
        assert [each["id"] for each in (transfer, deposit, request, taken)] == [each["of"] for each in found]
        codes = [
            problem_of(other.post("/v1/refunds", {"of": of, "reason": "faulty"}))
            for of in (returned["id"], suspended["id"], f"transfer_{deposit['entry']}", "transfer_1", "transfer_999999")
        ]
        other.close()
    conflict, missing, invalid = (409, "already_reversed"), (404, "not_found"), (422, "field_invalid")
    assert [conflict, missing, invalid, missing, missing] == codes
    assert [19] == [refund(client, transfer["id"])["amount"]]


def test_a_transfer_that_waits_to_be_claimed_can_be_refunded_once_it_was(client: Client) -> None:
    payer, phone = client.funded(100), "+4915112345678"
    body = {"from": payer, "to": f"alias:phone:{phone}", "amount": 50, "currency": "EUR"}
    sent = made(client.post("/v1/transfers", body | {"if_unknown": "hold_for_claim"}))
    asked = {"of": sent["id"], "reason": "faulty"}
    assert (404, "not_found") == problem_of(client.post("/v1/refunds", asked))
    claimer = client.party(aliases=[{"channel": "phone", "value": phone}])
    while client.available(claimer) != 50:
        pass
    assert (payer, 50) == ((back := refund(client, sent["id"]))["to"], back["amount"])
    assert 100 == client.available(payer)
