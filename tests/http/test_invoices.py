"""Invoices on the real service: issued, paid in parts from wallets and over rails, lowered, shown and listed."""

import threading
from typing import Any

import pytest

from ledger.books.checks import run_checks
from ledger.core.creditor_references import printed
from tests.harness import Client, Superuser, new_key
from tests.http.wire import problem_of

LINES = [
    {"description": "Call-out", "quantity": 1, "unit_amount": 4_500, "tax_bps": 1_900},
    {"description": "Pipe work, hours", "quantity": "1.5", "unit_amount": 6_000, "tax_bps": 1_900},
]


def issue(client: Client, merchant: str, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/invoices", {"merchant": merchant, "currency": "EUR", "lines": LINES} | fields)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()
    return made


def shown(client: Client, invoice: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/invoices/{invoice['id']}").json()
    return found


def test_an_invoice_is_reckoned_here_and_numbered_without_gaps(client: Client) -> None:
    plumber = client.party(kind="merchant")
    first = issue(client, plumber, external_ref="A-1", memo="Thank you")
    assert (13_500, 2_565, 16_065, 16_065, 1, "open") == tuple(
        first[name] for name in ("subtotal", "tax", "total", "amount_due", "number", "state")
    )
    assert [4_500, 9_000] == [line["amount"] for line in first["lines"]]
    assert [{"tax_bps": 1_900, "base": 13_500, "tax": 2_565}] == first["tax_breakdown"]
    draft = issue(client, plumber, finalize=False)
    assert (None, None, "draft") == (draft["number"], draft["reference"], draft["state"])
    assert (409, "already_exists") == problem_of(
        client.post("/v1/invoices", {"merchant": plumber, "currency": "EUR", "lines": LINES, "external_ref": "A-1"})
    )
    assert 2 == issue(client, plumber)["number"]
    assert 3 == client.post(f"/v1/invoices/{draft['id']}/finalize", {}).json()["number"]
    assert first == shown(client, first)
    assert [first["id"]] == [
        each["id"] for each in client.get("/v1/invoices", reference=printed(first["reference"]).lower()).json()["data"]
    ]


def test_half_is_paid_from_a_wallet_and_the_rest_over_a_rail(client: Client, superuser: Superuser) -> None:
    plumber, alice = client.party(kind="merchant"), client.funded(20_000)
    client.put(f"/v1/parties/{plumber}/fees", {"bps": 290, "fixed": 30, "tax_code": "gst", "tax_bps": 1_800})
    invoice = issue(client, plumber, customer=alice)
    paid = client.post(f"/v1/invoices/{invoice['id']}/settle", {"payer": alice, "amount": 10_000}).json()
    assert (320, 58, 9_622, 6_065, "open") == (
        paid["fee"],
        paid["fee_tax"],
        paid["net"],
        paid["invoice"]["amount_due"],
        paid["invoice"]["state"],
    )
    reference = printed(invoice["reference"]).lower()
    deposit = client.deposit(None, 7_000, reference=reference, payer=alice)
    assert ("credited", plumber, 935, alice) == tuple(
        deposit[name] for name in ("state", "to", "surplus", "surplus_to")
    )
    assert ("paid", 16_065, 0) == tuple(shown(client, invoice)[name] for name in ("state", "amount_paid", "amount_due"))
    assert 10_935 == client.available(alice)
    settlement = client.get(f"/v1/settlements/{deposit['settlement']}").json()
    assert (None, "test", 6_065) == (settlement["payer"], settlement["rail"], settlement["amount"])
    assert (409, "invoice_not_open") == problem_of(
        client.post(f"/v1/invoices/{invoice['id']}/settle", {"payer": alice, "amount": 1})
    )
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_credit_note_lowers_what_is_due_and_beyond_that_opens_what_can_be_refunded(client: Client) -> None:
    plumber, alice = client.party(kind="merchant"), client.funded(20_000)
    invoice = issue(client, plumber, customer=alice)
    path = f"/v1/invoices/{invoice['id']}"
    client.post(f"{path}/settle", {"payer": alice, "amount": 10_000})
    noted = client.post(f"{path}/credit-notes", {"amount": 7_065, "reason": "Scratched a tile"}).json()
    assert (2, "paid", 0, 1_000) == (
        noted["number"],
        noted["invoice"]["state"],
        noted["invoice"]["amount_due"],
        noted["invoice"]["amount_refundable"],
    )
    assert (422, "amount_exceeds_remaining") == problem_of(
        client.post(f"{path}/credit-notes", {"amount": 9_001, "reason": "Again"})
    )
    found = client.get("/v1/credit-notes", invoice=invoice["id"]).json()["data"]
    assert [(noted["id"], invoice["id"])] == [(each["id"], each["invoice"]) for each in found]


@pytest.mark.parametrize(
    "name", ["9" * 25, "invoice_" + "9" * 19, "9" * 5_000, "invoice_" + "9" * 18, "٣", "7", "invoice_x", "", "\0"]
)
def test_credit_notes_of_what_is_no_invoice_are_none(client: Client, name: str) -> None:
    answer = client.get("/v1/credit-notes", invoice=name)
    assert (200, []) == (answer.status_code, answer.json()["data"])


def test_one_payment_pays_several_invoices_the_oldest_due_first_and_is_allocated_anew(
    client: Client, superuser: Superuser
) -> None:
    plumber, alice = client.party(kind="merchant"), client.funded(50_000)
    late = issue(client, plumber, customer=alice, due_at="2030-02-01T00:00:00Z")
    early = issue(client, plumber, customer=alice, due_at="2030-01-01T00:00:00Z")
    body = {"payer": alice, "merchant": plumber, "amount": 20_000, "currency": "EUR"}
    paid = client.post("/v1/settlements", body).json()
    assert [(early["id"], 16_065), (late["id"], 3_935)] == [
        (each["invoice"], each["amount"]) for each in paid["allocations"]
    ]
    anew = [{"invoice": late["id"], "amount": 16_065}, {"invoice": early["id"], "amount": 3_935}]
    moved = client.post(f"/v1/settlements/{paid['id']}/reallocate", {"allocations": anew})
    assert 200 == moved.status_code, moved.text
    assert ("paid", "open") == (shown(client, late)["state"], shown(client, early)["state"])
    assert (422, "amount_exceeds_remaining") == problem_of(client.post("/v1/settlements", body))
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_quantity_that_is_no_whole_number_is_told_to_be_a_string(client: Client) -> None:
    plumber = client.party(kind="merchant")
    line = {"description": "Pipe work", "quantity": 1.5, "unit_amount": 6_000}
    refused = client.post("/v1/invoices", {"merchant": plumber, "currency": "EUR", "lines": [line]})
    assert (422, "field_invalid") == problem_of(refused)
    assert 'a string with up to 3 decimals and above 0, such as "1.5"' in refused.json()["errors"][0]["detail"]


def test_settlements_are_found_by_the_invoices_that_they_pay_now(client: Client, superuser: Superuser) -> None:
    plumber, alice = client.party(kind="merchant"), client.funded(50_000)
    first, second, third = (issue(client, plumber, customer=alice)["id"] for _ in range(3))
    both = [{"invoice": first, "amount": 300}, {"invoice": second, "amount": 700}]
    body = {"payer": alice, "merchant": plumber, "amount": 1_000, "currency": "EUR", "allocations": both}
    paid = client.post("/v1/settlements", body).json()["id"]
    again = client.post(f"/v1/invoices/{first}/settle", {"payer": alice, "amount": 5}).json()["id"]

    def of(invoice: str, **filters: Any) -> list[str]:
        found = client.get("/v1/settlements", invoice=invoice, **filters).json()["data"]
        return [each["id"] for each in found]

    assert ([again, paid], [paid], []) == (of(first), of(second), of(third))
    assert ([paid], []) == (of(second, party=alice), of(second, party=client.party()))
    moved = [{"invoice": second, "amount": 600}, {"invoice": third, "amount": 400}]
    assert 200 == client.post(f"/v1/settlements/{paid}/reallocate", {"allocations": moved}).status_code
    assert ([again], [paid], [paid], []) == (of(first), of(second), of(third), of("invoice_x"))
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_nothing_is_left_open_with_a_closed_customer(client: Client) -> None:
    plumber, alice, carol = client.party(kind="merchant"), client.funded(20_000), client.party()
    of_carol, of_alice = issue(client, plumber, customer=carol), issue(client, plumber, customer=alice)
    draft = issue(client, plumber, finalize=False)
    paid = client.post(f"/v1/invoices/{of_carol['id']}/settle", {"payer": alice}).json()
    assert 200 == client.post(f"/v1/parties/{carol}/close", {}).status_code
    asked = {"merchant": plumber, "customer": carol, "currency": "EUR", "lines": LINES}
    anew = [{"invoice": of_alice["id"], "amount": paid["amount"]}]
    assert [(409, "party_not_open")] * 3 == [
        problem_of(client.post("/v1/invoices", asked)),
        problem_of(client.write("PATCH", f"/v1/invoices/{draft['id']}", {"customer": carol})),
        problem_of(client.post(f"/v1/settlements/{paid['id']}/reallocate", {"allocations": anew})),
    ]


def test_nothing_is_issued_or_paid_in_a_currency_that_is_no_longer_enabled(client: Client) -> None:
    plumber, alice, enabled = client.party(kind="merchant"), client.funded(20_000), client.get("/v1/ledger").json()
    invoice, draft = issue(client, plumber, customer=alice), issue(client, plumber, finalize=False)
    item = f"suspense_{client.deposit(None, 5)['entry']}"
    client.put("/v1/ledger", {"currencies": ["JPY"]})
    answers = [
        client.post(f"/v1/invoices/{invoice['id']}/settle", {"payer": alice}),
        client.post(f"/v1/invoices/{draft['id']}/finalize", {}),
        client.post(f"/v1/suspense/{item}/allocate", {"to": alice}),
        client.post(f"/v1/suspense/{item}/allocate", {"invoice": invoice["id"]}),
    ]
    client.put("/v1/ledger", {"currencies": enabled["currencies"]})
    assert [(422, "currency_invalid")] * 4 == [problem_of(answer) for answer in answers]


def test_two_settlements_of_one_invoice_at_one_instant_never_pay_more_than_is_due(client: Client) -> None:
    plumber, alice = client.party(kind="merchant"), client.funded(100_000)
    invoice = issue(client, plumber)
    answers = []

    def settle() -> None:
        answer = client.post(f"/v1/invoices/{invoice['id']}/settle", {"payer": alice, "amount": 10_000}, new_key())
        answers.append(answer.status_code)

    threads = [threading.Thread(target=settle) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [201, *[422] * 7] == sorted(answers)
    assert 10_000 == shown(client, invoice)["amount_paid"]


def test_a_void_or_unknown_invoice_sends_the_money_to_suspense_with_a_reason(client: Client) -> None:
    plumber = client.party(kind="merchant")
    invoice = issue(client, plumber)
    client.post(f"/v1/invoices/{invoice['id']}/void", {})
    assert ("suspense", "invoice_not_open") == tuple(
        client.deposit(None, 5, invoice=invoice["id"])[name] for name in ("state", "reason")
    )
    assert ("suspense", "invoice_unknown") == tuple(
        client.deposit(None, 5, reference="RF00 1")[name] for name in ("state", "reason")
    )
