"""What a field must look like: which one is named when it does not, and with which code."""

import pytest

from ledger.core import shape
from ledger.core.errors import FieldError

FIELD = FieldError("/here", "field_invalid", "")
TEXT = FieldError("/here", "text_invalid", "")
TIME = FieldError("/here", "timestamp_invalid", "")
CURRENCY = FieldError("/here", "currency_invalid", "")


def judged(fault: FieldError | None) -> tuple[str, str] | None:
    return (fault.pointer, fault.code) if fault is not None else None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (shape.text("/here", None), None),
        (shape.text("/here", ""), None),
        (shape.text("/here", "ğ" * 280), None),
        (shape.text("/here", "ğ" * 281), TEXT),
        (shape.text("/here", "a\nb"), TEXT),
        (shape.required_text("/here", "", 10), FIELD),
        (shape.required_text("/here", "x" * 10, 10), None),
        (shape.required_text("/here", "x" * 11, 10), TEXT),
        (shape.metadata(None), None),
        (shape.metadata({"k": "v"}), None),
        (shape.metadata({"k": "\0"}), FieldError("/metadata/k", "text_invalid", "")),
        (shape.metadata({"": "v"}), FieldError("/metadata", "text_invalid", "")),
        (shape.party_id("/here", None), None),
        (shape.party_id("/here", "+49@a.b:c_d-e"), None),
        (shape.party_id("/here", "alias:phone:+4915112345678"), FIELD),
        (shape.party_id("/here", "platform"), FIELD),
        (shape.reference("/here", None), None),
        (shape.reference("/here", "ann"), None),
        (shape.reference("/here", "alias:phone:+4915112345678"), None),
        (shape.reference("/here", "alias:app:with:colons"), None),
        (shape.reference("/here", "alias:phone:0151"), FIELD),
        (shape.reference("/here", "alias:phone"), FIELD),
        (shape.reference("/here", "rail:upi"), FIELD),
        (shape.reference("/here", "ann\n"), FIELD),
        (shape.alias("/here", "phone", None), None),
        (shape.alias("/here", "phone", "+4915112345678"), None),
        (shape.alias("/here", "phone", "4915112345678"), FIELD),
        (shape.alias("/a/0/value", "phone:", "x"), FieldError("/a/0/channel", "field_invalid", "")),
        (shape.currency("EUR", "/here"), None),
        (shape.currency("HRK", "/here"), None),
        (shape.currency("XXX", "/here"), CURRENCY),
        (shape.currency("eur", "/here"), CURRENCY),
        (shape.day("/here", None), None),
        (shape.day("/here", "2024-02-29"), None),
        (shape.day("/here", "2026-02-29"), TIME),
        (shape.timestamp("/here", None), None),
        (shape.timestamp("/here", "2026-01-31T12:00:00Z"), None),
        (shape.timestamp("/here", "2026-01-31T12:00:00"), TIME),
    ],
)
def test_a_field_of_the_wrong_shape_is_named_with_its_code(
    fault: FieldError | None, expected: FieldError | None
) -> None:
    assert judged(expected) == judged(fault)
    assert fault is None or fault.detail.endswith(".")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("deposit_1", 1),
        ("deposit_999999999999999999", 999999999999999999),
        ("deposit_0", None),
        ("deposit_01", None),
        ("deposit_1000000000000000000", None),
        ("deposit_1\n", None),
        ("deposit_\u0661", None),
        ("deposit_+1", None),
        ("deposit_", None),
        ("transfer_1", None),
        ("1", None),
        ("", None),
    ],
)
def test_an_id_says_which_entry_made_the_thing(name: str, number: int | None) -> None:
    assert number == shape.numbered("deposit", name)


def test_of_several_faults_the_first_is_told() -> None:
    assert FIELD == shape.first(None, FIELD, TEXT)
    assert shape.first(None, None) is None
