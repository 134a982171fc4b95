"""The entry: what one accepted write leaves behind, for ever.

Its **body** is canonical JSON (sorted keys, whole numbers only: byte-equal to RFC 8785 inside that profile) and is
leaf n-1 of the log. Its **private part** holds the clear text that people may ask to have erased, and the salt of the
commitments that stand for it in the body: base64url of SHA-256(salt ‖ text), unpadded.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import msgspec

from ledger.core.rows import Agreement, Row

BODY_BYTES_MAX = 65_535

canonical = msgspec.json.Encoder(order="sorted").encode
"""Canonical JSON of what the profile allows. The bytes are stored as made, and never made again to verify them."""


def base64url(data: bytes) -> str:
    """Unpadded base64url (RFC 4648 section 5)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def from_base64url(text: str) -> bytes:
    """The bytes of unpadded base64url."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key_digest(key: str) -> bytes:
    """The 16 bytes that stand for an Idempotency-Key: the first half of its SHA-256."""
    return hashlib.sha256(key.encode()).digest()[:16]


def commitment(salt: bytes, text: str) -> str:
    """What the body says of a private text."""
    return base64url(hashlib.sha256(salt + text.encode()).digest())


class Account(msgspec.Struct, gc=False):
    """One account: `balance` is credits - debits in minor units, `version` counts its postings."""

    number: int
    owner: str
    role: str
    currency: str
    balance: int = 0
    version: int = 0

    @property
    def path(self) -> str:
        """How an entry names it."""
        return f"{self.owner}/{self.role}"


class Posting(NamedTuple):
    """One posting with what it left: both accounts' balance and version after it."""

    debit: Account
    credit: Account
    amount: int
    debit_balance: int
    credit_balance: int
    debit_version: int
    credit_version: int


class PostingBody(msgspec.Struct, gc=False):
    """A posting as the body has it."""

    debit: str
    credit: str
    amount: int
    currency: str


class Body(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """The body's fields. `request` is what was asked, `result` what was decided beyond the postings."""

    ledger: str
    number: int
    kind: str
    posted_at: str
    effective_on: str
    actor: str
    salt: str
    request: Any
    key: str
    postings: list[PostingBody] = []
    result: dict[str, Any] | None = None


class StoredBody(Body, omit_defaults=True, kw_only=True, gc=False):
    """The same, read back: the request stays bytes until its kind says what it is."""

    request: msgspec.Raw = msgspec.Raw(b"{}")


read_body = msgspec.json.Decoder(StoredBody).decode


class Entry(msgspec.Struct, gc=False):
    """An entry, on its way into the books or read back from them; both are answered by the same functions.

    `posted_at` is microseconds since the epoch. `request` is the command with its clear text, as far as it was not
    erased; `result` is what was decided beyond the postings; `private` is the private part as it is stored.
    """

    number: int
    kind: str
    posted_at: int
    effective_on: date
    request: Any
    postings: list[Posting]
    key: bytes
    leaf: bytes
    body: bytes
    private: str | None = None
    result: dict[str, Any] | None = None
    rows: list[Row] = []
    opened: list[Account] = []


Kept = TypeVar("Kept", bound=Agreement)


def rows_of(entry: Entry, kind: type[Kept]) -> list[Kept]:
    """The agreements of a kind as an entry left them, in the order in which it came to them.

    An entry that was decided just now has the rows themselves; they say the same as the images that its body has of
    them, from which one that is read back knows them.
    """
    if entry.rows and not kind.hidden:
        key = attrgetter(*kind.unique)
        return list({key(row): row for row in entry.rows if isinstance(row, kind)}.values())
    rows = (entry.result or {}).get("rows", {})
    return [kind.recalled(each, entry.number) for each in rows.get(kind.table, ())]


def row_of(entry: Entry, kind: type[Kept]) -> Kept:
    """The one agreement of a kind that an entry left."""
    (row,) = rows_of(entry, kind)
    return row
