"""The Idempotency-Key: asking twice moves money once, and gets the same answer twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.harness import NOTHING_SINCE, Client, Superuser, new_key
from tests.http.wire import pointers, problem_of

pytestmark = pytest.mark.usefixtures("ann_and_bob")


def body(**fields: Any) -> dict[str, Any]:
    return {"from": "ann", "to": "bob", "amount": 1, "currency": "EUR"} | fields


def is_replay(response: httpx.Response) -> bool:
    return "idempotency-replayed" in response.headers


def assert_replays(first: httpx.Response, again: httpx.Response) -> None:
    assert not is_replay(first)
    assert "true" == again.headers["idempotency-replayed"]
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.headers["content-type"] == again.headers["content-type"]
    assert first.headers["request-id"] != again.headers["request-id"]


WRITES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PUT", "/v1/ledger", {"name": "Chat"}),
    ("POST", "/v1/banks", {"id": "bank-PARTY", "currency": "EUR", "purpose": "own"}),
    ("POST", "/v1/rails", {"id": "rail-PARTY", "settles_to": "test"}),
    ("POST", "/v1/parties", {"id": "cem-PARTY", "kind": "merchant", "name": "Cem", "metadata": {"a": "b"}}),
    ("POST", "/v1/parties/PARTY/freeze", {"mode": "debits", "reason": "asked for it"}),
    ("POST", "/v1/parties/PARTY/unfreeze", {}),
    ("POST", "/v1/parties/PARTY/close", {}),
    ("POST", "/v1/parties/PARTY/aliases", {"channel": "app", "value": "PARTY", "take_over": True}),
    ("DELETE", "/v1/parties/PARTY/aliases/app/PARTY", {}),
    ("POST", "/v1/deposits", {"to": "ann", "amount": 5, "currency": "EUR", "rail": "test", "rail_reference": "PARTY"}),
    ("POST", "/v1/deposits", {"amount": 5, "currency": "USD", "rail": "test", "rail_reference": "PARTY", "memo": "?"}),
    ("POST", "/v1/transfers", body(memo="for the d\u00f6ner", metadata={"order": "7"}, chat={"conversation": "c"})),
)


@pytest.mark.parametrize(("method", "path", "fields"), WRITES, ids=[f"{w[0]} {w[1]}" for w in WRITES])
def test_the_same_request_again_gets_the_same_answer_and_writes_nothing(
    client: Client, superuser: Superuser, method: str, path: str, fields: dict[str, Any]
) -> None:
    party = client.party()
    if method == "DELETE":
        client.post(f"/v1/parties/{party}/aliases", {"channel": "app", "value": party})
    path, fields = path.replace("PARTY", party), json.loads(json.dumps(fields).replace("PARTY", party))
    key = new_key()
    first = client.write(method, path, fields, key)
    assert first.is_success, first.text
    head = superuser.head()
    assert_replays(first, client.write(method, path, fields, key))
    assert head == superuser.head()


def test_the_same_return_again_gets_the_same_answer(client: Client) -> None:
    deposit, key = client.deposit("ann", 3)["id"], new_key()
    first, again = (client.post(f"/v1/deposits/{deposit}/return", {"reason": "recall"}, key) for _ in range(2))
    assert 201 == first.status_code
    assert_replays(first, again)


@pytest.mark.parametrize(
    ("status", "code", "fields"),
    [
        (422, "insufficient_funds", {"amount": 1_000_000}),
        (422, "same_party", {"to": "ann"}),
        (404, "party_unknown", {"to": "ghost"}),
        (404, "party_unknown", {"to": "alias:phone:+4900000000", "memo": "hello"}),
        (409, "alias_moved", {"to_expected": "ann"}),
    ],
)
def test_a_refusal_is_remembered_word_for_word(
    client: Client, superuser: Superuser, status: int, code: str, fields: dict[str, Any]
) -> None:
    key = new_key()
    first = client.post("/v1/transfers", body(**fields), key)
    head = superuser.head()
    again = client.post("/v1/transfers", body(**fields), key)
    assert (status, code) == problem_of(first)
    assert_replays(first, again)
    assert head == superuser.head()
    assert first.headers["request-id"] == again.json()["instance"]


def test_a_refusal_stays_one_even_when_the_money_has_come(client: Client) -> None:
    payer, key = client.party(), new_key()
    first = client.post("/v1/transfers", body(**{"from": payer}), key)
    client.deposit(payer, 100)
    assert_replays(first, client.post("/v1/transfers", body(**{"from": payer}), key))
    assert 100 == client.available(payer)


def test_an_accepted_transfer_stays_one_even_when_the_payer_is_poor_frozen_and_closed(client: Client) -> None:
    payer, key = client.funded(10), new_key()
    first = client.post("/v1/transfers", body(**{"from": payer, "amount": 10}), key)
    for action in ({"mode": "all"}, None):
        client.post(f"/v1/parties/{payer}/{'freeze' if action else 'close'}", action or {})
        assert_replays(first, client.post("/v1/transfers", body(**{"from": payer, "amount": 10}), key))


def test_a_replay_shows_the_balances_of_then(client: Client) -> None:
    payer, key = client.funded(10), new_key()
    client.post("/v1/transfers", body(**{"from": payer}), key)
    client.transfer(payer, "bob", 5)
    again = client.post("/v1/transfers", body(**{"from": payer}), key).json()
    assert {"available": 9} == again["balances"]["from"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"currency":"EUR","amount":1,"to":"bob","from":"ann","memo":"x"}',
        b' {\n\t"from" : "ann", "to": "bob",\r\n"amount": 1, "currency": "EUR" , "memo": "x" } ',
        rb'{"fr\u006fm":"ann","to":"bob","amount":1,"currency":"EUR","memo":"\u0078"}',
        b'{"from":"ann","to":"bob","amount":1,"currency":"EUR","memo":"x","chat":null,"if_unknown":"refuse"}',
    ],
)
def test_neither_order_nor_white_space_nor_what_is_left_out_makes_another_request(client: Client, text: bytes) -> None:
    key = new_key()
    first = client.post("/v1/transfers", body(memo="x"), key)
    headers = {"Content-Type": "application/json"}
    assert_replays(first, client.post("/v1/transfers", key=key, content=text, headers=headers))


@pytest.mark.parametrize(
    ("first", "other", "differing"),
    [
        ({}, {"amount": 2}, ["/amount"]),
        ({}, {"from": "bob", "to": "ann"}, ["/from", "/to"]),
        ({}, {"memo": "hello"}, ["/memo"]),
        ({"memo": "hello"}, {}, ["/memo"]),
        ({"memo": "hello"}, {"memo": "hallo"}, ["/memo"]),
        ({"metadata": {"a": "1"}}, {"metadata": {"a": "2"}}, ["/metadata"]),
        ({}, {"chat": {"conversation": "c"}}, ["/chat"]),
        ({}, {"effective_on": "2026-01-01"}, ["/effective_on"]),
        ({"amount": 1_000_000}, {}, ["/amount"]),
        ({"to": "ghost", "memo": "hello"}, {"to": "ghost", "memo": "hallo"}, ["/memo"]),
    ],
)
def test_another_request_under_the_same_key_is_told_what_differs(
    client: Client, superuser: Superuser, first: dict[str, Any], other: dict[str, Any], differing: list[str]
) -> None:
    key = new_key()
    client.post("/v1/transfers", body(**first), key)
    head = superuser.head()
    response = client.post("/v1/transfers", body(**other), key)
    assert (422, "idempotency_key_reused") == problem_of(response)
    assert differing == pointers(response)
    assert head == superuser.head()
    assert not is_replay(response)


def test_a_key_that_was_used_on_another_path_is_used(client: Client) -> None:
    key = new_key()
    party = client.party()
    client.post(f"/v1/parties/{party}/freeze", {"mode": "all"}, key)
    for path, fields in (
        ("/v1/transfers", body()),
        (f"/v1/parties/{party}/unfreeze", {}),
        (f"/v1/parties/{party}/close", {}),
        ("/v1/parties/ann/freeze", {"mode": "all"}),
    ):
        assert (422, "idempotency_key_reused") == problem_of(client.post(path, fields, key))


@pytest.mark.parametrize(
    "options",
    [
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b'{"amount":1,"amount":1}', "headers": {"Content-Type": "application/json"}},
        {"json": body(amount=0)},
        {"json": body(currency="USD")},
        {"json": body(effective_on="2999-01-01")},
        {"json": body(), "headers": {"Authorization": "Bearer clk_nobodys"}},
        {"json": body(), "headers": {"Content-Encoding": "gzip"}},
        {"json": body(), "dry_run": True},
        {"json": body(amount=1_000_000), "dry_run": True},
    ],
)
def test_what_was_never_judged_by_the_books_does_not_use_up_its_key(client: Client, options: dict[str, Any]) -> None:
    key = new_key()
    client.post("/v1/transfers", key=key, **options)
    assert 404 == client.get(f"/v1/requests/{key}").status_code
    accepted = client.post("/v1/transfers", body(), key)
    assert (201, False) == (accepted.status_code, is_replay(accepted))


def test_a_dry_run_answers_what_the_write_would_and_leaves_nothing(client: Client, superuser: Superuser) -> None:
    head = superuser.head()
    dry = client.post("/v1/transfers", body(memo="x"), dry_run=True)
    refused = client.post("/v1/transfers", body(amount=1_000_000), dry_run=True)
    assert head == superuser.head()
    real = client.post("/v1/transfers", body(memo="x")).json()
    assert 201 == dry.status_code
    assert (None, None) == (dry.json()["id"], dry.json()["entry"])
    changing = ("id", "entry", "posted_at")
    assert {k: v for k, v in real.items() if k not in changing} == {
        k: v for k, v in dry.json().items() if k not in changing
    }
    assert (422, "insufficient_funds") == problem_of(refused)


def test_a_dry_run_under_a_used_key_is_the_replay(client: Client) -> None:
    key = new_key()
    first = client.post("/v1/transfers", body(), key)
    assert_replays(first, client.post("/v1/transfers", body(), key, dry_run=True))


@pytest.mark.parametrize(("fields", "status"), [({"memo": "fifty"}, 201), ({"to": "ghost"}, 404)])
def test_of_fifty_at_once_one_does_the_work_and_all_get_its_answer(
    client: Client, superuser: Superuser, fields: dict[str, Any], status: int
) -> None:
    key, head = new_key(), superuser.head()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/transfers", body(**fields), key), range(50)))
    assert {(status, answers[0].content)} == {(answer.status_code, answer.content) for answer in answers}
    assert [False] + [True] * 49 == sorted(is_replay(answer) for answer in answers)
    assert head[0] + 1 == superuser.head()[0]


def test_fifty_different_requests_under_one_key_at_once_leave_one_done(client: Client, superuser: Superuser) -> None:
    key, number = new_key(), superuser.head()[1]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: client.post("/v1/transfers", body(memo=str(n)), key), range(50)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert 1 == len(done)
    assert {(422, "idempotency_key_reused")} == {problem_of(answer) for answer in answers if answer not in done}
    assert number + 1 == superuser.head()[1]


def test_a_key_can_be_asked_what_became_of_it(client: Client) -> None:
    key, refused_key = new_key(), new_key()
    accepted = client.post("/v1/transfers", body(), key).json()
    refused = client.post("/v1/transfers", body(to="ghost"), refused_key).json()
    found = client.get(f"/v1/requests/{key}").json()
    assert {"key": key, "state": "accepted", "status": 201, "entry": accepted["entry"], "body": accepted} == {
        name: value for name, value in found.items() if name != "at"
    }
    assert accepted["posted_at"] == found["at"]
    found = client.get(f"/v1/requests/{refused_key}").json()
    assert ("refused", 404, None, refused) == (found["state"], found["status"], found["entry"], found["body"])


@pytest.mark.parametrize("key", ["a/b", "a%2Fb", "a?b#c", "~!$&'()*+,;=:@", '"\\<>^`{|}', "%00", "../x", "k" * 255])
def test_whatever_the_key_is_it_can_be_asked_for(client: Client, key: str) -> None:
    accepted = client.post("/v1/transfers", body(), key)
    assert 201 == accepted.status_code
    found = client.http.get("/v1/requests/" + "".join(f"%{byte:02X}" for byte in key.encode()))
    assert (200, key, accepted.json()) == (found.status_code, found.json()["key"], found.json()["body"])


def test_keys_that_differ_in_case_are_different(client: Client) -> None:
    key = new_key()
    client.post("/v1/transfers", body(), key.upper() + "x")
    assert not is_replay(client.post("/v1/transfers", body(), key.lower() + "x"))


def test_once_erased_a_replay_has_null_where_people_wrote(client: Client, superuser: Superuser) -> None:
    payee, key = client.party(), new_key()
    client.post(f"/v1/parties/{payee}/aliases", {"channel": "app", "value": payee})
    asked = body(to=f"alias:app:{payee}", memo="for the d\u00f6ner", metadata={"order": "7"})
    first = client.post("/v1/transfers", asked, key).json()
    superuser.run_script("SET chatledger.ledger_id = 1")
    superuser.rows("SELECT erase(1, $1)", first["entry"])
    again = client.post("/v1/transfers", asked, key)
    assert is_replay(again)
    assert first | {"memo": None, "metadata": None} == again.json()
    assert again.json() | NOTHING_SINCE == client.get(f"/v1/transfers/{first['id']}").json()
    assert is_replay(client.post("/v1/transfers", asked | {"memo": "who knows"}, key))
    assert (422, "idempotency_key_reused") == problem_of(client.post("/v1/transfers", asked | {"amount": 2}, key))


def test_an_erased_party_keeps_its_id_and_nothing_people_wrote(client: Client, superuser: Superuser) -> None:
    key = new_key()
    asked = {"id": "erased", "kind": "person", "name": "Ada", "metadata": {"a": "b"}}
    first = client.post("/v1/parties", asked, key).json()
    superuser.run_script("SET chatledger.ledger_id = 1")
    superuser.rows("SELECT erase(1, $1)", first["entry"])
    expected = first | {"name": None, "metadata": None}
    assert expected == client.post("/v1/parties", asked, key).json()
    assert expected == client.get("/v1/parties/erased").json()
