"""Checks passwords and secrets: one rate limit for failed attempts, one pool for hashing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from veldnet.api.errors import GatewayError
from veldnet.api.front.connections import group_of
from veldnet.api.rate_limit import RateLimiter
from veldnet.asgi import Request

T = TypeVar("T")

# Argon2 takes a thread and 19 MB for tens of milliseconds.
_THREADS = 4
# Checks that wait for their turn; more are refused.
_MOST_WAITING = 64


def origin_of(request: Request) -> str:
    """What limits for an address count by: the address, or its network for IPv6."""
    return group_of(request.client_host, frozenset())


def limit_origin(request: Request, limiter: RateLimiter) -> None:
    """Count a request of somebody without credentials. Raises `GatewayError`."""
    quota = limiter.take(origin_of(request))
    if quota is not None and not quota.allowed:
        raise GatewayError(429, "Too many requests; wait a minute", {"retry-after": "60"})


class SecretChecks:
    """Every check of a password or client secret comes here. Wrong ones count for the name that they were
    given for, and for the address that they came from; right ones do not count."""

    def __init__(self) -> None:
        self.names = RateLimiter(10 / 60, burst=10)
        self.addresses = RateLimiter(1, burst=60)
        self._slots = asyncio.Semaphore(_THREADS)
        self._waiting = 0
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="passwords")

    async def check(
        self, request: Request, name: str, attempt: Callable[[], Awaitable[T | None]]
    ) -> T | None:
        """What `attempt` finds, None for a wrong secret. Raises `GatewayError` where too many were wrong."""
        buckets = ((self.names, name[:254]), (self.addresses, origin_of(request)))
        if self._waiting >= _MOST_WAITING:
            raise GatewayError(429, "Too many sign-ins at once; try again", {"retry-after": "1"})
        self._waiting += 1
        try:
            async with self._slots:
                return await _limited(buckets, attempt)
        finally:
            self._waiting -= 1

    async def hash(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run a slow hash beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


async def _limited(
    buckets: tuple[tuple[RateLimiter, str], ...], attempt: Callable[[], Awaitable[T | None]]
) -> T | None:
    taken: list[tuple[RateLimiter, str]] = []
    for limiter, key in buckets:
        quota = limiter.take(key)
        if quota is not None and not quota.allowed:
            _give_back(taken)
            raise GatewayError(429, "Too many wrong attempts; wait a minute", {"retry-after": "60"})
        taken.append((limiter, key))
    try:
        found = await attempt()
    except BaseException:
        # Nothing was found out.
        _give_back(taken)
        raise
    if found is not None:
        _give_back(taken)
    return found


def _give_back(taken: list[tuple[RateLimiter, str]]) -> None:
    for limiter, key in taken:
        limiter.give_back(key)
