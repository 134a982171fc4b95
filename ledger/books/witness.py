"""The witness: the newest checkpoint of each log, kept outside of the database, in a folder that all processes share.

It only grows. A database that was restored, or failed over with a loss, is shorter than the witness or has another root
at its size; that is how it is found out. On a second host it also outlives this one.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.books.signing import sync_folder
from ledger.core.notes import Checkpoint, parse_checkpoint, parse_note

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class WitnessError(Exception):
    """The witness cannot be used, or says otherwise; the message says what to do."""


class Witness:
    """The file of one ledger; `name` is the first origin of its log, which never changes."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.path = folder / f"{name.replace('/', '~')}.checkpoint"

    def read(self) -> bytes | None:
        """The newest checkpoint, a signed note; None if there is none yet."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def advance(self, note: bytes) -> bool:
        """Keep a checkpoint, if it is newer; whether it was. Raises WitnessError for another log's, and for another
        root at the same size."""
        new = checkpoint_of(note)
        with self._locked():
            kept = self.read()
            if kept is not None:
                old = checkpoint_of(kept)
                if old.origin != new.origin:
                    raise WitnessError(f"{self.path} is of the log {old.origin}, not of {new.origin}.")
                if old.size == new.size and old.root != new.root:
                    raise WitnessError(f"{self.path} has another root for the same {old.size} entries.")
                if old.size >= new.size:
                    return False
            self._write(self.path, note)
            return True

    def begin_anew(self, note: bytes, epoch: int) -> Path:
        """Put the old checkpoint aside, as evidence, and begin with another log's. Where the old one lies now."""
        aside = self.path.with_suffix(f".before-epoch-{epoch}")
        with self._locked():
            kept = self.read()
            if kept is not None:
                self._write(aside, kept)
            self._write(self.path, note)
        return aside

    def _write(self, path: Path, note: bytes) -> None:
        beside = self.path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        sync_folder(self._folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            if sys.platform == "win32":
                msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
            else:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def checkpoint_of(note: bytes) -> Checkpoint:
    """What a note says, without verifying who signed it. Raises WitnessError."""
    try:
        return parse_checkpoint(parse_note(note).text)
    except ValueError as wrong:
        raise WitnessError(f"The witness's checkpoint cannot be read: {wrong}") from None
