"""Outside moves: what our accounts with rails and banks pay each other. Nobody's wallet is touched.

They book what has happened already, so the state of the books hardly ever refuses them; but a reference of the bank's
or rail's own books once. `amount` is what arrived, `fee` what was kept on the way: a cost of the platform's.
"""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, bank_owner, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError, NotFound, Refused
from ledger.core.fields import Amount, Currency, Day, Memo, OutsideId, RailFee, RailReference
from ledger.core.movements import BANK_FEE, BANK_MOVE, RAIL_FEE, RAIL_PREFUND, RAIL_SETTLE
from ledger.core.rails import check_rail
from ledger.core.rows import OutsideMove
from ledger.core.text import is_rail_or_bank_id


class _Move(Command, kw_only=True):
    """What all of them have in common."""

    private = ("memo",)
    amount: Amount
    currency: Currency
    fee: RailFee = 0
    reference: RailReference
    effective_on: Day | None = None
    memo: Memo | None = None

    def fault(self) -> FieldError | None:
        """The currency's, the texts' and the date's rules."""
        return shape.first(
            shape.currency(self.currency),
            shape.text("/reference", self.reference, shape.REFERENCE_LENGTH_MAX),
            shape.day("/effective_on", self.effective_on),
            shape.text("/memo", self.memo),
        )

    def effective_date(self, books: Books) -> str | None:
        """The accounting date that was asked for: the bank books on the 31st what we learn on the 2nd."""
        return self.effective_on

    def check_bank(self, books: Books, bank_id: str, pointer: str | None = None) -> None:
        """Raise not_found unless there is the bank account; the pointer is where in the body it is named."""
        if books.banks.find(bank_id) is None:
            detail = f"There is no bank {bank_id}. Register it with POST /v1/banks, or correct the name."
            raise NotFound.at(pointer, "not_found", detail) if pointer else NotFound("not_found", detail)

    def check_is_new(self, books: Books, key: tuple[str, str, str, str]) -> None:
        """Raise already_exists if the reference is booked."""
        number = books.move_references.find(key)
        if number is not None:
            name = f"{self.kind.replace('.', '_')}_{number}"
            detail = f"The reference {self.reference} is booked already, as {name}. Do not book it again."
            raise Conflict("already_exists", detail, existing=(name, number))

    def check_is_of_currency(self, books: Books, *bank_ids: str) -> None:
        """Raise currency_mismatch unless the bank accounts are kept in the currency."""
        for bank_id in bank_ids:
            bank = books.banks.find(bank_id)
            if bank is not None and bank.currency != self.currency:
                detail = f"The bank account {bank_id} is kept in {bank.currency}, not in {self.currency}."
                raise Refused("currency_mismatch", detail)

    def enter(self, books: Books, key: tuple[str, str, str, str], to_bank: str | None = None) -> None:
        """Enter the move, so that its reference books once."""
        kind, rail, bank, reference = key
        row = OutsideMove(
            entry=books.number,
            changed_by=books.number,
            kind=kind,
            rail=rail or None,
            bank=bank,
            to_bank=to_bank,
            amount=self.amount,
            fee=self.fee,
            currency=self.currency,
            reference=reference,
            state="posted",
        )
        books.add(books.outside_moves, row)
        books.remember(books.move_references, key, books.number)


class _RailMove(_Move, kw_only=True):
    """A move between a rail and a bank account."""

    rail: OutsideId
    bank: OutsideId

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What books once."""
        return (self.kind, self.rail, self.bank, self.reference)

    def fault(self) -> FieldError | None:
        """The form of the rail's name, and what all moves must keep to."""
        return _name_fault("/rail", self.rail) or super().fault()

    def needs(self, books: Books) -> Iterable[Name]:
        """The rail and the bank with their accounts, whether the reference is booked, and who bears the fee."""
        yield "rails", self.rail
        yield "banks", self.bank
        yield "move_references", self.key
        yield "owners", rail_owner(self.rail)
        yield "owners", bank_owner(self.bank)
        yield "owners", PLATFORM

    def check(self, books: Books) -> None:
        """Every reason to refuse, in the order promised to callers."""
        books.check_is_not_withdrawn(self.currency)
        check_rail(books, self.rail)
        self.check_bank(books, self.bank, "/bank")
        self.check_is_new(books, self.key)
        self.check_is_of_currency(books, self.bank)


class SettleRail(_RailMove):
    """Book that a rail has paid out to a bank account: `amount` is what arrived there, `fee` what the rail kept."""

    kind = "rail.settle"

    def decide(self, books: Books) -> Result:
        """The rail has less of ours, by both."""
        self.check(books)
        rail = rail_owner(self.rail)
        books.post(RAIL_SETTLE, bank_owner(self.bank), rail, self.amount, self.currency)
        if self.fee > 0:
            books.post(RAIL_FEE, PLATFORM, rail, self.fee, self.currency)
        self.enter(books, self.key)
        return None


class PrefundRail(_RailMove):
    """Book that a rail was paid from a bank account: `amount` is what the rail got, `fee` what the bank took for it."""

    kind = "rail.prefund"

    def decide(self, books: Books) -> Result:
        """The bank account has less, by both."""
        self.check(books)
        bank = bank_owner(self.bank)
        books.post(RAIL_PREFUND, rail_owner(self.rail), bank, self.amount, self.currency)
        if self.fee > 0:
            books.post(BANK_FEE, PLATFORM, bank, self.fee, self.currency)
        self.enter(books, self.key)
        return None


class MoveBetweenBanks(_Move, kw_only=True):
    """Book a payment from one bank account of ours to another: `amount` is what arrived, `fee` what the paying bank
    took for it."""

    kind = "bank.move"
    bank: OutsideId
    to: OutsideId

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What books once."""
        return (self.kind, "", self.bank, self.reference)

    def fault(self) -> FieldError | None:
        """The form of the paying account's name, that it is another one than the other, and what all must keep to."""
        wrong = _name_fault("/bank", self.bank)
        if wrong is None and self.bank == self.to:
            return FieldError("/to", "field_invalid", f"From {self.bank} to itself nothing moves. Name two accounts.")
        return wrong or super().fault()

    def needs(self, books: Books) -> Iterable[Name]:
        """Both bank accounts, whether the reference is booked, and who bears the fee."""
        yield "banks", self.bank
        yield "banks", self.to
        yield "move_references", self.key
        yield "owners", bank_owner(self.bank)
        yield "owners", bank_owner(self.to)
        yield "owners", PLATFORM

    def decide(self, books: Books) -> Result:
        """The paying account has less, by both."""
        books.check_is_not_withdrawn(self.currency)
        self.check_bank(books, self.bank)
        self.check_bank(books, self.to, "/to")
        self.check_is_new(books, self.key)
        self.check_is_of_currency(books, self.bank, self.to)
        bank = bank_owner(self.bank)
        books.post(BANK_MOVE, bank_owner(self.to), bank, self.amount, self.currency)
        if self.fee > 0:
            books.post(BANK_FEE, PLATFORM, bank, self.fee, self.currency)
        self.enter(books, self.key, to_bank=self.to)
        return None


def _name_fault(pointer: str, name: str) -> FieldError | None:
    if is_rail_or_bank_id(name):
        return None
    return FieldError(pointer, "field_invalid", "A rail's or bank's name is 1 to 32 of a-z 0-9 _ -.")
