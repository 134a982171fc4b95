"""A ledger's settings: what is set replaces, what is left out stays, and the entry keeps all of them."""

from typing import Any

import pytest

from ledger.core.rows import Settings
from ledger.core.settings import SetLedger
from tests.core.stories import do, new_books, refusal, transfer

NOW = {"name": "Test", "time_zone": "Europe/Berlin", "currencies": ["EUR", "JPY"], "request_signatures": "optional"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"name": "Chat"},
        {"time_zone": "Asia/Kolkata"},
        {"currencies": ["INR"]},
        {"currencies": []},
        {"name": "Chat", "time_zone": "UTC", "currencies": ["KWD", "EUR"]},
    ],
)
def test_what_is_left_out_stays_as_it_is(change: dict[str, Any]) -> None:
    books = new_books()
    entry = do(books, SetLedger(**change))
    assert NOW | change == entry.result
    assert [Settings(**NOW | change)] == entry.rows == [books.settings]


def test_a_currency_that_is_no_longer_enabled_is_no_longer_paid_in() -> None:
    books = new_books()
    do(books, SetLedger(currencies=["JPY"]))
    assert "currency_invalid" == refusal(books, transfer())


def test_a_withdrawn_currency_cannot_be_enabled() -> None:
    assert "currency_invalid" == refusal(new_books(), SetLedger(currencies=["EUR", "HRK"]))


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"currencies": ["EUR", "EUR"]}, "/currencies", "field_invalid"),
        ({"currencies": ["EUR", "eur"]}, "/currencies/1", "currency_invalid"),
        ({"currencies": ["XXX"]}, "/currencies/0", "currency_invalid"),
        ({"name": ""}, "/name", "field_invalid"),
        ({"name": "a\x07"}, "/name", "text_invalid"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone", "field_invalid"),
        ({"time_zone": "../etc/passwd"}, "/time_zone", "field_invalid"),
        ({"time_zone": "/etc/localtime"}, "/time_zone", "field_invalid"),
        ({"time_zone": ""}, "/time_zone", "field_invalid"),
        ({"time_zone": "UTC\0"}, "/time_zone", "field_invalid"),
    ],
)
def test_what_can_never_be_right_about_settings_is_named(change: dict[str, Any], pointer: str, code: str) -> None:
    fault = SetLedger(**change).fault()
    assert fault is not None
    assert (pointer, code) == (fault.pointer, fault.code)
