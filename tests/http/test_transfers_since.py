"""What a transfer shows once it was booked: what went back of it, by which entry, and the request that it paid."""

from typing import Any

import pytest

from tests.harness import NOTHING_SINCE, Client, new_key


def made(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, body)
    assert 201 == answer.status_code, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def refund(client: Client, of: str, amount: int | None = None) -> dict[str, Any]:
    asked = {"of": of, "reason": "faulty"}
    return made(client, "/v1/refunds", asked | ({"amount": amount} if amount is not None else {}))


def shown(client: Client, transfer: str) -> dict[str, Any]:
    """A transfer as it is shown alone, which is as its payer's list shows it."""
    alone: dict[str, Any] = client.get(f"/v1/transfers/{transfer}").json()
    listed = client.get("/v1/transfers", party=alone["from"]).json()["data"]
    assert [alone] == [each for each in listed if each["id"] == transfer]
    return alone


def since(client: Client, transfer: str) -> tuple[int, int | None, str | None]:
    now = shown(client, transfer)
    return now["refunded"], now["reversed_by"], now["payment_request"]


def test_a_transfer_says_what_was_refunded_of_it(client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    paid = client.transfer(payer, payee, 100)
    assert paid | NOTHING_SINCE == shown(client, paid["id"])
    refund(client, paid["id"], 30)
    assert paid | NOTHING_SINCE | {"refunded": 30} == shown(client, paid["id"])
    refund(client, paid["id"])
    assert paid | NOTHING_SINCE | {"refunded": 100} == shown(client, paid["id"])


def test_a_transfer_says_which_entry_took_all_of_it_back(client: Client) -> None:
    paid = client.transfer(client.funded(1000), client.party(), 100)
    reversal = made(client, f"/v1/entries/{paid['entry']}/reverse", {"reason": "a slip"})
    assert (100, reversal["entry"], None) == since(client, paid["id"])


def test_a_transfer_says_which_request_it_paid(client: Client) -> None:
    payee, payer = client.party(), client.funded(1000)
    request = made(client, "/v1/payment-requests", {"payee": payee, "payer": payer, "amount": 300, "currency": "EUR"})
    paid = made(client, f"/v1/payment-requests/{request['id']}/pay", {})
    assert (0, None, request["id"]) == since(client, paid["id"])
    refund(client, paid["id"], 100)
    assert (100, None, request["id"]) == since(client, paid["id"])


def test_a_transfer_says_which_share_of_a_split_it_paid(client: Client) -> None:
    payee, payer = client.party(), client.funded(1000)
    shares = [{"payer": payer, "amount": 70}, {"payer": client.party(), "amount": 30}]
    split = made(client, "/v1/splits", {"payee": payee, "total": 100, "currency": "EUR", "shares": shares})
    request = f"payment_request_{split['entry']}_1"
    paid = made(client, f"/v1/payment-requests/{request}/pay", {})
    assert (0, None, request) == since(client, paid["id"])


def test_a_transfer_that_was_claimed_says_both_who_took_it_and_what_went_back(client: Client) -> None:
    alias = f"since-{new_key()}"
    payer = client.funded(1000)
    sent = client.transfer(payer, f"alias:app:{alias}", 100, if_unknown="hold_for_claim")
    assert sent | NOTHING_SINCE == shown(client, sent["id"])
    claimer = client.party(aliases=[{"channel": "app", "value": alias}])
    claimed = client.get("/v1/entries", kind="claim.take", after=sent["entry"], wait=5).json()["entries"]
    assert 1 == len(claimed)
    refund(client, sent["id"], 40)
    assert sent | NOTHING_SINCE | {"status": "claimed", "to": claimer, "refunded": 40} == shown(client, sent["id"])


@pytest.mark.parametrize("limit", [2, 50])
def test_a_page_says_of_each_transfer_its_own(client: Client, limit: int) -> None:
    payer, payee = client.funded(1000), client.party()
    paid = [client.transfer(payer, payee, 100)["id"] for _ in range(4)]
    refund(client, paid[1], 10)
    reversal = made(client, f"/v1/entries/{paid[2].rpartition('_')[2]}/reverse", {"reason": "a slip"})
    page = client.get("/v1/transfers", party=payer, limit=limit).json()
    rest = client.get("/v1/transfers", cursor=page["next_cursor"]).json()["data"] if limit == 2 else []
    told = [(each["id"], each["refunded"], each["reversed_by"]) for each in (*page["data"], *rest)]
    assert [(paid[3], 0, None), (paid[2], 100, reversal["entry"]), (paid[1], 10, None), (paid[0], 0, None)] == told
