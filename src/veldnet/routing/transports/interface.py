"""What a delivery transport is: something that carries a message to one address and says what came of it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from veldnet.connections import Outcome
from veldnet.routing.ledger import StoredMessage
from veldnet.routing.table import Profile, Route


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver a message over a route; `now` in Unix seconds."""

    message: StoredMessage
    profile: Profile
    route: Route
    delivery_id: int
    now: float


class TransportSettings(msgspec.Struct, frozen=True):
    """Whether addresses may lead to private networks, and how long to wait, in seconds."""

    allow_private: bool
    connect_timeout: float = 5.0
    total_timeout: float = 10.0


class Transport(Protocol):
    """Carries messages to addresses of its schemes."""

    async def deliver(self, address: str, attempt: Attempt, *, keep_answer: bool = False) -> Outcome:
        """Deliver a message to an address; no failure is an exception. `keep_answer` has the whole answer
        kept for somebody to read."""

    async def close(self) -> None: ...


class Sender(Protocol):
    """Carries a message to the addresses of a route."""

    async def send(self, attempt: Attempt) -> Outcome: ...

    async def try_out(self, attempt: Attempt) -> list[Outcome]:
        """Send a message to every address of a route, whatever its strategy, and keep what each answers."""

    async def close(self) -> None: ...
