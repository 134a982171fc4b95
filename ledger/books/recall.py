"""Entries and refusals read back: what a replay is answered from, and everything else that shows one entry."""

from typing import Any, NamedTuple, TypeAlias

import msgspec

from ledger.books.database import Reader
from ledger.core.commands import Command, differing_fields
from ledger.core.entries import Account, Entry, Posting, canonical, read_body
from ledger.core.errors import FAMILY_OF, FieldError, Invalid, LedgerError
from ledger.core.kinds import COMMANDS
from ledger.core.rows import moment

_ENTRY = """
    SELECT e.number, e.kind, micros(e.posted_at) AS posted_at, e.effective_on, e.key, e.leaf, e.body, e.private,
           (SELECT array_agg(ARRAY[p.debit_balance, p.credit_balance, p.debit_version, p.credit_version] ORDER BY p.n)
            FROM postings p WHERE p.ledger_id = e.ledger_id AND p.entry = e.number) AS after
    FROM entries e
"""


class Problem(msgspec.Struct, omit_defaults=True):
    """A refusal as it is stored: the error, and the id of the request that first got it."""

    code: str
    detail: str
    instance: str
    errors: list[FieldError] = []
    existing: tuple[str, int] | None = None


class Done(NamedTuple):
    """A command that was accepted, with its entry."""

    entry: Entry
    replayed: bool = False


class NotDone(NamedTuple):
    """A command that was not, with the reason and the id of the request that first got it."""

    error: LedgerError
    instance: str
    replayed: bool = False


Outcome: TypeAlias = Done | NotDone


class Stored(NamedTuple):
    """What a key was used for: the request's kind and facts, its private part, and the outcome."""

    kind: str
    facts: dict[str, Any]
    private: dict[str, Any] | None
    at: int
    outcome: Outcome

    def answer_to(self, command: Command, request_id: str) -> Outcome:
        """The replay for a command under the same key: the same answer, or that the key was for something else."""
        if command.kind != self.kind:
            return NotDone(_reused(f"The key was used before, for {self.kind}."), request_id)
        was_refused = isinstance(self.outcome, NotDone)
        fields = differing_fields(self.facts, self.private, command, was_refused)
        if fields:
            error = _reused(f"The key was used before with other {', '.join(fields)}.", fields)
            return NotDone(error, request_id)
        return self.outcome


async def entry_by_number(connection: Reader, ledger_id: int, number: int) -> Entry | None:
    """One entry."""
    row = await connection.fetchrow(_ENTRY + "WHERE e.ledger_id = $1 AND e.number = $2", ledger_id, number)
    return _entry(row)[0] if row is not None else None


async def entries_by_number(connection: Reader, ledger_id: int, numbers: list[int]) -> dict[int, Entry]:
    """Entries by their numbers; those that do not exist are left out."""
    rows = await connection.fetch(_ENTRY + "WHERE e.ledger_id = $1 AND e.number = ANY ($2)", ledger_id, numbers)
    return {row["number"]: _entry(row)[0] for row in rows}


async def stored_by_key(connection: Reader, ledger_id: int, keys: list[bytes]) -> dict[bytes, Stored]:
    """What became of keys; those never used are left out."""
    entries = await connection.fetch(_ENTRY + "WHERE e.ledger_id = $1 AND e.key = ANY ($2)", ledger_id, keys)
    refusals = await connection.fetch(
        """
        SELECT key, kind, micros(refused_at) AS at, request, private, problem FROM refusals
        WHERE ledger_id = $1 AND key = ANY ($2)
        """,
        ledger_id,
        keys,
    )
    found: dict[bytes, Stored] = {}
    for row in entries:
        entry, facts, private = _entry(row)
        found[row["key"]] = Stored(entry.kind, facts, private, entry.posted_at, Done(entry, True))
    for row in refusals:
        facts = msgspec.json.decode(row["request"], type=dict[str, Any])
        private = msgspec.json.decode(row["private"]) if row["private"] is not None else None
        problem = msgspec.json.decode(row["problem"], type=Problem)
        error = FAMILY_OF[problem.code](problem.code, problem.detail, problem.errors, problem.existing)
        found[row["key"]] = Stored(row["kind"], facts, private, row["at"], NotDone(error, problem.instance, True))
    return found


def _entry(row: Any) -> tuple[Entry, dict[str, Any], dict[str, Any] | None]:
    body = read_body(row["body"])
    facts: dict[str, Any] = msgspec.json.decode(body.request)
    private = msgspec.json.decode(row["private"]) if row["private"] is not None else None
    postings = []
    for posting, after in zip(body.postings, row["after"] or (), strict=True):
        debit, credit = _account(posting.debit, posting.currency), _account(posting.credit, posting.currency)
        postings.append(Posting(debit, credit, posting.amount, *after))
    entry = Entry(
        number=row["number"],
        kind=row["kind"],
        posted_at=row["posted_at"],
        effective_on=row["effective_on"],
        request=COMMANDS[row["kind"]].recalled(facts, private or {}),
        postings=postings,
        key=row["key"],
        leaf=row["leaf"],
        body=row["body"].encode(),
        private=row["private"],
        result=body.result,
    )
    return entry, facts, private


def _account(path: str, currency: str) -> Account:
    owner, _, role = path.rpartition("/")
    return Account(0, owner, role, currency)


def refusal_row(
    ledger_id: int, key: bytes, at: int, command: Command, salt: bytes, error: LedgerError, instance: str
) -> tuple[Any, ...]:
    """A refusal as the commit takes it: a row of the table `refusals`."""
    refused_at = moment(at)
    facts, private = command.refused(salt)
    problem = Problem(error.code, error.detail, instance, list(error.errors), error.existing)
    return (
        ledger_id,
        key,
        refused_at,
        command.kind,
        canonical(facts).decode(),
        private,
        msgspec.json.encode(problem).decode(),
    )


def _reused(detail: str, fields: list[str] | None = None) -> Invalid:
    errors = [
        FieldError(f"/{name}", "idempotency_key_reused", "Not as it was the first time.") for name in fields or []
    ]
    return Invalid("idempotency_key_reused", f"{detail} Use a new key for a new request.", errors)
