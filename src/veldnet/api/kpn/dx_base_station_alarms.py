"""Alarms of base stations on the paths of ThingPark's DX API."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import PageIndex, Parameter, base_station
from veldnet.api.routers import DX_OPERATOR
from veldnet.api.services import Services
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import changes
from veldnet.lorawan import BaseStationId
from veldnet.monitoring.alarms import of_base_stations
from veldnet.monitoring.alarms.of_base_stations import StationAlarm
from veldnet.monitoring.base_stations import acknowledge_stored


class StationAlarmFilter(msgspec.Struct, frozen=True):
    baseStationId: Annotated[int | None, Parameter("Only of this base station.", read=base_station)] = None
    pageIndex: PageIndex = None


@DX_OPERATOR.get("/baseStationAlarms")
async def list_alarms(
    services: Services, operator: OperatorScope, query: StationAlarmFilter
) -> list[StationAlarm]:
    """Alarms of the operator's base stations, cleared ones too, last updated first."""
    return await services.read(
        lambda c: of_base_stations.list_station_alarms(
            c, operator.operator_ref, query.baseStationId, query.pageIndex
        )
    )


@DX_OPERATOR.get("/baseStationAlarms/{baseStationAlarmRef}")
async def get_alarm(base_station_alarm_ref: str, services: Services, operator: OperatorScope) -> StationAlarm:
    """An alarm of one of the operator's base stations."""
    return await services.read(
        lambda c: of_base_stations.get_station_alarm(c, operator.operator_ref, base_station_alarm_ref)
    )


@DX_OPERATOR.post("/baseStationAlarms/{baseStationAlarmRef}/acks", status=201)
async def acknowledge(base_station_alarm_ref: str, services: Services, operator: OperatorScope) -> None:
    """Note who has seen an alarm; a second acknowledgement changes nothing."""
    now = round(services.platform.clock() * 1000)

    def write(connection: Connection) -> None:
        alarm = of_base_stations.get_station_alarm(connection, operator.operator_ref, base_station_alarm_ref)
        if alarm.acked:
            return
        station = BaseStationId.parse(alarm.baseStationId)
        acknowledge_stored(connection, station, alarm.baseStationAlarmTypeId, now, operator.display_name)
        changes.note(connection, "base_station_alarms", 0)

    await services.change(
        write,
        by=operator,
        action="alarm.acknowledged",
        what=f"alarm {base_station_alarm_ref[:24]}",
    )
