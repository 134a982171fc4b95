"""What bad bodies, amounts and currencies get: a clear problem, and nothing is written."""

from typing import Any

import httpx
import pytest

from tests.harness import Client
from tests.http.wire import head, pointers, problem_of, send_raw

TRANSFER = {"from": "ann", "to": "bob", "amount": 5, "currency": "EUR"}
TEXT = b'{"from":"ann","to":"bob","amount":5,"currency":"EUR"}'
JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.usefixtures("nothing_is_written")


def sent(client: Client, content: bytes, path: str = "/v1/transfers", **headers: str) -> httpx.Response:
    return client.post(path, content=content, headers=JSON | {k.replace("_", "-"): v for k, v in headers.items()})


def auth(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token}"}


def changed(**fields: Any) -> dict[str, Any]:
    return TRANSFER | fields


# The body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b'"text"',
        b"7",
        b"true",
        TEXT[:-1],
        TEXT[:20],
        TEXT[:-1] + b",}",
        TEXT + b"x",
        TEXT + TEXT,
        TEXT.replace(b"5", b"NaN"),
        TEXT.replace(b"5", b"Infinity"),
        TEXT.replace(b"5", b"+1"),
        TEXT.replace(b"5", b"01"),
        TEXT.replace(b"5", b".5"),
        TEXT.replace(b"5", b"0x5"),
        TEXT.replace(b'"', b"'"),
        TEXT.replace(b'"from"', b"from"),
        b"/* pay */" + TEXT,
        TEXT + b"// pay",
        b"\xef\xbb\xbf" + TEXT,
        TEXT.replace(b"ann", b"\xff"),
        TEXT.replace(b"ann", b"\xc0\xaf"),
        TEXT.replace(b"ann", b"\xed\xa0\x80"),
        TEXT.replace(b"ann", b"\xf4\x90\x80\x80"),
        TEXT.replace(b"ann", rb"\ud800"),
        TEXT.replace(b"ann", rb"\udc00\ud800"),
        TEXT.replace(b"ann", b"a\nb"),
        TEXT.decode().encode("utf-16"),
        TEXT.decode().encode("utf-16-be"),
        TEXT.decode().encode("utf-32"),
        b"\x00" + TEXT,
        TEXT + b"\x00",
        b"from=ann&to=bob",
    ],
)
def test_a_body_that_is_not_one_json_object_in_utf_8_is_malformed(client: Client, content: bytes) -> None:
    assert (400, "malformed_json") == problem_of(sent(client, content))


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'{"metadata":', b"")])
def test_deep_nesting_is_malformed(client: Client, depth: int, opening: bytes, closing: bytes) -> None:
    content = TEXT[:-1] + b',"metadata":' + opening * depth + b"1" + closing * depth + b"}"
    assert (400, "malformed_json") == problem_of(sent(client, content, "/v1/transfers/batch"))


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (TEXT[:-1] + b',"amount":5}', "/amount"),
        (TEXT[:-1] + b',"amount":6}', "/amount"),
        (TEXT[:-1] + rb',"\u0061mount":6}', "/amount"),
        (TEXT[:-1] + b',"chat":{"conversation":"a","conversation":"a"}}', "/chat/conversation"),
        (TEXT[:-1] + b',"metadata":{"a":"1","a":"2"}}', "/metadata/a"),
        (TEXT[:-1] + b',"x":{"y":[{"a":1,"a":1}]}}', "/x/y/0/a"),
    ],
)
def test_equal_keys_are_refused_wherever_they_stand(client: Client, content: bytes, pointer: str) -> None:
    response = sent(client, content)
    assert (400, "duplicate_key") == problem_of(response)
    assert [pointer] == pointers(response)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"amout": 5}, "/amout"),
        ({"__proto__": {}}, "/__proto__"),
        ({"constructor": None}, "/constructor"),
        ({"id": "transfer_1"}, "/id"),
        ({"Amount": 5}, "/Amount"),
        ({"chat": {"conversation": "c", "user": "u"}}, "/chat/user"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"": 1}, "/"),
    ],
)
def test_a_field_that_is_not_known_is_never_ignored(client: Client, fields: dict[str, Any], pointer: str) -> None:
    response = client.post("/v1/transfers", changed(**fields))
    assert (422, "field_unknown") == problem_of(response)
    assert [pointer] == pointers(response)


@pytest.mark.parametrize("field", TRANSFER)
def test_a_required_field_that_is_missing_is_named(client: Client, field: str) -> None:
    response = client.post("/v1/transfers", {name: value for name, value in TRANSFER.items() if name != field})
    assert (422, "field_missing") == problem_of(response)
    assert [f"/{field}"] == pointers(response)


def test_everything_that_is_wrong_with_the_fields_is_said_at_once(client: Client) -> None:
    response = client.post("/v1/transfers", {"from": 7, "amount": "5", "currency": "EUR", "x": 1})
    assert ["/x", "/from", "/to", "/amount"] == pointers(response)


@pytest.mark.parametrize(("path", "size"), [("/v1/transfers", 64 * 1024), ("/v1/transfers/batch", 8 * 1024 * 1024)])
def test_a_body_over_the_limit_is_too_large_and_one_at_the_limit_is_read(client: Client, path: str, size: int) -> None:
    assert (400, "malformed_json") == problem_of(sent(client, b" " * size, path))
    assert (413, "body_too_large") == problem_of(sent(client, b" " * (size + 1), path))


def test_a_body_over_the_limit_is_too_large_without_a_content_length(client: Client) -> None:
    chunks = (b"10000\r\n" + b" " * 0x10000 + b"\r\n", b"1\r\n \r\n", b"0\r\n\r\n")
    headers = JSON | {"Host": "x", "Idempotency-Key": "k", "Transfer-Encoding": "chunked"}
    assert (413, "body_too_large") == problem_of(send_raw(client.base, head("POST", "/v1/transfers", headers), *chunks))


@pytest.mark.parametrize("length", ["65537", "999999999999999999"])
def test_a_content_length_over_the_limit_is_refused_before_anything_is_read(client: Client, length: str) -> None:
    headers = JSON | {"Host": "x", "Idempotency-Key": "k", "Content-Length": length}
    assert (413, "body_too_large") == problem_of(send_raw(client.base, head("POST", "/v1/transfers", headers)))


@pytest.mark.parametrize("length", ["20", "-1", "five", "99999999999999999999"])
def test_a_false_content_length_gets_no_further_than_the_parser(client: Client, length: str) -> None:
    headers = JSON | {"Host": "x", "Idempotency-Key": "k", "Content-Length": length, **auth(client)}
    assert 400 == send_raw(client.base, head("POST", "/v1/transfers", headers), TEXT).status_code


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/jsonx",
        "application/problem+json",
        "application/json, text/plain",
        "*/*",
    ],
)
def test_a_body_that_does_not_say_it_is_json_is_not_read(client: Client, media_type: str) -> None:
    assert (415, "unsupported_media_type") == problem_of(sent(client, TEXT, Content_Type=media_type))


def test_a_body_without_a_content_type_is_not_read(client: Client) -> None:
    response = client.http.post("/v1/transfers", content=TEXT, headers={"Idempotency-Key": "k"})
    assert (415, "unsupported_media_type") == problem_of(response)


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
def test_json_is_read_however_its_content_type_is_spelt(client: Client, media_type: str) -> None:
    assert (400, "malformed_json") == problem_of(sent(client, b"{", Content_Type=media_type))


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity", "zstd, gzip", ""])
def test_a_content_encoding_of_any_kind_is_refused(client: Client, encoding: str) -> None:
    assert (415, "unsupported_media_type") == problem_of(sent(client, TEXT, Content_Encoding=encoding))


# Amount and currency

NO_AMOUNTS = (
    *("1.0", "1e3", "5E0", '"1"', "true", "false", "null", "[]", "[5]", "{}", "-5", "0", "-0", "0.5", "-0.0", "1e400"),
    *("9007199254740992", "9223372036854775808", "18446744073709551616", "9" * 5_000),
)


@pytest.mark.parametrize("amount", NO_AMOUNTS, ids=lambda text: text[:22])
def test_an_amount_is_a_whole_number_of_minor_units_from_1_to_two_to_the_53_minus_1(
    client: Client, amount: str
) -> None:
    response = sent(client, TEXT.replace(b"5", amount.encode()))
    assert (422, "amount_invalid") == problem_of(response)
    assert ["/amount"] == pointers(response)


NO_CURRENCIES: tuple[Any, ...] = (
    *("inr", "IN", "INRR", "XXX", "XTS", "INR\n", " INR", "\u0406NR", "ABC", "978", "", "\uff25\uff35\uff32"),
    *("HRK", "BGN", "USD", None, 5, True, ["EUR"], {}),
)


@pytest.mark.parametrize("currency", NO_CURRENCIES)
def test_a_currency_is_a_live_code_that_the_ledger_has_enabled(client: Client, currency: Any) -> None:
    response = client.post("/v1/transfers", changed(currency=currency))
    assert (422, "currency_invalid") == problem_of(response)
    assert ["/currency"] == pointers(response)


@pytest.mark.parametrize("currency", [each for each in NO_CURRENCIES if each != "USD"])
def test_a_deposit_too_needs_a_live_code(client: Client, currency: Any) -> None:
    body = {"to": "ann", "amount": 5, "currency": currency, "rail": "test", "rail_reference": "r"}
    assert (422, "currency_invalid") == problem_of(client.post("/v1/deposits", body))
