"""Rails and banks are registered before money can come over them."""

import msgspec
import pytest

from ledger.core.commands import Command
from ledger.core.errors import LedgerError
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.rows import Bank, Rail
from tests.core.stories import attempt, do, new_books, refusal


def test_a_bank_is_entered_with_its_currency_and_purpose() -> None:
    entry = do(new_books(), RegisterBank(id="own", currency="JPY", purpose="own", iban="DE89370400440532013000"))
    assert [Bank("own", "JPY", "DE89370400440532013000", "own", entry.number)] == entry.rows
    assert [] == entry.postings


def test_a_rail_is_entered_with_the_bank_it_pays_out_to() -> None:
    entry = do(new_books(), RegisterRail(id="card", settles_to="bank"))
    assert [Rail("card", "bank", entry.number)] == entry.rows


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (RegisterBank(id="bank", currency="INR", purpose="own"), "currency_invalid"),
        (RegisterBank(id="bank", currency="EUR", purpose="own"), "already_exists"),
        (RegisterRail(id="upi", settles_to="none"), "not_found"),
        (RegisterRail(id="upi", settles_to="bank"), "already_exists"),
    ],
)
def test_of_what_refuses_a_registration_the_first_is_said(command: Command, code: str) -> None:
    assert code == refusal(new_books(), command)


def test_a_taken_name_says_which_entry_took_it() -> None:
    refused = attempt(new_books(), RegisterRail(id="upi", settles_to="bank"))
    assert isinstance(refused, LedgerError)
    assert ("upi", 2) == refused.existing


@pytest.mark.parametrize(
    "iban", ["DE89370400440532013001", "DE89 3704 0044 0532 0130 00", "de89370400440532013000", ""]
)
def test_an_iban_must_have_its_check_digits_right(iban: str) -> None:
    fault = RegisterBank(id="bank", currency="EUR", purpose="own", iban=iban).fault()
    assert fault is not None
    assert ("/iban", "field_invalid") == (fault.pointer, fault.code)


@pytest.mark.parametrize("name", ["", "UPI", "upi\n", "u p i", "upi:in", "x" * 33])
def test_the_id_of_a_rail_is_short_and_plain(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": name, "settles_to": "bank"}, RegisterRail)
