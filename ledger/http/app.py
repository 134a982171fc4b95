"""The Litestar application around the door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, asgi
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from ledger.http import aliases, deposits, parties, rails, settings, transfers
from ledger.http.door import Door
from ledger.http.routes import Route
from ledger.http.service import Service

ROUTES: tuple[Route, ...] = tuple(
    route for noun in (settings, rails, parties, aliases, deposits, transfers) for route in noun.ROUTES
)


def make_app(service: Service) -> Litestar:
    """The application; it starts and stops the service."""
    door = Door(service, ROUTES)

    @asgi("/v1", is_mount=True, copy_scope=False)
    async def v1(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = "/v1" + scope["path"].rstrip("/")
        if scope["type"] == ScopeType.HTTP:
            await door(scope, receive, send)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    return Litestar([v1], lifespan=[lifespan], openapi_config=None)
