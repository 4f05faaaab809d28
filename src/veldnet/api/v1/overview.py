"""Overview of a subscriber."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.resources import DeviceHealthStatistics, timestamp
from veldnet.domain.scope import Scope
from veldnet.monitoring import health
from veldnet.monitoring.alarms import fleet
from veldnet.routing import PENDING, UNDELIVERED, WaitingDestination, waiting_destinations
from veldnet.store.schema import deliveries, devices, routing_profiles

_MOST_COUNTED = 10_000


class Waiting(msgspec.Struct):
    """A destination with messages that have waited for more than a minute, and what was said of them last."""

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
    """Messages that are pending, that were set aside as undelivered, and that have waited for more than a
    minute, also by destination; at most 10,000 are counted."""

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
async def get_overview(services: Services, scope: Scope) -> Overview:
    now_ms = int(services.platform.clock() * 1000)
    return await services.read(lambda c: _read(c, scope, now_ms))


def _count(connection: Connection, query: Any) -> int:
    counted = query.limit(_MOST_COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(counted)).scalar_one())


def _read(connection: Connection, scope: Scope, now_ms: int) -> Overview:
    waiting = waiting_destinations(connection, scope.subscriber_ref, now_ms, most=_MOST_COUNTED)
    counts = health.counts(connection, scope.subscriber_ref)
    profiles = (
        select(func.count())
        .select_from(routing_profiles)
        .where(
            routing_profiles.c.subscriber_ref == scope.subscriber_ref, routing_profiles.c.is_dummy.is_(False)
        )
    )
    mine = deliveries.c.subscriber_ref == scope.subscriber_ref
    return Overview(
        devices=DeviceHealthStatistics(*counts, sum(counts)),
        alarms=fleet.severities(connection, scope.subscriber_ref),
        deliveries=Deliveries(
            pending=_count(connection, select(deliveries.c.id).where(mine, deliveries.c.state == PENDING)),
            undelivered=_count(
                connection, select(deliveries.c.id).where(mine, deliveries.c.state == UNDELIVERED)
            ),
            waiting=sum(destination.waiting for destination in waiting),
            destinations=[Waiting.of(destination) for destination in waiting],
        ),
        routingProfiles=int(connection.execute(profiles).scalar_one()),
        withoutRouting=_count(
            connection,
            select(devices.c.ref).where(
                devices.c.subscriber_ref == scope.subscriber_ref, devices.c.routing_profile_ref.is_(None)
            ),
        ),
    )
