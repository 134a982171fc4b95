"""The door: every request comes through here, and leaves as an answer or a problem.

One small ASGI application serves the whole table of routes. When several things are wrong, the first in the promised
order is answered: transport and syntax, who is asking, the shape of the fields; then the lane judges the rest.
"""

import itertools
import logging
import os
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from litestar.types import HTTPScope, Receive, Send

from ledger.books.fence import is_lost, is_nobodys_fault
from ledger.core.errors import FieldError, Forbidden, Internal, LedgerError, Malformed, NotFound, TryLater
from ledger.core.signatures import Request
from ledger.http.credentials import NOBODY, Holder
from ledger.http.parameters import read_query
from ledger.http.problems import as_error, refusal
from ledger.http.replies import Reply
from ledger.http.routes import BODY_BYTES_MAX, Asked, Route
from ledger.http.service import Service
from ledger.http.strict import Fault

HEADERS_MAX = 100
HEADER_BYTES_MAX = 32 * 1024
KEY_LENGTH_MAX = 255
UNLIMITED = (b"/healthz", b"/readyz", b"/metrics")
"""What watches the service may ask as often as it likes."""

log = logging.getLogger(__name__)
encode = msgspec.json.Encoder().encode


class Door:
    """The ASGI application over a table of routes."""

    def __init__(self, service: Service, routes: Iterable[Route]) -> None:
        self._service = service
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: dict[str, list[tuple[Any, dict[str, Route]]]] = {}
        self._ids = itertools.count(1)
        self._id_prefix = f"req_{os.urandom(9).hex()}"
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        for path, methods in by_path.items():
            if "{" in path:
                pattern = next(iter(methods.values())).pattern
                self._patterns.setdefault(_noun(path), []).append((pattern, methods))
            else:
                self._exact[path] = methods

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = f"{self._id_prefix}{next(self._ids):x}"
        try:
            reply = await self._answer(scope, receive, request_id)
            body = reply.value if isinstance(reply.value, bytes) else encode(reply.value)
        except LedgerError as error:
            reply = refusal(error, request_id, self._service.base)
            body = encode(reply.value)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, whoever asked is answered
            reply = refusal(_unforeseen(error, request_id), request_id, self._service.base)
            body = encode(reply.value)
        method = scope["method"]
        self._service.requests[method, reply.status] += 1
        headers = [
            (b"content-type", reply.media_type),
            (b"content-length", str(len(body)).encode()),
            (b"request-id", request_id.encode()),
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body, "more_body": False})

    async def _answer(self, scope: Any, receive: Receive, request_id: str) -> Reply:
        if scope["raw_path"] not in UNLIMITED:
            self._service.rates.check_address(scope["client"][0] if scope.get("client") else "", time.monotonic())
        headers = _headers(scope["headers"])
        route, path = self._match(scope["method"], scope["raw_path"])
        key, raw = "", b""
        body: Any = None
        fault: LedgerError | None = None
        holder: Holder | None = None
        if route.decoder is not None:
            raw = await _read_body(receive, headers, route.body_bytes_max)
            key = _idempotency_key(headers.get(b"idempotency-key"), route.needs_key)
            if len(raw) > BODY_BYTES_MAX:
                # To read so much takes so long that for nobody it is not done, whatever else is wrong with it.
                holder = await self._holder(route, scope, headers, raw)
            try:
                body = route.decoder.decode(raw)
            except Fault as wrong:
                fault = as_error(wrong.code, wrong.detail, [FieldError(*error) for error in wrong.errors])
                if isinstance(fault, Malformed):
                    raise fault from None
        if holder is None:
            holder = await self._holder(route, scope, headers, raw)
        if fault is not None:
            raise fault
        raw_query = scope["query_string"]
        query = read_query(route.query, raw_query) if raw_query or route.no_query is None else route.no_query
        asked = Asked(self._service, holder.ledger_id, holder.key_id, request_id, path, query, body, key)
        return await route.handle(asked)

    async def _holder(self, route: Route, scope: Any, headers: dict[bytes, bytes], body: bytes) -> Holder:
        """Who asks, if they may. Raises Unauthenticated, rate_limited and scope_missing."""
        if route.scope is None:
            return NOBODY
        credentials, is_write = self._service.credentials, route.decoder is not None
        if b"signature-input" in headers or b"signature" in headers:
            # Whoever signs wants that to count: a bearer key beside it says nothing more.
            holder = await credentials.signer(self._signed(scope, headers, body), is_write)
        else:
            holder = await credentials.bearer(headers.get(b"authorization"), is_write)
        self._service.rates.check_key(holder.key_id, time.monotonic())
        if route.scope not in holder.scopes:
            raise Forbidden("scope_missing", f"This needs a key with the scope {route.scope}.")
        return holder

    def _signed(self, scope: Any, headers: dict[bytes, bytes], body: bytes) -> Request:
        """What of a request a signature covers. The URL is the public one that was configured, never Host's."""
        target, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("ascii", "replace")

        def text(name: bytes) -> str | None:
            value = headers.get(name)
            return value.decode("latin-1") if value is not None else None

        return Request(
            scope["method"],
            f"{self._service.base}{target}{'?' if query else ''}{query}",
            text(b"signature-input"),
            text(b"signature"),
            text(b"content-type"),
            text(b"content-digest"),
            text(b"idempotency-key"),
            body,
        )

    def _match(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        path = _path(raw_path)
        methods = self._exact.get(path)
        names: dict[str, str] = {}
        if methods is None:
            for pattern, candidates in self._patterns.get(_noun(path), ()):
                found = pattern.match(path)
                if found is not None:
                    methods, names = candidates, found.groupdict()
                    break
            else:
                raise _nothing_at(path)
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            known = sorted({*methods, "HEAD"} if "GET" in methods else methods)
            raise Malformed("method_not_allowed", f"{path} knows only these methods: {', '.join(known)}.")
        if "%" in path:
            names = {name: unquote(value) for name, value in names.items()}
        return route, names


def _unforeseen(error: Exception, request_id: str) -> LedgerError:
    """What the caller is told of an error that no rule has raised. The log is told the rest."""
    if is_lost(error) or is_nobodys_fault(error):
        log.warning("request %s found the database away: %s", request_id, type(error).__name__)
        return TryLater("unavailable", "The books cannot be read just now. Send the same request again a little later.")
    log.error("request %s failed", request_id, exc_info=error)
    return Internal("internal", "Something went wrong on our side.")


def _path(raw: bytes) -> str:
    """The path with no more percent-encoded than needs to be (RFC 3986 section 6.2.2). An encoded slash stays so: it
    separates nothing."""
    path = raw.decode("ascii")
    if "%" not in path:
        return path
    try:
        path = "/".join(quote(unquote(part, errors="strict"), safe=":@+~!$&'()*,;=") for part in path.split("/"))
    except UnicodeDecodeError:
        raise _nothing_at(path) from None
    if "%00" in path:  # no name has it, and Postgres takes no text with it
        raise _nothing_at(path)
    return path


def _noun(path: str) -> str:
    """What a path is about; no route has a name there. Only so many patterns have to be tried."""
    first, _, rest = path[1:].partition("/")
    return rest.partition("/")[0] if first == "v1" else first


def _nothing_at(path: str) -> NotFound:
    hint = " Leave out the slash at its end." if path.endswith("/") else ""
    return NotFound("not_found", f"There is nothing at {path:.200}.{hint} The API is described at /docs.")


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by name. Of a name that comes twice both values are joined, as RFC 9110 section 5.3 has it."""
    if len(raw) > HEADERS_MAX or sum(len(name) + len(value) for name, value in raw) > HEADER_BYTES_MAX:
        detail = f"Send at most {HEADERS_MAX} headers of {HEADER_BYTES_MAX // 1024} KiB in all."
        raise Malformed("headers_too_large", detail)
    headers = dict(raw)
    if len(headers) < len(raw):
        headers = {}
        for name, value in raw:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


async def _read_body(receive: Receive, headers: dict[bytes, bytes], bytes_max: int) -> bytes:
    """The body, if it is JSON and not too large. An empty one needs no Content-Type."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > bytes_max:
        raise _too_large(bytes_max)
    message: Any = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        chunks = [body]
        size = len(body)
        while message.get("more_body"):
            message = await receive()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > bytes_max:
                raise _too_large(bytes_max)
        body = b"".join(chunks)
    if len(body) > bytes_max:
        raise _too_large(bytes_max)
    if message["type"] == "http.disconnect":
        raise Malformed("malformed_json", "The connection ended before the body did.")
    if b"content-encoding" in headers:
        raise Malformed("unsupported_media_type", "Send the body as it is, without a Content-Encoding.")
    media_type = headers.get(b"content-type")
    if media_type != b"application/json" and (body or media_type is not None) and not _is_json(media_type or b""):
        raise Malformed("unsupported_media_type", "Send the body as Content-Type: application/json, in UTF-8.")
    return body


def _too_large(bytes_max: int) -> Malformed:
    return Malformed("body_too_large", f"Send at most {bytes_max // 1024} KiB.")


def _is_json(media_type: bytes) -> bool:
    kind, _, parameters = media_type.lower().partition(b";")
    return kind.strip() == b"application/json" and parameters.replace(b" ", b"").replace(b'"', b"") in (
        b"",
        b"charset=utf-8",
    )


def _idempotency_key(value: bytes | None, required: bool) -> str:
    if value is None:
        if required:
            detail = "Send an Idempotency-Key header: a new random one for each new request, the same one to retry."
            raise Malformed("idempotency_key_missing", detail)
        return ""
    if not 1 <= len(value) <= KEY_LENGTH_MAX or min(value) < 0x21 or max(value) > 0x7E:
        detail = (
            f"The Idempotency-Key is 1 to {KEY_LENGTH_MAX} visible ASCII characters, without spaces, and sent once."
        )
        raise Malformed("idempotency_key_invalid", detail)
    return value.decode()
