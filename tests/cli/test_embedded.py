"""The embedded Postgres starts whatever the last run left behind, and lets nobody else near the books."""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ledger.cli import embedded_places
from ledger.cli.embedded import EmbeddedError, EmbeddedPostgres, FolderInUse
from ledger.cli.embedded_process import living_postmaster

ROOT = os.geteuid() == 0
SUPERVISOR = """
import signal, sys, time
from pathlib import Path
from ledger.cli.embedded import EmbeddedPostgres
signal.signal(signal.SIGINT, signal.SIG_IGN)
EmbeddedPostgres(Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(600)
"""


def ask(server: EmbeddedPostgres, *statements: str) -> object:
    async def connect_and_ask() -> object:
        connection = await asyncpg.connect(server.url())
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(connect_and_ask())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def kill(folder: Path) -> None:
    os.kill(postmaster(folder), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while living_postmaster(folder / "postgres") and time.monotonic() < deadline:
        time.sleep(0.01)


def uninstall(server: EmbeddedPostgres) -> None:
    places = server.everything()
    server.stop()
    for path in places:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def supervisor_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SUPERVISOR, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that, unlike tmp_path, the server's account may enter when the tests run as root."""
    path = Path(tempfile.mkdtemp(prefix="embedded test "))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedPostgres]:
    base = Path(tempfile.mkdtemp(prefix="embedded test "))
    base.chmod(0o711)
    server = EmbeddedPostgres(base / "it's a data folder")
    yield server
    uninstall(server)
    shutil.rmtree(base)


@pytest.fixture
def server(shared: EmbeddedPostgres) -> EmbeddedPostgres:
    """One running server for all, because making a cluster is slow."""
    if not living_postmaster(shared.folder / "postgres"):
        shared.start()
    return shared


def test_the_cluster_is_made_as_a_ledger_needs_it(server: EmbeddedPostgres) -> None:
    shown = {
        name: ask(server, f"SHOW {name}")
        for name in ("data_checksums", "fsync", "server_encoding", "listen_addresses", "wal_compression")
    }
    assert {
        "data_checksums": "on",
        "fsync": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "wal_compression": "off",
    } == shown
    locale = "SELECT concat_ws(' ', datlocprovider, datlocale, datcollate) FROM pg_database WHERE datname = 'template1'"
    assert "b C.UTF-8 C" == ask(server, locale)


def test_without_the_password_nobody_gets_in(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(server.url().replace(server.password("postgres"), "wrong")))


def test_the_url_serves_psql_too(server: EmbeddedPostgres) -> None:
    said = subprocess.run([server.bin("psql"), server.url(), "-Atc", "SELECT 42"], capture_output=True, check=True)
    assert b"42\n" == said.stdout


def test_secrets_cluster_and_socket_are_closed_to_others(server: EmbeddedPostgres) -> None:
    secrets = server.folder / "secrets"
    socket_folder = server.everything()[-1]
    assert {0o700} == {mode(folder) for folder in (secrets, server.folder / "postgres", socket_folder)}
    assert {0o600} == {mode(file) for file in (*secrets.iterdir(), server.folder / "postgres.log")}


def test_the_server_never_runs_as_root(server: EmbeddedPostgres) -> None:
    assert 0 != (server.folder / "postgres").stat().st_uid


def test_each_role_keeps_a_password_of_its_own(server: EmbeddedPostgres) -> None:
    first = server.password("auditor")
    assert first == server.password("auditor")
    assert first != server.password("postgres")
    assert f"postgresql://auditor:{first}@/books" == server.url("auditor", "books").split("?")[0]


def test_what_was_committed_is_there_after_stop_and_start(server: EmbeddedPostgres) -> None:
    ask(server, "CREATE TABLE kept AS SELECT 7 AS money")
    server.stop()
    server.start()
    assert 7 == ask(server, "SELECT money FROM kept")


def test_a_clean_stop_leaves_no_process_and_no_socket(server: EmbeddedPostgres) -> None:
    socket_folder = server.everything()[-1]
    assert living_postmaster(server.folder / "postgres")
    server.stop()
    assert not living_postmaster(server.folder / "postgres")
    assert not socket_folder.exists()
    with pytest.raises(EmbeddedError, match="start it first"):
        server.url()


def test_a_second_supervisor_is_told_who_has_the_folder(server: EmbeddedPostgres) -> None:
    with pytest.raises(FolderInUse, match=rf"process {os.getpid()}\) is running on .*data folder of its own"):
        EmbeddedPostgres(server.folder).start()
    assert 1 == ask(server, "SELECT 1")


def test_a_killed_server_is_started_again_with_all_that_was_committed(server: EmbeddedPostgres) -> None:
    ask(server, "CREATE TABLE survived AS SELECT 8 AS money")
    kill(server.folder)
    assert server.ensure_running()
    assert not server.ensure_running()
    assert 8 == ask(server, "SELECT money FROM survived")


def test_a_server_whose_socket_was_deleted_is_started_again(server: EmbeddedPostgres) -> None:
    shutil.rmtree(server.everything()[-1])
    assert server.ensure_running()
    assert 1 == ask(server, "SELECT 1")


def test_a_stopped_server_is_left_alone_by_the_watchdog(server: EmbeddedPostgres) -> None:
    server.stop()
    assert not server.ensure_running()
    assert not (server.folder / "postgres" / "postmaster.pid").exists()


def test_a_stale_pid_file_that_names_a_stranger_does_not_prevent_a_start(server: EmbeddedPostgres) -> None:
    pid_file = server.folder / "postgres" / "postmaster.pid"
    left_behind, owner = pid_file.read_text().split("\n"), pid_file.stat()
    server.stop()
    # Of the server's own account: that is whom Postgres itself would take for a living server.
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid if ROOT else None) as stranger:
        try:
            pid_file.write_text("\n".join([str(stranger.pid), *left_behind[1:]]))
            os.chown(pid_file, owner.st_uid, owner.st_gid)
            server.start()
            assert 1 == ask(server, "SELECT 1")
            server.stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_failed_start_tells_what_postgres_said_and_lets_go_of_the_folder(server: EmbeddedPostgres) -> None:
    server.stop()
    settings = server.folder / "postgres" / "postgresql.conf"
    before = settings.read_text()
    settings.write_text(before + "\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match="did not start in .*(?s:.)*no_such_setting"):
        server.start()
    settings.write_text(before)
    server.start()
    assert 1 == ask(server, "SELECT 1")


def test_a_lost_password_is_an_error_that_names_everything_to_restore_or_delete(server: EmbeddedPostgres) -> None:
    server.stop()
    password = server.folder / "secrets" / "postgres"
    text = password.read_text()
    password.unlink()
    with pytest.raises(EmbeddedError) as error:
        server.start()
    assert f"rm -rf {shlex.quote(str(server.folder))}" == str(error.value)[-len(shlex.quote(str(server.folder))) - 7 :]
    embedded_places.write_file(password, text, 0o600)


def test_secrets_that_others_may_read_are_refused(server: EmbeddedPostgres) -> None:
    secrets = server.folder / "secrets"
    secrets.chmod(0o755)
    with pytest.raises(EmbeddedError, match="Close it first: chmod 700"):
        server.url()
    secrets.chmod(0o700)


def test_a_server_that_outlived_its_supervisor_is_taken_over_and_can_be_stopped(scratch: Path) -> None:
    server = EmbeddedPostgres(scratch / "data")
    with supervisor_process(server.folder) as supervisor:
        assert supervisor.stdout is not None
        assert "started\n" == supervisor.stdout.readline()
        pid = postmaster(server.folder)
        os.killpg(supervisor.pid, signal.SIGINT)  # a Ctrl-C in the terminal reaches the whole group
        with pytest.raises(FolderInUse, match=f"process {supervisor.pid}"):
            server.start()
        os.killpg(supervisor.pid, signal.SIGKILL)
    server.start()
    assert pid == postmaster(server.folder)
    assert 1 == ask(server, "SELECT 1")
    server.stop()
    assert not living_postmaster(server.folder / "postgres")


def test_an_initdb_killed_midway_is_done_again(scratch: Path) -> None:
    server = EmbeddedPostgres(scratch / "data")
    with supervisor_process(server.folder) as supervisor:
        while not list(server.folder.glob("unfinished-*/postgres/PG_VERSION")):
            time.sleep(0.001)
        supervisor.kill()
    assert not (server.folder / "postgres").exists()
    server.start()
    assert 1 == ask(server, "SELECT 1")
    uninstall(server)


def test_a_path_longer_than_a_socket_may_have_serves(scratch: Path) -> None:
    server = EmbeddedPostgres(scratch / ("long " * 20) / ("path " * 10) / "data")
    server.start()
    assert 1 == ask(server, "SELECT 1")
    uninstall(server)
