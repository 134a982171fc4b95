"""The books in memory: accounts and agreements, and the journal that can undo what was decided.

The same value is the lane's working set and the model of the property tests. A shelf holds what was loaded; that
something is absent counts as loaded too. Asking for what was never loaded raises, so that no rule mistakes "not
loaded" for "does not exist".
"""

# long: the working set and its journal are one thing.

from datetime import date, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.chart import ROLES
from ledger.core.currencies import is_postable
from ledger.core.entries import Account, Posting
from ledger.core.errors import Invalid, NotFound, Refused
from ledger.core.money import AMOUNT_MAX, format_amount
from ledger.core.movements import Leg
from ledger.core.open_invoices import OpenInvoices
from ledger.core.rows import (
    Agreement,
    Alias,
    ApiKey,
    Bank,
    Claim,
    CreditNote,
    Deposit,
    Epoch,
    Hold,
    Invoice,
    InvoiceNumbers,
    KeySum,
    OutsideMove,
    Party,
    Payment,
    PaymentRequest,
    Payout,
    PublicKey,
    Rail,
    Receivable,
    Refund,
    Row,
    Settings,
    Split,
    SuspenseItem,
    day_of,
    moment,
)
from ledger.core.text import alias_key

Value = TypeVar("Value")
Changed = TypeVar("Changed", bound=Agreement)


class Spent(NamedTuple):
    """What a party has paid in a currency on a day of the ledger's calendar: the sum, and how many times."""

    day: date
    amount: int
    times: int


class Savepoint(NamedTuple):
    """A point to which the books can be taken back."""

    journal: int
    number: int
    now: int


class NotLoaded(LookupError):
    """A rule looked at a row that its command's `needs` does not name: a programming error."""


class Shelf(dict[Any, Value | None], Generic[Value]):
    """The loaded rows of one table by key; None is a row known not to exist."""

    def __init__(self, name: str, complete: bool) -> None:
        super().__init__()
        self.name = name
        self.complete = complete

    def find(self, key: Any) -> Value | None:
        """The row, or None if there is none."""
        try:
            return self[key]
        except KeyError:
            if self.complete:
                return None
            raise NotLoaded(f"{self.name} {key}") from None

    def named(self, key: Any, name: str) -> Value:
        """The row that a request calls `name`; a `key` of None is that of none. Raises not_found."""
        row = self.find(key) if key is not None else None
        if row is None:
            raise NotFound("not_found", f"There is no {self.name} {name:.64}.")
        return row


class Books:
    """One ledger's working set. `complete` books hold everything there is: those of tests, which load nothing.

    `now` is the time of the entry being decided, in microseconds since the epoch; `number` is its number, `actor` who
    asks for it, and `key` the digest of the request's key.
    """

    def __init__(self, ledger: str, settings: Settings | None = None, complete: bool = True) -> None:
        self.ledger = ledger
        self.settings = settings or Settings(name=ledger)
        self.number = 1
        self.now = 0
        self.accounts_opened = 0
        self.owners: Shelf[dict[tuple[str, str], Account]] = Shelf("accounts of", complete)
        self.parties: Shelf[Party] = Shelf("party", complete)
        self.aliases: Shelf[Alias] = Shelf("alias", complete)
        self.rails: Shelf[Rail] = Shelf("rail", complete)
        self.banks: Shelf[Bank] = Shelf("bank", complete)
        self.deposits: Shelf[Deposit] = Shelf("deposit", complete)
        self.deposit_references: Shelf[int] = Shelf("deposit reference", complete)
        self.suspense_items: Shelf[SuspenseItem] = Shelf("suspense item", complete)
        self.receivables: Shelf[Receivable] = Shelf("receivable", complete)
        self.holds: Shelf[Hold] = Shelf("hold", complete)
        self.payment_requests: Shelf[PaymentRequest] = Shelf("payment request", complete)
        self.splits: Shelf[Split] = Shelf("split", complete)
        self.claims: Shelf[Claim] = Shelf("claim", complete)
        self.invoices: Shelf[Invoice] = Shelf("invoice", complete)
        self.invoice_numbers: Shelf[InvoiceNumbers] = Shelf("invoice numbers of", complete)
        self.open_invoices: Shelf[OpenInvoices] = Shelf("open invoices of a merchant for", complete)
        self.invoice_refs: Shelf[int] = Shelf("external reference", complete)
        self.credit_notes: Shelf[CreditNote] = Shelf("credit note", complete)
        self.payments: Shelf[Payment] = Shelf("payment", complete)
        self.refunds: Shelf[Refund] = Shelf("refund", complete)
        self.open_refunds: Shelf[tuple[int, ...]] = Shelf("open refunds of", complete)
        self.payouts: Shelf[Payout] = Shelf("payout", complete)
        self.last_payouts: Shelf[int] = Shelf("last payout of", complete)
        self.outside_moves: Shelf[OutsideMove] = Shelf("outside move", complete)
        self.move_references: Shelf[int] = Shelf("reference of an outside move", complete)
        self.open_requests: Shelf[int] = Shelf("open requests between", complete)
        self.open_things: Shelf[int] = Shelf("open agreements of", complete)
        self.spent: Shelf[Spent] = Shelf("what was paid today by", complete)
        self.api_keys: Shelf[ApiKey] = Shelf("api key", complete)
        self.key_sums: Shelf[KeySum] = Shelf("sum of key", complete)
        self.public_keys: Shelf[PublicKey] = Shelf("public key", complete)
        self.keys_of: Shelf[tuple[str, ...]] = Shelf("public keys of", complete)
        self.request_keys: Shelf[bool] = Shelf("request key", complete)
        self.digests: Shelf[bool] = Shelf("digest of api key", complete)
        self.used_keys: Shelf[int] = Shelf("entry of request key", complete)
        self.epochs: Shelf[Epoch] = Shelf("epoch", complete)
        self.actor = ""
        self.key = b""
        self.postings: list[Posting] = []
        self.rows: list[Row] = []
        self.opened: list[Account] = []
        self._journal: list[tuple[Any, ...]] = []
        self._day: tuple[int, int, date] = (0, 0, date.min)

    # What rules look at

    def account(self, owner: str, role: str, currency: str) -> Account:
        """The account, opened now if this is the first time it is needed."""
        held = self.owners.find(owner)
        account = held.get((role, currency)) if held is not None else None
        return account if account is not None else self._open(owner, role, currency)

    def accounts_of(self, owner: str) -> list[Account]:
        """All accounts of one owner."""
        return list((self.owners.find(owner) or {}).values())

    def balance(self, owner: str, role: str, currency: str) -> int:
        """An account's balance in its natural sign; 0 if it was never used."""
        account = (self.owners.find(owner) or {}).get((role, currency))
        return account.balance * ROLES[role].sign if account is not None else 0

    def party(self, reference: str, pointer: str) -> Party:
        """The party that an id or an alias names. Raises party_unknown."""
        key = alias_key(reference)
        if key is None:
            party = self.parties.find(reference)
        else:
            alias = self.aliases.find(key)
            party = self.parties.find(alias.party) if alias is not None else None
        if party is None:
            detail = f"There is no party {reference}. Register it with POST /v1/parties, or correct the name."
            raise NotFound.at(pointer, "party_unknown", detail)
        return party

    def known_party(self, reference: str | None) -> Party | None:
        """The party that an id or an alias names, as far as it is loaded: for what else a command then needs."""
        if reference is None:
            return None
        key = alias_key(reference)
        if key is None:
            return self.parties.get(reference)
        alias = self.aliases.get(key)
        return self.parties.get(alias.party) if alias is not None else None

    def needs_of_party(self, reference: str | None) -> tuple[tuple[str, Any], ...]:
        """What must be loaded to know a party and its accounts."""
        if reference is None:
            return ()
        key = alias_key(reference)
        if key is None:
            return ("parties", reference), ("owners", reference)
        alias = self.aliases.get(key)
        named = self.needs_of_party(alias.party) if alias is not None else ()
        return ("aliases", key), *named

    def check_currency(self, currency: str, pointer: str = "/currency") -> None:
        """Raise currency_invalid unless the ledger has the currency enabled and it may still be posted. Where no field
        says it, but what is named has it, `pointer` is the whole request's."""
        if currency not in self.settings.currencies or not is_postable(currency, self.today):
            enabled = ", ".join(self.settings.currencies) or "none"
            detail = (
                f"{currency} is not enabled in this ledger (enabled: {enabled}); PUT /v1/ledger enables currencies."
            )
            raise Invalid.at(pointer, "currency_invalid", detail)

    def check_is_not_withdrawn(self, currency: str, pointer: str = "/currency") -> None:
        """Raise currency_invalid for a currency that may not be posted any more, whether it is enabled or not."""
        if not is_postable(currency, self.today):
            detail = f"{currency} has been withdrawn; it is read for ever and not newly posted."
            raise Invalid.at(pointer, "currency_invalid", detail)

    @property
    def today(self) -> date:
        """The date of `now` in the ledger's time zone."""
        start, end, day = self._day
        if not start <= self.now < end:
            zone = ZoneInfo(self.settings.time_zone)
            day = day_of(moment(self.now), self.settings.time_zone)
            start, end = (
                int(datetime(at.year, at.month, at.day, tzinfo=zone).timestamp()) * 1_000_000
                for at in (day, day + timedelta(days=1))
            )
            self._day = (start, end, day)
        return day

    # What rules do

    def post(self, leg: Leg, debit_owner: str, credit_owner: str, amount: int, currency: str) -> None:
        """Move an amount along a leg of the table of movements. Whether balances may be so, `settle_balances` says."""
        debit = self.account(debit_owner, leg.debit_role, currency)
        credit = self.account(credit_owner, leg.credit_role, currency)
        self._journal.append((debit, debit.balance, debit.version, credit, credit.balance, credit.version))
        debit.balance -= amount
        debit.version += 1
        credit.balance += amount
        credit.version += 1
        self.postings.append(
            Posting(debit, credit, amount, debit.balance, credit.balance, debit.version, credit.version)
        )

    def put(self, shelf: Shelf[Any], key: Any, row: Row) -> None:
        """Set a row, to be written with the entry."""
        self.remember(shelf, key, row)
        self.rows.append(row)

    def count_open(self, party: str | None, change: int) -> None:
        """Count what stands open with a party, which therefore cannot be closed; kept where it was loaded."""
        if party is None:
            return
        if party in self.open_things or self.open_things.complete:
            self.remember(self.open_things, party, (self.open_things.find(party) or 0) + change)
        else:
            self._journal.append((party, change))

    def counted_open(self, party: str) -> int:
        """What entries that are not yet durable have counted of a party that was not loaded: what a load adds."""
        return sum(step[1] for step in self._journal if len(step) == 2 and step[0] == party)

    def change(self, shelf: Shelf[Changed], row: Changed, **changes: Any) -> Changed:
        """Set some columns of an agreement, to be written with the entry; the row as it is now."""
        changed = msgspec.structs.replace(row, changed_by=self.number, **changes)
        self.put(shelf, shelf_key(changed), changed)
        return changed

    def add(self, shelf: Shelf[Changed], row: Changed) -> None:
        """Enter an agreement that this entry makes."""
        self.put(shelf, shelf_key(row), row)

    def remember(self, shelf: Shelf[Any], key: Any, value: Any) -> None:
        """Set what a shelf says, where another row's table already holds it."""
        self._journal.append((shelf, key, shelf.get(key, _ABSENT)))
        shelf[key] = value

    def forget(self, shelf: Shelf[Any], key: Any) -> None:
        """Take off a shelf what is to be loaded again."""
        if key in shelf:
            self._journal.append((shelf, key, shelf.pop(key)))

    def set_settings(self, settings: Settings) -> None:
        """Replace the ledger's settings."""
        self._journal.append((self.settings,))
        self.settings = settings
        self._day = (0, 0, date.min)
        self.rows.append(settings)

    def settle_balances(self) -> None:
        """Judge the accounts as the entry leaves them: funds first, then overflow."""
        for posting in self.postings:
            debit, credit = posting.debit, posting.credit
            debit_role, credit_role = ROLES[debit.role], ROLES[credit.role]
            if (
                not debit_role.lowest <= debit.balance <= debit_role.highest
                or not credit_role.lowest <= credit.balance <= credit_role.highest
            ):
                raise self._unbalanced()

    def _unbalanced(self) -> Refused:
        touched = [account for posting in self.postings for account in (posting.debit, posting.credit)]
        for account in touched:
            role = ROLES[account.role]
            if account.balance * role.sign < 0 and not role.may_go_below_zero:
                return _insufficient(account, -account.balance * role.sign)
        over = next(account for account in touched if abs(account.balance) > AMOUNT_MAX)
        detail = f"The balance of {over.path} in {over.currency} would pass 2^53-1 minor units."
        return Refused("balance_overflow", detail)

    # The journal

    def begin(self, now: int, actor: str, key: bytes) -> None:
        """Start deciding an entry at a time; time strictly increases along the books."""
        self.actor = actor
        self.key = key
        self.now = max(now, self.now + 1)
        self.postings = []
        self.rows = []
        self.opened = []

    def savepoint(self) -> Savepoint:
        """The present point."""
        return Savepoint(len(self._journal), self.number, self.now)

    def undo(self, point: Savepoint) -> None:
        """Undo everything since a point, newest first."""
        mark, self.number, self.now = point
        journal = self._journal
        while len(journal) > mark:
            match journal.pop():
                case (Account() as debit, debit_balance, debit_version, credit, credit_balance, credit_version):
                    credit.balance, credit.version = credit_balance, credit_version
                    debit.balance, debit.version = debit_balance, debit_version
                case (Shelf() as shelf, key, value):
                    if value is _ABSENT:
                        del shelf[key]
                    else:
                        shelf[key] = value
                case (Settings() as settings,):
                    self.settings = settings
                    self._day = (0, 0, date.min)
                case (str() as party, int() as change):
                    if party in self.open_things:  # loaded since
                        self.open_things[party] = (self.open_things[party] or 0) - change
                case (dict() as held, key):
                    del held[key]
                    self.accounts_opened -= 1

    def changed(self) -> set[tuple[int, Any]]:
        """What could still be undone: the shelf, by its identity, and the key."""
        changed: set[tuple[int, Any]] = set()
        for step in self._journal:
            match step:
                case (Account() as debit, _, _, Account() as credit, _, _):
                    changed.update(((id(self.owners), debit.owner), (id(self.owners), credit.owner)))
                case (Shelf() as shelf, key, _):
                    changed.add((id(shelf), key))
        return changed

    def forget_journal(self, until: int) -> None:
        """The first `until` steps are durable: nothing will ask to undo them."""
        del self._journal[:until]

    def _open(self, owner: str, role: str, currency: str) -> Account:
        held = self.owners.find(owner)
        if held is None:
            held = {}
            self.remember(self.owners, owner, held)
        self.accounts_opened += 1
        account = Account(self.accounts_opened, owner, role, currency)
        self._journal.append((held, (role, currency)))
        held[role, currency] = account
        self.opened.append(account)
        return account


def shelf_key(row: Row) -> Any:
    """What a row is found by: its unique column, or the tuple of them."""
    names = row.unique
    return getattr(row, names[0]) if len(names) == 1 else tuple(getattr(row, name) for name in names)


_ABSENT: Any = object()


def _insufficient(account: Account, short: int) -> Refused:
    what = f"{account.owner} has not enough {account.role} in {account.currency}"
    return Refused("insufficient_funds", f"{what}: {format_amount(short, account.currency)} short.")
