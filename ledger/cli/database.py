"""The database that a command works on: that of DATABASE_URL, else the embedded one in a data folder."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import rich_click as click

from ledger.books.database import Connection, connect
from ledger.books.guard import guard_of
from ledger.books.lane import Lane
from ledger.books.recall import Done
from ledger.books.setup import AUDITOR, SERVICE, create_database, create_schema, give_login
from ledger.books.signing import Signing
from ledger.cli.embedded import EmbeddedPostgres, FolderInUse
from ledger.cli.embedded_process import living_postmaster
from ledger.core.commands import Command
from ledger.core.entries import Entry

DATABASE = "chatledger"
"""What the database is called in an embedded Postgres."""
SUPERUSER = "postgres"

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    envvar="CHATLEDGER_DATA",
    show_default=True,
    metavar="FOLDER",
    help="The data folder of the embedded Postgres. DATABASE_URL, where it is set, wins over it.",
)
TAKES_IDS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""A key's id is base64url, and may begin with a dash. Then -h would be found in it, and the help shown instead."""

ledger_option = click.option(
    "--ledger", "ledger_name", metavar="NAME", default="main", show_default=True, help="The ledger's name."
)


def url_of_environment() -> str | None:
    """DATABASE_URL, if it is set."""
    return os.environ.get("DATABASE_URL") or None


@contextlib.contextmanager
def database(data: Path, role: str = SUPERUSER, make: bool = False) -> Iterator[str]:
    """The URL of the database: DATABASE_URL, else the embedded one's for a role.

    Its Postgres is started for as long as this takes, unless a chatledger already runs it. What is missing in a data
    folder is only made where that is asked for; else a mistyped name would make an empty ledger.
    """
    url = url_of_environment()
    if url is not None:
        yield url
        return
    if not make and not os.path.lexists(data / "postgres"):
        raise click.ClickException(
            f"There are no books in {data}: name their folder with --data, or make them with `chatledger init`."
        )
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(embedded(data))
            if make:
                asyncio.run(set_up(server))
        except FolderInUse:
            server = _Running(data)
        yield server.url(role, DATABASE)


@contextlib.contextmanager
def embedded(data: Path) -> Iterator[EmbeddedPostgres]:
    """An embedded Postgres that runs for as long as this takes and is then stopped, however often Ctrl-C is pressed."""
    server = EmbeddedPostgres(data)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        server.start()
        yield server
    finally:
        for number in handlers:
            signal.signal(number, signal.SIG_IGN)
        server.stop()
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _Running(EmbeddedPostgres):
    """The server that another chatledger runs on a folder: only to be asked for its URL."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._postmaster = living_postmaster(Path(os.path.realpath(self.folder / "postgres")))


async def set_up(server: EmbeddedPostgres) -> None:
    """Make what is missing in an embedded Postgres: the database, the schema and the logins."""
    async with connected(server.url()) as connection:
        await create_database(connection, DATABASE)
    async with connected(server.url(database=DATABASE)) as connection:
        await create_schema(connection)
        for role in (SERVICE, AUDITOR):
            await give_login(connection, role, server.password(role))


@contextlib.asynccontextmanager
async def connected(url: str, connect: Callable[[str], Awaitable[Connection]] = connect) -> AsyncIterator[Connection]:
    """A connection: for an administrator's work, unless it is made in another way."""
    try:
        connection = await connect(url)
    except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise click.ClickException(
            f"The database cannot be reached: {reason}. Look at DATABASE_URL, if that is set."
        ) from error
    try:
        yield connection
    finally:
        await connection.close()


async def submit(
    url: str,
    ledger_id: int,
    ledger_name: str,
    actor: str,
    commands: list[tuple[Command, bytes]],
    signing: Signing | None = None,
) -> list[Entry]:
    """Do commands, each under its 16-byte key, one after the other; their entries. Raises the first LedgerError.

    With `signing`, only if the database is what the witness knows.
    """
    async with connected(url) as connection:
        origin = await connection.fetchval("SELECT origin FROM ledgers WHERE ledger_id = $1", ledger_id)
    lane = Lane(url, ledger_id, ledger_name, guard_of(ledger_id, ledger_name, origin, signing))
    lane.start()
    try:
        entries = []
        for command, key in commands:
            outcome = await lane.submit(command, key, actor)
            if not isinstance(outcome, Done):
                raise outcome.error
            entries.append(outcome.entry)
        return entries
    finally:
        await lane.stop()
