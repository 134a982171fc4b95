"""What is refused most by those who begin says what to do about it."""

from typing import Any

import pytest

from tests.harness import Client, new_key


@pytest.mark.parametrize(
    ("method", "path", "body", "advice"),
    [
        ("POST", "/v1/transfers", {"to": "alias:phone:+4915100000000"}, "if_unknown: hold_for_claim"),
        ("POST", "/v1/transfers", {"to": "bob", "currency": "eur"}, "write EUR"),
        ("POST", "/v1/transfers", {"to": "bob", "currency": "Euro"}, "not a currency code of ISO 4217."),
        ("PUT", "/v1/ledger", {"request_signatures": "required"}, "sign this request"),
    ],
)
def test_a_beginners_mistake_is_answered_with_the_way_on(
    method: str, path: str, body: dict[str, Any], advice: str, client: Client, ann_and_bob: None
) -> None:
    whole = {"from": "ann", "amount": 1, "currency": "EUR"} | body if path == "/v1/transfers" else body
    answer = client.write(method, path, whole, new_key())
    assert answer.status_code >= 400
    assert advice in answer.json()["detail"]


def test_who_pays_a_draft_is_told_to_finalize_it(client: Client, ann_and_bob: None) -> None:
    lines = [{"description": "Soup", "quantity": 1, "unit_amount": 5}]
    shop = client.party(kind="merchant")
    body = {"merchant": shop, "customer": "ann", "currency": "EUR", "lines": lines, "finalize": False}
    draft = client.post("/v1/invoices", body).json()["id"]
    answer = client.post(f"/v1/invoices/{draft}/settle", {"payer": "ann", "amount": 1})
    assert (409, f"{draft} is draft; finalize it first.") == (answer.status_code, answer.json()["detail"])
