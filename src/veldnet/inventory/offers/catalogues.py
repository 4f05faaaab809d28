"""What an operator offers: connectivity plans, device profiles, HSM groups."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Connection, insert, select, update

from veldnet.domain.documents import PlanSettings, ProfileSettings, encode
from veldnet.domain.errors import BadRequest, InvalidField, UnknownReference
from veldnet.domain.resources import ConnectivityPlan, DeviceProfile, HSMGroup
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref
from veldnet.lorawan.regions import REGIONS
from veldnet.store.schema import connectivity_plans, device_profiles, hsm_groups, operators, plan_grants

_MOST_GRANTED = 100_000_000
_PLAN_ID = re.compile(r"[0-9A-Za-z.\-][0-9A-Za-z._\-]{0,62}/[0-9A-Za-z._\-]{1,63}")


def create_connectivity_plan(
    connection: Connection, operator_ref: int, plan_id: str, name: str, settings: PlanSettings
) -> int:
    """A plan named `<supplier>/<key>`."""
    if not _PLAN_ID.fullmatch(plan_id):
        raise InvalidField(f"connectivity plan id {plan_id[:80]!r} must look like supplier-cs/plan-key")
    name = check_name(name, most=100)
    check_bounds(settings)
    _must_be_new(connection, connectivity_plans, operator_ref, plan_id)
    result = connection.execute(
        insert(connectivity_plans).values(
            operator_ref=operator_ref,
            id=plan_id,
            name=name,
            communication_type="UNICAST",
            settings=encode(settings),
        )
    )
    changes.note(connection, "rules", 0)
    return inserted_ref(result)


def change_connectivity_plan(
    connection: Connection, operator_ref: int, plan_id: str, settings: PlanSettings
) -> None:
    """Give a plan other rules; they take effect at once."""
    check_bounds(settings)
    done = connection.execute(
        update(connectivity_plans)
        .where(connectivity_plans.c.operator_ref == operator_ref, connectivity_plans.c.id == plan_id)
        .values(settings=encode(settings))
    )
    if done.rowcount != 1:
        raise BadRequest(f"there is no connectivity plan {plan_id}")
    changes.note(connection, "rules", 0)


def check_bounds(settings: PlanSettings) -> None:
    """A lower bound may not be above its upper one."""
    for low, high in (("spreadingFactorMin", "spreadingFactorMax"), ("nbTransMin", "nbTransMax")):
        least, most = getattr(settings, low), getattr(settings, high)
        if least is not None and most is not None and least > most:
            raise InvalidField(f"{low} {least} must not be above {high} {most}")


def grant_connectivity_plan(connection: Connection, subscriber_ref: int, plan_ref: int, granted: int) -> None:
    """Let a subscriber use a plan for so many devices, not fewer than use it already."""
    if not 0 <= granted <= _MOST_GRANTED:
        raise InvalidField(f"granted {granted} must be from 0 to {_MOST_GRANTED}")
    used = connection.execute(
        select(plan_grants.c.used).where(
            plan_grants.c.subscriber_ref == subscriber_ref, plan_grants.c.plan_ref == plan_ref
        )
    ).scalar()
    if used is not None and granted < used:
        raise BadRequest(f"{used} connections of this plan are in use; granted must not be less")
    changed = connection.execute(
        update(plan_grants)
        .where(plan_grants.c.subscriber_ref == subscriber_ref, plan_grants.c.plan_ref == plan_ref)
        .values(granted=granted)
    )
    if changed.rowcount == 0:
        connection.execute(
            insert(plan_grants).values(subscriber_ref=subscriber_ref, plan_ref=plan_ref, granted=granted)
        )


def create_device_profile(
    connection: Connection, operator_ref: int, profile_id: str, name: str, settings: ProfileSettings
) -> int:
    """A device model of an operator."""
    check_name(profile_id, what="id", most=100)
    name = check_name(name, most=100)
    check_radio(settings)
    _must_be_new(connection, device_profiles, operator_ref, profile_id)
    result = connection.execute(
        insert(device_profiles).values(
            operator_ref=operator_ref, id=profile_id, name=name, type_mac="LoRaMAC", settings=encode(settings)
        )
    )
    changes.note(connection, "rules", 0)
    return inserted_ref(result)


def check_radio(settings: ProfileSettings) -> None:
    """What a profile says of the radio must exist in its region."""
    region = REGIONS.get(settings.region)
    if region is None:
        raise InvalidField(f"region {settings.region} is not one of {', '.join(REGIONS)}")
    for name, rate in (
        ("rx2DataRate", settings.rx2DataRate),
        ("pingSlotDataRate", settings.pingSlotDataRate),
    ):
        if rate is not None and rate not in region.downlink:
            known = ", ".join(str(index) for index in region.downlink)
            raise InvalidField(f"{name} {rate} is no downlink rate of {region.name}: {known}")
    for name, frequency in (
        ("rx2Frequency", settings.rx2Frequency),
        ("pingSlotFrequency", settings.pingSlotFrequency),
        ("beaconFrequency", settings.beaconFrequency),
    ):
        if frequency is not None and region.sub_band(frequency) is None:
            raise InvalidField(f"{name} {frequency} Hz is outside {region.name}")
    if settings.rx1DROffset > region.max_rx1_dr_offset:
        raise InvalidField(f"rx1DROffset of {region.name} is at most {region.max_rx1_dr_offset}")


def create_hsm_group(connection: Connection, operator_ref: int, name: str, vault: str = "") -> str:
    """An HSM group whose keys a vault of the settings keeps; its id carries the operator's code and a
    number."""
    name = check_name(name, most=100)
    code = connection.execute(select(operators.c.code).where(operators.c.ref == operator_ref)).scalar_one()
    number = len(list_hsm_groups(connection, operator_ref)) + 1
    group_id = f"HSM_{code.upper()}.{number}"
    connection.execute(
        insert(hsm_groups).values(operator_ref=operator_ref, id=group_id, name=name, vault=vault)
    )
    return group_id


def _must_be_new(connection: Connection, table: object, operator_ref: int, identifier: str) -> None:
    columns = table.c  # type: ignore[attr-defined]
    query = select(columns.ref).where(columns.operator_ref == operator_ref, columns.id == identifier)
    if connection.execute(query).first():
        raise BadRequest(f"{identifier} exists already")


def list_connectivity_plans(connection: Connection, scope: Scope) -> list[ConnectivityPlan]:
    """The plans granted to the subscriber, in order of their refs."""
    rows = connection.execute(
        select(
            connectivity_plans.c.id,
            connectivity_plans.c.ref,
            connectivity_plans.c.name,
            plan_grants.c.granted,
            plan_grants.c.used,
            connectivity_plans.c.communication_type,
        )
        .join(plan_grants, plan_grants.c.plan_ref == connectivity_plans.c.ref)
        .where(plan_grants.c.subscriber_ref == scope.subscriber_ref)
        .order_by(connectivity_plans.c.ref)
    )
    return [
        ConnectivityPlan(row.id, str(row.ref), row.name, row.granted, row.used, row.communication_type)
        for row in rows
    ]


def list_device_profiles(connection: Connection, scope: Scope) -> list[DeviceProfile]:
    rows = connection.execute(
        select(device_profiles.c.id, device_profiles.c.name, device_profiles.c.type_mac)
        .where(device_profiles.c.operator_ref == scope.operator_ref)
        .order_by(device_profiles.c.ref)
    )
    return [DeviceProfile(*row) for row in rows]


def list_hsm_groups(connection: Connection, operator_ref: int) -> list[HSMGroup]:
    rows = connection.execute(
        select(hsm_groups.c.id, hsm_groups.c.name)
        .where(hsm_groups.c.operator_ref == operator_ref)
        .order_by(hsm_groups.c.ref)
    )
    return [HSMGroup(*row) for row in rows]


class HsmGroup(msgspec.Struct, frozen=True):
    """An HSM group as the network knows it: its number, and the vault that keeps its keys."""

    ref: int
    vault: str


def find_hsm_group(connection: Connection, operator_ref: int, group_id: str) -> HsmGroup:
    """An HSM group of the operator by its id. Raises `UnknownReference`."""
    query = select(hsm_groups.c.ref, hsm_groups.c.vault).where(
        hsm_groups.c.operator_ref == operator_ref, hsm_groups.c.id == group_id
    )
    row = connection.execute(query).first()
    if row is None:
        raise UnknownReference(f"hsmGroupId {group_id[:80]} is unknown; see GET /hsmGroups")
    return HsmGroup(row.ref, row.vault)
