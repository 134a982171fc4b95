"""Making a database ready for the books: its schema, its ledgers, its logins; and bringing an older one forward.

Everything here is an administrator's work: whoever connects must be allowed to SET ROLE to the owner.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg

import ledger
from ledger.books.database import Connection, Reader, check_fitness, turn

OWNER = "chatledger_owner"
SERVICE = "chatledger_service"
AUDITOR = "chatledger_auditor"
NAME = "chat-ledger.localhost"
"""The log's name where nobody has said another."""

PACKAGE = Path(ledger.__file__).parent
MIGRATIONS = PACKAGE / "migrations"
"""A file `NNN_<what>.sql` for each schema version from 2 on: what brings the version before it to NNN."""

# C2SP signed notes: a key's name has neither spaces nor plus signs. Ours looks like a host's, in lower case.
_NAME = re.compile(r"\A[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
_LEDGER = re.compile(r"\A[a-z0-9][a-z0-9_-]{0,31}\Z")
_MIGRATION = re.compile(r"\A([0-9]{3})_[a-z0-9_]+\.sql\Z")


class SetupError(Exception):
    """What was asked cannot be set up; the message says what to do instead."""


class MadeLedger(NamedTuple):
    """A ledger that is there now. `origin` is its log's name; `is_new` says whether it was made just now."""

    ledger_id: int
    name: str
    origin: str
    is_new: bool


def schema_sql() -> str:
    """The text of schema.sql: in the package once that is installed, at the top of the repository else."""
    installed = PACKAGE / "schema.sql"
    path = installed if installed.exists() else PACKAGE.parent / "schema.sql"
    return path.read_text(encoding="utf-8")


async def create_database(connection: Connection, name: str) -> None:
    """Create a database unless there is one of that name."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
        create = await connection.fetchval("SELECT format('CREATE DATABASE %I ENCODING ''UTF8''', $1::text)", name)
        await connection.execute(create)


async def create_schema(connection: Connection) -> bool:
    """Make the schema unless it is there; whether it was made. Raises UnfitDatabase, with nothing made."""
    async with _setting_up(connection):
        is_new = await connection.fetchval("SELECT to_regnamespace('ledger') IS NULL")
        if is_new:
            await connection.execute(schema_sql())
        # Only now, since a database without a schema is not fit either.
        await check_fitness(connection)
    # Again: inside a transaction a pooling proxy cannot be told from the server.
    await check_fitness(connection)
    return bool(is_new)


async def create_ledger(connection: Connection, ledger_name: str, name: str | None = None) -> MadeLedger:
    """Make a ledger unless it is there. `name` is what the origin of its log begins with, for ever.

    Without a name it is that of the ledgers already there. Raises SetupError if the ledger has another one.
    """
    if not _LEDGER.match(ledger_name):
        raise SetupError(f"{ledger_name!r} is no name for a ledger: use 1 to 32 of a-z 0-9 _ -, not first _ or -.")
    if name is not None and not _NAME.match(name):
        raise SetupError(f"{name!r} is no name for a log: use one like books.example.com, in lower case.")
    async with _setting_up(connection):
        await connection.execute(f"SET LOCAL ROLE {OWNER}")
        there = await connection.fetchrow("SELECT ledger_id, origin FROM ledger.ledgers WHERE name = $1", ledger_name)
        if there is not None:
            origin = there["origin"]
            if name is not None and origin != _origin(name, ledger_name):
                raise SetupError(f"The ledger {ledger_name} is there already, and its log is {origin} for ever.")
            return MadeLedger(there["ledger_id"], ledger_name, origin, False)
        origin = _origin(name or await _name_of_others(connection) or NAME, ledger_name)
        ledger_id = await connection.fetchval("SELECT ledger.create_ledger($1, $2)", ledger_name, origin)
    return MadeLedger(ledger_id, ledger_name, origin, True)


async def all_ledgers(connection: Reader) -> dict[str, int]:
    """The number of each ledger by its name, the first one first."""
    rows = await connection.fetch("SELECT name, ledger_id FROM ledger.ledgers ORDER BY ledger_id")
    return {row["name"]: row["ledger_id"] for row in rows}


async def find_ledger(connection: Reader, ledger_name: str) -> int:
    """The number of a ledger. Raises SetupError, which names those there are."""
    ledgers = await all_ledgers(connection)
    if ledger_name not in ledgers:
        there = f"There are: {', '.join(ledgers)}." if ledgers else "There is none yet."
        raise SetupError(
            f"There is no ledger {ledger_name}. {there} `chatledger init --ledger {ledger_name}` makes it."
        )
    return ledgers[ledger_name]


async def enter_ledger(connection: Connection, ledger_name: str) -> int:
    """The number of a ledger, to which the connection is turned from now on. Raises SetupError, as `find_ledger`."""
    ledger_id = await find_ledger(connection, ledger_name)
    await turn(connection, ledger_id)
    return ledger_id


async def has_api_keys(connection: Connection) -> bool:
    """Whether anybody can use the HTTP interface of any ledger yet."""
    for ledger_id in (await all_ledgers(connection)).values():
        await turn(connection, ledger_id)
        if await connection.fetchval("SELECT EXISTS (SELECT FROM ledger.api_keys WHERE ledger_id = $1)", ledger_id):
            return True
    return False


async def give_login(connection: Connection, role: str, password: str) -> None:
    """Let a role log in with a password."""
    alter = await connection.fetchval(
        "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", role, password
    )
    await connection.execute(alter)


async def upgrade(connection: Connection, target: int, migrations: Path = MIGRATIONS) -> list[str]:
    """Bring the schema forward to the version `target`, wholly or not at all; the names of the files that did it.

    Raises SetupError if there is no schema, if it is newer, or if a file is missing.
    """
    async with _setting_up(connection):
        if await connection.fetchval("SELECT to_regclass('ledger.schema_version') IS NULL"):
            raise SetupError("The database has no books yet: run `chatledger init`.")
        await connection.execute(f"SET LOCAL ROLE {OWNER}; SET LOCAL search_path = ledger")
        found = await connection.fetchval("SELECT max(version) FROM ledger.schema_version")
        if found > target:
            raise SetupError(f"The schema has version {found}, this program knows {target}: run a newer chat-ledger.")
        files = _migrations(migrations, found, target)
        for version, file in files:
            await connection.execute(file.read_text(encoding="utf-8"))
            await connection.execute("UPDATE ledger.schema_version SET version = $1", version)
    return [file.name for _, file in files]


async def act_as_owner(connection: Connection) -> None:
    """From now on act as the owner of the books. Raises SetupError if the connection's user may not."""
    with _refusals_as_sentences():
        await connection.execute(f"SET ROLE {OWNER}")


def _migrations(folder: Path, found: int, target: int) -> list[tuple[int, Path]]:
    """The files that lead from one version to another, in their order."""
    files = {int(match[1]): path for path in folder.glob("*.sql") if (match := _MIGRATION.match(path.name))}
    steps = range(found + 1, target + 1)
    missing = [version for version in steps if version not in files]
    if missing:
        raise SetupError(f"The file {missing[0]:03}_*.sql is missing in {folder}: install chat-ledger again.")
    return [(version, files[version]) for version in steps]


def _origin(name: str, ledger_name: str) -> str:
    return f"{name}/log/{ledger_name}"


async def _name_of_others(connection: Connection) -> str | None:
    origin: str | None = await connection.fetchval("SELECT origin FROM ledger.ledgers ORDER BY ledger_id LIMIT 1")
    return origin.partition("/log/")[0] if origin is not None else None


@asynccontextmanager
async def _setting_up(connection: Connection) -> AsyncIterator[None]:
    """One transaction in which nobody else sets up the same database."""
    with _refusals_as_sentences():
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('chat-ledger: set up'))")
            yield


@contextmanager
def _refusals_as_sentences() -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise SetupError(
            f"Postgres refuses ({error.message}): DATABASE_URL has to name a superuser, or one who may create in this "
            f"database and SET ROLE to {OWNER}."
        ) from error
