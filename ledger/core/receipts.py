"""Receipts: one text file that proves one payment to whoever has the log's verifier key line, without asking anybody.

A receipt is a c2sp.org/tlog-proof@v1 whose `extra` is the entry's body:

    c2sp.org/tlog-proof@v1
    extra <base64 of the entry's body, which is hashed as it stands>
    index <number of the entry - 1>
    <base64 of a hash of the audit path, from the leaf's sibling up; a line each>

    <the signed checkpoint, word for word>

scripts/verify.py does the same as `verify_receipt`, alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from ledger.core.entries import read_body
from ledger.core.keys import from_base64, to_base64
from ledger.core.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from ledger.core.notes import Checkpoint, VerifierKey, open_checkpoint

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_index = re.compile(r"\Aindex (0|[1-9][0-9]{0,18})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt taken apart: `path` is the audit path of RFC 6962 section 2.1.1, `checkpoint` a signed note."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    body: bytes


def format_receipt(receipt: Receipt) -> bytes:
    """The file, to be served as text/plain; its name may end in `.tlog-proof`."""
    lines = (FIRST_LINE, f"extra {to_base64(receipt.body)}", f"index {receipt.index}", *map(to_base64, receipt.path))
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + receipt.checkpoint


def parse_receipt(data: bytes) -> Receipt:
    """The parts of a receipt, nothing of which is proven yet. ValueError with a sentence if it is none."""
    if b"\r" in data:
        raise ValueError("The receipt has carriage returns: its line ends were changed on the way.")
    head, _, checkpoint = data.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise ValueError("The receipt has characters that no receipt has.") from None
    if first != FIRST_LINE:
        raise ValueError(f"This is no receipt: its first line is not {FIRST_LINE}.")
    if len(lines) < 2 or not lines[0].startswith("extra "):
        raise ValueError("The receipt carries no entry: its second line is not `extra` and base64.")
    body = _decoded(lines[0].removeprefix("extra "), "entry")
    index = _index.match(lines[1])
    if index is None:
        raise ValueError("The receipt's third line is not `index` and a whole number.")
    path = tuple(_decoded(line, "audit path") for line in lines[2:])
    if any(len(step) != HASH_SIZE for step in path):
        raise ValueError(f"A hash of the receipt's audit path is not {HASH_SIZE} bytes.")
    return Receipt(int(index[1]), path, checkpoint, body)


def verify_receipt(receipt: Receipt, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint under which one of the keys vouches for the receipt's entry.

    ValueError with a sentence about the first thing wrong: the checkpoint's signature, its origin, the audit path, the
    entry's number. What the payer signed is another matter: `intents.verify_intent`.
    """
    checkpoint = open_checkpoint(receipt.checkpoint, keys)
    leaf = leaf_hash(receipt.body)
    if not verify_inclusion(leaf, receipt.index, checkpoint.size, receipt.path, checkpoint.root):
        raise ValueError("The entry is not the one that the log has at this place: it or its audit path was changed.")
    try:
        number = read_body(receipt.body).number
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("What the log has at this place is not an entry of a ledger.") from None
    if number != receipt.index + 1:
        raise ValueError(f"The entry calls itself number {number}, and stands in the log as {receipt.index + 1}.")
    return checkpoint


def _decoded(text: str, what: str) -> bytes:
    try:
        return from_base64(text)
    except ValueError as wrong:
        raise ValueError(f"The receipt's {what} cannot be read: {wrong}") from None
