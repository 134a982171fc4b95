"""What the books keep besides entries and accounts: one type a table, its fields in the table's column order.

A row is written whole, by the same commit as the entry that changed it; `entry` is always the entry that made it.
"""

from datetime import date
from typing import ClassVar

import msgspec


class Row(msgspec.Struct, frozen=True):
    """A row of `table`, without its first column, `ledger_id`."""

    table: ClassVar[str]


class Settings(Row, frozen=True):
    """A ledger's own settings: its name, the time zone of its accounting dates, the currencies it uses."""

    table = "settings"
    name: str
    time_zone: str = "UTC"
    currencies: list[str] = []


class ApiKey(Row, frozen=True):
    """A key that opens the HTTP interface; `digest` is the SHA-256 of its text."""

    table = "api_keys"
    id: str
    digest: bytes
    name: str
    scopes: list[str]
    entry: int


class Bank(Row, frozen=True):
    """One account at a bank; `purpose` is `safeguarded` (client money) or `own`."""

    table = "banks"
    id: str
    currency: str
    iban: str | None
    purpose: str
    entry: int


class Rail(Row, frozen=True):
    """An outside payment system, and the bank account to which it pays out."""

    table = "rails"
    id: str
    settles_to: str
    entry: int


class Party(Row, frozen=True):
    """A person or a merchant. `state`: open, debits_frozen (cannot pay), frozen (neither), closed."""

    table = "parties"
    id: str
    kind: str
    state: str
    entry: int


class Alias(Row, frozen=True):
    """Another name for a party, from the entry that set it until the entry that took it away."""

    table = "aliases"
    channel: str
    value: str
    entry: int
    party: str
    until_entry: int | None = None


class Deposit(Row, frozen=True):
    """Money that arrived over a rail. `state`: credited, suspense, returned."""

    table = "deposits"
    entry: int
    rail: str
    rail_reference: str
    party: str | None
    amount: int
    currency: str
    state: str
    reason: str | None


class SuspenseItem(Row, frozen=True):
    """Money that arrived for nobody known. `state`: open, cleared."""

    table = "suspense_items"
    entry: int
    amount: int
    remaining: int
    currency: str
    reason: str
    arrived_on: date
    state: str


class Receivable(Row, frozen=True):
    """What a party owes since an entry took back more than it had."""

    table = "receivables"
    entry: int
    party: str
    amount: int
    remaining: int
    currency: str


ROW_TYPES: tuple[type[Row], ...] = (
    Settings,
    ApiKey,
    Bank,
    Rail,
    Party,
    Alias,
    Deposit,
    SuspenseItem,
    Receivable,
)
