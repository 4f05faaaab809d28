"""How many application servers the routing profile of a device may have."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from veldnet.domain.documents import decode_plan
from veldnet.domain.errors import TooManyDestinations
from veldnet.store.schema import connectivity_plans, devices, routes

from .checks import CheckedRoute

# Asked for with each new device: made once.
_SERVERS = select(routes.c.as_id).where(routes.c.routing_profile_ref == bindparam("profile"))
_PLAN = select(connectivity_plans.c.id, connectivity_plans.c.settings).where(
    connectivity_plans.c.ref == bindparam("plan")
)


def destinations(checked: Sequence[CheckedRoute]) -> int:
    """Application servers among routes: routes of one asId are one server."""
    return len({route.as_id for route in checked})


def check_destinations(connection: Connection, plan_ref: int | None, routing_profile_ref: int | None) -> None:
    """A plan limits how many application servers a device may have."""
    if plan_ref is None or routing_profile_ref is None:
        return
    servers = connection.execute(_SERVERS, {"profile": routing_profile_ref}).scalars()
    _check_limit(connection, plan_ref, len(set(servers)))


def _check_limit(connection: Connection, plan_ref: int, count: int) -> None:
    plan = connection.execute(_PLAN, {"plan": plan_ref}).one()
    limit = decode_plan(plan.settings).maxDestinationPerRoute
    if count > limit:
        raise TooManyDestinations(
            "the routing profile has {count} application servers, connectivity plan {id} allows {limit}",
            count=count,
            id=plan.id,
            limit=limit,
        )


def check_destinations_of_devices(
    connection: Connection, routing_profile_ref: int, checked: Sequence[CheckedRoute]
) -> None:
    plans = connection.execute(
        select(devices.c.plan_ref)
        .where(devices.c.routing_profile_ref == routing_profile_ref, devices.c.plan_ref.is_not(None))
        .distinct()
    )
    for (plan_ref,) in plans.all():
        _check_limit(connection, plan_ref, destinations(checked))
