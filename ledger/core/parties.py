"""Parties: people and merchants, and whether they may pay and be paid."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError
from ledger.core.fields import AliasValue, Channel, Memo, Metadata, PartyId, PartyName
from ledger.core.rows import Alias, Party
from ledger.core.text import alias_reference

ALIASES_MAX = 20
BEFORE_CLOSING = {
    "available": "Move the money out, then close the party.",
    "held": "Void the party's holds or let them end, then close it.",
    "escrow": "Wait until what the party sent is claimed or comes back, then close it.",
    "receivable": "A party that owes stays; freeze it instead.",
}
"""By the role of an account that is not empty: what to do first."""
STATE_OF_MODE = {"debits": "debits_frozen", "all": "frozen"}
ALIAS_LIST = msgspec.Meta(extra_json_schema={"maxItems": ALIASES_MAX, "uniqueItems": True})


class AliasName(msgspec.Struct, forbid_unknown_fields=True):
    """Another name for a party: a channel such as `phone`, and its value there."""

    channel: Channel
    value: AliasValue


class CreateParty(Command):
    """Register a person or a merchant under the messenger's own id."""

    kind = "party.create"
    private = ("name", "aliases", "metadata")
    id: PartyId
    party_kind: Literal["person", "merchant"] = msgspec.field(name="kind")
    name: PartyName | None = None
    aliases: Annotated[list[AliasName], ALIAS_LIST] | None = None
    metadata: Metadata | None = None

    def fault(self) -> FieldError | None:
        """The id's and the texts' rules; each alias once."""
        aliases = self.aliases or []
        names = {(alias.channel, alias.value) for alias in aliases}
        if len(names) < len(aliases) or len(aliases) > ALIASES_MAX:
            return FieldError("/aliases", "field_invalid", f"Give each alias once, and at most {ALIASES_MAX}.")
        faults = [shape.alias(f"/aliases/{i}/value", alias.channel, alias.value) for i, alias in enumerate(aliases)]
        return shape.first(
            shape.party_id("/id", self.id),
            shape.text("/name", self.name, shape.NAME_LENGTH_MAX),
            *faults,
            shape.metadata(self.metadata),
        )

    def names(self) -> list[str]:
        """The aliases that it is to have."""
        return [alias_reference(alias.channel, alias.value) for alias in self.aliases or []]

    def needs(self, books: Books) -> Iterable[Name]:
        """Whether there is one of that id, and who has the aliases."""
        yield "parties", self.id
        for alias in self.aliases or []:
            yield "aliases", (alias.channel, alias.value)

    def decide(self, books: Books) -> Result:
        """Enter the party with its aliases."""
        there = books.parties.find(self.id)
        if there is not None:
            raise Conflict("already_exists", f"There is a party {self.id} already.", existing=(self.id, there.entry))
        for alias in self.aliases or []:
            taken = books.aliases.find((alias.channel, alias.value))
            if taken is not None:
                raise alias_taken(taken)
        books.add(books.parties, Party(books.number, books.number, self.id, self.party_kind, "open"))
        for alias in self.aliases or []:
            row = Alias(alias.channel, alias.value, books.number, self.id)
            books.put(books.aliases, (alias.channel, alias.value), row)
        return None


class PartyAction(Command):
    """Something that is done to one party, which the path names."""

    party: PartyId

    def fault(self) -> FieldError | None:
        """The id's rule."""
        return shape.party_id("/party", self.party)

    def needs(self, books: Books) -> Iterable[Name]:
        """The party and its accounts."""
        yield from books.needs_of_party(self.party)

    def set_state(self, books: Books, state: str) -> None:
        """Give the party another state. Raises party_unknown, and party_not_open once it is closed."""
        party = open_party(books, self.party)
        books.change(books.parties, party, state=state)


class FreezeParty(PartyAction):
    """Freeze `debits` (it cannot pay but be paid; what it reserved before can be captured) or `all` (none of these).
    Releases and returns go on."""

    kind = "party.freeze"
    private = ("reason",)
    mode: Literal["debits", "all"]
    reason: Memo | None = None

    def fault(self) -> FieldError | None:
        """The text's rule."""
        return shape.first(super().fault(), shape.text("/reason", self.reason))

    def decide(self, books: Books) -> Result:
        """Freeze, or change the way it is frozen."""
        self.set_state(books, STATE_OF_MODE[self.mode])
        return None


class UnfreezeParty(PartyAction):
    """Let a frozen party pay and be paid again."""

    kind = "party.unfreeze"

    def decide(self, books: Books) -> Result:
        """Open it."""
        self.set_state(books, "open")
        return None


class CloseParty(PartyAction):
    """Close a party for good. Its balances must be zero and nothing of it may be open."""

    kind = "party.close"

    def needs(self, books: Books) -> Iterable[Name]:
        """The party, its accounts, and what stands open with it."""
        yield from super().needs(books)
        yield "open_things", self.party

    def decide(self, books: Books) -> Result:
        """Close it. Raises party_not_empty."""
        party = open_party(books, self.party)
        for account in books.accounts_of(party.id):
            if account.balance != 0:
                detail = f"{account.path} in {account.currency} is not zero. {BEFORE_CLOSING[account.role]}"
                raise Conflict("party_not_empty", detail)
        if books.open_things.find(party.id):
            what = "a hold for it, an invoice, payment request, split, refund or payout"
            detail = f"Something of {party.id} is open: {what}. Let it end first."
            raise Conflict("party_not_empty", detail)
        self.set_state(books, "closed")
        return None


def open_party(books: Books, party_id: str) -> Party:
    """A party that is not closed. Raises party_unknown and party_not_open."""
    party = books.party(party_id, "/party")
    check_is_not_closed(party)
    return party


def check_is_not_closed(party: Party) -> None:
    """Raise party_not_open for a party that is closed."""
    if party.state == "closed":
        raise Conflict("party_not_open", f"{party.id} is closed for good.")


def check_may_pay(party: Party) -> None:
    """Raise party_not_open unless money may leave the party."""
    if party.state != "open":
        raise Conflict("party_not_open", f"{party.id} is {party.state} and cannot pay.")


def check_may_honour(party: Party) -> None:
    """Raise party_not_open unless what the party has reserved may be captured: frozen debits are nothing against it."""
    if party.state in ("frozen", "closed"):
        raise Conflict("party_not_open", f"{party.id} is {party.state}: nothing of what it reserved can be captured.")


def check_may_be_paid(party: Party) -> None:
    """Raise party_not_open unless money may come to the party."""
    if party.state in ("frozen", "closed"):
        raise Conflict("party_not_open", f"{party.id} is {party.state} and cannot be paid.")


def alias_taken(alias: Alias) -> Conflict:
    """The refusal that says an alias belongs to someone; whom, it keeps to itself."""
    name = alias_reference(alias.channel, alias.value)
    detail = f"{name} belongs to a party already; POST it to the party's aliases with take_over to move it."
    return Conflict("already_exists", detail, existing=(name, alias.entry))
