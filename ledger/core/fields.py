"""The kinds of field that requests are made of, as the OpenAPI document describes them: their form, not their meaning.

What a type says here beyond the JSON type is for callers to read; shape.py enforces it, with a code and a sentence of
its own. Only Amount, RailFee, PartyId, PartyRef, OutsideId and RailReference carry bounds of their own.
"""

from typing import Annotated, Any, Final

from msgspec import Meta

from ledger.core.money import AMOUNT_MAX, BASIS_POINTS_IN_WHOLE
from ledger.core.shape import MEMO_LENGTH_MAX, NAME_LENGTH_MAX, REFERENCE_LENGTH_MAX
from ledger.core.text import (
    ALIAS_VALUE_LENGTH_MAX,
    CHANNEL_PATTERN,
    IDEMPOTENCY_KEY_PATTERN,
    METADATA_BYTES_MAX,
    METADATA_KEY_LENGTH_MAX,
    METADATA_KEYS_MAX,
    PARTY_ID_PATTERN,
    RAIL_OR_BANK_ID_PATTERN,
)

_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
_ALIAS = rf"alias:[a-z0-9_]{{1,32}}:{_PLAIN}{{1,{ALIAS_VALUE_LENGTH_MAX}}}"
_PLAIN_TEXT = "No control characters or direction overrides."


def _kind(title: str, description: str, **schema: Any) -> Meta:
    return Meta(title=title, description=description, extra_json_schema=schema)


def _text(length_min: int, length_max: int) -> dict[str, Any]:
    return {"minLength": length_min, "maxLength": length_max, "pattern": rf"^{_PLAIN}*$"}


Amount = Annotated[
    int, Meta(ge=1, le=AMOUNT_MAX, title="Amount", description="A whole number of minor units, from 1 to 2^53-1.")
]
MinorUnits = Annotated[
    int, _kind("MinorUnits", "A whole number of minor units, from 0 to 2^53-1.", minimum=0, maximum=AMOUNT_MAX)
]
Bps = Annotated[
    int,
    _kind(
        "Bps",
        "A rate in basis points, hundredths of a percent, from 0 to 10000.",
        minimum=0,
        maximum=BASIS_POINTS_IN_WHOLE,
    ),
]
Currency = Annotated[
    str, _kind("Currency", "ISO 4217, in capitals; the ledger must have enabled it.", pattern=r"^[A-Z]{3}$")
]

PartyId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        title="PartyId",
        description="1 to 64 of A-Z a-z 0-9 . _ : @ + -, and none of the reserved names: `platform`, `clients`, and "
        "what begins with `rail:`, `bank:`, `tax:` or `alias:`.",
        extra_json_schema={"pattern": PARTY_ID_PATTERN},
    ),
]
PartyRef = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=300,
        title="PartyRef",
        description="A party's id, or `alias:<channel>:<value>`, such as `alias:phone:+4915112345678`.",
        extra_json_schema={"pattern": rf"^(?:[A-Za-z0-9._:@+-]{{1,64}}|{_ALIAS})$"},
    ),
]
PartyName = Annotated[str, _kind("PartyName", _PLAIN_TEXT, **_text(0, NAME_LENGTH_MAX))]

Channel = Annotated[str, _kind("Channel", "1 to 32 of a-z 0-9 _.", pattern=CHANNEL_PATTERN)]
AliasValue = Annotated[
    str,
    _kind(
        "AliasValue",
        f"On `phone` it is E.164 with its +, such as +4915112345678. {_PLAIN_TEXT} No space at either end.",
        **_text(1, ALIAS_VALUE_LENGTH_MAX),
    ),
]

OutsideId = Annotated[
    str, Meta(pattern=RAIL_OR_BANK_ID_PATTERN, title="OutsideId", description="1 to 32 of a-z 0-9 _ -.")
]
RailReference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=REFERENCE_LENGTH_MAX,
        title="RailReference",
        description=_PLAIN_TEXT,
        extra_json_schema={"pattern": rf"^{_PLAIN}*$"},
    ),
]
RailFee = Annotated[
    int, Meta(ge=0, le=AMOUNT_MAX, title="RailFee", description="A whole number of minor units, from 0 to 2^53-1.")
]
Destination = Annotated[
    str,
    _kind("Destination", f"Such as an IBAN or a UPI id. {_PLAIN_TEXT}", **_text(1, REFERENCE_LENGTH_MAX)),
]
Iban = Annotated[
    str, _kind("Iban", "ISO 13616, in capitals and without spaces.", pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")
]

LedgerName = Annotated[str, _kind("LedgerName", _PLAIN_TEXT, **_text(1, NAME_LENGTH_MAX))]
TimeZone = Annotated[
    str, _kind("TimeZone", "A name of the IANA database, such as Europe/Berlin.", minLength=1, maxLength=64)
]

KeyName = Annotated[str, _kind("KeyName", f"Whose it is, for people. {_PLAIN_TEXT}", **_text(1, NAME_LENGTH_MAX))]
SCOPES: Final = (
    "parties:write",
    "transfers:write",
    "deposits:write",
    "invoices:write",
    "invoices:settle",
    "orders:write",
    "refunds:write",
    "payouts:write",
    "entries:read",
    "reports:read",
    "settings:manage",
    "keys:manage",
    "keys:recover",
    "journal:adjust",
)
Scope = Annotated[str, _kind("Scope", "What a key may do.", enum=list(SCOPES))]
DIGEST_PATTERN = r"\A[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z"
Digest = Annotated[str, _kind("Digest", "32 bytes in base64url, without padding.", pattern=DIGEST_PATTERN)]
KeyId = Annotated[
    str, _kind("KeyId", "A public key's RFC 7638 thumbprint: 43 of base64url.", pattern=r"^[A-Za-z0-9_-]{43}$")
]
PublicKeyText = Annotated[
    str, _kind("PublicKey", "An Ed25519 public key: 32 bytes in base64, padded.", pattern=r"^[A-Za-z0-9+/]{43}=$")
]
SignatureText = Annotated[
    str, _kind("Signature", "An Ed25519 signature: 64 bytes in base64, padded.", pattern=r"^[A-Za-z0-9+/]{86}==$")
]

Memo = Annotated[str, _kind("Memo", _PLAIN_TEXT, **_text(0, MEMO_LENGTH_MAX))]
Description = Annotated[str, _kind("Description", f"What was sold. {_PLAIN_TEXT}", **_text(1, MEMO_LENGTH_MAX))]
Reason = Annotated[str, _kind("Reason", _PLAIN_TEXT, **_text(1, MEMO_LENGTH_MAX))]
ChatId = Annotated[str, _kind("ChatId", _PLAIN_TEXT, **_text(1, REFERENCE_LENGTH_MAX))]
Metadata = Annotated[
    dict[str, Annotated[str, Meta(extra_json_schema=_text(0, METADATA_BYTES_MAX))]],
    _kind(
        "Metadata",
        f"Up to {METADATA_KEYS_MAX} keys of up to {METADATA_KEY_LENGTH_MAX} printable ASCII characters, and "
        f"{METADATA_BYTES_MAX // 1024} KiB in all.",
        maxProperties=METADATA_KEYS_MAX,
        propertyNames={"pattern": rf"^[ -~]{{1,{METADATA_KEY_LENGTH_MAX}}}$"},
    ),
]

Day = Annotated[str, _kind("Day", "YYYY-MM-DD.", format="date")]
Timestamp = Annotated[
    str, _kind("Timestamp", "RFC 3339, with its zone, such as 2026-01-31T12:00:00Z.", format="date-time")
]

ItemKey = Annotated[
    str, _kind("ItemKey", "1 to 255 visible ASCII characters, without spaces.", pattern=IDEMPOTENCY_KEY_PATTERN)
]
