"""The command: one write that somebody asks for, in the very shape in which it is sent.

A command says which rows the rules will look at (`needs`), and what it does (`decide`). Its fields are the request's
facts; they stand in the entry once, with private texts replaced by commitments.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar, Self

import msgspec
from msgspec import UNSET

from ledger.core.actors import acting_key, count_for_key
from ledger.core.books import Books, shelf_key
from ledger.core.entries import (
    BODY_BYTES_MAX,
    Body,
    Entry,
    PostingBody,
    base64url,
    canonical,
    commitment,
    from_base64url,
)
from ledger.core.errors import FieldError, Invalid, Malformed
from ledger.core.merkle import leaf_hash
from ledger.core.payments import payment_in
from ledger.core.rows import Agreement, Row, image
from ledger.core.text import alias_key, alias_reference, format_timestamp

Name = tuple[str, Any]
"""A table of the working set and the key of a row in it: what a command needs loaded."""

Result = dict[str, Any] | None
"""What a command decided beyond its postings; it stands in the entry's body."""


class Command(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One write. `private` names the fields whose clear text is kept apart; `references` those that name parties. A
    field whose default is UNSET tells null, which takes away what was there, from what is left out.

    What falls due is asked for under one key until it is done: a refusal of it is not remembered. `if_too_large` says
    what to do instead of what an entry cannot hold.
    """

    kind: ClassVar[str]
    private: ClassVar[tuple[str, ...]] = ()
    references: ClassVar[tuple[str, ...]] = ()
    falls_due: ClassVar[bool] = False
    if_too_large: ClassVar[str] = "Send less."

    def fault(self) -> FieldError | None:
        """What is wrong with the fields' shape beyond their types; judged before anything is looked up."""
        return None

    def needs(self, books: Books) -> Iterable[Name]:
        """The rows to load. Asked again after each load, since an alias only then says which party it names."""
        return ()

    def effective_date(self, books: Books) -> str | None:
        """The accounting date that was asked for; None is today."""
        return None

    def decide(self, books: Books) -> Result:
        """Change the books or raise the first reason not to. Whatever was changed before a raise is undone."""
        raise NotImplementedError(self.kind)

    def clear_texts(self) -> dict[str, Any]:
        """The private fields that are set, by their names on the wire."""
        found: dict[str, Any] = {}
        for name in self.private:
            value = getattr(self, name)
            if value is not None and value is not UNSET:
                found[_wire(name)] = value
        for name in self.references:
            value = getattr(self, name)
            if isinstance(value, str) and value[:6] == "alias:":
                found[_wire(name)] = value
        return found

    def facts(self, clear: dict[str, Any], salt: bytes) -> Any:
        """The request as the entry keeps it: `clear` texts give way to their commitments; an alias's channel stays."""
        if not clear:
            return self
        facts: dict[str, Any] = msgspec.to_builtins(self)
        references = {_wire(name) for name in self.references}
        for name, value in clear.items():
            alias = alias_key(value) if name in references else None
            facts[name] = alias_reference(alias[0], _conceal(salt, alias[1])) if alias else _conceal(salt, value)
        return facts

    def sealed(self, salt: bytes) -> tuple[Any, str | None]:
        """The facts, and the private part that goes with them."""
        clear = self.clear_texts()
        private = canonical(clear | {"salt": base64url(salt)}).decode() if clear else None
        return self.facts(clear, salt), private

    def refused(self, salt: bytes) -> tuple[Any, str | None]:
        """What is kept of a request that was refused: no text in clear, but what tells a replay from another request,
        and the aliases by which it is found once their party is erased, for the refusal may repeat them."""
        clear = self.refused_texts()
        kept: dict[str, Any] = {"salt": base64url(salt)}
        names = self.names()
        if names:
            kept["names"] = names
        return self.facts(clear, salt), canonical(kept).decode() if clear else None

    def refused_texts(self) -> dict[str, Any]:
        """What is private in a refused request. An intent may name an alias that is nobody's."""
        intent = getattr(self, "intent", None)
        return self.clear_texts() | ({"intent": msgspec.to_builtins(intent)} if intent is not None else {})

    def names(self) -> list[str]:
        """The aliases that the request names, and the parties that it names in private fields."""
        named = (getattr(self, name) for name in self.references)
        return [each for each in named if isinstance(each, str) and alias_key(each) is not None]

    @classmethod
    def recalled(cls, facts: dict[str, Any], clear: dict[str, Any]) -> Self:
        """The command again, from what its entry keeps: erased texts are None."""
        hidden = {_wire(name) for name in cls.private}
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            name = field.encode_name
            if name in clear or (name in facts and name not in hidden):
                value = clear.get(name, facts.get(name))
                is_plain = value is None or isinstance(value, str | int)
                values[field.name] = value if is_plain else msgspec.convert(value, field.type)
            elif field.required or name in facts:
                values[field.name] = None
        return cls(**values)


def write(
    books: Books, command: Command, *, actor: str, key: bytes, salt: bytes, at: int, by_key: bool = False
) -> Entry:
    """Decide one command: the entry it makes, or the LedgerError that says why not, with the books as before.

    `salt` is 32 random bytes: 16 for the leaf, 16 for the commitments. `at` is the time in microseconds. `by_key` says
    that the actor is an API key, to be judged as such.
    """
    before = books.savepoint()
    books.begin(at, actor, key)
    try:
        holder = acting_key(books) if by_key else None
        effective_on = _effective_on(books, command)
        result = command.decide(books)
        if holder is not None and holder.limits is not None:
            count_for_key(books, holder)
        books.settle_balances()
        entry = _seal(books, command, actor, key, salt, effective_on, result)
        if books.payments.complete or entry.number in books.payments:
            _remember_payment(books, entry)
    except BaseException:
        books.undo(before)
        raise
    books.number += 1
    return entry


def _remember_payment(books: Books, entry: Entry) -> None:
    """Where books hold every payment, or one was asked for before there was it, let it be found; else it is loaded."""
    payment = payment_in(entry)
    if payment is not None:
        books.remember(books.payments, entry.number, payment)


def _seal(
    books: Books, command: Command, actor: str, key: bytes, salt: bytes, effective_on: date, result: Result
) -> Entry:
    request, private = command.sealed(salt[16:])
    if books.rows:
        result = _with_rows(result, books.rows)
    body = canonical(
        Body(
            ledger=books.ledger,
            number=books.number,
            kind=command.kind,
            posted_at=format_timestamp(books.now),
            effective_on=effective_on.isoformat(),
            actor=actor,
            salt=base64url(salt[:16]),
            request=request,
            key=base64url(key),
            postings=[PostingBody(p.debit.path, p.credit.path, p.amount, p.debit.currency) for p in books.postings],
            result=result,
        )
    )
    if len(body) > BODY_BYTES_MAX:
        detail = f"The entry would take {len(body)} bytes; {BODY_BYTES_MAX} are the most. {command.if_too_large}"
        raise Malformed("entry_too_large", detail)
    return Entry(
        number=books.number,
        kind=command.kind,
        posted_at=books.now,
        effective_on=effective_on,
        request=command,
        postings=books.postings,
        body=body,
        private=private,
        result=result,
        key=key,
        leaf=leaf_hash(body),
        rows=books.rows,
        opened=books.opened,
    )


def _with_rows(result: Result, rows: list[Row]) -> Result:
    """The result with each agreement as the entry leaves it, by table."""
    images: dict[str, dict[Any, dict[str, Any]]] = {}
    for row in rows:
        if isinstance(row, Agreement):
            images.setdefault(row.table, {})[shelf_key(row)] = image(row, type(row))
    if not images:
        return result
    return (result or {}) | {"rows": {table: list(of.values()) for table, of in images.items()}}


def _effective_on(books: Books, command: Command) -> date:
    asked = command.effective_date(books)
    if asked is None:
        return books.today
    day = date.fromisoformat(asked)
    if day > books.today:
        detail = f"effective_on {asked} lies in the future; today is {books.today} in {books.settings.time_zone}."
        raise Invalid.at("/effective_on", "timestamp_invalid", detail)
    return day


def differing_fields(
    stored: dict[str, Any], private: dict[str, Any] | None, command: Command, was_refused: bool = False
) -> list[str]:
    """The fields in which a request differs from the one that used the same key before; [] when it is the same.

    Private texts are compared through their commitments. Once they were erased nothing can be said of them, so they
    no longer count; a text that was never given does. Null and left out are two things.
    """
    salt = from_base64url(private["salt"]) if private else b""
    clear = command.refused_texts() if was_refused else command.clear_texts()
    asked: dict[str, Any] = msgspec.to_builtins(command.facts(clear, salt))
    references = {_wire(name) for name in command.references}
    hidden = {_wire(name) for name in command.private} | (clear.keys() - references)

    def was_erased(name: str) -> bool:
        kept = stored.get(name)
        return private is None and kept is not None and (name in hidden or str(kept).startswith("alias:"))

    def is_same(name: str) -> bool:
        return name in stored and name in asked and stored[name] == asked[name]

    return sorted(name for name in stored.keys() | asked.keys() if not is_same(name) and not was_erased(name))


def _conceal(salt: bytes, value: Any) -> str:
    """A commitment to a text, or to the canonical JSON of a value."""
    return commitment(salt, value if isinstance(value, str) else canonical(value).decode())


def _wire(name: str) -> str:
    return name.rstrip("_")
