"""The sweeper: what falls due without anybody asking. Holds and requests expire, transfers are claimed or go back.

It asks the lane like everybody else, under a key that only it can use and that follows from what is done: so of several
processes one does it, and the others are told that it was done. What somebody else did first leaves nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
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
"""So many of a kind at once; the rest a moment later."""

log = logging.getLogger(__name__)


class Due(NamedTuple):
    """What is looked for: a query of ids that fall due ($1 the ledger, $2 how many at most), and what is done then."""

    query: str
    command: Callable[[str], Command]


DUE: list[Due] = [
    Due(
        """
        SELECT 'hold_' || entry FROM holds
        WHERE ledger_id = $1 AND state = 'open' AND expires_at <= now() ORDER BY expires_at LIMIT $2
        """,
        lambda hold: ExpireHold(hold=hold),
    ),
    Due(
        """
        SELECT 'transfer_' || entry FROM claims
        WHERE ledger_id = $1 AND state = 'pending_claim' AND expires_at <= now() ORDER BY expires_at LIMIT $2
        """,
        lambda transfer: ReturnClaim(transfer=transfer),
    ),
    Due(
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


class Sweeper:
    """Looks at every ledger once a second, and asks for what is due."""

    def __init__(self, ledgers: Callable[[], Awaitable[list[int]]], reads: Callable[[int], Reader], submit: Submit):
        self._ledgers = ledgers
        self._reads = reads
        self._submit = submit
        self._claims = ClaimsDue()
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
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                for ledger_id in await self._ledgers():
                    await self.sweep(ledger_id)
            except CONNECT_FAULTS as fault:
                log.warning("the sweeper tries again: %s", fault)
            except Exception:
                log.exception("the sweeper failed, and tries again")

    async def sweep(self, ledger_id: int) -> int:
        """Do what is due in a ledger now; how many things that were."""
        asked = 0
        for due in DUE:
            names = [row[0] for row in await self._reads(ledger_id).fetch(due.query, ledger_id, AT_ONCE_MAX)]
            commands = [(due.command(name), name) for name in names]
            asked += len(commands)
            await asyncio.gather(*(self._do(ledger_id, command, name) for command, name in commands))
        claims = await self._claims.find(self._reads(ledger_id), ledger_id, AT_ONCE_MAX)
        was_answered = await asyncio.gather(*(self._do(ledger_id, TakeClaim(transfer=name), name) for name in claims))
        self._claims.tried(ledger_id, claims, was_answered)
        return asked + len(claims)

    async def _do(self, ledger_id: int, command: Command, name: str) -> bool:
        """Ask for it. Whether the books could say something to it; if not, it will still be due."""
        try:
            outcome = await self._submit(ledger_id, command, key_of(command, name))
        except LedgerError:
            return False
        return not (isinstance(outcome, NotDone) and outcome.error.retryable)
