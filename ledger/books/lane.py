"""The lane: the one writer of a ledger in this process.

Round and round: take what is queued, load what it names, decide it in memory, commit it in one statement, answer. While
one batch commits the next gathers, and is decided on the assumption that the first succeeds. Nothing is answered before
its batch is settled, refusals and dry runs neither.
"""

# long: the round and all that can befall it are read as one.

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

from ledger.books.batch import Batch
from ledger.books.calls import WAIT_SECONDS_MAX, Call, Waiter, Waiting
from ledger.books.database import UnfitDatabase
from ledger.books.fence import CONNECT_FAULTS
from ledger.books.guard import Guard
from ledger.books.load import is_loaded
from ledger.books.recall import Outcome
from ledger.books.redo import fail, redo
from ledger.books.writer import Writer
from ledger.core.commands import Command
from ledger.core.errors import LedgerError, TryLater

BATCH_MAX = 512
BATCH_HALVED_MIN = 16
COMMIT_SECONDS_MAX = 5.0
REDO_SECONDS_MAX = 30.0
CLOCK_AHEAD_MICROS_MAX = 5_000_000
IDLE_SECONDS_MAX = 300.0
TICK_SECONDS = 0.2

log = logging.getLogger(__name__)


class Lane:
    """One ledger's writer. Give it commands with `submit` or `submit_all`; it answers once they are durable.

    `head` is the number of the last entry this process knows to be committed; `on_commit` is called when it moves.
    """

    def __init__(self, url: str, ledger_id: int, ledger: str, guard: Guard | None = None) -> None:
        self.ledger = ledger
        self.head = 0
        self.on_commit: Callable[[], None] = lambda: None
        self.batches = 0
        self._writer = Writer(url, ledger_id, ledger, guard or Guard(ledger_id))
        self._waiting = Waiting()
        self._deferred: list[list[Call]] = []
        self._next: Batch | None = None
        self._flying: Batch | None = None
        self._commit: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._closing = False
        self._last_busy = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop

    # What callers use

    def start(self) -> None:
        """Begin to work, on the loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._watch())]

    async def stop(self) -> None:
        """Take nothing new, finish what was taken, give the connection back."""
        self._closing = True
        self._wake_up()
        work, watch = self._tasks
        await asyncio.wait([work], timeout=WAIT_SECONDS_MAX)
        self._abandon(TryLater("outcome_unknown", "The service stopped. Send the same request again to see."))
        for task in (work, watch):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._writer.close()

    async def submit(
        self,
        command: Command,
        key: bytes,
        actor: str,
        request_id: str = "",
        dry_run: bool = False,
        by_key: bool = False,
    ) -> Outcome:
        """Do one command. Raises overloaded or unavailable when it cannot be taken."""
        call = Call(command, key, actor, request_id, dry_run, by_key)
        waiter = call.waiter = Waiter(self._loop, 1)
        self._put([call])
        await waiter.done
        return call.answered()

    async def submit_all(self, calls: Sequence[Call], atomic: bool) -> list[Outcome]:
        """Do many commands: each for itself, or all or none. The second of two equal keys is a replay of the first."""
        self._waiting.check_room(len(calls))
        if not calls:
            return []
        firsts = {call.key: call for call in reversed(calls)} if atomic else {}
        waiter = Waiter(self._loop, len(firsts) or len(calls))
        for call in firsts.values() or calls:
            call.waiter = waiter
        if not atomic and calls[0].dry_run:
            self._put(list(calls))  # together, so that each is tried upon what those before it would do
        elif not atomic:
            for call in calls:
                self._put([call])
        else:
            group = [call for call in calls if firsts[call.key] is call]
            for call in group:
                call.group = group
            self._put(group)
        await waiter.done
        return [firsts.get(call.key, call).answered() for call in calls]

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection on which to write; an idle lane gives it back."""
        return self._writer.is_open

    @property
    def waiting(self) -> int:
        """How many commands wait to be taken."""
        return self._waiting.count

    def _put(self, unit: list[Call]) -> None:
        if self._closing:
            raise TryLater("unavailable", "The service is stopping. Send the same request again in a moment.")
        self._waiting.put(unit)
        self._wake_up()

    # The round

    async def _work(self) -> None:
        while not (self._closing and self._is_idle()):
            try:
                await self._round()
            except Exception:
                # A fault of our own: nobody may be left waiting for it, and nothing decided upon it may stay.
                log.exception("the lane of %s failed", self.ledger)
                self._abandon(
                    TryLater("outcome_unknown", "Something went wrong on our side: ask again what became of it.")
                )
                await self._writer.close()

    async def _round(self) -> None:
        if self._flying is not None and self._commit is not None:
            if self._flying.is_sent and not self._commit.done():
                self._gather()
            if self._commit.done():
                await self._settle(self._flying, self._commit)
            else:
                await self._sleep()
        elif not self._waiting and self._next is None:
            await self._sleep()
        elif not self._writer.is_open:
            await self._open()
        else:
            self._gather()
            if self._next is not None:
                self._launch(self._next)

    async def _open(self) -> None:
        try:
            await self._writer.open()
        except CONNECT_FAULTS as fault:
            log.warning("the database of %s cannot be written: %s", self.ledger, fault)
            if isinstance(fault, UnfitDatabase):
                self._abandon(TryLater("unavailable", f"The books cannot be written: {fault}"))
            await asyncio.sleep(TICK_SECONDS)

    def _gather(self) -> None:
        """Take what waits into the next batch; decide at once what the working set suffices for.

        Where nothing is in flight, only half is taken: the database works on it while the other half is decided. Taken
        whole, the two would wait for each other by turns, for callers that are answered together ask together again.
        """
        books, waiting = self._writer.books, self._waiting
        most = BATCH_MAX if self._flying is not None else min(BATCH_MAX, max(BATCH_HALVED_MIN, waiting.count // 2))
        while waiting and (self._next is None or self._next.size < most):
            unit = waiting.take()
            if unit[0].outcome is not None and not unit[0].taken:
                continue
            if self._is_in_flight(unit):
                self._deferred.append(unit)
                continue
            now = self._writer.clock()
            if books.now - now > CLOCK_AHEAD_MICROS_MAX:
                ahead = (books.now - now) // 1_000_000
                detail = f"The books' last entry is {ahead} s ahead of the database's clock. Set the server's clock."
                for call in unit:
                    call.fail(TryLater("unavailable", detail))
                continue
            if self._next is None:
                self._next = Batch(books)
            self._next.add(unit)
            # What must be loaded holds up all that came after it: each is decided upon those before it.
            if len(self._next.unloaded) == 1 and all(is_loaded(books, call) for call in unit):
                self._next.decide_first(books, self._writer.ledger_id, now)

    def _is_in_flight(self, unit: list[Call]) -> bool:
        """Whether a key of the unit is being decided already: then its answer will be found under the key."""
        for batch in (self._flying, self._next):
            if batch is not None:
                for call in unit:
                    if call.key in batch.keys:
                        return True
        return False

    def _launch(self, batch: Batch) -> None:
        """Load and decide what is left of a batch, and send it."""
        self._flying, self._next = batch, None
        self._last_busy = time.monotonic()
        self._commit = asyncio.create_task(self._writer.commit(batch, self._wake_up))
        self._commit.add_done_callback(lambda _: self._wake_up())

    async def _settle(self, batch: Batch, commit: asyncio.Task[None]) -> None:
        """See what became of the batch in flight: answer it, or do again what has to be."""
        fault = commit.exception()
        if fault is not None:
            self._waiting.put_back(await redo(self._writer, self._take_back(batch), fault, self._answer))
        else:
            self._writer.written(batch, self._next)
        self._flying = self._commit = None
        self._waiting.put_back(self._deferred)
        self._deferred = []
        if fault is None:
            # The next batch goes first: the database works on it while the answers to this one are written.
            try:
                self._gather()
                if self._next is not None:
                    self._launch(self._next)
            finally:
                self._answer(batch)
        self._see_head()
        self._last_busy = time.monotonic()

    def _answer(self, batch: Batch) -> None:
        """A batch is durable: answer everybody in it."""
        self.batches += 1
        for call, outcome in batch.outcomes:
            call.resolve(outcome)

    def _see_head(self) -> None:
        """Announce entries that are committed, by this process or, as was found out meanwhile, by another."""
        head = self._writer.head
        if head != self.head:  # less, too, where a person has accepted a loss
            self.head = head
            self.on_commit()

    def _take_back(self, batch: Batch) -> list[list[Call]]:
        """Undo a batch that was not written, and what was decided upon it; the latter waits again."""
        self._writer.books.undo(batch.start)
        if self._next is not None:
            self._waiting.put_back(self._next.all_units())
            self._next = None
        return batch.all_units()

    def _abandon(self, error: LedgerError) -> None:
        """Answer everybody with an error that leaves their keys unused, as far as nothing was sent."""
        units = self._deferred
        while self._waiting:
            units.append(self._waiting.take())
        for batch in (self._flying, self._next):
            if batch is not None:
                units += batch.all_units()
        fail(units, error)
        self._flying = self._next = self._commit = None
        self._deferred = []

    # Time

    async def _watch(self) -> None:
        """See to it that nobody waits for ever: neither a caller, nor the lane for an answer."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            if self._commit is not None:
                # Under the lock a batch may wait for another process's, hence longer.
                patience = REDO_SECONDS_MAX if self._commit.done() else COMMIT_SECONDS_MAX
                if now - self._last_busy > patience:
                    log.warning("no answer to a commit for %d s: the connection is cut", patience)
                    self._last_busy = now
                    self._writer.cut()
            self._waiting.withdraw(now, self._flying.keys if self._flying is not None else set())
            taken = [call for batch in (self._flying, self._next) if batch is not None for call in batch.calls()]
            deferred = [call for unit in self._deferred for call in unit]
            for call in (*taken, *deferred, *self._waiting.taken()):
                if now - call.arrived > WAIT_SECONDS_MAX:
                    call.fail(TryLater("outcome_unknown", "It may be done or not: send the same request again to see."))
            if self._is_idle() and self._writer.is_open and now - self._last_busy > IDLE_SECONDS_MAX:
                await self._writer.close()

    def _is_idle(self) -> bool:
        return self._commit is None and self._next is None and not self._waiting

    async def _sleep(self) -> None:
        self._wake = self._loop.create_future()
        await self._wake

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
