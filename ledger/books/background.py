"""The checks in the background of the service: bit by bit, round after round, for as long as it runs."""

import asyncio
import logging
import time
from contextlib import aclosing
from typing import NamedTuple

from ledger.books.checking import Finding, looks
from ledger.books.checks import CHECKS
from ledger.books.database import Connection, connect_checks
from ledger.books.fence import CONNECT_FAULTS

STRETCH = 200
"""So many entries at once keep the event loop and the database busy for a few milliseconds."""
REST = 25
"""After each look it rests so many times as long as that took: the checks take about 4 % of one core."""
REST_SECONDS_MIN = 0.005
ROUND_SECONDS_MIN = 10.0
"""A small ledger is not looked at more often than this."""

log = logging.getLogger(__name__)


class Result(NamedTuple):
    """What the last whole round over a ledger found, when it ended (seconds since the epoch), and through which entry
    it went."""

    findings: list[Finding]
    finished_at: float
    through_entry: int


class BackgroundChecks:
    """Runs all checks on all ledgers of a database. `results` has the last one of each ledger, by its name."""

    def __init__(self, url: str) -> None:
        self.results: dict[str, Result] = {}
        self._url = url
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except CONNECT_FAULTS as fault:
                log.warning("the checks begin anew: %s", fault)
            except Exception:
                log.exception("the checks failed, and begin anew")
            await asyncio.sleep(ROUND_SECONDS_MIN)

    async def _round(self) -> None:
        connection = await connect_checks(self._url)
        try:
            for ledger_id, name in await connection.fetch("SELECT ledger_id, name FROM ledgers ORDER BY ledger_id"):
                self.results[name] = await _check(connection, ledger_id, name)
        finally:
            connection.terminate()


async def _check(connection: Connection, ledger_id: int, name: str) -> Result:
    findings: list[Finding] = []
    through_entry = 0
    async with aclosing(looks(connection, ledger_id, CHECKS, STRETCH)) as every_look:
        began = time.monotonic()
        async for look in every_look:
            for found in look.findings:
                # Where it is, not what it is: that may name a party.
                log.critical("the books of %s fail the check %s at %s", name, found.check, found.where)
            findings += look.findings
            through_entry = look.through_entry
            await asyncio.sleep(max((time.monotonic() - began) * REST, REST_SECONDS_MIN))
            began = time.monotonic()
    return Result(findings, time.time(), through_entry)
