"""What became of an Idempotency-Key."""

import pytest

from tests.harness import Client, Database, make_ledger, new_key
from tests.http.teller import read


def test_an_accepted_requests_key_tells_the_answer_that_was_given(client: Client) -> None:
    key = new_key()
    body = {"id": f"p{key}", "kind": "person", "name": "Ms P", "metadata": {"a": "b"}}
    given = client.post("/v1/parties", body, key=key)
    made = given.json()
    told = read(client, f"/v1/requests/{key}")
    at = read(client, f"/v1/entries/{made['entry']}")["posted_at"]
    expected = {"key": key, "state": "accepted", "status": 201, "entry": made["entry"], "at": at, "body": made}
    assert expected == told


def test_each_kind_of_write_is_told_as_it_was_answered(client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    deposit = client.deposit(None, 5)
    alias = {"channel": "tg", "value": new_key()}
    writes = [
        ("PUT", "/v1/ledger", {"name": "Told"}),
        ("POST", "/v1/banks", {"id": "told", "currency": "EUR", "purpose": "own"}),
        ("POST", "/v1/rails", {"id": "told", "settles_to": "told"}),
        ("POST", "/v1/transfers", {"from": payer, "to": payee, "amount": 1, "currency": "EUR", "memo": "m"}),
        ("POST", "/v1/deposits", {"amount": 1, "currency": "EUR", "rail": "test", "rail_reference": new_key()}),
        ("POST", f"/v1/deposits/{deposit['id']}/return", {"reason": "recalled"}),
        ("POST", f"/v1/parties/{payee}/aliases", alias),
        ("DELETE", f"/v1/parties/{payee}/aliases/tg/{alias['value']}", None),
        ("POST", f"/v1/parties/{payee}/freeze", {"mode": "debits"}),
        ("POST", f"/v1/parties/{payee}/unfreeze", None),
    ]
    for method, path, body in writes:
        key = new_key()
        given = client.write(method, path, body, key)
        told = read(client, f"/v1/requests/{key}")
        assert ("accepted", given.status_code, given.json()) == (told["state"], told["status"], told["body"]), path


@pytest.mark.parametrize(
    ("body", "status"),
    [({"amount": 1}, 422), ({"amount": 1, "to": "nobody-here"}, 404)],
)
def test_a_refused_requests_key_tells_the_problem(client: Client, body: dict[str, object], status: int) -> None:
    key, payer = new_key(), client.party()
    given = client.post("/v1/transfers", {"from": payer, "to": client.party(), "currency": "EUR"} | body, key=key)
    told = read(client, f"/v1/requests/{key}")
    at = told.pop("at")
    assert status == given.status_code
    assert {"key": key, "state": "refused", "status": status, "entry": None, "body": given.json()} == told
    assert at.endswith("Z")


@pytest.mark.parametrize(
    "key", ["order/1/pay", "a%2Fb", "?", "#!~", "x" * 255, "'; DROP TABLE entries; --".replace(" ", "_")]
)
def test_a_key_may_be_any_visible_ascii_as_long_as_it_is_encoded(client: Client, key: str) -> None:
    made = client.post("/v1/parties", {"id": client.party() + "b", "kind": "person"}, key=key).json()
    encoded = "".join(f"%{ord(letter):02X}" for letter in key)
    told = read(client, f"/v1/requests/{encoded}")
    assert (key, made) == (told["key"], told["body"])


def test_each_item_of_a_batch_has_its_own_key(client: Client) -> None:
    payer, payee, keys = client.funded(10), client.party(), [new_key(), new_key()]
    transfer = {"from": payer, "to": payee, "amount": 6, "currency": "EUR"}
    results = client.post("/v1/transfers/batch", {"transfers": [transfer | {"key": key} for key in keys]}).json()[
        "results"
    ]
    first, second = (read(client, f"/v1/requests/{key}") for key in keys)
    assert (201, results[0]["transfer"]) == (first["status"], first["body"])
    assert (422, results[1]["problem"]) == (second["status"], second["body"])


@pytest.mark.parametrize("status", [401, 422])
def test_a_request_that_was_not_taken_up_is_not_known(client: Client, status: int) -> None:
    key = new_key()
    headers = {"Authorization": "Bearer clk_nobodys"} if status == 401 else {}
    body = {"id": f"p{key}", "kind": "person"} if status == 401 else {"id": "no good", "kind": "person"}
    assert status == client.post("/v1/parties", body, key=key, headers=headers).status_code
    response = client.get(f"/v1/requests/{key}")
    assert (404, "not_found") == (response.status_code, response.json()["code"])


def test_a_dry_runs_key_is_not_known(client: Client) -> None:
    key = new_key()
    assert 201 == client.post("/v1/parties", {"id": f"p{key}", "kind": "person"}, key=key, dry_run=True).status_code
    assert 404 == client.get(f"/v1/requests/{key}").status_code


def test_another_ledgers_key_is_not_known(client: Client, database: Database) -> None:
    key, other = new_key(), Client(client.base, make_ledger(database, "elsewhere")[1])
    client.post("/v1/parties", {"id": f"p{key}", "kind": "person"}, key=key)
    assert 404 == other.get(f"/v1/requests/{key}").status_code
    other.close()
