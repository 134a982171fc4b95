"""What an action answers: the thing as it left it, but for what was said when it was made, which GET shows too."""

import re
from typing import Any

import pytest

from ledger.http.app import ROUTES
from ledger.http.openapi import document
from tests.harness import Client
from tests.http.teller import read
from tests.http.things import Things

DOCUMENT = document(ROUTES, "https://ledger.example")
SAID_WHEN_MADE = {"memo", "chat", "posted_at"}
ONLY_GET_SHOWS = {
    "hold": SAID_WHEN_MADE,
    "payment_request": SAID_WHEN_MADE,
    "split": SAID_WHEN_MADE,
    "invoice": SAID_WHEN_MADE | {"lines", "tax_breakdown"},
}
ACTIONS = {"hold": "void", "payment_request": "cancel", "split": "cancel", "invoice": "void"}


@pytest.mark.parametrize("noun", ONLY_GET_SHOWS)
def test_an_actions_answer_is_what_get_shows_but_for_what_was_said_when_it_was_made(client: Client, noun: str) -> None:
    name = getattr(Things(client), noun)()[noun]
    path = f"/v1/{noun.replace('_', '-')}s/{name}"
    answer: dict[str, Any] = client.post(f"{path}/{ACTIONS[noun]}").json()
    shown = read(client, path)
    assert ONLY_GET_SHOWS[noun] == shown.keys() - answer.keys()
    assert {"entry"} == {field for field in answer if answer[field] != shown[field]}


@pytest.mark.parametrize("noun", ["Hold", "PaymentRequest", "Split", "Invoice"])
def test_the_document_says_that_get_shows_more(noun: str) -> None:
    assert re.search("GET (also )?shows", DOCUMENT["components"]["schemas"][f"{noun}AfterAnswer"]["description"])


def test_a_suspense_item_after_an_action_is_part_of_what_get_shows(client: Client) -> None:
    item = Things(client).suspense()["suspense"]
    allocated = client.post(f"/v1/suspense/{item}/allocate", {"to": client.party()}).json()["suspense"]
    shown = read(client, f"/v1/suspense/{item}")
    assert allocated == {field: shown[field] for field in allocated}
    beside = {"entry", "age_days", "deposit", "rail_reference", "reference", "payer"}
    assert beside == shown.keys() - allocated.keys()
