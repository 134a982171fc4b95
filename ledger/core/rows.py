"""What the books keep besides entries and accounts: one type a table, its fields in the table's column order.

A row is written whole, by the same commit as the entry that changed it; `entry` is always the entry that made it.
"""

from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import msgspec


class Row(msgspec.Struct, frozen=True):
    """A row of `table`, without its first column, `ledger_id`."""

    table: ClassVar[str]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(micros: int) -> datetime:
    """A row's time of microseconds since the epoch, without the detour over a float."""
    return EPOCH + timedelta(microseconds=micros)


class Settings(Row, frozen=True):
    """A ledger's own settings: its name, the time zone of its accounting dates, the currencies it uses, and whether a
    write has to be signed by its sender (`request_signatures`: optional, required)."""

    table = "settings"
    name: str
    time_zone: str = "UTC"
    currencies: list[str] = []
    request_signatures: str = "optional"


class Epoch(Row, frozen=True):
    """A log that goes on under a new origin, after a loss that a person has accepted."""

    table = "epochs"
    epoch: int
    origin: str
    entry: int


class ApiKey(Row, frozen=True):
    """Who may use the HTTP interface. `digest` is the SHA-256 of a bearer key's text; None for a key that signs
    requests, whose public key has the same id. `limits` is JSON, a list of actors.Limit."""

    table = "api_keys"
    id: str
    digest: bytes | None
    name: str
    scopes: list[str]
    limits: str | None
    valid_until: datetime | None
    revoked_by: int | None
    entry: int


class KeySum(Row, frozen=True):
    """What a key with limits has paid in a currency on its last day, in minor units."""

    table = "key_sums"
    key: str
    currency: str
    day: date
    amount: int


class PublicKey(Row, frozen=True):
    """A public key. `purpose`: log, payer, request; `owner` is a party's id, or empty. It counts from `valid_from`
    until `valid_until`, or until the entry `revoked_by`."""

    table = "public_keys"
    id: str
    purpose: str
    owner: str
    public_key: bytes
    valid_from: datetime
    valid_until: datetime | None
    revoked_by: int | None
    entry: int

    def is_live(self, now: int) -> bool:
        """Whether it counts at a time, in microseconds since the epoch."""
        at = moment(now)
        return self.revoked_by is None and self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


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
    """A person or a merchant. `state`: open, debits_frozen (cannot pay), frozen (neither), closed. `intents` says of
    which payments its own signature is asked: never, above (`intents_above`, in minor units), always."""

    table = "parties"
    id: str
    kind: str
    state: str
    entry: int
    intents: str = "never"
    intents_above: int | None = None


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
    KeySum,
    PublicKey,
    Epoch,
    Bank,
    Rail,
    Party,
    Alias,
    Deposit,
    SuspenseItem,
    Receivable,
)
