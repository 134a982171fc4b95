"""Filling the working set: what commands name and it lacks, one query a table for all keys together.

A key of two columns is looked up behind OFFSET 0: `rows.by_keys` says why.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from ledger.books import load_invoices, load_payments, load_payouts, load_sums
from ledger.books.calls import Call
from ledger.books.database import Connection
from ledger.books.guard import Head
from ledger.books.rows import Loader, loader_of
from ledger.core.actors import needs_of_actor
from ledger.core.books import Books, Shelf
from ledger.core.commands import Name
from ledger.core.entries import Account, Entry
from ledger.core.rows import AGREEMENTS, Alias, ApiKey, Bank, KeySum, PublicKey, Rail, Row, Settings


def is_loaded(books: Books, call: Call) -> bool:
    """Whether the working set has all that a call names."""
    for shelf, key in call.command.needs(books):  # not all(…): a generator would take as long again
        if key not in getattr(books, shelf):
            return False
    if call.by_key:
        for shelf, key in needs_of_actor(books, call.actor):
            if key not in getattr(books, shelf):
                return False
    return True


def missing(books: Books, calls: Iterable[Call]) -> set[Name]:
    """What the calls name and the working set lacks."""
    names = (name for call in calls for name in _needs(books, call))
    return {(shelf, key) for shelf, key in names if key not in getattr(books, shelf)}


def _needs(books: Books, call: Call) -> Iterator[Name]:
    yield from call.command.needs(books)
    if call.by_key:
        yield from needs_of_actor(books, call.actor)


async def load(
    connection: Connection, ledger_id: int, books: Books, calls: list[Call], decided: Sequence[Entry] = ()
) -> None:
    """Load all that the calls name, upon entries that are decided and not yet written. An alias only says after its own
    load which party to load, hence the loop."""
    while names := missing(books, calls):
        by_shelf: dict[str, list[Any]] = {}
        for shelf, key in names:
            by_shelf.setdefault(shelf, []).append(key)
        for shelf, keys in by_shelf.items():
            found = await _LOADERS[shelf](connection, ledger_id, keys)
            if shelf in _UPON_DECIDED and decided:
                _UPON_DECIDED[shelf](found, decided)
                for key in keys:  # forgotten again, should the entries be undone
                    books.remember(getattr(books, shelf), key, found.get(key))
                continue
            if shelf == "open_things":
                found = {key: found.get(key, 0) + books.counted_open(key) for key in keys}
            getattr(books, shelf).update({key: found.get(key) for key in keys})


async def load_head(connection: Connection, ledger_id: int, books: Books) -> tuple[int, Head]:
    """The head and the settings into the books; its version and the log are the lane's to keep."""
    head = await connection.fetchrow(
        """
        SELECT h.version, h.number, h.accounts, micros(h.posted_at) AS posted_at, h.root, h.frontier,
               s.name, s.time_zone, s.currencies, s.request_signatures, s.limits, s.fees, coalesce(
                   (SELECT origin FROM epochs e WHERE e.ledger_id = h.ledger_id ORDER BY epoch DESC LIMIT 1), l.origin
               ) AS origin
        FROM heads h JOIN settings s USING (ledger_id) JOIN ledgers l USING (ledger_id) WHERE ledger_id = $1
        """,
        ledger_id,
    )
    if head is None:
        raise LookupError(f"there is no ledger {ledger_id}")
    books.number = head["number"] + 1
    books.accounts_opened = head["accounts"]
    books.now = head["posted_at"]
    books.settings = Settings(*(head[name] for name in Settings.columns()))
    return head["version"], Head(head["number"], head["root"], head["frontier"], head["origin"])


async def _owners(connection: Connection, ledger_id: int, keys: list[str]) -> dict[Any, Any]:
    rows = await connection.fetch(
        """
        SELECT number, owner, role, currency, balance, version FROM accounts
        WHERE ledger_id = $1 AND owner = ANY ($2)
        """,
        ledger_id,
        keys,
    )
    found: dict[str, dict[tuple[str, str], Account]] = {}
    for row in rows:
        account = Account(*row)
        found.setdefault(account.owner, {})[account.role, account.currency] = account
    return found


async def _aliases(connection: Connection, ledger_id: int, keys: list[tuple[str, str]]) -> dict[Any, Any]:
    rows = await connection.fetch(
        """
        SELECT k.channel, k.value, a.entry, a.party
        FROM unnest($2::text[], $3::text[]) AS k (channel, value), LATERAL (
            SELECT entry, party FROM aliases
            WHERE ledger_id = $1 AND channel = k.channel AND value = k.value AND until_entry IS NULL OFFSET 0
        ) a
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
    )
    return {(row["channel"], row["value"]): Alias(*row) for row in rows}


async def _deposit_references(connection: Connection, ledger_id: int, keys: list[tuple[str, str]]) -> dict[Any, Any]:
    rows = await connection.fetch(
        """
        SELECT k.rail, k.rail_reference, d.entry
        FROM unnest($2::text[], $3::text[]) AS k (rail, rail_reference), LATERAL (
            SELECT entry FROM deposits
            WHERE ledger_id = $1 AND rail_reference = k.rail_reference AND rail = k.rail OFFSET 0
        ) d
        """,
        ledger_id,
        *map(list, zip(*keys, strict=True)),
    )
    return {(row["rail"], row["rail_reference"]): row["entry"] for row in rows}


async def _keys_of(connection: Connection, ledger_id: int, keys: list[str]) -> dict[Any, Any]:
    rows = await connection.fetch(
        """
        SELECT owner, array_agg(id ORDER BY entry, id) AS ids FROM public_keys
        WHERE ledger_id = $1 AND owner = ANY ($2) GROUP BY owner
        """,
        ledger_id,
        keys,
    )
    return {row["owner"]: tuple(row["ids"]) for row in rows}


async def _request_keys(connection: Connection, ledger_id: int, keys: list[str]) -> dict[Any, Any]:
    """Those that sign requests already, to whichever ledger."""
    taken = await connection.fetchval("SELECT request_keys_taken($1)", keys)
    return dict.fromkeys(taken or (), True)


async def _digests(connection: Connection, ledger_id: int, keys: list[bytes]) -> dict[Any, Any]:
    """Those of API keys that there are, in whichever ledger."""
    taken = await connection.fetchval("SELECT digests_taken($1)", keys)
    return dict.fromkeys(taken or (), True)


async def _used_keys(connection: Connection, ledger_id: int, keys: list[bytes]) -> dict[Any, Any]:
    rows = await connection.fetch(
        "SELECT key, number FROM entries WHERE ledger_id = $1 AND key = ANY ($2)", ledger_id, keys
    )
    return {row["key"]: row["number"] for row in rows}


_FOUND_BY_KEY: tuple[type[Row], ...] = (ApiKey, KeySum, PublicKey, Bank, Rail, *AGREEMENTS.values())

_LOADERS: dict[str, Loader] = {
    "owners": _owners,
    "aliases": _aliases,
    "deposit_references": _deposit_references,
    "keys_of": _keys_of,
    "request_keys": _request_keys,
    "used_keys": _used_keys,
    "digests": _digests,
    **{kind.table: loader_of(kind) for kind in _FOUND_BY_KEY},
    **load_sums.LOADERS,
    **load_payments.LOADERS,
    **load_payouts.LOADERS,
    **load_invoices.LOADERS,
}

_UPON_DECIDED: dict[str, Callable[[dict[Any, Any], Sequence[Entry]], None]] = {
    "spent": load_sums.add_decided,
    "payments": load_payments.add_payments,
    "open_invoices": load_invoices.add_decided,
}
"""What entries that are decided and not yet written change of what a query finds."""


def evict(books: Books, deciding: list[Call], rows_max: int) -> None:
    """Forget the oldest rows of every shelf past its bound, but none that is being decided or not yet durable."""
    keep: set[Name] | None = None
    changed: set[tuple[int, Any]] = set()
    for name in _LOADERS:
        shelf: Shelf[Any] = getattr(books, name)
        surplus = len(shelf) - rows_max
        if surplus > 0:
            if keep is None:
                keep = {needed for call in deciding for needed in _needs(books, call)}
                changed = books.changed()
            for key in list(islice(shelf, surplus + rows_max // 10)):
                if (name, key) not in keep and (id(shelf), key) not in changed:
                    del shelf[key]
