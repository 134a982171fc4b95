"""What all requests share: the lanes, the connections to read from, who holds which key, and the checks in the
background."""

import asyncio
import contextlib
from collections import defaultdict

from ledger.books.background import BackgroundChecks
from ledger.books.checkpoints import Checkpoints
from ledger.books.database import LedgerReads, Pool, read_pool
from ledger.books.fence import CONNECT_FAULTS
from ledger.books.guard import Guard, guard_of
from ledger.books.lane import Lane
from ledger.books.recall import Outcome
from ledger.books.setup import all_ledgers
from ledger.books.signing import KeyFileError, Signing
from ledger.books.sweeper import Sweeper
from ledger.core.commands import Command
from ledger.core.errors import TryLater
from ledger.http.credentials import Credentials
from ledger.http.rates import Rates

SWEEPER = "sweeper"
"""Who asks for what falls due without anybody asking."""


class Service:
    """One process's service of all ledgers in one database. `base` is its public URL, without a slash at the end."""

    def __init__(self, url: str, base: str, signing: Signing | None = None, rates: Rates | None = None) -> None:
        self.base = base
        self.rates = rates or Rates()
        self.signing = signing
        self.pool: Pool
        self.credentials: Credentials
        self.requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.checks = BackgroundChecks(url)
        self.sweeper = Sweeper(self._ledger_ids, self.reads, self._sweep)
        self._url = url
        self._lanes: dict[int, Lane] = {}
        self._guards: dict[int, Guard] = {}
        self._checkpoints: dict[int, Checkpoints] = {}
        self._moved: dict[int, asyncio.Event] = {}
        self.is_stopping = False

    async def start(self) -> None:
        """Connect; lanes start with their ledger's first write."""
        self.pool = await read_pool(self._url)
        self.credentials = Credentials(self.pool)
        self.checks.start()
        self.sweeper.start()
        if self.signing is not None:
            for ledger_id in (await all_ledgers(self.pool)).values():
                with contextlib.suppress(TryLater):  # which is logged; what is there can be read all the same
                    await (await self.checkpoints(ledger_id)).newest()

    def begin_stop(self) -> None:
        """Let nobody wait for further entries: whoever does is answered with none."""
        self.is_stopping = True
        for ledger_id in list(self._moved):
            self._announce(ledger_id)

    async def stop(self) -> None:
        """Finish what the lanes have taken, then let go of the connections."""
        await self.sweeper.stop()
        await self.checks.stop()
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))
        await asyncio.gather(*(each.stop() for each in self._checkpoints.values()))
        await self.pool.close()

    @property
    def lanes(self) -> list[Lane]:
        """The lanes that are at work."""
        return list(self._lanes.values())

    def reads(self, ledger_id: int) -> LedgerReads:
        """What to read a ledger from. `pool` itself is for what is no ledger's, and for functions that need none."""
        return LedgerReads(self.pool, ledger_id)

    async def lane(self, ledger_id: int) -> Lane:
        """The lane of a ledger."""
        lane = self._lanes.get(ledger_id)
        if lane is None:
            guard = await self._guard(ledger_id)
            name = await self.pool.fetchval("SELECT name FROM ledgers WHERE ledger_id = $1", ledger_id)
            lane = self._lanes.get(ledger_id)
            if lane is None:
                lane = self._lanes[ledger_id] = Lane(self._url, ledger_id, name, guard)
                lane.on_commit = lambda: self._announce(ledger_id)
                lane.start()
                if self.signing is not None:
                    await self.checkpoints(ledger_id)
        return lane

    async def _ledger_ids(self) -> list[int]:
        return list((await all_ledgers(self.pool)).values())

    async def _sweep(self, ledger_id: int, command: Command, key: bytes) -> Outcome:
        return await (await self.lane(ledger_id)).submit(command, key, SWEEPER)

    async def checkpoints(self, ledger_id: int) -> Checkpoints:
        """The signed checkpoints of a ledger's log. Raises unavailable for a service that signs nothing."""
        if self.signing is None:
            raise TryLater("unavailable", "This service has no log key and signs nothing.")
        known = self._checkpoints.get(ledger_id)
        if known is None:
            guard = await self._guard(ledger_id)
            name = await self.pool.fetchval("SELECT name FROM ledgers WHERE ledger_id = $1", ledger_id)
            known = self._checkpoints.get(ledger_id)
            if known is None:
                known = Checkpoints(name, ledger_id, guard, self.reads(ledger_id))
                self._checkpoints[ledger_id] = known
                known.start()
        return known

    async def _guard(self, ledger_id: int) -> Guard:
        """What is known of a ledger's log, shared by its lane and its checkpoints."""
        known = self._guards.get(ledger_id)
        if known is None:
            row = await self.pool.fetchrow("SELECT name, origin FROM ledgers WHERE ledger_id = $1", ledger_id)
            if row is None:
                raise LookupError(f"there is no ledger {ledger_id}")
            try:
                made = guard_of(ledger_id, row["name"], row["origin"], self.signing)
            except KeyFileError as fault:
                raise TryLater("unavailable", str(fault)) from None
            known = self._guards.setdefault(ledger_id, made)
        return known

    async def look_again(self) -> None:
        """See whether somebody has put right what kept books from being written."""
        for ledger_id, guard in self._guards.items():
            if guard.fault is not None:
                with contextlib.suppress(*CONNECT_FAULTS):
                    await guard.check(self.reads(ledger_id))

    @property
    def faults(self) -> list[str]:
        """Why which ledgers' books are not written: sentences."""
        return [guard.fault for guard in self._guards.values() if guard.fault is not None]

    def next_commit(self, ledger_id: int) -> asyncio.Event:
        """An event that is set when this process next commits an entry of a ledger."""
        return self._moved.setdefault(ledger_id, asyncio.Event())

    def _announce(self, ledger_id: int) -> None:
        if ledger_id in self._checkpoints:
            self._checkpoints[ledger_id].committed()
        event = self._moved.pop(ledger_id, None)
        if event is not None:
            event.set()
