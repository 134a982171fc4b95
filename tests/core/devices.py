"""A device or backend with a key of its own, as the tests of keys and intents know it."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core.intents import SignedIntent, signed_bytes
from ledger.core.keys import authorisation_message, possession_message, thumbprint, to_base64
from ledger.core.public_keys import Signed

FOREVER = "2099-01-01T00:00:00Z"


class Device:
    """An Ed25519 key, the same for the same number, and what is signed with it. `ledger` is the ledger's name."""

    def __init__(self, number: int, ledger: str = "test") -> None:
        self.ledger = ledger
        self.private = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        self.raw = self.private.public_key().public_bytes_raw()
        self.public_key = to_base64(self.raw)
        self.key_id = thumbprint(self.raw)

    def sign(self, message: bytes) -> str:
        """The signature of a message, in base64."""
        return to_base64(self.private.sign(message))

    def proof(self, purpose: str, owner: str = "") -> str:
        """That the private key is at hand."""
        return self.sign(possession_message(self.ledger, purpose, owner, self.raw))

    def endorse(self, other: "Device") -> Signed:
        """The word of one of the log's keys for another."""
        return Signed(self.key_id, self.sign(possession_message(self.ledger, "log", "", other.raw)))

    def authorise(self, operation: str, party: str, request_key: bytes, *subject: str) -> Signed:
        """The word of a party's key for a change of its keys or its policy."""
        message = authorisation_message(self.ledger, operation, party, request_key, *subject)
        return Signed(self.key_id, self.sign(message))

    def intent(self, key: str, **fields: Any) -> SignedIntent:
        """A signed intent for a transfer in EUR, good for ever, unless `fields` say otherwise."""
        terms = {"ledger": self.ledger, "operation": "transfer", "of": None, "key": key, "currency": "EUR"}
        return self.signed(json.dumps(terms | {"expires_at": FOREVER} | fields).encode())

    def signed(self, payload: bytes) -> SignedIntent:
        """An intent of just these bytes."""
        return SignedIntent(to_base64(payload), self.key_id, self.sign(signed_bytes(payload)))
