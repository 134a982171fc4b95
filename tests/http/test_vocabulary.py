"""One word for one thing: what Python, Postgres and the OpenAPI document call it."""

import re
import typing
from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from ledger.books.database import SCHEMA_VERSION
from ledger.core.chart import ROLES
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.entries import BODY_BYTES_MAX
from ledger.core.errors import FAMILY_OF
from ledger.core.fees import FeeSchedule
from ledger.core.keys import PURPOSES
from ledger.core.kinds import COMMANDS
from ledger.core.money import AMOUNT_MAX
from ledger.core.parties import STATE_OF_MODE, CreateParty, FreezeParty
from ledger.core.party_keys import SetPolicy
from ledger.core.payments import PAYMENT_KINDS
from ledger.core.rails import RegisterBank
from ledger.core.rows import ROW_TYPES, Agreement, Row
from ledger.http.app import ROUTES
from ledger.http.deposits import DepositAnswer
from ledger.http.openapi import document
from ledger.http.parties import PartyAnswer, PartyStateAnswer
from tests.core.stories import deposit, do, new_books
from tests.harness import Superuser

DOCUMENT = document(ROUTES, "https://ledger.example")
SCHEMAS = DOCUMENT["components"]["schemas"]
TABLE_OF = {row_type.table: row_type for row_type in ROW_TYPES}
POSTGRES_TYPE: dict[Any, str] = {
    str: "text",
    str | None: "text",
    int: "bigint",
    int | None: "bigint",
    bool: "boolean",
    bytes: "bytea",
    bytes | None: "bytea",
    datetime: "timestamp with time zone",
    datetime | None: "timestamp with time zone",
    list[str]: "text[]",
    date: "date",
    date | None: "date",
}
CLAIM = re.compile(r"_(is|are|has|books|within|moves|names|settles|opens|counts|ends|pays|count|takes)_")


def in_python(struct: type[msgspec.Struct], field: str) -> set[str]:
    """The words of a Literal."""
    return set(typing.get_args(typing.get_type_hints(struct)[field]))


def in_openapi(schema: str, field: str) -> set[str]:
    """The words of an enum."""
    return set(SCHEMAS[schema]["properties"][field]["enum"])


def checked(superuser: Superuser, constraint: str) -> str:
    """The SQL of a constraint."""
    query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1"
    return str(superuser.value(query, constraint))


def in_postgres(superuser: Superuser, constraint: str) -> set[str]:
    """The words that a CHECK constraint quotes."""
    return set(re.findall(r"'([^']*)'", checked(superuser, constraint)))


def test_a_partys_states_are_called_the_same_everywhere(superuser: Superuser) -> None:
    states = in_postgres(superuser, "party_state_is_known")
    assert {"open", "debits_frozen", "frozen", "closed"} == states
    assert states == in_python(PartyAnswer, "state") == in_python(PartyStateAnswer, "state")
    assert states == in_openapi("PartyAnswer", "state") == in_openapi("PartyStateAnswer", "state")
    assert states > set(STATE_OF_MODE.values())


def test_the_modes_of_a_freeze_are_called_the_same_everywhere() -> None:
    assert set(STATE_OF_MODE) == in_python(FreezeParty, "mode") == in_openapi("FreezePartyBody", "mode")


def test_a_partys_kinds_are_called_the_same_everywhere(superuser: Superuser) -> None:
    kinds = in_postgres(superuser, "party_kind_is_known")
    assert {"person", "merchant"} == kinds
    assert kinds == in_python(CreateParty, "party_kind") == in_python(PartyAnswer, "kind")
    assert kinds == in_openapi("CreateParty", "kind") == in_openapi("PartyAnswer", "kind")


def test_what_a_policy_says_is_called_the_same_everywhere(superuser: Superuser) -> None:
    intents = in_postgres(superuser, "party_intents_are_known")
    assert {"never", "above", "always"} == intents
    assert intents == in_python(SetPolicy, "intents") == in_openapi("SetPolicyBody", "intents")


def test_whether_requests_are_signed_is_called_the_same_everywhere(superuser: Superuser) -> None:
    words = in_postgres(superuser, "settings_request_signatures_are_known")
    assert {"optional", "required"} == words == in_openapi("LedgerAnswer", "request_signatures")


def test_a_public_keys_purposes_are_called_the_same_everywhere(superuser: Superuser) -> None:
    assert set(PURPOSES) == in_postgres(superuser, "public_key_purpose_is_known")


def test_a_banks_purposes_are_called_the_same_everywhere(superuser: Superuser) -> None:
    purposes = in_postgres(superuser, "bank_purpose_is_known")
    assert {"safeguarded", "own"} == purposes
    assert purposes == in_python(RegisterBank, "purpose") == in_openapi("RegisterBank", "purpose")


def test_what_becomes_of_money_that_arrived_is_called_the_same_everywhere(superuser: Superuser) -> None:
    books = new_books()
    made = [do(books, deposit()), do(books, deposit(to=None, rail_reference="other"))]
    made += [do(books, ReturnDeposit(deposit=f"deposit_{entry.number}", reason="recall")) for entry in tuple(made)]
    rows: list[Any] = [row for entry in made for row in entry.rows]
    seen = {table: {row.state for row in rows if row.table == table} for table in ("deposits", "suspense_items")}
    assert seen["deposits"] == in_postgres(superuser, "deposit_state_is_known")
    assert seen["deposits"] == in_python(DepositAnswer, "state") == in_openapi("DepositAnswer", "state")
    assert seen["suspense_items"] == in_postgres(superuser, "suspense_state_is_known")
    assert seen["suspense_items"] >= in_openapi("SuspenseItemAnswer", "state")


STATES = {
    "hold": ("/v1/holds", "HoldAnswer", "HoldAfterAnswer"),
    "request": ("/v1/payment-requests", "PaymentRequestAnswer", "PaymentRequestAfterAnswer", "SplitShareAnswer"),
    "split": ("/v1/splits", "SplitAnswer", "SplitAfterAnswer"),
    "invoice": ("/v1/invoices", "InvoiceAnswer", "InvoiceAfterAnswer"),
    "refund": ("/v1/refunds", "RefundAnswer", "RefundAfterAnswer"),
    "payout": ("/v1/payouts", "PayoutAnswer", "PayoutAfterAnswer"),
    "deposit": ("/v1/deposits", "DepositAnswer"),
    "party": ("/v1/parties", "PartyAnswer"),
}
"""By the word in the constraint's name: the list that can be asked for a state, and the answers that have one."""


@pytest.mark.parametrize("noun", STATES)
def test_an_agreements_states_are_called_the_same_everywhere(noun: str, superuser: Superuser) -> None:
    states = in_postgres(superuser, f"{noun}_state_is_known")
    path, *answers = STATES[noun]
    (asked,) = (each for each in DOCUMENT["paths"][path]["get"]["parameters"] if each.get("name") == "state")
    assert states == set(asked["schema"]["enum"])
    for answer in answers:
        assert states == in_openapi(answer, "state")


def test_what_becomes_of_a_transfer_to_nobody_is_called_the_same_everywhere(superuser: Superuser) -> None:
    assert in_postgres(superuser, "claim_state_is_known") | {"posted"} == in_openapi("TransferAnswer", "status")


def test_whether_a_fee_goes_back_is_called_the_same_everywhere(superuser: Superuser) -> None:
    words = in_postgres(superuser, "payment_on_refund_is_known")
    assert (
        {"keep", "proportional"}
        == words
        == in_python(FeeSchedule, "on_refund")
        == in_openapi("SetFeesBody", "on_refund")
    )


def test_what_can_be_refunded_is_called_the_same_everywhere(superuser: Superuser) -> None:
    kinds = in_postgres(superuser, "payment_kind_is_known")
    assert {*PAYMENT_KINDS} == kinds
    assert kinds | {"suspense"} == in_postgres(superuser, "refund_of_kind_is_known")


def test_the_moves_outside_are_kinds_of_entries(superuser: Superuser) -> None:
    assert in_postgres(superuser, "outside_move_kind_is_known") <= COMMANDS.keys()


def test_the_database_knows_the_charts_roles_and_which_may_not_be_below_zero(superuser: Superuser) -> None:
    assert set(ROLES) == in_postgres(superuser, "account_role_is_in_the_chart")
    strict = {name: role for name, role in ROLES.items() if not role.may_go_below_zero}
    liabilities = in_postgres(superuser, "account_liability_is_not_below_zero")
    assets = in_postgres(superuser, "account_asset_is_not_below_zero")
    assert {name for name, role in strict.items() if role.sign == 1} == liabilities
    assert {name for name, role in strict.items() if role.sign == -1} == assets


def test_the_document_lists_every_code_of_a_problem() -> None:
    assert set(FAMILY_OF) == in_openapi("ProblemDetails", "code")


def test_an_amount_and_a_balance_have_the_same_limits_everywhere(superuser: Superuser) -> None:
    assert f"'{AMOUNT_MAX}'::bigint" in checked(superuser, "posting_amount_is_positive")
    balance = checked(superuser, "account_balance_is_exact_in_json")
    assert f"'-{AMOUNT_MAX}'::bigint" in balance
    assert f"'{AMOUNT_MAX}'::bigint" in balance
    assert (1, AMOUNT_MAX) == (SCHEMAS["Amount"]["minimum"], SCHEMAS["Amount"]["maximum"])


def test_the_database_takes_a_body_as_long_as_we_write_it(superuser: Superuser) -> None:
    assert f"<= {BODY_BYTES_MAX}" in checked(superuser, "entry_body_is_bounded")


def test_the_schema_has_the_version_that_we_look_for(superuser: Superuser) -> None:
    assert [(SCHEMA_VERSION,)] == [tuple(row) for row in superuser.rows("SELECT version FROM schema_version")]


@pytest.mark.parametrize("table", TABLE_OF)
def test_a_rows_fields_are_its_tables_columns_in_their_order(superuser: Superuser, table: str) -> None:
    query = """
        SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute
        WHERE attrelid = ('ledger.' || $1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
    """
    columns = [(row["attname"], row["type"]) for row in superuser.rows(query, table)]
    assert ("ledger_id", "integer") == columns[0]
    assert columns[1:] == [(field.name, POSTGRES_TYPE[field.type]) for field in msgspec.structs.fields(TABLE_OF[table])]


@pytest.mark.parametrize("table", TABLE_OF)
def test_a_rows_key_is_its_tables_primary_key(superuser: Superuser, table: str) -> None:
    query = """
        SELECT a.attname FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
        JOIN pg_attribute a ON a.attnum = k.attnum
        WHERE c.conrelid = ('ledger.' || $1)::regclass AND c.contype = 'p' AND a.attrelid = c.conrelid ORDER BY k.n
    """
    assert ["ledger_id", *TABLE_OF[table].unique] == [row["attname"] for row in superuser.rows(query, table)]


def test_the_commit_takes_each_kind_of_row_in_the_order_in_which_we_send_them(superuser: Superuser) -> None:
    names = superuser.value("SELECT proargnames FROM pg_proc WHERE oid = 'ledger.commit'::regproc")
    taken = [name.removeprefix("new_") for name in names if name.startswith("new_")]
    assert ["root", "frontier", "refusals", *(row_type.table for row_type in ROW_TYPES)] == taken


def test_every_row_type_is_a_row() -> None:
    assert set(ROW_TYPES) == {*Row.__subclasses__(), *Agreement.__subclasses__()} - {Agreement}


def test_every_constraint_is_named_as_the_claim_it_makes(superuser: Superuser) -> None:
    query = "SELECT conname FROM pg_constraint WHERE connamespace = 'ledger'::regnamespace AND contype <> 'n'"
    names = [row["conname"] for row in superuser.rows(query)]
    assert len(names) > 40
    assert [] == [name for name in names if not CLAIM.search(name)]


def test_every_key_and_index_begins_with_the_ledger(superuser: Superuser) -> None:
    query = """
        SELECT c.relname AS index, t.relname AS "table", a.attname AS first FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE c.relnamespace = 'ledger'::regnamespace
    """
    elsewhere = {row["index"] for row in superuser.rows(query) if row["first"] != "ledger_id"}
    # These find the ledger: by its name, by its log's names, by a key's text or id. And the schema has one version.
    assert {
        "ledger_name_is_unique",
        "ledger_origin_is_unique",
        "epoch_origin_is_unique",
        "public_key_signs_requests_to_one_ledger",
        "api_key_digest_is_unique",
        "schema_version_is_known",
    } == (elsewhere)
