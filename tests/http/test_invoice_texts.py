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


def test_an_invoice_is_a_message_of_short_lines_that_ends_with_how_to_pay(client: Client) -> None:
    client.post("/v1/banks", {"id": "house", "currency": "EUR", "purpose": "safeguarded", "iban": IBAN})
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
    client.post("/v1/banks", {"id": "house", "currency": "EUR", "purpose": "safeguarded", "iban": IBAN})
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
