"""The guard: that the database still is the log that was known before, grown perhaps, but nothing lost or rewritten.

What is known is what this process has seen itself, and what the witness keeps. Both are compared with the head at
every start and on every new connection, before anything is written or signed.
"""

import contextlib
import time
from typing import NamedTuple

from ledger.books import tree
from ledger.books.database import Reader, UnfitDatabase
from ledger.books.signing import KeyFileError, Keys, Signing
from ledger.books.witness import Witness, WitnessError, checkpoint_of
from ledger.core.merkle import Frontier
from ledger.core.notes import Checkpoint, VerifierKey, open_checkpoint

PAGE = 20_000
"""So many leaf hashes are read at once."""

HEAD = """
    SELECT number, root, frontier, coalesce(
        (SELECT origin FROM epochs e WHERE e.ledger_id = h.ledger_id ORDER BY epoch DESC LIMIT 1), l.origin
    ) AS origin
    FROM heads h JOIN ledgers l USING (ledger_id) WHERE ledger_id = $1
"""


class Rewritten(UnfitDatabase):
    """The database is not the log that is known: entries are missing, or were changed."""


class Head(NamedTuple):
    """How far the database says the log goes, its root and frontier, and under which origin: that of the last epoch."""

    number: int
    root: bytes
    frontier: bytes
    origin: str


class Known(NamedTuple):
    """What is known of a log: what this process has seen of it, under which origin, and the note the witness keeps."""

    origin: str
    seen: Frontier | None
    kept: bytes | None


class Guard:
    """One ledger's, shared by all in a process that write or sign. `seen` is the log as this process last found it to
    be committed, under `origin`; None before it has looked. `fault` is what was wrong when it last looked.

    `keys` are those whose checkpoints in the witness count.
    """

    def __init__(self, ledger_id: int, witness: Witness | None = None, keys: Keys | None = None) -> None:
        self.witness = witness
        self.keys = keys
        self.seen: Frontier | None = None
        self.origin = ""
        self.fault: str | None = None
        self._ledger_id = ledger_id
        self._agreed: bytes | None = None
        self._looked_at = float("-inf")

    @property
    def age(self) -> float:
        """How many seconds ago the books were last found to be what was known: infinite while they are not."""
        return time.monotonic() - self._looked_at if self.fault is None else float("inf")

    def saw(self, frontier: Frontier, origin: str) -> None:
        """Entries are committed that extend what was seen, if the log goes under that origin still."""
        if origin == self.origin:
            self._looked_at = time.monotonic()
            if self.seen is None or frontier.size > self.seen.size:
                self.seen = frontier.copy()

    def agrees(self, note: bytes) -> None:
        """The witness keeps a checkpoint that is of what was seen."""
        self._agreed = note

    def is_news(self, note: bytes | None) -> bool:
        """Whether the witness keeps what others wrote there, and has not been compared yet."""
        return note is not None and note != self._agreed

    def recall(self) -> Known:
        """What is known; to be asked before the head is, for what others write meanwhile only makes that longer.

        Raises Rewritten if the witness cannot be asked by a process that has seen nothing itself.
        """
        try:
            kept = self.witness.read() if self.witness is not None else None
        except OSError as wrong:
            if self.seen is None:
                self.fault = f"The witness cannot be read, and nobody else knows what is missing: {wrong}."
                raise Rewritten(self.fault) from None
            kept = None
        return Known(self.origin, self.seen, kept)

    async def check(self, connection: Reader) -> Frontier:
        """The log as the database has it now, found to be what was known, and more. Raises Rewritten."""
        known = self.recall()
        row = await connection.fetchrow(HEAD, self._ledger_id)
        if row is None:
            raise LookupError(f"there is no ledger {self._ledger_id}")
        return await self.check_head(connection, known, Head(*row))

    async def check_head(self, connection: Reader, known: Known, head: Head) -> Frontier:
        """The same, of a head that was read after what is known was recalled. Raises Rewritten."""
        try:
            frontier = await self._extended(connection, known, head)
        except (WitnessError, tree.BrokenLog, Rewritten) as fault:
            self.fault = str(fault)
            raise Rewritten(self.fault) from None
        self.fault = None
        if known.kept is not None:
            self.agrees(known.kept)
        if head.origin != self.origin and known.origin == self.origin:
            self.origin, self.seen = head.origin, None
        self.saw(frontier, head.origin)
        return frontier

    async def _extended(self, connection: Reader, known: Known, head: Head) -> Frontier:
        seen = known.seen if known.origin == head.origin else None
        witnessed = None
        if seen is None or self.is_news(known.kept):
            witnessed = self._witnessed(known.kept, head.origin)
        if known.seen is not None and seen is None and witnessed is None:
            # With a witness it would be a loss that a person has accepted.
            raise Rewritten(f"The log is {head.origin} now, and was {known.origin}: restart the service.")
        points = [(seen.size, seen.root())] if seen is not None else []
        points += [(witnessed.size, witnessed.root)] if witnessed is not None else []
        if not points:
            return _consistent(head)
        longest = max(size for size, _ in points)
        if head.number < longest:
            raise _missing(head.number, longest)
        if seen is not None:
            frontier = seen.copy()
        else:
            frontier = await tree.frontier(connection, self._ledger_id, longest)
        for size, root in sorted({*points, (head.number, head.root)}):
            if size < frontier.size:
                there = await tree.frontier(connection, self._ledger_id, size)
            else:
                await self._extend(connection, frontier, size)
                there = frontier
            if there.root() != root:
                raise _changed(size)
        if frontier.to_bytes() != head.frontier:
            raise _changed(head.number)
        return frontier

    async def _extend(self, connection: Reader, frontier: Frontier, size: int) -> None:
        while frontier.size < size:
            through = min(frontier.size + PAGE, size)
            frontier.extend(await tree.leaves(connection, self._ledger_id, frontier.size, through))

    def _witnessed(self, kept: bytes | None, origin: str) -> Checkpoint | None:
        """The witness's checkpoint, verified."""
        if kept is None or self.witness is None or self.keys is None:
            return None
        said = checkpoint_of(kept).origin
        if said != origin:
            raise WitnessError(
                f"The witness {self.witness.path} is of the log {said}, and the database's is {origin}. Nothing but "
                "`chatledger accept-loss` begins another log: if that was interrupted, run it again."
            )
        try:
            return self.open(kept)
        except ValueError:
            try:
                self.keys.look_again()  # by a key that was made since
                return self.open(kept)
            except (ValueError, KeyFileError) as wrong:
                raise WitnessError(f"The witness {self.witness.path} is not trusted: {wrong}") from None

    def open(self, note: bytes) -> Checkpoint:
        """The checkpoint of a note that a key at hand has signed, whatever its log is called. ValueError otherwise."""
        keys = self.keys.signers.values() if self.keys is not None else ()
        return open_checkpoint(note, [VerifierKey(checkpoint_of(note).origin, key.public_key) for key in keys])


def guard_of(ledger_id: int, ledger: str, first_origin: str, signing: Signing | None) -> Guard:
    """The guard of a ledger, with the witness where there is one. Raises KeyFileError."""
    if signing is None:
        return Guard(ledger_id)
    return Guard(ledger_id, Witness(signing.witness, first_origin), Keys(signing.keys / ledger))


def _consistent(head: Head) -> Frontier:
    """The head's own frontier, where nothing else is known."""
    with contextlib.suppress(ValueError):
        frontier = Frontier.from_bytes(head.number, head.frontier)
        if frontier.root() == head.root:
            return frontier
    raise Rewritten(
        "The head of the log contradicts itself: somebody changed the database, or it is damaged. Restore it from a "
        "backup; `chatledger check` tells what else is wrong."
    )


def _missing(there: int, known: int) -> Rewritten:
    which = f"entry {known} is" if there + 1 == known else f"entries {there + 1} to {known} are"
    return Rewritten(
        f"The database ends with entry {there}, but {which} known to have been committed: it was restored from a copy, "
        "or failed over with a loss. Put the right database back, or accept the loss with `chatledger accept-loss`."
    )


def _changed(size: int) -> Rewritten:
    return Rewritten(
        f"The first {size} entries of the database are not those that were known: another database was put in its "
        "place, or somebody changed it. Put the right one back, or accept the loss with `chatledger accept-loss`."
    )
