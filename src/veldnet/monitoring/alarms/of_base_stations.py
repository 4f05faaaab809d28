"""Alarms of base stations in the form of those of devices, cleared ones too."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Select, select

from veldnet.domain.alarm_levels import Level
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import timestamp
from veldnet.inventory.devices import PAGE
from veldnet.store.schema import base_station_alarms
from veldnet.store.schema import base_stations as base_station_rows

from .listing import alarm_ref, number_of

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


class _Stored(NamedTuple):
    """An alarm in the store. Times in Unix milliseconds."""

    ref: int
    base_station: int
    type: int
    state: int
    occurrence: int
    acked: bool
    created_at: int
    updated_at: int
    acked_at: int | None
    ack_author: str | None
    info1: str | None
    info2: str | None
    info3: str | None
    info4: str | None
    info5: str | None


def _own(connection: Connection, operator_ref: int) -> tuple[Select[Any], dict[int, int]]:
    """The alarms of an operator's base stations, and the numbers of these by their ids."""
    columns = base_station_rows.c
    rows = connection.execute(select(columns.id, columns.ref).where(columns.operator_ref == operator_ref))
    refs = {int(row.id, 16): row.ref for row in rows}
    own = base_station_alarms.c.base_station.in_(refs)
    return select(*(base_station_alarms.c[name] for name in _Stored._fields)).where(own), refs


def _shown(row: _Stored, refs: dict[int, int]) -> StationAlarm:
    alarm = StationAlarm(
        ref=alarm_ref(row.created_at, row.ref),
        alarmState=Level(row.state).name,
        occurrence=row.occurrence,
        acked=bool(row.acked),
        creationTime=timestamp(row.created_at),
        lastUpdateTime=timestamp(row.updated_at),
        baseStationRef=str(refs[row.base_station]),
        baseStationId=f"{row.base_station:08X}",
        baseStationAlarmTypeId=row.type,
        lastAckTime=UNSET if row.acked_at is None else timestamp(row.acked_at),
        ackAuthor=UNSET if row.ack_author is None else row.ack_author,
    )
    for number, text in enumerate((row.info1, row.info2, row.info3, row.info4, row.info5), 1):
        if text is not None:
            setattr(alarm, f"additionalInfo{number}", text)
    return alarm


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
    return [_shown(_Stored(*row), refs) for row in connection.execute(query)]


def get_station_alarm(connection: Connection, operator_ref: int, ref: str) -> StationAlarm:
    """One alarm of an operator's base stations. Raises `NotFound`."""
    query, refs = _own(connection, operator_ref)
    row = connection.execute(query.where(base_station_alarms.c.ref == number_of(ref))).first()
    if row is None or alarm_ref(row.created_at, row.ref) != ref.lower():
        raise NotFound("BaseStationAlarm", ref)
    return _shown(_Stored(*row), refs)
