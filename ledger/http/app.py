"""The application: one door for every request, and Litestar to start and stop what lies behind it."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp, Receive, Send

from ledger.http import (
    accounts,
    aliases,
    captures,
    credit_notes,
    deposits,
    entries,
    health,
    holds,
    invoice_texts,
    invoices,
    keys,
    log,
    mirror,
    outside_moves,
    pages,
    parties,
    payment_requests,
    payouts,
    rails,
    refunds,
    reports,
    requests,
    reversals,
    settings,
    settlements,
    splits,
    statements,
    suspense,
    suspense_moves,
    terms,
    transfer_list,
    transfers,
)
from ledger.http.door import Door
from ledger.http.routes import Route
from ledger.http.service import Service

_NOUNS = (
    invoices,
    invoice_texts,
    credit_notes,
    settlements,
    settings,
    rails,
    parties,
    keys,
    aliases,
    deposits,
    suspense,
    suspense_moves,
    transfers,
    transfer_list,
    terms,
    holds,
    payment_requests,
    splits,
    payouts,
    outside_moves,
    captures,
    refunds,
    reversals,
    requests,
    entries,
    accounts,
    statements,
    reports,
    log,
    mirror,
    health,
)
_OF_NOUNS: tuple[Route, ...] = tuple(route for noun in _NOUNS for route in noun.ROUTES)

ROUTES: tuple[Route, ...] = (*_OF_NOUNS, *pages.describing(_OF_NOUNS))
"""Every route there is: the door answers these, and the OpenAPI document describes these."""


def make_app(service: Service) -> ASGIApp:
    """The application; it starts and stops the service.

    HTTP does not pass Litestar's router: that costs 6 µs a request, decodes the path before it splits it, and answers
    an odd Host header in words that are not ours.
    """
    door = Door(service, ROUTES)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await service.start()
        # Counting references frees nearly all that requests make; to look for cycles so often only makes them wait.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        try:
            yield
        finally:
            await service.stop()

    litestar = Litestar(lifespan=[lifespan], openapi_config=None, logging_config=None)

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await door(scope, receive, send)
        else:
            await litestar(scope, receive, send)

    return app
