"""Signed notes and the log's checkpoints: c2sp.org/signed-note and c2sp.org/tlog-checkpoint.

A note is text that one or more keys signed:

    chat-ledger.localhost/log/demo
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — chat-ledger.localhost/log/demo Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zy…

Its text is all up to, and with, the newline before the last empty line. This one is a checkpoint: the log's origin,
its number of entries, and its root. While a key is replaced by another, both sign. Whoever reads one needs the verifier
key line of the log, `<name>+<key hash>+<base64>`; the text means nothing until `verify_note` has said who signed it.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from ledger.core.keys import (
    PUBLIC_KEY_SIZE,
    from_base64,
    public_key_fault,
    to_base64,
    verify,
)
from ledger.core.merkle import HASH_SIZE

SIGNATURES_MAX: Final = 100
"""A note with more is refused; the specification asks for at least 16."""

_ED25519: Final = b"\x01"
_KEY_HASH_SIZE: Final = 4
_EM_DASH: Final = "\u2014"
_control = re.compile(r"[\x00-\x09\x0b-\x1f]")
_number = re.compile(r"\A(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)
_key_hash = re.compile(r"\A[0-9a-f]{8}\Z")


class VerifierKey(NamedTuple):
    """A public key under a name, to verify notes with. `name` has neither spaces nor a plus; the key is 32 bytes."""

    name: str
    public_key: bytes

    @property
    def key_hash(self) -> bytes:
        """The four bytes that tell apart keys of one name; the specification calls them the key ID."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:_KEY_HASH_SIZE]

    @property
    def line(self) -> str:
        """The verifier key line, as it is printed and published."""
        return f"{self.name}+{self.key_hash.hex()}+{to_base64(_ED25519 + self.public_key)}"


class NoteSignature(NamedTuple):
    """A signature line: whose it says it is, and the signature; 64 bytes for Ed25519, any number for other kinds."""

    name: str
    key_hash: bytes
    signature: bytes


class Note(NamedTuple):
    """A note taken apart and not verified; `text` ends in a newline."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


class Checkpoint(NamedTuple):
    """What a log's head is at a size: `size` entries, and the 32 bytes of their RFC 6962 root.

    Extension lines are read, for other logs may have them; ours has none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> bytes:
        """What is signed."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


def parse_verifier_key(line: str) -> VerifierKey:
    """The key of a verifier key line, without white space around it. ValueError with a sentence if it is none."""
    name, _, rest = line.partition("+")
    key_hash, _, encoded = rest.partition("+")
    if not _is_key_name(name) or not _key_hash.match(key_hash):
        raise ValueError("A verifier key line is <name>+<8 hexadecimal digits>+<base64>.")
    try:
        data = from_base64(encoded)
    except ValueError as wrong:
        raise ValueError(f"The last part of the verifier key line is not a key: {wrong}") from None
    if data[:1] != _ED25519 or len(data) != 1 + PUBLIC_KEY_SIZE:
        raise ValueError("The verifier key line is not that of an Ed25519 key (type 1, 32 bytes).")
    if fault := public_key_fault(data[1:]):
        raise ValueError(fault)
    key = VerifierKey(name, data[1:])
    if key.key_hash.hex() != key_hash:
        raise ValueError("The verifier key line's hash does not fit its name and key: a character of it was changed.")
    return key


def format_note(text: bytes, signatures: Iterable[tuple[VerifierKey, bytes]]) -> bytes:
    """The note of a text, which ends in a newline, and the Ed25519 signatures of it."""
    lines = (f"{_EM_DASH} {key.name} {to_base64(key.key_hash + signature)}\n".encode() for key, signature in signatures)
    return b"".join((text, b"\n", *lines))


def parse_note(data: bytes) -> Note:
    """The parts of a note, nothing of which is verified yet. ValueError with a sentence if it is none."""
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise ValueError("The note is not UTF-8.") from None
    if found := _control.search(note):
        raise ValueError(f"The note has the control character U+{ord(found[0]):04X}.")
    text, _, signed = note.rpartition("\n\n")
    if not text or not signed.endswith("\n"):
        raise ValueError("A note is text, an empty line, and signature lines; each line ends in a newline.")
    lines = signed.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise ValueError(f"The note has {len(lines)} signatures; at most {SIGNATURES_MAX} are read.")
    return Note(f"{text}\n".encode(), tuple(map(_signature, lines)))


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Those of the keys that signed the note: at least one.

    Signatures of other keys are passed over. ValueError with a sentence if one of these keys' does not hold, or if
    there is none.
    """
    found = []
    for key in keys:
        whose = (key.name, key.key_hash)
        signatures = [line.signature for line in note.signatures if (line.name, line.key_hash) == whose]
        if not all(verify(key.public_key, signature, note.text) for signature in signatures):
            raise ValueError(f"The signature of {key.name} does not hold: the text or the signature was changed.")
        if signatures:
            found.append(key)
    if not found:
        raise ValueError("No key that is trusted here has signed this.")
    return found


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The checkpoint that a note's text is. ValueError with a sentence if it is none."""
    origin, *rest = text.decode().removesuffix("\n").split("\n")
    if len(rest) < 2 or not origin or "" in rest:
        raise ValueError("A checkpoint is an origin, a size and a root, and then perhaps more lines; none is empty.")
    size, root, *extensions = rest
    if not _number.match(size):
        raise ValueError("The checkpoint's size is not a whole number.")
    try:
        root_hash = from_base64(root)
    except ValueError as wrong:
        raise ValueError(f"The checkpoint's root is not a hash: {wrong}") from None
    if len(root_hash) != HASH_SIZE:
        raise ValueError(f"The checkpoint's root is {len(root_hash)} bytes; a hash is {HASH_SIZE}.")
    return Checkpoint(origin, int(size), root_hash, tuple(extensions))


def open_checkpoint(data: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """A signed checkpoint that one of the keys vouches for; its origin is the name of that key.

    ValueError with a sentence: not a note, not signed by them, not a checkpoint, or another log's.
    """
    note = parse_note(data)
    names = {key.name for key in verify_note(note, keys)}
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin not in names:
        raise ValueError(f"The checkpoint is of the log {checkpoint.origin}, and the key is that of another.")
    return checkpoint


def _signature(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != _EM_DASH or not _is_key_name(name):
        raise ValueError("A signature line of a note is an em dash, the name of a key and base64.")
    try:
        data = from_base64(encoded)
    except ValueError as wrong:
        raise ValueError(f"A signature line of the note has no signature: {wrong}") from None
    if len(data) <= _KEY_HASH_SIZE:
        raise ValueError("A signature line of the note has no signature: it is too short.")
    return NoteSignature(name, data[:_KEY_HASH_SIZE], data[_KEY_HASH_SIZE:])


def _is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))
