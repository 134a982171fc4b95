"""What comes first when several things are wrong with a signed request."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.client import RequestSigner
from tests.harness import Client, Served, new_key
from tests.http.test_signed_requests import drop, put, register, swap
from tests.http.wire import problem_of

TEXT = b'{"from":"ann","to":"bob","amount":5,"currency":"EUR"}'
MAY, MAY_NOT, REVOKED, UNKNOWN = (Ed25519PrivateKey.generate() for _ in range(4))

pytestmark = pytest.mark.usefixtures("nothing_is_written")

# What is wrong, the answer, what is other than in a good request, and what happens to its headers on the way.
Way = Callable[[dict[str, str]], dict[str, str]]
WRONG: tuple[tuple[str, tuple[int, str], dict[str, Any], Way | None], ...] = (
    ("headers", (431, "headers_too_large"), {}, put("X-Large", "x" * 40_000)),
    ("path", (404, "not_found"), {"path": "/v1/nothing"}, None),
    ("method", (405, "method_not_allowed"), {"method": "PATCH"}, None),
    ("size", (413, "body_too_large"), {"body": b"[" * 70_000}, None),
    ("encoding", (415, "unsupported_media_type"), {}, put("Content-Encoding", "gzip")),
    ("key", (400, "idempotency_key_invalid"), {"key": "a b"}, None),
    ("syntax", (400, "malformed_json"), {"body": TEXT[:-1]}, None),
    ("half", (401, "signature_missing"), {}, drop("Signature")),
    ("form", (401, "signature_malformed"), {}, put("Signature", "sig=:AAAA:")),
    ("coverage", (401, "signature_coverage"), {}, swap("Signature-Input", ' "content-type"', "")),
    ("lifetime", (401, "signature_malformed"), {"lifetime": 400}, None),
    ("late", (401, "signature_expired"), {"age": 1000}, None),
    ("early", (401, "signature_not_yet_valid"), {"age": -1000}, None),
    ("digest", (401, "content_digest_mismatch"), {}, put("Content-Digest", f"sha-256=:{'A' * 43}=:")),
    ("unknown", (401, "key_unknown"), {"signer": UNKNOWN}, None),
    ("revoked", (401, "key_revoked"), {"signer": REVOKED}, None),
    ("signature", (401, "signature_invalid"), {}, put("Content-Type", "application/json;charset=utf-8")),
    ("scope", (403, "scope_missing"), {"signer": MAY_NOT}, None),
    ("field", (422, "amount_invalid"), {"body": TEXT.replace(b"5", b"0")}, None),
    ("query", (422, "field_unknown"), {"path": "/v1/transfers?x=1"}, None),
    ("books", (422, "same_party"), {"body": TEXT.replace(b"bob", b"ann"), "path": "/v1/transfers?dry_run=true"}, None),
)


@pytest.fixture(scope="module")
def keys(client: Client) -> None:
    """The keys that sign."""
    register(client, MAY)
    register(client, MAY_NOT, ("entries:read",))
    assert 200 == client.delete(f"/v1/keys/{register(client, REVOKED)}").status_code


@pytest.fixture
def ask(service: Served, keys: None) -> Iterator[Callable[..., httpx.Response]]:
    """Sends a request with these things wrong; the later ones go over the earlier ones."""
    with httpx.Client(base_url=service.base, trust_env=False) as bare:
        yield partial(_ask, bare, service.base)


def _ask(bare: httpx.Client, base: str, *wrong: tuple[str, tuple[int, str], dict[str, Any], Way | None]) -> Any:
    good = {"method": "POST", "path": "/v1/transfers", "body": TEXT, "key": new_key(), "signer": MAY}
    asked: dict[str, Any] = good | {"age": 0, "lifetime": 60}
    for _, _, other, _ in wrong:
        asked |= other
    headers = RequestSigner(asked["signer"], base).headers(
        asked["method"],
        asked["path"],
        asked["body"],
        asked["key"],
        now=int(time.time()) - asked["age"],
        lifetime=asked["lifetime"],
    )
    for _, _, _, way in wrong:
        headers = way(headers) if way is not None else headers
    return bare.request(asked["method"], asked["path"], content=asked["body"], headers=headers)


@pytest.mark.parametrize("first", range(len(WRONG)), ids=[name for name, *_ in WRONG])
def test_when_several_things_are_wrong_with_a_signed_request_the_first_is_answered(
    ask: Callable[..., httpx.Response], first: int
) -> None:
    for second in range(first, len(WRONG)):
        assert WRONG[first][1] == problem_of(ask(WRONG[second], WRONG[first])), WRONG[second][0]
