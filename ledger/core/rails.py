"""Rails and banks: registered before money can come over them, so that a mistyped name never becomes an account."""

from collections.abc import Iterable
from typing import Literal

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError, NotFound
from ledger.core.fields import Currency, Iban, OutsideId
from ledger.core.rows import Bank, Rail
from ledger.core.text import is_iban


class RegisterBank(Command):
    """Register one account at a bank: `safeguarded` for clients' money, `own` for the platform's."""

    kind = "bank.register"
    id: OutsideId
    currency: Currency
    purpose: Literal["safeguarded", "own"]
    iban: Iban | None = None

    def fault(self) -> FieldError | None:
        """An IBAN must have its check digits right (ISO 13616)."""
        if self.iban is not None and not is_iban(self.iban):
            detail = "Not an IBAN: write it in capitals without spaces; its check digits must hold."
            return FieldError("/iban", "field_invalid", detail)
        return shape.currency(self.currency)

    def needs(self, books: Books) -> Iterable[Name]:
        """Whether there is one of that id."""
        yield "banks", self.id

    def decide(self, books: Books) -> Result:
        """Enter the bank."""
        books.check_currency(self.currency)
        there = books.banks.find(self.id)
        if there is not None:
            raise Conflict("already_exists", f"There is a bank {self.id} already.", existing=(self.id, there.entry))
        books.put(books.banks, self.id, Bank(self.id, self.currency, self.iban, self.purpose, books.number))
        return None


class RegisterRail(Command):
    """Register an outside payment system, and the bank account to which it pays out."""

    kind = "rail.register"
    id: OutsideId
    settles_to: OutsideId

    def needs(self, books: Books) -> Iterable[Name]:
        """Whether there is one of that id, and its bank."""
        yield "rails", self.id
        yield "banks", self.settles_to

    def decide(self, books: Books) -> Result:
        """Enter the rail."""
        if books.banks.find(self.settles_to) is None:
            detail = f"There is no bank {self.settles_to}. Register it first with POST /v1/banks."
            raise NotFound.at("/settles_to", "not_found", detail)
        there = books.rails.find(self.id)
        if there is not None:
            raise Conflict("already_exists", f"There is a rail {self.id} already.", existing=(self.id, there.entry))
        books.put(books.rails, self.id, Rail(self.id, self.settles_to, books.number))
        return None


def check_rail(books: Books, rail: str, pointer: str | None = None) -> None:
    """Raise rail_unknown unless there is the rail; the pointer is where in the body it is named."""
    if books.rails.find(rail) is None:
        detail = f"There is no rail {rail}. Register it with POST /v1/rails, or correct the name."
        raise NotFound.at(pointer, "rail_unknown", detail) if pointer else NotFound("rail_unknown", detail)
