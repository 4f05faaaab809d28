"""What carries the messages of a connection, and how it says how it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from veldnet.outgoing import Pauses, Resolver
from veldnet.supervision import Supervisor
from veldnet.texts import Text

from .model import Connection, Incoming, Outcome, Outgoing

ACTIVE, ERROR, WAITING = "ACTIVE", "ERROR", "WAITING"


class Condition:
    """How a connection is, since when (Unix milliseconds), and what it has carried since the start.
    `changed` says that somebody should write it down."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.status = WAITING
        self.reason: str | None = None
        self.since = self._now()
        self.delivered = self.failed = self.received = 0
        self.delivered_at: int | None = None
        self.changed = True

    def _now(self) -> int:
        return round(self._clock() * 1000)

    def works(self) -> None:
        self._become(ACTIVE, None)

    def fails(self, reason: str) -> None:
        self._become(ERROR, reason if isinstance(reason, Text) else reason[:500])

    def _become(self, status: str, reason: str | None) -> None:
        if status != self.status:
            self.since = self._now()
        if (status, reason) != (self.status, self.reason):
            self.status, self.reason, self.changed = status, reason, True

    def tried(self, outcome: Outcome) -> None:
        """Count an attempt."""
        self.changed = True
        if outcome.delivered:
            self.delivered += 1
            self.delivered_at = self._now()
        else:
            self.failed += 1

    def took(self) -> None:
        """Count a message that has come."""
        self.received += 1
        self.changed = True


class Surroundings(msgspec.Struct, frozen=True):
    """What transports share. `received` takes what comes over a connection, `ready` is told the number of one
    that has just been made; times in seconds. Of several nodes only the one that `takes` a connection, by its
    number, takes what comes over it; `node` is the name of this one."""

    allow_private: bool
    resolver: Resolver
    supervisor: Supervisor
    clock: Callable[[], float]
    received: Callable[[Incoming], None]
    ready: Callable[[int], None]
    connect_timeout: float = 5.0
    total_timeout: float = 10.0
    pauses: Pauses = Pauses()
    node: str = ""
    takes: Callable[[int], bool] = lambda _ref: True


class ConnectionTransport(Protocol):
    """Carries the messages of one connection, from `start` to `close`."""

    condition: Condition

    def start(self) -> None: ...

    async def deliver(self, message: Outgoing) -> Outcome:
        """Deliver a message; no failure is an exception."""

    async def close(self) -> None: ...


MakeTransport = Callable[[Connection, Surroundings], ConnectionTransport]
