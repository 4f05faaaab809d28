"""How base stations did over the last weeks: statistics, availability, outages."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import PageNumber, PageSize, Parameter
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.api.v1.monitoring import Slots
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.monitoring import base_station_history as history
from veldnet.monitoring.base_station_history import Availability, OutagePage, StationSlot


class LastDays(msgspec.Struct, frozen=True):
    """The last days, today among them."""

    days: Annotated[int, Parameter("Days, today among them.", least=1, most=history.KEPT_DAYS)] = (
        history.KEPT_DAYS
    )


class Pages(msgspec.Struct, frozen=True):
    """A page of a list."""

    page: PageNumber = 1
    pageSize: PageSize = 100


class StationShare(msgspec.Struct):
    """The share of the last 35 days for which a base station was there."""

    id: str
    connected: float


def _now(services: Services) -> int:
    return round(services.platform.clock() * 1000)


@OPERATOR.get(
    "/baseStations/{stationId}/statistics",
    "stationStatistics",
    "Operator",
    "All statistics of a base station.",
)
async def station_statistics(
    station_id: str, services: Services, operator: OperatorScope, query: Slots
) -> list[StationSlot]:
    """All that is counted of a base station, by slots of hours; what was measured at it goes 35 days back."""
    span, hours = query.span(services), query.aggregationStep

    def read(connection: Connection) -> list[StationSlot]:
        base_stations.own_base_station(connection, operator.operator_ref, station_id)
        return history.station_slots(connection, int(station_id, 16), span, hours)

    return await services.read(read)


@OPERATOR.get(
    "/baseStations/availability", "listAvailability", "Operator", "How long each base station was connected."
)
async def list_availability(services: Services, operator: OperatorScope) -> list[StationShare]:
    """The share of the last 35 days for which each base station was there, as far as this server watched."""

    def read(connection: Connection) -> list[StationShare]:
        found = history.shares(connection)
        return [
            StationShare(station.id, found[int(station.id, 16)])
            for station in base_stations.list_base_stations(connection)
            if station.operator_ref == operator.operator_ref and int(station.id, 16) in found
        ]

    return await services.read(read)


@OPERATOR.get(
    "/baseStations/{stationId}/availability",
    "stationAvailability",
    "Operator",
    "How long a base station was connected, by days.",
)
async def station_availability(
    station_id: str, services: Services, operator: OperatorScope, query: LastDays
) -> Availability:
    """How long a base station was there on each of the last days in UTC. While the server itself did not run
    nothing was watched."""

    def read(connection: Connection) -> Availability:
        base_stations.own_base_station(connection, operator.operator_ref, station_id)
        return history.availability(connection, int(station_id, 16), _now(services), query.days)

    return await services.read(read)


@OPERATOR.get(
    "/baseStations/{stationId}/outages",
    "listStationOutages",
    "Operator",
    "When a base station was away.",
)
async def list_station_outages(
    station_id: str, services: Services, operator: OperatorScope, query: Pages
) -> OutagePage:
    """When a base station was away within the last 35 days, the last time first. It is away when nothing
    comes from it for as long as raises alarm 102, since it was heard last."""

    def read(connection: Connection) -> OutagePage:
        base_stations.own_base_station(connection, operator.operator_ref, station_id)
        return history.list_outages(
            connection, int(station_id, 16), _now(services), query.page, query.pageSize
        )

    return await services.read(read)
