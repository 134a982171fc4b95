"""Holds every answer that a test's client gets to the OpenAPI document: its status, type, headers, fields and code."""

from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from ledger.http.app import ROUTES
from ledger.http.openapi import document
from ledger.http.routes import Route


def check(response: httpx.Response) -> None:
    """Raise AssertionError for an answer that the document does not know. A hook of httpx's client."""
    route = _route(response.request)
    if route is None or response.status_code == 405 or response.request.method == "HEAD":
        return
    response.read()
    said = f"{route.method} {route.path} answered {response.status_code} {response.text:.500}"
    answers = _document()["paths"][route.path][route.method.lower()]["responses"]
    answer = answers.get(str(response.status_code))
    assert answer is not None, f"{said}: this status is not in the document"
    for name in answer["headers"]:
        required = _document()["components"]["headers"][name].get("required", False)
        assert name in response.headers or not required, f"{said}: without {name}"
    media_type = response.headers["content-type"]
    assert media_type in answer["content"], f"{said}: as {media_type}"
    if media_type.endswith("json"):
        errors = [error.message for error in _validator(route, response.status_code).iter_errors(response.json())]
        assert [] == errors, said


def _route(request: httpx.Request) -> Route | None:
    path = request.url.raw_path.partition(b"?")[0].decode()
    found = [route for route in ROUTES if route.method == request.method and route.pattern.match(path)]
    return min(found, key=lambda route: len(route.names), default=None)


@cache
def _document() -> dict[str, Any]:
    return document(ROUTES, "http://127.0.0.1")


@cache
def _validator(route: Route, status: int) -> Any:
    answer = _document()["paths"][route.path][route.method.lower()]["responses"][str(status)]
    (content,) = answer["content"].values()
    return jsonschema_rs.Draft202012Validator(content["schema"] | {"components": _document()["components"]})
