"""Rate limits: how many requests a second a key, or an address that nobody knows yet, may send.

Token buckets: each holds `burst` tokens, filled up at `rate` a second; a request takes one. They are this process's
own, and off unless they are set.
"""

import math

from ledger.core.errors import TryLater

BUCKETS_MAX = 100_000
"""So many names are kept in mind; then those whose bucket is full again are forgotten, which changes nothing."""


class Buckets:
    """The buckets of one kind of name. `rate` is in requests a second; a burst is as many at once as come in one."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.burst = max(1.0, rate)
        self._kept: dict[str, tuple[float, float]] = {}

    def take(self, name: str, now: float) -> float:
        """Take a token at a time in seconds: 0, or for how many seconds there is none yet."""
        tokens, at = self._kept.get(name, (self.burst, now))
        tokens = min(self.burst, tokens + max(0.0, now - at) * self.rate)
        if tokens < 1.0:
            return (1.0 - tokens) / self.rate
        if len(self._kept) >= BUCKETS_MAX and name not in self._kept:
            self._forget(now)
        self._kept[name] = (tokens - 1.0, now)
        return 0.0

    def _forget(self, now: float) -> None:
        full = [name for name, (tokens, at) in self._kept.items() if tokens + (now - at) * self.rate >= self.burst]
        for name in full or list(self._kept)[: BUCKETS_MAX // 2]:
            del self._kept[name]


class Rates:
    """The limits of a service; None is none."""

    def __init__(self, per_key: float | None = None, per_address: float | None = None) -> None:
        self._keys = Buckets(per_key) if per_key is not None else None
        self._addresses = Buckets(per_address) if per_address is not None else None

    def check_address(self, address: str, now: float) -> None:
        """Count a request, before it is known who sends it. Raises rate_limited."""
        if self._addresses is not None:
            _refuse(self._addresses.take(address, now), "this address")

    def check_key(self, key_id: str, now: float) -> None:
        """Count a request of a key. Raises rate_limited."""
        if self._keys is not None:
            _refuse(self._keys.take(key_id, now), f"the key {key_id}")


def _refuse(wait: float, who: str) -> None:
    if wait > 0:
        seconds = max(1, math.ceil(wait))
        error = TryLater("rate_limited", f"Too many requests of {who}: wait for {seconds} s. Batches count as one.")
        error.retry_after = seconds
        raise error
