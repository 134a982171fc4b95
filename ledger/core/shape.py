"""What a field must look like before anything is looked up: one small function a kind of field.

Each answers None, or the FieldError that names the field, its code and what to do.
"""

import re

from ledger.core.currencies import CURRENCIES
from ledger.core.errors import FieldError
from ledger.core.money import AMOUNT_MAX, BASIS_POINTS_IN_WHOLE
from ledger.core.text import (
    alias_fault,
    is_party_id,
    metadata_fault,
    parse_alias,
    parse_date,
    parse_timestamp,
    text_fault,
)

MEMO_LENGTH_MAX = 280
NAME_LENGTH_MAX = 200
REFERENCE_LENGTH_MAX = 128
_NUMBER = re.compile(r"\A[1-9][0-9]{0,17}\Z", re.ASCII)


def first(*faults: FieldError | None) -> FieldError | None:
    """The first fault there is."""
    return next((fault for fault in faults if fault is not None), None)


def text(pointer: str, value: str | None, length_max: int = MEMO_LENGTH_MAX) -> FieldError | None:
    """A text for people."""
    fault = text_fault(value, length_max) if value is not None else None
    return FieldError(pointer, "text_invalid", fault) if fault is not None else None


def required_text(pointer: str, value: str, length_max: int) -> FieldError | None:
    """A text that may not be empty."""
    return text(pointer, value, length_max) if value else FieldError(pointer, "field_invalid", "It may not be empty.")


def metadata(value: dict[str, str] | None) -> FieldError | None:
    """The caller's own keys and values."""
    fault = metadata_fault(value) if value is not None else None
    return FieldError(f"/metadata{fault[0]}", "text_invalid", fault[1]) if fault is not None else None


def party_id(pointer: str, value: str | None) -> FieldError | None:
    """A party's own id."""
    if value is None or is_party_id(value):
        return None
    detail = "A party id is 1 to 64 of A-Z a-z 0-9 . _ : @ + - and none of the reserved names (platform, rail:…)."
    return FieldError(pointer, "field_invalid", detail)


def reference(pointer: str, value: str | None) -> FieldError | None:
    """A party's id or alias."""
    if value is None or is_party_id(value) or parse_alias(value) is not None:
        return None
    detail = "Name a party by its id (1 to 64 of A-Z a-z 0-9 . _ : @ + -) or as alias:<channel>:<value>."
    return FieldError(pointer, "field_invalid", detail)


def alias(pointer: str, channel: str, value: str | None) -> FieldError | None:
    """An alias: a channel of a-z 0-9 _, and a value; a phone is E.164 with its plus. `pointer` is the value's."""
    fault = alias_fault(channel, value) if value is not None else None
    if fault is None:
        return None
    where, detail = fault
    return FieldError(pointer if where == "/value" else pointer.rpartition("/")[0] + where, "field_invalid", detail)


def currency(value: str, pointer: str = "/currency") -> FieldError | None:
    """A code of ISO 4217. Whether it is live and enabled, the books say."""
    if value in CURRENCIES:
        return None
    hint = f": write {value.upper()}" if value.upper() in CURRENCIES else ""
    return FieldError(pointer, "currency_invalid", f"{value} is not a currency code of ISO 4217{hint}.")


def amount(pointer: str, value: int | None) -> FieldError | None:
    """Minor units, which may be none."""
    if value is None or 0 <= value <= AMOUNT_MAX:
        return None
    return FieldError(pointer, "amount_invalid", "Write a whole number of minor units from 0 to 2^53-1.")


def rate(pointer: str, bps: int | None) -> FieldError | None:
    """A rate in basis points."""
    if bps is None or 0 <= bps <= BASIS_POINTS_IN_WHOLE:
        return None
    return FieldError(pointer, "field_invalid", "A rate is 0 to 10000 basis points: 290 are 2.9 %.")


def day(pointer: str, value: str | None) -> FieldError | None:
    """A date."""
    try:
        if value is not None:
            parse_date(value)
    except ValueError:
        return FieldError(pointer, "timestamp_invalid", "Write a date of the calendar as YYYY-MM-DD.")
    return None


def timestamp(pointer: str, value: str | None) -> FieldError | None:
    """A time with its zone."""
    try:
        if value is not None:
            parse_timestamp(value)
    except ValueError:
        return FieldError(
            pointer, "timestamp_invalid", "Write a time as RFC 3339, with its zone: 2026-01-31T12:00:00Z."
        )
    return None


def resource(pointer: str, noun: str, value: str | None) -> FieldError | None:
    """The id of something that an entry made, such as `invoice_42`. Whether there is one, the books say."""
    if value is None or numbered(noun, value) is not None:
        return None
    return FieldError(pointer, "field_invalid", f"Write an id such as {noun}_42.")


def numbered(noun: str, resource_id: str) -> int | None:
    """The entry number in an id such as `deposit_7`; None if it is no id of that noun."""
    prefix, _, number = resource_id.rpartition("_")
    return int(number) if prefix == noun and _NUMBER.match(number) else None


def numbered_part(noun: str, resource_id: str) -> tuple[int, int] | None:
    """The entry number, and which of several that it made, in an id such as `payment_request_7_2`; 0 where the id does
    not say; None if it is no id of that noun."""
    number = numbered(noun, resource_id)
    if number is not None:
        return number, 0
    first, _, last = resource_id.rpartition("_")
    number, n = numbered(noun, first), numbered("n", f"n_{last}")
    return (number, n) if number is not None and n is not None else None
