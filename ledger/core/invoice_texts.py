"""An invoice as it is sent in the chat, and as a banking application reads it off a QR code.

    INVOICE 17
    Corner Coffee
    for Ann

    Issued 2026-11-20
    Pay by 2026-12-04

    Coffee beans, 1 kg
    2 x 12.50 EUR = 25.00 EUR

    Subtotal: 25.00 EUR
    Tax 19 %: 4.75 EUR
    Total: 29.75 EUR

    To pay by bank transfer:
    Name: Corner Coffee Ltd
    IBAN: DE89 3704 0044 0532 0130 00
    Reference: RF18 5390 0754 7034

Nothing is aligned and nothing is drawn: chats wrap, and some of them write in proportional type.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ledger.core.creditor_references import creditor_reference, invoice_of_reference, printed
from ledger.core.invoice_lines import TaxLine
from ledger.core.invoices import PAYABLE, InvoiceState
from ledger.core.money import format_amount
from ledger.core.shape import NAME_LENGTH_MAX
from ledger.core.text import is_iban, text_fault

COLUMNS_MAX: Final = 40
"""How wide a line is at most: what fits into a bubble on a telephone."""

EPC_NAME_LENGTH_MAX: Final = 70
EPC_AMOUNT_MAX: Final = 99_999_999_999  # cents: 999,999,999.99 EUR
EPC_BYTES_MAX: Final = 331


class PrintedLine(NamedTuple):
    """One line: amounts are minor units, `amount` after discount; `quantity` as it was given."""

    description: str | None
    quantity: str
    unit_amount: int
    amount: int
    discount: int = 0


class BankAccount(NamedTuple):
    """Where a transfer goes: the account holder's name, and the IBAN as machines write it."""

    name: str
    iban: str


class Printed(NamedTuple):
    """All that is said of an invoice in the chat. Amounts are minor units; dates are YYYY-MM-DD.

    A draft has no number, no reference and no date yet. `due` is what is left to pay.
    """

    merchant: str
    customer: str | None
    number: str | None
    reference: str | None
    currency: str
    issued_on: str | None
    due_on: str | None
    lines: Sequence[PrintedLine]
    subtotal: int
    breakdown: Sequence[TaxLine]
    total: int
    paid: int
    credited: int
    refunded: int
    due: int
    state: InvoiceState
    tax_inclusive: bool
    memo: str | None
    bank: BankAccount | None


def plain_text(invoice: Printed) -> str:
    """The invoice as a message of lines of at most 40 columns, without a new line at its end.

    It ends with how to pay, or with why there is nothing to pay. ValueError for a currency that is not in the table.
    """
    sections = (_head(invoice), _dates(invoice), _memo(invoice), *_lines(invoice), _sums(invoice), _how_to_pay(invoice))
    return "\n\n".join(text for text in map("\n".join, sections) if text)


def epc_payload(name: str, iban: str, amount: int, reference: str) -> str:
    """What is in the QR code of a SEPA credit transfer (EPC069-12, version 002, UTF-8), amount in cents of EUR.

    The bytes of one, in which an empty line is an element that is left out (BIC, purpose); the text and the information
    behind the reference are left out, too, and so is the new line before them:

        BCD / 002 / 1 / SCT / / Corner Coffee Ltd / DE89370400440532013000 / EUR29.75 / / RF18539007547034

    A name is cut off after 70 characters, as banks do. ValueError with a sentence if there is no name or it cannot be
    printed, the IBAN or the reference is none, the amount is not 0.01 to 999999999.99 EUR, or all is above 331 bytes.
    """
    holder = " ".join(name.split())[:EPC_NAME_LENGTH_MAX].rstrip()
    fault = text_fault(name, NAME_LENGTH_MAX) if holder else "The account holder's name is empty."
    if fault is not None:
        raise ValueError(fault)
    if not is_iban(iban):
        raise ValueError("Not an IBAN: it is in capitals and without spaces; its check digits must hold.")
    if not 1 <= amount <= EPC_AMOUNT_MAX:
        raise ValueError("A SEPA credit transfer by QR code is of 0.01 to 999999999.99 EUR.")
    number = invoice_of_reference(reference)
    if number is None:
        raise ValueError("Not a creditor reference of ours: RF, check digits that hold, a number.")
    euros, cents = divmod(amount, 100)
    elements = ("BCD", "002", "1", "SCT", "", holder, iban, f"EUR{euros}.{cents:02d}", "", creditor_reference(number))
    payload = "\n".join(elements)
    if len(payload.encode()) > EPC_BYTES_MAX:
        raise ValueError(f"The payload is above the {EPC_BYTES_MAX} bytes of the QR code: use a shorter name.")
    return payload


def _head(invoice: Printed) -> Iterator[str]:
    number = f" {invoice.number}" if invoice.number is not None else ""
    # That a merchant has written an invoice off is between him and his books.
    state = f" ({invoice.state})" if invoice.state in ("draft", "paid", "void") else ""
    yield from _wrapped(f"INVOICE{number}{state}".split())
    yield from _wrapped(invoice.merchant.split())
    if invoice.customer is not None:
        yield from _wrapped(["for", *invoice.customer.split()])


def _dates(invoice: Printed) -> Iterator[str]:
    if invoice.issued_on is not None:
        yield f"Issued {invoice.issued_on}"
    if invoice.due_on is not None:
        yield f"Pay by {invoice.due_on}"


def _memo(invoice: Printed) -> Iterator[str]:
    yield from _wrapped((invoice.memo or "").split())


def _lines(invoice: Printed) -> Iterator[Iterator[str]]:
    for line in invoice.lines:
        yield _line(line, invoice.currency)


def _line(line: PrintedLine, currency: str) -> Iterator[str]:
    yield from _wrapped((line.description or "").split())
    reckoning = [f"{line.quantity} x {format_amount(line.unit_amount, currency)}"]
    if line.discount:
        reckoning.append(f"less {format_amount(line.discount, currency)}")
    yield from _wrapped([*reckoning, f"= {format_amount(line.amount, currency)}"])


def _sums(invoice: Printed) -> Iterator[str]:
    def said(label: str, amount: int) -> Iterator[str]:
        return _wrapped([f"{label}:", format_amount(amount, invoice.currency)])

    taxes = invoice.breakdown if any(row.tax_bps for row in invoice.breakdown) else ()
    if taxes and not invoice.tax_inclusive:
        yield from said("Subtotal", invoice.subtotal)
        yield from _taxes("Tax", taxes, invoice.currency)
    yield from said("Total", invoice.total)
    if taxes and invoice.tax_inclusive:
        yield from _taxes("Including tax", taxes, invoice.currency)
        yield from said("Without tax", invoice.subtotal)
    if invoice.paid:
        yield from said("Paid", invoice.paid)
    if invoice.credited:
        yield from said("Credited", invoice.credited)
    if invoice.refunded:
        yield from said("Refunded", invoice.refunded)
    if invoice.due not in (0, invoice.total) and _is_payable(invoice):
        yield from said("Left to pay", invoice.due)


def _taxes(label: str, taxes: Sequence[TaxLine], currency: str) -> Iterator[str]:
    """A line a rate; with more than one rate, each says of what it is the tax."""
    for row in taxes:
        rate = f"{label} {_percent(row.tax_bps)} %"
        tax = format_amount(row.tax, currency)
        if len(taxes) == 1:
            yield from _wrapped([f"{rate}:", tax])
        else:
            yield from _wrapped([rate, f"on {format_amount(row.base, currency)}:", tax])


def _how_to_pay(invoice: Printed) -> Iterator[str]:
    if not _is_payable(invoice):
        yield _WHY_NOT[invoice.state]
        return
    if invoice.bank is not None:
        yield "To pay by bank transfer:"
        yield from _wrapped(["Name:", *invoice.bank.name.split()])
        yield from _wrapped(["IBAN:", *printed(invoice.bank.iban).split()])
    elif invoice.reference is not None:
        yield "When you pay, please give this:"
    if invoice.reference is not None:
        yield from _wrapped(["Reference:", printed(invoice.reference)])


_WHY_NOT: Final = {
    "draft": "A draft: please do not pay it yet.",
    "open": "Nothing is left to pay.",
    "paid": "Paid: nothing is left to pay.",
    "void": "Void: please do not pay it.",
    "uncollectible": "Nothing is left to pay.",
}


def _is_payable(invoice: Printed) -> bool:
    return invoice.state in PAYABLE and invoice.due > 0


def _percent(bps: int) -> str:
    """Basis points as percent: 1900 is 19, 750 is 7.5."""
    whole, hundredths = divmod(bps, 100)
    return f"{whole}.{hundredths:02d}".rstrip("0").rstrip(".")


def _wrapped(words: Iterable[str]) -> Iterator[str]:
    """The words, with a space between, in lines of at most 40 columns; only a word that is wider by itself is cut."""
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if _columns(longer) <= COLUMNS_MAX:
            line = longer
            continue
        if line:
            yield line
        *full, line = _cut(word)
        yield from full
    if line:
        yield line


def _cut(word: str) -> list[str]:
    """A word in pieces of at most 40 columns, none of which begins with a mark that belongs to the letter before."""
    pieces = [""]
    for character in word:
        if _columns(pieces[-1] + character) > COLUMNS_MAX:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _columns(text: str) -> int:
    """How wide a text is in monospaced type: marks and joiners are 0 columns, CJK and emoji 2 (Unicode annex 11)."""
    return sum(
        0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1 + (_width(character) in ("W", "F"))
        for character in text
    )


_width = unicodedata.east_asian_width
