"""Every way a request can fail, grouped by what the caller should do next.

    LedgerError
    ├── Malformed         fix the request's form               never uses up its key
    ├── Unauthenticated   say who you are                      never uses up its key
    ├── Forbidden         use a key that may                   never uses up its key
    ├── Invalid           fix the field that is named          never uses up its key
    ├── NotFound          name something that exists           remembered under its key
    ├── Refused           the books say no                     remembered under its key
    ├── Conflict          the thing's state says no            remembered under its key
    ├── TryLater          the same request, the same key       never uses up its key
    └── Internal          ours: report it                      never uses up its key

`remembered` answers come again, word for word, to the same request under the same key. Status codes belong to http.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self


class FieldError(NamedTuple):
    """One field that is wrong: an RFC 6901 pointer into the request, a code and a sentence."""

    pointer: str
    code: str
    detail: str


class LedgerError(Exception):
    """A request that was not done; `detail` tells the caller what to do next."""

    family: ClassVar[str]
    codes: ClassVar[dict[str, str]]
    remembered: ClassVar[bool] = False
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        existing: tuple[str, int] | None = None,
    ) -> None:
        if code not in self.codes:
            raise LookupError(f"{code} is not a code of the family {self.family}")
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.existing = existing

    @classmethod
    def at(cls, pointer: str, code: str, detail: str) -> Self:
        """The same error about one field."""
        return cls(code, detail, [FieldError(pointer, code, detail)])


class Malformed(LedgerError):
    """The request is not of a form that could be read."""

    family = "malformed"
    codes: ClassVar[dict[str, str]] = {
        "malformed_json": "The body is not JSON",
        "duplicate_key": "A key stands twice in one JSON object",
        "idempotency_key_missing": "A write needs an Idempotency-Key",
        "idempotency_key_invalid": "The Idempotency-Key is not 1 to 255 visible ASCII characters",
        "method_not_allowed": "The path does not know this method",
        "body_too_large": "The body is too large",
        "entry_too_large": "The entry would be too large",
        "too_many_items": "The batch has too many items",
        "unsupported_media_type": "The body is not application/json",
        "headers_too_large": "The headers are too large",
    }


class Unauthenticated(LedgerError):
    """Nobody known is asking."""

    family = "unauthenticated"
    codes: ClassVar[dict[str, str]] = {
        "credentials_missing": "The request carries no credentials",
        "credentials_invalid": "The credentials are not valid",
        "signature_missing": "A signature is missing",
        "signature_malformed": "The signature's headers cannot be read",
        "signature_coverage": "The signature does not cover what it must",
        "signature_expired": "The signature has expired",
        "signature_not_yet_valid": "The signature was made in the future",
        "signature_invalid": "The signature does not hold",
        "content_digest_mismatch": "The Content-Digest is not that of the body",
        "key_unknown": "The signature's key is not registered",
        "key_revoked": "The signature's key was revoked or has expired",
    }


class Forbidden(LedgerError):
    """The one who asks may not."""

    family = "forbidden"
    codes: ClassVar[dict[str, str]] = {"scope_missing": "The API key lacks a scope"}


class Invalid(LedgerError):
    """A field's value can never be right."""

    family = "invalid"
    codes: ClassVar[dict[str, str]] = {
        "field_unknown": "A field is not known",
        "field_missing": "A field is missing",
        "field_invalid": "A field's value is not valid",
        "amount_invalid": "An amount is not one that can be taken here",
        "currency_invalid": "A currency is not a live ISO 4217 code that the ledger has enabled",
        "text_invalid": "A text has characters or a length that are not allowed",
        "timestamp_invalid": "A time or date is not valid",
        "cursor_invalid": "The cursor is not one of ours, or belongs to another list",
        "key_invalid": "A public key, or the proof that goes with it, is not valid",
        "intent_required": "The payer's signed intent is missing",
        "intent_invalid": "The payer's intent does not count",
        "intent_mismatch": "The payer's intent says something else than the request",
        "idempotency_key_reused": "The Idempotency-Key belongs to another request",
    }


class NotFound(LedgerError):
    """Something that is named does not exist."""

    family = "not_found"
    codes: ClassVar[dict[str, str]] = {
        "not_found": "There is nothing of that name",
        "party_unknown": "There is no such party",
        "rail_unknown": "There is no such rail",
    }
    remembered = True


class Refused(LedgerError):
    """The books say no."""

    family = "refused"
    codes: ClassVar[dict[str, str]] = {
        "limit_exceeded": "A limit would be exceeded",
        "amount_exceeds_remaining": "More is asked for than is left",
        "insufficient_funds": "The account does not hold enough",
        "currency_mismatch": "The account is kept in another currency",
        "same_party": "Payer and payee are the same party",
        "balance_overflow": "A balance would leave the range of whole numbers that JSON keeps exact",
        "linked_failed": "Another item of the atomic batch failed",
    }
    remembered = True


class Conflict(LedgerError):
    """The state of the thing says no."""

    family = "conflict"
    codes: ClassVar[dict[str, str]] = {
        "already_exists": "It exists already",
        "party_not_open": "The party is frozen or closed",
        "party_not_empty": "The party still has money or something open",
        "hold_not_open": "The hold is closed or has expired",
        "request_not_open": "The payment request is closed or has expired",
        "invoice_not_open": "The invoice is not open for this",
        "refund_not_open": "The refund has ended",
        "payout_not_open": "The payout is not in a state for this",
        "suspense_not_open": "The suspense item is cleared",
        "already_reversed": "It was returned or reversed before",
        "alias_moved": "The alias belongs to another party now",
        "key_in_use": "The public key is registered already",
        "intent_already_used": "The payer's intent was used before",
    }
    remembered = True


class TryLater(LedgerError):
    """Not now: the same request under the same key may go through later, after `retry_after` seconds."""

    retry_after: int = 1

    family = "try_later"
    codes: ClassVar[dict[str, str]] = {
        "rate_limited": "Too many requests in too short a time",
        "overloaded": "Too many requests are waiting",
        "unavailable": "The books cannot be written or read just now",
        "outcome_unknown": "Whether it was done is not known yet",
    }
    retryable = True


class Internal(LedgerError):
    """Our fault."""

    family = "internal"
    codes: ClassVar[dict[str, str]] = {"internal": "Something went wrong on our side"}


FAMILIES: tuple[type[LedgerError], ...] = (
    Malformed,
    Unauthenticated,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Conflict,
    TryLater,
    Internal,
)
FAMILY_OF: dict[str, type[LedgerError]] = {code: family for family in FAMILIES for code in family.codes}
