"""Reversals: an entry that should not have been, turned round by finance; once, and only while nothing came of it."""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chart import PLATFORM, bank_owner, rail_owner
from ledger.core.commands import Command, Name, Result
from ledger.core.errors import Conflict, FieldError, Invalid, NotFound
from ledger.core.fields import Reason
from ledger.core.movements import MOVES_REVERSED, TRANSFER_REVERSED
from ledger.core.payments import known_payment, needs_of_payment, payment_of
from ledger.core.rows import OutsideMove, Payment


class ReverseEntry(Command):
    """Turn an entry's postings round: of a transfer that was not refunded, or of a payment between our rails and banks.
    What a transfer paid the receiver must still have."""

    kind = "reversal"
    private = ("reason",)
    number: str
    reason: Reason

    def fault(self) -> FieldError | None:
        """The text's rule."""
        return shape.required_text("/reason", self.reason, shape.MEMO_LENGTH_MAX)

    def needs(self, books: Books) -> Iterable[Name]:
        """What the entry made, and whose money that moved."""
        number = shape.numbered("entry", f"entry_{self.number}")
        if number is None:
            return
        yield from needs_of_payment(number)
        yield "outside_moves", number
        payment = known_payment(books, number)
        if payment is not None:
            yield from books.needs_of_party(payment.payer)
            yield from books.needs_of_party(payment.payee)
        move = books.outside_moves.get(number)
        if move is not None:
            yield "owners", PLATFORM
            yield "owners", bank_owner(move.bank)
            yield "owners", _other_side(move)

    def decide(self, books: Books) -> Result:
        """Turn it round, and say so on what it made, so that it happens once."""
        number = shape.numbered("entry", f"entry_{self.number}")
        if number is None or number >= books.number:
            raise NotFound("not_found", f"There is no entry {self.number:.64}.")
        payment = payment_of(books, number)
        move = books.outside_moves.find(number)
        if payment is not None and payment.kind == "transfer":
            self._reverse_transfer(books, payment)
        elif move is not None:
            self._reverse_move(books, move)
        else:
            raise Invalid.at("/number", "field_invalid", self._other(books, number, payment))
        return None

    def _reverse_transfer(self, books: Books, payment: Payment) -> None:
        payer = books.party(payment.payer or "", "/number")
        if payer.state == "closed":
            raise Conflict("party_not_open", f"{payer.id}, who paid, is closed for good: nobody is there to pay back.")
        if payment.refunded > 0:
            detail = f"transfer_{payment.entry} was reversed before, or refunded wholly or in part."
            raise Conflict("already_reversed", detail)
        books.post(TRANSFER_REVERSED, payment.payee, payer.id, payment.amount, payment.currency)
        books.change(books.payments, payment, refunded=payment.amount, reversed_by=books.number)

    def _reverse_move(self, books: Books, move: OutsideMove) -> None:
        if move.state == "reversed":
            raise Conflict("already_reversed", f"Entry {move.entry} was reversed before.")
        back, fee_back = MOVES_REVERSED[move.kind]
        bank, other = bank_owner(move.bank), _other_side(move)
        payer, payee = (other, bank) if back.debit_who == "rail" else (bank, other)
        books.post(back, payer, payee, move.amount, move.currency)
        if move.fee > 0:
            books.post(fee_back, payer, PLATFORM, move.fee, move.currency)
        books.change(books.outside_moves, move, state="reversed")
        books.remember(books.move_references, (move.kind, move.rail or "", move.bank, move.reference), None)

    def _other(self, books: Books, number: int, payment: Payment | None) -> str:
        """Why it is none that can be reversed, and what to do instead."""
        claim = books.claims.find(number)
        if claim is not None:
            return f"transfer_{number} is {claim.state}: only once it was claimed it can be reversed."
        if payment is not None:
            return f"Entry {number} is {payment.kind}_{number}: refund it with POST /v1/refunds, or return the deposit."
        return f"Entry {number} cannot be reversed: only transfers, and payments between our rails and banks can be."


def _other_side(move: OutsideMove) -> str:
    """Whose account moved with that of `move.bank`: a rail's, or another bank's."""
    return rail_owner(move.rail) if move.rail is not None else bank_owner(move.to_bank or "")
