"""Alarms of base stations in the form of those of devices, cleared ones too."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Select, select

from veldnet.domain.errors import NotFound
from veldnet.inventory.devices import PAGE
from veldnet.store.schema import base_station_alarms
from veldnet.store.schema import base_stations as base_station_rows

from .rows import StoredStationAlarm, alarm_ref, columns_of, number_of

Text = str | UnsetType


class StationAlarm(msgspec.Struct):
    """An alarm of a base station."""

    ref: str
    alarmState: str
    occurrence: int
    acked: bool
    creationTime: str
    lastUpdateTime: str
    baseStationRef: str
    baseStationId: str
    baseStationAlarmTypeId: int
    lastAckTime: Text = UNSET
    ackAuthor: Text = UNSET
    additionalInfo1: Text = UNSET
    additionalInfo2: Text = UNSET
    additionalInfo3: Text = UNSET
    additionalInfo4: Text = UNSET
    additionalInfo5: Text = UNSET


def _own(connection: Connection, operator_ref: int) -> tuple[Select[Any], dict[int, int]]:
    """The alarms of an operator's base stations, and the numbers of these by their ids."""
    columns = base_station_rows.c
    rows = connection.execute(select(columns.id, columns.ref).where(columns.operator_ref == operator_ref))
    refs = {int(row.id, 16): row.ref for row in rows}
    own = base_station_alarms.c.base_station.in_(refs)
    return select(*columns_of(StoredStationAlarm, base_station_alarms)).where(own), refs


def _shown(alarm: StoredStationAlarm, refs: dict[int, int]) -> StationAlarm:
    return StationAlarm(
        **alarm.members(),
        baseStationRef=str(refs[alarm.base_station]),
        baseStationId=f"{alarm.base_station:08X}",
        baseStationAlarmTypeId=alarm.type,
    )


def list_station_alarms(
    connection: Connection, operator_ref: int, station: int | None, page_index: int | None
) -> list[StationAlarm]:
    """The alarms of an operator's base stations, the last updated first; pages hold 100."""
    query, refs = _own(connection, operator_ref)
    columns = base_station_alarms.c
    query = query.order_by(columns.updated_at.desc(), columns.ref.desc())
    if station is not None:
        query = query.where(columns.base_station == station)
    if page_index is not None:
        query = query.limit(PAGE).offset((page_index - 1) * PAGE)
    return [_shown(StoredStationAlarm(*row), refs) for row in connection.execute(query)]


def get_station_alarm(connection: Connection, operator_ref: int, ref: str) -> StationAlarm:
    """One alarm of an operator's base stations. Raises `NotFound`."""
    query, refs = _own(connection, operator_ref)
    row = connection.execute(query.where(base_station_alarms.c.ref == number_of(ref))).first()
    if row is None or alarm_ref(row.created_at, row.ref) != ref.lower():
        raise NotFound("BaseStationAlarm", ref)
    return _shown(StoredStationAlarm(*row), refs)
