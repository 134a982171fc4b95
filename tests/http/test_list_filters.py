"""Lists by what was agreed and by who takes part, on the real service."""

import itertools
import time
from typing import Any

import pytest

from ledger.books import transfers as kept
from ledger.http.app import ROUTES
from tests.harness import Client, Superuser
from tests.http.teller import all_pages, ids
from tests.http.wire import pointers, problem_of

PHONES = (f"+4915880{number:06d}" for number in itertools.count(1))
STATES = ("posted", "pending_claim", "claimed", "returned")

HAVE_CHATS = {"holds", "payment-requests", "splits", "transfers", "invoices", "settlements"}
"""What can be agreed in a conversation."""
HAVE_STATES = HAVE_CHATS - {"settlements"} | {"deposits", "refunds", "payouts"}
BY_A_REFERENCE = {
    "invoices": {"external_ref", "reference"},
    "credit-notes": {"invoice"},
    "settlements": {"invoice"},
    "deposits": {"rail_reference"},
    "payouts": {"rail_reference"},
    "refunds": {"of", "rail_reference"},
}


def test_every_agreement_is_listed_by_what_readme_says() -> None:
    taken = {
        route.path.removeprefix("/v1/"): {*route.query.__struct_fields__} - {"limit", "cursor"}
        for route in ROUTES
        if route.method == "GET" and not route.names and "cursor" in route.query.__struct_fields__
    }
    assert [{"state", "since", "until"}, set(), {"state", "older_than", "as_of"}] == [
        taken.pop(name) for name in ("parties", "accounts", "suspense")
    ]
    assert len(taken) == 11
    assert taken == {
        name: {"party", "since", "until"}
        | {"state" for _ in {name} & HAVE_STATES}
        | {"chat" for _ in {name} & HAVE_CHATS}
        | BY_A_REFERENCE.get(name, set())
        for name in taken
    }


def send(client: Client, giver: str, phone: str, **fields: Any) -> str:
    """A transfer to somebody without an account; its id."""
    body = {"from": giver, "to": f"alias:phone:{phone}", "amount": 1, "currency": "EUR", "if_unknown": "hold_for_claim"}
    answer = client.post("/v1/transfers", body | fields)
    assert 201 == answer.status_code, answer.text
    return str(answer.json()["id"])


def becomes(client: Client, transfer: str, status: str) -> None:
    """Wait until a transfer has come to something."""
    ends = time.monotonic() + 10
    while client.get(f"/v1/transfers/{transfer}").json()["status"] != status and time.monotonic() < ends:
        time.sleep(0.05)
    assert status == client.get(f"/v1/transfers/{transfer}").json()["status"]


@pytest.fixture(scope="module")
def sent(client: Client) -> dict[str, Any]:
    """Transfers of one giver's, in each state two, and who has claimed."""
    giver, phone = client.funded(1000), next(PHONES)
    chat: dict[str, Any] = {"chat": {"conversation": f"c-{giver}"}}
    made: dict[str, Any] = {"giver": giver, "chat": f"c-{giver}"}
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    made["returned"] = [send(client, giver, next(PHONES), expires_at=soon) for _ in range(2)]
    made["claimed"] = [send(client, giver, phone, **more) for more in ({}, chat)]
    made["posted"] = [client.transfer(giver, client.party(), 1, **more)["id"] for more in ({}, chat)]
    made["pending_claim"] = [send(client, giver, next(PHONES), **more) for more in ({}, chat)]
    made["claimer"] = client.party(aliases=[{"channel": "phone", "value": phone}])
    for state in STATES:
        for transfer in made[state]:
            becomes(client, transfer, state)
    return made


@pytest.mark.parametrize("state", STATES)
def test_transfers_are_listed_by_what_became_of_them(client: Client, sent: dict[str, Any], state: str) -> None:
    wanted = sent[state][::-1]
    for limit in (1, 50):
        assert wanted == all_pages(client, "/v1/transfers", state=state, party=sent["giver"], limit=limit)
        assert wanted == all_pages(client, "/v1/transfers", state=state, limit=limit)
    assert {state} == {each["status"] for each in client.get("/v1/transfers", state=state).json()["data"]}
    in_chat = wanted[:1] if state != "returned" else []
    assert in_chat == ids(client.get("/v1/transfers", state=state, chat=sent["chat"]))
    assert in_chat == ids(client.get("/v1/transfers", state=state, chat=sent["chat"], party=sent["giver"]))
    claimed = wanted if state == "claimed" else []
    assert claimed == ids(client.get("/v1/transfers", state=state, party=sent["claimer"]))


def test_pages_of_transfers_in_a_state_look_at_so_many_and_still_come_to_all(
    client: Client, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "LOOKED_AT_MAX", 2)
    for state in STATES:
        for party in ({}, {"party": sent["giver"]}):
            assert sent[state][::-1] == all_pages(client, "/v1/transfers", state=state, limit=50, **party)


def test_a_claim_whose_time_is_over_is_listed_as_it_reads(client: Client, superuser: Superuser) -> None:
    giver = client.funded(10)
    late = send(client, giver, next(PHONES))
    entry = int(late.removeprefix("transfer_"))
    rest = "WHERE entry = $1"
    expires_at = superuser.value(f"SELECT expires_at FROM claims {rest}", entry)
    # As it is in the seconds before the sweeper comes, which does not know of this one.
    superuser.value(f"UPDATE claims SET expires_at = now() {rest}", entry)
    for party in ({}, {"party": giver}):
        assert late not in ids(client.get("/v1/transfers", state="pending_claim", **party))
        assert late in ids(client.get("/v1/transfers", state="returned", **party))
    superuser.value(f"UPDATE claims SET expires_at = $2 {rest}", entry, expires_at)


def test_a_state_that_no_transfer_has_is_refused_by_its_name(client: Client) -> None:
    refused = client.get("/v1/transfers", state="open")
    assert ((422, "field_invalid"), ["/state"]) == (problem_of(refused), pointers(refused))
    cursor = {"cursor": "AAAA", "state": "open"}
    assert 422 == client.get("/v1/transfers", **cursor).status_code


@pytest.mark.parametrize("path", ["transfers", "holds", "splits", "deposits", "settlements", "payouts", "refunds"])
@pytest.mark.parametrize("name", ["party", "chat"])
def test_what_no_text_can_hold_finds_nothing_and_breaks_nothing(client: Client, path: str, name: str) -> None:
    answer = client.http.get(f"/v1/{path}?{name}=%00")
    if answer.status_code != 422:
        assert {"data": [], "next_cursor": None} == answer.json()
    else:
        assert "field_unknown" == answer.json()["code"]


def split(client: Client, payee: str, *payers: str, chat: str | None = None) -> str:
    """An open split; its id."""
    shares = [{"payer": each} for each in (*payers, payee)]
    body = {"payee": payee, "currency": "EUR", "total": 30, "shares": shares}
    answer = client.post("/v1/splits", body | ({"chat": {"conversation": chat}} if chat else {}))
    assert 201 == answer.status_code, answer.text
    return str(answer.json()["id"])


def test_splits_are_found_by_who_is_paid_and_by_who_has_a_share(client: Client) -> None:
    ann, bob, cem = client.funded(1000), client.funded(1000), client.party()
    request = {"payee": cem, "payer": bob, "amount": 1, "currency": "EUR"}
    made = []
    for payee, payers, chat in (
        (cem, (ann, bob), None),
        (ann, (bob,), f"c-{ann}"),
        (cem, (ann,), f"c-{ann}"),
        (bob, (ann,), None),
        (cem, (bob,), f"c-{ann}"),
    ):
        made.append(split(client, payee, *payers, chat=chat))
        client.post("/v1/payment-requests", request)
    asked = client.get("/v1/payment-requests", party=bob, limit=500).json()["data"]
    shares = {each["id"].removeprefix("payment_request_"): each["id"] for each in asked}
    pay = shares[f"{made[1].removeprefix('split_')}_1"]
    assert 201 == client.post(f"/v1/payment-requests/{pay}/pay").status_code
    assert 200 == client.post(f"/v1/splits/{made[4]}/cancel").status_code
    of_bob = [made[4], made[3], made[1], made[0]]
    for limit in (1, 2, 3, 50):
        assert of_bob == all_pages(client, "/v1/splits", party=bob, limit=limit)
    assert made[3::-1] == all_pages(client, "/v1/splits", party=ann, limit=2)
    assert [made[3], made[0]] == all_pages(client, "/v1/splits", party=bob, state="open", limit=1)
    assert [made[1]] == ids(client.get("/v1/splits", party=bob, state="settled"))
    assert [made[4]] == ids(client.get("/v1/splits", party=bob, state="cancelled"))
    assert [made[4], made[1]] == all_pages(client, "/v1/splits", party=bob, chat=f"c-{ann}", limit=1)
    assert [made[1]] == ids(client.get("/v1/splits", party=bob, chat=f"c-{ann}", state="settled"))
    since = client.get(f"/v1/splits/{made[3]}").json()["posted_at"]
    assert [made[4], made[3]] == all_pages(client, "/v1/splits", party=bob, since=since, limit=1)
    assert [] == ids(client.get("/v1/splits", party=client.party()))


def test_a_deposit_is_found_by_the_party_that_got_its_surplus(client: Client) -> None:
    shop, ann = client.party(kind="merchant"), client.party()
    line = {"description": "Cake", "quantity": 1, "unit_amount": 10}
    invoice = client.post("/v1/invoices", {"merchant": shop, "currency": "EUR", "lines": [line]}).json()
    first = client.deposit(ann, 5)["id"]
    paid = client.deposit(None, 25, payer=ann, invoice=invoice["id"])
    assert (ann, 15) == (paid["surplus_to"], paid["surplus"])
    assert [paid["id"], first] == all_pages(client, "/v1/deposits", party=ann, limit=1)
    assert [paid["id"], first] == ids(client.get("/v1/deposits", party=ann, state="credited"))
    assert [paid["id"]] == ids(client.get("/v1/deposits", party=shop))
