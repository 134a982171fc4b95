"""Deposits on the real service: what the payer wrote, who that was, and ids that no invoice could have."""

from typing import Any

import pytest

from ledger.books.checks import run_checks
from ledger.books.erasure import entries_of_party, erase_entries, erase_refusals
from tests.harness import Client, Superuser, new_key
from tests.http.wire import pointers, problem_of

WROTE = "John Smith, invoice seventeen"
NO_IDS = ["\0", "a\nb\u202e", "x" * 30_000, "invoice_", "invoice_01", "7"]


def item(client: Client, deposit: dict[str, Any]) -> dict[str, Any]:
    page = client.get("/v1/suspense", limit=500).json()
    found: dict[str, Any] = next(each for each in page["data"] if each["deposit"] == deposit["id"])
    return found


def body_of(superuser: Superuser, entry: int) -> str:
    return str(superuser.value("SELECT body FROM entries WHERE ledger_id = 1 AND number = $1", entry))


@pytest.mark.parametrize("name", NO_IDS)
def test_what_no_invoice_could_be_called_never_comes_into_the_books(client: Client, name: str) -> None:
    party, item_of = client.party(), f"suspense_{client.deposit(None, 5)['entry']}"
    deposit = {"amount": 5, "currency": "EUR", "rail": "test", "rail_reference": new_key()}
    refused = [
        client.post("/v1/deposits", deposit | {"invoice": name, "payer": party, "memo": "hi"}),
        client.post(f"/v1/suspense/{item_of}/allocate", {"invoice": name}),
        client.post("/v1/refunds", {"of": name, "reason": "faulty"}),
        client.post("/v1/refunds", {"of": "transfer_1", "credit_note": name, "reason": "faulty"}),
    ]
    assert [(422, "field_invalid")] * 4 == [problem_of(answer) for answer in refused]
    assert [["/invoice"], ["/invoice"], ["/of"], ["/credit_note"]] == [pointers(answer) for answer in refused]


def test_after_whatever_was_refused_a_party_can_be_erased_and_suspense_be_read(
    client: Client, superuser: Superuser
) -> None:
    party = client.party(name="Ann")
    before = client.deposit(None, 5)
    for name in NO_IDS:
        client.post("/v1/refunds", {"of": name, "reason": "faulty"})
        client.post("/v1/deposits/%00/return", {"reason": "recalled"})
    assert 200 == client.get("/v1/suspense", as_of=before["posted_at"]).status_code
    superuser.value("SELECT set_config('chatledger.ledger_id', '1', false)")
    assert 0 == superuser.wait(erase_refusals(superuser.connection, 1, party))
    assert 1 == len(superuser.wait(entries_of_party(superuser.connection, 1, party)))


def test_what_the_payer_wrote_is_shown_but_not_in_the_log_and_can_be_erased(
    client: Client, superuser: Superuser
) -> None:
    payer, key = client.party(), new_key()
    body = {"amount": 7, "currency": "EUR", "rail": "test", "rail_reference": new_key(), "reference": WROTE}
    made = client.post("/v1/deposits", body | {"payer": payer}, key).json()
    name = f"suspense_{made['entry']}"
    assert ("suspense", WROTE) == (made["state"], made["reference"])
    assert made == client.get(f"/v1/deposits/{made['id']}").json()
    assert (WROTE, payer) == tuple(item(client, made)[field] for field in ("reference", "payer"))
    assert (WROTE, payer) == tuple(client.get(f"/v1/suspense/{name}").json()[field] for field in ("reference", "payer"))
    assert WROTE not in body_of(superuser, made["entry"])
    assert "true" == client.post("/v1/deposits", body | {"payer": payer}, key).headers["idempotency-replayed"]
    other = client.post("/v1/deposits", body | {"payer": payer, "reference": "another"}, key)
    assert (422, "idempotency_key_reused") == problem_of(other)
    assert 1 == superuser.wait(erase_entries(superuser.connection, 1, [made["entry"]]))
    assert client.get(f"/v1/deposits/{made['id']}").json() == made | {"reference": None}
    assert (None, payer) == tuple(item(client, made)[field] for field in ("reference", "payer"))
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_an_alias_that_named_the_payer_is_shown_until_it_is_erased(client: Client, superuser: Superuser) -> None:
    alias = "alias:phone:+4915199999999"
    made = client.deposit(None, 5, payer=alias)
    assert (None, alias) == tuple(item(client, made)[field] for field in ("reference", "payer"))
    assert "+4915199999999" not in body_of(superuser, made["entry"])
    superuser.wait(erase_entries(superuser.connection, 1, [made["entry"]]))
    assert item(client, made)["payer"] is None


def test_what_came_back_from_a_payout_has_neither_payer_nor_reference(client: Client) -> None:
    owner = client.funded(10)
    asked = {"party": owner, "amount": 10, "currency": "EUR", "rail": "test", "destination": "DE89"}
    payout = client.post("/v1/payouts", asked).json()["id"]
    client.post(f"/v1/payouts/{payout}/paid", {"rail_reference": new_key()})
    client.post(f"/v1/parties/{owner}/close", {})
    entry = client.post(f"/v1/payouts/{payout}/returned", {"rail_reference": new_key()}).json()["entry"]
    found = client.get(f"/v1/suspense/suspense_{entry}").json()
    assert (10, None, None) == tuple(found[field] for field in ("remaining", "reference", "payer"))
    listed = client.get("/v1/suspense", limit=500).json()["data"][-1]
    assert (f"suspense_{entry}", None, None) == tuple(listed[field] for field in ("id", "reference", "payer"))


def test_a_creditor_reference_pays_its_invoice_and_stays_readable_in_the_deposit(
    client: Client, superuser: Superuser
) -> None:
    shop = client.party(kind="merchant")
    lines = [{"description": "Tile", "quantity": 1, "unit_amount": 700}]
    invoice = client.post("/v1/invoices", {"merchant": shop, "currency": "EUR", "lines": lines}).json()
    made = client.deposit(None, 700, reference=invoice["reference"])
    assert ("credited", shop, invoice["reference"]) == tuple(made[field] for field in ("state", "to", "reference"))
    assert invoice["reference"] not in body_of(superuser, made["entry"])
