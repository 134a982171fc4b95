"""What a lane writes with: its one connection, its working set, and the tree's frontier at the committed head."""

import asyncio
import time
from collections.abc import Callable

from ledger.books.batch import Batch
from ledger.books.calls import Call
from ledger.books.commit import COMMIT, arguments
from ledger.books.database import Connection
from ledger.books.fence import CONNECT_FAULTS, Backend, LostConnection, Overtaken, is_lost, open_lane
from ledger.books.guard import Guard, Rewritten
from ledger.books.load import evict, is_loaded, load, load_head
from ledger.books.recall import stored_by_key
from ledger.core.books import Books
from ledger.core.merkle import Frontier

SHELF_ROWS_MAX = 100_000
RETRY_SECONDS = 0.2


class KnownKeys(Exception):
    """Some of a batch's keys were used before; nothing was written."""

    def __init__(self, keys: list[bytes]) -> None:
        super().__init__(f"{len(keys)} keys were seen before")
        self.keys = keys


class Writer:
    """One connection and what was learnt over it. `head` is the number of the last entry that is committed; `version`
    and `frontier` are the head's."""

    def __init__(self, url: str, ledger_id: int, ledger: str, guard: Guard) -> None:
        self.ledger_id = ledger_id
        self.guard = guard
        self.books = Books(ledger, complete=False)
        self.head = 0
        self.version = 0
        self.frontier = Frontier()
        self._origin = ""
        self._url = url
        self._connection: Connection | None = None
        self._backend: Backend | None = None
        self._clock_offset = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that is not known to be broken."""
        return self._connection is not None and not self._connection.is_closed()

    def clock(self) -> int:
        """The database's clock, in microseconds since the epoch, as last heard."""
        return time.monotonic_ns() // 1000 + self._clock_offset

    async def open(self) -> None:
        """Connect and learn the head. Raises one of CONNECT_FAULTS."""
        connection = await open_lane(self._url, self.ledger_id)
        try:
            self._backend = await Backend.of(connection)
            self._hear_clock(await connection.fetchval("SELECT ledger.micros(clock_timestamp())"))
            self._connection = connection
            await self._forget()
        except BaseException:
            self._connection = None
            connection.terminate()
            raise

    async def close(self) -> None:
        """Give the connection back; the working set is forgotten with it."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=2)
            except Exception:
                connection.terminate()

    def cut(self) -> None:
        """Drop the connection without a word, since no answer comes; whoever waits on it gets LostConnection."""
        if self._connection is not None:
            self._connection.terminate()

    async def commit(self, batch: Batch, sent: Callable[[], None]) -> None:
        """Write a batch in one round trip; `sent` is called once it is on its way.

        Raises KnownKeys, Overtaken, LostConnection, or the database's error.
        """
        connection = self._connection
        if connection is None:
            raise LostConnection("there is no connection")
        if self.guard.fault is not None:
            raise Overtaken("the books are in doubt")  # to be done again under the lock, where the guard looks first
        try:
            if batch.unloaded:
                await self._decide_unloaded(connection, batch)
            await self._send(connection, batch, sent)
        except Exception as error:
            if is_lost(error):
                raise LostConnection(str(error)) from error
            raise

    async def commit_locked(self, units: list[list[Call]]) -> Batch:
        """Decide units anew and write them under the head's lock, where nobody can come first.

        Known keys are answered on the way. Raises LostConnection, or the database's error with nothing written.
        """
        connection = self._connection
        if connection is None or connection.is_closed():
            await self.fence()
            connection = self._connection
        if connection is None:
            raise LostConnection("there is no connection")
        try:
            async with _Transaction(connection):
                await connection.fetchval("SELECT ledger.lock_head($1)", self.ledger_id)
                while True:
                    await self._forget()
                    batch = Batch(self.books)
                    batch.unloaded = list(units)
                    try:
                        await self._decide_unloaded(connection, batch)
                        await self._send(connection, batch, lambda: None)
                    except KnownKeys as known:
                        units = await self.answer_known(units, known.keys)
                    else:
                        return batch
        except Exception as error:
            if is_lost(error):
                raise LostConnection(str(error)) from error
            raise

    async def answer_known(self, units: list[list[Call]], keys: list[bytes]) -> list[list[Call]]:
        """Answer the calls whose keys were used before, and return the units that are still to be decided.

        A member of an atomic group, or of a dry run, only notes its answer: the unit is decided as a whole.
        """
        if self._connection is None:
            raise LostConnection("there is no connection")
        stored = await stored_by_key(self._connection, self.ledger_id, keys)
        rest: list[list[Call]] = []
        for unit in units:
            for call in unit:
                if call.key in stored:
                    call.settled = stored[call.key].answer_to(call.command, call.request_id)
            settled = [call.settled for call in unit if call.settled is not None]
            if unit[0].group is None and len(settled) == len(unit):
                for call, outcome in zip(unit, settled, strict=True):
                    call.resolve(outcome)
            else:
                rest.append(unit)
        return rest

    async def fence(self) -> None:
        """Make sure that the old backend can commit nothing any more, and connect anew. Tries until it succeeds.

        Raises Rewritten.
        """
        self.cut()
        self._connection = None
        while self._connection is None:
            try:
                connection = await open_lane(self._url, self.ledger_id)
                try:
                    if self._backend is None or await self._backend.fence(connection):
                        await self.open()
                finally:
                    connection.terminate()
            except Rewritten:
                raise
            except CONNECT_FAULTS:
                await asyncio.sleep(RETRY_SECONDS)

    def written(self, batch: Batch, later: Batch | None) -> None:
        """A batch is durable: it can no longer be undone, and `later`, decided upon it, now stands on the head."""
        if later is None:
            self.books.forget_journal(self.books.savepoint().journal)
        else:
            self.books.forget_journal(later.start.journal)
            later.start = later.start._replace(journal=0)
        self.frontier = batch.frontier
        self.guard.saw(batch.frontier, self._origin)
        if batch.entries or batch.refusals:
            self.version += 1
        self.head = batch.start.number - 1 + len(batch.entries)
        evict(self.books, list(later.calls()) if later is not None else [], SHELF_ROWS_MAX)

    async def _decide_unloaded(self, connection: Connection, batch: Batch) -> None:
        while batch.unloaded:
            calls = [call for unit in batch.unloaded for call in unit]
            await load(connection, self.ledger_id, self.books, calls, batch.entries)
            # To decide one may make the next name more: an alias that it set names a party whose accounts are wanted.
            while batch.unloaded and all(is_loaded(self.books, call) for call in batch.unloaded[0]):
                batch.decide_first(self.books, self.ledger_id, self.clock())

    async def _send(self, connection: Connection, batch: Batch, sent: Callable[[], None]) -> None:
        batch.frontier = self.frontier.copy()
        keys = [call.key for call in batch.calls() if call.settled is None]
        batch.is_sent = True
        sent()
        answer = await connection.fetchrow(
            COMMIT, *arguments(self.ledger_id, self.version, keys, batch.entries, batch.refusals, batch.frontier)
        )
        if answer is None:
            raise LostConnection("the commit gave no answer")
        self._hear_clock(answer["clock"])
        if answer["answer"] == "known":
            raise KnownKeys(answer["seen"])
        if answer["answer"] != "ok":
            raise Overtaken("another process wrote first")

    async def _forget(self) -> None:
        """Start anew from the committed head."""
        if self._connection is None:
            raise LostConnection("there is no connection")
        known = self.guard.recall()
        self.books = Books(self.books.ledger, complete=False)
        self.version, head = await load_head(self._connection, self.ledger_id, self.books)
        self.frontier = await self.guard.check_head(self._connection, known, head)
        self.head, self._origin = head.number, head.origin

    def _hear_clock(self, micros: int) -> None:
        self._clock_offset = micros - time.monotonic_ns() // 1000


class _Transaction:
    """An explicit transaction that succeeded only if the server says COMMIT: asyncpg takes ROLLBACK for success."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __aenter__(self) -> None:
        await self._connection.execute("BEGIN")

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            if not self._connection.is_closed() and not is_lost(error):
                await self._connection.execute("ROLLBACK")
            return
        tag = await self._connection.execute("COMMIT")
        if tag != "COMMIT":
            raise LostConnection(f"COMMIT was answered with {tag}")
