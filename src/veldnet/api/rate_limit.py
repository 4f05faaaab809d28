"""Token buckets that limit requests per second per account."""

from __future__ import annotations

import time
from collections import OrderedDict
from math import ceil

import msgspec

_MAX_ACCOUNTS = 10_000


class Quota(msgspec.Struct, frozen=True):
    """State of an account's quota, as the gateway's headers give it."""

    allowed: bool
    limit: int
    used: int
    reset_at_ms: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "quota-limit": str(self.limit),
            "quota-interval": "1",
            "quota-time-unit": "second",
            "quota-used": str(self.used),
            "quota-reset-UTC": str(self.reset_at_ms),
        }


class RateLimiter:
    """`rate` requests a second with bursts of as many (at least one); 0 is no limit."""

    def __init__(self, rate: float, *, burst: int | None = None) -> None:
        self.rate = rate
        self._burst = burst if burst is not None else max(ceil(rate), 1)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, account: str, now: float | None = None) -> Quota | None:
        """Count a request; None where there is no limit. `now` in seconds of any steady clock."""
        if self.rate <= 0:
            return None
        now = time.monotonic() if now is None else now
        tokens, last = self._buckets.pop(account, (float(self._burst), now))
        tokens = min(tokens + max(now - last, 0.0) * self.rate, self._burst)
        allowed = tokens >= 1
        if allowed:
            tokens -= 1
        self._buckets[account] = (tokens, now)
        while len(self._buckets) > _MAX_ACCOUNTS:
            self._buckets.popitem(last=False)
        missing = self._burst - tokens
        reset_at = time.time() + missing / self.rate
        return Quota(allowed, self._burst, ceil(missing), int(reset_at * 1000))

    def give_back(self, account: str) -> None:
        """Undo a `take` that turned out not to count."""
        found = self._buckets.get(account)
        if found is not None:
            self._buckets[account] = (min(found[0] + 1, self._burst), found[1])
