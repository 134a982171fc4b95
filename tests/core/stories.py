"""Stories: what could be asked of a ledger, one thing after the other, drawn so that it often meets.

Two parties with money, and two more that may turn up; a few phones that move between them; amounts that
are mostly small and sometimes enormous. About half of what is asked is done, the other half refused.
"""

import copy
import hashlib
from typing import Any, TypeAlias

from hypothesis import strategies as st
from msgspec import UNSET

from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.api_keys import CreateApiKey
from ledger.core.books import Books
from ledger.core.chats import Chat
from ledger.core.commands import Command, write
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.deposits import MakeDeposit
from ledger.core.entries import Entry, base64url
from ledger.core.errors import LedgerError
from ledger.core.fees import FeeSchedule
from ledger.core.fields import SCOPES
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import AliasName, CloseParty, CreateParty, FreezeParty, UnfreezeParty
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.rows import AGREEMENTS, Settings
from ledger.core.settings import SetLedger
from ledger.core.transfers import Transfer

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
ENABLED = ("EUR", "JPY")
SHELVES = ("owners", "aliases", "rails", "banks", "deposit_references", "api_keys", *AGREEMENTS)

Step: TypeAlias = tuple[Command, int]
"""A command, and how many microseconds the clock says have passed since the step before: sometimes less than none."""


def do(books: Books, command: Command, at: int | None = None) -> Entry:
    """Write a command; key and salt follow from the entry's number. Raises the LedgerError that it is refused with."""
    seed = hashlib.sha256(str(books.number).encode()).digest()
    return write(books, command, actor="key_1", key=seed[:16], salt=seed, at=books.now if at is None else at)


def attempt(books: Books, command: Command, at: int | None = None) -> Entry | LedgerError:
    """The entry or the refusal."""
    try:
        return do(books, command, at)
    except LedgerError as error:
        return error


def refusal(books: Books, command: Command) -> str | None:
    """The code a command is refused with; None if it is done."""
    outcome = attempt(books, command)
    return outcome.code if isinstance(outcome, LedgerError) else None


def new_books() -> Books:
    """Books with the rails `upi` and `sepa`; ann and bob have 1.00 EUR each; EUR and JPY are enabled."""
    books = Books("test", Settings("Test", "Europe/Berlin", list(ENABLED)))
    books.now = START
    for command in (
        RegisterBank(id="bank", currency="EUR", purpose="safeguarded"),
        RegisterRail(id="upi", settles_to="bank"),
        RegisterRail(id="sepa", settles_to="bank"),
        CreateParty(id="ann", party_kind="person"),
        CreateParty(id="bob", party_kind="person"),
        MakeDeposit(to="ann", amount=100, currency="EUR", rail="upi", rail_reference="first"),
        MakeDeposit(to="bob", amount=100, currency="EUR", rail="upi", rail_reference="second"),
    ):
        do(books, command)
    return books


def transfer(**fields: Any) -> Transfer:
    """Ann pays bob 5 minor units of EUR, as far as nothing else is said."""
    facts: dict[str, Any] = {"from_": "ann", "to": "bob", "amount": 5, "currency": "EUR"}
    return Transfer(**facts | fields)


def deposit(**fields: Any) -> MakeDeposit:
    """Over upi 5 minor units of EUR arrive for ann, as far as nothing else is said."""
    facts: dict[str, Any] = {"to": "ann", "amount": 5, "currency": "EUR", "rail": "upi", "rail_reference": "new"}
    return MakeDeposit(**facts | fields)


def play(books: Books, story: list[Step]) -> list[Entry]:
    """Do a story; the entries of what was accepted."""
    clock = START
    entries = []
    for command, passed in story:
        clock += passed
        outcome = attempt(books, command, clock)
        if isinstance(outcome, Entry):
            entries.append(outcome)
    return entries


def snapshot(books: Books) -> dict[str, Any]:
    """Everything that the books hold, as a copy."""
    shelves: dict[str, Any] = {name: dict(getattr(books, name)) for name in SHELVES}
    point = {"point": books.savepoint(), "settings": books.settings, "opened": books.accounts_opened}
    return copy.deepcopy(shelves | point)


def mostly(usual: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The other in one case of six."""
    return st.sampled_from([usual] * 5 + [other]).flatmap(lambda chosen: chosen)


nothing = st.none()
left_out = st.just(UNSET)
parties = mostly(st.sampled_from(("ann", "bob")), st.sampled_from(("cem", "shop")))
currencies = mostly(st.just("EUR"), st.sampled_from(("JPY", "INR")))
amounts = mostly(st.integers(1, 60), st.integers(1, AMOUNT_MAX) | st.just(AMOUNT_MAX))
texts = st.text(st.characters(exclude_categories=("C", "Z")), max_size=8)
some_text = mostly(nothing, texts)
phones = st.sampled_from(("+491511111111", "+491522222222", "+491533333333"))
references = mostly(parties, phones.map("alias:phone:{}".format))
metadata = mostly(nothing, st.dictionaries(st.sampled_from(("order", "Zoll", "a/b")), texts, max_size=3))
_deposit_ids = st.integers(6, 26).map("deposit_{}".format)
_channel = st.just("phone")

deposits = st.builds(
    MakeDeposit,
    to=mostly(references, nothing),
    amount=amounts,
    currency=currencies,
    rail=mostly(st.just("upi"), st.sampled_from(("sepa", "none"))),
    rail_reference=st.sampled_from(("first", *"abcdefghijklmnopqrst")),
    occurred_at=mostly(nothing, st.sampled_from(("2025-12-31T23:30:00Z", "2099-01-01T00:00:00+05:30"))),
    memo=some_text,
)
returns = st.builds(ReturnDeposit, deposit=_deposit_ids, reason=texts.filter(bool))
transfers = st.builds(
    lambda pair, **fields: Transfer(from_=pair[0], to=pair[1], **fields),
    pair=mostly(st.sampled_from((("ann", "bob"), ("bob", "ann"))), st.tuples(references, references)),
    amount=amounts,
    currency=currencies,
    memo=some_text,
    chat=mostly(nothing, st.builds(Chat, conversation=texts.filter(bool), message=some_text)),
    metadata=metadata,
    effective_on=mostly(nothing, st.sampled_from(("2025-12-31", "2026-01-01", "2099-01-01"))),
    if_unknown=mostly(st.just("refuse"), st.just("hold_for_claim")),
    to_expected=mostly(nothing, parties),
)
each_kind: tuple[st.SearchStrategy[Command], ...] = (
    transfers,
    deposits,
    returns,
    st.builds(
        CreateParty,
        id=parties,
        party_kind=st.sampled_from(("person", "merchant")),
        name=some_text,
        aliases=nothing | phones.map(lambda phone: [AliasName("phone", phone)]),
        metadata=metadata,
    ),
    st.builds(FreezeParty, party=parties, mode=st.sampled_from(("debits", "all")), reason=some_text),
    st.builds(UnfreezeParty, party=parties),
    st.builds(CloseParty, party=parties),
    st.builds(
        AddAlias,
        party=parties,
        channel=_channel,
        value=phones,
        replaces=nothing | phones,
        take_over=st.booleans(),
    ),
    st.builds(RemoveAlias, party=parties, channel=_channel, value=phones),
    st.builds(
        SetLedger,
        name=left_out | texts.filter(bool),
        time_zone=st.sampled_from((UNSET, "UTC", "Pacific/Kiritimati")),
        currencies=left_out | st.sampled_from((["EUR"], ["EUR", "INR", "JPY"])),
        fees=left_out | nothing | st.builds(FeeSchedule, bps=st.integers(0, 9)),
    ),
    st.builds(RegisterRail, id=st.sampled_from(("upi", "card")), settles_to=st.sampled_from(("bank", "none"))),
    st.builds(
        RegisterBank,
        id=st.sampled_from(("bank", "other")),
        currency=currencies,
        purpose=st.sampled_from(("own", "safeguarded")),
        iban=nothing | st.just("DE89370400440532013000"),
    ),
    st.builds(
        CreateApiKey,
        name=texts.filter(bool),
        digest=st.binary(min_size=32, max_size=32).map(base64url),
        scopes=st.lists(st.sampled_from(SCOPES), unique=True),
    ),
)
commands: st.SearchStrategy[Command] = st.sampled_from(
    [transfers] * 14 + [deposits] * 5 + [returns] * 3 + list(each_kind)
).flatmap(lambda kind: kind)
two_of_a_kind: st.SearchStrategy[tuple[Command, Command]] = st.sampled_from(each_kind).flatmap(
    lambda kind: st.tuples(kind, kind)
)
steps: st.SearchStrategy[Step] = st.tuples(commands, st.sampled_from((0, 1, 1_000_000, -5_000_000, 86_400_000_000)))
stories: st.SearchStrategy[list[Step]] = st.lists(steps, min_size=8, max_size=40)
