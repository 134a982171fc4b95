"""Make the environment that the other scripts run in, or see that it is there, and print its folder.

It is `.venv` in this repository or, where that is not ours to write in, a folder in the user's cache. A stamp in it
says which lock it holds, for which place and which Python; it is written last and taken away first, so what was
interrupted, moved or outdated is made anew. Only the standard library is used: nothing else is there yet.
"""

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = "requirements.lock"
DEV = "dev-requirements.lock"
HELD = "environment.held"


def main() -> None:
    """Print the environment's folder; everything that is said meanwhile goes to stderr."""
    parser = argparse.ArgumentParser(description="Make the environment that the other scripts run in.")
    parser.add_argument("--dev", action="store_true", help="with what checking and testing needs")
    lock = DEV if parser.parse_args().dev else PRODUCT
    folder = place()
    if not holds(folder, lock):
        with alone(folder) as handle:
            if not holds(folder, lock):
                make(folder, lock, handle)
    print(folder)


def place() -> Path:
    """The folder of the environment: in the repository if that is ours, else in a cache of the user's."""
    if _is_ours(ROOT):
        return ROOT / ".venv"
    name = f"{ROOT.name}-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:12]}"
    caches = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    for base in (caches / "chat-ledger", Path(tempfile.gettempdir()) / f"chat-ledger-{os.geteuid()}"):
        with contextlib.suppress(OSError):
            if base.is_absolute():
                base.mkdir(0o700, parents=True, exist_ok=True)
                # In the temporary folder somebody else may have been there first.
                if _is_ours(base):
                    return base / name
    sys.exit(f"There is nowhere to put the environment: {ROOT} is not yours. Set XDG_CACHE_HOME to a folder that is.")


def holds(folder: Path, lock: str) -> bool:
    """Whether the environment is whole and made from the lock as it is now."""
    try:
        return (folder / f"{lock}.stamp").read_text() == stamp(folder, lock)
    except OSError:
        return False


def stamp(folder: Path, lock: str) -> str:
    """What an environment depends on. An environment knows its own path, so a moved one does not work."""
    asked = [str(folder / "bin" / "python"), "-I", "-c", "import sys; print(sys.prefix, sys.version)"]
    python = subprocess.run(asked, capture_output=True, check=False).stdout
    parts = [os.fsencode(folder), python, *((ROOT / name).read_bytes() for name in (lock, "pyproject.toml"))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[int]:
    """Hold the folder against other runs of this script, until this one and every program it has started ended."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / HELD, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Somebody else is making the environment in {folder}: waiting …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def make(folder: Path, lock: str, handle: int) -> None:
    """Install a lock, into what is there if that is whole, else from nothing; then this repository itself."""
    began = time.monotonic()
    say(f"Making the environment in {folder}, once; it takes about half a minute …")
    is_whole = holds(folder, PRODUCT)
    for name in (PRODUCT, DEV):
        (folder / f"{name}.stamp").unlink(missing_ok=True)
    if not is_whole:
        clear(folder)
        bare = () if importlib.util.find_spec("ensurepip") else ("--without-pip",)
        run(handle, sys.executable, "-m", "venv", *bare, str(folder))
    install = (*pip(folder), "install", "--quiet", "--disable-pip-version-check", "--no-input")
    run(handle, *install, "--require-hashes", "--requirement", lock)
    run(handle, *install, "--no-deps", "--no-build-isolation", "--editable", ".")
    for name in {PRODUCT, lock}:
        (folder / f"{name}.stamp").write_text(stamp(folder, name))
    say(f"The environment is ready, after {time.monotonic() - began:.0f} s.")


def clear(folder: Path) -> None:
    """Empty the folder, but for the file by which we hold it."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != HELD:
            path.unlink()


def pip(folder: Path) -> tuple[str, ...]:
    """The command that installs into the environment: its own pip, else the system's."""
    if importlib.util.find_spec("ensurepip"):
        return (str(folder / "bin" / "python"), "-I", "-m", "pip")
    # Debian splits Python: without its package python3-venv there is no ensurepip.
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    sys.exit(f"{sys.executable} comes without pip. On Debian or Ubuntu: sudo apt install python{version}-venv")


def run(handle: int, *command: str) -> None:
    """Run a program in the repository, or end with a sentence if it fails."""
    # Settings of the user's that only suit other places; the index, a proxy, certificates are theirs to say.
    environ = os.environ | {"PIP_USER": "0", "PIP_REQUIRE_HASHES": "0"}
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX"):
        environ.pop(name, None)
    # It inherits the handle: if we are killed, the next run waits until this program, too, has ended.
    done = subprocess.run(command, cwd=ROOT, env=environ, stdout=sys.stderr, pass_fds=[handle], check=False)
    if done.returncode:
        sys.exit(f"The environment is not ready, for the reason above. Mend it and run this again. {' '.join(command)}")


def say(sentence: str) -> None:
    """Tell whoever is watching; stdout is for the folder alone."""
    print(sentence, file=sys.stderr, flush=True)


def _is_ours(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and os.access(folder, os.W_OK)


if __name__ == "__main__":
    main()
