"""The fixtures that every test may ask for; what they hand out is described in harness.py."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.cli.embedded import EmbeddedError, EmbeddedPostgres
from tests.harness import Client, Database, Databases, Served, Superuser, serve

FOLDER_PREFIX = "chatledger-tests-"
ABANDONED_SECONDS = 3600


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands keep log keys and the witness in a folder of this test's, unless they are told another."""
    monkeypatch.setenv("CHATLEDGER_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One embedded Postgres for the whole run, deleted afterwards."""
    _sweep_up()
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    if os.name == "posix":
        folder.chmod(0o711)  # as root the server runs under another account, which has to pass through
    server = EmbeddedPostgres(folder / "data")
    try:
        server.start()
        yield server
    finally:
        _delete(server, folder)


def _sweep_up() -> None:
    """Delete what runs that were killed have left behind; one that still goes on holds its folder's lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        with contextlib.suppress(EmbeddedError, OSError):
            if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                server = EmbeddedPostgres(folder / "data")
                server.start()
                _delete(server, folder)


def _delete(server: EmbeddedPostgres, folder: Path) -> None:
    belongings = server.everything()
    server.stop()
    for path in (*belongings, folder):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Databases:
    """Makes further databases: `databases.new()`."""
    return Databases(postgres)


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[Database]:
    """A database for this module: the ledger `test` with EUR, INR and JPY, the bank and rail `test`, an API key."""
    made = databases.new()
    yield made
    databases.drop(made)


@pytest.fixture(scope="module")
def service(database: Database) -> Iterator[Served]:
    """The real service on this module's database."""
    with serve(database) as served:
        yield served


@pytest.fixture(scope="module")
def client(service: Served) -> Iterator[Client]:
    """A client of that service, with an API key that has every scope."""
    made = Client(service.base, service.database.token)
    yield made
    made.close()


@pytest.fixture(scope="module")
def superuser(database: Database) -> Iterator[Superuser]:
    """SQL on this module's database, as one who may do everything."""
    with Superuser(database.url) as connection:
        yield connection
