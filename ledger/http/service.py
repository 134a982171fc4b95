"""What all requests share: the lanes, the connections to read from, who holds which key, and the checks in the
background."""

import asyncio
from collections import defaultdict

from ledger.books.background import BackgroundChecks
from ledger.books.database import Pool, read_pool
from ledger.books.lane import Lane
from ledger.http.credentials import Credentials


class Service:
    """One process's service of all ledgers in one database. `base` is its public URL, without a slash at the end."""

    def __init__(self, url: str, base: str) -> None:
        self.base = base
        self.pool: Pool
        self.credentials: Credentials
        self.requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.checks = BackgroundChecks(url)
        self._url = url
        self._lanes: dict[int, Lane] = {}
        self._moved: dict[int, asyncio.Event] = {}
        self.is_stopping = False

    async def start(self) -> None:
        """Connect; lanes start with their ledger's first write."""
        self.pool = await read_pool(self._url)
        self.credentials = Credentials(self.pool)
        self.checks.start()

    def begin_stop(self) -> None:
        """Let nobody wait for further entries: whoever does is answered with none."""
        self.is_stopping = True
        for ledger_id in list(self._moved):
            self._announce(ledger_id)

    async def stop(self) -> None:
        """Finish what the lanes have taken, then let go of the connections."""
        await self.checks.stop()
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))
        await self.pool.close()

    @property
    def lanes(self) -> list[Lane]:
        """The lanes that are at work."""
        return list(self._lanes.values())

    async def lane(self, ledger_id: int) -> Lane:
        """The lane of a ledger."""
        lane = self._lanes.get(ledger_id)
        if lane is None:
            name = await self.pool.fetchval("SELECT name FROM ledgers WHERE ledger_id = $1", ledger_id)
            lane = self._lanes.get(ledger_id)
            if lane is None:
                lane = self._lanes[ledger_id] = Lane(self._url, ledger_id, name)
                lane.on_commit = lambda: self._announce(ledger_id)
                lane.start()
        return lane

    def next_commit(self, ledger_id: int) -> asyncio.Event:
        """An event that is set when this process next commits an entry of a ledger."""
        return self._moved.setdefault(ledger_id, asyncio.Event())

    def _announce(self, ledger_id: int) -> None:
        event = self._moved.pop(ledger_id, None)
        if event is not None:
            event.set()
