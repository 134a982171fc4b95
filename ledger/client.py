"""What a backend and a payer's device sign: requests, intents, and the proof that a key is theirs.

It makes headers and JSON, and sends nothing: use any HTTP library.

    signer = RequestSigner(private_key, "https://pay.example.com")
    body = json.dumps({"from": "alice", "to": "bob", "amount": 1250, "currency": "EUR"}).encode()
    headers = signer.headers("POST", "/v1/transfers", body, idempotency_key="lunch-1")
    httpx.post("https://pay.example.com/v1/transfers", content=body, headers=headers)
"""

import time
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core.intents import signed_bytes
from ledger.core.keys import possession_message, thumbprint, to_base64
from ledger.core.signatures import LIFETIME_MAX, prepare


class RequestSigner:
    """Signs HTTP requests (RFC 9421) with a key that is registered at POST /v1/keys.

    `public_url` is the service's, as it was configured there: `chatledger up --public-url`.
    """

    def __init__(self, private_key: Ed25519PrivateKey, public_url: str) -> None:
        self._private_key = private_key
        self._public_url = public_url.rstrip("/")
        self.key_id = thumbprint(private_key.public_key().public_bytes_raw())

    def headers(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        idempotency_key: str | None = None,
        *,
        lifetime: int = LIFETIME_MAX // 5,
        now: int | None = None,
    ) -> dict[str, str]:
        """The headers of one request; `path` begins with a slash and has the query as it will be sent.

        `lifetime` is in seconds, at most 300; `now` in seconds since the epoch. A write needs an `idempotency_key`.
        ValueError without one.
        """
        created = int(time.time()) if now is None else now
        unsigned = prepare(
            method,
            self._public_url + path,
            key_id=self.key_id,
            created=created,
            expires=created + lifetime,
            idempotency_key=idempotency_key,
            body=body,
        )
        return unsigned.headers(self._private_key.sign(unsigned.base))


def registration(private_key: Ed25519PrivateKey, ledger: str, purpose: str, owner: str = "") -> dict[str, str]:
    """The `public_key` and `proof` with which a key is registered.

    `purpose` is `payer` for a party's key, `owner` then being the party's id, or `request`. `ledger` is the name that
    the ledger was made with (`chatledger init --ledger`).
    """
    public_key = private_key.public_key().public_bytes_raw()
    proof = private_key.sign(possession_message(ledger, purpose, owner, public_key))
    return {"public_key": to_base64(public_key), "proof": to_base64(proof)}


def sign_intent(private_key: Ed25519PrivateKey, terms: dict[str, Any]) -> dict[str, str]:
    """The `intent` of a request: what the payer agrees to (core.intents.Intent), signed by the payer's device.

    `terms` are ledger, operation, of, key (the request's Idempotency-Key), from, to, amount, currency and expires_at.
    `operation` is the kind of the entry that is wanted, and `of` what it acts on, else None: `transfer`, `hold.place`,
    `hold.increase` of a hold, `payment_request.pay` of a request, `invoice.settle` of an invoice, `settlement`,
    `payout.request` (`of` being its `destination` just as the request has it, and `to` `rail:<id>`).
    """
    payload = msgspec.json.encode(terms)
    return {
        "payload": to_base64(payload),
        "key_id": thumbprint(private_key.public_key().public_bytes_raw()),
        "signature": to_base64(private_key.sign(signed_bytes(payload))),
    }
