"""The strict reader of request bodies: bytes in, the request's Struct or one exact complaint out.

Good input is read in three passes, all in C, without a loop in Python; only a body that was refused is read again,
slowly, to say exactly where it is wrong. Nothing is coerced, repaired or ignored.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

NESTING_MAX: Final = 32
"""How many objects and arrays may lie in one another; a request needs four."""

ERRORS_MAX: Final = 20
"""How many errors a refusal lists at most: a large bad batch must not cost long, nor get a large answer."""

FIELD_CODES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("amount", "unit_amount", "total", "discount", "fixed", "min", "max", "fee"), "amount_invalid"),
    **dict.fromkeys(("above", "balance", "per_payment", "per_day_sum"), "amount_invalid"),
    **dict.fromkeys(("currency", "currencies"), "currency_invalid"),
    **dict.fromkeys(("memo", "name", "reason", "metadata", "description", "conversation", "message"), "text_invalid"),
    **dict.fromkeys(("effective_on", "expires_at", "occurred_at", "valid_until", "due_at"), "timestamp_invalid"),
    **dict.fromkeys(("since", "until", "as_of", "at"), "timestamp_invalid"),
}
"""What is wrong when the field of this name is wrong; any other field is field_invalid. Ask `invalid_code`."""

_WANTED: Final[Mapping[str, str]] = {
    "amount_invalid": "a whole number of minor units, without quotes, decimal point or exponent",
    "currency_invalid": "an enabled ISO 4217 code of three capital letters, such as INR",
    "text_invalid": "text that keeps to its limits",
    "timestamp_invalid": "an RFC 3339 time with its zone (2026-03-01T09:00:00Z) or, where a day is meant, YYYY-MM-DD",
    "field_invalid": "this request describes it",
}
_TOO_DEEP: Final = f"it nests deeper than {NESTING_MAX} levels"

Error: TypeAlias = tuple[str, str, str]
"""(JSON pointer of RFC 6901, code, detail); the pointer of the body itself is the empty string."""

T = TypeVar("T", bound=msgspec.Struct)
_Judge: TypeAlias = Callable[[Any], Sequence[Error]]
_read: Final = msgspec.json.Decoder().decode
_write: Final = msgspec.json.Encoder().encode


class Fault(Exception):
    """A request that is refused for what it says, before anything in the books is looked at.

    `code` is one of the closed list, `detail` tells the caller what to do, and `errors` names each place that is wrong;
    `code` and `detail` are those of the first. It is empty where the text is not JSON.
    """

    def __init__(self, code: str, detail: str, errors: Sequence[Error] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = list(errors)


class StrictDecoder(Generic[T]):
    """Reads bodies of one request type; build it once, at import. All its Structs must forbid unknown fields.

    A Struct may have a method `fault(self) -> Error | None` for what a type cannot say (control characters, say); its
    pointer is relative to the Struct. It is called once the whole body has its shape, and on what a Struct holds before
    the Struct itself, which then is asked only if all it holds is well. Which fields to visit is settled here, once: a
    type without `fault` costs nothing, and one with it costs that call.

    `allow_empty`, for actions: if no field is required, no body at all reads as `{}`.
    """

    def __init__(self, kind: type[T], *, allow_empty: bool = False) -> None:
        self._kind = kind
        self._judge = _judge(kind)
        self._empty = b"{}" if allow_empty and not any(f.required for f in msgspec.structs.fields(kind)) else b""

    def decode(self, raw: bytes) -> T:
        """Raises Fault: malformed_json or duplicate_key for the text, otherwise the code of the first wrong field."""
        raw = raw or self._empty
        document = None
        try:
            document = _read(raw)
            # msgspec keeps the last of equal keys, so written out again the text has fewer colons. Those inside strings
            # are as many as before, unless one was sent as \u003a; the slow way sees through that.
            if raw.count(b":") != _write(document).count(b":") or rb"\u003" in raw:
                _check_text(raw)
            request = msgspec.convert(document, self._kind)
        except msgspec.ValidationError as wrong:
            raise self._explained(raw, document, str(wrong)) from None
        except msgspec.DecodeError as wrong:
            raise _malformed(str(wrong)) from None
        except UnicodeDecodeError:
            raise _malformed("a string in it is not valid UTF-8") from None
        except RecursionError:
            raise _malformed(_TOO_DEEP) from None
        if self._judge is not None and (errors := self._judge(request)):
            raise _fault(errors[:ERRORS_MAX])
        return request

    def _explained(self, raw: bytes, document: object, reason: str) -> Fault:
        """Why the body was refused. `document` is None if msgspec gave up at a number too large for it (1e400)."""
        if document is None:
            document = _check_text(raw)
        if _too_deep(raw):
            return _malformed(_TOO_DEEP)
        if not isinstance(document, dict):
            return _malformed("it is not an object")
        errors = list(islice(_errors(self._kind, document, "", "body"), ERRORS_MAX))
        return _fault(errors or [("", "field_invalid", f"Correct the body. {reason}.")])


def invalid_code(field: str, value: object) -> str:
    """The code for a value that the field of this name cannot take. Text that is no string at all is field_invalid."""
    code = FIELD_CODES.get(field, "field_invalid")
    return "field_invalid" if code == "text_invalid" and not isinstance(value, str) else code


def _fault(errors: Sequence[Error]) -> Fault:
    _, code, detail = errors[0]
    return Fault(code, detail, errors)


def _malformed(reason: str) -> Fault:
    return Fault("malformed_json", f"Send the body as one JSON object (RFC 8259) in UTF-8: {reason}.")


# --- the text, read slowly --------------------------------------------------------------------------------------------


class _Doubled(dict[str, Any]):
    key: str  # the one that came more than once


def _integer(digits: str) -> int | float:
    """More digits than Python will read (sys.set_int_max_str_digits) are infinity, a float, which no amount takes."""
    try:
        return int(digits)
    except ValueError:
        return float("inf")


def _check_text(raw: bytes) -> object:
    """The body as plain objects; raises Fault for its text. Unlike msgspec, Python's json shows every key and reads on
    after a huge number; what it takes beyond RFC 8259 (NaN) and RFC 3629 (half a surrogate pair) is refused here."""
    doubled: list[_Doubled] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(once := dict(pairs)) == len(pairs):
            return once
        doubled.append(_Doubled(once))
        doubled[-1].key = Counter(key for key, _ in pairs).most_common(1)[0][0]
        return doubled[-1]

    if _too_deep(raw):
        raise _malformed(_TOO_DEEP)
    try:
        # NaN and Infinity go to parse_constant, and no int can be made of them: ValueError.
        document = json.loads(raw.decode(), object_pairs_hook=members, parse_int=_integer, parse_constant=int)
        json.dumps(document, ensure_ascii=False).encode()
    except ValueError as wrong:
        raise _malformed(str(wrong)) from None
    if doubled:
        pointer, key = next(_doubles(document, ""))
        raise _fault([(pointer, "duplicate_key", f"Send `{key:.64}` once: an object cannot have two equal keys.")])
    return document


def _too_deep(raw: bytes) -> bool:
    """Whether pairs of brackets are left after the innermost were taken away NESTING_MAX times. Cannot recurse."""
    outside_strings = b"".join(raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    brackets = outside_strings.translate(bytes.maketrans(b"[]", b"{}"), bytes(set(range(256)) - set(b"[]{}")))
    for _ in range(NESTING_MAX):
        brackets = brackets.replace(b"{}", b"")
    return brackets != b""


def _doubles(value: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Doubled):
        yield _within(pointer, value.key), value.key
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _doubles(item, _within(pointer, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _doubles(item, f"{pointer}/{index}")


def _within(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


# --- the fields, read slowly ------------------------------------------------------------------------------------------


def _errors(hint: Any, value: Any, pointer: str, field: str) -> Iterator[Error]:
    """Every place where `value` is not what `hint` asks; `field` is the field of a Struct that it is, or is in. Walks
    the type, as msgspec's message names one place only, and that unsafely: it holds the caller's keys as they are."""
    try:
        msgspec.convert(value, hint)
        return
    except msgspec.ValidationError as wrong:
        reason = str(wrong)
    inside = _errors_inside(hint, value, pointer, field)
    yield next(inside, (pointer, *_complaint(hint, value, field, reason)))
    yield from inside


def _errors_inside(hint: Any, value: Any, pointer: str, field: str) -> Iterator[Error]:
    for member in _alternatives(hint):
        arguments = get_args(member)
        if isinstance(value, list) and get_origin(member) is list:
            for index, item in enumerate(value):
                yield from _errors(arguments[0], item, f"{pointer}/{index}", field)
        elif isinstance(value, dict) and get_origin(member) is dict:
            for key, item in value.items():
                yield from _errors(arguments[0], key, _within(pointer, key), field)
                yield from _errors(arguments[1], item, _within(pointer, key), field)
        elif isinstance(value, dict) and _is_struct(member):
            yield from _errors_of_struct(member, value, pointer)


def _errors_of_struct(kind: type[msgspec.Struct], value: dict[str, Any], pointer: str) -> Iterator[Error]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    known = ", ".join(fields) or "none"
    for name in value:
        if name not in fields:
            yield _within(pointer, name), "field_unknown", f"Remove `{name:.64}`. The fields here are: {known}."
    for name, field in fields.items():
        if name in value:
            yield from _errors(field.type, value[name], _within(pointer, name), name)
        elif field.required:
            yield _within(pointer, name), "field_missing", f"Add the required field `{name}`."


def _complaint(hint: Any, value: Any, field: str, reason: str) -> tuple[str, str]:
    code = invalid_code(field, value)
    words = [str(word) for each in _alternatives(hint) if get_origin(each) is Literal for word in get_args(each)]
    if words:
        reason = f"Expected one of: {', '.join(words)}"
    rule = _rule(hint) if code == "field_invalid" else ""
    return code, f"Send `{field}` as {_WANTED[code]}. {reason}.{rule}"


def _alternatives(hint: Any) -> list[Any]:
    """The members of a union, or the one type, each without its Annotated."""
    if get_origin(hint) is Annotated:
        return _alternatives(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [member for part in get_args(hint) for member in _alternatives(part)]
    return [hint]


def _rule(hint: Any) -> str:
    """What is said of a type where it is described, after a space; nothing if nothing is."""
    said = [getattr(meta, "description", None) for meta in getattr(hint, "__metadata__", ())]
    return "".join(f" {text}" for text in said if text) or "".join(map(_rule, get_args(hint)))


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _holds_struct(hint: Any) -> bool:
    return _is_struct(hint) or any(map(_holds_struct, get_args(hint)))


def _judge(kind: type[msgspec.Struct]) -> _Judge | None:
    """One function for the faults of `kind` and of what is in it; None if there can be none."""
    if not kind.__struct_config__.forbid_unknown_fields:
        raise TypeError(f"{kind.__name__} would ignore unknown fields: give it forbid_unknown_fields=True")
    own = getattr(kind, "fault", None)
    parts: list[tuple[str, str, bool, _Judge]] = []
    for field in msgspec.structs.fields(kind):
        held = [member for member in _alternatives(field.type) if member not in (NoneType, msgspec.UnsetType)]
        if many := len(held) == 1 and get_origin(held[0]) is list:
            held = _alternatives(get_args(held[0])[0])
        if len(held) == 1 and _is_struct(held[0]):
            if (judge := _judge(held[0])) is not None:
                parts.append((field.name, f"/{field.encode_name}", many, judge))
        elif any(map(_holds_struct, held)):
            raise TypeError(f"{kind.__name__}.{field.name} may be a Struct, optional or not, or a list of one type")
    if not parts:
        return own and (lambda value: () if (error := own(value)) is None else (error,))

    def judge_all(value: Any) -> Sequence[Error]:
        errors: list[Error] = []
        for name, pointer, many, judge in parts:
            part = getattr(value, name)
            if part is None or part is msgspec.UNSET:
                continue
            for index, found in enumerate(map(judge, part if many else (part,))):
                if found:
                    prefix = f"{pointer}/{index}" if many else pointer
                    errors += [(prefix + inner, code, detail) for inner, code, detail in found]
        return errors if errors or own is None or (error := own(value)) is None else [error]

    return judge_all
