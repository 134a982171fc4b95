"""Rate limits: how many requests a second a key, or an address that nobody knows yet, may send.

Token buckets: each holds `burst` tokens, filled up at `rate` a second; a request takes one. They are this process's
own, and off unless they are set.
"""

import math
from collections import OrderedDict
from ipaddress import IPv6Address

from ledger.core.errors import TryLater

BUCKETS_MAX = 100_000
"""So many names are kept in mind; then whoever was not heard of for longest is forgotten. Where no more than that come
within the time in which a bucket fills up (a second, if the rate is one or more), this changes nothing."""

ROUNDING_SECONDS = 1e-6
"""So much too early is not early: whoever has waited for as long as was said is let in, however that was added up."""


class Buckets:
    """The buckets of one kind of name. `rate` is in requests a second; a burst is as many at once as come in one."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.burst = max(1.0, rate)
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, name: str, now: float) -> float:
        """Take a token at a time in seconds: 0, or for how many seconds there is none yet."""
        full_at = max(now, self._full_at.pop(name, now))
        wait = full_at - now - (self.burst - 1.0) / self.rate
        if wait <= ROUNDING_SECONDS:
            full_at += 1.0 / self.rate
            wait = 0.0
        if len(self._full_at) >= BUCKETS_MAX:
            self._full_at.popitem(last=False)
        # Whoever is refused is heard of too, so that nobody is forgotten, and let in again, for asking often.
        self._full_at[name] = full_at
        return wait


class Rates:
    """The limits of a service; None is none."""

    def __init__(self, per_key: float | None = None, per_address: float | None = None) -> None:
        self._keys = Buckets(per_key) if per_key is not None else None
        self._addresses = Buckets(per_address) if per_address is not None else None

    def check_address(self, address: str, now: float) -> None:
        """Count a request, before it is known who sends it. Raises rate_limited."""
        if self._addresses is not None:
            _refuse(self._addresses.take(_host(address), now), "this address")

    def check_key(self, key_id: str, now: float) -> None:
        """Count a request of a key. Raises rate_limited."""
        if self._keys is not None:
            _refuse(self._keys.take(key_id, now), f"the key {key_id}")


def _host(address: str) -> str:
    """What counts as one address: of IPv6 the first 64 bits, since one host has all the others (RFC 8273). An IPv4
    address is itself, also in the form in which a socket for both shows it."""
    if ":" not in address:
        return address
    parsed = IPv6Address(address)
    return str(parsed.ipv4_mapped or parsed.packed[:8].hex())


def _refuse(wait: float, who: str) -> None:
    if wait > 0:
        seconds = max(1, math.ceil(wait))
        error = TryLater("rate_limited", f"Too many requests of {who}: wait for {seconds} s. Batches count as one.")
        error.retry_after = seconds
        raise error
