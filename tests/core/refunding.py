"""Payments to refund, and what is asked of them."""

from typing import Any

from ledger.core.allocations import AskedAllocation
from ledger.core.books import Books
from ledger.core.charges import SetFees
from ledger.core.entries import Entry
from ledger.core.holds import CaptureHold, PlaceHold
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice
from ledger.core.parties import CreateParty
from ledger.core.refunds import MakeRefund
from ledger.core.rows import Payment
from ledger.core.settlements import MakeSettlement
from tests.core.stories import deposit, do

WORKED_EXAMPLE = {"bps": 290, "fixed": 30, "tax_code": "vat", "tax_bps": 1800}


def legs(entry: Entry) -> list[tuple[str, str, int]]:
    return [(posting.debit.path, posting.credit.path, posting.amount) for posting in entry.postings]


def refund(of: Entry | str, amount: int | None = None, **fields: Any) -> MakeRefund:
    name = of if isinstance(of, str) else f"{of.kind}_{of.number}"
    return MakeRefund(of=name, amount=amount, reason="faulty", **fields)


def capture(books: Books, amount: int, **fees: Any) -> str:
    """A capture of ann's hold for the shop; its id."""
    do(books, CreateParty(id="shop", party_kind="merchant"))
    do(books, SetFees(party="shop", **fees))
    do(books, deposit(amount=amount, rail_reference="for the hold"))
    hold = do(books, PlaceHold(from_="ann", to="shop", amount=amount, currency="EUR"))
    taken = do(books, CaptureHold(hold=f"hold_{hold.number}"))
    return f"capture_{taken.number}"


def invoices(books: Books, *totals: int) -> list[str]:
    """Invoices of the shop's for ann; their ids."""
    if books.parties.find("shop") is None:
        do(books, CreateParty(id="shop", party_kind="merchant"))
    lines = [[Line(description="bread", quantity=1, unit_amount=total)] for total in totals]
    made = [do(books, CreateInvoice(merchant="shop", customer="ann", currency="EUR", lines=each)) for each in lines]
    return [f"invoice_{entry.number}" for entry in made]


def settled(books: Books, *totals: int) -> tuple[str, list[str]]:
    """Ann pays invoices of these totals by one settlement."""
    made = invoices(books, *totals)
    asked = [AskedAllocation(name, total) for name, total in zip(made, totals, strict=True)]
    command = MakeSettlement(payer="ann", merchant="shop", amount=sum(totals), currency="EUR", allocations=asked)
    return f"settlement_{do(books, command).number}", made


def kept(books: Books, of: str) -> Payment:
    payment = books.payments.find(int(of.rpartition("_")[2]))
    if payment is None:
        raise LookupError(of)
    return payment
