"""Two ledgers in one service cannot see each other: every route is tried with the other's names.

What the other ledger has is answered word for word like what nobody has, and nothing of it is changed.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.books.signing import Signing
from ledger.http.app import ROUTES
from ledger.http.routes import Route
from tests.core.devices import Device
from tests.harness import Client, Database, Served, Superuser, make_ledger, make_log_key
from tests.http.things import Things

NOUNS = (
    *("hold", "capture", "payment_request", "split", "invoice", "settlement", "credit_note", "refund", "payout"),
    "suspense",
)
NOBODYS = {
    "party": "no-such-party",
    "value": "+4915199999999",
    "deposit": "deposit_999999",
    "transfer": "transfer_999999",
    "number": "999999",
    "owner": "no-such-party",
    "key": "nobodys-key",
    "key_id": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "id": "key_999999",
    "ledger": "nowhere",
    "payer": "no-such-payer",
    "rail": "no-such-rail",
    "bank": "no-such-bank",
    **{noun: f"{noun}_999999" for noun in NOUNS},
}
"""A name of each kind that nobody has, in either ledger."""
SAME_FOR_BOTH = {"channel": "phone", "role": "available", "currency": "EUR", "code": "not_found", "bundle": "000.p/1"}
OUTSIDE = {"amount": 1, "currency": "EUR", "reference": "x"}
PHONE, BACKEND, OTHERS = Device(11), Device(12), Device(13, "other")
OPEN = [route for route in ROUTES if route.scope is None]
NAMING = [route for route in ROUTES if route.scope is not None and set(route.names) & set(NOBODYS)]


@pytest.fixture(scope="module")
def service(signing_service: Served) -> Served:
    """Receipts are signed."""
    return signing_service


@pytest.fixture(scope="module")
def other(service: Served, signing: Signing) -> Iterator[Client]:
    """A client of another ledger in the same database and service."""
    ledger_id, token = make_ledger(service.database, "other")
    make_log_key(service.database, signing, ledger_id, "other")
    with contextlib.closing(Client(service.base, token)) as made:
        yield made


@pytest.fixture(scope="module")
def names(client: Client) -> dict[str, str]:
    """What the first ledger has, of each kind; its numbers are beyond the other's last entry."""
    for _ in range(30):
        client.party()
    alice = client.party("alice-of-the-first", aliases=[{"channel": "phone", "value": "+4915112345678"}])
    deposit = client.deposit(alice, 1000)
    paid = client.post(
        "/v1/transfers", {"from": alice, "to": client.party(), "amount": 1, "currency": "EUR"}, key="the-firsts-key"
    ).json()
    key = {"public_key": PHONE.public_key, "proof": PHONE.proof("payer", alice)}
    assert 201 == client.post(f"/v1/parties/{alice}/keys", key).status_code
    key = {"public_key": BACKEND.public_key, "proof": BACKEND.proof("request")}
    assert 201 == client.post("/v1/keys", key | {"name": "backend", "scopes": ["entries:read"]}).status_code
    made = client.post("/v1/api-keys", {"name": "x", "digest": "A" * 43, "scopes": ["entries:read"]}).json()
    iban = {"id": "bank-of-the-first", "currency": "EUR", "purpose": "safeguarded", "iban": "DE89370400440532013000"}
    assert 201 == client.post("/v1/banks", iban).status_code
    assert 201 == client.post("/v1/rails", {"id": "rail-of-the-first", "settles_to": "bank-of-the-first"}).status_code
    things = Things(client)
    agreed = {noun: things.made_for("GET", f"{{{noun}}}")[noun] for noun in NOUNS if noun != "payout"}
    agreed["payer"] = things.made_for("GET", "{split}")["payer"]
    return {
        "party": alice,
        "value": "+4915112345678",
        "deposit": deposit["id"],
        "transfer": paid["id"],
        "number": str(paid["entry"]),
        "owner": alice,
        "key": "the-firsts-key",
        "key_id": BACKEND.key_id,
        "id": made["id"],
        "ledger": "test",
        "rail": "rail-of-the-first",
        "bank": "bank-of-the-first",
        "payout": things.payout("paid")["payout"],
        **agreed,
    }


def ask(client: Client, route: Route, names: dict[str, str], body: Any) -> tuple[int, Any, str]:
    """The status, body and sentences of a route's answer, with what is particular to a name or a request taken out."""
    path = route.path.replace("...}", "}")
    for name, value in (names | SAME_FOR_BOTH).items():
        path = path.replace(f"{{{name}}}", value)
    path = path.replace("{tile}", "entries/000.p/1")
    answer = client.get(path) if route.method == "GET" else client.write(route.method, path, body)
    if answer.headers["content-type"] != "application/problem+json":
        return answer.status_code, answer.text, ""
    said = answer.json()
    said.pop("instance")
    # Only where names are repeated: a number may also stand in the service's port and in the status.
    sentences = json.dumps([said.pop("detail"), said.pop("errors")])
    for value in sorted(names.values(), key=len, reverse=True):
        sentences = sentences.replace(value, "…")
    return answer.status_code, said, sentences


def body_of(route: Route) -> Any:
    """A body that is well-formed for the other ledger."""
    bodies = {
        "/v1/parties/{party}/freeze": {"mode": "all"},
        "/v1/parties/{party}/aliases": {"channel": "chat", "value": "x"},
        "/v1/parties/{party}/policy": {"intents": "always"},
        "/v1/deposits/{deposit}/return": {"reason": "recalled"},
        "/v1/holds/{hold}/increase": {"amount": 1},
        "/v1/invoices/{invoice}/settle": {"payer": "no-such-party"},
        "/v1/invoices/{invoice}/credit-notes": {"amount": 1, "reason": "cold"},
        "/v1/settlements/{settlement}/reallocate": {"allocations": [{"invoice": "invoice_999999", "amount": 1}]},
        "/v1/refunds/{refund}/paid": {"rail_reference": "x"},
        "/v1/suspense/{suspense}/allocate": {"to": "no-such-party"},
        "/v1/entries/{number}/reverse": {"reason": "a mistake"},
        "/v1/parties/{party}/limits": {"currency": "EUR"},
        "/v1/rails/{rail}/settle": OUTSIDE | {"bank": "no-such-bank"},
        "/v1/rails/{rail}/prefund": OUTSIDE | {"bank": "no-such-bank"},
        "/v1/banks/{bank}/move": OUTSIDE | {"to": "nowhere"},
    }
    if route.path in ("/v1/parties/{party}/keys", "/v1/parties/{party}/keys/recover"):
        return {"public_key": OTHERS.public_key, "proof": OTHERS.proof("payer", "no-such-party")}
    return bodies.get(route.path, {})


@pytest.mark.parametrize("route", NAMING, ids=lambda route: f"{route.method} {route.path}")
def test_what_the_other_ledger_has_is_like_what_nobody_has(
    route: Route, names: dict[str, str], other: Client, database: Database, superuser: Superuser
) -> None:
    before = superuser.head(database.ledger_id)
    body = body_of(route)
    assert ask(other, route, NOBODYS, body) == ask(other, route, names, body)
    assert before == superuser.head(database.ledger_id)


@pytest.mark.parametrize("route", NAMING, ids=lambda route: f"{route.method} {route.path}")
def test_its_own_ledger_answers_otherwise(route: Route, names: dict[str, str], client: Client) -> None:
    """So that the test before could fail: asked by the ledger that has the name, a read finds something."""
    if route.method == "GET":
        assert 200 == ask(client, route, names, None)[0]


def test_lists_and_reports_show_nothing_of_the_other(names: dict[str, str], other: Client) -> None:
    lists = [route.path for route in ROUTES if route.method == "GET" and not route.names and route.scope is not None]
    shown = {path: other.get(path).text for path in lists}
    assert {} == {path: text for path, text in shown.items() if names["party"] in text or BACKEND.key_id in text}
    assert '"number":1,' in shown["/v1/entries"]


def test_a_payment_to_a_party_of_the_other_ledger_finds_nobody(names: dict[str, str], other: Client) -> None:
    mine = other.funded(100)
    for payee in (names["party"], f"alias:phone:{names['value']}"):
        answer = other.post("/v1/transfers", {"from": mine, "to": payee, "amount": 1, "currency": "EUR"})
        assert (404, "party_unknown") == (answer.status_code, answer.json()["code"])


def test_both_may_use_the_same_request_key_and_the_same_ids(names: dict[str, str], other: Client) -> None:
    answer = other.post("/v1/parties", {"id": names["party"], "kind": "merchant"}, key=names["key"])
    assert (201, "merchant") == (answer.status_code, answer.json()["kind"])
    assert "Idempotency-Replayed" not in answer.headers


def test_a_key_that_signs_requests_to_one_ledger_signs_to_no_other(names: dict[str, str], other: Client) -> None:
    mine = Device(12, "other")
    key = {"public_key": mine.public_key, "proof": mine.proof("request"), "name": "x", "scopes": ["entries:read"]}
    answer = other.post("/v1/keys", key)
    assert (409, "key_in_use") == (answer.status_code, answer.json()["code"])
