"""What bad keys, credentials, methods and headers get; and what comes first when several things are wrong."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.http.app import ROUTES
from ledger.http.routes import Route
from tests.harness import Client, Served, make_api_key, new_key
from tests.http.wire import head, problem_of, send_raw

TRANSFER = {"from": "ann", "to": "bob", "amount": 5, "currency": "EUR"}
TEXT = b'{"from":"ann","to":"bob","amount":5,"currency":"EUR"}'
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
GUARDED = [route for route in ROUTES if route.scope is not None]
WRITES = [route for route in ROUTES if route.needs_key]

pytestmark = pytest.mark.usefixtures("nothing_is_written")


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def filled(path: str) -> str:
    return re.sub("{.*?}", "ann", path)


def posted(client: Client, *lines: bytes) -> tuple[int, str]:
    """A transfer whose head has these further lines."""
    request = [b"POST /v1/transfers HTTP/1.1", b"Host: x", b"Content-Type: application/json"]
    request += [b"Authorization: Bearer " + client.token.encode(), b"Content-Length: %d" % len(TEXT), *lines]
    return problem_of(send_raw(client.base, b"\r\n".join(request) + b"\r\n\r\n" + TEXT))


# The Idempotency-Key


@pytest.mark.parametrize("route", WRITES, ids=named)
def test_a_write_needs_an_idempotency_key(client: Client, route: Route) -> None:
    response = client.http.request(route.method, filled(route.path), json={})
    assert (400, "idempotency_key_missing") == problem_of(response)


@pytest.mark.parametrize(
    "key", [b"", b" ", b"a b", b"a\tb", b"k" * 256, b"\xc3\xa4", b"\x80", b"a,\x7f", b'"a b"', b"a\x01b"], ids=ascii
)
def test_an_idempotency_key_is_1_to_255_visible_ascii_characters(client: Client, key: bytes) -> None:
    if b"\x01" in key or b"\x7f" in key:  # no HTTP, which the parser says
        raw = b"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nIdempotency-Key: %s\r\n\r\n" % key
        assert 400 == send_raw(client.base, raw).status_code
    else:
        assert (400, "idempotency_key_invalid") == posted(client, b"Idempotency-Key: " + key)


@pytest.mark.parametrize("second", [b"one", b"two"])
def test_an_idempotency_key_is_sent_once(client: Client, second: bytes) -> None:
    assert (400, "idempotency_key_invalid") == posted(client, b"Idempotency-Key: one", b"idempotency-key: " + second)


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "\u00e4", "a\x00b", None, 7])
def test_an_items_key_keeps_to_the_same_rules(client: Client, key: object) -> None:
    response = client.post("/v1/transfers/batch", {"transfers": [TRANSFER | {"key": key}]})
    assert (422, "field_invalid") == problem_of(response)


# Who is asking


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_a_route_is_closed_to_those_without_credentials(client: Client, route: Route) -> None:
    response = client.http.request(
        route.method,
        filled(route.path),
        json={} if route.body else None,
        headers={"Authorization": "", "Idempotency-Key": "k"},
    )
    assert 401 == problem_of(response)[0]


@pytest.fixture(scope="module")
def powerless(service: Served) -> Iterator[Client]:
    made = Client(service.base, make_api_key(service.database))
    yield made
    made.close()


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_a_route_is_closed_to_a_key_that_lacks_its_scope(powerless: Client, route: Route) -> None:
    response = powerless.write(route.method, filled(route.path), {} if route.body else None)
    assert (403, "scope_missing") == problem_of(response)
    assert f"scope {route.scope}." in response.json()["detail"]


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Bearer",
        "Bearer clk_",
        "Bearer clk_" + "0" * 48,
        "Bearer " + "x" * 10_000,
        "Bearer key_1",
        "Basic Y2xrXzp4",
        "Bearer clk_x, Bearer clk_y",
        "clk_" + "0" * 48,
        "Bearer clk_'; DROP TABLE ledger.entries; --",
    ],
)
def test_wrong_credentials_all_get_the_same_answer(client: Client, credentials: str) -> None:
    wrong = client.http.get("/v1/ledger", headers={"Authorization": credentials})
    unknown = client.http.get("/v1/ledger", headers={"Authorization": "Bearer clk_nobodys"})
    assert (401, "credentials_invalid") == problem_of(wrong)
    assert unknown.json() | {"instance": ""} == wrong.json() | {"instance": ""}
    assert 'Bearer realm="chat-ledger"' == wrong.headers["www-authenticate"]


def test_a_token_is_taken_as_it_is_and_not_completed(client: Client) -> None:
    for token in (client.token[:-1], client.token + "0", client.token.upper(), client.token + ".", " " + client.token):
        response = client.http.get("/v1/ledger", headers={"Authorization": f"Bearer {token}"})
        assert (401, "credentials_invalid") == problem_of(response), token


def test_without_credentials_one_is_told_to_send_some(client: Client) -> None:
    raw = send_raw(client.base, head("GET", "/v1/ledger", {"Host": "x"}))
    assert (401, "credentials_missing") == problem_of(raw)
    assert 'Bearer realm="chat-ledger"' == raw.headers["www-authenticate"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_schemes_name_may_be_in_any_case(client: Client, scheme: str) -> None:
    assert 200 == client.http.get("/v1/ledger", headers={"Authorization": f"{scheme} {client.token}"}).status_code


# Methods


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_a_method_that_a_path_does_not_know_is_refused_with_those_it_knows(client: Client, path: str) -> None:
    known = {route.method for route in ROUTES if route.path == path}
    known |= {"HEAD"} if "GET" in known else set()
    for method in (*METHODS, "PROPFIND"):
        if method not in known:
            response = client.http.request(method, filled(path))
            assert 405 == response.status_code, method
            assert known == set(response.headers["allow"].split(", ")), method


def test_a_wrong_method_is_told_in_a_problem(client: Client) -> None:
    assert (405, "method_not_allowed") == problem_of(client.delete("/v1/parties/ann"))


def test_head_is_get_without_the_body_and_is_answered_at_once(client: Client) -> None:
    got, asked = client.get("/v1/parties/ann"), client.http.head("/v1/parties/ann", timeout=2)
    assert (200, b"") == (asked.status_code, asked.content)
    assert got.headers["content-length"] == asked.headers["content-length"]


# Headers


@pytest.mark.parametrize("path", ["/v1/ledger", "/v1/transfers"])
def test_too_many_headers_are_refused(client: Client, path: str) -> None:
    headers = {"Host": "x", "Authorization": f"Bearer {client.token}"} | {f"X-{n}": "x" for n in range(200)}
    method = "GET" if path == "/v1/ledger" else "POST"
    assert (431, "headers_too_large") == problem_of(send_raw(client.base, head(method, path, headers)))


@pytest.mark.parametrize("size", [33_000, 64 * 1024, 1024 * 1024])
def test_too_large_headers_are_refused(client: Client, size: int) -> None:
    headers = {"Host": "x", "Authorization": f"Bearer {client.token}", "X-Large": "x" * size}
    assert (431, "headers_too_large") == problem_of(send_raw(client.base, head("GET", "/v1/ledger", headers)))


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "*/*;q=0", "application/json;v=9"])
def test_whatever_is_accepted_json_is_answered(client: Client, accept: str) -> None:
    found = client.http.get("/v1/parties/ann", headers={"Accept": accept})
    assert (200, "application/json") == (found.status_code, found.headers["content-type"])
    assert (404, "party_unknown") == problem_of(client.http.get("/v1/parties/ghost", headers={"Accept": accept}))


@pytest.mark.parametrize(
    "header",
    [
        "Host: evil.example",
        "Host: ",
        "Host: a b",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Prefix: /evil",
        "Forwarded: host=evil.example;proto=https",
        "X-Original-URL: /v1/ledger",
        "X-HTTP-Method-Override: DELETE",
    ],
)
def test_no_header_says_where_one_is_or_what_is_asked(client: Client, header: str) -> None:
    host = b"" if header.startswith("Host") else b"Host: x\r\n"
    credentials = b"Authorization: Bearer " + client.token.encode()
    request = b"GET /v1/parties/ghost HTTP/1.1\r\n" + host + header.encode() + b"\r\n" + credentials + b"\r\n\r\n"
    answer = send_raw(client.base, request)
    assert (404, "party_unknown") == problem_of(answer)
    assert f"{client.base}/problems/party_unknown" == answer.json()["type"]


def test_every_answer_has_a_request_id_of_its_own(client: Client) -> None:
    ids = {client.get(path).headers["request-id"] for path in ("/v1/ledger", "/v1/ledger", "/v1/ghost", "/v1/ghost")}
    assert 4 == len(ids)
    assert all(re.fullmatch("req_[0-9a-f]+", each) for each in ids)


# What comes first

WRONG: tuple[tuple[str, tuple[int, str], dict[str, Any]], ...] = (
    ("headers", (431, "headers_too_large"), {"headers": {"X-Large": "x" * 40_000}}),
    ("path", (404, "not_found"), {"path": "/v1/nothing"}),
    ("method", (405, "method_not_allowed"), {"method": "PATCH"}),
    ("size", (413, "body_too_large"), {"content": b"[" * 70_000}),
    ("encoding", (415, "unsupported_media_type"), {"headers": {"Content-Encoding": "gzip"}}),
    ("key", (400, "idempotency_key_invalid"), {"headers": {"Idempotency-Key": "a b"}}),
    ("syntax", (400, "malformed_json"), {"content": TEXT[:-1]}),
    ("credentials", (401, "credentials_invalid"), {"headers": {"Authorization": "Bearer clk_nobodys"}}),
    ("scope", (403, "scope_missing"), {"powerless": True}),
    ("field", (422, "amount_invalid"), {"content": TEXT.replace(b"5", b"0")}),
    ("query", (422, "field_unknown"), {"path": "/v1/transfers?x=1"}),
    ("books", (422, "same_party"), {"content": TEXT.replace(b"bob", b"ann"), "path": "/v1/transfers?dry_run=true"}),
)


@pytest.mark.parametrize("first", range(len(WRONG)), ids=[name for name, _, _ in WRONG])
def test_when_several_things_are_wrong_the_first_is_answered(client: Client, powerless: Client, first: int) -> None:
    for second in range(first, len(WRONG)):
        request: dict[str, Any] = {
            "method": "POST",
            "path": "/v1/transfers",
            "content": TEXT,
            "headers": {},
            "powerless": False,
        }
        for _, _, wrong in (WRONG[second], WRONG[first]):
            request |= wrong | {"headers": request["headers"] | wrong.get("headers", {})}
        sender = powerless if request["powerless"] else client
        headers = {"Content-Type": "application/json", "Idempotency-Key": new_key()} | request["headers"]
        response = sender.http.request(request["method"], request["path"], content=request["content"], headers=headers)
        assert WRONG[first][1] == problem_of(response), WRONG[second][0]
