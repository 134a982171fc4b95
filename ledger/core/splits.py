"""Splits: a group's bill, of which everyone is asked for a share by a payment request of their own."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chats import Chat, enter_chat
from ledger.core.commands import Command, Name, Result
from ledger.core.deadlines import check_deadline, time_of
from ledger.core.errors import Conflict, FieldError, Invalid, NotFound, Refused
from ledger.core.fields import Amount, Currency, Memo, PartyId, PartyRef, Timestamp
from ledger.core.money import split_by_weights, split_evenly
from ledger.core.parties import check_may_be_paid
from ledger.core.payment_requests import (
    ask,
    check_may_be_asked,
    end,
    needs_of_asking,
    take_off_split,
)
from ledger.core.rows import Party, PaymentRequest, Split, moment, shown_time

SHARES_MAX = 100
DONE_STATES = ("paid", "cancelled")
"""A share in one of these is no longer outstanding."""

Weight = Annotated[
    int, msgspec.Meta(ge=1, le=1_000_000, title="Weight", description="A whole number from 1 to 1000000.")
]
SHARE_LIST = msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": SHARES_MAX})


class Share(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Who is asked for a part of the total: in proportion to a `weight`, or for an `amount`."""

    payer: PartyRef
    weight: Weight | None = None
    amount: Amount | None = None

    def fault(self) -> FieldError | None:
        """The reference's rule."""
        return shape.reference("/payer", self.payer)


class CreateSplit(Command, kw_only=True):
    """Split a total among payers: equally, by weights, or by amounts that sum to it exactly. Each gets a payment
    request for a share; the payee's own share counts as paid."""

    kind = "split.create"
    # The shares may name parties by their phones; who was asked for how much, the rows in the result say.
    private = ("memo", "shares")
    references = ("payee",)
    payee: PartyRef
    currency: Currency
    total: Amount
    shares: Annotated[list[Share], SHARE_LIST]
    memo: Memo | None = None
    chat: Chat | None = None
    expires_at: Timestamp | None = None

    def fault(self) -> FieldError | None:
        """The references', texts' and times' rules, and that the shares are the total."""
        return shape.first(
            shape.reference("/payee", self.payee),
            shape.currency(self.currency),
            shape.text("/memo", self.memo),
            shape.timestamp("/expires_at", self.expires_at),
            shares_fault(self.total, self.shares),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """Everyone, and how many requests stand open between them and the payee."""
        yield from books.needs_of_party(self.payee)
        for share in self.shares:
            yield from books.needs_of_party(share.payer)
            yield from needs_of_asking(books, share.payer, self.payee)

    def names(self) -> list[str]:
        """Those that it names, also whoever has a share."""
        return [*super().names(), *(share.payer for share in self.shares)]

    def decide(self, books: Books) -> Result:
        """Ask everyone."""
        check_deadline(books, self.expires_at)
        books.check_currency(self.currency)
        payee = books.party(self.payee, "/payee")
        payers = self._payers(books)
        if all(payer.id == payee.id for payer in payers):
            raise Refused("same_party", f"Payer and payee are both {payee.id}. Name who else has a share.")
        check_may_be_paid(payee)
        for payer in payers:
            check_may_be_asked(payer)
        outstanding = 0
        for n, (payer, amount) in enumerate(zip(payers, amounts_of(self.total, self.shares), strict=True), 1):
            is_own = payer.id == payee.id
            outstanding += not is_own
            ask(
                books,
                PaymentRequest(
                    entry=books.number,
                    changed_by=books.number,
                    n=n,
                    payee=payee.id,
                    payer=payer.id,
                    amount=amount,
                    currency=self.currency,
                    state="paid" if is_own else "open",
                    expires_at=time_of(self.expires_at),
                ),
            )
        number, size = books.number, len(payers)
        split = Split(number, number, payee.id, self.currency, self.total, size, outstanding, "open")
        books.add(books.splits, split)
        books.count_open(payee.id, 1)
        enter_chat(books, self.chat)
        return None

    def _payers(self, books: Books) -> list[Party]:
        """Everyone who has a share. Raises field_invalid where two names turn out to be one party's."""
        payers = [books.party(share.payer, f"/shares/{i}/payer") for i, share in enumerate(self.shares)]
        i = _repeated([payer.id for payer in payers])
        if i is not None:
            detail = f"{self.shares[i].payer} is {payers[i].id}, who has a share already. Name each payer once."
            raise Invalid.at(f"/shares/{i}/payer", "field_invalid", detail)
        return payers


class SplitAction(Command):
    """Something that is done to one split, which the path names."""

    split: str

    def needs(self, books: Books) -> Iterable[Name]:
        """The split, its shares, and how many requests stand open beside those that end."""
        number = shape.numbered("split", self.split)
        if number is None:
            return
        yield "splits", number
        split = books.splits.get(number)
        if split is not None:
            for n in range(1, split.shares + 1):
                yield "payment_requests", (number, n)
                share = books.payment_requests.get((number, n))
                if share is not None and self.ends(share):
                    yield "open_requests", (share.payer, share.payee)

    def ends(self, share: PaymentRequest) -> bool:
        """Whether the action can end this share."""
        return share.state == "open"

    def found(self, books: Books) -> Split:
        """The split. Raises not_found."""
        return books.splits.named(shape.numbered("split", self.split), self.split)


class WaiveShare(SplitAction):
    """Let a payer off their share, also one that they have declined or that has expired."""

    kind = "split.waive"
    payer: PartyId

    def fault(self) -> FieldError | None:
        """The payer's rule."""
        return shape.party_id("/payer", self.payer)

    def ends(self, share: PaymentRequest) -> bool:
        """Whether it is the payer's."""
        return share.payer == self.payer

    def decide(self, books: Books) -> Result:
        """Cancel the payer's request; the last share settles the split."""
        split = self.found(books)
        share = next((each for each in shares_of(books, split) if each.payer == self.payer), None)
        if share is None:
            raise NotFound("not_found", f"{self.payer} has no share of {self.split}.")
        if split.state != "open":
            raise Conflict("request_not_open", f"{self.split} is {split.state}.")
        if share.state in DONE_STATES:
            raise Conflict("request_not_open", f"The share of {self.payer} in {self.split} is {share.state}.")
        end(books, share, "cancelled")
        take_off_split(books, share)
        return shares_after(books, split)


class CancelSplit(SplitAction):
    """Ask nobody any more. What was paid stays paid, and what was declined or has expired stays so."""

    kind = "split.cancel"

    def decide(self, books: Books) -> Result:
        """Cancel every share that is open; one whose time is over expires by that."""
        split = self.found(books)
        if split.state != "open":
            raise Conflict("request_not_open", f"{self.split} is {split.state}.")
        for share in shares_of(books, split):
            if share.state == "open":
                state = share.state_at(moment(books.now))
                end(books, share, "cancelled" if state == "open" else state)
        books.change(books.splits, split, outstanding=0, state="cancelled")
        books.count_open(split.payee, -1)
        return shares_after(books, split)


def shares_of(books: Books, split: Split) -> Iterator[PaymentRequest]:
    """The requests of a split, in its order."""
    for n in range(1, split.shares + 1):
        share = books.payment_requests.find((split.entry, n))
        if share is None:
            raise LookupError(f"split_{split.entry} has no share {n}")
        yield share


def shares_after(books: Books, split: Split) -> dict[str, Any]:
    """What the entry says of every share, also of those that it leaves as they were: so it can be answered from it."""
    shares = [
        {
            "n": share.n,
            "payer": share.payer,
            "amount": share.amount,
            "state": share.state_at(moment(books.now)),
        }
        for share in shares_of(books, split)
    ]
    expires_at = next(shares_of(books, split)).expires_at
    return {"shares": shares, "expires_at": shown_time(expires_at) if expires_at is not None else None}


def amounts_of(total: int, shares: Sequence[Share]) -> list[int]:
    """What each share comes to, in minor units; together they are the total."""
    weights = [share.weight for share in shares if share.weight is not None]
    amounts = [share.amount for share in shares if share.amount is not None]
    if amounts:
        return amounts
    return split_by_weights(total, weights) if weights else split_evenly(total, len(shares))


def shares_fault(total: int, shares: Sequence[Share]) -> FieldError | None:
    """Why a total cannot be split so."""
    if not 1 <= len(shares) <= SHARES_MAX:
        return FieldError("/shares", "field_invalid", f"Name 1 to {SHARES_MAX} shares.")
    i = _repeated([share.payer for share in shares])
    if i is not None:
        detail = f"{shares[i].payer} has a share already. Name each payer once."
        return FieldError(f"/shares/{i}/payer", "field_invalid", detail)
    kinds = [(share.weight is not None, share.amount is not None) for share in shares]
    if len(set(kinds)) > 1 or kinds[0] == (True, True):
        detail = "Give every share a weight, or every share an amount, or none of them either: then all are equal."
        return FieldError("/shares", "field_invalid", detail)
    amounts = amounts_of(total, shares)
    if sum(amounts) != total:
        detail = f"The amounts of the shares sum to {sum(amounts)}, but the total is {total}. They have to be equal."
        return FieldError("/total", "amount_invalid", detail)
    if 0 in amounts:
        detail = f"Of a total of {total}, {shares[amounts.index(0)].payer} would have a share of 0. Raise the total, "
        return FieldError("/total", "amount_invalid", f"{detail}or leave out who has nothing to pay.")
    return None


def _repeated(names: Sequence[str]) -> int | None:
    """Where a name comes for the second time."""
    return next((i for i, name in enumerate(names) if name in names[:i]), None)
