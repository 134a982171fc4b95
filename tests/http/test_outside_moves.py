"""Outside moves on the real service: rails settled and prefunded, banks moved between; each reference once."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger.books.checks import run_checks
from tests.harness import Client, Served, Superuser, new_key, serve
from tests.http.wire import pointers, problem_of


@pytest.fixture(scope="module", autouse=True)
def _banks(client: Client) -> None:
    for bank, currency in (("own", "EUR"), ("mumbai", "INR")):
        made = client.post("/v1/banks", {"id": bank, "currency": currency, "purpose": "own"})
        assert 201 == made.status_code


def body(**fields: Any) -> dict[str, Any]:
    return {"amount": 90, "currency": "EUR", "reference": new_key()} | fields


def balance(client: Client, owner: str, role: str) -> int:
    return int(client.get(f"/v1/accounts/{owner}/{role}/EUR").json()["balance"])


def outside(client: Client) -> tuple[int, ...]:
    owners = (("rail:test", "clearing"), ("bank:test", "cash"), ("bank:own", "cash"), ("platform", "fee_costs"))
    return tuple(balance(client, owner, role) for owner, role in owners)


@pytest.mark.parametrize(
    ("path", "fields", "noun", "changes"),
    [
        ("/v1/rails/test/settle", {"bank": "test", "fee": 10}, "rail_settle", (-100, 90, 0, 10)),
        ("/v1/rails/test/prefund", {"bank": "test", "fee": 10}, "rail_prefund", (90, -100, 0, 10)),
        ("/v1/banks/test/move", {"to": "own", "fee": 10}, "bank_move", (0, -100, 90, 10)),
        ("/v1/banks/test/move", {"to": "own"}, "bank_move", (0, -90, 90, 0)),
    ],
)
def test_a_move_is_booked_where_it_happened_and_answered_again_the_same(
    client: Client, superuser: Superuser, path: str, fields: dict[str, Any], noun: str, changes: tuple[int, ...]
) -> None:
    before, key, asked = outside(client), new_key(), body(**fields, effective_on="2026-01-31", memo="Statement 7")
    tried = client.post(path, asked, dry_run=True).json()
    assert (None, None, before) == (tried["id"], tried["entry"], outside(client))
    made = client.post(path, asked, key=key)
    assert 201 == made.status_code, made.text
    moved = made.json()
    assert {"fee": 0} | asked | {"id": f"{noun}_{moved['entry']}"} == {
        name: moved[name] for name in ("id", "fee", *asked)
    }
    assert changes == tuple(now - then for now, then in zip(outside(client), before, strict=True))
    replay = client.post(path, asked, key=key)
    assert ("true", moved) == (replay.headers["Idempotency-Replayed"], replay.json())
    again = client.post(path, asked)
    assert (409, "already_exists") == problem_of(again)
    assert {"id": moved["id"], "entry": moved["entry"]} == again.json()["existing"]
    entry = client.get(f"/v1/entries/{moved['entry']}").json()
    assert {"type": noun, "id": moved["id"]} == entry["resource"]
    assert "Statement 7" not in client.get(f"/v1/entries/{moved['entry']}").text
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


@pytest.mark.parametrize(
    ("path", "fields", "expected", "at"),
    [
        ("/v1/rails/none/settle", {"bank": "test"}, (404, "rail_unknown"), []),
        ("/v1/rails/TEST/prefund", {"bank": "test"}, (422, "field_invalid"), ["/rail"]),
        ("/v1/rails/a.b/settle", {"bank": "test"}, (422, "field_invalid"), ["/rail"]),
        ("/v1/rails/test/settle", {"bank": "none"}, (404, "not_found"), ["/bank"]),
        ("/v1/banks/none/move", {"to": "own"}, (404, "not_found"), []),
        ("/v1/banks/own/move", {"to": "none"}, (404, "not_found"), ["/to"]),
        ("/v1/banks/own/move", {"to": "own"}, (422, "field_invalid"), ["/to"]),
        ("/v1/banks/own/move", {"to": "mumbai"}, (422, "currency_mismatch"), []),
        ("/v1/rails/test/prefund", {"bank": "mumbai"}, (422, "currency_mismatch"), []),
        ("/v1/rails/test/settle", {"bank": "test", "currency": "INR"}, (422, "currency_mismatch"), []),
        ("/v1/rails/test/settle", {"bank": "test", "fee": -1}, (422, "amount_invalid"), ["/fee"]),
        ("/v1/rails/test/settle", {"bank": "test", "amount": 0}, (422, "amount_invalid"), ["/amount"]),
        ("/v1/rails/test/settle", {"bank": "test", "reference": ""}, (422, "field_invalid"), ["/reference"]),
        ("/v1/rails/test/settle", {"bank": "test", "effective_on": "2099-01-01"}, (422, "timestamp_invalid"), None),
    ],
)
def test_a_move_that_cannot_be_is_refused_with_the_reason(
    client: Client, path: str, fields: dict[str, Any], expected: tuple[int, str], at: list[str] | None
) -> None:
    before = outside(client)
    answer = client.post(path, body(**fields))
    assert expected == problem_of(answer)
    assert at is None or at == pointers(answer)
    assert before == outside(client)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/rails/test/settle", {"bank": "test"}),
        ("/v1/rails/test/prefund", {"bank": "own"}),
        ("/v1/banks/own/move", {"to": "test"}),
    ],
)
def test_of_one_reference_sent_many_times_at_once_exactly_one_is_booked(
    client: Client, superuser: Superuser, path: str, fields: dict[str, Any]
) -> None:
    asked = body(**fields)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post(path, asked), range(12)))
    assert [201] + [409] * 11 == sorted(answer.status_code for answer in answers)
    (made,) = (answer.json()["entry"] for answer in answers if answer.status_code == 201)
    assert {made} == {answer.json()["existing"]["entry"] for answer in answers if answer.status_code == 409}
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_service_that_has_just_started_knows_which_references_are_booked(client: Client, service: Served) -> None:
    asks = [
        ("/v1/rails/test/settle", body(bank="test")),
        ("/v1/rails/test/prefund", body(bank="test")),
        ("/v1/banks/test/move", body(to="own")),
    ]
    entries = [client.post(path, asked).json()["entry"] for path, asked in asks]
    with serve(service.database) as other, contextlib.closing(Client(other.base, service.database.token)) as newcomer:
        answers = [newcomer.post(path, asked) for path, asked in asks]
        assert (
            201 == newcomer.post("/v1/banks/own/move", body(to="test", reference=asks[2][1]["reference"])).status_code
        )
    assert entries == [answer.json()["existing"]["entry"] for answer in answers]
