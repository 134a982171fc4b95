"""Who may what: every route and its scope, in one table. What is not in it may nobody."""

import contextlib

import httpx
import pytest

from ledger.core.fields import SCOPES
from ledger.http.app import ROUTES
from ledger.http.operations import OPERATIONS
from ledger.http.routes import Route
from ledger.http.schemas import PATH_NAMES
from tests.harness import Client, Served, make_api_key, new_key

PUBLIC = """
    GET / GET /docs GET /openapi.json GET /problems GET /problems/{code} GET /healthz GET /readyz GET /metrics
    GET /.well-known/jwks.json GET /log/{ledger}/checkpoint GET /log/{ledger}/tile/{tile}
"""
SCOPED = {
    "settings:manage": """
        PUT /v1/ledger POST /v1/banks POST /v1/rails PUT /v1/parties/{party}/policy
        PUT /v1/parties/{party}/fees DELETE /v1/parties/{party}/fees PUT /v1/parties/{party}/limits
    """,
    "parties:write": """
        POST /v1/parties POST /v1/parties/{party}/freeze POST /v1/parties/{party}/unfreeze
        POST /v1/parties/{party}/close POST /v1/parties/{party}/aliases
        DELETE /v1/parties/{party}/aliases/{channel}/{value}
    """,
    "transfers:write": """
        POST /v1/transfers POST /v1/transfers/batch
        POST /v1/holds POST /v1/holds/{hold}/capture POST /v1/holds/{hold}/increase POST /v1/holds/{hold}/void
        POST /v1/payment-requests POST /v1/payment-requests/{payment_request}/pay
        POST /v1/payment-requests/{payment_request}/decline POST /v1/payment-requests/{payment_request}/cancel
        POST /v1/splits POST /v1/splits/{split}/cancel POST /v1/splits/{split}/shares/{payer}/waive
    """,
    "deposits:write": """
        POST /v1/deposits POST /v1/deposits/{deposit}/return
        POST /v1/suspense/{suspense}/allocate POST /v1/suspense/{suspense}/return
    """,
    "invoices:write": """
        POST /v1/invoices PATCH /v1/invoices/{invoice} POST /v1/invoices/{invoice}/finalize
        POST /v1/invoices/{invoice}/void POST /v1/invoices/{invoice}/uncollectible
        POST /v1/invoices/{invoice}/credit-notes
    """,
    "invoices:settle": """
        POST /v1/invoices/{invoice}/settle POST /v1/settlements POST /v1/settlements/{settlement}/reallocate
    """,
    "refunds:write": """
        POST /v1/refunds POST /v1/refunds/{refund}/paid POST /v1/refunds/{refund}/failed
    """,
    "journal:adjust": "POST /v1/entries/{number}/reverse",
    "payouts:write": """
        POST /v1/payouts POST /v1/payouts/{payout}/submitted POST /v1/payouts/{payout}/paid
        POST /v1/payouts/{payout}/failed POST /v1/payouts/{payout}/returned
        POST /v1/rails/{rail}/settle POST /v1/rails/{rail}/prefund POST /v1/banks/{bank}/move
    """,
    "keys:manage": """
        POST /v1/parties/{party}/keys DELETE /v1/parties/{party}/keys/{key_id}
        POST /v1/keys GET /v1/keys DELETE /v1/keys/{key_id}
        POST /v1/api-keys GET /v1/api-keys DELETE /v1/api-keys/{id}
    """,
    "keys:recover": "POST /v1/parties/{party}/keys/recover",
    "reports:read": """
        GET /v1/ledger GET /v1/banks GET /v1/banks/{bank} GET /v1/rails GET /v1/rails/{rail}
        GET /v1/suspense GET /v1/suspense/{suspense}
        GET /v1/reports/trial-balance GET /v1/payouts/{payout}/explanation
    """,
    "entries:read": """
        GET /v1/invoices GET /v1/invoices/{invoice} GET /v1/invoices/{invoice}/text GET /v1/invoices/{invoice}/qr
        GET /v1/credit-notes GET /v1/credit-notes/{credit_note} GET /v1/settlements GET /v1/settlements/{settlement}
        GET /v1/holds GET /v1/holds/{hold}
        GET /v1/payment-requests GET /v1/payment-requests/{payment_request} GET /v1/splits GET /v1/splits/{split}
        GET /v1/parties/{party} GET /v1/parties/{party}/keys GET /v1/aliases/{channel}/{value}
        GET /v1/parties GET /v1/deposits GET /v1/transfers
        GET /v1/deposits/{deposit} GET /v1/transfers/{transfer} GET /v1/requests/{key}
        GET /v1/entries GET /v1/entries/{number} GET /v1/entries/{number}/receipt
        GET /v1/accounts GET /v1/accounts/{owner}/{role}/{currency} GET /v1/accounts/{owner}/{role}/{currency}/statement
        GET /v1/refunds GET /v1/refunds/{refund} GET /v1/captures GET /v1/captures/{capture}
        GET /v1/log/checkpoint GET /v1/log/vkey GET /v1/log/proofs/inclusion GET /v1/log/proofs/consistency
        GET /log/{ledger}/tile/entries/{bundle}
        GET /v1/payouts GET /v1/payouts/{payout}
    """,
}


def names(text: str) -> set[str]:
    words = text.split()
    return {f"{method} {path}" for method, path in zip(words[::2], words[1::2], strict=True)}


def ask(client: httpx.Client, route: Route) -> httpx.Response:
    path = route.path
    for name in route.names:
        path = path.replace(f"{{{name}}}", PATH_NAMES[name][1])
    body = OPERATIONS[name_of(route)].example if route.body is not None else None
    return client.request(route.method, path, json=body, headers={"Idempotency-Key": new_key()})


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


CLOSED = [route for route in ROUTES if route.scope is not None]


def test_every_route_has_just_the_scope_of_the_table() -> None:
    table = {scope: names(text) for scope, text in SCOPED.items()} | {None: names(PUBLIC)}
    found: dict[str | None, set[str]] = {}
    for route in ROUTES:
        found.setdefault(route.scope, set()).add(name_of(route))
    assert table == found


@pytest.mark.parametrize("route", CLOSED, ids=name_of)
def test_without_credentials_nothing_is_answered(route: Route, service: Served) -> None:
    with httpx.Client(base_url=service.base, trust_env=False) as nobody:
        answer = ask(nobody, route)
    assert (401, "credentials_missing") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("scope", [*SCOPED])
def test_a_key_with_all_other_scopes_may_not(scope: str, service: Served) -> None:
    token = make_api_key(service.database, *(each for each in SCOPES if each != scope))
    with contextlib.closing(Client(service.base, token)) as client:
        for route in CLOSED:
            answer = ask(client.http, route)
            is_refused = answer.status_code == 403
            assert (route.scope == scope) == is_refused, f"{name_of(route)}: {answer.text}"
            if is_refused:
                assert ("scope_missing", True) == (answer.json()["code"], scope in answer.json()["detail"])
