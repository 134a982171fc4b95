"""Public keys: registered once, for one purpose, by whoever proves to hold the private key; and revoked.

The log itself says which key was valid when. A key never comes from the message that it is to verify.
"""

from collections.abc import Iterable

import msgspec

from ledger.core.api_keys import already_revoked, check_is_ahead
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError, Invalid, NotFound
from ledger.core.fields import KeyId, PublicKeyText, SignatureText
from ledger.core.keys import SIGNATURE_SIZE, from_base64, possession_message, public_key_fault, thumbprint, verify
from ledger.core.rows import PublicKey, moment

LEDGER = ""
"""The owner of the ledger's own keys."""


class Signed(msgspec.Struct, forbid_unknown_fields=True):
    """A signature and the registered key that made it."""

    key_id: KeyId
    signature: SignatureText

    def holds(self, key: PublicKey, message: bytes) -> bool:
        """Whether the key made the signature of exactly this message."""
        try:
            return verify(key.public_key, from_base64(self.signature), message)
        except ValueError:
            return False


def key_fault(public_key: str, proof: str) -> FieldError | None:
    """What is wrong with a key that is to be registered, or with the form of its proof."""
    for name, text in (("public_key", public_key), ("proof", proof)):
        try:
            from_base64(text)
        except ValueError as wrong:
            return FieldError(f"/{name}", "key_invalid", str(wrong))
    if len(from_base64(proof)) != SIGNATURE_SIZE:
        return FieldError("/proof", "key_invalid", f"An Ed25519 signature is {SIGNATURE_SIZE} bytes.")
    wrong_key = public_key_fault(from_base64(public_key))
    return FieldError("/public_key", "key_invalid", wrong_key) if wrong_key is not None else None


def id_of(public_key: str) -> str:
    """The thumbprint of a key in base64."""
    return thumbprint(from_base64(public_key))


def register(
    books: Books,
    public_key: str,
    proof: str,
    purpose: str,
    owner: str,
    valid_from: int | None = None,
    valid_until: int | None = None,
) -> str:
    """Register a key; its id. `proof` is its own signature of keys.possession_message; times are in microseconds.

    Raises key_invalid, key_in_use and timestamp_invalid.
    """
    raw, key_id = from_base64(public_key), id_of(public_key)
    if not verify(raw, from_base64(proof), possession_message(books.ledger, purpose, owner, raw)):
        detail = (
            "The proof is not this key's signature of the message that proves its possession: five lines, for this "
            "ledger, purpose and owner."
        )
        raise Invalid.at("/proof", "key_invalid", detail)
    there = books.public_keys.find(key_id)
    if there is not None:
        detail = f"The key {key_id} is registered already, for good. Make a new one."
        raise Conflict("key_in_use", detail, existing=(key_id, there.entry))
    check_is_ahead(books, valid_until)
    row = PublicKey(
        id=key_id,
        purpose=purpose,
        owner=owner,
        public_key=raw,
        valid_from=moment(books.now if valid_from is None else valid_from),
        valid_until=moment(valid_until) if valid_until is not None else None,
        revoked_by=None,
        entry=books.number,
    )
    books.put(books.public_keys, key_id, row)
    books.remember(books.keys_of, owner, (*(books.keys_of.find(owner) or ()), key_id))
    return key_id


class Registration(Command, kw_only=True):
    """A public key that is to be registered, with the proof that its private key is at hand."""

    public_key: PublicKeyText
    proof: SignatureText

    def fault(self) -> FieldError | None:
        """The key's rules."""
        return key_fault(self.public_key, self.proof)

    def needs(self, books: Books) -> Iterable[Name]:
        """Whether the key is registered."""
        yield "public_keys", id_of(self.public_key)


class RegisterLogKey(Registration, kw_only=True):
    """Register a key that signs the log's checkpoints. While there is one, it has to sign the new one's proof as well.

    From then on a checkpoint carries the signatures of both, until the old one is revoked.
    """

    kind = "log_key.register"
    endorsement: Signed | None = None

    def needs(self, books: Books) -> Iterable[Name]:
        """The key, and the log's keys."""
        yield from super().needs(books)
        yield from needs_of_keys(books, LEDGER)

    def decide(self, books: Books) -> Result:
        """Register it. Raises key_invalid for an endorsement that is missing or does not hold."""
        live = live_keys(books, LEDGER, "log")
        if live:
            signed = self.endorsement
            message = possession_message(books.ledger, "log", LEDGER, from_base64(self.public_key))
            key = next((key for key in live if signed is not None and key.id == signed.key_id), None)
            if signed is None or key is None or not signed.holds(key, message):
                detail = "A further log key is endorsed by one that counts: its signature of the same message."
                raise Invalid.at("/endorsement", "key_invalid", detail)
        return {"id": register(books, self.public_key, self.proof, "log", LEDGER)}


class RevokeLogKey(Command):
    """End a log key. Another one has to count: a log without a key could sign nothing."""

    kind = "log_key.revoke"
    key_id: KeyId

    def needs(self, books: Books) -> Iterable[Name]:
        """The log's keys."""
        yield "public_keys", self.key_id
        yield from needs_of_keys(books, LEDGER)

    def decide(self, books: Books) -> Result:
        """Revoke it. Raises not_found, and key_in_use for the last one."""
        revoke_key(books, self.key_id, "log", LEDGER)
        if not live_keys(books, LEDGER, "log"):
            raise Conflict("key_in_use", "It is the log's only key. Register another one first, then revoke this one.")
        return None


def needs_of_keys(books: Books, owner: str) -> Iterable[Name]:
    """What must be loaded to know the keys of an owner."""
    yield "keys_of", owner
    for key_id in books.keys_of.get(owner) or ():
        yield "public_keys", key_id


def live_keys(books: Books, owner: str, purpose: str) -> list[PublicKey]:
    """The keys of an owner that count now."""
    found = (books.public_keys.find(key_id) for key_id in books.keys_of.find(owner) or ())
    return [key for key in found if key is not None and key.purpose == purpose and key.is_live(books.now)]


def revoke_key(books: Books, key_id: str, purpose: str, owner: str) -> PublicKey:
    """End a key. Raises not_found, and already_exists where it was ended before."""
    key = books.public_keys.find(key_id)
    if key is None or key.purpose != purpose or key.owner != owner:
        raise NotFound("not_found", f"There is no such key: {key_id:.64}.")
    if key.revoked_by is not None:
        raise already_revoked(key_id, key.revoked_by)
    books.put(books.public_keys, key_id, msgspec.structs.replace(key, revoked_by=books.number))
    return key
