"""Whole fleets of devices, thousands with a statement and past the checks of single ones: for benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, insert, select, update

from veldnet.domain.partitions import partition_of_eui
from veldnet.lorawan import DevEui, JoinEui
from veldnet.store import moment
from veldnet.store.schema import (
    alarms,
    connectivity_plans,
    device_profiles,
    device_states,
    device_tags,
    devices,
    hsm_groups,
    plan_grants,
    subscribers,
)


class FleetReferences(msgspec.Struct, frozen=True):
    """What every device of a fleet belongs to."""

    subscriber: int
    plan: int
    profile: int
    hsm_group: int
    routing_profile: int | None = None


class FleetDevice(NamedTuple):
    """A device of a fleet; `dev_addr` and `state` where it has a session."""

    ref: int
    dev_eui: DevEui
    join_eui: JoinEui
    name: str
    device_class: str
    sealed_app_key: bytes
    place: tuple[float, float] | None = None
    dev_addr: int | None = None
    state: bytes | None = None
    health: int = 0
    monitoring: bytes | None = None
    tag: str = ""
    # The level of an alarm that nobody has acknowledged.
    alarm: int | None = None


def first_references(connection: Connection, routing_profile: int | None = None) -> FleetReferences:
    """The first subscriber, plan, profile and group there are."""

    def first(table: Table) -> int:
        return int(connection.execute(select(table.c.ref).order_by(table.c.ref).limit(1)).scalar_one())

    return FleetReferences(
        subscriber=first(subscribers),
        plan=first(connectivity_plans),
        profile=first(device_profiles),
        hsm_group=first(hsm_groups),
        routing_profile=routing_profile,
    )


def write_fleet(connection: Connection, refs: FleetReferences, fleet: Sequence[FleetDevice]) -> None:
    """Write devices with their states, and count them as granted."""
    now = moment(connection)
    common = {
        "subscriber_ref": refs.subscriber,
        "activation_type": "OTAA",
        "profile_ref": refs.profile,
        "plan_ref": refs.plan,
        "routing_profile_ref": refs.routing_profile,
        "processing_strategy": None if refs.routing_profile else "DATAFLOW",
        "hsm_group_ref": refs.hsm_group,
        "details": "{}",
        "created_at": now,
        "updated_at": now,
        "updated_by": "fleet",
    }
    rows = [
        common
        | {
            "ref": device.ref,
            "dev_eui": str(device.dev_eui),
            "join_eui": str(device.join_eui),
            "name": device.name,
            "device_class": device.device_class,
            "partition": partition_of_eui(device.dev_eui),
            "sealed_app_key": device.sealed_app_key,
            "health": device.health,
            "latitude": device.place[0] if device.place else None,
            "longitude": device.place[1] if device.place else None,
        }
        for device in fleet
    ]
    _insert(connection, devices, rows)
    states = [
        {"device_ref": d.ref, "dev_addr": d.dev_addr, "state": d.state, "monitoring": d.monitoring}
        for d in fleet
    ]
    _insert(connection, device_states, states)
    tags = [{"subscriber_ref": refs.subscriber, "tag": d.tag, "device_ref": d.ref} for d in fleet if d.tag]
    _insert(connection, device_tags, tags)
    raised = [
        {
            "device_ref": device.ref,
            "subscriber_ref": refs.subscriber,
            "type": 4,
            "object": "",
            "state": device.alarm,
            "occurrence": 1,
            "acked": False,
            "created_at": now,
            "updated_at": now,
        }
        for device in fleet
        if device.alarm is not None
    ]
    _insert(connection, alarms, raised)
    used = plan_grants.c.used + len(fleet)
    connection.execute(update(plan_grants).values(used=used, granted=used))


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        # With what it returns, rows are written many in a statement; else PostgreSQL gets one for each.
        connection.execute(insert(table).returning(*table.primary_key), rows).close()
