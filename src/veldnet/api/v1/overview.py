"""Overview of a subscriber."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.resources import DeviceHealthStatistics, timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.routing_profiles import count_routing_profiles
from veldnet.monitoring import health
from veldnet.monitoring.alarms import fleet
from veldnet.routing import (
    PENDING,
    UNDELIVERED,
    WaitingDestination,
    Whose,
    count_messages,
    waiting_destinations,
)
from veldnet.texts import Language

_MOST_COUNTED = 10_000


class Waiting(msgspec.Struct):
    """A destination with messages that wait since a delivery failed, or for more than a minute, and what was
    said of them last."""

    routingProfileRef: str
    routingProfileName: str
    customerId: str
    asId: str | None
    waiting: int
    oldestTime: str
    address: str | None
    lastError: str | None
    lastAttemptAt: str | None
    nextAttemptAt: str | None

    @classmethod
    def of(cls, found: WaitingDestination) -> Waiting:
        return cls(
            str(found.routing_profile_ref),
            found.routing_profile_name,
            found.customer_id,
            found.as_id,
            found.waiting,
            timestamp(found.oldest_at),
            found.address,
            found.last_error,
            _moment(found.last_attempt_at),
            _moment(found.next_attempt_at),
        )


def _moment(millis: int | None) -> str | None:
    return None if millis is None else timestamp(millis)


class Deliveries(msgspec.Struct):
    """Messages that are pending, that were set aside as undelivered, and that wait since a delivery failed or
    for more than a minute, also by destination; at most 10,000 are counted."""

    pending: int
    undelivered: int
    waiting: int
    destinations: list[Waiting]


class Overview(msgspec.Struct):
    """How the subscriber's devices and messages are; `alarms` are those that nobody has acknowledged."""

    devices: DeviceHealthStatistics
    alarms: dict[str, int]
    deliveries: Deliveries
    routingProfiles: int
    # Devices whose messages go nowhere.
    withoutRouting: int


@SUBSCRIBER.get("/overview", "getOverview", "Statistics", "How everything is.")
async def get_overview(request: Request, services: Services, scope: Scope) -> Overview:
    now_ms = int(services.platform.clock() * 1000)
    language = language_of(request)
    return await services.read(lambda c: _read(c, scope, now_ms, language))


def _read(connection: Connection, scope: Scope, now_ms: int, language: Language) -> Overview:
    subscriber = scope.subscriber_ref
    waiting = waiting_destinations(
        connection, Whose(subscriber), now_ms, most=_MOST_COUNTED, language=language
    )
    counts = health.counts(connection, subscriber)
    return Overview(
        devices=DeviceHealthStatistics(*counts, sum(counts)),
        alarms=fleet.severities(connection, subscriber),
        deliveries=Deliveries(
            pending=count_messages(connection, subscriber, PENDING, _MOST_COUNTED),
            undelivered=count_messages(connection, subscriber, UNDELIVERED, _MOST_COUNTED),
            waiting=sum(destination.waiting for destination in waiting),
            destinations=[Waiting.of(destination) for destination in waiting],
        ),
        routingProfiles=count_routing_profiles(connection, scope),
        withoutRouting=devices.count_without_routing(connection, scope, _MOST_COUNTED),
    )
