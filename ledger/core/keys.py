"""Ed25519 keys (RFC 8032): which ones are accepted, what they are called, and how a signature is checked.

A key's id is the RFC 7638 thumbprint of its JWK (RFC 8037). Signatures are checked strictly: one message has one
meaning for everybody, and a key that would vouch for every message is no key. Never take a key from a message.
"""

import binascii
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.core.entries import base64url

PUBLIC_KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64

PURPOSES: Final = ("log", "payer", "request")
"""What a key is registered for: the log's checkpoints, a payer's device, a backend's requests."""

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493

# The y of every point whose order divides 8: the neutral point has 1, the others -1, 0 and ±_ORDER_8.
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y: Final = (0, 1, _P - 1, _ORDER_8, _P - _ORDER_8)


def _encodings(ys: Iterable[int]) -> frozenset[bytes]:
    """Points of these y as they are written (RFC 8032 section 5.1.2), with either sign of x."""
    return frozenset((y | sign << 255).to_bytes(PUBLIC_KEY_SIZE, "little") for y in ys for sign in (0, 1))


_SMALL_ORDER: Final = _encodings(_SMALL_ORDER_Y)
_NOT_CANONICAL: Final = _encodings(range(_P, 2**255))

# A signature under a point of small order proves nothing: with the key 01 00 … 00, R = 01 00 … 00 and S = 0 are a
# signature of every message, and the `cryptography` package says so. Ten of the 14 ways to write these points are
# below; the other four (y = 0 and y = 1, written as p and p + 1) are not canonical.
_REFUSED_POINTS: Final = _SMALL_ORDER | _NOT_CANONICAL


class Signer(Protocol):
    """Signs with a private key that the process may not even hold: a file by default, or a KMS or an HSM."""

    @property
    def key_id(self) -> str:
        """The thumbprint of the public key."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes."""

    async def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature of exactly this message."""


def public_key_fault(public_key: bytes) -> str | None:
    """What is wrong with a public key that somebody wants to register, or None; 32 bytes as RFC 8032 writes them.

    A y that belongs to no point at all passes, and then verifies nothing: the proof of possession finds it out.
    """
    if len(public_key) != PUBLIC_KEY_SIZE:
        return f"An Ed25519 public key is {PUBLIC_KEY_SIZE} bytes, not {len(public_key)}."
    if public_key in _NOT_CANONICAL:
        return "The public key is not canonical: its y is 2^255-19 or more."
    if public_key in _SMALL_ORDER:
        return "The public key is a point of small order, under which anybody can sign."
    return None


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this is the key's Ed25519 signature of the message: RFC 8032 section 5.1.7 without the cofactor.

    Stricter than the RFC: neither the key nor R may be written non-canonically or be a point of small order. S is
    below the group's order, as the RFC has it. False, never an exception, whatever the bytes are.
    """
    if len(public_key) != PUBLIC_KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    if public_key in _REFUSED_POINTS or signature[:32] in _REFUSED_POINTS:
        return False
    if int.from_bytes(signature[32:], "little") >= _L:
        return False
    try:
        _parsed(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


_parsed = lru_cache(maxsize=16_384)(Ed25519PublicKey.from_public_bytes)


def thumbprint(public_key: bytes) -> str:
    """The key's id: unpadded base64url of the SHA-256 of its JWK's required members (RFC 7638, RFC 8037 A.3)."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url(public_key)}"}}'
    return base64url(hashlib.sha256(members.encode()).digest())


def jwk(public_key: bytes) -> dict[str, str]:
    """The key as a JWK (RFC 8037 section 2) with its id, for verifying signatures."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64url(public_key),
        "kid": thumbprint(public_key),
        "alg": "EdDSA",
        "use": "sig",
    }


def jwks(public_keys: Iterable[bytes]) -> dict[str, list[dict[str, str]]]:
    """The document of `/.well-known/jwks.json` (RFC 7517 section 5), in the order given."""
    return {"keys": [jwk(public_key) for public_key in public_keys]}


def possession_message(ledger: str, purpose: str, owner: str, public_key: bytes) -> bytes:
    r"""What a private key signs so that its public key may be registered: five lines, each ended by a newline.

        chat-ledger proof of possession v1
        <ledger>
        <purpose: log, payer or request>
        <owner: the party's id; empty for a key of the ledger itself>
        <the key's id, its RFC 7638 thumbprint>

    So a proof made for one party, ledger or purpose is worth nothing for another; and nothing else that is signed
    here begins like this (an intent: `DSSEv1 `, a request: `"@method"`, a checkpoint: an origin without spaces). A new
    key that replaces an old one carries the old key's signature of the same message too.

    ValueError if a part has a newline or the purpose is none.
    """
    parts = ("chat-ledger proof of possession v1", ledger, purpose, owner, thumbprint(public_key))
    if purpose not in PURPOSES or any("\n" in part for part in parts):
        raise ValueError("A proof of possession has a known purpose, and no newline within its parts.")
    return "".join(f"{part}\n" for part in parts).encode()


def authorisation_message(ledger: str, operation: str, party: str, request_key: bytes, *subject: str) -> bytes:
    r"""What a party's own key signs so that its keys or its policy may be changed: lines, each ended by a newline.

        chat-ledger authorisation v1
        <ledger>
        <operation: the kind of the entry, such as party_key.revoke>
        <the party's id>
        <base64url of the first 16 bytes of the SHA-256 of the request's Idempotency-Key>
        <the subject: what the operation says of itself, a line each>

    A key's request can be made once, so that what was signed for one change is worth nothing for another.

    ValueError if a part has a newline.
    """
    parts = ("chat-ledger authorisation v1", ledger, operation, party, base64url(request_key), *subject)
    if any("\n" in part for part in parts):
        raise ValueError("An authorisation has no newline within its parts.")
    return "".join(f"{part}\n" for part in parts).encode()


def to_base64(data: bytes) -> str:
    """Padded base64 (RFC 4648 section 4)."""
    return binascii.b2a_base64(data, newline=False).decode()


def from_base64(text: str) -> bytes:
    """The bytes of padded base64; ValueError unless the text is the one that `to_base64` makes of them."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError:  # binascii.Error is one; non-ASCII text is another
        raise ValueError("This is not base64 (RFC 4648 section 4, padded).") from None
    # Decoding passes over strange characters and over bits that mean nothing: one value could be written in many ways.
    if to_base64(data) != text:
        raise ValueError("This is not base64 in its canonical form (RFC 4648 sections 3.5 and 4).")
    return data
