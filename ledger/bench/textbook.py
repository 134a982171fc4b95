"""The yardstick: the same HTTP layer over one textbook database transaction a request.

Both accounts' rows are locked in the order of their ids, so that there is no deadlock; then the transfer and its two
postings are inserted, the balances updated, and all is committed, durably. Statements are prepared once a connection,
and a connection goes back to the pool without the usual reset, which would be one more round trip.

`python -m ledger.bench.textbook` serves DATABASE_URL on a free port and prints its own URL, as `chatledger up` does.
"""

import asyncio
import os
import socket
from typing import Any

import asyncpg
import uvicorn
from litestar.types import ASGIApp, Receive

from ledger.books.database import Connection, Pool
from ledger.core.errors import NotFound, Refused
from ledger.core.text import format_timestamp
from ledger.core.transfers import Transfer
from ledger.http.credentials import Credentials
from ledger.http.door import Door
from ledger.http.replies import REPLAYED, Reply
from ledger.http.routes import Asked, Route, WriteQuery
from ledger.http.server import configured
from ledger.http.service import Service
from ledger.http.transfers import AvailableAfter, BalancesAfter, TransferAnswer

POOL_SIZE = 24
"""Of 8, 16, 24, 32 and 40, tried twice each at 128 connections on two cores that had other work too, 8 and 16 came out
lowest; the rest differed no more than two runs of one did, so that the best of them is not known."""

_LOCK = "SELECT id, owner, balance FROM accounts WHERE owner = ANY ($1) AND currency = $2 ORDER BY id FOR UPDATE"
_INSERT_TRANSFER = """
    INSERT INTO transfers (idempotency_key, payer, payee, amount, currency, memo) VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING id, posted_at, effective_on
"""
_INSERT_POSTINGS = "INSERT INTO postings (transfer, account, amount) VALUES ($1, $2, -$4::bigint), ($1, $3, $4)"
_UPDATE_BALANCES = """
    UPDATE accounts SET balance = balance + CASE WHEN id = $1 THEN -$3::bigint ELSE $3 END WHERE id IN ($1, $2)
"""
_BY_KEY = """
    SELECT t.id, t.posted_at, t.effective_on, payer.balance AS payer_balance, payee.balance AS payee_balance
    FROM transfers t JOIN accounts payer ON payer.id = t.payer JOIN accounts payee ON payee.id = t.payee
    WHERE t.idempotency_key = $1
"""


class Textbook(Service):
    """What stands behind the door in place of the ledger's service: a pool, and no lane."""

    def __init__(self, url: str, base: str) -> None:
        super().__init__(url, base)
        self._writers_url = url

    async def start(self) -> None:
        """Connect."""
        self.pool = await asyncpg.create_pool(
            self._writers_url,
            min_size=POOL_SIZE,
            max_size=POOL_SIZE,
            reset=_leave_as_it_is,
            server_settings={"synchronous_commit": "on", "jit": "off", "timezone": "UTC"},
        )
        self.credentials = Credentials(self.pool)

    async def stop(self) -> None:
        """Let go of the connections."""
        await self.pool.close()


def make_app(service: Textbook) -> ASGIApp:
    """The application: the ledger's own door, with one route behind it."""

    async def handle(asked: Asked) -> Reply:
        request: Transfer = asked.body
        try:
            return Reply(201, await _transfer(service.pool, request, asked.key))
        except asyncpg.UniqueViolationError:
            return Reply(201, await _recall(service.pool, request, asked.key), headers=REPLAYED)

    route = Route(
        "POST",
        "/v1/transfers",
        "transfers:write",
        handle,
        summary="Pay an amount from one party to another",
        answers=TransferAnswer,
        status=201,
        query=WriteQuery,
        body=Transfer,
        needs_key=True,
    )
    door = Door(service, [route])

    async def app(scope: Any, receive: Receive, send: Any) -> None:
        if scope["type"] == "http":
            await door(scope, receive, send)
            return
        await receive()
        await service.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await service.stop()
        await send({"type": "lifespan.shutdown.complete"})

    return app


async def _leave_as_it_is(connection: Connection) -> None:
    """What a connection is given back with: it never leaves a transaction or a setting behind."""


async def _transfer(pool: Pool, request: Transfer, key: str) -> TransferAnswer:
    async with pool.acquire() as connection, connection.transaction():
        locked = {
            row["owner"]: row for row in await connection.fetch(_LOCK, [request.from_, request.to], request.currency)
        }
        if len(locked) < 2:
            raise NotFound("party_unknown", "There is no such party.")
        payer, payee = locked[request.from_], locked[request.to]
        if payer["balance"] < request.amount:
            raise Refused("insufficient_funds", f"{request.from_} has not enough.")
        row = await connection.fetchrow(
            _INSERT_TRANSFER, key, payer["id"], payee["id"], request.amount, request.currency, request.memo
        )
        if row is None:
            raise LookupError("the transfer was not inserted")
        await connection.execute(_INSERT_POSTINGS, row["id"], payer["id"], payee["id"], request.amount)
        await connection.execute(_UPDATE_BALANCES, payer["id"], payee["id"], request.amount)
    return _answer(request, row, payer["balance"] - request.amount, payee["balance"] + request.amount)


async def _recall(pool: Pool, request: Transfer, key: str) -> TransferAnswer:
    row = await pool.fetchrow(_BY_KEY, key)
    if row is None:
        raise LookupError("the transfer that has the key is gone")
    return _answer(request, row, row["payer_balance"], row["payee_balance"])


def _answer(request: Transfer, row: asyncpg.Record, payer_balance: int, payee_balance: int) -> TransferAnswer:
    return TransferAnswer(
        id=f"transfer_{row['id']}",
        entry=row["id"],
        from_=request.from_,
        to=request.to,
        amount=request.amount,
        currency=request.currency,
        memo=request.memo,
        chat=request.chat,
        metadata=request.metadata,
        status="posted",
        expires_at=None,
        posted_at=format_timestamp(int(row["posted_at"].timestamp() * 1_000_000)),
        effective_on=row["effective_on"].isoformat(),
        balances=BalancesAfter(AvailableAfter(payer_balance), AvailableAfter(payee_balance)),
    )


def main() -> None:
    """Serve until SIGTERM or SIGINT, with the settings of `chatledger up`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = configured(make_app(Textbook(os.environ["DATABASE_URL"], base)), log_config=None)
    print(base, flush=True)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
