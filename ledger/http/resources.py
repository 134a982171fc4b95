"""What an entry is about: the thing that it made or changed, by the id under which it is shown."""

from typing import Any

import msgspec

from ledger.books.feed import EntryBody


class Resource(msgspec.Struct):
    """What an entry is about: the thing that it made, or the noun that it changed."""

    type: str
    id: str


SINGLE = ("ledger.set", "log.accept_loss", "api_key.create")
"""Kinds that are about something whose id is made up otherwise than all others'."""

KEYS = ("party_key.register", "party_key.recover", "request_key.register", "log_key.register")
"""Kinds that make a key, which is called by its thumbprint."""

ABOUT = {
    "party.create": ("party", "id"),
    "policy.set": ("party", "party"),
    "fees.set": ("party", "party"),
    "fees.clear": ("party", "party"),
    "limits.set": ("party", "party"),
    "alias.add": ("party", "party"),
    "alias.remove": ("party", "party"),
    "party_key.revoke": ("party_key", "key_id"),
    "request_key.revoke": ("request_key", "key_id"),
    "log_key.revoke": ("log_key", "key_id"),
    "api_key.revoke": ("api_key", "id"),
    "bank.register": ("bank", "id"),
    "rail.register": ("rail", "id"),
    "claim.take": ("transfer", "transfer"),
    "claim.return": ("transfer", "transfer"),
    "suspense.allocate": ("suspense", "suspense"),
}
"""Of other kinds that make nothing with a number of its own: the noun, and the fact of the request that names it. Of
the kinds in no table, which make nothing at all, both are their first part: `hold.void` is about its `hold`."""

MAKES = {
    "deposit": "deposit",
    "deposit.return": "deposit_return",
    "transfer": "transfer",
    "payment_request.create": "payment_request",
    "payment_request.pay": "transfer",
    "split.create": "split",
    "hold.place": "hold",
    "hold.capture": "capture",
    "invoice.create": "invoice",
    "invoice.credit": "credit_note",
    "invoice.settle": "settlement",
    "settlement": "settlement",
    "refund": "refund",
    "suspense.return": "refund",
    "payout.request": "payout",
    "rail.settle": "rail_settle",
    "rail.prefund": "rail_prefund",
    "bank.move": "bank_move",
    "reversal": "reversal",
}
"""Of the kinds of entries that make something with their number in its id: the noun. What is neither shown nor changed
by itself (deposit_return_9) is told by its entry alone."""


def resource(entry: EntryBody) -> Resource:
    """What an entry is about."""
    if entry.kind == "ledger.set":
        return Resource("ledger", entry.ledger)
    if entry.kind == "log.accept_loss":
        return Resource("log", msgspec.json.decode(entry.request)["origin"])
    if entry.kind == "api_key.create":
        return Resource("api_key", f"key_{entry.number}")
    if entry.kind in MAKES:
        return Resource(MAKES[entry.kind], f"{MAKES[entry.kind]}_{entry.number}")
    first = entry.kind.partition(".")[0]
    if entry.kind in KEYS:
        return Resource(first, msgspec.json.decode(entry.result)["id"])
    noun, fact = ABOUT.get(entry.kind, (first, first))
    facts: dict[str, Any] = msgspec.json.decode(entry.request)
    return Resource(noun, facts[fact])
