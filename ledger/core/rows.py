"""What the books keep besides entries and accounts: one type a table, its fields in the table's column order.

A row is written whole, by the same commit as the entry that changed it; `entry` is always the entry that made it.
"""

# long: one type a table, read like the glossary that schema.sql is.

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.text import format_timestamp


class Row(msgspec.Struct, frozen=True):
    """A row of `table`, without its first column, `ledger_id`; `unique` are the columns that, with it, are unique."""

    table: ClassVar[str]
    unique: ClassVar[tuple[str, ...]] = ("entry",)

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """The columns in the table's order."""
        return cls.__struct_fields__


class Agreement(Row, frozen=True):
    """A row whose every version stands in the entry that left it so: `changed_by` is the number of the last one.

    So the state of an agreement follows from the entries alone. `hidden` columns are kept out of the body, since people
    may ask to have them erased.
    """

    hidden: ClassVar[tuple[str, ...]] = ()
    entry: int
    changed_by: int

    @classmethod
    def recalled(cls, shown: Mapping[str, Any], changed_by: int) -> Self:
        """The row again, from what the body of the entry `changed_by` says of it."""
        return msgspec.convert({name: shown.get(name) for name in cls.columns()} | {"changed_by": changed_by}, cls)


def image(row: Row | Mapping[str, Any], kind: type[Agreement]) -> dict[str, Any]:
    """A row as an entry's body keeps it; what is None is left out. `changed_by` is the entry itself."""
    values = msgspec.structs.asdict(row) if isinstance(row, Row) else row
    return {
        name: value if type(value) in _PLAIN else _shown(value)
        for name in _shown_columns(kind)
        if (value := values[name]) is not None
    }


_PLAIN = frozenset((str, int, bool))


@cache
def _shown_columns(kind: type[Agreement]) -> tuple[str, ...]:
    return tuple(name for name in kind.columns() if name != "changed_by" and name not in kind.hidden)


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return shown_time(value)
    return value.isoformat() if isinstance(value, date) else value


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(micros: int) -> datetime:
    """A row's time of microseconds since the epoch, without the detour over a float."""
    return EPOCH + timedelta(microseconds=micros)


def day_of(at: datetime, zone: str) -> date:
    """The day of a time in a time zone; in UTC where the zone's would lie beyond the calendar's ends."""
    try:
        return at.astimezone(ZoneInfo(zone)).date()
    except OverflowError:
        return at.date()


def shown_time(at: datetime) -> str:
    """A row's time as people are shown it."""
    return format_timestamp((at - EPOCH) // timedelta(microseconds=1))


class Settings(Row, frozen=True):
    """A ledger's own settings: its name, the time zone of its accounting dates, the currencies it uses, and whether a
    write has to be signed by its sender (`request_signatures`: optional, required). `limits` and `fees` are JSON; the
    fees are those of merchants that have none of their own."""

    table = "settings"
    unique = ()
    name: str
    time_zone: str = "UTC"
    currencies: list[str] = []
    request_signatures: str = "optional"
    limits: str | None = None
    fees: str | None = None


class Epoch(Row, frozen=True):
    """A log that goes on under a new origin, after a loss that a person has accepted."""

    table = "epochs"
    unique = ("epoch",)
    epoch: int
    origin: str
    entry: int


class ApiKey(Row, frozen=True):
    """Who may use the HTTP interface. `digest` is the SHA-256 of a bearer key's text; None for a key that signs
    requests, whose public key has the same id. `limits` is JSON, a list of actors.Limit."""

    table = "api_keys"
    unique = ("id",)
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
    unique = ("key", "currency")
    key: str
    currency: str
    day: date
    amount: int


class PublicKey(Row, frozen=True):
    """A public key. `purpose`: log, payer, request; `owner` is a party's id, or empty. It counts from `valid_from`
    until `valid_until`, or until the entry `revoked_by`."""

    table = "public_keys"
    unique = ("id",)
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
    unique = ("id",)
    id: str
    currency: str
    iban: str | None
    purpose: str
    entry: int


class Rail(Row, frozen=True):
    """An outside payment system, and the bank account to which it pays out."""

    table = "rails"
    unique = ("id",)
    id: str
    settles_to: str
    entry: int


class Party(Agreement, frozen=True):
    """A person or a merchant. `state`: open, debits_frozen (cannot pay), frozen (neither), closed. `intents` says of
    which payments its own signature is asked: never, above (`intents_above`, in minor units), always. Where
    `receivable_allowed`, a refund may leave it owing. `limits` and `fees` are JSON: limits.Limit, fees.FeeSchedule."""

    table = "parties"
    unique = ("id",)
    id: str
    kind: str
    state: str
    intents: str = "never"
    intents_above: int | None = None
    receivable_allowed: bool = False
    limits: str | None = None
    fees: str | None = None


class Alias(Row, frozen=True):
    """Another name for a party, from the entry that set it until the entry that took it away."""

    table = "aliases"
    unique = ("channel", "value", "entry")
    channel: str
    value: str
    entry: int
    party: str
    until_entry: int | None = None


class ChatEntry(Row, frozen=True):
    """That an entry was made in a conversation of the messenger's, where it is found again."""

    table = "chats"
    unique = ("conversation", "entry")
    conversation: str
    entry: int


class Deposit(Agreement, frozen=True):
    """Money that arrived over a rail. `state`: credited, suspense, returned. `party` was credited: whoever it was for,
    or the merchant whose invoices it settled; what was more than was due is the `surplus`."""

    table = "deposits"
    rail: str
    rail_reference: str
    party: str | None
    amount: int
    currency: str
    state: str
    reason: str | None
    surplus: int = 0
    surplus_to: str | None = None


class SuspenseItem(Agreement, frozen=True):
    """Money that arrived for nobody known. `state`: open, cleared; `party` is whom it was meant for, if that is
    known. `allocated` is JSON, who got what of it: suspense.Part."""

    table = "suspense_items"
    amount: int
    remaining: int
    currency: str
    reason: str
    arrived_on: date
    state: str
    rail: str
    party: str | None = None
    allocated: str | None = None


class Receivable(Agreement, frozen=True):
    """What a party owes since an entry took back more than it had."""

    table = "receivables"
    unique = ("entry", "party")
    party: str
    amount: int
    remaining: int
    currency: str


class Hold(Agreement, frozen=True):
    """Money reserved for a payee. `state`: open, captured, voided, expired; what is neither captured nor released
    remains."""

    table = "holds"
    payer: str
    payee: str
    amount: int
    currency: str
    captured: int
    released: int
    state: str
    expires_at: datetime

    @property
    def remaining(self) -> int:
        """What is still held, in minor units."""
        return self.amount - self.captured - self.released

    def state_at(self, now: datetime) -> str:
        """The state that it has by then: past its time an open hold is expired, though its entry comes a little
        later."""
        return "expired" if self.state == "open" and now >= self.expires_at else self.state


class PaymentRequest(Agreement, frozen=True):
    """Money that somebody was asked for. `state`: open, paid, declined, cancelled, expired. `n` counts from 1 within a
    split, whose entry made it, and is 0 for one by itself; `paid_by` is the entry that paid it."""

    table = "payment_requests"
    unique = ("entry", "n")
    n: int
    payee: str
    payer: str
    amount: int
    currency: str
    state: str
    expires_at: datetime | None
    paid_by: int | None = None

    def state_at(self, now: datetime) -> str:
        """The state that it has by then: past its time, if it has one, an open request is expired."""
        is_over = self.expires_at is not None and now >= self.expires_at
        return "expired" if self.state == "open" and is_over else self.state


class Split(Agreement, frozen=True):
    """A group's bill. `state`: open, settled, cancelled; `outstanding` shares are neither paid nor waived."""

    table = "splits"
    payee: str
    currency: str
    total: int
    shares: int
    outstanding: int
    state: str


class Claim(Agreement, frozen=True):
    """A transfer to someone without an account. `state`: pending_claim, claimed, returned. It `waits_for` an alias to
    be registered."""

    table = "claims"
    hidden = ("waits_for",)
    giver: str
    amount: int
    currency: str
    state: str
    expires_at: datetime
    claimer: str | None = None
    waits_for: str | None = None

    def state_at(self, now: datetime) -> str:
        """The state that it has by then: what nobody has claimed in time is returned."""
        return "returned" if self.state == "pending_claim" and now >= self.expires_at else self.state


class Invoice(Agreement, frozen=True):
    """An invoice. `state`: draft, open, paid, void, uncollectible. `number` counts per merchant; the lines stand in the
    entry `lines_by`, the memo in `memo_by`."""

    table = "invoices"
    merchant: str
    customer: str | None
    currency: str
    state: str
    subtotal: int
    tax: int
    total: int
    lines_by: int
    tax_inclusive: bool
    memo_by: int | None = None
    number: int | None = None
    finalized_on: date | None = None
    due_at: datetime | None = None
    external_ref: str | None = None
    paid: int = 0
    credited: int = 0
    refunded: int = 0

    @property
    def due(self) -> int:
        """What is still to be paid, in minor units."""
        return max(0, self.total - self.credited - self.paid)

    @property
    def refundable(self) -> int:
        """What was paid beyond what a credit note left due, and was not refunded."""
        return max(0, self.paid + self.credited - self.total - self.refunded)


class InvoiceNumbers(Agreement, frozen=True):
    """The last number that a merchant's invoices and credit notes have come to; there are no gaps."""

    table = "invoice_numbers"
    unique = ("merchant",)
    merchant: str
    last: int


class CreditNote(Agreement, frozen=True):
    """What an invoice was lowered by."""

    table = "credit_notes"
    merchant: str
    invoice: int
    number: int
    amount: int
    currency: str


class Payment(Agreement, frozen=True):
    """What was paid and can be refunded: `kind` transfer, capture, settlement or deposit. A transfer or deposit gets
    its row with its first refund. `payer` None: it came over the `rail`. `allocations` is JSON: allocations.Allocation;
    `reversed_by` is the entry that took all of it back: a reversal, or the return of a deposit."""

    table = "payments"
    kind: str
    payer: str | None
    payee: str
    amount: int
    currency: str
    rail: str | None = None
    fee: int = 0
    fee_tax: int = 0
    tax_code: str | None = None
    on_refund: str = "keep"
    allocations: str | None = None
    refunded: int = 0
    fee_returned: int = 0
    fee_tax_returned: int = 0
    reversed_by: int | None = None


class Refund(Agreement, frozen=True):
    """Money given back of the payment `of`, or of a suspense item: to a party's wallet, which succeeds at once, or back
    over a rail. `state`: requested, succeeded, failed. `of_kind` is that of the payment, or suspense."""

    table = "refunds"
    of: int
    of_kind: str
    party: str | None
    to: str | None
    rail: str | None
    amount: int
    currency: str
    fee_returned: int
    fee_tax_returned: int
    state: str
    allocations: str | None = None
    credit_note: int | None = None
    rail_reference: str | None = None


class Payout(Agreement, frozen=True):
    """Money on its way out to its owner. `state`: requested, in_transit, paid, failed, returned; so much of it came
    back as is `returned`. It pays what the wallet came to after the entry `after_entry`, the payout before."""

    table = "payouts"
    party: str
    amount: int
    currency: str
    rail: str
    state: str
    after_entry: int
    rail_reference: str | None = None
    returned: int = 0


class OutsideMove(Agreement, frozen=True):
    """A movement outside of the parties' money, which has a reference of the bank's or rail's own that books once.
    `kind`: rail.settle, rail.prefund, bank.move; `state`: posted, reversed."""

    table = "outside_moves"
    kind: str
    rail: str | None
    bank: str
    to_bank: str | None
    amount: int
    fee: int
    currency: str
    reference: str
    state: str


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
    ChatEntry,
    Deposit,
    SuspenseItem,
    Receivable,
    Hold,
    PaymentRequest,
    Split,
    Claim,
    Invoice,
    InvoiceNumbers,
    CreditNote,
    Payment,
    Refund,
    Payout,
    OutsideMove,
)
AGREEMENTS: dict[str, type[Agreement]] = {kind.table: kind for kind in ROW_TYPES if issubclass(kind, Agreement)}
"""Those whose rows stand in the entries, by their table."""
