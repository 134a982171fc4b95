"""What the OpenAPI document says of each route beyond the table of routes: its name, its noun, what the books may
answer, and an example that a reader can send. A test holds this table and the routes together."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Operation(NamedTuple):
    """`problems` are the codes that the rules of this operation can give, beyond what its form implies (openapi.py);
    `example` is a body for it, and `answers` what is particular to its answer, beside the glossary's examples."""

    id: str
    noun: str
    problems: tuple[str, ...] = ()
    example: dict[str, Any] | None = None
    answers: Mapping[str, Any] = MappingProxyType({})


NOUNS = {
    "Ledger": "One messenger's books: its name, the time zone of its accounting dates, the currencies it uses.",
    "Rails and banks": "Where money comes from and goes to: outside payment systems, and the bank accounts they pay "
    "out to.",
    "Parties": "People and merchants, under the messenger's own ids.",
    "Aliases": "Other names of a party, such as a phone number; they can move from one party to another.",
    "Deposits": "Money that arrived over a rail. It is here, so it is never refused: what cannot be credited waits in "
    "suspense.",
    "Suspense": "Money that arrived and belongs to someone not yet known.",
    "Transfers": "A party pays another, inside the books.",
    "Accounts": "What each owner has, now or at any past moment, and how it came about.",
    "Entries": "Everything that ever happened, in its one order: the feed to follow.",
    "Requests": "What became of a request, by its key.",
    "Reports": "What finance reads.",
    "Service": "Whether it works, and what describes it. None of these needs credentials.",
}

OPERATIONS = {
    "PUT /v1/ledger": Operation(
        "setLedger",
        "Ledger",
        example={"time_zone": "Europe/Berlin", "currencies": ["EUR", "INR"]},
        answers={"entry": 42},
    ),
    "GET /v1/ledger": Operation("showLedger", "Ledger"),
    "POST /v1/banks": Operation(
        "registerBank",
        "Rails and banks",
        ("already_exists",),
        {"id": "house-bank", "currency": "EUR", "purpose": "safeguarded", "iban": "DE89370400440532013000"},
    ),
    "GET /v1/banks": Operation("listBanks", "Rails and banks"),
    "POST /v1/rails": Operation(
        "registerRail",
        "Rails and banks",
        ("not_found", "already_exists"),
        {"id": "sepa", "settles_to": "house-bank"},
    ),
    "GET /v1/rails": Operation("listRails", "Rails and banks"),
    "POST /v1/parties": Operation(
        "createParty",
        "Parties",
        ("already_exists",),
        {
            "id": "alice",
            "kind": "person",
            "name": "Alice Example",
            "aliases": [{"channel": "phone", "value": "+4915112345678"}],
        },
    ),
    "GET /v1/parties/{party}": Operation("showParty", "Parties", ("party_unknown",)),
    "POST /v1/parties/{party}/freeze": Operation(
        "freezeParty",
        "Parties",
        ("party_unknown", "party_not_open"),
        {"mode": "debits", "reason": "Reported a stolen phone"},
        {"state": "debits_frozen"},
    ),
    "POST /v1/parties/{party}/unfreeze": Operation("unfreezeParty", "Parties", ("party_unknown", "party_not_open"), {}),
    "POST /v1/parties/{party}/close": Operation(
        "closeParty", "Parties", ("party_unknown", "party_not_open", "party_not_empty"), {}, {"state": "closed"}
    ),
    "POST /v1/parties/{party}/aliases": Operation(
        "addAlias",
        "Aliases",
        ("party_unknown", "not_found", "party_not_open", "already_exists"),
        {"channel": "phone", "value": "+4915187654321", "replaces": "+4915112345678"},
        {"value": "+4915187654321"},
    ),
    "DELETE /v1/parties/{party}/aliases/{channel}/{value}": Operation(
        "removeAlias", "Aliases", ("party_unknown", "not_found", "party_not_open"), {}, {"party": None}
    ),
    "GET /v1/aliases/{channel}/{value}": Operation("showAlias", "Aliases"),
    "POST /v1/deposits": Operation(
        "makeDeposit",
        "Deposits",
        ("rail_unknown", "already_exists", "balance_overflow"),
        {
            "to": "alice",
            "amount": 50_000,
            "currency": "EUR",
            "rail": "sepa",
            "rail_reference": "2026-11-20-000042",
            "occurred_at": "2026-11-20T09:30:00+01:00",
        },
        {"amount": 50_000},
    ),
    "GET /v1/deposits/{deposit}": Operation("showDeposit", "Deposits", answers={"amount": 50_000}),
    "POST /v1/deposits/{deposit}/return": Operation(
        "returnDeposit",
        "Deposits",
        ("already_reversed", "suspense_not_open", "balance_overflow"),
        {"reason": "Recalled by the bank"},
        {"amount": 50_000},
    ),
    "POST /v1/transfers": Operation(
        "transfer",
        "Transfers",
        (
            "party_unknown",
            "same_party",
            "party_not_open",
            "alias_moved",
            "insufficient_funds",
            "balance_overflow",
        ),
        {
            "from": "alice",
            "to": "alias:phone:+4915187654321",
            "amount": 1250,
            "currency": "EUR",
            "memo": "Lunch 🍜",
            "chat": {"conversation": "c-8142", "message": "m-77"},
        },
    ),
    "POST /v1/transfers/batch": Operation(
        "transferBatch",
        "Transfers",
        ("too_many_items", "idempotency_key_reused", "overloaded", "outcome_unknown"),
        {
            "transfers": [
                {"key": "payroll-11-alice", "from": "shop", "to": "alice", "amount": 180_000, "currency": "EUR"},
                {"key": "payroll-11-bob", "from": "shop", "to": "bob", "amount": 165_000, "currency": "EUR"},
            ]
        },
    ),
    "GET /v1/transfers/{transfer}": Operation("showTransfer", "Transfers"),
    "GET /v1/suspense": Operation("listSuspense", "Suspense"),
    "GET /v1/requests/{key}": Operation("showRequest", "Requests"),
    "GET /v1/entries": Operation("listEntries", "Entries"),
    "GET /v1/entries/{number}": Operation("showEntry", "Entries"),
    "GET /v1/accounts/{owner}/{role}/{currency}": Operation(
        "showAccount", "Accounts", ("party_unknown", "rail_unknown")
    ),
    "GET /v1/accounts/{owner}/{role}/{currency}/statement": Operation(
        "showStatement", "Accounts", ("party_unknown", "rail_unknown")
    ),
    "GET /v1/reports/trial-balance": Operation("showTrialBalance", "Reports"),
    "GET /healthz": Operation("showAlive", "Service"),
    "GET /readyz": Operation("showReady", "Service", ("unavailable",)),
    "GET /metrics": Operation("showMetrics", "Service"),
    "GET /openapi.json": Operation("showDocument", "Service"),
    "GET /docs": Operation("showDocs", "Service"),
    "GET /problems": Operation("listProblems", "Service"),
    "GET /problems/{code}": Operation("showProblem", "Service"),
    "GET /": Operation("home", "Service"),
}
