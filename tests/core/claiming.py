"""What the tests of claims share: ann sends to a phone that nobody has, and cem registers with it."""

from ledger.core.books import Books
from ledger.core.commands import Command
from ledger.core.entries import Entry
from ledger.core.errors import LedgerError
from ledger.core.parties import AliasName, CreateParty
from ledger.core.transfers import Transfer
from tests.core.stories import attempt, do, transfer

PHONE = "+491511111111"
ALIAS = f"alias:phone:{PHONE}"
DAY = 86_400_000_000


def send(**fields: object) -> Transfer:
    """Ann sends 60 to a phone that nobody has."""
    return transfer(**{"to": ALIAS, "amount": 60, "if_unknown": "hold_for_claim"} | fields)


def name(entry: Entry) -> str:
    return f"transfer_{entry.number}"


def cem(books: Books) -> None:
    """Cem registers, with that phone."""
    do(books, CreateParty(id="cem", party_kind="person", aliases=[AliasName("phone", PHONE)]))


def available(books: Books, *parties: str) -> tuple[int, ...]:
    return tuple(books.balance(party, "available", "EUR") for party in parties)


def legs(entry: Entry) -> list[tuple[str, str, int]]:
    return [(p.debit.path, p.credit.path, p.amount) for p in entry.postings]


def nothing(books: Books, command: Command, at: int | None = None) -> bool:
    """Whether the sweeper is told that nothing can be done now, which nobody remembers."""
    outcome = attempt(books, command, at)
    return isinstance(outcome, LedgerError) and command.falls_due
