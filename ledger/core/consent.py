"""The payer's consent: the intent that goes with whatever a payer does. This is the one place that judges it.

The signature is arithmetic, which is done before the queue (`is_signed` remembers it); whether the key counts, the
intent is in time and the policy asks for it is judged in the lane, after replay: a retry of an accepted request still
gets its answer.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from ledger.core.books import Books
from ledger.core.entries import key_digest
from ledger.core.errors import Conflict, FieldError, Invalid
from ledger.core.intents import RESULT_FIELD, Intent, SignedIntent, Terms, read_intent, verify_intent
from ledger.core.keys import from_base64, to_base64
from ledger.core.party_keys import asks_for_intent
from ledger.core.rows import Party, PublicKey


@lru_cache(maxsize=16_384)
def is_signed(payload: str, key_id: str, signature: str, public_key: bytes) -> Intent | str:
    """The intent that a key signed, or the sentence that says why it is none. The curve's arithmetic is done once."""
    try:
        return verify_intent(SignedIntent(payload, key_id, signature), public_key)
    except ValueError as wrong:
        return str(wrong)


def needs_of_intent(intent: SignedIntent | None) -> Iterable[tuple[str, Any]]:
    """What must be loaded to judge an intent: its key, and what became of the request that it was signed for."""
    if intent is not None:
        yield "public_keys", intent.key_id
        request_key = _request_key(intent.payload)
        if request_key is not None:
            yield "used_keys", request_key


def check_consent(
    books: Books,
    signed: SignedIntent | None,
    operation: str,
    of: str | None,
    payer: Party,
    to: str,
    amount: int,
    currency: str,
) -> dict[str, Any] | None:
    """What the entry's result says of the payer's consent; None where none was given, nor needed.

    `operation` is the kind of the entry, `of` the invoice, hold or payment request that it acts on, or the destination
    of a payout. Raises intent_required, intent_invalid, intent_mismatch and intent_already_used.
    """
    if signed is None:
        if asks_for_intent(payer, amount):
            detail = f"{payer.id} signs such payments: send the `intent` that the payer's device has signed."
            raise Invalid.at("/intent", "intent_required", detail)
        return None
    key, intent = _intent_of(books, signed, payer)
    request_key = key_digest(intent.key)
    is_meant = request_key == books.key
    before = books.used_keys.find(request_key)
    if not is_meant and before is not None:
        detail = f"The intent was used for entry {before}. The payer signs a new one for each payment."
        raise Conflict.at("/intent", "intent_already_used", detail)
    asked = Terms(
        ledger=books.ledger,
        operation=operation,
        of=of,
        key=intent.key if is_meant else "",
        from_=payer.id,
        to=to,
        amount=amount,
        currency=currency,
    )
    fields = intent.differing_fields(asked)
    if fields:
        detail = f"The intent says something else than the request: {', '.join(fields)}."
        errors = [FieldError(f"/intent/{name}", "intent_mismatch", "Not as the request has it.") for name in fields]
        raise Invalid("intent_mismatch", detail, errors)
    books.remember(books.used_keys, request_key, books.number)
    return {RESULT_FIELD: to_base64(key.public_key)}


def _intent_of(books: Books, signed: SignedIntent, payer: Party) -> tuple[PublicKey, Intent]:
    """What the payer has signed, in time and with a key that counts. Raises intent_invalid."""
    key = books.public_keys.find(signed.key_id)
    if key is None or key.purpose != "payer" or key.owner != payer.id:
        raise _invalid(f"{signed.key_id:.64} is no key of {payer.id}.")
    if not key.is_live(books.now):
        raise _invalid(f"The key {key.id} of {payer.id} was revoked, has expired or does not count yet.")
    intent = is_signed(signed.payload, signed.key_id, signed.signature, key.public_key)
    if isinstance(intent, str):
        raise _invalid(intent)
    if intent.has_expired(books.now):
        raise _invalid(f"The intent has expired at {intent.expires_at}.")
    return key, intent


@lru_cache(maxsize=16_384)
def _request_key(payload: str) -> bytes | None:
    try:
        return key_digest(read_intent(from_base64(payload)).key)
    except ValueError:
        return None


def _invalid(detail: str) -> Invalid:
    return Invalid.at("/intent", "intent_invalid", detail)
