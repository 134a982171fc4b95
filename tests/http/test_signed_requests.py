"""Signed requests (RFC 9421) at the door: each thing that can be wrong has its code, and what is right is done once."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger.client import RequestSigner, registration
from ledger.core.fields import SCOPES
from tests.harness import NOTHING_SINCE, Client, Database, Databases, Served, new_key, serve

ROOT = Path(__file__).parents[2]
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x21")
READER = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x22")


def register(client: Client, key: Ed25519PrivateKey, scopes: tuple[str, ...] = SCOPES, **fields: Any) -> str:
    """Let a key sign requests; its id."""
    body = registration(key, "test", "request") | {"name": "backend", "scopes": list(scopes)} | fields
    answer = client.post("/v1/keys", body)
    assert 201 == answer.status_code, answer.text
    return str(answer.json()["key_id"])


@pytest.fixture(scope="module")
def signer(service: Served, client: Client) -> RequestSigner:
    """Somebody who signs, with every scope."""
    register(client, PRIVATE)
    return RequestSigner(PRIVATE, service.base)


@pytest.fixture(scope="module")
def bare(service: Served) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with httpx.Client(base_url=service.base, trust_env=False) as made:
        yield made


def send(bare: httpx.Client, signer: RequestSigner, method: str, path: str, body: Any = None, **options: Any) -> Any:
    """A signed request's answer; `options` are the signer's."""
    content = json.dumps(body).encode() if body is not None else b""
    key = None if method in ("GET", "HEAD") else options.pop("key", new_key())
    return bare.request(method, path, content=content, headers=signer.headers(method, path, content, key, **options))


def test_what_is_signed_is_done_without_any_other_credentials(bare: httpx.Client, signer: RequestSigner) -> None:
    made = send(bare, signer, "POST", "/v1/parties", {"id": "ann", "kind": "person"})
    assert (201, 200) == (made.status_code, send(bare, signer, "GET", "/v1/parties/ann").status_code)
    entry = send(bare, signer, "GET", f"/v1/entries/{made.json()['entry']}").json()
    assert signer.key_id == entry["actor"]


@pytest.mark.parametrize("path", ["/v1/entries?limit=1&after=0", "/v1/parties/%61nn", "/v1/accounts/ann/available/EUR"])
def test_the_url_is_covered_as_it_is_sent(bare: httpx.Client, signer: RequestSigner, path: str) -> None:
    headers = signer.headers("GET", path)
    assert bare.get(path, headers=headers).status_code in (200, 404)
    assert "signature_invalid" == bare.get("/v1/ledger", headers=headers).json()["code"]


def test_head_is_signed_like_get(bare: httpx.Client, signer: RequestSigner) -> None:
    assert 200 == send(bare, signer, "HEAD", "/v1/ledger").status_code


def test_an_action_without_a_body_is_signed_with_the_digest_of_nothing(
    bare: httpx.Client, signer: RequestSigner
) -> None:
    send(bare, signer, "POST", "/v1/parties", {"id": "bea", "kind": "person"})
    assert 200 == send(bare, signer, "POST", "/v1/parties/bea/unfreeze").status_code


def test_a_signed_write_that_is_sent_again_is_a_replay(bare: httpx.Client, signer: RequestSigner) -> None:
    body = json.dumps({"id": "cem", "kind": "person"}).encode()
    headers = signer.headers("POST", "/v1/parties", body, "again")
    answers = [bare.post("/v1/parties", content=body, headers=headers) for _ in range(2)]
    assert [201, 201] == [answer.status_code for answer in answers]
    assert "true" == answers[1].headers["idempotency-replayed"]


Change = Callable[[dict[str, str]], dict[str, str]]


def put(name: str, value: str) -> Change:
    return lambda headers: headers | {name: value}


def swap(name: str, old: str, new: str) -> Change:
    return lambda headers: headers | {name: headers[name].replace(old, new)}


def drop(name: str) -> Change:
    return lambda headers: {each: value for each, value in headers.items() if each != name}


REFUSED: dict[str, tuple[str, Change]] = {
    "no signature": ("signature_missing", drop("Signature")),
    "no input": ("signature_missing", drop("Signature-Input")),
    "not a signature": ("signature_malformed", put("Signature", "sig=:AAAA:")),
    "another label": ("signature_malformed", swap("Signature", "sig=", "sog=")),
    "two inputs": ("signature_malformed", lambda h: h | {"Signature-Input": f"{h['Signature-Input']}, a=()"}),
    "fewer components": ("signature_coverage", swap("Signature-Input", ' "idempotency-key"', "")),
    "another order": (
        "signature_coverage",
        swap("Signature-Input", '"@method" "@target-uri"', '"@target-uri" "@method"'),
    ),
    "another tag": ("signature_coverage", swap("Signature-Input", "chat-ledger", "other")),
    "no tag": ("signature_coverage", swap("Signature-Input", ';tag="chat-ledger"', "")),
    "another algorithm": ("signature_coverage", swap("Signature-Input", ";tag", ';alg="hmac-sha256";tag')),
    "another digest": ("content_digest_mismatch", put("Content-Digest", f"sha-256=:{'A' * 43}=:")),
    "sha-512": ("content_digest_mismatch", swap("Content-Digest", "sha-256", "sha-512")),
    "another key of the request": ("signature_invalid", put("Idempotency-Key", "another")),
    "another type": ("signature_invalid", put("Content-Type", "application/json; charset=utf-8")),
    "unknown key": ("key_unknown", swap("Signature-Input", 'keyid="', 'keyid="x')),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_with_a_signature_is_named(bare: httpx.Client, signer: RequestSigner, what: str) -> None:
    code, change = REFUSED[what]
    body = b'{"id":"nobody","kind":"person"}'
    headers = change(signer.headers("POST", "/v1/parties", body, new_key()))
    answer = bare.post("/v1/parties", content=body, headers=headers)
    assert (401, code) == (answer.status_code, answer.json()["code"]), answer.text
    assert "WWW-Authenticate" in answer.headers


def test_a_changed_body_is_found_by_its_digest(bare: httpx.Client, signer: RequestSigner) -> None:
    headers = signer.headers("POST", "/v1/parties", b'{"id":"dan","kind":"person"}', new_key())
    answer = bare.post("/v1/parties", content=b'{"id":"dun","kind":"person"}', headers=headers)
    assert "content_digest_mismatch" == answer.json()["code"]


@pytest.mark.parametrize(
    ("age", "lifetime", "code"),
    [(61, 60, "signature_expired"), (-60, 60, "signature_not_yet_valid"), (0, 301, "signature_malformed")],
)
def test_a_signature_counts_in_its_time(
    bare: httpx.Client, signer: RequestSigner, age: int, lifetime: int, code: str
) -> None:
    answer = send(bare, signer, "GET", "/v1/ledger", now=int(time.time()) - age, lifetime=lifetime)
    assert (401, code) == (answer.status_code, answer.json()["code"])


def test_the_hosts_own_words_change_nothing(bare: httpx.Client, signer: RequestSigner, service: Served) -> None:
    headers = signer.headers("GET", "/v1/ledger") | {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert 200 == bare.get("/v1/ledger", headers=headers).status_code
    elsewhere = RequestSigner(PRIVATE, "http://evil.example")
    answer = bare.get("/v1/ledger", headers=elsewhere.headers("GET", "/v1/ledger") | {"Host": "evil.example"})
    assert "signature_invalid" == answer.json()["code"]


def test_a_key_that_signs_has_its_scopes_and_no_more(bare: httpx.Client, client: Client, service: Served) -> None:
    register(client, READER, ("entries:read",))
    reader = RequestSigner(READER, service.base)
    assert 200 == send(bare, reader, "GET", "/v1/entries").status_code
    assert 403 == send(bare, reader, "POST", "/v1/parties", {"id": "x", "kind": "person"}).status_code


def test_a_revoked_key_signs_nothing_from_then_on(bare: httpx.Client, client: Client, service: Served) -> None:
    lost = Ed25519PrivateKey.generate()
    key_id = register(client, lost)
    signer = RequestSigner(lost, service.base)
    assert 201 == send(bare, signer, "POST", "/v1/parties", {"id": "eve", "kind": "person"}).status_code
    assert 200 == client.delete(f"/v1/keys/{key_id}").status_code
    assert "key_revoked" == send(bare, signer, "GET", "/v1/ledger").json()["code"]
    # For a second a write's sender is remembered at the door; the lane knows better.
    answer = send(bare, signer, "POST", "/v1/parties", {"id": "eva", "kind": "person"})
    assert (401, True) == (answer.status_code, answer.json()["code"] in ("key_revoked", "credentials_invalid"))


def test_a_bearer_key_beside_a_signature_helps_nothing(
    bare: httpx.Client, signer: RequestSigner, service: Served
) -> None:
    headers = signer.headers("GET", "/v1/entries") | {"Authorization": f"Bearer {service.database.token}"}
    assert "signature_invalid" == bare.get("/v1/ledger", headers=headers).json()["code"]


@pytest.fixture
def strict(databases: Databases) -> Iterator[tuple[Served, Client, RequestSigner]]:
    """A service whose ledger takes signed writes only."""
    database: Database = databases.new()
    with serve(database) as served:
        client = Client(served.base, database.token)
        register(client, PRIVATE)
        yield served, client, RequestSigner(PRIVATE, served.base)
        client.close()
    databases.drop(database)


def test_a_ledger_that_wants_signatures_lets_a_bearer_key_only_read(
    strict: tuple[Served, Client, RequestSigner],
) -> None:
    served, client, signer = strict
    wanted = {"request_signatures": "required"}
    assert "signature_missing" == client.put("/v1/ledger", wanted).json()["code"]  # nobody locks the door on themselves
    with httpx.Client(base_url=served.base, trust_env=False) as bare:
        assert 200 == send(bare, signer, "PUT", "/v1/ledger", wanted).status_code
        refused = client.post("/v1/parties", {"id": "fay", "kind": "person"})
        assert (401, "signature_missing") == (refused.status_code, refused.json()["code"])
        assert 200 == client.get("/v1/ledger").status_code
        assert 201 == send(bare, signer, "POST", "/v1/parties", {"id": "fay", "kind": "person"}).status_code


def test_a_backend_in_node_signs_what_it_sends(client: Client, service: Served, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on the path, so scripts/signed_request.mjs was not run")
    key = tmp_path / "key.pem"
    private = Ed25519PrivateKey.generate()
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    payer, payee = client.funded(500), client.party()

    def run(*arguments: str) -> list[dict[str, Any]]:
        command = [node, str(ROOT / "scripts/signed_request.mjs"), "test", str(key), service.base, *arguments]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in said.stdout.splitlines()]

    (body,) = run()
    access = {"name": "node", "scopes": ["transfers:write", "entries:read"]}
    assert 201 == client.post("/v1/keys", body | access).status_code
    paid, shown = run("pay", payer, payee, "200", "EUR")
    assert paid | NOTHING_SINCE == shown
    assert [300, 200] == [client.available(payer), client.available(payee)]
