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
    "party.freeze": ("party", "party"),
    "party.unfreeze": ("party", "party"),
    "party.close": ("party", "party"),
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
    "hold.increase": ("hold", "hold"),
    "hold.void": ("hold", "hold"),
    "hold.expire": ("hold", "hold"),
    "payment_request.decline": ("payment_request", "payment_request"),
    "payment_request.cancel": ("payment_request", "payment_request"),
    "payment_request.expire": ("payment_request", "payment_request"),
    "split.waive": ("split", "split"),
    "split.cancel": ("split", "split"),
    "invoice.update": ("invoice", "invoice"),
    "invoice.finalize": ("invoice", "invoice"),
    "invoice.void": ("invoice", "invoice"),
    "invoice.uncollectible": ("invoice", "invoice"),
    "settlement.reallocate": ("settlement", "settlement"),
    "suspense.allocate": ("suspense", "suspense"),
    "refund.paid": ("refund", "refund"),
    "refund.failed": ("refund", "refund"),
    "payout.submit": ("payout", "payout"),
    "payout.paid": ("payout", "payout"),
    "payout.failed": ("payout", "payout"),
    "payout.returned": ("payout", "payout"),
}
"""Of the kinds of entries that make nothing with a number of its own: the noun, and the fact that names it."""

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
    """What an entry is about. Every kind of entries stands in one of the tables above."""
    if entry.kind == "ledger.set":
        return Resource("ledger", entry.ledger)
    if entry.kind == "log.accept_loss":
        return Resource("log", msgspec.json.decode(entry.request)["origin"])
    if entry.kind == "api_key.create":
        return Resource("api_key", f"key_{entry.number}")
    if entry.kind in KEYS:
        return Resource(entry.kind.partition(".")[0], msgspec.json.decode(entry.result)["id"])
    if entry.kind in ABOUT:
        noun, fact = ABOUT[entry.kind]
        facts: dict[str, Any] = msgspec.json.decode(entry.request)
        return Resource(noun, facts[fact])
    noun = MAKES[entry.kind]
    return Resource(noun, f"{noun}_{entry.number}")
