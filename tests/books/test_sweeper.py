"""The sweeper does all that is due, however much, and whatever else cannot be done."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, cast

import pytest

from ledger.books import sweeper
from ledger.books.database import LedgerReads, Reader, read_pool
from ledger.books.recall import Done, NotDone, Outcome
from ledger.books.sweeper import AT_ONCE_MAX, Sweeper
from ledger.core.commands import Command
from ledger.core.entries import Entry
from ledger.core.errors import Conflict, TryLater
from ledger.core.holds import ExpireHold, PlaceHold
from tests.books.lanes import done, fund, lane_on, run, value
from tests.harness import Database

DONE = Done(cast(Entry, None))
REFUSED = NotDone(Conflict("hold_not_open", "It is not yet over."), "")
UNAVAILABLE = NotDone(TryLater("unavailable", "Not now."), "")


class Ledgers:
    """Ledgers, each with holds that are due in the order of their numbers, and what is answered of each hold."""

    def __init__(self, **due: int) -> None:
        self.due = {int(name.removeprefix("of_")): dict.fromkeys(range(1, count + 1)) for name, count in due.items()}
        self.asked: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.answer: Callable[[int, int], Outcome] = lambda ledger_id, hold: DONE
        self.faults: set[int] = set()

    async def submit(self, ledger_id: int, command: Command, key: bytes) -> Outcome:
        assert isinstance(command, ExpireHold)
        hold = int(command.hold.removeprefix("hold_"))
        self.asked[ledger_id][hold] += 1
        outcome = self.answer(ledger_id, hold)
        if outcome is UNAVAILABLE:
            await asyncio.sleep(0.5)
        if outcome is DONE:
            del self.due[ledger_id][hold]
        return outcome

    async def names(self) -> list[int]:
        return list(self.due)

    def reads(self, ledger_id: int) -> Reader:
        return cast(Reader, Reads(self, ledger_id))

    @asynccontextmanager
    async def swept(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        monkeypatch.setattr(sweeper, "SWEEP_SECONDS", 0.05)
        made = Sweeper(self.names, self.reads, self.submit)
        made.start()
        await asyncio.sleep(0)
        try:
            yield
        finally:
            await made.stop()


class Reads:
    """Reads one of them; each read takes a while."""

    def __init__(self, ledgers: Ledgers, ledger_id: int) -> None:
        self._ledgers, self._ledger_id = ledgers, ledger_id

    async def fetch(self, query: str, ledger_id: int, *arguments: Any) -> list[tuple[str]]:
        await asyncio.sleep(0.001)
        if self._ledger_id in self._ledgers.faults:
            raise OSError("the database does not answer")
        if "FROM holds" not in query:
            return []
        return [(f"hold_{number}",) for number in islice(self._ledgers.due[ledger_id], arguments[0])]

    async def fetchval(self, query: str, *arguments: Any) -> int:
        return 0


async def until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true in so many seconds."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        await asyncio.sleep(0.005)
    return is_so()


def test_however_much_is_due_at_once_is_done_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        ledgers = Ledgers(of_1=12 * AT_ONCE_MAX)
        async with ledgers.swept(monkeypatch):
            monkeypatch.setattr(sweeper, "SWEEP_SECONDS", 60.0)
            assert await until(lambda: not ledgers.due[1], 5)
        assert {1} == set(ledgers.asked[1].values())

    run(story())


def test_what_is_refused_keeps_nothing_behind_it_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        stuck = 3 * AT_ONCE_MAX
        ledgers = Ledgers(of_1=stuck + 10)
        ledgers.answer = lambda _, hold: REFUSED if hold <= stuck else DONE
        async with ledgers.swept(monkeypatch):
            assert await until(lambda: len(ledgers.due[1]) == stuck, 3)

    run(story())


def test_what_is_refused_is_tried_again_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(sweeper, "ASIDE_SECONDS", 0.1)
        ledgers = Ledgers(of_1=3)
        ledgers.answer = lambda _, hold: REFUSED
        async with ledgers.swept(monkeypatch):
            await asyncio.sleep(1.2)
            assert 3 <= ledgers.asked[1][2] <= 4, ledgers.asked
            ledgers.answer = lambda _, hold: DONE
            assert await until(lambda: not ledgers.due[1], 2)

    run(story())


def test_while_the_books_cannot_be_written_nothing_is_asked_for_round_and_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        ledgers = Ledgers(of_1=2 * AT_ONCE_MAX)
        ledgers.answer = lambda *_: UNAVAILABLE
        async with ledgers.swept(monkeypatch):
            await asyncio.sleep(1.2)
            assert 1 <= ledgers.asked[1].total() / AT_ONCE_MAX <= 3
            ledgers.answer = lambda *_: DONE
            assert await until(lambda: not ledgers.due[1], 2)

    run(story())


@pytest.mark.parametrize("is_slow", [True, False])
def test_a_ledger_that_cannot_be_swept_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch, is_slow: bool) -> None:
    async def story() -> None:
        ledgers = Ledgers(of_1=1, of_2=1)
        ledgers.faults = set() if is_slow else {1}
        ledgers.answer = lambda ledger_id, _: UNAVAILABLE if ledger_id == 1 else DONE
        async with ledgers.swept(monkeypatch):
            assert await until(lambda: not ledgers.due[2], 0.4)
            assert ledgers.due[1]

    run(story())


@pytest.mark.parametrize("count", [3000, pytest.param(6000, marks=pytest.mark.long)])
def test_holds_that_are_due_at_the_same_time_are_all_released_within_five_seconds(
    database: Database, count: int
) -> None:
    async def story() -> None:
        pool = await read_pool(database.service_url, 2)
        async with lane_on(database) as lane:
            payer, payee = await fund(lane, 2, count)
            due = datetime.now(UTC) + timedelta(seconds=2 + count / 1000)
            fields: dict[str, Any] = {"to": payee, "amount": 1, "currency": "EUR", "expires_at": due.isoformat()}
            await asyncio.gather(*(done(lane, PlaceHold(from_=payer, **fields)) for _ in range(count)))
            assert datetime.now(UTC) < due
            made = Sweeper(
                _only(database.ledger_id),
                lambda ledger_id: LedgerReads(pool, ledger_id),
                lambda _, command, key: lane.submit(command, key, "sweeper"),
            )
            made.start()
            try:
                sql = "SELECT count(*) FROM holds WHERE payer = $1 AND state = 'open'"
                while await value(database, sql, payer):
                    assert datetime.now(UTC) < due + timedelta(seconds=5)
                    await asyncio.sleep(0.2)
            finally:
                await made.stop()
        await pool.close()

    run(story())


def _only(ledger_id: int) -> Any:
    async def ledgers() -> list[int]:
        return [ledger_id]

    return ledgers
