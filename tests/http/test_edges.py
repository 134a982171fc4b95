"""Whatever comes in, what goes out is an answer or a problem in the one form, with a Request-Id."""

import json
import re
from typing import Any

import asyncpg
import pytest

from ledger.core.settings import SetLedger
from ledger.http.replies import Reply
from ledger.http.routes import Asked, NoQuery, Route
from tests.http.asking import BASE, Answered, ask

PROBLEM = "application/problem+json"


def is_problem(answered: Answered, status: int, code: str) -> bool:
    """Whether this is that problem, in every particular that all problems share."""
    problem = answered.json()
    return (
        (status, status, code) == (answered.status, problem["status"], problem["code"])
        and answered.headers["content-type"] == PROBLEM
        and answered.headers["content-length"] == str(len(answered.body))
        and answered.headers["request-id"] == problem["instance"]
        and problem["type"] == f"{BASE}/problems/{code}"
    )


def route(handle: Any, path: str = "/try", method: str = "GET", **options: Any) -> Route:
    return Route(method, path, None, handle, summary="", answers=dict, **options)


@pytest.mark.parametrize(
    "target",
    [
        "/v1",
        "/v1/",
        "/v2/transfers",
        "/v1x",
        "/v1/transfers/",
        "//v1//transfers",
        "/v1/../docs",
        "/docs/",
        "/docs/x",
        "/openapi.yaml",
        "/favicon.ico",
        "/problems/nothing",
        "/problems/insufficient_funds%00",
        "/v1/parties/%00",
        "/v1/parties/%ff",
        "/v1/parties/%C0%AF",
        "/v1/parties/%ED%A0%80",
        "/v1%2Fledger",
        "*",
        "/" + "a" * 10_000,
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(target: str) -> None:
    answered = ask("GET", target)
    assert is_problem(answered, 404, "not_found")
    assert len(answered.body) < 1_000


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("target", ["/docs", "/openapi.json", "/problems", "/problems/internal", "/"])
def test_a_page_knows_get_and_head_only(method: str, target: str) -> None:
    answered = ask(method, target)
    assert is_problem(answered, 405, "method_not_allowed")
    assert "GET, HEAD" == answered.headers["allow"]


def test_every_method_of_a_path_is_allowed_and_named() -> None:
    assert "GET, HEAD, PUT" == ask("OPTIONS", "/v1/ledger").headers["allow"]
    assert "POST" == ask("GET", "/v1/transfers/batch").headers["allow"]


@pytest.mark.parametrize("target", ["/docs", "/openapi.json", "/problems/internal", "/nowhere", "/v1/ledger"])
def test_head_is_answered_like_get_without_the_body(target: str) -> None:
    got, headed = ask("GET", target), ask("HEAD", target)
    varying = {"request-id": "", "content-length": ""}
    assert (got.status, got.headers | varying) == (headed.status, headed.headers | varying)
    assert b"" == headed.body
    assert int(headed.headers["content-length"]) > 0


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
def test_the_interface_answers_json_whatever_is_asked_for(accept: str) -> None:
    assert is_problem(ask("GET", "/v1/ledger", [(b"accept", accept.encode())]), 401, "credentials_missing")


def test_a_host_of_ones_own_choosing_changes_nothing() -> None:
    headers = [(b"host", b"evil.example"), (b"x-forwarded-host", b"evil.example"), (b"x-forwarded-proto", b"gopher")]
    plain, other = ask("GET", "/nowhere"), ask("GET", "/nowhere", headers)
    assert plain.json() | {"instance": ""} == other.json() | {"instance": ""}


@pytest.mark.parametrize(
    "headers", [[(b"x-%d" % n, b"") for n in range(200)], [(b"cookie", b"a" * 64 * 1024)]], ids=["200", "64 KiB"]
)
def test_pages_too_refuse_headers_without_end(headers: list[tuple[bytes, bytes]]) -> None:
    assert is_problem(ask("GET", "/docs", headers), 431, "headers_too_large")


@pytest.mark.parametrize(
    ("query", "code"),
    [("x=1", "field_unknown"), ("x", "field_invalid"), ("x=%ff", "field_invalid"), ("x=1&x=1", "field_unknown")],
)
def test_pages_too_refuse_queries_that_mean_nothing(query: str, code: str) -> None:
    assert is_problem(ask("GET", f"/docs?{query}"), 422, code)


def test_what_breaks_is_a_problem_that_tells_nothing_of_us(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(asked: Asked) -> Reply:
        raise RuntimeError("the password is hunter2")

    answered = ask("GET", "/try", routes=[route(breaks)])
    assert is_problem(answered, 500, "internal")
    assert "hunter2" not in answered.body.decode()
    assert answered.headers["request-id"] in caplog.text


@pytest.mark.parametrize(
    "fault",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.InterfaceError("connection is closed"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_database_that_is_away_is_asked_again_later(fault: Exception) -> None:
    async def reads(asked: Asked) -> Reply:
        raise fault

    answered = ask("GET", "/try", routes=[route(reads)])
    assert is_problem(answered, 503, "unavailable")
    assert (True, "1") == (answered.json()["retryable"], answered.headers["retry-after"])


def test_an_answer_that_cannot_be_written_is_a_problem_too() -> None:
    async def unwritable(asked: Asked) -> Reply:
        return Reply(200, {"text": "\ud800"})

    assert is_problem(ask("GET", "/try", routes=[route(unwritable)]), 500, "internal")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a", "a"),
        ("a%2Fb", "a/b"),
        ("%61", "a"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("+49%3F", "+49?"),
        ("%C3%A9", "é"),
        ("%25", "%"),
        ("%f", "%f"),
    ],
)
def test_a_name_in_a_path_is_decoded_once_and_after_the_path_is_split(sent: str, name: str) -> None:
    async def show(asked: Asked) -> Reply:
        return Reply(200, asked.path)

    assert {"name": name} == ask("GET", f"/try/{sent}", routes=[route(show, "/try/{name}")]).json()


@pytest.mark.parametrize("before", [b"", b"{", b"{}"], ids=["nothing", "half", "all"])
def test_a_body_that_was_cut_off_is_not_acted_upon(before: bytes) -> None:
    acted = []

    async def act(asked: Asked) -> Reply:
        acted.append(asked)
        return Reply(200, {})

    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": before, "more_body": True},
        {"type": "http.disconnect"},
    ]
    headers = [(b"content-length", b"40"), (b"content-type", b"application/json")]
    answered = ask(
        "PUT", "/try", headers, messages=messages, routes=[route(act, method="PUT", body=SetLedger, query=NoQuery)]
    )
    assert is_problem(answered, 400, "malformed_json")
    assert [] == acted


def test_every_answer_has_a_request_id_of_its_own() -> None:
    ids = [ask("GET", "/docs").headers["request-id"], ask("GET", "/nowhere").headers["request-id"]]
    assert 2 == len(set(ids))
    assert all(re.fullmatch("req_[0-9a-f]+", each) for each in ids)


def test_what_the_path_says_of_itself_stays_json() -> None:
    problem = ask("GET", '/v1/"<script>').json()
    assert '/v1/"<script>' in problem["detail"]
    assert json.loads(json.dumps(problem)) == problem
