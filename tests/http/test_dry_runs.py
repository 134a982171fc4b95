"""Dry runs: whatever is tried, no id is answered that the next entry would have."""

import re
from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args

import msgspec
import pytest

from ledger.http.app import ROUTES
from ledger.http.routes import Answer
from ledger.http.schemas import structs_in
from tests.harness import Client, Superuser, new_key
from tests.http.things import LINES, Things
from tests.http.wire import problem_of

AMOUNT = {"amount": 3, "currency": "EUR"}
TRIES: dict[str, dict[str, Any]] = {
    "/v1/transfers": AMOUNT,
    "/v1/deposits": AMOUNT | {"rail": "test"},
    "/v1/holds": AMOUNT,
    "/v1/holds/{hold}/capture": {},
    "/v1/holds/{hold}/increase": {"amount": 1},
    "/v1/holds/{hold}/void": {},
    "/v1/payment-requests": AMOUNT,
    "/v1/payment-requests/{payment_request}/pay": {},
    "/v1/payment-requests/{payment_request}/decline": {},
    "/v1/splits": {"currency": "EUR", "total": 10},
    "/v1/splits/{split}/cancel": {},
    "/v1/splits/{split}/shares/{payer}/waive": {},
    "/v1/invoices": {"currency": "EUR", "lines": LINES},
    "/v1/invoices/{invoice}/finalize": {},
    "/v1/invoices/{invoice}/void": {},
    "/v1/invoices/{invoice}/settle": {"amount": 3},
    "/v1/invoices/{invoice}/credit-notes": {"amount": 3, "reason": "cold"},
    "/v1/settlements": AMOUNT,
    "/v1/settlements/{settlement}/reallocate": {},
    "/v1/refunds": {"reason": "cold"},
    "/v1/refunds/{refund}/failed": {},
    "/v1/payouts": AMOUNT | {"rail": "test", "destination": "x"},
    "/v1/payouts/{payout}/paid": {},
    "/v1/payouts/{payout}/returned": {},
    "/v1/suspense/{suspense}/allocate": {},
    "/v1/suspense/{suspense}/return": {},
    "/v1/rails/test/settle": AMOUNT | {"bank": "test"},
    "/v1/entries/{number}/reverse": {"reason": "wrong"},
}
SAYS: dict[str, tuple[str, ...]] = {
    "/v1/deposits": ("invoice",),
    "/v1/invoices": ("merchant", "customer", "external_ref"),
    "/v1/invoices/{invoice}/settle": ("payer",),
    "/v1/settlements": ("payer", "merchant", "allocations"),
    "/v1/settlements/{settlement}/reallocate": ("allocations",),
    "/v1/refunds": ("of",),
    "/v1/payouts": ("party",),
    "/v1/suspense/{suspense}/allocate": ("invoice",),
}
"""What of the things that a path names stands in the body."""


def ids_of(value: Any, number: int) -> Iterator[str]:
    """Whatever in an answer looks like an id of what an entry makes."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from (f"{name}: {found}" for found in ids_of(each, number))
    elif isinstance(value, list):
        for each in value:
            yield from ids_of(each, number)
    elif isinstance(value, str) and re.fullmatch(rf"[a-z_]+_{number}(_[0-9]+)?", value):
        yield value


def between_two(client: Client, path: str) -> dict[str, Any]:
    """The parties of what is new, where no things go with it."""
    payer, payee = client.funded(100), client.party()
    if path == "/v1/payment-requests":
        return {"payer": payer, "payee": payee}
    if path == "/v1/splits":
        return {"payee": payee, "shares": [{"payer": payer}, {"payer": payee}]}
    if path == "/v1/rails/test/settle":
        return {"reference": new_key()}
    if path == "/v1/deposits":
        return {"rail_reference": new_key()}
    return {"from": payer, "to": payee}


@pytest.mark.parametrize("path", TRIES)
def test_a_dry_run_answers_no_id_that_is_not_there(client: Client, superuser: Superuser, path: str) -> None:
    things = Things(client)
    names = things.invoice() if path == "/v1/deposits" else things.made_for("POST", path)
    body = TRIES[path] | {name: names[name] for name in SAYS.get(path, ())}
    if path in ("/v1/transfers", "/v1/deposits", "/v1/holds", "/v1/payment-requests", "/v1/splits") or "rails" in path:
        body |= between_two(client, path)
    real = re.sub(r"{(\w+)}", lambda found: names[found[1]], path)
    before = superuser.head()
    tried = client.post(real, body, dry_run=True)
    assert tried.is_success, problem_of(tried)
    assert before == superuser.head()
    assert [] == [*ids_of(tried.json(), before[1] + 1)]
    assert tried.json()["entry"] is None
    done = client.post(real, body)
    assert (tried.status_code, before[1] + 1) == (done.status_code, done.json()["entry"])


def test_what_only_a_real_write_has_can_be_null_and_is_so_of_what_inherits_it() -> None:
    answers = {struct for route in ROUTES for struct in structs_in(route.answers) if issubclass(struct, Answer)}
    assert answers
    for struct in answers:
        types = {field.name: field.type for field in msgspec.structs.fields(struct)}
        assert all(NoneType in get_args(types[name]) for name in ("entry", *struct.new)), struct
        assert {name for base in struct.__mro__ for name in getattr(base, "new", ())} == {*struct.new}, struct
