"""Devices in shadow: another network still answers them, and this one listens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, delete, func, select, update

from veldnet.domain.devices import SHADOW
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, leftovers
from veldnet.inventory.routing_profiles import check_destinations
from veldnet.store import moment
from veldnet.store.schema import device_states, devices

from .assignment import choose_routing, release_connection

_BATCH = 500


class Shadow(NamedTuple):
    """A device in shadow, and what has been heard of it."""

    ref: int
    dev_eui: str
    plan_ref: int | None
    state: bytes | None
    join_memory: bytes | None


def find_shadows(
    connection: Connection,
    scope: Scope,
    dev_euis: Sequence[str] | None = None,
    most: int = 1000,
    after: int = 0,
) -> list[Shadow]:
    """The subscriber's devices in shadow, or those of them that are named, in the order of their refs."""
    query = (
        select(
            devices.c.ref,
            devices.c.dev_eui,
            devices.c.plan_ref,
            device_states.c.state,
            device_states.c.join_memory,
        )
        .join(device_states, device_states.c.device_ref == devices.c.ref)
        .where(
            devices.c.subscriber_ref == scope.subscriber_ref,
            devices.c.processing_strategy == SHADOW,
            devices.c.ref > after,
        )
        .order_by(devices.c.ref)
        .limit(most)
    )
    if dev_euis is not None:
        query = query.where(devices.c.dev_eui.in_(dev_euis))
    return [Shadow(*row) for row in connection.execute(query)]


def in_shadow(connection: Connection, scope: Scope, dev_euis: Sequence[str]) -> int:
    """How many of the subscriber's devices that are named are in shadow."""
    found = 0
    for start in range(0, len(dev_euis), _BATCH):
        query = select(func.count()).where(
            devices.c.subscriber_ref == scope.subscriber_ref,
            devices.c.processing_strategy == SHADOW,
            devices.c.dev_eui.in_(dev_euis[start : start + _BATCH]),
        )
        found += connection.execute(query).scalar_one()
    return found


def end_shadows(
    connection: Connection,
    scope: Scope,
    shadows: Sequence[Shadow],
    routing_profile_id: str | UnsetType = UNSET,
) -> None:
    """Serve devices from now on; their messages go by a routing profile, or by flows. Raises `Refusal`."""
    routing_ref, strategy = choose_routing(connection, scope, routing_profile_id, UNSET)
    for plan_ref in {shadow.plan_ref for shadow in shadows}:
        check_destinations(connection, plan_ref, routing_ref)
    refs = [shadow.ref for shadow in shadows]
    connection.execute(
        update(devices)
        .where(devices.c.ref.in_(refs), devices.c.processing_strategy == SHADOW)
        .values(
            routing_profile_ref=routing_ref,
            processing_strategy=strategy,
            updated_at=moment(connection),
            updated_by=scope.display_name,
        )
    )
    changes.note_all(connection, "device", refs)


def drop_shadows(connection: Connection, scope: Scope, shadows: Sequence[Shadow]) -> None:
    """Remove devices that are still in shadow; those that were cut over meanwhile stay."""
    still = select(devices.c.ref, devices.c.plan_ref).where(
        devices.c.ref.in_([shadow.ref for shadow in shadows]),
        devices.c.subscriber_ref == scope.subscriber_ref,
        devices.c.processing_strategy == SHADOW,
    )
    found = connection.execute(still).all()
    refs = [row.ref for row in found]
    if not refs:
        return
    for plan_ref, count in Counter(row.plan_ref for row in found).items():
        release_connection(connection, scope.subscriber_ref, plan_ref, count)
    connection.execute(delete(devices).where(devices.c.ref.in_(refs)))
    leftovers.of_devices(connection, refs)
    changes.note_all(connection, "device", refs)
