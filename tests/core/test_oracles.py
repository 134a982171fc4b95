"""Our fixed profile and our canonical JSON against libraries that are not ours."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.client import RequestSigner
from ledger.core.entries import canonical
from ledger.core.keys import thumbprint
from ledger.core.money import AMOUNT_MAX
from ledger.core.signatures import TAG, Request, content_digest, read_claim

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x07")
PUBLIC = PRIVATE.public_key()
RAW = PUBLIC.public_bytes_raw()
KEY_ID = thumbprint(RAW)
BASE = "https://pay.example"
READ = ("@method", "@target-uri")
WRITE = (*READ, "content-type", "content-digest", "idempotency-key")

segments = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~:@!$&'()*+,;=", min_size=1, max_size=12).filter(
    lambda text: text not in (".", "..")
)
paths = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/v1/" + "/".join(parts))
queries = st.sampled_from(["", "?limit=5", "?a=1&b=%20x", "?cursor=AbC_-"])
keys = st.text("".join(map(chr, range(0x21, 0x7F))), min_size=1, max_size=40)


class Keys(HTTPSignatureKeyResolver):
    """The one key."""

    def resolve_public_key(self, key_id: str) -> Any:
        assert KEY_ID == key_id
        return PUBLIC

    def resolve_private_key(self, key_id: str) -> Any:
        assert KEY_ID == key_id
        return PRIVATE


def theirs(kind: Any) -> Any:
    return kind(signature_algorithm=algorithms.ED25519, key_resolver=Keys())


def as_ours(message: SimpleNamespace, body: bytes) -> Request:
    headers = {name.lower(): value for name, value in message.headers.items()}
    return Request(
        message.method,
        message.url,
        headers.get("signature-input"),
        headers.get("signature"),
        headers.get("content-type"),
        headers.get("content-digest"),
        headers.get("idempotency-key"),
        body,
    )


@settings(deadline=None)
@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), paths, queries, keys, st.binary(max_size=100))
def test_what_another_library_signs_in_our_profile_is_accepted(
    method: str, path: str, query: str, key: str, body: bytes
) -> None:
    message = SimpleNamespace(method=method, url=BASE + path + query, headers={})
    if method != "GET":
        message.headers = {
            "Content-Type": "application/json",
            "Content-Digest": content_digest(body),
            "Idempotency-Key": key,
        }
    now = datetime.now(UTC).replace(microsecond=0)
    theirs(HTTPMessageSigner).sign(
        message,
        key_id=KEY_ID,
        created=now,
        expires=now + timedelta(seconds=60),
        label="sig",
        tag=TAG,
        include_alg=False,
        covered_component_ids=READ if method == "GET" else WRITE,
        use_existing_digest=method != "GET",
    )
    claim = read_claim(as_ours(message, body), int(now.timestamp()))
    assert KEY_ID == claim.key_id
    claim.verify(RAW)


@settings(deadline=None)
@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), paths, queries, keys, st.binary(max_size=100))
def test_what_we_sign_another_library_accepts(method: str, path: str, query: str, key: str, body: bytes) -> None:
    headers = RequestSigner(PRIVATE, BASE).headers(method, path + query, body, None if method == "GET" else key)
    message = SimpleNamespace(method=method, url=BASE + path + query, headers=headers)
    (verified,) = theirs(HTTPMessageVerifier).verify(message, max_age=timedelta(seconds=300), expect_tag=TAG)
    covered = {name.strip('"') for name in verified.covered_components} - {"@signature-params"}
    assert set(READ if method == "GET" else WRITE) == covered


# The profile of entries: ASCII keys, whole numbers, text without control characters.
texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-AMOUNT_MAX, AMOUNT_MAX) | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefgXYZ_-0123", min_size=1), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(values)
def test_our_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    assert rfc8785.dumps(value) == canonical(value)
