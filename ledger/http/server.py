"""How the application is served: uvicorn, with one write an answer.

By itself uvicorn writes an answer's head and its body one after the other, and uvloop sends each at once: two system
calls, which at ten thousand answers a second are a tenth of all the time there is.
"""

import asyncio
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Corked:
    """A transport that keeps the head of an answer back until the body comes; all else passes through."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send data, together with the head that waits for it."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Send a head that no body follows."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what waits, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OneWriteProtocol(HttpToolsProtocol):
    """What uvicorn is given as `http`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(cast(asyncio.Transport, Corked(transport)))

    def on_response_complete(self) -> None:
        """End an answer; to HEAD it has no body."""
        cast(Corked, self.transport).flush()
        super().on_response_complete()


def configured(app: Any, **options: Any) -> uvicorn.Config:
    """uvicorn's configuration for the product, its tests and its bench; `options` are further ones of uvicorn's."""
    return uvicorn.Config(
        app,
        loop="auto",  # uvloop where there is one
        http=OneWriteProtocol,
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # X-Forwarded-* and a Host of one's own choosing change nothing
        **options,
    )
