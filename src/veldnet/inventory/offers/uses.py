"""What hangs on a plan, a device profile or an HSM group: shown before it is suspended or deleted, and what
keeps it from being deleted."""

from __future__ import annotations

import msgspec
from sqlalchemy import Column, Connection, func, select

from veldnet.domain.errors import InUse
from veldnet.inventory.flows import count_choosing
from veldnet.store.schema import (
    decoder_bindings,
    device_profiles,
    devices,
    multicast_groups,
    plan_grants,
    routing_profiles,
    subscribers,
)
from veldnet.texts import Plural, Text


class UsedBy(msgspec.Struct):
    """A subscriber with devices."""

    customerId: str
    name: str
    devices: int


class MoveTarget(msgspec.Struct):
    """A plan or profile."""

    id: str
    name: str


class Uses(msgspec.Struct):
    """Devices by subscriber, and how many other things of subscribers refer to it: grants of a plan, decoders
    of a device profile, flows that choose it, keys of routing profiles in an HSM group, multicast groups on a
    plan or with keys of an HSM group. `targets` are the plans or profiles that its devices and flows can move
    to."""

    devices: int
    subscribers: list[UsedBy]
    grants: int = 0
    groups: int = 0
    decoders: int = 0
    routingProfiles: int = 0
    flows: int = 0
    targets: list[MoveTarget] = []


def _devices_of(connection: Connection, column: Column[int], ref: int) -> list[UsedBy]:
    count = func.count().label("devices")
    rows = connection.execute(
        select(subscribers.c.customer_id, subscribers.c.name, count)
        .join(devices, devices.c.subscriber_ref == subscribers.c.ref)
        .where(column == ref)
        .group_by(subscribers.c.ref)
        .order_by(subscribers.c.customer_id)
    )
    return [UsedBy(row.customer_id, row.name, row.devices) for row in rows]


def _uses(found: list[UsedBy]) -> Uses:
    return Uses(sum(one.devices for one in found), found)


def plan_uses(connection: Connection, plan_ref: int) -> Uses:
    uses = _uses(_devices_of(connection, devices.c.plan_ref, plan_ref))
    uses.grants = connection.execute(
        select(func.count()).select_from(plan_grants).where(plan_grants.c.plan_ref == plan_ref)
    ).scalar_one()
    uses.groups = connection.execute(
        select(func.count()).select_from(multicast_groups).where(multicast_groups.c.plan_ref == plan_ref)
    ).scalar_one()
    return uses


def profile_uses(connection: Connection, profile_ref: int) -> Uses:
    uses = _uses(_devices_of(connection, devices.c.profile_ref, profile_ref))
    uses.decoders = connection.execute(
        select(func.count())
        .select_from(decoder_bindings)
        .where(decoder_bindings.c.profile_ref == profile_ref)
    ).scalar_one()
    named = select(device_profiles.c.operator_ref, device_profiles.c.id)
    row = connection.execute(named.where(device_profiles.c.ref == profile_ref)).one()
    uses.flows = count_choosing(connection, row.operator_ref, row.id)
    return uses


def group_uses(connection: Connection, group_ref: int) -> Uses:
    uses = _uses(_devices_of(connection, devices.c.hsm_group_ref, group_ref))
    uses.groups = connection.execute(
        select(func.count())
        .select_from(multicast_groups)
        .where(multicast_groups.c.hsm_group_ref == group_ref)
    ).scalar_one()
    uses.routingProfiles = connection.execute(
        select(func.count())
        .select_from(routing_profiles)
        .where(routing_profiles.c.hsm_group_ref == group_ref)
    ).scalar_one()
    return uses


def refuse_while_used(what: Text, uses: Uses, instead: Text) -> None:
    """Raises `InUse`, which says by whom."""
    if uses.groups:
        raise InUse(
            Plural(
                "{what} is used by {count} multicast group; give it another one first",
                "{what} is used by {count} multicast groups; give them another one first",
                what=what,
                count=uses.groups,
            )
        )
    if uses.devices:
        names = ", ".join(f"{one.customerId}: {one.devices}" for one in uses.subscribers[:5])
        raise InUse(
            Plural(
                "{what} is used by {count} device ({names}); {instead}",
                "{what} is used by {count} devices ({names}); {instead}",
                what=what,
                count=uses.devices,
                names=f"{names}, ..." if len(uses.subscribers) > 5 else names,
                instead=instead,
            )
        )
    if uses.flows:
        raise InUse(
            Plural(
                "{what} is chosen by {count} flow; {instead}",
                "{what} is chosen by {count} flows; {instead}",
                what=what,
                count=uses.flows,
                instead=instead,
            )
        )
