"""Asks the door without a server or a database, byte for byte."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from ledger.books.database import Pool
from ledger.http.app import ROUTES
from ledger.http.credentials import Credentials
from ledger.http.door import Door
from ledger.http.routes import Route
from ledger.http.service import Service

BASE = "https://ledger.example"


class Answered(NamedTuple):
    """What the door sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


def ask(
    method: str,
    target: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
    *,
    messages: Sequence[dict[str, Any]] = ({"type": "http.request", "body": b"", "more_body": False},),
    routes: Sequence[Route] = ROUTES,
) -> Answered:
    """One request; `messages` are what the server would hand over of its body. Nothing is there to look up keys."""
    path, _, query = target.partition("?")
    scope: Any = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": list(headers),
    }
    waiting = list(messages)
    sent: list[Any] = []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    service = Service("", BASE)
    service.credentials = Credentials(cast(Pool, None))
    asyncio.run(Door(service, routes)(scope, receive, send))
    start, body = sent
    return Answered(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"])
