"""What the OpenAPI document says of each route beyond the table of routes: its name, its noun, what the books may
answer, and an example that a reader can send. A test holds this table and the routes together."""

from ledger.http import described
from ledger.http.words import Operation

NOUNS = {
    "Ledger": "One messenger's books: its name, the time zone of its accounting dates, the currencies it uses.",
    "Rails and banks": "Where money comes from and goes to: outside payment systems, and the bank accounts they pay "
    "out to.",
    "Parties": "People and merchants, under the messenger's own ids.",
    "Keys": "What parties sign intents with, what backends sign requests with, and API keys.",
    "Aliases": "Other names of a party, such as a phone number; they can move from one party to another.",
    "Deposits": "Money that arrived over a rail. It is here, so it is never refused: what cannot be credited waits in "
    "suspense.",
    "Suspense": "Money that arrived and belongs to someone not yet known.",
    "Transfers": "A party pays another, inside the books.",
    **described.SECTIONS,
    "Accounts": "What each owner has, now or at any past moment, and how it came about.",
    "Entries": "Everything that ever happened, in its one order: the feed to follow.",
    "Log": "The proof that nothing was changed: the entries are the leaves of a Merkle tree whose root is signed. "
    "What anybody may read stands below `/log`, as files to mirror.",
    "Requests": "What became of a request, by its key.",
    "Reports": "What finance reads.",
    "Service": "Whether it works, and what describes it. None of these needs credentials.",
}

PUBLIC_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
SIGNATURE = "hgyY0il+MGCjP0JzlnLWG1PPOt7+09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr/MuM0KAg=="

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
    "GET /v1/banks/{bank}": Operation("showBank", "Rails and banks"),
    "POST /v1/rails": Operation(
        "registerRail",
        "Rails and banks",
        ("not_found", "already_exists"),
        {"id": "sepa", "settles_to": "house-bank"},
    ),
    "GET /v1/rails": Operation("listRails", "Rails and banks"),
    "GET /v1/rails/{rail}": Operation("showRail", "Rails and banks", ("rail_unknown",)),
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
    "PUT /v1/parties/{party}/policy": Operation(
        "setPolicy",
        "Parties",
        ("party_unknown", "party_not_open", "intent_required", "intent_invalid"),
        {"intents": "always"},
        {"intents": "always", "above": None},
    ),
    "POST /v1/parties/{party}/keys": Operation(
        "registerPartyKey",
        "Keys",
        ("party_unknown", "party_not_open", "key_invalid", "key_in_use", "intent_required", "intent_invalid"),
        {"public_key": PUBLIC_KEY, "proof": SIGNATURE},
    ),
    "GET /v1/parties/{party}/keys": Operation("listPartyKeys", "Keys", ("party_unknown",)),
    "POST /v1/parties/{party}/keys/recover": Operation(
        "recoverParty",
        "Keys",
        ("party_unknown", "party_not_open", "key_invalid", "key_in_use"),
        {"public_key": PUBLIC_KEY, "proof": SIGNATURE},
        {"state": "pending"},
    ),
    "DELETE /v1/parties/{party}/keys/{key_id}": Operation(
        "revokePartyKey",
        "Keys",
        ("party_unknown", "not_found", "already_exists", "intent_required", "intent_invalid"),
        {},
    ),
    "POST /v1/keys": Operation(
        "registerRequestKey",
        "Keys",
        ("key_invalid", "key_in_use", "scope_missing"),
        {"public_key": PUBLIC_KEY, "proof": SIGNATURE, "name": "payments backend", "scopes": ["transfers:write"]},
        {"name": "payments backend"},
    ),
    "GET /v1/keys": Operation("listRequestKeys", "Keys"),
    "DELETE /v1/keys/{key_id}": Operation("revokeRequestKey", "Keys", ("not_found", "already_exists"), {}),
    "POST /v1/api-keys": Operation(
        "createApiKey",
        "Keys",
        ("key_in_use", "scope_missing"),
        {
            "name": "shop backend",
            "digest": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
            "scopes": ["transfers:write"],
            "limits": [{"currency": "EUR", "per_payment": 50_000, "per_day_sum": 1_000_000}],
            "valid_until": "2030-01-01T00:00:00Z",
        },
        {"name": "shop backend"},
    ),
    "GET /v1/api-keys": Operation("listApiKeys", "Keys"),
    "DELETE /v1/api-keys/{id}": Operation("revokeApiKey", "Keys", ("not_found", "already_exists"), {}, {"id": "key_3"}),
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
        ("rail_unknown", "already_exists", "limit_exceeded", "balance_overflow"),
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
        ("already_reversed", "refund_not_open", "limit_exceeded", "balance_overflow"),
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
            "limit_exceeded",
            "insufficient_funds",
            "balance_overflow",
            "intent_required",
            "intent_invalid",
            "intent_mismatch",
            "intent_already_used",
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
        ("too_many_items", "intent_invalid", "idempotency_key_reused", "overloaded", "outcome_unknown"),
        {
            "transfers": [
                {"key": "payroll-11-alice", "from": "shop", "to": "alice", "amount": 180_000, "currency": "EUR"},
                {"key": "payroll-11-bob", "from": "shop", "to": "bob", "amount": 165_000, "currency": "EUR"},
            ]
        },
    ),
    "GET /v1/transfers/{transfer}": Operation("showTransfer", "Transfers"),
    **described.OPERATIONS,
    "GET /v1/suspense": Operation("listSuspense", "Suspense"),
    "GET /v1/requests/{key}": Operation("showRequest", "Requests"),
    "GET /v1/entries": Operation("listEntries", "Entries"),
    "GET /v1/entries/{number}": Operation("showEntry", "Entries"),
    "GET /v1/accounts": Operation("listAccounts", "Accounts"),
    "GET /v1/accounts/{owner}/{role}/{currency}": Operation(
        "showAccount", "Accounts", ("party_unknown", "rail_unknown")
    ),
    "GET /v1/accounts/{owner}/{role}/{currency}/statement": Operation(
        "showStatement", "Accounts", ("party_unknown", "rail_unknown")
    ),
    "GET /v1/reports/trial-balance": Operation("showTrialBalance", "Reports"),
    "GET /v1/log/checkpoint": Operation("showCheckpoint", "Log"),
    "GET /v1/log/vkey": Operation("showVerifierKeys", "Log"),
    "GET /v1/log/proofs/inclusion": Operation("proveInclusion", "Log"),
    "GET /v1/log/proofs/consistency": Operation("proveConsistency", "Log"),
    "GET /v1/entries/{number}/receipt": Operation("showReceipt", "Log"),
    "GET /log/{ledger}/checkpoint": Operation("showPublicCheckpoint", "Log", ("unavailable",)),
    "GET /log/{ledger}/tile/entries/{bundle}": Operation("showBundle", "Log"),
    "GET /log/{ledger}/tile/{tile}": Operation("showTile", "Log", ("unavailable",)),
    "GET /.well-known/jwks.json": Operation("showKeySet", "Log", ("unavailable",)),
    "GET /healthz": Operation("showAlive", "Service"),
    "GET /readyz": Operation("showReady", "Service", ("unavailable",)),
    "GET /metrics": Operation("showMetrics", "Service"),
    "GET /openapi.json": Operation("showDocument", "Service"),
    "GET /docs": Operation("showDocs", "Service"),
    "GET /problems": Operation("listProblems", "Service"),
    "GET /problems/{code}": Operation("showProblem", "Service"),
    "GET /": Operation("home", "Service"),
}
