"""Returns of deposits on the real service, which has just started and so knows nothing of what became of the money."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ledger.books.checks import run_checks
from tests.harness import Client, Database, Databases, Superuser, serve
from tests.http.wire import problem_of

Ask = Callable[..., Any]
"""A path, a body and the status to expect: the answer of a service that was started for it."""


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A database of each test's own, in order when it ends."""
    made = databases.new()
    yield made
    assert set() == findings(made)
    databases.drop(made)


@pytest.fixture
def ask(database: Database) -> Ask:
    def asked(path: str, body: dict[str, Any] | None = None, status: int = 201, **query: Any) -> Any:
        with serve(database) as served, contextlib.closing(Client(served.base, database.token)) as client:
            answer = client.get(path) if body is None else client.post(path, body, **query)
            assert status == answer.status_code, answer.text
            return answer.json() if status < 400 else problem_of(answer)[1]

    return asked


def findings(database: Database, tampering: str = "") -> set[tuple[str, str]]:
    """What the checks name, once it was tampered with; that is undone."""
    with Superuser(database.url) as superuser:
        superuser.run_script(f"BEGIN; {tampering}")
        found = superuser.wait(run_checks(superuser.connection, 1))
        superuser.run_script("ROLLBACK")
    return {(each.check, each.where) for each in found}


def arrive(ask: Ask, amount: int, reference: str, **fields: Any) -> Any:
    body = {"amount": amount, "currency": "EUR", "rail": "test", "rail_reference": reference}
    return ask("/v1/deposits", body | fields)


def invoice_over(ask: Ask, amount: int) -> str:
    line = {"description": "Tile", "quantity": 1, "unit_amount": amount}
    made = ask("/v1/invoices", {"merchant": "shop", "currency": "EUR", "lines": [line]})
    return str(made["id"])


def balances(ask: Ask, party: str) -> tuple[int, int]:
    """What a party can spend, and what it owes."""
    (found,) = ask(f"/v1/parties/{party}", status=200)["balances"]
    return found["available"], found.get("receivable", 0)


def recall(ask: Ask, deposit: dict[str, Any], status: int = 201, **query: Any) -> Any:
    return ask(f"/v1/deposits/{deposit['id']}/return", {"reason": "recalled by the bank"}, status, **query)


def test_what_went_out_of_suspense_is_recalled_of_whoever_has_it_by_then(ask: Ask) -> None:
    for party, kind in (("ann", "person"), ("bob", "person"), ("shop", "merchant")):
        ask("/v1/parties", {"id": party, "kind": kind})
    deposit = arrive(ask, 1_000, "unknown")
    item = f"suspense_{deposit['entry']}"
    ask(f"/v1/suspense/{item}/allocate", {"to": "ann", "amount": 400})
    invoice = invoice_over(ask, 250)
    settlement = ask(f"/v1/suspense/{item}/allocate", {"invoice": invoice})["settlement"]
    ask("/v1/transfers", {"from": "ann", "to": "bob", "amount": 300, "currency": "EUR"})
    back = ask(f"/v1/suspense/{item}/return", {"amount": 50})
    assert "refund_not_open" == recall(ask, deposit, 409)
    ask(f"/v1/refunds/{back['id']}/paid", {"rail_reference": "back"}, 200)
    tried = recall(ask, deposit, dry_run=True)
    made = recall(ask, deposit)
    assert (950, 300) == (tried["amount"], tried["receivable"]) == (made["amount"], made["receivable"])
    assert ((0, 300), (300, 0), (0, 0)) == tuple(balances(ask, party) for party in ("ann", "bob", "shop"))
    assert "returned" == ask(f"/v1/deposits/{deposit['id']}", status=200)["state"]
    assert (0, "cleared") == tuple(ask(f"/v1/suspense/{item}", status=200)[name] for name in ("remaining", "state"))
    paid = ask(f"/v1/invoices/{invoice}", status=200)
    assert ("paid", 250, 250) == (paid["state"], paid["amount_paid"], paid["amount_refunded"])
    assert 250 == ask(f"/v1/settlements/{settlement}", status=200)["refunded"]
    assert "already_reversed" == recall(ask, deposit, 409)
    assert "already_reversed" == ask("/v1/refunds", {"of": settlement, "reason": "again"}, 409)
    assert "suspense_not_open" == ask(f"/v1/suspense/{item}/allocate", {"to": "ann"}, 409)
    assert "already_exists" == ask(
        "/v1/deposits",
        {"to": "ann", "amount": 1_000, "currency": "EUR", "rail": "test", "rail_reference": "unknown"},
        409,
    )


def test_of_a_deposit_that_was_refunded_in_part_the_rest_is_recalled(ask: Ask, database: Database) -> None:
    ask("/v1/parties", {"id": "ann", "kind": "person"})
    deposit = arrive(ask, 100, "for ann", to="ann")
    first = ask("/v1/refunds", {"of": deposit["id"], "amount": 30, "reason": "too much"})["id"]
    second = ask("/v1/refunds", {"of": deposit["id"], "amount": 20, "reason": "too much"})["id"]
    assert "refund_not_open" == recall(ask, deposit, 409)
    ask(f"/v1/refunds/{first}/paid", {"rail_reference": "back"}, 200)
    assert "refund_not_open" == recall(ask, deposit, 409)
    ask(f"/v1/refunds/{second}/failed", {}, 200)
    assert (70, 0) == balances(ask, "ann")
    made = recall(ask, deposit)
    assert (70, 0) == (made["amount"], made["receivable"])
    assert "already_reversed" == ask("/v1/refunds", {"of": deposit["id"], "reason": "again"}, 409)
    payment = f"payments {deposit['entry']}"
    assert ("refunds", payment) in findings(database, "UPDATE refunds SET amount = 100 WHERE state = 'succeeded'")
    assert ("refunds", payment) in findings(database, "UPDATE payments SET reversed_by = NULL")


def test_a_surplus_that_was_given_out_is_recalled_with_what_the_invoice_got(ask: Ask) -> None:
    for party, kind in (("ann", "person"), ("shop", "merchant")):
        ask("/v1/parties", {"id": party, "kind": kind})
    deposit = arrive(ask, 100, "too much", invoice=invoice_over(ask, 60))
    assert ("credited", 40, None) == (deposit["state"], deposit["surplus"], deposit["surplus_to"])
    ask(f"/v1/suspense/suspense_{deposit['entry']}/allocate", {"to": "ann", "amount": 30})
    refund = ask("/v1/refunds", {"of": deposit["settlement"], "amount": 15, "reason": "cracked"})["id"]
    ask(f"/v1/refunds/{refund}/paid", {"rail_reference": "back"}, 200)
    made = recall(ask, deposit)
    assert (85, 0) == (made["amount"], made["receivable"])
    assert ((0, 0), (0, 0)) == (balances(ask, "ann"), balances(ask, "shop"))
