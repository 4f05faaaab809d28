"""One attempt to deliver a message, where it still belongs where it is going; and test messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import msgspec

from veldnet.supervision import Supervisor
from veldnet.texts import Text

from .connections import OpenConnections, nowhere
from .delivery_queue import DeliveryQueue, Pending
from .flow import Scheduler
from .ledger import DAMAGED, StoredMessage, address_trial
from .messages import TunnelMessage
from .table import Profile, Profiles, Route
from .transports import Attempt, Outcome, Sender

TASK = "deliveries"


class RouteTrial(msgspec.Struct, frozen=True):
    """What the addresses of a route answered to a test message; `ms` is the time of all of them."""

    route: int
    as_id: str | None
    signed: bool
    outcomes: list[Outcome]
    ms: int


class Ways(NamedTuple):
    """How messages leave: by routes, and over connections where there are any."""

    table: Profiles
    sender: Sender
    open_connections: OpenConnections | None = None


class Attempts:
    """Sends messages by the routes of now. `clock` is Unix seconds."""

    def __init__(
        self,
        ways: Ways,
        scheduler: Scheduler[DeliveryQueue],
        supervisor: Supervisor,
        clock: Callable[[], float],
    ) -> None:
        self._table, self._sender, self._open_connections = ways
        self._scheduler = scheduler
        self._supervisor = supervisor
        self._clock = clock

    async def make(self, queue: DeliveryQueue, pending: Pending) -> Outcome:
        """One attempt, if the message still belongs where it is going."""
        sending = self._sending(pending)
        if isinstance(sending, Outcome):
            return sending
        pending.attempts += 1
        window = self._scheduler.window(queue.destination)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            outcome = await sending()
        except Exception as error:
            # A defect; the message is treated as one that is refused, so that it does not block the others.
            self._supervisor.caught(TASK, error)
            return Outcome(
                False, "Error", Text("internal error: {kind}", kind=type(error).__name__), refusal="message"
            )
        if outcome.delivered or outcome.refusal in ("message", "never"):
            window.answered(loop.time() - started, loop.time())
        else:
            window.failed(loop.time())
        return outcome

    def _sending(self, pending: Pending) -> Callable[[], Awaitable[Outcome]] | Outcome:
        """By which route or connection a message goes now, or why it goes nowhere."""
        message = pending.message
        if pending.orphan:
            return nowhere(Text("the device was deleted"), "deviceDeleted")
        if message is DAMAGED:
            return nowhere(Text("the stored message cannot be read"), "unreadable")
        if message.flow is None:
            found = self._route(pending)
            if isinstance(found, Outcome):
                return found
            return partial(self._sender.send, Attempt(message, *found, pending.id, self._clock()))
        if self._open_connections is None:
            return Outcome(False, "Error", Text("this node has no connections"))
        connection = self._open_connections.way(message, pending.subscriber_ref)
        if isinstance(connection, Outcome):
            return connection
        return partial(self._open_connections.send, message, connection, self._clock(), pending.id)

    def _route(self, pending: Pending) -> tuple[Profile, Route] | Outcome:
        message = pending.message
        profile = self._table.get(message.routing_profile_ref)
        if profile is None or not profile.belongs_to(pending.subscriber_ref):
            return nowhere(Text("the routing profile was deleted"), "profileDeleted")
        route = profile.route_of(message.as_id, message.route_fport)
        if route is None:
            return nowhere(Text("the routing profile has no route for this message any more"), "noRoute")
        return _unreadable(profile, route) or (profile, route)

    async def try_out(
        self, profile: Profile, message: TunnelMessage, next_id: Callable[[float], int]
    ) -> list[RouteTrial]:
        """Send a test message over each route of a profile."""
        now, loop = self._clock(), asyncio.get_running_loop()
        trials = []
        for route in profile.all_routes:
            stored = address_trial(message, profile, route)
            started = loop.time()
            unreadable = _unreadable(profile, route)
            attempt = Attempt(stored, profile, route, next_id(now), now)
            outcomes = [unreadable] if unreadable is not None else await self._sender.try_out(attempt)
            ms = round((loop.time() - started) * 1000)
            trials.append(RouteTrial(route.index, route.as_id, route.signed, outcomes, ms))
        return trials

    async def try_connection(self, message: StoredMessage, subscriber_ref: int, number: int) -> Outcome:
        """Send a test message over a connection, beside its queues."""
        assert self._open_connections is not None
        connection = self._open_connections.way(message, subscriber_ref)
        if isinstance(connection, Outcome):
            return connection
        return await self._open_connections.send(message, connection, self._clock(), number)

    async def close(self) -> None:
        await self._sender.close()
        if self._open_connections is not None:
            await self._open_connections.close()


def _unreadable(profile: Profile, route: Route) -> Outcome | None:
    """Why a message of a route has to wait until that can be read."""
    problem = profile.problem_of(route)
    return None if problem is None else Outcome(False, "Error", problem)
