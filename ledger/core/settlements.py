"""Settlements: invoices paid from a wallet, in part or whole, one or several by one payment."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from ledger.core import allocations, shape
from ledger.core.allocations import ALLOCATION_LIST, Allocation, AskedAllocation
from ledger.core.books import Books
from ledger.core.charges import Charge, charge, needs_of_charge
from ledger.core.chats import Chat, enter_chat
from ledger.core.commands import Command, Name, Result
from ledger.core.consent import check_consent, needs_of_intent
from ledger.core.errors import Conflict, FieldError, NotFound, Refused
from ledger.core.fields import Amount, Currency, Memo, PartyRef
from ledger.core.intents import SignedIntent
from ledger.core.invoices import PAYABLE, needs_of_invoice, pay_invoice
from ledger.core.limits import check_receiving, check_spending, needs_of_spending
from ledger.core.money import format_amount
from ledger.core.movements import SETTLE
from ledger.core.parties import check_may_be_paid, check_may_pay
from ledger.core.rows import Invoice, Party, Payment


class SettleInvoice(Command, kw_only=True):
    """Pay an invoice from a wallet: what is due, or a part of it."""

    kind = "invoice.settle"
    private = ("memo",)
    references = ("payer",)
    invoice: str
    payer: PartyRef
    amount: Amount | None = None
    memo: Memo | None = None
    chat: Chat | None = None
    intent: SignedIntent | None = None

    def fault(self) -> FieldError | None:
        """The reference's and the text's rules."""
        return shape.first(shape.reference("/payer", self.payer), shape.text("/memo", self.memo))

    def needs(self, books: Books) -> Iterable[Name]:
        """The invoice and its merchant, the payer, what was signed, what is charged."""
        number = shape.numbered("invoice", self.invoice)
        yield from needs_of_invoice(books, number)
        yield from books.needs_of_party(self.payer)
        yield from needs_of_intent(self.intent)
        invoice = books.invoices.get(number)
        if invoice is not None:
            yield from needs_of_charge(books, invoice.merchant)
            yield from needs_of_spending(books, self.payer, invoice.currency)

    def decide(self, books: Books) -> Result:
        """Move the money and lower what is due."""
        invoice = books.invoices.named(shape.numbered("invoice", self.invoice), self.invoice)
        books.check_currency(invoice.currency, "")
        payer, merchant = books.party(self.payer, "/payer"), books.party(invoice.merchant, "")
        check_is_another(payer, merchant)
        amount = self.amount if self.amount is not None else invoice.due
        consent = None
        if invoice.state in PAYABLE:
            name = f"invoice_{invoice.entry}"
            consent = check_consent(books, self.intent, self.kind, name, payer, merchant.id, amount, invoice.currency)
        pay_from_wallet(books, payer, merchant, [(invoice, amount)], amount, invoice.currency, self.chat)
        return consent


class MakeSettlement(Command, kw_only=True):
    """Pay several invoices of a merchant's by one payment: as `allocations` says, or those of the payer that are due,
    the oldest first."""

    kind = "settlement"
    private = ("memo",)
    references = ("payer", "merchant")
    if_too_large = "Pay fewer invoices at once, by several settlements."
    payer: PartyRef
    merchant: PartyRef
    amount: Amount
    currency: Currency
    allocations: Annotated[list[AskedAllocation], ALLOCATION_LIST] | None = None
    memo: Memo | None = None
    chat: Chat | None = None
    intent: SignedIntent | None = None

    def fault(self) -> FieldError | None:
        """The references', texts' and allocations' rules."""
        fault = shape.first(
            shape.reference("/payer", self.payer),
            shape.reference("/merchant", self.merchant),
            shape.currency(self.currency),
            shape.text("/memo", self.memo),
            allocations.asked_fault(self.allocations),
        )
        return fault or _sum_fault(self.allocations, self.amount)

    def needs(self, books: Books) -> Iterable[Name]:
        """Both parties, the invoices, what was signed, what is charged."""
        yield from books.needs_of_party(self.payer)
        yield from books.needs_of_party(self.merchant)
        yield from needs_of_intent(self.intent)
        yield from needs_of_charge(books, self.merchant)
        yield from needs_of_spending(books, self.payer, self.currency)
        payer, merchant = books.known_party(self.payer), books.known_party(self.merchant)
        if self.allocations is not None:
            numbers: Iterable[int] = [part.invoice for part in allocations.entries_of(self.allocations)]
        elif payer is not None and merchant is not None:
            key = (merchant.id, payer.id, self.currency)
            yield "open_invoices", key
            known = books.open_invoices.get(key)
            numbers = known.entries if known is not None else ()
        else:
            return
        for number in numbers:
            yield from needs_of_invoice(books, number)

    def decide(self, books: Books) -> Result:
        """Move the money, one leg an invoice, and lower what is due."""
        books.check_currency(self.currency)
        payer, merchant = books.party(self.payer, "/payer"), books.party(self.merchant, "/merchant")
        if self.allocations is not None:
            parts = [
                (books.invoices.named(part.invoice, f"invoice_{part.invoice}"), part.amount)
                for part in allocations.entries_of(self.allocations)
            ]
        else:
            parts = oldest_first(books, payer, merchant, self.amount, self.currency)
        invoices = [invoice for invoice, _ in parts]
        check_are_of(invoices, merchant.id)
        check_is_another(payer, merchant)
        check_are_in(invoices, self.currency)
        consent = check_consent(books, self.intent, self.kind, None, payer, merchant.id, self.amount, self.currency)
        pay_from_wallet(books, payer, merchant, parts, self.amount, self.currency, self.chat)
        return consent


def pay_from_wallet(
    books: Books,
    payer: Party,
    merchant: Party,
    parts: Sequence[tuple[Invoice, int]],
    amount: int,
    currency: str,
    chat: Chat | None,
) -> None:
    """Pay invoices of a merchant's out of a wallet, by one leg each, and take the fee on all of it.

    Raises amount_exceeds_remaining where the parts, which are what is due, do not come to the amount.
    """
    check_may_pay(payer)
    check_may_be_paid(merchant)
    for invoice, _ in parts:
        check_invoice_is_open(invoice)
    check_spending(books, payer, amount, currency)
    check_receiving(books, merchant, amount, currency)
    due = sum(part for _, part in parts)
    if due < amount:
        raise _too_much(payer, merchant, format_amount(due, currency), len(parts))
    for invoice, part in parts:
        check_is_payable(invoice, part)
        books.post(SETTLE, payer.id, merchant.id, part, currency)
    enter_chat(books, chat)
    enter_settlement(books, payer.id, None, merchant, parts, currency, charge(books, merchant, amount, currency))


def enter_settlement(
    books: Books,
    payer: str | None,
    rail: str | None,
    merchant: Party,
    parts: Sequence[tuple[Invoice, int]],
    currency: str,
    charged: Charge,
) -> None:
    """Lower what is due on the invoices, and keep the payment, which can be refunded and allocated anew."""
    for invoice, part in parts:
        pay_invoice(books, invoice, part)
    books.add(
        books.payments,
        Payment(
            entry=books.number,
            changed_by=books.number,
            kind="settlement",
            payer=payer,
            payee=merchant.id,
            amount=sum(part for _, part in parts),
            currency=currency,
            rail=rail,
            fee=charged.fee,
            fee_tax=charged.tax,
            tax_code=charged.tax_code,
            on_refund=charged.on_refund,
            allocations=allocations.written([Allocation(invoice.entry, part) for invoice, part in parts]),
        ),
    )


def _too_much(payer: Party, merchant: Party, due: str, count: int) -> Refused:
    """The refusal of more than is `due` on the invoices, of which there may be more than one payment can settle."""
    is_limited = count == allocations.ALLOCATIONS_MAX
    all_of_it = f"{due} are due from {payer.id} to {merchant.id}. Pay at most that."
    the_oldest = f"One payment settles at most {count} invoices, on which {due} are due. Pay the others by another."
    return Refused("amount_exceeds_remaining", the_oldest if is_limited else all_of_it)


def check_is_another(payer: Party, merchant: Party) -> None:
    """Raise same_party for a merchant that would pay itself."""
    if payer.id == merchant.id:
        raise Refused("same_party", f"Payer and merchant are both {payer.id}. Name two parties.")


def check_invoice_is_open(invoice: Invoice) -> None:
    """Raise invoice_not_open for an invoice that nothing can be paid on."""
    if invoice.state not in PAYABLE:
        what = "finalize it first" if invoice.state == "draft" else "nothing can be paid on it"
        raise Conflict("invoice_not_open", f"invoice_{invoice.entry} is {invoice.state}; {what}.")


def check_is_payable(invoice: Invoice, amount: int) -> None:
    """Raise invoice_not_open, or amount_exceeds_remaining for more than is due."""
    check_invoice_is_open(invoice)
    if amount > invoice.due:
        due = format_amount(invoice.due, invoice.currency)
        raise Refused("amount_exceeds_remaining", f"{due} are due on invoice_{invoice.entry}. Pay at most that.")


def check_are_of(invoices: Iterable[Invoice], merchant: str) -> None:
    """Raise not_found for an invoice of another merchant."""
    for invoice in invoices:
        if invoice.merchant != merchant:
            raise NotFound("not_found", f"{merchant} has no invoice invoice_{invoice.entry}.")


def check_are_in(invoices: Iterable[Invoice], currency: str) -> None:
    """Raise currency_mismatch for an invoice in another currency."""
    for invoice in invoices:
        if invoice.currency != currency:
            detail = f"invoice_{invoice.entry} is in {invoice.currency}, the payment in {currency}."
            raise Refused("currency_mismatch", detail)


def oldest_first(books: Books, payer: Party, merchant: Party, amount: int, currency: str) -> list[tuple[Invoice, int]]:
    """What is due from a payer to a merchant, the oldest first, up to an amount; less, where less is due."""
    known = books.open_invoices.find((merchant.id, payer.id, currency))
    parts: list[tuple[Invoice, int]] = []
    left = amount
    for number in known.entries if known is not None else ():
        invoice = books.invoices.find(number)
        if invoice is not None and left > 0:
            parts.append((invoice, min(left, invoice.due)))
            left -= min(left, invoice.due)
    return parts


def _sum_fault(asked: Sequence[AskedAllocation] | None, amount: int) -> FieldError | None:
    if asked is None or sum(each.amount for each in asked) == amount:
        return None
    return FieldError("/allocations", "amount_invalid", "The allocations have to sum to the amount.")
