"""What the handlers work with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from veldnet.app import Platform
from veldnet.settings import ApiSettings

from .auth.tokens import TokenCache
from .rate_limit import RateLimiter

T = TypeVar("T")


class Services:
    """The platform as the API uses it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.settings: ApiSettings = platform.settings.api
        self.tokens = TokenCache(platform.store)
        self.requests = RateLimiter(self.settings.rate_limit)
        # Guesses of a password, for each user name.
        self.sign_ins = RateLimiter(10 / 60, burst=10)

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self.platform.store.read(query)

    async def change(self, change: Callable[[Connection], T]) -> T:
        """Carry out a change and let the network take it up before the answer goes out."""
        result = await self.platform.store.write(change)
        await self.platform.apply_changes()
        return result
