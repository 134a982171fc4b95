"""Errors on the wire: RFC 9457 problem details, and the one table from families of errors to status codes."""

from typing import Any

import msgspec

from ledger.core.errors import FAMILIES, FAMILY_OF, LedgerError, TryLater
from ledger.http.replies import REPLAYED, Headers, Reply

PROBLEM_TYPE = b"application/problem+json"

STATUS_OF_FAMILY = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "invalid": 422,
    "not_found": 404,
    "refused": 422,
    "conflict": 409,
    "try_later": 503,
    "internal": 500,
}
STATUS_OF_CODE = {
    "rate_limited": 429,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "entry_too_large": 413,
    "unsupported_media_type": 415,
    "headers_too_large": 431,
}
TITLE_OF = {code: title for family in FAMILIES for code, title in family.codes.items()}


class ErrorDetail(msgspec.Struct):
    """One field that is wrong; `pointer` is an RFC 6901 JSON pointer into the request."""

    pointer: str
    code: str
    detail: str


class Existing(msgspec.Struct):
    """What exists already, in an already_exists."""

    id: str
    entry: int


class ProblemDetails(msgspec.Struct, omit_defaults=True):
    """RFC 9457 problem details. `retryable` means: the same request under the same key; `instance` is the id of the
    request that first got this answer."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool
    errors: list[ErrorDetail]
    existing: Existing | None = None


def status_of(code: str) -> int:
    """The status code that goes with an error's code."""
    return STATUS_OF_CODE.get(code) or STATUS_OF_FAMILY[FAMILY_OF[code].family]


def problem(error: LedgerError, instance: str, base: str) -> ProblemDetails:
    """An error as it is answered; `base` is the service's public URL, under which each code has a page."""
    return ProblemDetails(
        type=f"{base}/problems/{error.code}",
        title=TITLE_OF[error.code],
        status=status_of(error.code),
        detail=error.detail,
        instance=instance,
        code=error.code,
        retryable=error.retryable,
        errors=[ErrorDetail(*field) for field in error.errors],
        existing=Existing(*error.existing) if error.existing is not None else None,
    )


def refusal(error: LedgerError, instance: str, base: str, replayed: bool = False) -> Reply:
    """An error as it goes out, with the headers that go with it."""
    details = problem(error, instance, base)
    headers: Headers = ()
    if replayed:
        headers = REPLAYED
    elif error.code == "method_not_allowed":
        headers = ((b"allow", error.detail.rpartition(": ")[2].rstrip(".").encode()),)
    elif details.status == 401:
        headers = ((b"www-authenticate", b'Bearer realm="chat-ledger"'),)
    elif isinstance(error, TryLater):
        headers = ((b"retry-after", str(error.retry_after).encode()),)
    return Reply(details.status, details, PROBLEM_TYPE, headers)


def as_error(code: str, detail: str, errors: Any = ()) -> LedgerError:
    """The error of a code."""
    return FAMILY_OF[code](code, detail, errors)
