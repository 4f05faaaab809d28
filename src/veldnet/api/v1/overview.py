"""What a subscriber sees first: how everything is."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get
from sqlalchemy import Connection, func, select

from veldnet.api.auth.bearer import require_scope
from veldnet.api.services import Services
from veldnet.inventory.resources import DeviceHealthStatistics
from veldnet.inventory.scope import Scope
from veldnet.monitoring import health
from veldnet.monitoring.alarms import fleet
from veldnet.store.schema import deliveries, devices, routing_profiles

_MOST_COUNTED = 10_000


class Deliveries(msgspec.Struct):
    """Messages that wait, and that were given up; at most 10,000 are counted."""

    pending: int
    undelivered: int


class Overview(msgspec.Struct):
    """How the subscriber's devices and messages are; `alarms` are those that nobody has acknowledged."""

    devices: DeviceHealthStatistics
    alarms: dict[str, int]
    deliveries: Deliveries
    routingProfiles: int
    # Devices whose messages go nowhere.
    withoutRouting: int


@get("/overview")
async def get_overview(request: Request[Any, Any, Any], services: Services) -> Overview:
    """How everything is."""
    scope = await require_scope(request, services)
    return await services.read(lambda c: _read(c, scope))


def _count(connection: Connection, query: Any) -> int:
    counted = query.limit(_MOST_COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(counted)).scalar_one())


def _read(connection: Connection, scope: Scope) -> Overview:
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
            *(
                _count(connection, select(deliveries.c.id).where(mine, deliveries.c.state == state))
                for state in (0, 1)
            )
        ),
        routingProfiles=int(connection.execute(profiles).scalar_one()),
        withoutRouting=_count(
            connection,
            select(devices.c.ref).where(
                devices.c.subscriber_ref == scope.subscriber_ref, devices.c.routing_profile_ref.is_(None)
            ),
        ),
    )


HANDLERS = (get_overview,)
