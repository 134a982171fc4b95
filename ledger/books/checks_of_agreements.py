"""Checks of agreements: what the books keep beside the entries is what the entries that name it say.

Both ways: what an entry says is kept, and what is kept an entry says. What must be kept is told from the bodies alone,
by functions that share nothing with the rules that decided it.
"""

from datetime import date
from typing import Any

from ledger.books.checking import CHANGED, ENTRIES, Along, Check, Exceptions, Part, Stretch, compare, read_object

_DEPOSIT = ("rail", "rail_reference", "party", "amount", "currency", "state", "reason")
_ITEM = ("amount", "remaining", "currency", "reason", "arrived_on", "state")


async def _deposits(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(
        f"""
        SELECT entry, made.body, micros(made.posted_at) AS posted_at, d.kept AS deposit, s.kept AS item, EXISTS (
            SELECT FROM entries
            WHERE ledger_id = $1 AND kind = 'deposit.return' AND {CHANGED} = 'deposit_' || entry OFFSET 0
        ) AS is_returned
        FROM (SELECT number AS entry, body, posted_at FROM {ENTRIES} e WHERE kind = 'deposit') made
        FULL JOIN (
            SELECT entry, ROW ({", ".join(_DEPOSIT)}) AS kept FROM deposits
            WHERE ledger_id = $1 AND entry > $2 AND entry <= $3
        ) d USING (entry)
        FULL JOIN (
            SELECT entry, ROW ({", ".join(_ITEM)}) AS kept FROM suspense_items
            WHERE ledger_id = $1 AND entry > $2 AND entry <= $3
        ) s USING (entry)
        """
    )
    found: list[tuple[str, str]] = []
    for row in rows:
        deposit = item = None
        if row["body"] is not None:
            day = stretch.walk.day(row["entry"], row["posted_at"])
            deposit, item = _deposit(read_object(row["body"]), row["is_returned"], day)
        found += compare(f"deposit_{row['entry']}", _DEPOSIT, deposit, row["deposit"])
        found += compare(f"suspense_{row['entry']}", _ITEM, item, row["item"])
    return found


def _deposit(body: dict[str, Any], is_returned: bool, day: date) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """A deposit as its entry and its return leave it, and its suspense item where it has one."""
    asked, result = body["request"], body["result"]
    owner, _, role = body["postings"][0]["credit"].rpartition("/")
    amount, currency, reason = asked["amount"], asked["currency"], result.get("reason")
    state = "returned" if is_returned else result["state"]
    party = owner if role == "available" else None
    deposit = (asked["rail"], asked["rail_reference"], party, amount, currency, state, reason)
    if result["state"] != "suspense":
        return deposit, None
    remaining, state = (0, "cleared") if is_returned else (amount, "open")
    return deposit, (amount, remaining, currency, reason, day, state)


_RECEIVABLE = ("party", "amount", "remaining", "currency")


async def _receivables(stretch: Stretch) -> Exceptions:
    rows = await stretch.fetch(
        f"""
        SELECT entry, made.body, r.kept
        FROM (SELECT number AS entry, body FROM {ENTRIES} e WHERE kind = 'deposit.return') made
        FULL JOIN (
            SELECT entry, ROW ({", ".join(_RECEIVABLE)}) AS kept FROM receivables
            WHERE ledger_id = $1 AND entry > $2 AND entry <= $3
        ) r USING (entry)
        """
    )
    found: list[tuple[str, str]] = []
    for row in rows:
        said = _receivable(read_object(row["body"])) if row["body"] is not None else None
        found += compare(f"receivable of entry {row['entry']}", _RECEIVABLE, said, row["kept"])
    return found


def _receivable(body: dict[str, Any]) -> tuple[Any, ...] | None:
    for posting in body["postings"]:
        owner, _, role = posting["debit"].rpartition("/")
        if role == "receivable":
            return owner, posting["amount"], posting["amount"], posting["currency"]
    return None


DEPOSITS = Check(
    "deposits",
    "Every deposit, suspense item and receivable stands as the entries that name it left it.",
    (Part(Along.ENTRIES, _deposits), Part(Along.ENTRIES, _receivables)),
)

CHECKS = (DEPOSITS,)
