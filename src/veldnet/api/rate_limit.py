"""Token buckets that limit requests per second per account. Several nodes count together: each tells the
others what it has let pass."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
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
        # What is to be announced to other nodes; None where there are none.
        self._unannounced: Counter[str] | None = None
        self._counted: Callable[[], None] = lambda: None

    def take(self, account: str, now: float | None = None) -> Quota | None:
        """Count a request; None where there is no limit. `now` in seconds of any steady clock."""
        if self.rate <= 0:
            return None
        now = time.monotonic() if now is None else now
        tokens = self._left(account, now)
        allowed = tokens >= 1
        if allowed:
            tokens -= 1
            self._note(account, 1)
        self._keep(account, tokens, now)
        missing = self._burst - tokens
        reset_at = time.time() + missing / self.rate
        return Quota(allowed, self._burst, ceil(missing), int(reset_at * 1000))

    def give_back(self, account: str) -> None:
        """Undo a `take` that turned out not to count."""
        found = self._buckets.get(account)
        if found is not None:
            self._buckets[account] = (min(found[0] + 1, self._burst), found[1])
            self._note(account, -1)

    def _left(self, account: str, now: float) -> float:
        tokens, last = self._buckets.pop(account, (float(self._burst), now))
        return min(tokens + max(now - last, 0.0) * self.rate, self._burst)

    def _keep(self, account: str, tokens: float, now: float) -> None:
        self._buckets[account] = (tokens, now)
        while len(self._buckets) > _MAX_ACCOUNTS:
            self._buckets.popitem(last=False)

    # Together with other nodes.

    def share(self, counted: Callable[[], None]) -> None:
        """Note from now on what is to be announced to others; `counted` is called when there is something."""
        if self.rate > 0:
            self._unannounced, self._counted = Counter(), counted

    def _note(self, account: str, number: int) -> None:
        if self._unannounced is not None:
            self._unannounced[account] += number
            self._counted()

    def unannounced(self) -> dict[str, int]:
        """The requests of accounts since the last call."""
        found, self._unannounced = self._unannounced, None if self._unannounced is None else Counter()
        return {account: count for account, count in (found or {}).items() if count}

    def add(self, account: str, count: int, now: float | None = None) -> None:
        """Count requests that another node has let pass, or has given back. An account that was let pass by
        several nodes at once pays for it, but no more than one burst later."""
        if self.rate > 0:
            now = time.monotonic() if now is None else now
            tokens = self._left(account, now) - count
            self._keep(account, min(max(tokens, -float(self._burst)), float(self._burst)), now)
