"""What the books refuse: what it costs nothing to be told, what exists already, and where exactly the line is."""

from typing import Any

import pytest

from ledger.core.money import AMOUNT_MAX
from tests.harness import Client, Superuser, new_key
from tests.http.wire import pointers, problem_of

pytestmark = pytest.mark.usefixtures("ann_and_bob")


def body(payer: str = "ann", payee: str = "bob", amount: int = 1, **fields: Any) -> dict[str, Any]:
    return {"from": payer, "to": payee, "amount": amount, "currency": "EUR"} | fields


@pytest.mark.parametrize(
    ("fields", "status", "code", "named"),
    [
        ({"payee": "ann"}, 422, "same_party", []),
        ({"payer": "ghost"}, 404, "party_unknown", ["/from"]),
        ({"payee": "ghost"}, 404, "party_unknown", ["/to"]),
        ({"payee": "alias:phone:+4900000000"}, 404, "party_unknown", ["/to"]),
        ({"to_expected": "cem"}, 409, "alias_moved", ["/to"]),
        ({"amount": AMOUNT_MAX}, 422, "insufficient_funds", []),
        ({"payer": "ghost", "payee": "ghost"}, 404, "party_unknown", ["/from"]),
    ],
)
def test_a_transfer_that_the_books_refuse_moves_nothing(
    client: Client, superuser: Superuser, fields: dict[str, Any], status: int, code: str, named: list[str]
) -> None:
    entries = superuser.head()[1]
    response = client.post("/v1/transfers", body(**fields))
    assert (status, code) == problem_of(response)
    assert named == pointers(response)
    assert not response.json()["retryable"]
    assert entries == superuser.head()[1]


@pytest.mark.parametrize(
    ("action", "fields", "paying", "being_paid", "arriving"),
    [
        (None, {}, 201, 201, "credited"),
        ("freeze", {"mode": "debits"}, 409, 201, "credited"),
        ("freeze", {"mode": "all"}, 409, 409, "suspense"),
        ("unfreeze", {}, 201, 201, "credited"),
        ("close", {}, 409, 409, "suspense"),
    ],
)
def test_whether_a_party_can_pay_and_be_paid_depends_on_its_state(
    client: Client, action: str | None, fields: dict[str, Any], paying: int, being_paid: int, arriving: str
) -> None:
    party = client.party() if action == "close" else client.funded(5)
    if action is not None:
        assert 200 == client.post(f"/v1/parties/{party}/{action}", fields).status_code
    assert paying == client.post("/v1/transfers", body(party, "bob")).status_code
    assert being_paid == client.post("/v1/transfers", body("ann", party)).status_code
    deposit = client.deposit(party, 3)
    assert arriving == deposit["state"]
    assert (None if arriving == "credited" else "party_not_open") == deposit["reason"]
    assert 201 == client.post(f"/v1/deposits/{deposit['id']}/return", {"reason": "recall"}).status_code


def test_funds_one_unit_short_are_refused_and_exactly_enough_are_accepted(client: Client) -> None:
    payer = client.funded(10)
    short = client.post("/v1/transfers", body(payer, amount=11))
    assert (422, "insufficient_funds") == problem_of(short)
    assert "0.01 EUR short" in short.json()["detail"]
    assert {"available": 0} == client.transfer(payer, "bob", 10)["balances"]["from"]


def test_the_largest_amount_is_accepted_where_the_balance_allows_and_one_more_unit_is_not(client: Client) -> None:
    payer, payee = client.funded(AMOUNT_MAX, "INR"), client.party()
    assert AMOUNT_MAX == client.transfer(payer, payee, AMOUNT_MAX, "INR")["balances"]["to"]["available"]
    more = {"to": payee, "amount": 1, "currency": "INR", "rail": "test", "rail_reference": new_key()}
    assert (422, "balance_overflow") == problem_of(client.post("/v1/deposits", more))
    assert AMOUNT_MAX == client.available(payee, "INR")


def test_what_exists_already_is_named_with_the_entry_that_made_it(client: Client) -> None:
    party = client.party()
    made = client.deposit(party, 5, rail_reference="once")
    client.post(f"/v1/parties/{party}/aliases", {"channel": "app", "value": party})
    alias = client.get(f"/v1/aliases/app/{party}").json()
    other = {"amount": 9, "currency": "JPY", "rail": "test", "rail_reference": "once"}
    registered = client.get(f"/v1/parties/{party}").json()["entry"]
    for path, fields, existing in (
        ("/v1/deposits", other, {"id": made["id"], "entry": made["entry"]}),
        ("/v1/parties", {"id": party, "kind": "merchant"}, {"id": party, "entry": registered}),
        ("/v1/rails", {"id": "test", "settles_to": "test"}, {"id": "test", "entry": 4}),
        ("/v1/banks", {"id": "test", "currency": "EUR", "purpose": "own"}, {"id": "test", "entry": 3}),
        (
            "/v1/parties/bob/aliases",
            {"channel": "app", "value": party},
            {"id": f"alias:app:{party}", "entry": alias["entry"]},
        ),
    ):
        response = client.post(path, fields)
        assert (409, "already_exists") == problem_of(response)
        assert existing == response.json()["existing"]


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        ("/v1/deposits", {"amount": 1, "currency": "EUR", "rail": "none", "rail_reference": "r"}, 404, "rail_unknown"),
        ("/v1/rails", {"id": "new", "settles_to": "none"}, 404, "not_found"),
        ("/v1/deposits/deposit_999999/return", {"reason": "recall"}, 404, "not_found"),
        ("/v1/parties/ghost/freeze", {"mode": "all"}, 404, "party_unknown"),
        ("/v1/parties/ann/close", {}, 409, "party_not_empty"),
    ],
)
def test_everything_else_that_is_refused_has_its_code(
    client: Client, path: str, fields: dict[str, Any], status: int, code: str
) -> None:
    assert (status, code) == problem_of(client.post(path, fields))
