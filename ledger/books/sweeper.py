"""The sweeper: what falls due without anybody asking. Holds and requests expire, transfers are claimed or go back.

It asks the lane like everybody else, under a key that only it can use and that follows from what is done: so of several
processes one does it, and the others are told that it was done. What somebody else did first leaves nothing.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from ledger.books.claims_due import ClaimsDue
from ledger.books.database import Reader
from ledger.books.fence import CONNECT_FAULTS
from ledger.books.recall import NotDone, Outcome
from ledger.core.claims import ReturnClaim, TakeClaim
from ledger.core.commands import Command
from ledger.core.entries import key_digest
from ledger.core.errors import LedgerError
from ledger.core.holds import ExpireHold
from ledger.core.payment_requests import ExpirePaymentRequest

SWEEP_SECONDS = 1.0
AT_ONCE_MAX = 500
"""So many of a kind at once; then, without a pause, the next."""
ASIDE_SECONDS, ASIDE_SECONDS_MAX = 1.0, 60.0
"""What was refused is left alone for so long, after each further refusal for twice as long."""
READS_MAX = 3
"""So many reads at once, of however many ledgers: callers read from the same pool."""

log = logging.getLogger(__name__)


class Due(NamedTuple):
    """What is looked for: a query of ids that fall due ($1 the ledger, $2 how many at most), and what is done then."""

    kind: str
    query: str
    command: Callable[[str], Command]


DUE: list[Due] = [
    Due(
        ExpireHold.kind,
        """
        SELECT 'hold_' || entry FROM holds
        WHERE ledger_id = $1 AND state = 'open' AND expires_at <= now() ORDER BY expires_at LIMIT $2
        """,
        lambda hold: ExpireHold(hold=hold),
    ),
    Due(
        ReturnClaim.kind,
        """
        SELECT 'transfer_' || entry FROM claims
        WHERE ledger_id = $1 AND state = 'pending_claim' AND expires_at <= now() ORDER BY expires_at LIMIT $2
        """,
        lambda transfer: ReturnClaim(transfer=transfer),
    ),
    Due(
        ExpirePaymentRequest.kind,
        """
        SELECT 'payment_request_' || entry || CASE WHEN n > 0 THEN '_' || n ELSE '' END FROM payment_requests
        WHERE ledger_id = $1 AND state = 'open' AND expires_at <= now() ORDER BY expires_at LIMIT $2
        """,
        lambda request: ExpirePaymentRequest(payment_request=request),
    ),
]

Submit = Callable[[int, Command, bytes], Awaitable[Outcome]]
"""Gives a ledger's lane a command, under the digest of a key."""


def key_of(command: Command, name: str) -> bytes:
    """The key of a sweeper's command. It has a space in it, which no Idempotency-Key has."""
    return key_digest(f"sweeper {command.kind} {name}")


class Aside:
    """What was refused: by its name, until when it is left alone, and how long that is."""

    def __init__(self) -> None:
        self._rests: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._rests)

    def leaves(self, name: str, now: float) -> bool:
        """Whether it is left alone at a time."""
        return name in self._rests and now < self._rests[name][0]

    def put(self, name: str) -> None:
        """It was refused, perhaps again."""
        seconds = min(self._rests[name][1] * 2, ASIDE_SECONDS_MAX) if name in self._rests else ASIDE_SECONDS
        self._rests[name] = (time.monotonic() + seconds, seconds)

    def forget_others(self, due: set[str]) -> None:
        """Forget what is no longer due."""
        self._rests = {name: rest for name, rest in self._rests.items() if name in due}


class Sweeper:
    """Looks at every ledger once a second, and asks for what is due: of each kind by itself, so that neither much of
    one kind nor a ledger that cannot be written keeps anything else waiting."""

    def __init__(self, ledgers: Callable[[], Awaitable[list[int]]], reads: Callable[[int], Reader], submit: Submit):
        self._ledgers = ledgers
        self._reads = reads
        self._submit = submit
        self._claims = ClaimsDue()
        self._aside: defaultdict[tuple[int, str], Aside] = defaultdict(Aside)
        self._reading = asyncio.Semaphore(READS_MAX)
        self._task: asyncio.Task[None] | None = None
        self._walks: dict[tuple[int, str], asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            tasks = [self._task, *self._walks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with _logged("the sweeper"):
                for ledger_id in await self._ledgers():
                    self.sweep(ledger_id)

    def sweep(self, ledger_id: int) -> None:
        """Begin to do what is due in a ledger now, of each kind that is not being done already."""
        for due in DUE:
            self._begin(ledger_id, due.kind, partial(self._end_what_is_over, ledger_id, due))
        self._begin(ledger_id, TakeClaim.kind, partial(self._take_claims, ledger_id))

    def _begin(self, ledger_id: int, kind: str, walk: Callable[[], Awaitable[None]]) -> None:
        async def watched() -> None:
            with _logged(f"the sweeper, with {kind} in ledger {ledger_id},"):
                await walk()

        if (ledger_id, kind) not in self._walks:
            task = self._walks[ledger_id, kind] = asyncio.create_task(watched())
            task.add_done_callback(lambda _: self._walks.pop((ledger_id, kind)))

    async def _end_what_is_over(self, ledger_id: int, due: Due) -> None:
        """Walk through all that is due, some at a time. What is left aside stands in front: so many more are read."""
        aside = self._aside[ledger_id, due.kind]
        while True:
            size = AT_ONCE_MAX + len(aside)
            async with self._reading:
                found = [row[0] for row in await self._reads(ledger_id).fetch(due.query, ledger_id, size)]
            if len(found) < size:
                aside.forget_others(set(found))
            now = time.monotonic()
            names = [name for name in found if not aside.leaves(name, now)][:AT_ONCE_MAX]
            outcomes = await asyncio.gather(*(self._do(ledger_id, due.command(name), name) for name in names))
            for name, outcome in zip(names, outcomes, strict=True):
                if _is_answered(outcome) and (isinstance(outcome, NotDone) or outcome.replayed):
                    aside.put(name)
            if len(found) < size or not any(map(_is_answered, outcomes)):
                return

    async def _take_claims(self, ledger_id: int) -> None:
        """Take the claims that somebody can have."""
        while True:
            async with self._reading:
                names = await self._claims.find(self._reads(ledger_id), ledger_id, AT_ONCE_MAX)
            outcomes = await asyncio.gather(*(self._do(ledger_id, TakeClaim(transfer=name), name) for name in names))
            was_answered = [_is_answered(outcome) for outcome in outcomes]
            self._claims.tried(ledger_id, names, was_answered)
            if len(names) < AT_ONCE_MAX or not any(was_answered):
                return

    async def _do(self, ledger_id: int, command: Command, name: str) -> Outcome:
        """Ask for it."""
        try:
            return await self._submit(ledger_id, command, key_of(command, name))
        except LedgerError as error:
            return NotDone(error, "")


def _is_answered(outcome: Outcome) -> bool:
    """Whether the books could say something to it; if not, it will still be due."""
    return not (isinstance(outcome, NotDone) and outcome.error.retryable)


@contextmanager
def _logged(who: str) -> Iterator[None]:
    """Whatever fails is tried again, a moment later."""
    try:
        yield
    except CONNECT_FAULTS as fault:
        log.warning("%s tries again: %s", who, fault)
    except Exception:
        log.exception("%s failed, and tries again", who)
