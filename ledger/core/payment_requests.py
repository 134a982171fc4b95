"""Payment requests: somebody is asked for money, and pays, declines, or lets the time pass.

A share of a split is a request like any other; what becomes of it changes its split in the same entry. A deadline is
judged by the lane's clock everywhere: past it a request can only expire, whoever comes first.
"""

from collections.abc import Iterable

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.chats import Chat, enter_chat
from ledger.core.commands import Command, Name, Result
from ledger.core.consent import check_consent, needs_of_intent
from ledger.core.deadlines import check_deadline, time_of
from ledger.core.errors import Conflict, FieldError, Refused
from ledger.core.fields import Amount, Currency, Memo, PartyRef, Timestamp
from ledger.core.intents import SignedIntent
from ledger.core.limits import check_receiving, check_spending, needs_of_spending
from ledger.core.movements import TRANSFER
from ledger.core.parties import check_may_be_paid, check_may_pay
from ledger.core.rows import Party, PaymentRequest, moment

OPEN_REQUESTS_MAX = 20
"""So many requests of one payee's may stand open with one payer, shares of splits among them."""


class CreatePaymentRequest(Command, kw_only=True):
    """Ask a payer for money. The request stands until it is paid, declined or cancelled, or until `expires_at`."""

    kind = "payment_request.create"
    private = ("memo",)
    references = ("payee", "payer")
    payee: PartyRef
    payer: PartyRef
    amount: Amount
    currency: Currency
    memo: Memo | None = None
    expires_at: Timestamp | None = None
    chat: Chat | None = None

    def fault(self) -> FieldError | None:
        """The references', texts' and times' rules."""
        return shape.first(
            shape.reference("/payee", self.payee),
            shape.reference("/payer", self.payer),
            shape.currency(self.currency),
            shape.text("/memo", self.memo),
            shape.timestamp("/expires_at", self.expires_at),
        )

    def needs(self, books: Books) -> Iterable[Name]:
        """Both parties, and how many requests stand open between them."""
        yield from books.needs_of_party(self.payee)
        yield from books.needs_of_party(self.payer)
        yield from needs_of_asking(books, self.payer, self.payee)

    def decide(self, books: Books) -> Result:
        """Ask."""
        check_deadline(books, self.expires_at)
        books.check_currency(self.currency)
        payee, payer = books.party(self.payee, "/payee"), books.party(self.payer, "/payer")
        if payer.id == payee.id:
            raise Refused("same_party", f"Payer and payee are both {payer.id}. Name two parties.")
        check_may_be_paid(payee)
        check_may_be_asked(payer)
        ask(
            books,
            PaymentRequest(
                entry=books.number,
                changed_by=books.number,
                n=0,
                payee=payee.id,
                payer=payer.id,
                amount=self.amount,
                currency=self.currency,
                state="open",
                expires_at=time_of(self.expires_at),
            ),
        )
        enter_chat(books, self.chat)
        return None


class RequestAction(Command):
    """Something that is done to one payment request, which the path names."""

    payment_request: str

    def known(self, books: Books) -> PaymentRequest | None:
        """The request, as far as it is loaded."""
        return books.payment_requests.get(key_of(self.payment_request))

    def needs(self, books: Books) -> Iterable[Name]:
        """The request, its split, and how many stand open beside it."""
        key = key_of(self.payment_request)
        if key is None:
            return
        yield "payment_requests", key
        request = self.known(books)
        if request is not None:
            yield "open_requests", (request.payer, request.payee)
            if request.n > 0:
                yield "splits", request.entry

    def found(self, books: Books) -> PaymentRequest:
        """The request. Raises not_found."""
        return books.payment_requests.named(key_of(self.payment_request), self.payment_request)


class PayPaymentRequest(RequestAction, kw_only=True):
    """Pay a request: its amount goes to the payee as a transfer, by whose id it can be refunded. Two taps pay once."""

    kind = "payment_request.pay"
    intent: SignedIntent | None = None

    def needs(self, books: Books) -> Iterable[Name]:
        """The request, then its parties, what the payer has signed and has paid today."""
        yield from super().needs(books)
        yield from needs_of_intent(self.intent)
        request = self.known(books)
        if request is not None:
            yield from books.needs_of_party(request.payer)
            yield from books.needs_of_party(request.payee)
            yield from needs_of_spending(books, request.payer, request.currency)

    def decide(self, books: Books) -> Result:
        """Every reason to refuse, in the order promised to callers; then the money moves."""
        request = self.found(books)
        amount, currency = request.amount, request.currency
        books.check_currency(currency, "")
        payer, payee = books.party(request.payer, ""), books.party(request.payee, "")
        consent = check_consent(books, self.intent, self.kind, id_of(request), payer, payee.id, amount, currency)
        check_may_pay(payer)
        check_may_be_paid(payee)
        check_is_open(books, request)
        check_spending(books, payer, amount, currency)
        check_receiving(books, payee, amount, currency)
        books.post(TRANSFER, payer.id, payee.id, amount, currency)
        end(books, request, "paid", paid_by=books.number)
        take_off_split(books, request)
        return consent


class DeclinePaymentRequest(RequestAction):
    """Say no to a request, for its payer. A share of a split that is declined stays outstanding."""

    kind = "payment_request.decline"

    def decide(self, books: Books) -> Result:
        """Decline it."""
        request = self.found(books)
        check_is_open(books, request)
        end(books, request, "declined")
        return None


class CancelPaymentRequest(RequestAction):
    """Take a request back, for its payee. A share of a split is waived by that."""

    kind = "payment_request.cancel"

    def decide(self, books: Books) -> Result:
        """Cancel it."""
        request = self.found(books)
        check_is_open(books, request)
        end(books, request, "cancelled")
        take_off_split(books, request)
        return None


class ExpirePaymentRequest(RequestAction):
    """End a request whose time is over; asked for by the sweeper alone."""

    kind = "payment_request.expire"
    falls_due = True

    def decide(self, books: Books) -> Result:
        """End it, unless somebody came first."""
        request = self.found(books)
        if request.state_at(moment(books.now)) == request.state:
            raise Conflict("request_not_open", f"{self.payment_request} is {request.state}.")
        end(books, request, "expired")
        return None


def id_of(request: PaymentRequest) -> str:
    """What a request is called: `payment_request_7`, or `payment_request_7_2` as the second share of split_7."""
    return request_id(request.entry, request.n)


def request_id(entry: int, n: int) -> str:
    """The id of the n-th request that an entry made; of the one, if n is 0."""
    return f"payment_request_{entry}_{n}" if n > 0 else f"payment_request_{entry}"


def key_of(resource_id: str) -> tuple[int, int] | None:
    """The entry and n in a request's id; None if it is none."""
    return shape.numbered_part("payment_request", resource_id)


def needs_of_asking(books: Books, payer: str, payee: str) -> tuple[Name, ...]:
    """What must be loaded to ask a payer for money, once both parties are."""
    asked, asking = books.known_party(payer), books.known_party(payee)
    return (("open_requests", (asked.id, asking.id)),) if asked is not None and asking is not None else ()


def check_may_be_asked(payer: Party) -> None:
    """Raise party_not_open for a party that is closed; one that is frozen may pay again some day, or decline."""
    if payer.state == "closed":
        raise Conflict("party_not_open", f"{payer.id} is closed and cannot be asked for money.")


def check_is_open(books: Books, request: PaymentRequest) -> None:
    """Raise request_not_open unless the request is open and its time is not over."""
    if request.state != "open":
        raise Conflict("request_not_open", f"{id_of(request)} is {request.state}.")
    if request.state_at(moment(books.now)) != "open":
        raise Conflict("request_not_open", f"{id_of(request)} has expired. Make a new one.")


def ask(books: Books, request: PaymentRequest) -> None:
    """Enter a request. Raises limit_exceeded where too many stand open between the two already."""
    if request.state == "open":
        open_already = books.open_requests.find((request.payer, request.payee)) or 0
        if open_already >= OPEN_REQUESTS_MAX:
            what = f"{request.payer} has {open_already} open requests of {request.payee}'s already"
            raise Refused("limit_exceeded", f"{what}, the most there may be. Wait for one to end, or cancel one.")
        _count(books, request, 1)
    books.add(books.payment_requests, request)


def end(books: Books, request: PaymentRequest, state: str, paid_by: int | None = None) -> None:
    """Give a request another state."""
    if request.state == "open":
        _count(books, request, -1)
    books.change(books.payment_requests, request, state=state, paid_by=paid_by)


def take_off_split(books: Books, request: PaymentRequest) -> None:
    """A share that was paid or waived is no longer outstanding; the last one settles its split."""
    if request.n == 0:
        return
    split = books.splits.find(request.entry)
    if split is None:
        raise LookupError(f"{id_of(request)} is a share of no split")
    outstanding = split.outstanding - 1
    books.change(books.splits, split, outstanding=outstanding, state="open" if outstanding > 0 else "settled")
    if outstanding == 0:
        books.count_open(split.payee, -1)


def _count(books: Books, request: PaymentRequest, change: int) -> None:
    between = (request.payer, request.payee)
    books.remember(books.open_requests, between, (books.open_requests.find(between) or 0) + change)
    books.count_open(request.payer, change)
    books.count_open(request.payee, change)
