"""What comes over the wire: whether a problem is one as it should be, and bytes that no client would send."""

import http.client
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "code", "retryable", "errors"}


class Raw(NamedTuple):
    """An answer that was read from a socket."""

    status_code: int
    headers: httpx.Headers
    content: bytes

    def json(self) -> Any:
        """The body."""
        return httpx.Response(self.status_code, content=self.content).json()


def problem_of(response: httpx.Response | Raw) -> tuple[int, str]:
    """Status and code of a problem, once it is seen to have the form that all have (RFC 9457)."""
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["request-id"].startswith("req_")
    problem = response.json()
    assert problem.keys() - {"existing"} == PROBLEM_FIELDS
    assert problem["status"] == response.status_code
    assert problem["type"].endswith(f"/problems/{problem['code']}")
    assert problem["detail"]
    assert problem["title"]
    for error in problem["errors"]:
        assert error.keys() == {"pointer", "code", "detail"}
    return response.status_code, problem["code"]


def pointers(response: httpx.Response | Raw) -> list[str]:
    """The fields that a problem names."""
    return [error["pointer"] for error in response.json()["errors"]]


def send_raw(base: str, *parts: bytes) -> Raw:
    """The answer to bytes that are sent as they are, one part after the other, as far as the server takes them."""
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except ConnectionError:
            pass  # it has answered already
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
            return Raw(response.status, httpx.Headers(response.getheaders()), response.read())
        finally:
            response.close()


def head(method: str, path: str, headers: dict[str, str]) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
