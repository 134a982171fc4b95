"""What the strict decoder takes and what it says of everything else: each row of bad-input.md's Body and Amount."""

# long: the rows are one table; what is malformed, doubled or wrong is tried in the same places.

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from ledger.http.strict import ERRORS_MAX, FIELD_CODES, NESTING_MAX, Error, Fault, StrictDecoder, invalid_code

Amount = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Currency = Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
Party = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._:@+-]{1,64}\Z")]
Key = Annotated[str, Meta(max_length=40)]


class Request(Struct, forbid_unknown_fields=True, omit_defaults=True, rename={"from_": "from"}):
    pass


class Chat(Request):
    conversation: Annotated[str, Meta(min_length=1)]
    message: str | None = None

    def fault(self) -> Error | None:
        if "\0" in self.conversation:
            return "/conversation", "text_invalid", "Remove the NUL."
        return None


class Transfer(Request):
    from_: Party
    to: Party
    amount: Amount
    currency: Currency
    memo: Annotated[str, Meta(max_length=280)] | None = None
    chat: Chat | None = None
    metadata: Annotated[dict[Key, str], Meta(max_length=20)] | None = None
    effective_on: Annotated[str, Meta(pattern=r"\A\d{4}-\d\d-\d\d\Z")] | None = None
    if_unknown: Literal["refuse", "hold_for_claim"] = "refuse"

    def fault(self) -> Error | None:
        return ("/to", "field_invalid", "Pay someone else.") if self.to == self.from_ else None


class Batch(Request):
    transfers: Annotated[list[Transfer], Meta(max_length=50)]
    atomic: bool = False


class Limits(Request):
    per_payment: dict[str, Amount] = {}
    fee: list[Amount] = []


class Capture(Request):
    amount: Amount | None = None


class Anything(Request):
    value: Any


class Lenient(Struct):
    amount: int


GOOD = b'{"from":"alice","to":"bob","amount":1250,"currency":"INR"}'
transfers, batches, limits = StrictDecoder(Transfer), StrictDecoder(Batch), StrictDecoder(Limits)
captures, anything = StrictDecoder(Capture, allow_empty=True), StrictDecoder(Anything)


def fault(decoder: StrictDecoder[Any], raw: bytes) -> Fault:
    with pytest.raises(Fault) as refused:
        decoder.decode(raw)
    return refused.value


def places(refusal: Fault) -> list[tuple[str, str]]:
    return [(pointer, code) for pointer, code, _ in refusal.errors]


def body(**changed: Any) -> bytes:
    return json.dumps(json.loads(GOOD) | changed).encode()


def with_(text: bytes, field: str = "memo") -> bytes:
    """A transfer with one more member, or another value for one it has, written as it stands."""
    members = {name: json.dumps(value).encode() for name, value in json.loads(GOOD).items()} | {field: text}
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items()) + b"}"


def batch_of(*items: bytes) -> bytes:
    return b'{"transfers":[' + b",".join(items) + b"]}"


def short(value: object) -> str:
    return repr(value)[:40]


# --- text -------------------------------------------------------------------------------------------------------------

NOT_AN_OBJECT = [b"", b" ", b"[]", b"null", b'"text"', b"1", b"1.5", b"true", b"1e400", b"9" * 5000, b"[1e400]"]
BROKEN = [
    *(GOOD[:end] for end in range(1, len(GOOD))),
    *(GOOD + more for more in (b"x", b"{}", b",", b"\0", b"]", b"}", b" 1")),
    *(GOOD[:-1] + more for more in (b",}", b",,}", b"]", b",1}", b',"memo"}', b',"memo":}', b",memo:1}")),
    *(start + GOOD for start in (b"\xef\xbb\xbf", b"\0", b"//x\n", b"/**/", b"\x0b", b"\xa0", b"x", b",")),
    *(GOOD.decode().encode(codec) for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")),
    GOOD.replace(b'"', b"'"),
    GOOD.replace(b",", b",/* and */"),
]
BROKEN_VALUES = [
    *(b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"+1", b"01", b"-01", b"1.", b".5", b"1e", b"-", b"0x1", b"1_0"),
    *(b"True", b"None", b"undefined", b"tru", b"'a'", b"a", b"", b"[1,]", b"[,]", b"[1", b"(1)", b"{1:2}", b'{"a"}'),
    *(b'"\xff"', b'"\xc0\xaf"', b'"\xe0\x80\xaf"', b'"\xf4\x90\x80\x80"', b'"\xc3"', b'"\xed\xa0\x80"'),
    *(rb'"\ud800"', rb'"\udc00"', rb'"\ud800\ud800"', rb'"\ud800x"', rb'"\udc00\ud800"', rb'{"\udfff":1}'),
    *(b'"\n"', b'"\0"', b'"\x1f"', rb'"\x41"', rb'"\u12"', rb'"\u00g0"', rb'"\U00000041"', b'"\\'),
]
NESTED = [
    opening * depth + b"1" + closing * depth
    for depth in (NESTING_MAX + 1, 100, 1_000, 100_000)
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"))
]
WRONG_BEFORE = [b"", b'"amount":1.0,', b'"unknown":1,', b'"to":"a",', b'"a":1e400,', b'"a":' + b"9" * 5000 + b","]


@pytest.mark.parametrize("raw", NOT_AN_OBJECT + BROKEN + NESTED, ids=short)
@pytest.mark.parametrize("decoder", [transfers, batches, captures])
def test_a_body_that_is_not_one_json_object_is_malformed(decoder: StrictDecoder[Any], raw: bytes) -> None:
    if decoder is captures and raw == b"":
        raw = b"\n"
    refusal = fault(decoder, raw)
    assert ("malformed_json", []) == (refusal.code, refusal.errors)


@pytest.mark.parametrize("text", BROKEN_VALUES + NESTED, ids=short)
@pytest.mark.parametrize("before", WRONG_BEFORE, ids=short)
def test_malformed_text_anywhere_is_answered_before_equal_keys_and_wrong_fields(before: bytes, text: bytes) -> None:
    for place in (b"%s", b'{"conversation":%s}', b'{"a":[0,{"b":%s}]}'):
        raw = b"{" + before + with_(place % text, "chat")[1:]
        assert "malformed_json" == fault(transfers, raw).code
        assert "malformed_json" == fault(batches, batch_of(GOOD, raw)).code


INSIDE = NESTING_MAX - 1
NOT_TOO_DEEP = [b"[" * INSIDE + b"]" * INSIDE, b"[" + b"[],{}," * 99 + b"0]", rb'{"a\\":"\"%s"}' % (b"[{" * 99)]


@pytest.mark.parametrize("text", NOT_TOO_DEEP, ids=short)
def test_only_deep_nesting_is_malformed_not_many_brackets_or_brackets_in_strings(text: bytes) -> None:
    assert [("/memo", "field_invalid")] == places(fault(transfers, with_(text)))


def test_no_body_reads_as_an_empty_object_where_that_is_allowed_and_nothing_is_required() -> None:
    assert Capture() == captures.decode(b"")
    assert "malformed_json" == fault(StrictDecoder(Capture), b"").code
    assert "malformed_json" == fault(StrictDecoder(Transfer, allow_empty=True), b"").code


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (GOOD.replace(b"{", b'{"to":"eve",'), "/to"),
        (GOOD.replace(b"{", b'{"amount":1250,'), "/amount"),
        (GOOD.replace(b"{", b'{"amount":1.0,'), "/amount"),
        (GOOD.replace(b"{", b'{"unknown":1,"unknown":1,'), "/unknown"),
        (GOOD.replace(b"{", rb'{"\u0061mount":1,'), "/amount"),
        (GOOD.replace(b"{", rb'{"memo":"\u003a","amount":1,'), "/amount"),
        (GOOD.replace(b"{", rb'{"memo":"\u003A\\\"","a\u006dount":1,'), "/amount"),
        (GOOD.replace(b"{", b'{"memo":null,"memo":null,'), "/memo"),
        (GOOD.replace(b"{", b'{"memo":"::\\":","memo":":",'), "/memo"),
        (with_(b'{"a/~":"1","b":"2","a/~":"3"}', "metadata"), "/metadata/a~1~0"),
        (with_(b'{"":"1","":"1"}', "metadata"), "/metadata/"),
        (with_(b'{"conversation":"c","conversation":"c"}', "chat"), "/chat/conversation"),
        (with_(b'[0,{"x":{"a":1,"a":2}}]', "unknown"), "/unknown/1/x/a"),
        (b'{"a":1e400,"b":{"c":1,"c":1}}', "/b/c"),
        (batch_of(GOOD, GOOD, GOOD.replace(b"{", b'{"from":"x",')), "/transfers/2/from"),
    ],
)
def test_equal_keys_are_refused_at_any_depth_however_they_are_written(raw: bytes, pointer: str) -> None:
    decoder = batches if b"transfers" in raw else transfers
    assert [(pointer, "duplicate_key")] == places(fault(decoder, raw))


TEXTS = [
    '":"',
    "a:b:c",
    '\\":\\',
    '{"a":1,"a":2}',
    "\\",
    ":\\\\",
    "\0\x7f\u202e",
    "\\u003a",
    "",
    "नम:\U0001f469\u200d\U0001f467",
]


@pytest.mark.parametrize("memo", TEXTS)
def test_text_may_hold_anything_json_can_however_it_is_written(memo: str) -> None:
    for text in (json.dumps(memo), json.dumps(memo, ensure_ascii=False), json.dumps(memo).replace(":", r"\u003a")):
        assert memo == transfers.decode(with_(text.encode())).memo


def test_white_space_and_key_order_do_not_matter() -> None:
    spaced = b"\r\n\t " + json.dumps(dict(reversed(json.loads(GOOD).items())), indent=3).encode() + b" \n"
    assert transfers.decode(GOOD) == transfers.decode(spaced)


# --- amounts and currencies -------------------------------------------------------------------------------------------

BAD_AMOUNTS = [
    *(b"1.0", b"1e3", b"1E3", b"1e0", b"10e-1", b"0.5", b"-0.0", b"1e400", b"1e-400", b"9007199254740991.0"),
    *(b'"1"', b'""', b"true", b"false", b"null", b"[]", b"[1]", b"{}", b'{"amount":1}', b"-5", b"-1", b"0", b"-0"),
    *(b"%d" % (2**53), b"%d" % (2**63 - 1), b"%d" % 2**63, b"%d" % 2**64, b"-%d" % 2**63, b"-%d" % 2**64),
    *(b"9" * 400, b"9" * 4300, b"9" * 4301, b"9" * 5000, b"-" + b"9" * 5000, b"1" + b"0" * 5000 + b".0"),
]
AMOUNT_PLACES: list[tuple[StrictDecoder[Any], bytes, str]] = [
    (transfers, with_(b"%s", "amount"), "/amount"),
    (batches, batch_of(*[GOOD] * 17, with_(b"%s", "amount")), "/transfers/17/amount"),
    (limits, b'{"fee":[1,%s]}', "/fee/1"),
    (limits, b'{"per_payment":{"memo":1,"a~b/c":%s}}', "/per_payment/a~0b~1c"),
]


@pytest.mark.parametrize("text", BAD_AMOUNTS, ids=short)
@pytest.mark.parametrize(("decoder", "raw", "pointer"), AMOUNT_PLACES)
def test_an_amount_is_a_whole_number_from_1_to_2_53_less_1(
    decoder: StrictDecoder[Any], raw: bytes, pointer: str, text: bytes
) -> None:
    refusal = fault(decoder, raw % text)
    assert ("amount_invalid", [(pointer, "amount_invalid")]) == (refusal.code, places(refusal))


@pytest.mark.parametrize("text", [text for text in BAD_AMOUNTS if text != b"null"], ids=short)
def test_an_optional_amount_is_held_to_the_same(text: bytes) -> None:
    assert [("/amount", "amount_invalid")] == places(fault(captures, b'{"amount":%s}' % text))
    assert Capture(amount=None) == captures.decode(b'{"amount":null}')


def test_the_least_and_the_greatest_amount_are_accepted() -> None:
    assert [1, 2**53 - 1] == [transfers.decode(body(amount=amount)).amount for amount in (1, 2**53 - 1)]


BAD_CURRENCIES = ["inr", "IN", "INRR", "INR\n", "INR ", "\u0406NR", "", "\0", 356, None, True, ["INR"], {}]


@pytest.mark.parametrize("currency", BAD_CURRENCIES)
def test_a_currency_of_another_shape_is_named_so(currency: object) -> None:
    assert [("/currency", "currency_invalid")] == places(fault(transfers, body(currency=currency)))


# --- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"memo": "a" * 281}, "/memo", "text_invalid"),
        ({"memo": 1}, "/memo", "field_invalid"),
        ({"memo": ["a"]}, "/memo", "field_invalid"),
        ({"metadata": {"amount": 1}}, "/metadata/amount", "field_invalid"),
        ({"metadata": {"k" * 41: "v"}}, "/metadata/" + "k" * 41, "text_invalid"),
        ({"metadata": {str(n): "v" for n in range(21)}}, "/metadata", "field_invalid"),
        ({"metadata": []}, "/metadata", "field_invalid"),
        ({"chat": {"conversation": ""}}, "/chat/conversation", "text_invalid"),
        ({"chat": {"conversation": 7}}, "/chat/conversation", "field_invalid"),
        ({"chat": "c"}, "/chat", "field_invalid"),
        ({"effective_on": "2026-3-1"}, "/effective_on", "timestamp_invalid"),
        ({"effective_on": 20260301}, "/effective_on", "timestamp_invalid"),
        ({"to": ""}, "/to", "field_invalid"),
        ({"to": "bob\n"}, "/to", "field_invalid"),
        ({"to": None}, "/to", "field_invalid"),
        ({"if_unknown": "maybe"}, "/if_unknown", "field_invalid"),
        ({"if_unknown": 1}, "/if_unknown", "field_invalid"),
        ({"chat": {}}, "/chat/conversation", "field_missing"),
        ({"__proto__": {}}, "/__proto__", "field_unknown"),
        ({"From": "a"}, "/From", "field_unknown"),
        ({"from_": "a"}, "/from_", "field_unknown"),
        ({"": 1}, "/", "field_unknown"),
        ({"a/b~c": 1}, "/a~1b~0c", "field_unknown"),
        ({"x` - at `$.chat": 1}, "/x` - at `$.chat", "field_unknown"),
        ({"chat": {"conversation": "c", "constructor": 1}}, "/chat/constructor", "field_unknown"),
    ],
)
def test_a_wrong_field_is_pointed_at_and_named_by_its_kind(changed: dict[str, Any], pointer: str, code: str) -> None:
    refusal = fault(transfers, body(**changed))
    assert (code, [(pointer, code)]) == (refusal.code, places(refusal))
    nested = fault(batches, batch_of(GOOD, GOOD, body(**changed)))
    assert (code, [(f"/transfers/2{pointer}", code)]) == (nested.code, places(nested))


def test_all_wrong_fields_are_told_at_once_and_the_first_gives_the_code() -> None:
    raw = b'{"amount":1.0,"currency":"x","chat":{"zz":1},"zz":1}'
    expected = [
        ("/zz", "field_unknown"),
        ("/from", "field_missing"),
        ("/to", "field_missing"),
        ("/amount", "amount_invalid"),
        ("/currency", "currency_invalid"),
        ("/chat/zz", "field_unknown"),
        ("/chat/conversation", "field_missing"),
    ]
    refusal = fault(transfers, raw)
    assert (expected, *refusal.errors[0][1:]) == (places(refusal), refusal.code, refusal.detail)


def test_a_refusal_lists_no_more_than_its_maximum_of_errors() -> None:
    assert ERRORS_MAX == len(fault(batches, batch_of(*[b"{}"] * 50)).errors)
    assert ERRORS_MAX == len(fault(batches, batch_of(*[body(to="alice")] * 50)).errors)


def test_a_list_too_long_is_refused_at_the_list() -> None:
    assert [("/transfers", "field_invalid")] == places(fault(batches, batch_of(*[GOOD] * 51)))


def test_the_detail_says_what_to_send() -> None:
    assert (
        "Send `amount` as a whole number of minor units, without quotes, decimal point or exponent. "
        "Expected `int`, got `float`."
    ) == fault(transfers, body(amount=1.0)).detail
    assert "Expected one of: refuse, hold_for_claim." in fault(transfers, body(if_unknown="x" * 9999)).detail
    assert "Remove `memmo`. The fields here are: from, to, amount" in fault(transfers, body(memmo="x")).detail
    assert "Remove `" + "a" * 64 + "`. The" in fault(transfers, body(**{"a" * 9999: 1})).detail
    assert "Add the required field `from`." == fault(transfers, b"{}").detail


def test_a_number_too_large_even_for_a_field_that_takes_any_is_refused() -> None:
    assert [("", "field_invalid")] == places(fault(anything, b'{"value":1e400}'))


def test_the_table_of_fields_names_only_codes_of_the_invalid_family() -> None:
    assert {"amount_invalid", "currency_invalid", "text_invalid", "timestamp_invalid"} == set(FIELD_CODES.values())


def test_a_code_follows_from_the_fields_name_and_text_must_be_a_string() -> None:
    wrong = [("unit_amount", "1"), ("memo", "\0"), ("memo", 1), ("rail", "")]
    expected = ["amount_invalid", "text_invalid", "field_invalid", "field_invalid"]
    assert expected == [invalid_code(field, value) for field, value in wrong]


# --- a Struct's own faults --------------------------------------------------------------------------------------------


def test_a_structs_own_fault_is_told_with_its_place() -> None:
    nul, to_self = body(chat={"conversation": "\0"}), body(to="alice")
    assert [("/to", "field_invalid", "Pay someone else.")] == fault(transfers, to_self).errors
    assert ("field_invalid", "Pay someone else.") == (fault(transfers, to_self).code, fault(transfers, to_self).detail)
    assert [("/chat/conversation", "text_invalid")] == places(fault(transfers, nul))
    expected = [("/transfers/1/chat/conversation", "text_invalid"), ("/transfers/3/to", "field_invalid")]
    assert expected == places(fault(batches, batch_of(GOOD, nul, GOOD, to_self)))


def test_a_structs_own_fault_is_asked_only_when_all_it_holds_is_well() -> None:
    both = body(to="alice", chat={"conversation": "\0"})
    assert [("/chat/conversation", "text_invalid")] == places(fault(transfers, both))
    assert [("/transfers/1/amount", "amount_invalid")] == places(fault(batches, batch_of(both, body(amount=0))))


def test_a_type_that_could_hide_something_cannot_be_built() -> None:
    for hint in (Lenient, list[Lenient], dict[str, Chat], list[list[Chat]], list[Chat | None], Chat | list[Chat]):
        with pytest.raises(TypeError):
            StrictDecoder(msgspec.defstruct("Holder", [("held", hint)], forbid_unknown_fields=True))
    with pytest.raises(TypeError, match="Lenient would ignore unknown fields"):
        StrictDecoder(Lenient)


# --- everything else --------------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8") | st.sampled_from(':"\\{}[],a'), max_size=6)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))


def spelled(key: str, escaped: bool) -> str:
    if not escaped:
        return json.dumps(key)
    units = key.encode("utf-16-be").hex()
    return '"' + "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'


@given(values, st.booleans(), st.sampled_from([None, 1]))
@example(0.1 + 0.2, True, None)
def test_distinct_keys_read_as_pythons_json_reads_them(value: object, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps({"value": value}, ensure_ascii=ascii_only, indent=indent).encode()
    assert repr(json.loads(raw)["value"]) == repr(anything.decode(raw).value)


@given(st.dictionaries(texts, values, min_size=1, max_size=4), values, st.booleans(), st.booleans(), st.data())
def test_a_repeated_key_is_refused_wherever_it_is(
    members: dict[str, Any], again: object, escaped: bool, ascii_only: bool, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(members)))
    pairs = [(json.dumps(name), value) for name, value in members.items()] + [(spelled(key, escaped), again)]
    pairs = data.draw(st.permutations(pairs))
    text = "{" + ",".join(f"{name}:{json.dumps(value, ensure_ascii=ascii_only)}" for name, value in pairs) + "}"
    for around in data.draw(st.lists(st.sampled_from(["[0,%s]", '{"a":%s,"b":{}}', '[{"c:":%s}]']), max_size=4)):
        text = around.replace("%s", text)
    assert "duplicate_key" == fault(anything, f'{{"value":{text}}}'.encode()).code


@given(st.dictionaries(st.sampled_from(["from", "to", "amount", "memo", "chat", "metadata", "zz"]), values))
def test_what_is_accepted_is_what_msgspec_accepts_and_what_is_not_is_pointed_at(changed: dict[str, Any]) -> None:
    raw = body(**changed)
    try:
        msgspec.json.decode(raw, type=Transfer)
    except msgspec.ValidationError:
        assert all(pointer != "" for pointer, _ in places(fault(transfers, raw)))
    else:
        assert msgspec.json.decode(raw, type=Transfer) == transfers.decode(raw)


cuts = st.tuples(st.integers(0, len(GOOD)), st.integers(0, 9), st.binary(max_size=4))


@given(st.binary() | cuts.map(lambda cut: GOOD[: cut[0]] + cut[2] + GOOD[cut[0] + cut[1] :]))
def test_whatever_the_bytes_the_answer_is_a_request_or_a_fault(raw: bytes) -> None:
    try:
        request = transfers.decode(raw)
    except Fault as refusal:
        assert refusal.detail.endswith(".")
    else:
        assert request == msgspec.json.decode(raw, type=Transfer)
