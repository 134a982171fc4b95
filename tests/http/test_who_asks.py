"""What the door knows of a key is never taken for another kind of key, and nobody gets more than their share of it."""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.client import RequestSigner, registration
from ledger.core.entries import base64url
from ledger.core.fields import SCOPES
from tests.harness import Client, Served, Superuser, make_ledger, new_key, new_token
from tests.http.test_signed_requests import register, send
from tests.http.wire import head, problem_of, send_raw

Answer = Callable[[str, str, Any], httpx.Response]
PARTY = {"id": "never-made", "kind": "person"}
TEXT = b'{"from":"ann","to":"bob","amount":5,"currency":"EUR"}'
# Its thumbprint, clk_kl6s0tOZhk5avMgNEs0Jc1g89wTtTqWtZITHT6U, begins like an API key; one in 2^24 does.
LIKE_A_TOKEN = Ed25519PrivateKey.from_private_bytes((0x100048241).to_bytes(32, "big"))


@pytest.fixture(scope="module")
def bare(service: Served) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with httpx.Client(base_url=service.base, trust_env=False) as made:
        yield made


def new_signer(client: Client, scopes: tuple[str, ...] = SCOPES, **fields: Any) -> RequestSigner:
    """Somebody who signs, with a key that was registered just now."""
    key = Ed25519PrivateKey.generate()
    register(client, key, scopes, **fields)
    return RequestSigner(key, client.base)


def by_bearer(client: Client, bare: httpx.Client, **fields: Any) -> tuple[str, Answer]:
    """A new API key: its id, and what asks with it."""
    token = new_token()
    body = {"name": "x", "digest": base64url(hashlib.sha256(token.encode()).digest()), "scopes": list(SCOPES)}
    made = client.post("/v1/api-keys", body | fields)
    assert 201 == made.status_code, made.text

    def ask(method: str, path: str, json: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_key()}
        return bare.request(method, path, json=json, headers=headers)

    return made.json()["id"], ask


def by_signature(client: Client, bare: httpx.Client, **fields: Any) -> tuple[str, Answer]:
    """The same, of a key that signs."""
    signer = new_signer(client, **fields)
    return signer.key_id, lambda method, path, body: send(bare, signer, method, path, body)


KINDS = {"api-keys": by_bearer, "keys": by_signature}
ENDED = {"api-keys": "credentials_invalid", "keys": "key_revoked"}


# Until when a key counts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "path", "body"), [("GET", "/v1/ledger", None), ("POST", "/v1/parties", PARTY)])
def test_a_key_counts_until_its_end_to_the_moment(
    client: Client, bare: httpx.Client, kind: str, method: str, path: str, body: Any
) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1)
    _, ask = KINDS[kind](client, bare, valid_until=end.isoformat())
    seen: list[tuple[datetime, datetime, httpx.Response]] = []
    while not seen or seen[-1][0] < end + timedelta(seconds=0.1):
        begun = datetime.now(UTC)
        answer = ask(method, f"{path}?dry_run=true" if body else path, body)
        seen.append((begun, datetime.now(UTC), answer))
    assert {200 if body is None else 201} == {answer.status_code for _, over, answer in seen if over < end}
    after = [problem_of(answer) for begun, _, answer in seen if begun >= end]
    assert after
    assert {(401, ENDED[kind])} == set(after)


@pytest.mark.parametrize("kind", KINDS)
def test_the_read_after_a_revocation_is_refused_however_often_the_key_was_just_used(
    client: Client, bare: httpx.Client, kind: str
) -> None:
    key_id, ask = KINDS[kind](client, bare)
    for _ in range(3):
        assert 201 == ask("POST", "/v1/parties", {"id": f"p{new_key()[:9]}", "kind": "person"}).status_code
        assert 200 == ask("GET", "/v1/ledger", None).status_code
    assert 200 == client.delete(f"/v1/{kind}/{key_id}").status_code
    assert (401, ENDED[kind]) == problem_of(ask("GET", "/v1/ledger", None))
    # A write's sender is remembered for a second; the lane judges the key's row, and the name stays free.
    assert 401 == ask("POST", "/v1/parties", PARTY).status_code
    assert 404 == client.get("/v1/parties/never-made").status_code


def test_wrong_expired_and_revoked_bearer_keys_are_told_the_same(
    client: Client, bare: httpx.Client, superuser: Superuser
) -> None:
    revoked, ask_revoked = by_bearer(client, bare)
    expired, ask_expired = by_bearer(client, bare)
    assert 200 == client.delete(f"/v1/api-keys/{revoked}").status_code
    superuser.run_script(f"UPDATE api_keys SET valid_until = '2020-01-01Z' WHERE id = '{expired}'")
    unknown = bare.get("/v1/ledger", headers={"Authorization": f"Bearer {new_token()}"})
    answers = [unknown, ask_revoked("GET", "/v1/ledger", None), ask_expired("GET", "/v1/ledger", None)]
    answers += [ask("POST", "/v1/parties", PARTY) for ask in (ask_revoked, ask_expired)]
    bodies = [answer.json() | {"instance": ""} for answer in answers]
    assert [bodies[0]] * len(bodies) == bodies
    assert {'Bearer realm="chat-ledger"'} == {answer.headers["www-authenticate"] for answer in answers}


# Whose key it is


def test_the_id_of_a_key_that_signs_opens_nothing_although_it_looks_like_a_token(
    client: Client, bare: httpx.Client
) -> None:
    key_id = register(client, LIKE_A_TOKEN)
    assert key_id.startswith("clk_")
    signer = RequestSigner(LIKE_A_TOKEN, client.base)
    for method, path, body in (("POST", "/v1/parties", PARTY), ("GET", "/v1/ledger", None)):
        assert send(bare, signer, method, f"{path}?dry_run=true" if body else path, body).status_code in (200, 201)
        headers = {"Authorization": f"Bearer {key_id}", "Idempotency-Key": new_key()}
        assert (401, "credentials_invalid") == problem_of(bare.request(method, path, json=body, headers=headers))


def test_a_key_that_signs_reaches_its_own_ledger_and_no_other(
    client: Client, bare: httpx.Client, service: Served
) -> None:
    _, token = make_ledger(service.database, "other")
    client.party("of-the-first")
    key = Ed25519PrivateKey.generate()
    body = registration(key, "other", "request") | {"name": "x", "scopes": list(SCOPES)}
    assert (422, "key_invalid") == problem_of(client.post("/v1/keys", body))  # its proof is for the other ledger
    with contextlib.closing(Client(service.base, token)) as other:
        assert 201 == other.post("/v1/keys", body).status_code
        signer = RequestSigner(key, service.base)
        assert 201 == send(bare, signer, "POST", "/v1/parties", {"id": "of-the-other", "kind": "person"}).status_code
        for path in ("/v1/parties/of-the-first", f"/v1/keys/{new_signer(client).key_id}"):
            method = "GET" if "parties" in path else "DELETE"
            assert 404 == send(bare, signer, method, path).status_code
        assert 200 == other.get("/v1/parties/of-the-other").status_code
    assert 404 == client.get("/v1/parties/of-the-other").status_code


def test_a_key_of_another_purpose_signs_no_requests(client: Client, bare: httpx.Client) -> None:
    payer, device = client.party(), Ed25519PrivateKey.generate()
    assert 201 == client.post(f"/v1/parties/{payer}/keys", registration(device, "test", "payer", payer)).status_code
    assert (401, "key_unknown") == problem_of(send(bare, RequestSigner(device, client.base), "GET", "/v1/ledger"))


# What is covered


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/ledger"),
        ("POST", "/v1/deposits"),
        ("POST", "/v1/transfers?dry_run=true"),
        ("POST", "/v1/transfers/batch"),
        ("POST", "/v1/%74ransfers"),
    ],
)
def test_a_signed_write_serves_no_other_path_query_or_method(
    client: Client, bare: httpx.Client, method: str, path: str
) -> None:
    headers = new_signer(client).headers("POST", "/v1/transfers", b"{}", new_key())
    assert (401, "signature_invalid") == problem_of(bare.request(method, path, content=b"{}", headers=headers))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Signature", "signature_malformed"),
        ("Signature-Input", "signature_malformed"),
        ("Content-Digest", "content_digest_mismatch"),
        ("Idempotency-Key", "idempotency_key_invalid"),
        ("Content-Type", "unsupported_media_type"),
    ],
)
def test_a_header_that_comes_twice_counts_for_nothing(client: Client, bare: httpx.Client, name: str, code: str) -> None:
    headers = new_signer(client).headers("POST", "/v1/parties", json.dumps(PARTY).encode(), new_key())
    twice = [*headers.items(), (name, headers[name])]
    answer = bare.post("/v1/parties", content=json.dumps(PARTY).encode(), headers=twice)
    assert code == problem_of(answer)[1]


def test_an_action_without_a_body_still_says_of_what_type_it_is(client: Client, bare: httpx.Client) -> None:
    headers = new_signer(client).headers("POST", "/v1/parties/ann/unfreeze", b"", new_key())
    del headers["Content-Type"]
    answer = bare.post("/v1/parties/ann/unfreeze", headers=headers)
    assert (401, "signature_coverage") == problem_of(answer)


def test_a_request_line_that_names_a_host_is_judged_by_the_public_url(client: Client) -> None:
    headers = {"Host": "evil.example"} | new_signer(client).headers("GET", "/v1/ledger") | {"Connection": "close"}
    assert 200 == send_raw(client.base, head("GET", "http://evil.example/v1/ledger", headers)).status_code
    elsewhere = RequestSigner(LIKE_A_TOKEN, "http://evil.example").headers("GET", "/v1/ledger")
    refused = send_raw(client.base, head("GET", "http://evil.example/v1/ledger", {"Host": "evil.example"} | elsewhere))
    assert 401 == problem_of(refused)[0]


def test_a_replay_is_signed_anew_and_an_old_signature_is_none(client: Client, bare: httpx.Client) -> None:
    signer, key, body = new_signer(client), new_key(), {"id": f"p{new_key()[:9]}", "kind": "person"}
    assert 201 == send(bare, signer, "POST", "/v1/parties", body, key=key).status_code
    old = send(bare, signer, "POST", "/v1/parties", body, key=key, now=int(time.time()) - 61)
    assert (401, "signature_expired") == problem_of(old)
    again = send(bare, signer, "POST", "/v1/parties", body, key=key, lifetime=300)
    assert (201, "true") == (again.status_code, again.headers["idempotency-replayed"])
    other = send(bare, signer, "POST", "/v1/parties", body | {"id": "another"}, key=key)
    assert (422, "idempotency_key_reused") == problem_of(other)


def test_a_large_batch_is_signed_and_of_a_stranger_not_even_read(client: Client, bare: httpx.Client) -> None:
    payer, payee = client.funded(1000), client.party()
    items = [
        {"key": new_key(), "from": payer, "to": payee, "amount": 1, "currency": "EUR", "memo": "m" * 250}
        for _ in range(300)
    ]
    done = send(bare, new_signer(client), "POST", "/v1/transfers/batch", {"transfers": items})
    assert {201} == {result["status"] for result in done.json()["results"]}
    stranger = RequestSigner(Ed25519PrivateKey.generate(), client.base)
    broken = b"{" * 100_000
    headers = stranger.headers("POST", "/v1/transfers/batch", broken, new_key())
    assert (401, "key_unknown") == problem_of(bare.post("/v1/transfers/batch", content=broken, headers=headers))
