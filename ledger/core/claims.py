"""Claims: transfers to someone without an account. The money waits in the giver's escrow until somebody registers the
alias that it was sent to, and goes back once its time is over.

Nobody asks for a claim: the sweeper sees that an alias was registered, or that the time is over. A deadline is judged
by the lane's clock: past it a claim can only go back. A freeze of the giver stops neither; it has paid already.
"""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.commands import Command, Name, Result
from ledger.core.deadlines import deadline
from ledger.core.errors import Conflict, NotFound
from ledger.core.limits import check_receiving
from ledger.core.movements import CLAIM_FUND, CLAIM_RETURN, CLAIM_TAKE
from ledger.core.parties import check_may_be_paid
from ledger.core.rows import Claim, Party, Payment, moment
from ledger.core.text import alias_key


def is_nobodys(books: Books, reference: str) -> bool:
    """Whether a reference is an alias that no party has."""
    key = alias_key(reference)
    return key is not None and books.aliases.find(key) is None


def fund_claim(books: Books, giver: Party, alias: str, amount: int, currency: str, expires_at: str | None) -> None:
    """Let an amount wait for whoever registers an alias."""
    books.post(CLAIM_FUND, giver.id, giver.id, amount, currency)
    books.add(
        books.claims,
        Claim(
            entry=books.number,
            changed_by=books.number,
            giver=giver.id,
            amount=amount,
            currency=currency,
            state="pending_claim",
            expires_at=deadline(books, expires_at),
            waits_for=alias,
        ),
    )


class ClaimAction(Command):
    """What becomes of a transfer that waits to be claimed; asked for by the sweeper alone."""

    falls_due = True
    transfer: str

    def needs(self, books: Books) -> Iterable[Name]:
        """The claim, who gave it, and whoever has the alias that it waits for."""
        number = shape.numbered("transfer", self.transfer)
        if number is None:
            return
        yield "claims", number
        claim = books.claims.get(number)
        if claim is not None:
            yield from books.needs_of_party(claim.giver)
            yield from books.needs_of_party(claim.waits_for)

    def pending(self, books: Books) -> tuple[Claim, str]:
        """The claim, and the alias that it waits for. Nothing is to be done if it waits no more."""
        number = shape.numbered("transfer", self.transfer)
        claim = books.claims.find(number) if number is not None else None
        if claim is None:
            raise NotFound("not_found", f"There is no transfer {self.transfer} that waits to be claimed.")
        if claim.waits_for is None:
            raise Conflict("already_reversed", f"{self.transfer} is {claim.state}.")
        return claim, claim.waits_for


class TakeClaim(ClaimAction):
    """Give what waits to whoever has the alias now. It goes on waiting for one who cannot be paid."""

    kind = "claim.take"

    def decide(self, books: Books) -> Result:
        """Pay it; from now on it can be refunded like any transfer."""
        claim, alias = self.pending(books)
        if claim.state_at(moment(books.now)) != claim.state:
            raise Conflict("already_reversed", f"{self.transfer} could be claimed until {claim.expires_at}.")
        claimer = self._claimer(books, claim, alias)
        books.post(CLAIM_TAKE, claim.giver, claimer.id, claim.amount, claim.currency)
        books.change(books.claims, claim, state="claimed", claimer=claimer.id, waits_for=None)
        payment = Payment(
            entry=claim.entry,
            changed_by=books.number,
            kind="transfer",
            payer=claim.giver,
            payee=claimer.id,
            amount=claim.amount,
            currency=claim.currency,
        )
        books.remember(books.payments, claim.entry, payment)
        return None

    def _claimer(self, books: Books, claim: Claim, alias: str) -> Party:
        claimer = books.party(alias, "")
        if claimer.id == claim.giver:
            raise Conflict("party_not_open", f"{claimer.id} has sent {self.transfer} itself; it goes back in time.")
        check_may_be_paid(claimer)
        check_receiving(books, claimer, claim.amount, claim.currency)
        return claimer


class ReturnClaim(ClaimAction):
    """Give what nobody has claimed in time back to its giver."""

    kind = "claim.return"

    def decide(self, books: Books) -> Result:
        """Give it back, unless somebody came first. No freeze stands against it."""
        claim, _ = self.pending(books)
        if claim.state_at(moment(books.now)) == claim.state:
            raise Conflict("already_reversed", f"{self.transfer} can be claimed until {claim.expires_at}.")
        books.post(CLAIM_RETURN, claim.giver, claim.giver, claim.amount, claim.currency)
        books.change(books.claims, claim, state="returned", waits_for=None)
        return None
