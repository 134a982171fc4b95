"""The keys of a log as files: one Ed25519 private key a file, which nobody but its owner may read.

A KMS or an HSM can stand in for a file: whatever is a core.keys.Signer.
"""

import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core.keys import Signer, thumbprint


class KeyFileError(Exception):
    """A key file that cannot be used; the message says what to change."""


class Signing(NamedTuple):
    """Where a service keeps what the database must not have: a folder a ledger with the log's private keys, and the
    witness, which all processes share."""

    keys: Path
    witness: Path


class FileSigner:
    """Signs with a private key that this process holds."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self._public_key = private_key.public_key().public_bytes_raw()
        self._key_id = thumbprint(self._public_key)

    @property
    def key_id(self) -> str:
        """The thumbprint of the public key."""
        return self._key_id

    @property
    def public_key(self) -> bytes:
        """The 32 bytes."""
        return self._public_key

    async def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self.sign_now(message)

    def sign_now(self, message: bytes) -> bytes:
        """The same, for who cannot wait."""
        return self._private_key.sign(message)


class Keys:
    """A log's keys that are in its folder, by their ids."""

    def __init__(self, folder: Path) -> None:
        self.signers = load_keys(folder)
        self._folder = folder

    def look_again(self) -> None:
        """Another process may have made a key since. Raises KeyFileError."""
        self.signers = load_keys(self._folder)


def make_key(folder: Path) -> FileSigner:
    """A new key in a file of its own, called by the key's id. It is on the disk before anybody hears of the key."""
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_key = Ed25519PrivateKey.generate()
    signer = FileSigner(private_key)
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    whole = folder / f"{signer.key_id}.pem"
    part = whole.with_suffix(".part")  # so that nobody reads half a key
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(handle)
    part.rename(whole)
    for each in (folder, folder.parent):
        sync_folder(each)
    return signer


def sync_folder(folder: Path) -> None:
    """See that the names in a folder are on the disk as they are now."""
    if sys.platform != "win32":  # there a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def load_keys(folder: Path) -> dict[str, Signer]:
    """The keys of a folder by their ids; none if there is no such folder. Raises KeyFileError."""
    found: dict[str, Signer] = {}
    for path in sorted(folder.glob("*.pem")):
        if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyFileError(f"Others may read the key in {path}: chmod 600 it, and think of a new one.")
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, OSError) as wrong:
            raise KeyFileError(f"The key in {path} cannot be read: {wrong}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"The key in {path} is not one of Ed25519.")
        signer = FileSigner(key)
        found[signer.key_id] = signer
    return found
