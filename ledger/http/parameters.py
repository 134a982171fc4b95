"""Query parameters: read as strictly as bodies are."""

from collections.abc import Sequence
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qsl

import msgspec

from ledger.core.errors import Invalid
from ledger.core.text import parse_timestamp
from ledger.http.strict import invalid_code

Query = TypeVar("Query", bound=msgspec.Struct)


def time_of(name: str, value: str) -> str:
    """A time of RFC 3339 with its zone. Raises timestamp_invalid."""
    try:
        parse_timestamp(value)
    except ValueError:
        detail = f"Write {name} as RFC 3339, with its zone: 2026-01-31T12:00:00Z (a + is sent as %2B)."
        raise Invalid.at(f"/{name}", "timestamp_invalid", detail) from None
    return value


def check_state(state: str | None, states: Sequence[str]) -> None:
    """Raises field_invalid for a state that is none of these; None is whatever state."""
    if state is not None and state not in states:
        raise Invalid.at("/state", "field_invalid", f"There is no such state. There are: {', '.join(states)}.")


def read_query(kind: type[Query], raw: bytes) -> Query:
    """The parameters of a query string. Raises field_unknown, field_missing, and field_invalid or what else is wrong
    with one."""
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict") if text else []
    except ValueError:
        raise Invalid("field_invalid", "The query is not of the form name=value&name=value, percent-encoded.") from None
    values = dict(pairs)
    known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for name, value in values.items():
        if name not in known:
            detail = f"No such query parameter; known here: {', '.join(sorted(known)) or 'none'}."
            raise Invalid.at(f"/{name}", "field_unknown", detail)
        if _takes_int(known[name]) and not value.removeprefix("-").isdecimal():  # msgspec would take 1.0 and 1e3
            detail = f"The query parameter {name} is a whole number."
            raise Invalid.at(f"/{name}", invalid_code(name, value), detail)
    if len(values) < len(pairs):
        raise Invalid("field_invalid", "A query parameter is given twice.")
    for field in msgspec.structs.fields(kind):
        if field.required and field.encode_name not in values:
            detail = f"The query parameter {field.encode_name} is missing."
            raise Invalid.at(f"/{field.encode_name}", "field_missing", detail)
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as wrong:
        name = str(wrong).rpartition("$.")[2].rstrip("`")
        detail = f"The query parameter {name}: {str(wrong).partition(' - at')[0]}."
        raise Invalid.at(f"/{name}", invalid_code(name, values.get(name, "")), detail) from None


def _takes_int(kind: Any) -> bool:
    return kind is int or any(_takes_int(part) for part in get_args(kind))
