"""Alarms as the API lists them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, Select, func, select

from veldnet.domain.alarm_levels import Level
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import DeviceAlarm, timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.devices import PAGE
from veldnet.store.schema import (
    alarm_history,
    alarms,
    base_station_alarms,
    devices,
    module_alarms,
    multicast_groups,
    operators,
)
from veldnet.store.schema import base_stations as base_station_rows
from veldnet.texts import unpack

from .rows import StoredDeviceAlarm, alarm_ref, columns_of, number_of
from .types import BASE_STATION_TYPES, DEVICE_TYPES, MODULE_TYPES


def _alarm(alarm: StoredDeviceAlarm) -> DeviceAlarm:
    return DeviceAlarm(
        **alarm.members(),
        deviceRef=str(alarm.device_ref),
        deviceAlarmTypeId=alarm.type,
        deviceAlarmObjectId=alarm.object or UNSET,
    )


def _own(scope: Scope) -> Select[Any]:
    return select(*columns_of(StoredDeviceAlarm)).where(alarms.c.subscriber_ref == scope.subscriber_ref)


def list_alarms(
    connection: Connection, scope: Scope, dev_eui: str | None, page_index: int | None
) -> list[DeviceAlarm]:
    """The subscriber's alarms, cleared ones too, the last updated first; pages hold 100."""
    # ThingPark's interface knows devices alone.
    query = (
        _own(scope).where(alarms.c.device_ref > 0).order_by(alarms.c.updated_at.desc(), alarms.c.ref.desc())
    )
    if dev_eui is not None:
        own = select(devices.c.ref).where(
            devices.c.dev_eui == dev_eui.upper(), devices.c.subscriber_ref == scope.subscriber_ref
        )
        query = query.where(alarms.c.device_ref.in_(own))
    if page_index is not None:
        query = query.limit(PAGE).offset((page_index - 1) * PAGE)
    return [_alarm(StoredDeviceAlarm(*row)) for row in connection.execute(query)]


def count_states(connection: Connection, scope: Scope) -> list[tuple[int, int, int]]:
    """How many alarms of the subscriber's devices are in each state, and how many of these nobody has
    acknowledged."""
    query = (
        select(alarms.c.state, alarms.c.acked, func.count())
        .where(alarms.c.subscriber_ref == scope.subscriber_ref, alarms.c.device_ref > 0)
        .group_by(alarms.c.state, alarms.c.acked)
    )
    found: dict[int, tuple[int, int]] = {}
    for state, acked, count in connection.execute(query):
        before, unacked = found.get(state, (0, 0))
        found[state] = (before + count, unacked + (0 if acked else count))
    return [(state, *found[state]) for state in sorted(found)]


def get_alarm(connection: Connection, scope: Scope, ref: str) -> DeviceAlarm:
    """One alarm of the subscriber. Raises `NotFound`."""
    row = connection.execute(_own(scope).where(alarms.c.ref == number_of(ref))).first()
    if row is None or alarm_ref(row.created_at, row.ref) != ref.lower():
        raise NotFound("DeviceAlarm", ref)
    return _alarm(StoredDeviceAlarm(*row))


class PastAlarm(msgspec.Struct):
    """An alarm that was cleared, as it was just before."""

    alarmState: str
    occurrence: int
    acked: bool
    creationTime: str
    lastUpdateTime: str
    clearanceTime: str
    deviceAlarmTypeId: int
    alarmType: str
    deviceAlarmObjectId: str
    additionalInfos: list[str]


def list_history(connection: Connection, device_ref: int, limit: int) -> list[PastAlarm]:
    """The cleared alarms of a device, the last cleared first."""
    columns = alarm_history.c
    rows = connection.execute(
        select(*columns)
        .where(columns.device_ref == device_ref)
        .order_by(columns.cleared_at.desc(), columns.ref.desc())
        .limit(limit)
    )
    return [
        PastAlarm(
            alarmState=Level(row.state).name,
            occurrence=row.occurrence,
            acked=bool(row.acked),
            creationTime=timestamp(row.created_at),
            lastUpdateTime=timestamp(row.updated_at),
            clearanceTime=timestamp(row.cleared_at),
            deviceAlarmTypeId=row.type,
            alarmType=DEVICE_TYPES[row.type].label,
            deviceAlarmObjectId=row.object,
            additionalInfos=_infos(row.info1, row.info2, row.info3, row.info4, row.info5),
        )
        for row in rows
    ]


def _infos(*infos: str | None) -> list[str]:
    return [unpack(info) for info in infos if info is not None]


class BaseStationAlarm(msgspec.Struct):
    """An alarm of a base station."""

    baseStationId: str
    name: str
    operator: str
    alarmState: str
    alarmTypeId: int
    alarmType: str
    acked: bool
    creationTime: str
    lastUpdateTime: str
    additionalInfos: list[str]


def list_base_station_alarms(connection: Connection, *, cleared: bool) -> list[BaseStationAlarm]:
    """The alarms of all base stations, the last updated first."""
    columns = base_station_alarms.c
    query = select(*columns).order_by(columns.updated_at.desc())
    if not cleared:
        query = query.where(columns.state > int(Level.CLEARED))
    known = connection.execute(
        select(base_station_rows.c.id, base_station_rows.c.name, operators.c.code).join(operators)
    )
    names = {int(row.id, 16): (row.name, row.code) for row in known}
    return [
        BaseStationAlarm(
            f"{row.base_station:08X}",
            *names.get(row.base_station, ("", "")),
            Level(row.state).name,
            row.type,
            BASE_STATION_TYPES[row.type].label,
            bool(row.acked),
            timestamp(row.created_at),
            timestamp(row.updated_at),
            _infos(row.info1, row.info2, row.info3, row.info4, row.info5),
        )
        for row in connection.execute(query)
    ]


class ModuleAlarm(msgspec.Struct):
    """An alarm of a module of a vault."""

    module: str
    alarmState: str
    alarmTypeId: int
    alarmType: str
    creationTime: str
    lastUpdateTime: str
    additionalInfos: list[str]


def list_module_alarms(connection: Connection, *, cleared: bool) -> list[ModuleAlarm]:
    """The alarms of all modules, the last updated first."""
    columns = module_alarms.c
    query = select(*columns).order_by(columns.updated_at.desc())
    if not cleared:
        query = query.where(columns.state > int(Level.CLEARED))
    return [
        ModuleAlarm(
            row.module,
            Level(row.state).name,
            row.type,
            MODULE_TYPES[row.type].label,
            timestamp(row.created_at),
            timestamp(row.updated_at),
            _infos(row.info1, row.info2, row.info3, row.info4, row.info5),
        )
        for row in connection.execute(query)
    ]


class FleetAlarm(msgspec.Struct):
    """An alarm of any device or multicast group, for operators."""

    device_eui: str
    name: str
    state: str
    type: int
    label: str
    occurrence: int
    acked: bool
    updated: str
    infos: list[str]


def list_fleet_alarms(
    connection: Connection, least: Level, limit: int, *, unacknowledged: bool
) -> list[FleetAlarm]:
    """The newest alarms of all devices and groups with at least this severity."""
    query = (
        select(
            *alarms.c,
            func.coalesce(devices.c.dev_eui, multicast_groups.c.dev_eui).label("dev_eui"),
            func.coalesce(devices.c.name, multicast_groups.c.name).label("name"),
        )
        .join(devices, devices.c.ref == alarms.c.device_ref, isouter=True)
        .join(multicast_groups, multicast_groups.c.ref == -alarms.c.device_ref, isouter=True)
        .where(alarms.c.state >= int(least))
        .order_by(alarms.c.updated_at.desc())
        .limit(limit)
    )
    if unacknowledged:
        query = query.where(alarms.c.acked.is_(False))
    return [
        FleetAlarm(
            row.dev_eui,
            row.name,
            Level(row.state).name,
            row.type,
            DEVICE_TYPES[row.type].label,
            row.occurrence,
            bool(row.acked),
            timestamp(row.updated_at),
            _infos(row.info1, row.info2, row.info3, row.info4, row.info5),
        )
        for row in connection.execute(query)
    ]
