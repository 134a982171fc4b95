"""Checkpoints: the log's root, signed, once for each batch; and kept by the witness soon after.

Only a committed head is signed, and only once it was found to extend what was known. That happens beside the lane: a
signer that fails fails no payment.
"""

import asyncio
import contextlib
import logging
import time
from typing import NamedTuple

from ledger.books.database import Reader
from ledger.books.fence import CONNECT_FAULTS
from ledger.books.guard import Guard, Rewritten
from ledger.books.signing import KeyFileError
from ledger.books.witness import WitnessError
from ledger.core.errors import TryLater
from ledger.core.keys import Signer
from ledger.core.notes import Checkpoint, VerifierKey, format_note

FRESH_SECONDS = 1.0
"""A log key that was registered or revoked takes effect after so long, without a restart; and whoever does not write
learns after so long that the database is another one."""
SIGN_SECONDS_MAX = 5.0
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
    """One ledger's in this process, signed with the keys of its guard. `reads` are connections turned to the ledger."""

    def __init__(self, ledger: str, ledger_id: int, guard: Guard, reads: Reader) -> None:
        self.guard = guard
        self._ledger = ledger
        self._ledger_id = ledger_id
        self._reads = reads
        self._live: list[bytes] = []
        self._live_at = float("-inf")
        self._signed: SignedCheckpoint | None = None
        self._witnessed: SignedCheckpoint | None = None
        self._troubles: set[str] = set()
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
        if self.guard.seen is not None:
            with contextlib.suppress(TryLater, *CONNECT_FAULTS):
                await self._sign()
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
        signed, seen = self._signed, self.guard.seen
        if at_least > 0 and self.guard.age < FRESH_SECONDS:
            if signed is not None and at_least <= signed.size and signed.origin == self.guard.origin:
                return signed
            if seen is not None and at_least <= seen.size:
                return await self._sign()
        try:
            await self.guard.check(self._reads)
        except Rewritten as fault:
            self._report(f"is not signed: {fault}", logging.CRITICAL)
            raise TryLater("unavailable", f"The log is not signed. {fault}") from None
        return await self._sign()

    async def _sign(self) -> SignedCheckpoint:
        """What the guard has seen, signed: by whoever comes first, for all who wait."""
        async with self._turn:
            keys = await self._live_keys()
            signed, seen, origin = self._signed, self.guard.seen, self.guard.origin
            if seen is None:
                raise TryLater("unavailable", "The log has not been looked at yet.")
            if signed is None or (signed.origin, signed.size) != (origin, seen.size):
                signed = self._signed = await self._note(Checkpoint(origin, seen.size, seen.root()), keys)
            return signed

    async def _note(self, checkpoint: Checkpoint, keys: list[Signer]) -> SignedCheckpoint:
        text = checkpoint.text
        try:
            async with asyncio.timeout(SIGN_SECONDS_MAX):
                signatures = [(VerifierKey(checkpoint.origin, key.public_key), await key.sign(text)) for key in keys]
        except Exception as fault:
            self._report(f"cannot be signed: {fault!r}")
            raise TryLater("unavailable", "The log cannot be signed just now: its signer does not work.") from fault
        return SignedCheckpoint(checkpoint.origin, checkpoint.size, checkpoint.root, format_note(text, signatures))

    async def _live_keys(self) -> list[Signer]:
        """Those at hand of the keys that count, the oldest first. Raises unavailable if there is none."""
        now = time.monotonic()
        if not self._live or now - self._live_at >= FRESH_SECONDS:
            live = await self._read_live_keys()
            if live != self._live:
                self._signed = None  # so that a rotation shows at once
            self._live, self._live_at = live, now
        at_hand = {key.public_key: key for key in self._at_hand().values()}
        keys = [at_hand[public_key] for public_key in self._live if public_key in at_hand]
        if not keys:
            detail = f"The log of {self._ledger} has no key here: `chatledger log-key list` shows which it should have."
            raise TryLater("unavailable", detail)
        return keys

    async def _read_live_keys(self) -> list[bytes]:
        rows = await self._reads.fetch(
            """
            SELECT id FROM public_keys
            WHERE ledger_id = $1 AND owner = '' AND purpose = 'log' AND revoked_by IS NULL ORDER BY entry
            """,
            self._ledger_id,
        )
        ids: list[str] = [row["id"] for row in rows]
        if self.guard.keys is not None and not all(key_id in self._at_hand() for key_id in ids):
            try:
                self.guard.keys.look_again()
            except KeyFileError as fault:
                self._report(f"lacks a key: {fault}")
        return [self._at_hand()[key_id].public_key for key_id in ids if key_id in self._at_hand()]

    def _at_hand(self) -> dict[str, Signer]:
        return self.guard.keys.signers if self.guard.keys is not None else {}

    async def _sign_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._sign()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the next attempt may succeed
                self._report(f"is not signed just now: {fault}")
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def _witness_on(self) -> None:
        while True:
            await asyncio.sleep(WITNESS_SECONDS)
            await self._keep()

    async def _keep(self) -> None:
        """Let the witness know the newest checkpoint, unless what others wrote there is not of this log."""
        signed, witness = self._signed, self.guard.witness
        if signed is None or witness is None or signed == self._witnessed:
            return
        try:
            if self.guard.is_news(await asyncio.to_thread(witness.read)):
                await self.guard.check(self._reads)
                signed = await self._sign()
            if await asyncio.to_thread(witness.advance, signed.note):
                self.guard.agrees(signed.note)
        except (WitnessError, TryLater, *CONNECT_FAULTS) as fault:
            self._report(f"has a witness that is not moved on: {fault}", logging.CRITICAL)
        else:
            self._witnessed = signed
            self._troubles.clear()

    def _report(self, trouble: str, level: int = logging.ERROR) -> None:
        """Say once what is wrong, and not at every attempt."""
        if trouble not in self._troubles:
            self._troubles.add(trouble)
            log.log(level, "the log of %s %s", self._ledger, trouble)
