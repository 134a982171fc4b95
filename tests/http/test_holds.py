"""Holds on the real service: placed, taken in parts, given back; listed; expired by the sweeper."""

import time
from typing import Any

from ledger.books.checks import run_checks
from tests.harness import Client, Superuser
from tests.http.wire import problem_of


def place(client: Client, payer: str, payee: str, amount: int, **fields: Any) -> dict[str, object]:
    answer = client.post("/v1/holds", {"from": payer, "to": payee, "amount": amount, "currency": "EUR"} | fields)
    assert 201 == answer.status_code, answer.text
    made: dict[str, object] = answer.json()
    return made


def soon(seconds: float) -> str:
    at = time.gmtime(time.time() + seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", at)


def test_a_hold_is_captured_in_parts_and_the_rest_goes_back(client: Client, superuser: Superuser) -> None:
    rider, shop = client.funded(1000), client.party(kind="merchant")
    hold = place(client, rider, shop, 600)
    assert (600, 0, 0, 600, "open") == tuple(
        hold[name] for name in ("amount", "captured", "released", "remaining", "state")
    )
    assert 400 == client.available(rider)
    first = client.post(f"/v1/holds/{hold['id']}/capture", {"amount": 200, "final": False})
    assert (201, 200, 400, "open") == (
        first.status_code,
        first.json()["net"],
        first.json()["hold"]["remaining"],
        first.json()["hold"]["state"],
    )
    last = client.post(f"/v1/holds/{hold['id']}/capture", {"amount": 150}).json()
    assert (350, 250, 0, "captured") == tuple(
        last["hold"][name] for name in ("captured", "released", "remaining", "state")
    )
    assert (650, 350) == (client.available(rider), client.available(shop))
    assert (409, "hold_not_open") == problem_of(client.post(f"/v1/holds/{hold['id']}/void", {}))
    shown = client.get(f"/v1/holds/{hold['id']}").json()
    assert hold | {"captured": 350, "released": 250, "remaining": 0, "state": "captured"} == shown
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_holds_are_listed_by_party_state_and_conversation_the_newest_first(client: Client) -> None:
    rider, shop = client.funded(1000), client.party(kind="merchant")
    ids = [place(client, rider, shop, 10)["id"] for _ in range(5)]
    talk = client.post(
        "/v1/holds",
        {"from": rider, "to": shop, "amount": 1, "currency": "EUR", "chat": {"conversation": f"c-{rider}"}},
    ).json()
    client.post(f"/v1/holds/{ids[1]}/void", {})
    assert [talk["id"], *reversed(ids)] == [each["id"] for each in client.get("/v1/holds", party=shop).json()["data"]]
    assert [ids[1]] == [each["id"] for each in client.get("/v1/holds", party=rider, state="voided").json()["data"]]
    assert [talk["id"]] == [each["id"] for each in client.get("/v1/holds", chat=f"c-{rider}").json()["data"]]
    page = client.get("/v1/holds", party=rider, limit=4).json()
    rest = client.get("/v1/holds", cursor=page["next_cursor"], limit=4).json()
    assert [talk["id"], *reversed(ids)] == [each["id"] for each in page["data"] + rest["data"]]
    assert rest["next_cursor"] is None


def test_what_was_reserved_before_a_freeze_of_debits_is_captured_and_the_payee_is_not_closed_before(
    client: Client, superuser: Superuser
) -> None:
    rider, shop = client.funded(1000), client.party(kind="merchant")
    path = f"/v1/holds/{place(client, rider, shop, 600)['id']}"
    assert (409, "party_not_empty") == problem_of(client.post(f"/v1/parties/{shop}/close", {}))
    client.post(f"/v1/parties/{rider}/freeze", {"mode": "debits"})
    assert (409, "party_not_open") == problem_of(client.post(f"{path}/increase", {"amount": 1}))
    assert 201 == client.post(f"{path}/capture", {"amount": 100, "final": False}).status_code
    client.post(f"/v1/parties/{rider}/freeze", {"mode": "all"})
    assert (409, "party_not_open") == problem_of(client.post(f"{path}/capture", {}))
    assert 200 == client.post(f"{path}/void", {}).status_code
    assert (900, 100) == (client.available(rider), client.available(shop))
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_hold_reads_as_expired_at_once_and_its_money_is_back_within_five_seconds(
    client: Client, superuser: Superuser
) -> None:
    rider, shop = client.funded(1000), client.party(kind="merchant")
    hold = place(client, rider, shop, 600, expires_at=soon(2), chat={"conversation": shop})
    while client.get(f"/v1/holds/{hold['id']}").json()["state"] == "open":
        time.sleep(0.05)
    over = time.monotonic()
    for among in ({}, {"party": rider}, {"chat": shop}, {"chat": shop, "party": rider}):
        for state, found in (("open", []), ("expired", [("expired", hold["id"])]), ("captured", [])):
            listed = client.get("/v1/holds", state=state, since=hold["posted_at"], **among).json()["data"]
            assert found == [(each["state"], each["id"]) for each in listed if each["id"] == hold["id"]], (state, among)
    assert (409, "hold_not_open") == problem_of(client.post(f"/v1/holds/{hold['id']}/capture", {}))
    while client.available(rider) != 1000 and time.monotonic() - over < 5:
        time.sleep(0.05)
    assert 1000 == client.available(rider)
    assert "expired" == client.get(f"/v1/holds/{hold['id']}").json()["state"]
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
