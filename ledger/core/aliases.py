"""Aliases: other names for a party, such as a phone number, which can move from one party to another."""

from collections.abc import Iterable

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Name, Result
from ledger.core.errors import FieldError, NotFound
from ledger.core.fields import AliasValue, Channel
from ledger.core.parties import PartyAction, alias_taken, open_party
from ledger.core.rows import Alias
from ledger.core.text import alias_reference


class AddAlias(PartyAction):
    """Give a party an alias. `replaces` ends another value of it on the same channel (a new phone number);
    `take_over` moves the alias from whoever has it."""

    kind = "alias.add"
    private = ("value", "replaces")
    channel: Channel
    value: AliasValue
    replaces: AliasValue | None = None
    take_over: bool = False

    def fault(self) -> FieldError | None:
        """The alias's rules."""
        return shape.first(
            super().fault(),
            shape.alias("/value", self.channel, self.value),
            shape.alias("/replaces", self.channel, self.replaces),
        )

    def names(self) -> list[str]:
        """The aliases."""
        return [alias_reference(self.channel, value) for value in (self.value, self.replaces) if value is not None]

    def needs(self, books: Books) -> Iterable[Name]:
        """The party, and who has the aliases."""
        yield from super().needs(books)
        yield "aliases", (self.channel, self.value)
        if self.replaces is not None:
            yield "aliases", (self.channel, self.replaces)

    def decide(self, books: Books) -> Result:
        """Set the alias and end those it takes the place of."""
        party = open_party(books, self.party)
        replaced = self._replaced(books, party.id)
        taken = books.aliases.find((self.channel, self.value))
        if taken is not None and (taken.party == party.id or not self.take_over):
            raise alias_taken(taken)
        for ended in (replaced, taken):
            if ended is not None:
                end_alias(books, ended)
        row = Alias(self.channel, self.value, books.number, party.id)
        books.put(books.aliases, (self.channel, self.value), row)
        return {"taken_from": taken.party} if taken is not None else None

    def _replaced(self, books: Books, party_id: str) -> Alias | None:
        if self.replaces is None:
            return None
        alias = books.aliases.find((self.channel, self.replaces))
        if alias is None or alias.party != party_id:
            raise NotFound.at("/replaces", "not_found", f"{party_id} has no such alias on {self.channel} to replace.")
        return alias


class RemoveAlias(PartyAction):
    """Take an alias away from its party."""

    kind = "alias.remove"
    private = ("value",)
    channel: Channel
    value: AliasValue

    def fault(self) -> FieldError | None:
        """The alias's rules."""
        return shape.first(super().fault(), shape.alias("/value", self.channel, self.value))

    def names(self) -> list[str]:
        """The alias."""
        return [alias_reference(self.channel, self.value)]

    def needs(self, books: Books) -> Iterable[Name]:
        """The party and the alias."""
        yield from super().needs(books)
        yield "aliases", (self.channel, self.value)

    def decide(self, books: Books) -> Result:
        """End it."""
        party = open_party(books, self.party)
        alias = books.aliases.find((self.channel, self.value))
        if alias is None or alias.party != party.id:
            raise NotFound("not_found", f"{party.id} has no such alias on {self.channel}.")
        end_alias(books, alias)
        return None


def end_alias(books: Books, alias: Alias) -> None:
    """From this entry on the alias names nobody."""
    key = (alias.channel, alias.value)
    books.put(books.aliases, key, msgspec.structs.replace(alias, until_entry=books.number))
    books.remember(books.aliases, key, None)
