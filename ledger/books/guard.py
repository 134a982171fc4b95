"""The guard: that the database still is the log that was known before, grown perhaps, but nothing lost or rewritten.

What is known is what this process has seen itself, and what the witness keeps. Both are compared with the head at
every start and on every new connection, before anything is written or signed.
"""

from typing import NamedTuple

from ledger.books import tree
from ledger.books.database import Reader, UnfitDatabase
from ledger.books.signing import Signing, load_keys
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
    """What this process has seen of the log, and the note that the witness keeps."""

    seen: Frontier | None
    kept: bytes | None


class Guard:
    """One ledger's, shared by all in a process that write or sign. `seen` is the log as this process last found it to
    be committed, under `origin`; None before it has looked. `fault` is what was wrong when it last looked.

    `trusts` are the public keys whose checkpoints in the witness count.
    """

    def __init__(self, ledger_id: int, witness: Witness | None = None, trusts: tuple[bytes, ...] = ()) -> None:
        self.witness = witness
        self.trusts = trusts
        self.seen: Frontier | None = None
        self.origin = ""
        self.fault: str | None = None
        self._ledger_id = ledger_id

    def saw(self, frontier: Frontier) -> None:
        """Entries are committed that extend what was seen."""
        if self.seen is None or frontier.size > self.seen.size:
            self.seen = frontier.copy()

    def recall(self) -> Known:
        """What is known; to be asked before the head is, for what others write meanwhile only makes that longer."""
        return Known(self.seen, self.witness.read() if self.witness is not None else None)

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
        except (WitnessError, tree.BrokenLog) as fault:
            self.fault = str(fault)
            raise Rewritten(self.fault) from None
        except Rewritten as fault:
            self.fault = str(fault)
            raise
        self.fault = None
        if self.origin != head.origin:
            self.origin, self.seen = head.origin, None
        self.saw(frontier)
        return frontier

    async def _extended(self, connection: Reader, known: Known, head: Head) -> Frontier:
        witnessed = self._witnessed(known.kept, head.origin)
        seen = known.seen
        if seen is not None and head.origin != self.origin:
            if witnessed is None:
                raise Rewritten(f"The log is {head.origin} now, and was {self.origin}: restart the service.")
            seen = None  # a person has accepted the loss, and the witness began anew
        points = [(seen.size, seen.root())] if seen is not None else []
        points += [(witnessed.size, witnessed.root)] if witnessed is not None else []
        longest = max((size for size, _ in points), default=0)
        if head.number < longest:
            raise _missing(head.number, longest)
        frontier = await self._start(connection, head, seen, witnessed)
        for size, root in sorted({*points, (head.number, head.root)}):
            # What the witness knew before this process looked was compared when it did.
            if size >= frontier.size:
                await self._extend(connection, frontier, size)
                if frontier.root() != root:
                    raise _changed(size)
        if frontier.to_bytes() != head.frontier:
            raise _changed(head.number)
        return frontier

    async def _start(
        self, connection: Reader, head: Head, seen: Frontier | None, witnessed: Checkpoint | None
    ) -> Frontier:
        """From where to extend: what was seen, else the witness, else, where nothing is known, the head itself."""
        if seen is not None:
            return seen.copy()
        if witnessed is not None:
            return await tree.frontier(connection, self._ledger_id, witnessed.size)
        try:
            return Frontier.from_bytes(head.number, head.frontier)
        except ValueError:
            raise _changed(head.number) from None

    async def _extend(self, connection: Reader, frontier: Frontier, size: int) -> None:
        while frontier.size < size:
            through = min(frontier.size + PAGE, size)
            frontier.extend(await tree.leaves(connection, self._ledger_id, frontier.size, through))

    def _witnessed(self, kept: bytes | None, origin: str) -> Checkpoint | None:
        """The witness's checkpoint, verified."""
        if kept is None or self.witness is None:
            return None
        said = checkpoint_of(kept).origin
        if said != origin:
            raise WitnessError(
                f"The witness {self.witness.path} is of the log {said}, and the database's is {origin}. Begin another "
                "one with `chatledger accept-loss`, and with nothing else."
            )
        try:
            return open_checkpoint(kept, [VerifierKey(said, key) for key in self.trusts])
        except ValueError as wrong:
            raise WitnessError(f"The witness {self.witness.path} is not trusted: {wrong}") from None


def guard_of(ledger_id: int, ledger: str, first_origin: str, signing: Signing | None) -> Guard:
    """The guard of a ledger, with the witness where there is one. Raises KeyFileError."""
    if signing is None:
        return Guard(ledger_id)
    trusts = tuple(signer.public_key for signer in load_keys(signing.keys / ledger).values())
    return Guard(ledger_id, Witness(signing.witness, first_origin), trusts)


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
