"""Connections to Postgres, and what a database must be before the books are trusted to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

SCHEMA_VERSION = 1
READ_SECONDS_MAX = 5
"""No read of ours holds a snapshot longer: an old snapshot keeps the head's dead versions alive."""

_SETTINGS = {"search_path": "ledger", "application_name": "chat-ledger", "timezone": "UTC", "jit": "off"}
_LEDGER = "chatledger.ledger_id"
"""The setting that turns a session to one ledger. Every policy of row-level security raises where it is not set."""
_STEADY_PLANS = {
    # The plan must not depend on statistics, which on a fresh or fast-growing table are wrong.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_memoize": "off",
    # Planning the commit anew takes longer than running it.
    "plan_cache_mode": "force_generic_plan",
}
_LANE_SETTINGS = (
    _SETTINGS
    | _STEADY_PLANS
    | {
        "statement_timeout": "0",
        "synchronous_commit": "on",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
    }
)
_READ_SETTINGS = _SETTINGS | {
    "statement_timeout": f"{READ_SECONDS_MAX}s",
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": f"{READ_SECONDS_MAX}s",
    # A page is read along its index and no further, even where Postgres takes a fresh table for a small one.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}
_CHECK_SETTINGS = _READ_SETTINGS | _STEADY_PLANS | {"role": "chatledger_auditor"}
"""Only the auditor sees all ledgers at once; whoever connects, a superuser too, can write nothing as him."""


class UnfitDatabase(Exception):
    """The database is not one that the books can be trusted to; the message says what to change."""


Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Reader: TypeAlias = "Connection | asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | Pool | LedgerReads"
"""Whatever can be asked a query: a connection, one lent by a pool, the pool itself, or a pool for one ledger."""


class TurnedConnection(asyncpg.Connection):
    """A connection that knows to which ledger it is turned, so that the next read of the same costs no round trip."""

    turned_to: int | None = None

    async def turn(self, ledger_id: int) -> None:
        """See this ledger's rows from now on, and no other's. Not within a transaction, which could take it back."""
        if self.turned_to != ledger_id:
            # Unknown until it is done: an answer that does not come may or may not have turned it.
            self.turned_to = None
            await self.execute(_turning(ledger_id))
            self.turned_to = ledger_id


class LedgerReads:
    """A pool of `read_pool`, as one ledger's readers see it."""

    __slots__ = ("ledger_id", "pool")

    def __init__(self, pool: Pool, ledger_id: int) -> None:
        self.pool = pool
        self.ledger_id = ledger_id

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection for as long as this lasts."""
        async with self.pool.acquire() as connection:
            await connection.turn(self.ledger_id)  # type: ignore[attr-defined]
            yield connection  # type: ignore[misc]

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows."""
        async with self.acquire() as connection:
            return await connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row."""
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """The first row's first value."""
        async with self.acquire() as connection:
            return await connection.fetchval(query, *arguments)


async def turn(connection: Connection, ledger_id: int) -> None:
    """Let a connection of `connect` see and write this ledger's rows from now on, and no other's."""
    await connection.execute(_turning(ledger_id))


async def connect_lane(url: str, ledger_id: int) -> Connection:
    """A connection on which a lane writes, to one ledger."""
    return await asyncpg.connect(url, server_settings=_LANE_SETTINGS | {_LEDGER: str(ledger_id)}, timeout=10)


async def connect(url: str) -> Connection:
    """A connection for an administrator's work."""
    return await asyncpg.connect(url, server_settings=_SETTINGS, timeout=10)


async def connect_checks(url: str) -> Connection:
    """A connection on which long histories are read piece by piece, and nothing can be written."""
    return await asyncpg.connect(url, server_settings=_CHECK_SETTINGS, timeout=10)


async def read_pool(url: str, size: int = 4) -> Pool:
    """Connections on which nothing can be written. They see no ledger's rows but through LedgerReads."""
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        server_settings=_READ_SETTINGS,
        timeout=10,
        connection_class=TurnedConnection,
        reset=_stay_turned,
    )


async def _stay_turned(_: Any) -> None:
    """Instead of RESET ALL, which would turn a connection away from its ledger, and takes a round trip itself."""


def _turning(ledger_id: int) -> str:
    return f"SET {_LEDGER} = {ledger_id:d}"


async def check_fitness(connection: Connection) -> None:
    """Raise UnfitDatabase, with its sentence, unless the server and the schema are what the books need."""
    row = await connection.fetchrow(
        """
        SELECT current_setting('server_version_num')::int AS version,
               current_setting('fsync') AS fsync,
               current_setting('full_page_writes') AS full_page_writes,
               current_setting('server_encoding') AS encoding,
               pg_is_in_recovery() AS standby,
               to_regclass('ledger.schema_version') IS NOT NULL AS initialised
        """
    )
    if row is None:
        raise UnfitDatabase("The database does not answer.")
    if row["version"] < 150_000:
        raise UnfitDatabase(f"Postgres {row['version'] // 10_000} is too old: version 15 or newer is needed.")
    for setting in ("fsync", "full_page_writes"):
        if row[setting] != "on":
            raise UnfitDatabase(f"{setting} is off, so a crash could lose payments: turn it on in postgresql.conf.")
    if row["encoding"] != "UTF8":
        raise UnfitDatabase(f"The database is encoded in {row['encoding']}: create one with ENCODING 'UTF8'.")
    if row["standby"]:
        raise UnfitDatabase("The server is a standby and cannot be written to: connect to the primary.")
    if not row["initialised"]:
        raise UnfitDatabase("The database has no books yet: run `chatledger init`.")
    found = await connection.fetchval("SELECT max(version) FROM ledger.schema_version")
    if found != SCHEMA_VERSION:
        word = "run `chatledger upgrade`" if found < SCHEMA_VERSION else "run a newer chat-ledger"
        raise UnfitDatabase(f"The schema has version {found}, this program needs {SCHEMA_VERSION}: {word}.")
    await _check_is_no_pooler(connection)


async def _check_is_no_pooler(connection: Connection) -> None:
    """A transaction-pooling proxy hands each statement to whatever backend is free, so settings get lost."""
    pids = {await connection.fetchval("SELECT pg_backend_pid()") for _ in range(3)}
    if pids != {connection.get_server_pid()}:
        raise UnfitDatabase("A transaction-pooling proxy stands before Postgres: connect to the server itself.")
