"""All devices of a plan or a profile moved to another one, before it is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, func, insert, select, update

from veldnet.domain.documents import ProfileSettings, decode_profile
from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.inventory.flows import follow_profile
from veldnet.inventory.routing_profiles import check_destinations
from veldnet.lorawan.regions import REGIONS
from veldnet.store import moment
from veldnet.store.schema import (
    changes,
    connectivity_plans,
    decoder_bindings,
    device_profiles,
    devices,
    plan_grants,
    subscribers,
)
from veldnet.texts import Plural

# Moved in one transaction; for more there is the bulk change of devices by filter.
MOST_MOVED = 10_000
_UNICAST = "UNICAST"


def move_to_plan(connection: Connection, operator_ref: int, plan_ref: int, target_id: str) -> int:
    """Move the devices of a plan to another one, which every subscriber concerned must have room for."""
    target = connection.execute(
        select(connectivity_plans).where(
            connectivity_plans.c.operator_ref == operator_ref, connectivity_plans.c.id == target_id
        )
    ).first()
    if target is None or target.ref == plan_ref:
        raise InvalidField(
            "moveTo {target_id!r} is not the id of another connectivity plan", target_id=target_id[:80]
        )
    if target.suspended:
        raise InvalidField("moveTo {target_id} is suspended; resume it first", target_id=target_id[:80])
    if target.communication_type != _UNICAST:
        raise InvalidField("moveTo {target_id} is a plan of multicast groups", target_id=target_id[:80])
    _check_count(connection, devices.c.plan_ref, plan_ref)
    _take_connections(connection, plan_ref, target.ref, target_id)
    routings = select(devices.c.routing_profile_ref).where(devices.c.plan_ref == plan_ref).distinct()
    for routing in connection.execute(routings).scalars().all():
        check_destinations(connection, target.ref, routing)
    return _move(connection, devices.c.plan_ref, plan_ref, target.ref)


def _counts(connection: Connection, plan_ref: int) -> Sequence[Any]:
    """How many devices each subscriber has on a plan."""
    return connection.execute(
        select(devices.c.subscriber_ref, subscribers.c.customer_id, func.count().label("devices"))
        .join(subscribers, subscribers.c.ref == devices.c.subscriber_ref)
        .where(devices.c.plan_ref == plan_ref)
        .group_by(devices.c.subscriber_ref, subscribers.c.customer_id)
    ).all()


def _take_connections(connection: Connection, plan_ref: int, target_ref: int, target_id: str) -> None:
    for row in _counts(connection, plan_ref):
        taken = connection.execute(
            update(plan_grants)
            .where(
                plan_grants.c.subscriber_ref == row.subscriber_ref,
                plan_grants.c.plan_ref == target_ref,
                plan_grants.c.used + row.devices <= plan_grants.c.granted,
            )
            .values(used=plan_grants.c.used + row.devices)
        )
        if taken.rowcount != 1:
            raise BadRequest(
                Plural(
                    "subscriber {customer_id} has not {count} free connection of {target_id}; grant it first",
                    "subscriber {customer_id} has not {count} free connections of {target_id}; grant them"
                    " first",
                    customer_id=row.customer_id,
                    count=row.devices,
                    target_id=target_id,
                )
            )
        connection.execute(
            update(plan_grants)
            .where(plan_grants.c.subscriber_ref == row.subscriber_ref, plan_grants.c.plan_ref == plan_ref)
            .values(used=plan_grants.c.used - row.devices)
        )


def move_to_profile(connection: Connection, operator_ref: int, profile_ref: int, target_id: str) -> int:
    """Move the devices of a profile to another one of the same LoRaWAN version and region: their sessions and
    channels go on. So does the decoder of each subscriber that has none for that profile; flows
    that choose it follow."""
    rows = connection.execute(
        select(device_profiles).where(
            device_profiles.c.operator_ref == operator_ref,
            (device_profiles.c.ref == profile_ref) | (device_profiles.c.id == target_id),
        )
    ).all()
    target = next((row for row in rows if row.id == target_id and row.ref != profile_ref), None)
    if target is None:
        raise InvalidField(
            "moveTo {target_id!r} is not the id of another device profile", target_id=target_id[:80]
        )
    replaced = next(row for row in rows if row.ref == profile_ref)
    old = decode_profile(replaced.settings)
    if target.suspended or not _alike(old, decode_profile(target.settings)):
        raise InvalidField(
            "moveTo {target_id} must not be suspended, and be for LoRaWAN {version} in "
            "{region} with the same data rates",
            target_id=target_id[:80],
            version=old.loRaWANMacVersion,
            region=old.region,
        )
    _check_count(connection, devices.c.profile_ref, profile_ref)
    bound = decoder_bindings.c
    others = select(bound.subscriber_ref).where(bound.profile_ref == target.ref).scalar_subquery()
    connection.execute(
        update(decoder_bindings)
        .where(bound.profile_ref == profile_ref, bound.subscriber_ref.not_in(others))
        .values(profile_ref=target.ref)
    )
    follow_profile(connection, operator_ref, replaced.id, target.id)
    return _move(connection, devices.c.profile_ref, profile_ref, target.ref)


def plans_to_move_to(connection: Connection, operator_ref: int, plan_ref: int) -> list[tuple[str, str]]:
    """Ids and names of the plans that can take the devices of a plan: of their kind, in service, with free
    connections for each subscriber. They may still have fewer destinations than a routing profile."""
    counts = _counts(connection, plan_ref)
    grants: dict[int, dict[int, int]] = {}
    for held in connection.execute(
        select(
            plan_grants.c.plan_ref, plan_grants.c.subscriber_ref, plan_grants.c.granted, plan_grants.c.used
        )
        .join(connectivity_plans, connectivity_plans.c.ref == plan_grants.c.plan_ref)
        .where(connectivity_plans.c.operator_ref == operator_ref)
    ):
        grants.setdefault(held.plan_ref, {})[held.subscriber_ref] = held.granted - held.used
    plans = connection.execute(
        select(connectivity_plans.c.ref, connectivity_plans.c.id, connectivity_plans.c.name)
        .where(
            connectivity_plans.c.operator_ref == operator_ref,
            connectivity_plans.c.ref != plan_ref,
            connectivity_plans.c.communication_type == _UNICAST,
            connectivity_plans.c.suspended.is_(False),
        )
        .order_by(connectivity_plans.c.name, connectivity_plans.c.id)
    )
    return [
        (plan.id, plan.name)
        for plan in plans
        if all(grants.get(plan.ref, {}).get(row.subscriber_ref, 0) >= row.devices for row in counts)
    ]


def profiles_to_move_to(connection: Connection, operator_ref: int, profile_ref: int) -> list[tuple[str, str]]:
    """Ids and names of the device profiles that can take the devices of a profile."""
    rows = connection.execute(
        select(device_profiles)
        .where(device_profiles.c.operator_ref == operator_ref)
        .order_by(device_profiles.c.name, device_profiles.c.id)
    ).all()
    replaced = next(row for row in rows if row.ref == profile_ref)
    old = decode_profile(replaced.settings)
    return [
        (row.id, row.name)
        for row in rows
        if row.ref != profile_ref and not row.suspended and _alike(old, decode_profile(row.settings))
    ]


def _alike(old: ProfileSettings, new: ProfileSettings) -> bool:
    """Whether sessions and channels of devices go on under the other one."""
    region = REGIONS[old.region]
    return (old.loRaWANMacVersion, old.region) == (new.loRaWANMacVersion, new.region) and (
        region.of_revision(old.regionalParameterVersion) is region.of_revision(new.regionalParameterVersion)
    )


def _check_count(connection: Connection, column: Column[int], ref: int) -> None:
    count = connection.execute(select(func.count()).select_from(devices).where(column == ref)).scalar_one()
    if count > MOST_MOVED:
        raise BadRequest(
            "{count} devices are too many to move at once; at most {most_moved} are",
            count=count,
            most_moved=MOST_MOVED,
        )


def _move(connection: Connection, column: Column[int], ref: int, target: int) -> int:
    moved = connection.execute(select(devices.c.ref).where(column == ref)).scalars().all()
    connection.execute(update(devices).where(column == ref).values({column.name: target}))
    if moved:
        at = moment(connection)
        connection.execute(insert(changes), [{"kind": "device", "ref": one, "at": at} for one in moved])
    return len(moved)
