"""Drafts over HTTP: changed field by field, as a merge patch: what is left out stays, null takes away."""

from typing import Any

import pytest

from ledger.books.checks import run_checks
from tests.harness import Client, Superuser, new_key
from tests.http.test_invoices import LINES, issue, shown
from tests.http.wire import pointers, problem_of

CLEARABLE = ("customer", "due_at", "external_ref", "memo")


def change(client: Client, draft: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = client.write("PATCH", f"/v1/invoices/{draft['id']}", fields)
    assert 200 == answer.status_code, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def full_draft(client: Client) -> dict[str, Any]:
    return issue(
        client,
        client.party(kind="merchant"),
        customer=client.party(),
        due_at="2030-01-01T00:00:00Z",
        external_ref=new_key(),
        memo="keep me",
        chat={"conversation": "c-1"},
        finalize=False,
    )


@pytest.mark.parametrize("name", CLEARABLE)
def test_null_takes_away_and_what_is_left_out_stays(client: Client, superuser: Superuser, name: str) -> None:
    draft = full_draft(client)
    change(client, draft)
    assert draft == shown(client, draft)
    change(client, draft, **{name: None})
    assert draft | {name: None} == shown(client, draft)
    change(client, draft, **{name: draft[name]})
    assert draft == shown(client, draft)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_what_is_taken_away_beside_private_texts_leaves_nothing_to_find(client: Client, superuser: Superuser) -> None:
    change(client, full_draft(client), lines=LINES, memo=None, customer=None)
    assert [] == superuser.wait(run_checks(superuser.connection, 1))


def test_a_memo_outlives_new_lines_and_changes_without_them(client: Client) -> None:
    draft = full_draft(client)
    line = {"description": "Other", "quantity": 1, "unit_amount": 10}
    assert 10 == change(client, draft, lines=[line])["total"]
    now = shown(client, draft)
    assert ("keep me", "Other", 10) == (now["memo"], now["lines"][0]["description"], now["total"])
    change(client, draft, memo="new words")
    assert now | {"memo": "new words"} == shown(client, draft)
    assert "new words" in client.get(f"/v1/invoices/{draft['id']}/text").text


def test_a_key_that_took_something_away_is_answered_again_and_is_no_empty_change(client: Client) -> None:
    draft, key = full_draft(client), new_key()
    path = f"/v1/invoices/{draft['id']}"
    first = client.write("PATCH", path, {"due_at": None, "memo": None}, key)
    again = client.write("PATCH", path, {"memo": None, "due_at": None}, key)
    assert ("true", first.json()) == (again.headers["Idempotency-Replayed"], again.json())
    other = client.write("PATCH", path, {"due_at": None}, key)
    assert ((422, "idempotency_key_reused"), ["/memo"]) == (problem_of(other), pointers(other))
    other = client.write("PATCH", path, {"due_at": None, "memo": "text"}, key)
    assert ((422, "idempotency_key_reused"), ["/memo"]) == (problem_of(other), pointers(other))


@pytest.mark.parametrize(
    ("name", "code"), [("lines", "field_invalid"), ("currency", "currency_invalid"), ("tax_inclusive", "field_invalid")]
)
def test_what_an_invoice_cannot_be_without_is_not_taken_away(client: Client, name: str, code: str) -> None:
    draft = full_draft(client)
    answer = client.write("PATCH", f"/v1/invoices/{draft['id']}", {"lines": LINES} | {name: None})
    assert ((422, code), [f"/{name}"]) == (problem_of(answer), pointers(answer))


def test_a_credit_note_takes_no_word_on_tax_since_the_invoice_says_it(client: Client) -> None:
    invoice = issue(client, client.party(kind="merchant"))
    body = {"lines": LINES[:1], "reason": "late", "tax_inclusive": True}
    answer = client.post(f"/v1/invoices/{invoice['id']}/credit-notes", body)
    assert ((422, "field_unknown"), ["/tax_inclusive"]) == (problem_of(answer), pointers(answer))
