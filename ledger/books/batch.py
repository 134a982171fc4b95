"""A batch: calls that are decided one after the other and committed in one statement."""

from collections.abc import Iterator, Sequence
from os import urandom
from typing import Any

from ledger.books.calls import Call
from ledger.books.recall import Done, NotDone, Outcome, refusal_row
from ledger.core.books import Books, Savepoint
from ledger.core.commands import write
from ledger.core.entries import Entry
from ledger.core.errors import Internal, LedgerError, Refused
from ledger.core.merkle import Frontier

SALT_BYTES = 32


class Batch:
    """Calls with what was decided of them. `start` is where the books stood before it.

    `unloaded` are units that wait for rows to be loaded; `keys` are those of every unit of the batch; `frontier`
    is the tree's once the batch is committed. Until `is_sent` nothing may be decided upon it: it may yet have to load.
    """

    def __init__(self, books: Books) -> None:
        self.start: Savepoint = books.savepoint()
        self.units: list[list[Call]] = []
        self.unloaded: list[list[Call]] = []
        self.keys: set[bytes] = set()
        self.size = 0
        self.entries: list[Entry] = []
        self.refusals: list[tuple[Any, ...]] = []
        self.outcomes: list[tuple[Call, Outcome]] = []
        self.frontier = Frontier()
        self.is_sent = False

    def add(self, unit: list[Call]) -> None:
        """Take a unit into the batch, to be decided once all before it is, and what it names is loaded."""
        self.unloaded.append(unit)
        self.keys.update(call.key for call in unit)
        self.size += len(unit)
        for call in unit:
            call.taken = True

    def calls(self) -> Iterator[Call]:
        """Every call that was taken into it."""
        for unit in self.all_units():
            yield from unit

    def all_units(self) -> list[list[Call]]:
        """Every unit that was taken into it, in order."""
        return self.units + self.unloaded

    def decide_first(self, books: Books, ledger_id: int, at: int) -> None:
        """Decide the first undecided unit, on the assumption that everything before it is committed."""
        unit = self.unloaded.pop(0)
        self.units.append(unit)
        salts = _salts(len(unit))
        before = books.savepoint() if unit[0].dry_run else None
        if unit[0].group is not None:
            self._decide_group(books, ledger_id, unit, at, salts)
        else:
            for index, call in enumerate(unit):
                self._decide_one(books, ledger_id, call, at, salts[index * SALT_BYTES : (index + 1) * SALT_BYTES])
        if before is not None:
            books.undo(before)

    def _decide_one(self, books: Books, ledger_id: int, call: Call, at: int, salt: bytes) -> None:
        if call.settled is not None:
            self.outcomes.append((call, call.settled))
            return
        try:
            entry = _write(books, call, salt, at)
        except LedgerError as error:
            self._refuse(ledger_id, call, error, max(at, books.now), salt)
        except Exception as error:
            self.outcomes.append((call, NotDone(_our_fault(error), call.request_id)))
        else:
            if not call.dry_run:
                self.entries.append(entry)
            self.outcomes.append((call, Done(entry)))

    def _decide_group(self, books: Books, ledger_id: int, unit: list[Call], at: int, salts: bytes) -> None:
        before = books.savepoint()
        entries: list[tuple[Call, Entry]] = []
        for index, call in enumerate(unit):
            salt = salts[index * SALT_BYTES : (index + 1) * SALT_BYTES]
            try:
                if call.settled is None:
                    entry = _write(books, call, salt, at)
                    entries.append((call, entry))
                elif isinstance(call.settled, NotDone):
                    raise call.settled.error
            except LedgerError as error:
                books.undo(before)
                self._refuse_group(ledger_id, unit, call, error, max(at, books.now), salts)
                return
            except Exception as error:
                books.undo(before)
                self._refuse_group(ledger_id, unit, call, _our_fault(error), max(at, books.now), salts)
                return
        if not unit[0].dry_run:
            self.entries.extend(entry for _, entry in entries)
        self.outcomes.extend((call, Done(entry)) for call, entry in entries)
        self.outcomes.extend((call, call.settled) for call in unit if call.settled is not None)

    def _refuse_group(
        self, ledger_id: int, unit: Sequence[Call], guilty: Call, error: LedgerError, at: int, salts: bytes
    ) -> None:
        """The guilty one carries its cause, the others say so; if the cause is not remembered, neither are they."""
        linked = Refused("linked_failed", f"Another item of the atomic batch failed: {error.detail}")
        for index, call in enumerate(unit):
            salt = salts[index * SALT_BYTES : (index + 1) * SALT_BYTES]
            if call.settled is not None:
                self.outcomes.append((call, call.settled))
            else:
                self._refuse(ledger_id, call, error if call is guilty else linked, at, salt, error.remembered)

    def _refuse(
        self, ledger_id: int, call: Call, error: LedgerError, at: int, salt: bytes, remembered: bool = True
    ) -> None:
        if remembered and error.remembered and not call.dry_run and not call.command.falls_due:
            row = refusal_row(ledger_id, call.key, at, call.command, salt[16:], error, call.request_id)
            self.refusals.append(row)
        self.outcomes.append((call, NotDone(error, call.request_id)))


def _write(books: Books, call: Call, salt: bytes, at: int) -> Entry:
    return write(books, call.command, actor=call.actor, key=call.key, salt=salt, at=at, by_key=call.by_key)


_pool = bytearray()


def _salts(calls: int) -> bytes:
    """Random bytes for so many calls, asked of the system by the thousand: each asking is a system call."""
    size = SALT_BYTES * calls
    if len(_pool) < size:
        _pool.extend(urandom(max(size, SALT_BYTES * 1024)))
    salts = bytes(_pool[-size:])
    del _pool[-size:]
    return salts


def _our_fault(error: Exception) -> Internal:
    fault = Internal("internal", "Something went wrong on our side. Nothing was written.")
    fault.__cause__ = error
    return fault
