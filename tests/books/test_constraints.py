"""What the rules of agreements refuse, the database refuses too, and names the rule."""

import json

import asyncpg
import pytest

from tests.harness import Superuser

REQUEST = "payment_requests", "ledger_id, entry, changed_by, n, payee, payer, amount, currency, state, paid_by"
CLAIM = "claims", "ledger_id, entry, changed_by, giver, amount, currency, state, expires_at, claimer"


def broken(superuser: Superuser, noun: tuple[str, str], row: str) -> str | None:
    """The constraint that a new row breaks; None if it may be."""
    table, columns = noun
    return refusal_of(superuser, f"INSERT INTO {table} ({columns}) VALUES (1, 900, 901, {row})")


def refusal_of(superuser: Superuser, insert: str) -> str | None:
    """The constraint that an INSERT breaks; None if it may be. What it made does not stay."""
    try:
        superuser.run_script(f"BEGIN; {insert}; ROLLBACK")
    except asyncpg.CheckViolationError as violation:
        superuser.run_script("ROLLBACK")
        return str(violation.constraint_name)
    return None


@pytest.mark.parametrize(
    ("row", "constraint"),
    [
        ("0, 'bob', 'ann', 5, 'EUR', 'open', NULL", None),
        ("0, 'bob', 'ann', 5, 'EUR', 'paid', 901", None),
        ("1, 'bob', 'bob', 5, 'EUR', 'paid', NULL", None),
        ("0, 'bob', 'bob', 5, 'EUR', 'paid', NULL", "request_moves_between_two_parties"),
        ("0, 'bob', 'bob', 5, 'EUR', 'open', NULL", "request_moves_between_two_parties"),
        ("1, 'bob', 'bob', 5, 'EUR', 'open', NULL", "request_moves_between_two_parties"),
        ("0, 'bob', 'ann', 5, 'EUR', 'paid', NULL", "request_is_paid_by_an_entry"),
        ("0, 'bob', 'ann', 5, 'EUR', 'declined', 901", "request_is_paid_by_an_entry"),
        ("1, 'bob', 'bob', 5, 'EUR', 'paid', 901", "request_is_paid_by_an_entry"),
    ],
)
def test_a_request_is_of_two_parties_and_paid_by_an_entry(
    superuser: Superuser, row: str, constraint: str | None
) -> None:
    assert constraint == broken(superuser, REQUEST, row)


@pytest.mark.parametrize(("claimer", "constraint"), [("bob", None), ("ann", "claim_moves_between_two_parties")])
def test_a_claim_is_taken_by_somebody_else_than_its_giver(
    superuser: Superuser, claimer: str, constraint: str | None
) -> None:
    assert constraint == broken(superuser, CLAIM, f"'ann', 5, 'EUR', 'claimed', now(), '{claimer}'")


HONEST: dict[str, dict[str, object]] = {
    "invoices": {
        "merchant": "shop",
        "customer": "ann",
        "currency": "EUR",
        "state": "open",
        "subtotal": 80,
        "tax": 20,
        "total": 100,
        "lines_by": 900,
        "tax_inclusive": False,
        "number": 1,
        "finalized_on": "2026-01-01",
        "paid": 40,
        "credited": 0,
        "refunded": 40,
    },
    "credit_notes": {"merchant": "shop", "invoice": 8, "number": 1, "amount": 5, "currency": "EUR"},
    "payments": {
        "kind": "settlement",
        "payer": "ann",
        "payee": "shop",
        "amount": 9,
        "currency": "EUR",
        "fee": 1,
        "fee_tax": 1,
        "on_refund": "keep",
        "allocations": "[]",
        "refunded": 0,
        "fee_returned": 0,
        "fee_tax_returned": 0,
    },
    "refunds": {
        "of": 8,
        "of_kind": "capture",
        "party": "shop",
        "to": "ann",
        "amount": 9,
        "currency": "EUR",
        "fee_returned": 4,
        "fee_tax_returned": 5,
        "state": "succeeded",
    },
    "claims": {
        "giver": "ann",
        "amount": 5,
        "currency": "EUR",
        "state": "pending_claim",
        "expires_at": "2026-01-01",
        "waits_for": "alias:app:x",
    },
}


@pytest.mark.parametrize(
    ("table", "change", "constraint"),
    [
        *((table, {}, None) for table in HONEST),
        ("invoices", {"customer": "shop"}, "invoice_is_to_somebody_else"),
        ("invoices", {"state": "draft", "paid": 0, "refunded": 0}, "invoice_has_a_number_unless_a_draft"),
        ("invoices", {"number": None, "finalized_on": None}, "invoice_has_a_number_unless_a_draft"),
        ("invoices", {"number": 0}, "invoice_number_is_positive"),
        ("invoices", {"refunded": 41}, "invoice_is_refunded_within_what_was_paid"),
        ("invoices", {"subtotal": -1, "tax": 101}, "invoice_subtotal_is_not_negative"),
        ("invoices", {"subtotal": 101, "tax": -1}, "invoice_tax_is_not_negative"),
        ("credit_notes", {"number": 0}, "credit_note_number_is_positive"),
        ("credit_notes", {"invoice": 900}, "credit_note_is_of_an_invoice_before_it"),
        ("payments", {"payee": "ann"}, "payment_moves_between_two_parties"),
        ("payments", {"allocations": None}, "payment_settles_what_is_allocated"),
        ("payments", {"kind": "capture"}, "payment_settles_what_is_allocated"),
        ("refunds", {"of": 900}, "refund_is_of_what_came_before_it"),
        ("refunds", {"of_kind": "suspense"}, "refund_of_suspense_is_nobodys"),
        ("refunds", {"fee_returned": 5}, "refund_returns_fees_within_its_amount"),
        ("refunds", {"fee_returned": -1}, "refund_returns_fees_within_its_amount"),
        ("refunds", {"allocations": "{}"}, "refund_allocations_are_a_list"),
        ("claims", {"waits_for": "bob"}, "claim_waits_for_is_an_alias"),
    ],
)
def test_the_rules_of_agreements_stand_in_the_database_too(
    superuser: Superuser, table: str, change: dict[str, object], constraint: str | None
) -> None:
    row = json.dumps({"ledger_id": 1, "entry": 900, "changed_by": 901} | HONEST[table] | change)
    insert = f"INSERT INTO {table} SELECT (json_populate_record(NULL::{table}, '{row}')).*"
    assert constraint == refusal_of(superuser, insert)
