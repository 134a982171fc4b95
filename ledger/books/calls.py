"""What waits before the lane: calls, alone or in groups, taken in turns from the keys that ask."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Iterator

from ledger.books.recall import NotDone, Outcome
from ledger.core.commands import Command
from ledger.core.errors import LedgerError, TryLater

WAIT_SECONDS_MAX = 10.0
"""A caller waits at most this long; what was not taken by then is withdrawn, what was taken is outcome_unknown."""
WAITING_MAX = 20_000


class Waiter:
    """Somebody who waits until a number of calls are answered."""

    __slots__ = ("_left", "done")

    def __init__(self, loop: asyncio.AbstractEventLoop, calls: int) -> None:
        self._left = calls
        self.done: asyncio.Future[None] = loop.create_future()

    def one_answered(self) -> None:
        """Count one call; the last one wakes whoever waits, unless they have gone."""
        self._left -= 1
        if self._left == 0 and not self.done.done():
            self.done.set_result(None)


class Call:
    """One command on its way: who asks, under which key, and, once it is answered, its outcome.

    `group` binds calls that are done all or none. `settled` is a group member's answer that was known before.
    """

    __slots__ = (
        "actor",
        "arrived",
        "by_key",
        "command",
        "dry_run",
        "group",
        "key",
        "outcome",
        "request_id",
        "settled",
        "taken",
        "waiter",
    )

    def __init__(
        self,
        command: Command,
        key: bytes,
        actor: str,
        request_id: str,
        dry_run: bool = False,
        by_key: bool = False,
    ) -> None:
        self.command = command
        self.key = key
        self.actor = actor
        self.by_key = by_key
        self.request_id = request_id
        self.dry_run = dry_run
        self.group: list[Call] | None = None
        self.waiter: Waiter | None = None
        self.outcome: Outcome | None = None
        self.arrived = time.monotonic()
        self.taken = False
        self.settled: Outcome | None = None

    def resolve(self, outcome: Outcome) -> None:
        """Answer the caller, once."""
        if self.outcome is None:
            self.outcome = outcome
            if self.waiter is not None:
                self.waiter.one_answered()

    def answered(self) -> Outcome:
        """The outcome, once there is one."""
        if self.outcome is None:
            raise LookupError("the call is not answered yet")
        return self.outcome

    def fail(self, error: LedgerError) -> None:
        """Answer with an error that no key remembers."""
        self.resolve(NotDone(error, self.request_id))


class Waiting:
    """The bounded queue before a lane, fair between the keys that ask: each gets a turn, whoever sends most.

    A unit is a list of calls that are taken together: an atomic group, the dry run of a batch, or a single call.
    """

    def __init__(self) -> None:
        self._by_actor: OrderedDict[str, deque[list[Call]]] = OrderedDict()
        self._first: deque[list[Call]] = deque()
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def put(self, unit: list[Call]) -> None:
        """Queue a unit. Raises overloaded when too many are waiting."""
        self.check_room(len(unit))
        queue = self._by_actor.get(unit[0].actor)
        if queue is None:
            queue = self._by_actor[unit[0].actor] = deque()
        queue.append(unit)
        self.count += len(unit)

    def check_room(self, calls: int) -> None:
        """Raise overloaded unless so many more may wait."""
        if self.count + calls > WAITING_MAX:
            raise TryLater("overloaded", "Too many requests are waiting. Send the same request again in a moment.")

    def put_back(self, units: list[list[Call]]) -> None:
        """Queue units that were taken before, ahead of all others and in their order."""
        for unit in reversed(units):
            self._first.appendleft(unit)
            self.count += len(unit)

    def take(self) -> list[Call]:
        """The next unit: what was put back, then one of each key in turn."""
        if self._first:
            unit = self._first.popleft()
        else:
            actor, queue = next(iter(self._by_actor.items()))
            unit = queue.popleft()
            if not queue:
                del self._by_actor[actor]
            elif len(self._by_actor) > 1:
                self._by_actor.move_to_end(actor)
        self.count -= len(unit)
        return unit

    def withdraw(self, now: float, in_flight: set[bytes]) -> None:
        """Answer those that were never taken and have waited too long; they are passed over when their turn comes.

        Of a key that is in flight, for the first of two same requests, nobody knows yet what becomes.
        """
        error = TryLater("unavailable", "The books cannot be written just now. Send the same request again.")
        unknown = TryLater("outcome_unknown", "It may be done or not: send the same request again to see.")
        for queue in (self._first, *self._by_actor.values()):
            for unit in queue:
                if now - unit[0].arrived <= WAIT_SECONDS_MAX:
                    break
                if not unit[0].taken:
                    for call in unit:
                        call.fail(unknown if call.key in in_flight else error)

    def taken(self) -> Iterator[Call]:
        """The calls that were taken before and put back."""
        for unit in self._first:
            yield from unit
