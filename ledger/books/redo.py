"""Doing again what a fault kept from being written, or saying why it cannot be."""

import logging
from collections.abc import Callable

from ledger.books.batch import Batch
from ledger.books.calls import Call
from ledger.books.fence import LostConnection, Overtaken, is_lost, is_nobodys_fault
from ledger.books.guard import Rewritten
from ledger.books.writer import KnownKeys, Writer
from ledger.core.errors import Internal, LedgerError, TryLater

log = logging.getLogger(__name__)

Units = list[list[Call]]


async def redo(writer: Writer, units: Units, fault: BaseException, answer: Callable[[Batch], None]) -> Units:
    """Bring units whose batch was not written to their answers; those that are left only have to be decided again.

    A lost connection decides nothing: its backend is fenced, and the same commands run again under the lock, where
    their keys tell which had landed. From then on it is in doubt whether they are done, until they are answered.
    """
    in_doubt = isinstance(fault, KnownKeys | LostConnection)
    if isinstance(fault, KnownKeys):
        try:
            return await writer.answer_known(units, fault.keys)
        except Exception as another:
            fault = LostConnection(str(another)) if is_lost(another) else another
    if is_nobodys_fault(fault):
        await _give_up(writer, units, fault, in_doubt)
        return []
    if not isinstance(fault, Overtaken):
        log.warning("a batch of %d is done again: %s", len(units), fault)
    try:
        if isinstance(fault, LostConnection):
            await writer.fence()
        await _redo_locked(writer, units, answer, in_doubt)
    except Rewritten as another:
        # On what was meant to be the same books something of them is missing, or changed: perhaps these commands, too.
        await _give_up(writer, units, another, in_doubt=True)
    return []


async def _redo_locked(writer: Writer, units: Units, answer: Callable[[Batch], None], in_doubt: bool) -> None:
    """Do units under the head's lock; by halves, until a command that cannot be written stands alone."""
    try:
        batch = await writer.commit_locked(units)
        writer.written(batch, None)
        answer(batch)
    except LostConnection:
        await writer.fence()
        await _redo_locked(writer, units, answer, in_doubt=True)
    except Rewritten:
        raise
    except Exception as fault:
        if is_nobodys_fault(fault) or (in_doubt and len(units) == 1):
            await _give_up(writer, units, fault, in_doubt)
        elif len(units) == 1:
            log.error("a command cannot be written", exc_info=fault)
            await writer.close()
            fail(units, Internal("internal", "Something went wrong on our side. Nothing was written."))
        else:
            middle = len(units) // 2
            await _redo_locked(writer, units[:middle], answer, in_doubt)
            await _redo_locked(writer, units[middle:], answer, in_doubt)


async def _give_up(writer: Writer, units: Units, fault: BaseException, in_doubt: bool) -> None:
    """Say that it cannot be done now or, of what may have been done already, that nobody knows."""
    log.warning("the books cannot be written: %s", fault)
    await writer.close()
    if in_doubt:
        fail(units, TryLater("outcome_unknown", "It may be done or not. Send the same request again to see."))
    else:
        fail(units, TryLater("unavailable", "The books cannot be written just now. Send the same request again."))


def fail(units: Units, error: LedgerError) -> None:
    """Answer units with an error that no key remembers."""
    for unit in units:
        for call in unit:
            call.fail(error)
