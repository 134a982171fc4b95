"""A log small enough to hold in one's head, its key, and receipts from it."""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core.entries import base64url, canonical, key_digest
from ledger.core.intents import signed_bytes
from ledger.core.keys import thumbprint, to_base64
from ledger.core.merkle import inclusion_proof, leaf_hash, tree_root
from ledger.core.notes import Checkpoint, VerifierKey, format_note
from ledger.core.receipts import Receipt, format_receipt

ORIGIN = "chat-ledger.localhost/log/demo"
LOG = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log").digest())
LOG_KEY = VerifierKey(ORIGIN, LOG.public_key().public_bytes_raw())

PAYER = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"alice's phone").digest())
PAYER_KEY = PAYER.public_key().public_bytes_raw()
PAYER_KEY_ID = thumbprint(PAYER_KEY)

TERMS: dict[str, Any] = {
    "ledger": "demo",
    "operation": "transfer",
    "of": None,
    "key": "lunch-1",
    "from": "alice",
    "to": "bob",
    "amount": 1250,
    "currency": "EUR",
}
INTENT = canonical(TERMS | {"expires_at": "2026-11-20T23:05:01Z"})


def transfer(number: int, **changes: Any) -> dict[str, Any]:
    """The body of a transfer of 12.50 EUR from alice to bob, as an object; `changes` replace its fields."""
    body = {
        "ledger": "demo",
        "number": number,
        "kind": "transfer",
        "posted_at": f"2026-11-20T23:00:{number % 60:02d}.000000Z",
        "effective_on": "2026-11-20",
        "actor": "key_1",
        "salt": base64url(hashlib.sha256(number.to_bytes(8)).digest()[:16]),
        "key": base64url(key_digest("lunch-1")),
        "request": {"from": "alice", "to": "bob", "amount": 1250, "currency": "EUR"},
        "postings": [{"debit": "alice/available", "credit": "bob/available", "amount": 1250, "currency": "EUR"}],
    }
    return body | changes


def signed_by_payer(body: dict[str, Any], agreed: bytes = INTENT, **changes: str) -> dict[str, Any]:
    """The body with the payer's intent in its request; `changes` replace fields of that."""
    intent = {
        "payload": to_base64(agreed),
        "key_id": PAYER_KEY_ID,
        "signature": to_base64(PAYER.sign(signed_bytes(agreed))),
    }
    result = body.get("result", {}) | {"intent_public_key": to_base64(PAYER_KEY)}
    return body | {"request": body["request"] | {"intent": intent | changes}, "result": result}


def checkpoint(leaves: list[bytes], origin: str = ORIGIN) -> bytes:
    """The signed checkpoint of a log of these leaf hashes."""
    text = Checkpoint(origin, len(leaves), tree_root(leaves)).text
    return format_note(text, [(LOG_KEY, LOG.sign(text))])


def receipt(bodies: list[bytes], index: int) -> bytes:
    """The receipt of one entry of a log of these bodies."""
    leaves = [leaf_hash(body) for body in bodies]
    path = tuple(inclusion_proof(leaves, index, len(leaves)))
    return format_receipt(Receipt(index, path, checkpoint(leaves), bodies[index]))


def receipt_of(body: dict[str, Any]) -> bytes:
    """The receipt of an entry that stands where its number says, in a log of 12."""
    number: int = body["number"]
    bodies = [canonical(transfer(each)) for each in range(1, 13)]
    bodies[number - 1] = canonical(body)
    return receipt(bodies, number - 1)
