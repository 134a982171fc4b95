"""Request keys: public keys with which a backend signs its requests (RFC 9421), instead of a bearer key."""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.api_keys import Access, revoke
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError
from ledger.core.fields import KeyId, PublicKeyText, SignatureText
from ledger.core.public_keys import LEDGER, id_of, key_fault, register, revoke_key
from ledger.core.text import parse_timestamp


class RegisterRequestKey(Access, kw_only=True):
    """Register a public key that signs requests, with its scopes and limits."""

    kind = "request_key.register"
    public_key: PublicKeyText
    proof: SignatureText

    def fault(self) -> FieldError | None:
        """The key's rules, then those of every way in."""
        return shape.first(key_fault(self.public_key, self.proof), super().fault())

    def needs(self, books: Books) -> Iterable[Name]:
        """Whether the key is registered, in this ledger or any other: it says alone which ledger is meant."""
        key_id = id_of(self.public_key)
        return ("public_keys", key_id), ("request_keys", key_id), ("keys_of", LEDGER)

    def decide(self, books: Books) -> Result:
        """Register the key, and let it in."""
        until = parse_timestamp(self.valid_until) if self.valid_until is not None else None
        key_id = register(books, self.public_key, self.proof, "request", LEDGER, valid_until=until)
        if books.request_keys.find(key_id):
            raise Conflict("key_in_use", f"The key {key_id} signs requests already. Make a new one.")
        books.remember(books.request_keys, key_id, True)
        self.let_in(books, key_id, None)
        return {"id": key_id}


class RevokeRequestKey(Command):
    """End a request key at once; what it signed stands."""

    kind = "request_key.revoke"
    key_id: KeyId

    def needs(self, books: Books) -> Iterable[Name]:
        """The key, as a public key and as a way in."""
        yield "public_keys", self.key_id
        yield "api_keys", self.key_id

    def decide(self, books: Books) -> Result:
        """Revoke it. Raises not_found, and already_exists where it was ended before."""
        revoke_key(books, self.key_id, "request", LEDGER)
        revoke(books, self.key_id, is_bearer=False)
        return None
