"""What a request is answered with."""

from typing import Any, NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]
REPLAYED: Headers = ((b"idempotency-replayed", b"true"),)


class Reply(NamedTuple):
    """A status and a value to encode as JSON, or bytes that go out as they are."""

    status: int
    value: Any
    media_type: bytes = b"application/json"
    headers: Headers = ()
