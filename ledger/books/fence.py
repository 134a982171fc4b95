"""What a fault of the database means for a batch, and how a lost connection is made harmless."""

import asyncpg

from ledger.books.database import Connection, UnfitDatabase, check_fitness, connect_lane

CONNECT_FAULTS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    UnfitDatabase,
    TimeoutError,
)
_NOBODYS_FAULT = ("08", "25", "40", "53", "55", "57", "58", "XX")
_BACKEND_ENDS = ("57P01", "57P02", "57P03", "57P05", "25P03")
FENCE_MILLIS = 5_000


class LostConnection(Exception):
    """No answer came: the backend may have committed, or may yet."""


class Overtaken(Exception):
    """Another process wrote to the ledger first."""


class Backend:
    """A server process by its id and start, so that a successor with the same id is never taken for it."""

    __slots__ = ("pid", "started")

    def __init__(self, pid: int, started: object) -> None:
        self.pid = pid
        self.started = started

    @classmethod
    async def of(cls, connection: Connection) -> "Backend":
        """The server process behind a connection."""
        row = await connection.fetchrow("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        if row is None:
            raise UnfitDatabase("pg_stat_activity does not show the connection's own backend.")
        return cls(row["pid"], row["backend_start"])

    async def fence(self, connection: Connection) -> bool:
        """End this backend from another connection; True once it can no longer commit anything."""
        gone = await connection.fetchval(
            """
            SELECT coalesce(bool_and(pg_terminate_backend(pid, $3)), true) FROM pg_stat_activity
            WHERE pid = $1 AND backend_start = $2
            """,
            self.pid,
            self.started,
            FENCE_MILLIS,
        )
        return bool(gone)


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that nothing is known of the statement's outcome."""
    if isinstance(error, asyncpg.PostgresError):
        if (error.severity_en or error.severity) in ("FATAL", "PANIC"):
            return True  # the backend is gone, and its commit may have reached the log before
        return error.sqlstate in _BACKEND_ENDS or (error.sqlstate or "").startswith("08")
    # InternalClientError: asyncpg was told something while idle (the server ends), and no longer knows its own state.
    lost = OSError | EOFError | asyncpg.InterfaceError | asyncpg.InternalClientError
    return isinstance(error, lost) and not isinstance(error, ValueError)


def is_nobodys_fault(error: BaseException) -> bool:
    """Whether the database could not do it whatever was asked: connection, resources, shutdown, disk, read-only."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "XX")[:2] in _NOBODYS_FAULT


async def open_lane(url: str, ledger_id: int) -> Connection:
    """A lane's connection to a database that was found fit."""
    connection = await connect_lane(url, ledger_id)
    try:
        await check_fitness(connection)
    except BaseException:
        await connection.close()
        raise
    return connection
