"""Who asks: whether their API key still counts when the lane gets to it, and what it may pay.

The door has looked at the key before, but what it knew may be a second old. Here the key's row stands beside the money,
so a key that was revoked writes nothing more, in whichever process.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from ledger.core.books import Books
from ledger.core.errors import Refused, Unauthenticated
from ledger.core.fields import Amount, Currency
from ledger.core.money import AMOUNT_MAX, format_amount
from ledger.core.rows import ApiKey, KeySum, moment

NOT_COUNTED_TO = frozenset({"fees", "fee_costs", "payable"})
NOT_COUNTED_FROM = NOT_COUNTED_TO | {"held", "escrow"}
"""A fee and its tax are counted already in what is paid, and what was held or sent before was counted then."""


class Limit(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a key may move in one currency: by one request, and on one day of the ledger's calendar."""

    currency: Currency
    per_payment: Amount | None = None
    per_day_sum: Amount | None = None


@lru_cache(maxsize=1024)
def read_limits(limits: str) -> dict[str, Limit]:
    """The limits of a key by currency, from the JSON that its row keeps."""
    return {limit.currency: limit for limit in msgspec.json.decode(limits, type=list[Limit])}


def needs_of_actor(books: Books, actor: str) -> Iterable[tuple[str, Any]]:
    """What must be loaded to judge an API key: its row, and what it has paid of late where it has limits."""
    key = books.api_keys.get(actor)
    if key is None or key.limits is None:
        return (("api_keys", actor),)
    return (("api_keys", actor), *(("key_sums", (actor, currency)) for currency in read_limits(key.limits)))


def acting_key(books: Books) -> ApiKey:
    """The key of whoever asks. Raises credentials_invalid, and signature_missing where the ledger wants signatures."""
    key = books.api_keys.find(books.actor)
    if key is None or key.revoked_by is not None:
        raise Unauthenticated("credentials_invalid", "The API key was revoked.")
    if key.valid_until is not None and moment(books.now) >= key.valid_until:
        raise Unauthenticated("credentials_invalid", "The API key has expired.")
    if key.digest is not None and books.settings.request_signatures == "required":
        raise unsigned()
    return key


def unsigned() -> Unauthenticated:
    """The refusal of a write that only a bearer key asks for, in a ledger that wants signatures."""
    detail = "This ledger takes signed writes only: sign the request with a key registered at POST /v1/keys (RFC 9421)."
    return Unauthenticated("signature_missing", detail)


def count_for_key(books: Books, key: ApiKey) -> None:
    """Count what the entry moves against the limits of the key. Raises limit_exceeded, which names the limit."""
    moved: defaultdict[str, int] = defaultdict(int)
    for posting in books.postings:
        if posting.debit.role not in NOT_COUNTED_FROM and posting.credit.role not in NOT_COUNTED_TO:
            moved[posting.debit.currency] += posting.amount
    limits = read_limits(key.limits or "[]")
    for currency, amount in moved.items():
        limit = limits.get(currency)
        if limit is None:
            allowed = ", ".join(limits) or "nothing"
            raise Refused("limit_exceeded", f"The limits of the API key {key.id} do not allow {currency}: {allowed}.")
        if limit.per_payment is not None and amount > limit.per_payment:
            most = format_amount(limit.per_payment, currency)
            raise Refused("limit_exceeded", f"The API key {key.id} may move at most {most} by one request.")
        before = books.key_sums.find((key.id, currency))
        spent = amount + (before.amount if before is not None and before.day == books.today else 0)
        if limit.per_day_sum is not None and spent > limit.per_day_sum:
            most = format_amount(limit.per_day_sum, currency)
            detail = f"The API key {key.id} may move at most {most} a day; the next day begins at midnight, "
            raise Refused("limit_exceeded", f"{detail}{books.settings.time_zone}.")
        row = KeySum(key.id, currency, books.today, min(spent, AMOUNT_MAX))
        books.put(books.key_sums, (key.id, currency), row)
