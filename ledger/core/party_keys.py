"""Payers' keys: what a party's own devices sign intents with, and the party's policy for which payments it wants that.

Once a party has a key that counts, its keys and its policy can only be changed with the word of one of them; else the
backend could make itself one. Who has lost them all waits: a key entered by recovery counts after a delay, in which
any key that is not lost after all can revoke it.
"""

import math
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Name, Result
from ledger.core.errors import FieldError, Invalid
from ledger.core.fields import Amount, KeyId, PartyId, Timestamp
from ledger.core.keys import authorisation_message
from ledger.core.parties import PartyAction, open_party
from ledger.core.public_keys import Registration, Signed, id_of, live_keys, needs_of_keys, register, revoke_key
from ledger.core.rows import Party
from ledger.core.text import format_timestamp, parse_timestamp

RECOVERY_SECONDS: Final = 72 * 3600
"""How long after its entry a key counts that was entered by recovery."""


Intents = Literal["never", "above", "always"]


class Policy(msgspec.Struct):
    """Of which payments a party's own signature is asked, `above` being in minor units; and whether it may owe what it
    is short of for a refund."""

    intents: Intents
    above: int | None
    receivable_allowed: bool


class RegisterPartyKey(Registration, kw_only=True):
    """Register a key of a party's device, which signs intents. While the party has one, `authorization` is needed."""

    kind = "party_key.register"
    party: PartyId
    valid_until: Timestamp | None = None
    authorization: Signed | None = None

    def fault(self) -> FieldError | None:
        """The key's, the id's and the time's rules."""
        return shape.first(
            super().fault(), shape.party_id("/party", self.party), shape.timestamp("/valid_until", self.valid_until)
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """The key, the party and its keys."""
        yield from super().needs(books)
        yield from _needs(books, self.party)

    def decide(self, books: Books) -> Result:
        """Register it."""
        party = open_party(books, self.party)
        check_authorised(books, party, self.authorization, self.kind, id_of(self.public_key), self.valid_until or "")
        until = parse_timestamp(self.valid_until) if self.valid_until is not None else None
        key_id = register(books, self.public_key, self.proof, "payer", party.id, valid_until=until)
        return _registered(key_id, books.now)


class RecoverParty(Registration, kw_only=True):
    """Register a key of a party that has lost its own: it counts after 72 hours, and can be revoked until then."""

    kind = "party_key.recover"
    party: PartyId

    def fault(self) -> FieldError | None:
        """The key's and the id's rules."""
        return shape.first(super().fault(), shape.party_id("/party", self.party))

    def needs(self, books: Books) -> Iterable[Name]:
        """The key, the party and its keys."""
        yield from super().needs(books)
        yield from _needs(books, self.party)

    def decide(self, books: Books) -> Result:
        """Register it, for later."""
        party = open_party(books, self.party)
        start = books.now + RECOVERY_SECONDS * 1_000_000
        return _registered(register(books, self.public_key, self.proof, "payer", party.id, valid_from=start), start)


class RevokePartyKey(PartyAction, kw_only=True):
    """End a key of a party's device, with the word of one of the party's keys, which may be the same."""

    kind = "party_key.revoke"
    key_id: KeyId
    authorization: Signed | None = None

    def needs(self, books: Books) -> Iterable[Name]:
        """The party, the key and the others."""
        yield from _needs(books, self.party)
        yield "public_keys", self.key_id

    def decide(self, books: Books) -> Result:
        """Revoke it. Raises not_found, and already_exists where it was ended before."""
        party = books.party(self.party, "/party")
        check_authorised(books, party, self.authorization, self.kind, self.key_id)
        revoke_key(books, self.key_id, "payer", party.id)
        return None


class SetPolicy(PartyAction, kw_only=True):
    """Say of which payments the party's own signature is asked: `never`, `above` an amount in minor units (of whatever
    currency), `always`. To ask for less needs the word of one of its keys, if it has any. `receivable_allowed` lets
    the party owe what it is short of when it has to give a refund."""

    kind = "policy.set"
    intents: Intents
    above: Amount | None = None
    receivable_allowed: bool = False
    authorization: Signed | None = None

    def fault(self) -> FieldError | None:
        """An amount where it is about one."""
        if (self.intents == "above") != (self.above is not None):
            return FieldError("/above", "field_invalid", "Give `above`, an amount, with intents: above, and only then.")
        return super().fault()

    def needs(self, books: Books) -> Iterable[Name]:
        """The party and its keys."""
        yield from _needs(books, self.party)

    def decide(self, books: Books) -> Result:
        """Set it."""
        party = open_party(books, self.party)
        if _asks_from(self.intents, self.above) > _asks_from(party.intents, party.intents_above):
            above = str(self.above) if self.above is not None else ""
            check_authorised(books, party, self.authorization, self.kind, self.intents, above)
        books.change(
            books.parties,
            party,
            intents=self.intents,
            intents_above=self.above,
            receivable_allowed=self.receivable_allowed,
        )
        return None


def check_authorised(books: Books, party: Party, signed: Signed | None, operation: str, *subject: str) -> None:
    """Raise intent_required or intent_invalid unless one of the party's keys, if any counts, agrees."""
    live = live_keys(books, party.id, "payer")
    if not live:
        return
    if signed is None:
        detail = f"{party.id} has a key of its own: send its `authorization`, the signature of one that counts."
        raise Invalid.at("/authorization", "intent_required", detail)
    key = next((key for key in live if key.id == signed.key_id), None)
    message = authorisation_message(books.ledger, operation, party.id, books.key, *subject)
    if key is None or not signed.holds(key, message):
        detail = (
            f"It is not the signature of this change, under this Idempotency-Key, by a key of {party.id} that counts."
        )
        raise Invalid.at("/authorization", "intent_invalid", detail)


def asks_for_intent(party: Party, amount: int) -> bool:
    """Whether the party's policy wants its signature under a payment of so many minor units."""
    return party.intents != "never" and amount >= _asks_from(party.intents, party.intents_above)


def _asks_from(intents: str, above: int | None) -> float:
    """The least amount for which the signature is asked: the greater, the looser."""
    return {"always": 0, "never": math.inf}.get(intents, (above or 0) + 1)


def _needs(books: Books, party: str) -> Iterable[Name]:
    yield from books.needs_of_party(party)
    yield from needs_of_keys(books, party)


def _registered(key_id: str, valid_from: int) -> Result:
    return {"id": key_id, "valid_from": format_timestamp(valid_from)}
