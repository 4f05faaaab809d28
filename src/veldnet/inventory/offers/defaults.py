"""What an operator offers and to whom, as its own people see it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from veldnet.domain.documents import PlanSettings, ProfileSettings, decode_plan, decode_profile, encode
from veldnet.domain.errors import InvalidField, NotFound
from veldnet.inventory import changes
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import ref_of
from veldnet.store.schema import (
    connectivity_plans,
    device_counts,
    device_profiles,
    devices,
    hsm_groups,
    plan_grants,
    subscribers,
    users,
)

from .catalogues import check_radio


class Subscriber(msgspec.Struct):
    """A customer of the operator."""

    customerId: str
    name: str
    devices: int
    unwell: int
    users: int


class Grant(msgspec.Struct):
    """How many connections of a plan a customer has, and uses."""

    customerId: str
    name: str
    granted: int
    used: int


class Plan(msgspec.Struct):
    """A connectivity plan with its rules."""

    ref: str
    id: str
    name: str
    settings: dict[str, Any]
    grants: list[Grant]


class Profile(msgspec.Struct):
    """A device profile with its settings."""

    ref: str
    id: str
    name: str
    settings: dict[str, Any]
    devices: int


class Group(msgspec.Struct):
    """An HSM group, the vault that keeps its keys, and what is wrong with that, if anything."""

    id: str
    name: str
    vault: str
    devices: int
    problem: str | None = None


def list_subscribers(connection: Connection, operator_ref: int) -> list[Subscriber]:
    people = select(users.c.subscriber_ref, func.count().label("users")).group_by(users.c.subscriber_ref)
    counted = select(
        device_counts.c.subscriber_ref,
        func.sum(device_counts.c.devices).label("devices"),
        func.sum(device_counts.c.devices).filter(device_counts.c.health == 2).label("unwell"),
    ).group_by(device_counts.c.subscriber_ref)
    many, fleet = people.subquery(), counted.subquery()
    rows = connection.execute(
        select(subscribers.c.customer_id, subscribers.c.name, fleet.c.devices, fleet.c.unwell, many.c.users)
        .join(many, many.c.subscriber_ref == subscribers.c.ref, isouter=True)
        .join(fleet, fleet.c.subscriber_ref == subscribers.c.ref, isouter=True)
        .where(subscribers.c.operator_ref == operator_ref)
        .order_by(subscribers.c.customer_id)
    )
    return [
        Subscriber(row.customer_id, row.name, int(row.devices or 0), int(row.unwell or 0), row.users or 0)
        for row in rows
    ]


def own_subscriber(connection: Connection, operator_ref: int, customer_id: str) -> int:
    """The number of a customer of the operator. Raises `NotFound`."""
    ref = connection.execute(
        select(subscribers.c.ref).where(
            subscribers.c.customer_id == customer_id, subscribers.c.operator_ref == operator_ref
        )
    ).scalar()
    if ref is None:
        raise NotFound("Subscriber", customer_id)
    return int(ref)


def list_plans(connection: Connection, operator_ref: int) -> list[Plan]:
    grants: dict[int, list[Grant]] = {}
    for row in connection.execute(
        select(plan_grants, subscribers.c.customer_id, subscribers.c.name)
        .join(subscribers, subscribers.c.ref == plan_grants.c.subscriber_ref)
        .where(subscribers.c.operator_ref == operator_ref)
        .order_by(subscribers.c.customer_id)
    ):
        grants.setdefault(row.plan_ref, []).append(Grant(row.customer_id, row.name, row.granted, row.used))
    rows = connection.execute(
        select(connectivity_plans)
        .where(connectivity_plans.c.operator_ref == operator_ref)
        .order_by(connectivity_plans.c.ref)
    )
    return [
        Plan(
            str(row.ref),
            row.id,
            row.name,
            msgspec.structs.asdict(decode_plan(row.settings)),
            grants.get(row.ref, []),
        )
        for row in rows
    ]


def own_plan(connection: Connection, operator_ref: int, ref: str) -> tuple[int, str]:
    """Number and id of a plan of the operator. Raises `NotFound`."""
    number = ref_of(ref)
    row = connection.execute(
        select(connectivity_plans.c.ref, connectivity_plans.c.id).where(
            connectivity_plans.c.ref == number, connectivity_plans.c.operator_ref == operator_ref
        )
    ).first()
    if row is None:
        raise NotFound("ConnectivityPlan", ref)
    return row.ref, row.id


def list_profiles(connection: Connection, operator_ref: int) -> list[Profile]:
    rows = connection.execute(
        select(device_profiles)
        .where(device_profiles.c.operator_ref == operator_ref)
        .order_by(device_profiles.c.ref)
    ).all()
    used = {
        row.profile_ref: row.devices
        for row in connection.execute(
            select(devices.c.profile_ref, func.count().label("devices"))
            .where(devices.c.profile_ref.in_([row.ref for row in rows]))
            .group_by(devices.c.profile_ref)
        )
    }
    return [
        Profile(
            str(row.ref),
            row.id,
            row.name,
            msgspec.structs.asdict(decode_profile(row.settings)),
            used.get(row.ref, 0),
        )
        for row in rows
    ]


def change_profile(
    connection: Connection, operator_ref: int, ref: str, name: str, settings: ProfileSettings
) -> None:
    """Give a device profile another name and settings; version and region stay, for devices live by them."""
    number = ref_of(ref)
    row = connection.execute(
        select(device_profiles.c.settings).where(
            device_profiles.c.ref == number, device_profiles.c.operator_ref == operator_ref
        )
    ).first()
    if row is None:
        raise NotFound("DeviceProfile", ref)
    before = decode_profile(row.settings)
    for member in ("loRaWANMacVersion", "region"):
        if getattr(before, member) != getattr(settings, member):
            raise InvalidField(f"{member} cannot be changed; create another profile")
    check_radio(settings)
    name = check_name(name, most=100)
    connection.execute(
        update(device_profiles)
        .where(device_profiles.c.ref == number)
        .values(name=name, settings=encode(settings))
    )
    changes.note(connection, "rules", 0)


def list_groups(connection: Connection, operator_ref: int) -> list[Group]:
    rows = connection.execute(
        select(hsm_groups.c.ref, hsm_groups.c.id, hsm_groups.c.name, hsm_groups.c.vault)
        .where(hsm_groups.c.operator_ref == operator_ref)
        .order_by(hsm_groups.c.ref)
    ).all()
    used = {
        row.hsm_group_ref: row.devices
        for row in connection.execute(
            select(devices.c.hsm_group_ref, func.count().label("devices"))
            .where(devices.c.hsm_group_ref.in_([row.ref for row in rows]))
            .group_by(devices.c.hsm_group_ref)
        )
    }
    return [Group(row.id, row.name, row.vault, used.get(row.ref, 0)) for row in rows]


def default_settings(kind: type[PlanSettings] | type[ProfileSettings]) -> dict[str, Any]:
    """What a new plan or profile begins with."""
    return msgspec.structs.asdict(kind())
