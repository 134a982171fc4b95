"""Checkpoints: the log's root, signed, once for each batch; and kept by the witness soon after.

Only a committed head is signed, and only once it was found to extend what was known. That happens beside the lane: a
signer that fails fails no payment.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ledger.books.database import Reader
from ledger.books.fence import CONNECT_FAULTS
from ledger.books.guard import Guard, Rewritten
from ledger.books.witness import WitnessError
from ledger.core.errors import TryLater
from ledger.core.keys import Signer
from ledger.core.merkle import Frontier
from ledger.core.notes import Checkpoint, VerifierKey, format_note

KEYS_FRESH_SECONDS = 1.0
"""A log key that was registered or revoked takes effect after so long, without a restart."""
WITNESS_SECONDS = 0.1
RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class SignedCheckpoint(NamedTuple):
    """A checkpoint and the signed note that it stands in."""

    origin: str
    size: int
    root: bytes
    note: bytes


class Checkpoints:
    """One ledger's in this process. `reads` are connections turned to the ledger; `signers` the log's keys that are
    at hand, by their ids."""

    def __init__(self, ledger: str, ledger_id: int, guard: Guard, reads: Reader, signers: Mapping[str, Signer]) -> None:
        self.guard = guard
        self._ledger = ledger
        self._ledger_id = ledger_id
        self._reads = reads
        self._signers = signers
        self._live: list[bytes] = []
        self._live_at = -KEYS_FRESH_SECONDS
        self._signed: SignedCheckpoint | None = None
        self._witnessed = -1
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to sign what is committed, on the loop that runs now."""
        self._tasks = [asyncio.create_task(self._sign_on()), asyncio.create_task(self._witness_on())]

    async def stop(self) -> None:
        """Let the witness know the last checkpoint, and sign no more."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(TryLater):
            if self.guard.seen is not None:
                await self._sign(self.guard.seen)
        await self._keep()

    def committed(self) -> None:
        """The lane has committed what the guard has seen since: it is signed soon."""
        self._wake.set()

    @property
    def verifier_keys(self) -> list[VerifierKey]:
        """The keys that sign now, under the log's origin."""
        return [VerifierKey(self.guard.origin, key) for key in self._live]

    async def newest(self, at_least: int = 0) -> SignedCheckpoint:
        """The newest checkpoint; one that is known suffices if it covers so many entries, of which there may be fewer.

        Raises unavailable: no key, a signer that fails, or a database that is not what was known.
        """
        if self._signed is not None and 0 < at_least <= self._signed.size:
            return self._signed
        seen = self.guard.seen
        if seen is not None and 0 < at_least <= seen.size:
            return await self._sign(seen)
        try:
            head = await self._reads.fetchval("SELECT number FROM heads WHERE ledger_id = $1", self._ledger_id)
            if seen is None or head != seen.size:
                seen = await self.guard.check(self._reads)
        except Rewritten as fault:
            log.critical("the log of %s is not signed: %s", self._ledger, fault)
            raise TryLater("unavailable", f"The log is not signed. {fault}") from None
        return await self._sign(seen)

    async def _sign(self, frontier: Frontier) -> SignedCheckpoint:
        async with self._turn:
            signed = self._signed
            keys = await self._live_keys()
            if signed is None or frontier.size > signed.size or signed.origin != self.guard.origin:
                signed = self._signed = await self._note(frontier, keys)
            return signed

    async def _note(self, frontier: Frontier, keys: list[Signer]) -> SignedCheckpoint:
        checkpoint = Checkpoint(self.guard.origin, frontier.size, frontier.root())
        text = checkpoint.text
        try:
            signatures = [(VerifierKey(checkpoint.origin, key.public_key), await key.sign(text)) for key in keys]
        except Exception as fault:
            log.exception("the log of %s cannot be signed", self._ledger)
            raise TryLater("unavailable", "The log cannot be signed just now: its signer does not work.") from fault
        return SignedCheckpoint(checkpoint.origin, checkpoint.size, checkpoint.root, format_note(text, signatures))

    async def _live_keys(self) -> list[Signer]:
        """Those at hand of the keys that count. Raises unavailable if there is none."""
        now = time.monotonic()
        if now - self._live_at >= KEYS_FRESH_SECONDS:
            rows: list[Any] = await self._reads.fetch(
                """
                SELECT id FROM public_keys
                WHERE ledger_id = $1 AND owner = '' AND purpose = 'log' AND revoked_by IS NULL ORDER BY entry
                """,
                self._ledger_id,
            )
            live = [self._signers[row["id"]].public_key for row in rows if row["id"] in self._signers]
            if live != self._live:
                self._signed = None  # so that a rotation shows at once
            self._live, self._live_at = live, now
        keys = [signer for signer in self._signers.values() if signer.public_key in self._live]
        if not keys:
            detail = f"The log of {self._ledger} has no key here: `chatledger log-key list` shows which it should have."
            raise TryLater("unavailable", detail)
        return keys

    async def _sign_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                if self.guard.seen is not None:
                    await self._sign(self.guard.seen)
            except (TryLater, *CONNECT_FAULTS) as fault:
                log.warning("the log of %s is not signed just now: %s", self._ledger, fault)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _witness_on(self) -> None:
        while True:
            await asyncio.sleep(WITNESS_SECONDS)
            await self._keep()

    async def _keep(self) -> None:
        signed, witness = self._signed, self.guard.witness
        if signed is None or witness is None or signed.size <= self._witnessed:
            return
        try:
            await asyncio.to_thread(witness.advance, signed.note)
            self._witnessed = signed.size
        except (WitnessError, OSError) as fault:
            log.critical("the witness of %s cannot be written: %s", self._ledger, fault)
