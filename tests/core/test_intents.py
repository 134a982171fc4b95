"""Intents: the payer's signature over the exact bytes, read strictly, and compared with what is asked for."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.entries import canonical
from ledger.core.intents import (
    INTENT_TYPE,
    PAYLOAD_LENGTH_MAX,
    SignedIntent,
    Terms,
    pre_authentication_encoding,
    read_intent,
    signed_bytes,
    verify_intent,
)
from ledger.core.keys import to_base64
from ledger.core.text import parse_timestamp
from tests.core.little_log import INTENT, LOG_KEY, PAYER, PAYER_KEY, PAYER_KEY_ID, TERMS

FIELDS = TERMS | {"expires_at": "2026-11-20T23:05:01Z"}
ASKED = msgspec.convert(TERMS, Terms)


def signed(payload: bytes = INTENT) -> SignedIntent:
    return SignedIntent(to_base64(payload), PAYER_KEY_ID, to_base64(PAYER.sign(signed_bytes(payload))))


def written(**changes: Any) -> bytes:
    return json.dumps(FIELDS | changes).encode()


def test_the_encoding_before_signing_is_that_of_the_dsse_specification() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert expected == pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")


def test_the_encoding_before_signing_counts_bytes_and_not_characters() -> None:
    assert "DSSEv1 5 t/€ 3 €".encode() == pre_authentication_encoding("t/€", "€".encode())
    assert b"DSSEv1 0  0 " == pre_authentication_encoding("", b"")


def test_a_payer_signs_the_type_and_the_bytes_of_the_intent() -> None:
    expected = f"DSSEv1 {len(INTENT_TYPE)} {INTENT_TYPE} {len(INTENT)} ".encode() + INTENT
    assert expected == signed_bytes(INTENT)
    assert "application/vnd.chat-ledger.intent.v1+json" == INTENT_TYPE


def test_an_intent_that_the_payer_signed_agrees_with_the_request() -> None:
    intent = verify_intent(signed(), PAYER_KEY)
    assert [] == intent.differing_fields(ASKED)
    assert FIELDS == msgspec.to_builtins(intent)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ledger", "other"),
        ("operation", "hold"),
        ("of", "invoice_7"),
        ("key", "lunch-2"),
        ("from", "mallory"),
        ("to", "mallory"),
        ("amount", 1251),
        ("currency", "INR"),
    ],
)
def test_each_field_that_differs_from_the_request_is_named(field: str, value: str | int) -> None:
    asked = msgspec.convert(TERMS | {field: value}, Terms)
    assert [field] == read_intent(INTENT).differing_fields(asked)
    assert [field] == read_intent(written(**{field: value})).differing_fields(ASKED)


def test_all_fields_that_differ_are_named_in_their_order() -> None:
    asked = Terms(ledger="x", operation="x", of="x", key="x", from_="x", to="x", amount=0, currency="x")
    assert list(TERMS) == read_intent(INTENT).differing_fields(asked)


def test_an_intent_has_expired_from_its_last_microsecond_on() -> None:
    intent = read_intent(written(expires_at="2026-11-21T04:35:01.25+05:30"))
    at = parse_timestamp("2026-11-20T23:05:01.25Z")
    assert not intent.has_expired(at - 1)
    assert intent.has_expired(at)


def test_order_and_spacing_of_the_payload_do_not_matter() -> None:
    turned = dict(reversed(FIELDS.items()))
    for payload in (
        json.dumps(turned, indent=2),
        json.dumps(turned, separators=(",", ":")),
        f" {json.dumps(turned)}\n",
    ):
        assert [] == verify_intent(signed(payload.encode()), PAYER_KEY).differing_fields(ASKED)


def test_a_text_with_colons_quotes_and_backslashes_is_not_taken_for_a_field() -> None:
    for key in ('a:b"c\\d', '\\":\\"', "\\u003a", ':,"key":1', "\\"):
        assert key == read_intent(written(key=key)).key
    assert "a:b" == read_intent(written().replace(b'"lunch-1"', rb'"a\u003ab"')).key


@pytest.mark.parametrize("field", list(FIELDS))
@pytest.mark.parametrize("is_first", [True, False])
def test_a_field_that_is_given_twice_is_refused(field: str, is_first: bool) -> None:
    extra = {"amount": "1"}.get(field, '"1"')
    once = written().decode()
    twice = f'{{"{field}":{extra},{once[1:]}' if is_first else f'{once[:-1]},"{field}":{extra}}}'
    payload = twice.replace('"expires_at":"1"', '"expires_at":"2027-01-01T00:00:00Z"')
    with pytest.raises(ValueError, match=r"The intent has a field twice\."):
        verify_intent(signed(payload.encode()), PAYER_KEY)


@pytest.mark.parametrize("field", list(FIELDS))
def test_a_field_that_is_missing_is_refused(field: str) -> None:
    payload = canonical({name: value for name, value in FIELDS.items() if name != field})
    with pytest.raises(ValueError, match=f"missing required field `{field}`"):
        read_intent(payload)


def test_a_field_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown field `memo`"):
        read_intent(written(memo="x"))


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"[]", b"null", b'"x"', b"5", b"{}", INTENT[:-1], INTENT + b"{}", INTENT[:-1] + b",}"),
        *(b"\xef\xbb\xbf" + INTENT, INTENT.decode().encode("utf-16"), INTENT.replace(b"alice", b"\xff")),
        *(written(memo="x"), written(__proto__={}), b"[" * 100_000, INTENT.replace(b"1250", b"[" * 5_000)),
        *(written(amount=amount) for amount in (1250.0, "1250", True, None, [1250], {"v": 1250}, float("nan"))),
        *(INTENT.replace(b"1250", amount) for amount in (b"1.25e3", b"01250", b"+1250", b"1e400", b"9" * 5_000)),
        *(written(**{"from": None}), written(to=5), written(of=5), written(currency=["EUR"]), written(expires_at=0)),
        *(written(expires_at=time) for time in ("", "2026-02-30T00:00:00Z", "2026-11-20T23:05:01", "tomorrow")),
        INTENT.replace(b'"', b"'"),
        INTENT.replace(b"{", b"{//\n"),
    ],
    ids=lambda payload: repr(payload[:40]),
)
def test_a_payload_that_is_no_intent_is_refused_with_a_sentence(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"\AThe intent.*\.\Z") as refused:
        verify_intent(signed(payload), PAYER_KEY)
    assert ValueError is refused.type


def test_a_signature_of_another_key_does_not_hold() -> None:
    with pytest.raises(ValueError, match=f"does not hold under the key {PAYER_KEY_ID}"):
        verify_intent(signed(), LOG_KEY.public_key)


def test_a_signature_of_the_payload_without_its_type_does_not_hold() -> None:
    bare = SignedIntent(to_base64(INTENT), PAYER_KEY_ID, to_base64(PAYER.sign(INTENT)))
    of_another_type = PAYER.sign(pre_authentication_encoding("application/json", INTENT))
    for intent in (bare, msgspec.structs.replace(bare, signature=to_base64(of_another_type))):
        with pytest.raises(ValueError, match="does not hold"):
            verify_intent(intent, PAYER_KEY)


@given(st.integers(0, len(INTENT) - 1), st.integers(0, 7))
def test_a_payload_with_any_bit_flipped_is_refused(at: int, bit: int) -> None:
    payload = bytearray(INTENT)
    payload[at] ^= 1 << bit
    changed = msgspec.structs.replace(signed(), payload=to_base64(bytes(payload)))
    with pytest.raises(ValueError, match="does not hold"):
        verify_intent(changed, PAYER_KEY)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_intent_never_raise_anything_but_a_sentence(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"\.\Z") as refused:
        read_intent(payload)
    assert ValueError is refused.type


def test_base64_that_cannot_be_read_is_found_before_any_key_is_looked_up() -> None:
    assert signed().fault() is None
    for name in ("payload", "signature"):
        fault = msgspec.structs.replace(signed(), **{name: "no base64"}).fault()
        assert fault is not None
        assert (f"/{name}", "intent_invalid") == (fault.pointer, fault.code)


def test_what_is_longer_than_in_any_intent_is_refused_before_anything_remembers_it() -> None:
    longest = SignedIntent(to_base64(bytes(PAYLOAD_LENGTH_MAX // 4 * 3)), PAYER_KEY_ID, to_base64(bytes(64)))
    assert PAYLOAD_LENGTH_MAX == len(longest.payload)
    assert longest.fault() is None
    for name in ("payload", "key_id", "signature"):
        fault = msgspec.structs.replace(longest, **{name: getattr(longest, name) + "AAAA"}).fault()
        assert fault is not None
        assert (f"/{name}", "intent_invalid") == (fault.pointer, fault.code)


def test_the_longest_names_there_can_be_make_an_intent_that_is_short_enough() -> None:
    names = {"key": '"' * 255, "from": "p" * 64, "to": f"alias:{'c' * 32}:{'😀' * 256}"}
    longest = json.dumps(FIELDS | names, ensure_ascii=False, indent=4).encode()
    assert len(to_base64(longest)) < PAYLOAD_LENGTH_MAX
