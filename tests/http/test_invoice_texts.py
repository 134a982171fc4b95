"""Invoices as they are sent in a chat: in words, and as a QR code that banks' applications read."""

import re
from typing import Any

import segno

from ledger.core.creditor_references import printed
from tests.harness import Client
from tests.http.wire import problem_of

IBAN = "DE89370400440532013000"


def issue(client: Client, **fields: Any) -> dict[str, Any]:
    lines = [
        {"description": "Call-out", "quantity": 1, "unit_amount": 4_500, "tax_bps": 1_900},
        {"description": "Pipe work, hours", "quantity": "1.5", "unit_amount": 6_000, "tax_bps": 1_900},
    ]
    answer = client.post("/v1/invoices", {"currency": "EUR", "lines": lines} | fields)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()
    return made


def register_house(client: Client) -> None:
    """The bank that keeps the clients' money."""
    client.post("/v1/banks", {"id": "house", "currency": "EUR", "purpose": "safeguarded", "iban": IBAN})
    client.post("/v1/rails", {"id": "house-sepa", "settles_to": "house"})


def test_an_invoice_names_no_bank_but_a_safeguarded_one_to_which_a_rail_settles(client: Client) -> None:
    own, others = "GB33BUKB20201555555555", "FR1420041010050500013M02606"
    client.post("/v1/banks", {"id": "ours", "currency": "EUR", "purpose": "own", "iban": own})
    client.post("/v1/rails", {"id": "ours-sepa", "settles_to": "ours"})
    client.post("/v1/banks", {"id": "without-a-rail", "currency": "EUR", "purpose": "safeguarded", "iban": others})
    invoice = issue(client, merchant=client.party(kind="merchant"))
    ibans = [line for line in text_of(client, invoice).splitlines() if line.startswith("IBAN: ")]
    assert ibans in ([], [f"IBAN: {printed(IBAN)}"])
    assert client.get(f"/v1/invoices/{invoice['id']}/qr").status_code == (200 if ibans else 404)
    register_house(client)
    assert f"IBAN: {printed(IBAN)}" in text_of(client, invoice)
    assert 200 == client.get(f"/v1/invoices/{invoice['id']}/qr").status_code


def test_the_day_to_pay_by_is_one_of_the_ledgers_time_zone(client: Client) -> None:
    plumber = client.party(kind="merchant")
    zone = client.get("/v1/ledger").json()["time_zone"]
    assert 200 == client.put("/v1/ledger", {"time_zone": "Europe/Berlin"}).status_code
    for due_at, day in (
        ("2026-12-05T00:00:00+01:00", "2026-12-05"),
        ("2026-12-04T22:59:59Z", "2026-12-04"),
        ("9999-12-31T23:59:59Z", "9999-12-31"),
    ):
        assert f"Pay by {day}\n" in text_of(client, issue(client, merchant=plumber, due_at=due_at))
    assert 200 == client.put("/v1/ledger", {"time_zone": zone}).status_code


def text_of(client: Client, invoice: dict[str, Any]) -> str:
    return client.get(f"/v1/invoices/{invoice['id']}/text").text


def test_an_invoice_is_a_message_of_short_lines_that_ends_with_how_to_pay(client: Client) -> None:
    register_house(client)
    plumber = client.party(kind="merchant", name="Pipes & Sons")
    invoice = issue(client, merchant=plumber, memo="Thank you!")
    answer = client.get(f"/v1/invoices/{invoice['id']}/text")
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    lines = answer.text.splitlines()
    assert max(map(len, lines)) <= 40
    assert ["INVOICE 1", "Pipes & Sons"] == lines[:2]
    assert {"Total: 160.65 EUR", "Tax 19 %: 25.65 EUR", "Thank you!"} <= set(lines)
    assert [f"IBAN: {printed(IBAN)}", f"Reference: {printed(invoice['reference'])}"] == lines[-2:]


def test_the_qr_code_holds_what_is_due_and_the_reference(client: Client) -> None:
    register_house(client)
    plumber, alice = client.party(kind="merchant"), client.funded(20_000)
    invoice = issue(client, merchant=plumber)
    client.post(f"/v1/invoices/{invoice['id']}/settle", {"payer": alice, "amount": 6_065})
    answer = client.get(f"/v1/invoices/{invoice['id']}/qr")
    assert "image/svg+xml" == answer.headers["content-type"]
    payload = "\n".join(("BCD", "002", "1", "SCT", "", "test", IBAN, "EUR100.00", "", invoice["reference"]))
    expected = segno.make(payload, error="m", boost_error=False, micro=False, encoding="utf-8")
    drawn = re.search(r'class="qrline"[^>]* d="([^"]+)"', expected.svg_inline(scale=4, border=4, light="white"))
    assert drawn is not None
    assert drawn[1] in answer.text


def test_only_an_open_invoice_in_euros_has_a_qr_code(client: Client) -> None:
    plumber = client.party(kind="merchant")
    for fields in ({"currency": "INR"}, {"finalize": False}):
        invoice = issue(client, merchant=plumber, **fields)
        assert (404, "not_found") == problem_of(client.get(f"/v1/invoices/{invoice['id']}/qr"))
    assert (404, "not_found") == problem_of(client.get("/v1/invoices/invoice_999999/text"))


def test_what_was_paid_credited_and_refunded_adds_up_in_the_message(client: Client) -> None:
    plumber, alice = client.party(kind="merchant"), client.funded(20_000)
    invoice = issue(client, merchant=plumber)
    paid = client.post(f"/v1/invoices/{invoice['id']}/settle", {"payer": alice}).json()
    client.post(f"/v1/invoices/{invoice['id']}/credit-notes", {"amount": 2_000, "reason": "Scratched a tile"})
    client.post("/v1/refunds", {"of": paid["id"], "amount": 2_000, "reason": "Scratched a tile"})
    lines = client.get(f"/v1/invoices/{invoice['id']}/text").text.splitlines()
    assert {"Paid: 160.65 EUR", "Credited: 20.00 EUR", "Refunded: 20.00 EUR"} <= set(lines)
