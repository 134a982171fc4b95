"""Intents: what a payer's own device signs before a payment is asked for, so that nobody else can invent one.

The device signs the DSSE pre-authentication encoding of these JSON bytes, of the type INTENT_TYPE, in any order and
spacing:

    {"ledger": "demo", "operation": "transfer", "of": null, "key": "7f3c…", "from": "alice", "to": "bob",
     "amount": 1250, "currency": "EUR", "expires_at": "2026-11-20T23:05:01Z"}

`operation` is the kind of the entry that is wanted, `of` the invoice, hold or payment request it acts on, or the
destination of a payout, `key` the Idempotency-Key of the request: so an intent is good for one payment. The bytes
travel as they were signed, and are read only after the signature holds over them. The entry keeps them in its request
(a commitment to them where they name something private), and in its result the device's public key as RESULT_FIELD
(base64), so that a receipt is enough to check both.
"""

import re
from typing import Annotated, Final

import msgspec

from ledger.core.errors import FieldError
from ledger.core.keys import from_base64, verify
from ledger.core.text import parse_timestamp

INTENT_TYPE: Final = "application/vnd.chat-ledger.intent.v1+json"
RESULT_FIELD: Final = "intent_public_key"
PAYLOAD_LENGTH_MAX: Final = 4096
"""So many characters of base64 at most: the longest names there can be take some 2,600."""
_LENGTHS_MAX: Final = {"payload": PAYLOAD_LENGTH_MAX, "key_id": 43, "signature": 88}

_string = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class SignedIntent(msgspec.Struct, forbid_unknown_fields=True):
    """An intent as a request carries it: the bytes that were signed and the signature in base64, and who signed."""

    payload: Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": _LENGTHS_MAX["payload"]})]
    key_id: Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": _LENGTHS_MAX["key_id"]})]
    signature: Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": _LENGTHS_MAX["signature"]})]

    def fault(self) -> FieldError | None:
        """Base64 that can be read, and not very long; what it holds is judged when the key is known."""
        for name, length_max in _LENGTHS_MAX.items():
            if len(getattr(self, name)) > length_max:
                detail = f"An intent's {name} has at most {length_max} characters."
                return FieldError(f"/{name}", "intent_invalid", detail)
        for name in ("payload", "signature"):
            try:
                from_base64(getattr(self, name))
            except ValueError as wrong:
                return FieldError(f"/{name}", "intent_invalid", str(wrong))
        return None


class Terms(msgspec.Struct, forbid_unknown_fields=True):
    """What is agreed to. `amount` is in minor units; `from_` and `to` are party ids."""

    ledger: str
    operation: str
    of: str | None
    key: str
    from_: str = msgspec.field(name="from")
    to: str
    amount: int
    currency: str


class Intent(Terms):
    """The terms that a payer signed, and until when."""

    expires_at: str

    def has_expired(self, now: int) -> bool:
        """Whether the time, in microseconds since the epoch, is past `expires_at`."""
        return now >= parse_timestamp(self.expires_at)

    def differing_fields(self, asked: Terms) -> list[str]:
        """The fields, by their names on the wire, that are not what the request resolved to."""
        names = zip(Terms.__struct_fields__, Terms.__struct_encode_fields__, strict=True)
        return [on_the_wire for name, on_the_wire in names if getattr(self, name) != getattr(asked, name)]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed instead of the payload: PAE of the DSSE protocol v1, with lengths in bytes."""
    encoded_type = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded_type), encoded_type, len(payload), payload)


def signed_bytes(payload: bytes) -> bytes:
    """What the device signs for an intent of these bytes."""
    return pre_authentication_encoding(INTENT_TYPE, payload)


def verify_intent(signed: SignedIntent, public_key: bytes) -> Intent:
    """The intent, which the key of `signed.key_id` signed.

    ValueError with a sentence if the signature does not hold, or what it holds over is not an intent.
    """
    payload = from_base64(signed.payload)
    if not verify(public_key, from_base64(signed.signature), signed_bytes(payload)):
        raise ValueError(f"The signature of the intent does not hold under the key {signed.key_id}.")
    return read_intent(payload)


def read_intent(payload: bytes) -> Intent:
    """The intent in bytes that were signed: nothing coerced, and no field missing, unknown or given twice.

    ValueError with a sentence otherwise.
    """
    try:
        intent = _read(payload)
    except UnicodeDecodeError:
        raise ValueError("The intent is not UTF-8.") from None
    except (msgspec.MsgspecError, RecursionError) as wrong:
        raise ValueError(f"The intent is not what was agreed on: {wrong}.") from None
    # Of equal keys the last would count here, and perhaps the first where the payer saw it. All fields are there and
    # are no objects, so that there is one colon outside of a string for each.
    if _string.sub(b"", payload).count(b":") != len(Intent.__struct_fields__):
        raise ValueError("The intent has a field twice.")
    try:
        parse_timestamp(intent.expires_at)
    except ValueError as wrong:
        raise ValueError(f"The intent's expires_at is not a time. {wrong}") from None
    return intent


_read = msgspec.json.Decoder(Intent).decode
