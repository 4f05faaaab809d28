"""One attempt to deliver a message, where it still belongs where it is going; and test messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from veldnet.supervision import Supervisor

from .delivery_queue import DeliveryQueue, Pending
from .flow import Scheduler
from .ledger import DAMAGED, address_trial
from .messages import TunnelMessage
from .table import Profile, Route, RoutingTable
from .transports import Attempt, Outcome, Sender

TASK = "deliveries"


class RouteTrial(msgspec.Struct, frozen=True):
    """What the addresses of a route answered to a test message; `ms` is the time of all of them."""

    route: int
    as_id: str | None
    signed: bool
    outcomes: list[Outcome]
    ms: int


class Attempts:
    """Sends messages by the routes of now. `clock` is Unix seconds."""

    def __init__(
        self,
        table: RoutingTable,
        sender: Sender,
        scheduler: Scheduler[DeliveryQueue],
        supervisor: Supervisor,
        clock: Callable[[], float],
    ) -> None:
        self._table = table
        self._sender = sender
        self._scheduler = scheduler
        self._supervisor = supervisor
        self._clock = clock

    async def make(self, queue: DeliveryQueue, pending: Pending) -> Outcome:
        """One attempt, if the message still belongs where it is going."""
        found = self._route(pending)
        if isinstance(found, Outcome):
            return found
        profile, route = found
        pending.attempts += 1
        attempt = Attempt(pending.message, profile, route, pending.id, self._clock())
        window = self._scheduler.window(queue.destination)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            outcome = await self._sender.send(attempt)
        except Exception as error:
            # A defect; the message is treated as one that is refused, so that it does not block the others.
            self._supervisor.caught(TASK, error)
            return Outcome(False, "Error", f"internal error: {type(error).__name__}", refusal="message")
        if outcome.delivered or outcome.refusal in ("message", "never"):
            window.answered(loop.time() - started, loop.time())
        else:
            window.failed(loop.time())
        return outcome

    def _route(self, pending: Pending) -> tuple[Profile, Route] | Outcome:
        """By which route a message goes now, or why it goes nowhere."""
        message = pending.message
        if pending.orphan:
            return _nowhere("the device was deleted", "deviceDeleted")
        if message is DAMAGED:
            return _nowhere("the stored message cannot be read", "unreadable")
        profile = self._table.get(message.routing_profile_ref)
        if profile is None or not profile.belongs_to(pending.subscriber_ref):
            return _nowhere("the routing profile was deleted", "profileDeleted")
        route = profile.route_of(message.as_id, message.route_fport)
        if route is None:
            return _nowhere("the routing profile has no route for this message any more", "noRoute")
        return profile, route

    async def try_out(
        self, profile: Profile, message: TunnelMessage, next_id: Callable[[float], int]
    ) -> list[RouteTrial]:
        """Send a test message over each route of a profile."""
        now, loop = self._clock(), asyncio.get_running_loop()
        trials = []
        for route in profile.all_routes:
            stored = address_trial(message, profile, route)
            started = loop.time()
            outcomes = await self._sender.try_out(Attempt(stored, profile, route, next_id(now), now))
            ms = round((loop.time() - started) * 1000)
            trials.append(RouteTrial(route.index, route.as_id, route.signed, outcomes, ms))
        return trials

    async def close(self) -> None:
        await self._sender.close()


def _nowhere(words: str, reason: str) -> Outcome:
    return Outcome(False, "Error", words, refusal="never", reason=reason)
