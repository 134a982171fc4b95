"""Checks of keys: public keys, what opens the HTTP interface, what keys with limits have paid; and the log's epochs.

Both ways, as with all that is registered: what an entry says is kept, and what is kept an entry says.
"""

from datetime import date, datetime
from typing import Any

from ledger.books.checking import (
    ENTRIES,
    Along,
    Check,
    Exceptions,
    Part,
    Stretch,
    account_numbered,
    compare,
    entry_numbered,
    read_object,
)
from ledger.core.actors import NOT_COUNTED_FROM, NOT_COUNTED_TO
from ledger.core.entries import canonical, from_base64url
from ledger.core.keys import from_base64, thumbprint
from ledger.core.rows import moment
from ledger.core.text import parse_timestamp

_PURPOSES = {
    "log_key.register": "log",
    "party_key.register": "payer",
    "party_key.recover": "payer",
    "request_key.register": "request",
}
_REVOKED_BY = {"log": "log_key.revoke", "payer": "party_key.revoke", "request": "request_key.revoke"}
_PUBLIC = ("id", "purpose", "owner", "public_key", "valid_from", "valid_until")
_ACCESS = ("id", "digest", "name", "scopes", "limits", "valid_until")


def _time(text: str | None) -> datetime | None:
    return moment(parse_timestamp(text)) if text is not None else None


def _public_key(kind: str, body: dict[str, Any]) -> tuple[Any, ...] | None:
    """A public key as the entry that registered it says."""
    if kind not in _PURPOSES:
        return None
    asked, result = body["request"], body["result"]
    raw = from_base64(asked["public_key"])
    starts = _time(result.get("valid_from", body["posted_at"]))
    owner = asked.get("party", "")
    return thumbprint(raw), _PURPOSES[kind], owner, raw, starts, _time(asked.get("valid_until"))


def _access(kind: str, body: dict[str, Any]) -> tuple[Any, ...] | None:
    """A way into the HTTP interface as its entry says."""
    if kind not in ("api_key.create", "request_key.register"):
        return None
    asked = body["request"]
    digest = from_base64url(asked["digest"]) if kind == "api_key.create" else None
    limits = canonical(asked["limits"]).decode() if "limits" in asked else None
    return body["result"]["id"], digest, asked["name"], asked["scopes"], limits, _time(asked.get("valid_until"))


def _revocation(where: str, row: Any, kind: str) -> Exceptions:
    """What is wrong with the entry that a row names as the one that revoked it."""
    if row["revoked_by"] is None:
        return []
    asked = read_object(row["end"])["request"] if row["ended_by"] == kind else {}
    is_said = row["id"] in (asked.get("key_id"), asked.get("id"))
    return [] if is_said else [(where, f"was revoked by entry {row['revoked_by']}, which does not say so")]


_PUBLIC_KEYS = f"""
    SELECT k.entry, k.revoked_by, {", ".join(f"k.{name}" for name in _PUBLIC)},
           made.kind AS made_by, made.body, ended.kind AS ended_by, ended.body AS end
    FROM public_keys k
    LEFT JOIN {entry_numbered("k.entry")} made ON true
    LEFT JOIN {entry_numbered("k.revoked_by")} ended ON true
    WHERE k.ledger_id = $1 AND
"""


def _judge_public_keys(rows: list[Any]) -> Exceptions:
    found: list[tuple[str, str]] = []
    for row in rows:
        where = f"public key of entry {row['entry']}"
        said = _public_key(row["made_by"], read_object(row["body"])) if row["made_by"] is not None else None
        found += compare(where, _PUBLIC, said, tuple(row[name] for name in _PUBLIC))
        found += _revocation(where, row, _REVOKED_BY.get(row["purpose"], ""))
    return found


async def _party_keys(stretch: Stretch) -> Exceptions:
    return _judge_public_keys(await stretch.fetch(f"{_PUBLIC_KEYS} k.owner > $2 AND k.owner <= $3"))


async def _ledger_keys(stretch: Stretch) -> Exceptions:
    walk = stretch.walk
    return _judge_public_keys(await walk.connection.fetch(f"{_PUBLIC_KEYS} k.owner = ''", walk.ledger_id))


async def _keys_made(stretch: Stretch) -> Exceptions:
    """That what was registered is kept, and what was revoked is kept as revoked."""
    rows = await stretch.fetch(
        f"""
        SELECT number, kind, body FROM {ENTRIES} e
        WHERE kind LIKE '%\\_key.%' AND kind NOT LIKE 'api\\_key.%'
        """
    )
    ids = {}
    for row in rows:
        body = read_object(row["body"])
        ids[row["number"]] = body["request"]["key_id"] if row["kind"].endswith(".revoke") else body["result"]["id"]
    kept = await stretch.walk.connection.fetch(
        "SELECT id, entry, revoked_by FROM public_keys WHERE ledger_id = $1 AND id = ANY ($2)",
        stretch.walk.ledger_id,
        list(ids.values()),
    )
    there = {row["id"]: (row["entry"], row["revoked_by"]) for row in kept}
    return [
        (f"entry {row['number']}", f"is a {row['kind']} of which nothing is kept")
        for row in rows
        if row["number"] not in there.get(ids[row["number"]], ())
    ]


PUBLIC_KEYS = Check(
    "public-keys",
    "Every public key is as its entry registered it, and revoked as one revoked it.",
    (Part(Along.ONCE, _ledger_keys), Part(Along.PARTIES, _party_keys), Part(Along.ENTRIES, _keys_made)),
)


async def _api_keys(stretch: Stretch) -> Exceptions:
    walk = stretch.walk
    rows = await walk.connection.fetch(
        f"""
        SELECT k.entry, k.revoked_by, {", ".join(f"k.{name}" for name in _ACCESS)},
               made.kind AS made_by, made.body, ended.kind AS ended_by, ended.body AS end
        FROM api_keys k
        LEFT JOIN {entry_numbered("k.entry")} made ON true
        LEFT JOIN {entry_numbered("k.revoked_by")} ended ON true
        WHERE k.ledger_id = $1
        """,
        walk.ledger_id,
    )
    found: list[tuple[str, str]] = []
    for row in rows:
        where = f"api_keys of entry {row['entry']}"
        said = _access(row["made_by"], read_object(row["body"])) if row["made_by"] is not None else None
        found += compare(where, _ACCESS, said, tuple(row[name] for name in _ACCESS))
        found += _revocation(where, row, "request_key.revoke" if row["digest"] is None else "api_key.revoke")
    return found


async def _api_keys_made(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(
        f"""
        SELECT number, kind FROM {ENTRIES} e WHERE CASE
            WHEN kind IN ('api_key.create', 'request_key.register')
                THEN NOT EXISTS (SELECT FROM api_keys WHERE ledger_id = $1 AND entry = e.number)
            WHEN kind IN ('api_key.revoke', 'request_key.revoke')
                THEN NOT EXISTS (SELECT FROM api_keys WHERE ledger_id = $1 AND revoked_by = e.number)
        END
        """
    )
    return [(f"entry {row['number']}", f"is a {row['kind']} of which nothing is kept") for row in rows]


API_KEYS = Check(
    "api-keys",
    "Every way into the HTTP interface is as its entry made it, and revoked as one revoked it.",
    (Part(Along.ONCE, _api_keys), Part(Along.ENTRIES, _api_keys_made)),
)


async def _key_sums(stretch: Stretch) -> Exceptions:
    """What each key with limits has moved, by day, grows along the entries; in the end the kept sums are compared."""
    walk = stretch.walk
    limited = await walk.connection.fetchval(
        "SELECT array_agg(id) FROM api_keys WHERE ledger_id = $1 AND limits IS NOT NULL", walk.ledger_id
    )
    through = stretch.through
    kept: list[Any] = []
    if stretch.is_last:
        kept = await walk.connection.fetch(
            """
            SELECT s.key, s.currency, s.day, s.amount, h.number AS head FROM key_sums s JOIN heads h USING (ledger_id)
            WHERE ledger_id = $1 ORDER BY s.key, s.currency
            """,
            walk.ledger_id,
        )
        # Since the walk began more may have been paid: what is kept now is compared with all there is now.
        through = max((row["head"] for row in kept), default=through)
    if limited is not None:
        await _add_moved(stretch, through, limited)
    last: dict[tuple[str, str], date] = {}
    for key, currency, day in walk.moved:
        last[key, currency] = max(day, last.get((key, currency), day))
    must = {of: (day, walk.moved[(*of, day)]) for of, day in last.items()} if stretch.is_last else {}
    there = {(row["key"], row["currency"]): (row["day"], row["amount"]) for row in kept}
    found: list[tuple[str, str]] = []
    for of in sorted(must.keys() | there.keys()):
        found += compare(f"sum of {of[0]} in {of[1]}", ("day", "amount"), must.get(of), there.get(of))
    return found


async def _add_moved(stretch: Stretch, through: int, keys: list[str]) -> None:
    walk = stretch.walk
    rows = await walk.connection.fetch(
        f"""
        SELECT e.number, micros(e.posted_at) AS at, body::json ->> 'actor' AS actor, p.currency, p.amount
        FROM (
            SELECT * FROM entries WHERE ledger_id = $1 AND number > $2 AND number <= $3
            AND body::json ->> 'actor' = ANY ($4) OFFSET 0
        ) e
        JOIN LATERAL (
            SELECT currency, amount, debit, credit FROM postings WHERE ledger_id = $1 AND entry = e.number OFFSET 0
        ) p ON true
        JOIN {account_numbered("p.debit")} debit ON debit.role <> ALL ($5)
        JOIN {account_numbered("p.credit")} credit ON credit.role <> ALL ($6)
        """,
        walk.ledger_id,
        stretch.after,
        through,
        keys,
        list(NOT_COUNTED_FROM),
        list(NOT_COUNTED_TO),
    )
    for row in rows:
        walk.moved[row["actor"], row["currency"], walk.day(row["number"], row["at"])] += row["amount"]


KEY_SUMS = Check(
    "key-sums",
    "What a key with limits has paid on its last day is the sum of its entries.",
    (Part(Along.ENTRIES, _key_sums),),
)

_EPOCH = ("epoch", "origin")


async def _epochs(stretch: Stretch) -> Exceptions:
    walk = stretch.walk
    rows = await walk.connection.fetch(
        f"""
        SELECT x.entry, x.epoch, x.origin, e.kind AS made_by, e.body FROM epochs x
        LEFT JOIN {entry_numbered("x.entry")} e ON true WHERE x.ledger_id = $1
        """,
        walk.ledger_id,
    )
    found: list[tuple[str, str]] = []
    for row in rows:
        asked = read_object(row["body"])["request"] if row["made_by"] == "log.accept_loss" else None
        said = tuple(asked[name] for name in _EPOCH) if asked is not None else None
        found += compare(f"epoch of entry {row['entry']}", _EPOCH, said, tuple(row[name] for name in _EPOCH))
    return found


async def _epochs_made(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(
        f"""
        SELECT number FROM {ENTRIES} e WHERE kind = 'log.accept_loss'
        AND NOT EXISTS (SELECT FROM epochs WHERE ledger_id = $1 AND entry = e.number)
        """
    )
    return [(f"entry {row['number']}", "accepts a loss, and no epoch is kept") for row in rows]


EPOCHS = Check(
    "epochs",
    "The log goes on under a new origin only where an entry says so.",
    (Part(Along.ONCE, _epochs), Part(Along.ENTRIES, _epochs_made)),
)

CHECKS = (PUBLIC_KEYS, API_KEYS, KEY_SUMS, EPOCHS)
