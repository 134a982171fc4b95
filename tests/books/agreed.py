"""What is agreed in the small ledger of the tests of the checks, and the ways to tamper with what is kept of it."""

# long: one table.

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ledger.core.charges import SetFees
from ledger.core.chats import Chat
from ledger.core.claims import TakeClaim
from ledger.core.commands import Command
from ledger.core.credit_notes import IssueCreditNote
from ledger.core.deposits import MakeDeposit
from ledger.core.drafts import UpdateInvoice
from ledger.core.fees import FeeSchedule
from ledger.core.holds import CaptureHold, IncreaseHold, PlaceHold, VoidHold
from ledger.core.invoice_lines import Line
from ledger.core.invoices import CreateInvoice, FinalizeInvoice, VoidInvoice
from ledger.core.limits import PartyLimit, SetLimits
from ledger.core.outside_moves import MoveBetweenBanks, PrefundRail, SettleRail
from ledger.core.parties import AliasName, CreateParty
from ledger.core.party_keys import SetPolicy
from ledger.core.payment_requests import CreatePaymentRequest, DeclinePaymentRequest, PayPaymentRequest
from ledger.core.payouts import ConfirmPayout, RequestPayout, ReturnPayout, SubmitPayout
from ledger.core.rails import RegisterBank
from ledger.core.refunds import FailRefund, MakeRefund, PayRefund
from ledger.core.reversals import ReverseEntry
from ledger.core.settings import SetLedger
from ledger.core.settlements import MakeSettlement
from ledger.core.splits import CreateSplit, Share, WaiveShare
from ledger.core.suspense import AllocateSuspense, ReturnSuspense
from ledger.core.transfers import Transfer

GINAS = "alias:phone:+4915112345670"
NOBODYS = "alias:chat:nobody"
TABLE = Chat("table 4", "order")
LINES = [Line("Soup", 2, 450, tax_bps=700), Line("Bread", "1.5", 200, discount=10, tax_bps=700)]
IN_A_MONTH = (datetime.now(UTC) + timedelta(days=30)).isoformat()


def _deposit(to: str | None, amount: int, reference: str, **fields: str) -> MakeDeposit:
    return MakeDeposit(to=to, amount=amount, currency="EUR", rail="test", rail_reference=reference, **fields)


AGREED: dict[int, Command] = {
    39: CreateParty(id="erin", party_kind="person"),
    40: CreateParty(id="fred", party_kind="person"),
    41: CreateParty(id="shop", party_kind="merchant"),
    42: SetFees(
        party="shop", bps=290, fixed=30, tax_code="vat", tax_bps=1900, min=1, max=5000, on_refund="proportional"
    ),
    43: SetLimits(party="erin", currency="EUR", per_day_sum=1_000_000, per_day_count=1000),
    44: SetPolicy(party="shop", intents="never", receivable_allowed=True),
    45: _deposit("erin", 100_000, "for erin"),
    46: _deposit("fred", 10_000, "for fred"),
    47: PlaceHold(from_="erin", to="shop", amount=5000, currency="EUR", memo="table", chat=TABLE),
    48: CaptureHold(hold="hold_47", amount=2000, final=False),
    49: PlaceHold(
        from_="erin",
        to="fred",
        amount=700,
        currency="EUR",
    ),
    50: IncreaseHold(hold="hold_49", amount=50),
    51: PlaceHold(from_="erin", to="fred", amount=600, currency="EUR"),
    52: VoidHold(hold="hold_51"),
    53: CreatePaymentRequest(payee="fred", payer="erin", amount=300, currency="EUR", memo="taxi", chat=TABLE),
    54: PayPaymentRequest(payment_request="payment_request_53"),
    55: CreatePaymentRequest(payee="fred", payer="erin", amount=310, currency="EUR"),
    56: DeclinePaymentRequest(payment_request="payment_request_55"),
    57: CreateSplit(
        payee="fred", currency="EUR", total=1000, shares=[Share("erin"), Share("shop"), Share("fred")], chat=TABLE
    ),
    58: PayPaymentRequest(payment_request="payment_request_57_1"),
    59: CreateSplit(payee="fred", currency="EUR", total=90, shares=[Share("erin", amount=90)]),
    60: WaiveShare(split="split_59", payer="erin"),
    61: Transfer(from_="erin", to=GINAS, amount=200, currency="EUR", if_unknown="hold_for_claim", memo="welcome"),
    62: Transfer(from_="erin", to=NOBODYS, amount=150, currency="EUR", if_unknown="hold_for_claim"),
    63: CreateParty(id="gina", party_kind="person", aliases=[AliasName("phone", "+4915112345670")]),
    64: TakeClaim(transfer="transfer_61"),
    65: RequestPayout(party="fred", amount=400, currency="EUR", rail="test", destination="DE89"),
    66: SubmitPayout(payout="payout_65", rail_reference="out 1"),
    67: RequestPayout(party="fred", amount=500, currency="EUR", rail="test", destination="DE89"),
    68: ConfirmPayout(payout="payout_67", rail_reference="out 2", fee=3),
    69: RequestPayout(party="fred", amount=60, currency="EUR", rail="test", destination="DE89"),
    70: ConfirmPayout(payout="payout_69", rail_reference="out 3"),
    71: ReturnPayout(payout="payout_69", amount=60, fee=2, reason="account closed"),
    72: MakeRefund(of="capture_48", amount=500, reason="too long"),
    73: MakeRefund(of="transfer_54", reason="walked"),
    74: MakeRefund(of="deposit_45", amount=1000, reason="back to the card"),
    75: MakeRefund(of="deposit_45", amount=2000, reason="back to the card"),
    76: PayRefund(refund="refund_75", rail_reference="back 1", fee=1),
    77: MakeRefund(of="deposit_45", amount=100, reason="back to the card"),
    78: FailRefund(refund="refund_77", rail_reference="back 2", reason="card closed"),
    79: RegisterBank(id="second", currency="EUR", purpose="own", iban="DE89370400440532013000"),
    80: SettleRail(rail="test", bank="test", amount=50_000, fee=20, currency="EUR", reference="line 1"),
    81: PrefundRail(rail="test", bank="test", amount=1000, fee=2, currency="EUR", reference="line 2"),
    82: MoveBetweenBanks(bank="test", to="second", amount=300, fee=1, currency="EUR", reference="line 3"),
    83: ReverseEntry(number="81", reason="booked twice"),
    84: CreateInvoice(
        merchant="shop", customer="erin", currency="EUR", lines=LINES, due_at=IN_A_MONTH, external_ref="A-1", chat=TABLE
    ),
    85: CreateInvoice(
        merchant="shop", customer="erin", currency="EUR", lines=LINES, tax_inclusive=True, memo="thanks", finalize=False
    ),
    86: UpdateInvoice(invoice="invoice_85", lines=[Line("Soup", 1, 400)]),
    87: FinalizeInvoice(invoice="invoice_85"),
    88: CreateInvoice(merchant="shop", currency="EUR", lines=LINES, finalize=False),
    89: VoidInvoice(invoice="invoice_88"),
    90: MakeSettlement(payer="erin", merchant="shop", amount=1400, currency="EUR"),
    91: IssueCreditNote(invoice="invoice_84", amount=100, reason="cold soup"),
    92: MakeRefund(of="settlement_90", amount=100, credit_note="credit_note_91", reason="cold soup"),
    93: MakeDeposit(
        payer="erin", invoice="invoice_85", amount=900, currency="EUR", rail="test", rail_reference="for the invoice"
    ),
    94: Transfer(from_="erin", to="fred", amount=70, currency="EUR", chat=Chat("letters")),
    95: ReverseEntry(number="94", reason="a mistake"),
    96: CreateParty(id="shut", party_kind="merchant"),
    97: CreateInvoice(merchant="shut", currency="EUR", lines=[Line("Nothing yet", 1, 5)], finalize=True),
    98: SetLedger(limits=[PartyLimit("EUR", per_payment=10_000_000)], fees=FeeSchedule(bps=1)),
    99: CreatePaymentRequest(payee="fred", payer="gina", amount=5, currency="EUR", expires_at=IN_A_MONTH),
    100: _deposit("dora", 40, "too late"),
    101: _deposit(None, 30, "for nobody"),
    102: AllocateSuspense(suspense="suspense_101", to="fred", amount=10),
    103: ReturnSuspense(suspense="suspense_101", amount=5, reason="nobody knows"),
}
"""The story goes on, to something of each kind of agreement in most of its states; dora is closed by then."""
BY_TILL = max(AGREED) + 1
"""The transfer that the key with limits asks for."""
LAST = 260
"""Transfers of 1 from alice to bob fill the story up: the first subtree of the tree, of 256 entries, is complete."""


class Case(NamedTuple):
    """A way to tamper, and the place that the check must name."""

    check: str
    where: str
    tampering: str


class Sample(NamedTuple):
    """A row of a table: how a check names it, what picks it, a change to it, and the same in the entry that left it so;
    and `others`, what has to differ in a copy beside it."""

    where: str
    row: str
    change: str
    changed_by: int
    said: tuple[str, str]
    others: str = ""

    @property
    def said_too(self) -> str:
        """The change to the entry."""
        old, new = self.said
        return f"UPDATE entries SET body = replace(body, '{old}', '{new}') WHERE number = {self.changed_by}"


FLIPS = {
    "bytea": "set_byte({0}, 0, get_byte({0}, 0) # 1)",
    "text": "overlay({0} placing chr(ascii(substr({0}, length({0}) / 2 + 1, 1)) # 1) from length({0}) / 2 + 1 for 1)",
    "boolean": "NOT {0}",
    "integer": "{0} # 1024",
    "bigint": "{0} # 1024",
    "smallint": "{0} # 64",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "date": "{0} + 1",
    "ARRAY": "array_append({0}[2:], 'x' || coalesce({0}[1], ''))",
}
"""How one bit of a value of each type is changed, or as little as the type has."""
_ANY = {"text": "'x'", "bigint": "1", "timestamp with time zone": "now()", "date": "now()::date"}
NO_CONSTRAINTS = """
    DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
                 WHERE connamespace = 'ledger'::regnamespace AND contype IN ('c', 'f')
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.of, c.conname); END LOOP;
    END $$
"""
"""Drop the constraints, as a superuser can: they would find much before any check."""


def flip(column: str, kind: str) -> str:
    """The SQL that sets a column of a type to another value, also where there is none."""
    return f"{quoted(column)} = coalesce({FLIPS[kind].format(quoted(column))}, {_ANY.get(kind, 'NULL')})"


def quoted(column: str) -> str:
    """A column's name in SQL; one of ours is a word of it."""
    return f'"{column}"'


SAMPLES = {
    "parties": Sample(
        "parties of entry 41",
        "id = 'shop'",
        "state = 'frozen'",
        44,
        ('"state":"open"', '"state":"frozen"'),
        ', "id": "zoe"',
    ),
    "deposits": Sample(
        "deposits 45",
        "entry = 45",
        "amount = 100001",
        45,
        ('"amount":100000', '"amount":100001'),
        ', "rail_reference": "x"',
    ),
    "suspense_items": Sample(
        "suspense_items 100", "entry = 100", "party = 'erin'", 100, ('"party":"dora"', '"party":"erin"')
    ),
    "receivables": Sample(
        "receivables of entry 13", "entry = 13", "remaining = 79", 13, ('"remaining":80', '"remaining":79')
    ),
    "holds": Sample("holds 47", "entry = 47", "captured = 2001", 48, ('"captured":2000', '"captured":2001')),
    "payment_requests": Sample(
        "payment_requests 57 1", "entry = 57 AND n = 1", "paid_by = 59", 58, ('"paid_by":58', '"paid_by":59')
    ),
    "splits": Sample("splits 57", "entry = 57", "outstanding = 2", 58, ('"outstanding":1', '"outstanding":2')),
    "claims": Sample("claims 62", "entry = 62", "amount = 151", 62, ('"amount":150', '"amount":151')),
    "invoices": Sample(
        "invoices 84",
        "entry = 84",
        "paid = 1272",
        92,
        ('"paid":1273', '"paid":1272'),
        ', "number": 9, "external_ref": "x"',
    ),
    "invoice_numbers": Sample(
        "invoice_numbers of entry 84",
        "merchant = 'shop'",
        "last = 4",
        91,
        ('"last":3', '"last":4'),
        ', "merchant": "zoe"',
    ),
    "credit_notes": Sample(
        "credit_notes 91", "entry = 91", "amount = 101", 91, ('"amount":100', '"amount":101'), ', "number": 9'
    ),
    "payments": Sample("payments 48", "entry = 48", "refunded = 501", 72, ('"refunded":500', '"refunded":501')),
    "refunds": Sample("refunds 74", "entry = 74", "amount = 1001", 74, ('"amount":1000', '"amount":1001')),
    "payouts": Sample("payouts 65", "entry = 65", "amount = 401", 66, ('"amount":400', '"amount":401')),
    "outside_moves": Sample(
        "outside_moves 81",
        "entry = 81",
        "state = 'posted'",
        83,
        ('"state":"reversed"', '"state":"posted"'),
        ', "reference": "x"',
    ),
}
"""One of each table."""


def _cases(table: str, sample: Sample) -> list[Case]:
    where, row, copied = sample.where, sample.row, '{"entry": 200, "changed_by": 200' + sample.others + "}"
    copy = f"INSERT INTO {table} SELECT (jsonb_populate_record(t, '{copied}')).* FROM {table} t WHERE {row}"
    return [
        Case("agreements", where, f"UPDATE {table} SET {sample.change} WHERE {row}"),
        Case("agreements", where, f"UPDATE {table} SET changed_by = changed_by + 1 WHERE {row}"),
        Case("agreements", where, f"DELETE FROM {table} WHERE {row}"),
        Case("agreements", where, sample.said_too),
        Case("agreements", re.sub(r"\b\d\d+", "200", where), copy),
        Case("agreements", f"{table} of entry 1000", copy.replace("200", "1000")),
        Case("agreements", f"{table} of entry 0", f"{NO_CONSTRAINTS}; {copy.replace('200', '0')}"),
    ]


def _both(check: str, where: str, table: str) -> Case:
    sample = SAMPLES[table]
    return Case(check, where, f"UPDATE {table} SET {sample.change} WHERE {sample.row}; {sample.said_too}")


ERIN_HELD, ERIN_ESCROW, RAIL_OUTBOUND, NEXT = 9, 13, 15, 19
"""The accounts by number, as the story opens them, and the number that the next one would have."""

SUMS = [
    _both("held", f"account {ERIN_HELD}", "holds"),
    _both("escrow", f"account {ERIN_ESCROW}", "claims"),
    _both("outbound", f"account {RAIL_OUTBOUND}", "payouts"),
    _both("outbound", f"account {RAIL_OUTBOUND}", "refunds"),
    _both("receivables", "account 6", "receivables"),
    _both("refunds", "payments 48", "payments"),
    _both("refunds", "payments 45", "refunds"),
    _both("invoices", "invoices 84", "invoices"),
    _both("invoices", "invoices 84", "credit_notes"),
    _both("invoice-numbers", "invoice_numbers of entry 84", "invoice_numbers"),
    _both("splits", "splits 57", "splits"),
    Case(
        "suspense",
        "suspense",
        """
        UPDATE suspense_items SET remaining = 14 WHERE entry = 101;
        UPDATE entries SET body = replace(body, '"remaining":15', '"remaining":14') WHERE number = 103
        """,
    ),
    Case(
        "suspense",
        "suspense_items 101",
        r"""
        UPDATE suspense_items SET allocated = replace(allocated, '"amount":10', '"amount":11') WHERE entry = 101;
        UPDATE entries SET body = replace(body, '\"amount\":10', '\"amount\":11') WHERE number = 103
        """,
    ),
]
"""Rows and entries are tampered with alike, so that only the sums contradict."""

MOVED = (
    ("deposits", 45, "amount"),
    ("suspense_items", 100, "amount"),
    ("receivables", 13, "amount"),
    ("claims", 61, "amount"),
    ("payment_requests", 57, "amount"),
    ("payments", 45, "amount"),
    ("payments", 48, "amount"),
    ("payments", 48, "fee"),
    ("payments", 54, "amount"),
    ("payments", 90, "amount"),
    ("payments", 90, "fee_tax"),
    ("refunds", 72, "amount"),
    ("refunds", 74, "amount"),
    ("refunds", 92, "fee_returned"),
    ("payouts", 65, "amount"),
    ("outside_moves", 81, "amount"),
    ("outside_moves", 81, "fee"),
)
"""Amounts that entries have moved."""

AGREEMENT_CASES = [
    *(case for table, sample in SAMPLES.items() for case in _cases(table, sample)),
    *SUMS,
    Case(
        "agreements",
        "holds 47",
        "UPDATE holds SET captured = 0, changed_by = 47 WHERE entry = 47",  # as it was, before the entry that followed
    ),
    Case("agreements", "parties of entry 41", "UPDATE parties SET fees = NULL, changed_by = 41 WHERE id = 'shop'"),
    Case("refunds", "payments 48", "DELETE FROM refunds WHERE entry = 72"),
    Case("refunds", "refunds 73", "DELETE FROM payments WHERE entry = 54"),
    Case("refunds", "payments 94", "UPDATE payments SET reversed_by = NULL WHERE entry = 94"),
    Case("refunds", "payments 48", "UPDATE payments SET refunded = amount, reversed_by = 72 WHERE entry = 48"),
    Case("refunds", "payments 90", "UPDATE payments SET refunded = 0, fee_returned = 0 WHERE entry = 90"),
    Case("refunds", "payments 48", "UPDATE refunds SET state = 'failed', \"to\" = NULL, rail = 'x' WHERE entry = 72"),
    Case("invoices", "invoices 84", "UPDATE payments SET allocations = '[]' WHERE entry = 90"),
    Case("invoice-numbers", "invoice_numbers of entry 84", "UPDATE credit_notes SET number = 2 WHERE entry = 91"),
    Case(
        "invoice-numbers",
        "credit_notes 91",
        "UPDATE credit_notes SET number = 2 WHERE entry = 91; UPDATE invoice_numbers SET last = 2 WHERE entry = 84",
    ),
    Case("invoice-numbers", "invoices 84", "DELETE FROM invoice_numbers WHERE merchant = 'shop'"),
    Case("invoice-numbers", "credit_notes 91", "UPDATE credit_notes SET number = 7 WHERE entry = 91"),
    Case("invoices", "invoices 84", "DELETE FROM settled_invoices"),
    Case("invoices", "settled_invoices 84 48", "INSERT INTO settled_invoices VALUES (1, 84, 48)"),
    Case("invoices", "credit_notes 91", "UPDATE credit_notes SET merchant = 'erin' WHERE entry = 91"),
    Case("invoices", "payments 90", "UPDATE payments SET amount = amount + 1 WHERE entry = 90"),
    Case("invoices", "payments 90", "UPDATE payments SET refunded = refunded + 1 WHERE entry = 90"),
    Case("invoices", "payments 90", "UPDATE payments SET payee = 'fred' WHERE entry = 90"),
    Case("splits", "splits 57", "DELETE FROM payment_requests WHERE entry = 57 AND n = 2"),
    Case("splits", "payment_requests 57 3", "DELETE FROM splits WHERE entry = 57"),
    Case("splits", "splits 57", "UPDATE payment_requests SET amount = amount + 1 WHERE entry = 57 AND n = 2"),
    *(
        Case("amounts", f"{table} {entry}", f"UPDATE {table} SET {column} = {column} + 1 WHERE entry = {entry}")
        for table, entry, column in MOVED
    ),
    Case("amounts", "claims 61", "UPDATE claims SET claimer = 'fred' WHERE entry = 61"),
    Case("amounts", "payments 48", "UPDATE payments SET payee = 'fred' WHERE entry = 48"),
    Case("amounts", "refunds 72", "UPDATE refunds SET \"to\" = 'fred' WHERE entry = 72"),
    Case("claims", "claims 62", "UPDATE claims SET waits_for = 'alias:chat:al' WHERE entry = 62"),
    Case(
        "claims",
        "claims 62",
        """
        UPDATE entries SET private = NULL WHERE number = 62;
        UPDATE claims SET waits_for = 'alias:chat:thief' WHERE entry = 62
        """,
    ),
    Case(
        "claims",
        "claims 62",
        """
        ALTER TABLE claims DROP CONSTRAINT claim_that_is_pending_waits_for_an_alias;
        UPDATE claims SET waits_for = NULL WHERE entry = 62
        """,
    ),
    Case(
        "claims",
        "claims 61",
        f"""
        ALTER TABLE claims DROP CONSTRAINT claim_that_is_pending_waits_for_an_alias;
        UPDATE claims SET waits_for = '{GINAS}' WHERE entry = 61
        """,
    ),
    Case("chats", "entry 47", "UPDATE chats SET conversation = 'table 5' WHERE entry = 47"),
    Case("chats", "entry 47", "DELETE FROM chats WHERE entry = 47"),
    Case("chats", "entry 49", "INSERT INTO chats VALUES (1, 'table 4', 49)"),
    Case("chats", "entry 47", "INSERT INTO chats VALUES (1, 'table 5', 47)"),
    Case("chats", "entry 49", "UPDATE chats SET entry = 49 WHERE entry = 47"),
    Case("chats", "entry 0", "UPDATE chats SET entry = 0 WHERE entry = 47"),
    Case("chats", "entry 1000", "UPDATE chats SET entry = 1000 WHERE entry = 47"),
    Case("chats", "entry 47", "UPDATE entries SET body = replace(body, 'table 4', 'table 5') WHERE number = 47"),
    Case(
        "private-parts", "entry 84", "UPDATE entries SET private = replace(private, 'Soup', 'Fish') WHERE number = 84"
    ),
    Case("private-parts", "entry 84", "UPDATE entries SET private = private::jsonb #- '{lines,0}' WHERE number = 84"),
    Case("private-parts", "entry 84", "UPDATE entries SET private = private::jsonb - 'lines' WHERE number = 84"),
    Case(
        "private-parts", "entry 84", "UPDATE entries SET private = private::jsonb || '{\"lines\":5}' WHERE number = 84"
    ),
    Case(
        "private-parts", "entry 57", "UPDATE entries SET private = replace(private, 'fred', 'gina') WHERE number = 57"
    ),
]
