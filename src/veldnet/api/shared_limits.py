"""Limits of requests that several nodes count together: each tells the others, some times a second, what it
has let pass. What a message does not reach counts on its own node alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import islice

import msgspec

from veldnet.cluster import Bus

from .rate_limit import RateLimiter

SUBJECT = "limits"
# Seconds in which what passes is told together.
_TELL_AFTER = 0.2
# Accounts in a message; their names have 254 characters at most.
_MOST = 1000

_Passed = tuple[str, dict[str, int]]
_decoder = msgspec.msgpack.Decoder(_Passed)


class SharedLimits:
    """`limiters` by a name that all nodes have for them."""

    def __init__(self, bus: Bus, limiters: Mapping[str, RateLimiter]) -> None:
        self._bus = bus
        self._limiters = limiters
        self._telling = False
        for limiter in limiters.values():
            limiter.share(self._counted)
        bus.on(SUBJECT, self._told)

    def _counted(self) -> None:
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_later(_TELL_AFTER, self._tell)

    def _tell(self) -> None:
        """Tell the others what has passed here since the last time."""
        self._telling = False
        for name, limiter in self._limiters.items():
            accounts = iter(limiter.unannounced().items())
            while part := dict(islice(accounts, _MOST)):
                self._bus.announce(SUBJECT, msgspec.msgpack.encode((name, part)))

    def _told(self, _node: str, payload: bytes) -> None:
        name, passed = _decoder.decode(payload)
        limiter = self._limiters.get(name)
        if limiter is not None:
            for account, count in passed.items():
                limiter.add(account, count)
