"""Base stations on the paths of ThingPark's DX and OSS APIs, by API keys of an operator's users."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import Parameter
from veldnet.api.routers import DX_OPERATOR, OSS_OPERATOR
from veldnet.api.services import Services
from veldnet.api.v1.operator.base_stations import (
    CONNECTED,
    Listed,
    at_seconds,
    last_heard,
    read_listed,
    sights_of,
)
from veldnet.assembly.sights import Sight
from veldnet.domain.errors import BadRequest, InvalidField, MissingField, NotFound
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import BaseStation, StationFacts
from veldnet.lorawan import BaseStationId, GatewayEui, InvalidIdentifier

ConnectionState = Literal["CNX", "DISC", "NEVERCNX"]
HealthState = Literal["ACTIVE", "INIT", "RF_ERROR", "BACKHAUL_CNX_ERROR"]

_PAGE = 100
# ThingPark's alarm of a base station that hears nothing.
_HEARS_NOTHING = 103


class DxStationStatistics(msgspec.Struct, omit_defaults=True):
    """How a base station is."""

    healthState: HealthState
    connectionState: ConnectionState
    lastUplinkTimestamp: str | None = None
    lastContactTimestamp: str | None = None


class DxBaseStation(msgspec.Struct, omit_defaults=True):
    """A base station as DX shows it: `id` is its LRR ID, `uuid` the vendor's number and the EUI."""

    name: str = ""
    ref: str | None = None
    id: str | None = None
    uuid: str | None = None
    baseStationProfileId: str | None = None
    geoLatitude: float | None = None
    geoLongitude: float | None = None
    geoAltitude: float | None = None
    statistics: DxStationStatistics | None = None


class DxProfile(msgspec.Struct):
    """A base station profile in short."""

    ref: str
    id: str
    name: str


class DxStationFilter(msgspec.Struct, frozen=True):
    """Which base stations are listed."""

    baseStationId: Annotated[str | None, Parameter("LRR ID.")] = None
    connectionState: Annotated[ConnectionState | None, Parameter("Only those in this state.")] = None
    healthState: Annotated[HealthState | None, Parameter("Only those of this health.")] = None
    pageIndex: Annotated[int, Parameter("Page of 100, from 1.", least=1)] = 1
    statistics: Annotated[bool, Parameter("Show statistics.")] = True


class OssBriefs(msgspec.Struct):
    """A page of OSS; `now` is the server's clock in Unix milliseconds."""

    briefs: list[DxBaseStation]
    more: bool
    now: int


def _shown(services: Services, station: BaseStation, listed: Listed, seen: Sight | None) -> DxBaseStation:
    profile = listed.profiles.get(station.profile_ref or 0)
    return DxBaseStation(
        station.name,
        str(station.ref),
        station.id,
        f"{station.gateway_eui[:6]}-{station.gateway_eui}",
        None if profile is None else profile.id,
        station.latitude,
        station.longitude,
        station.altitude,
        _statistics(services, station, listed, seen),
    )


def _statistics(
    services: Services, station: BaseStation, listed: Listed, seen: Sight | None
) -> DxStationStatistics:
    platform, last = services.platform, last_heard(seen, station)
    frame = None if seen is None else seen.frame_at
    deaf = any(
        alarm.baseStationId == station.id and int(alarm.alarmTypeId) == _HEARS_NOTHING
        for alarm in listed.alarms
    )
    connection: ConnectionState
    health: HealthState
    if last is None:
        connection, health = "NEVERCNX", "INIT"
    elif platform.clock() - last >= CONNECTED:
        connection, health = "DISC", "BACKHAUL_CNX_ERROR"
    else:
        connection, health = "CNX", "RF_ERROR" if deaf else "ACTIVE"
    return DxStationStatistics(health, connection, at_seconds(frame), at_seconds(last))


def _facts(body: DxBaseStation, station: BaseStation | None = None) -> StationFacts:
    """What DX says; its radio, which DX does not know, stays that of the base station."""
    return StationFacts(
        name=body.name,
        latitude=body.geoLatitude,
        longitude=body.geoLongitude,
        altitude=body.geoAltitude,
        max_tx_power=None if station is None else station.max_tx_power,
        antenna_gain=None if station is None else station.antenna_gain,
        profile_id=body.baseStationProfileId,
    )


def shown_stations(services: Services, listed: Listed) -> list[DxBaseStation]:
    """Base stations as DX shows them, with statistics."""
    sights = sights_of(services, listed.stations)
    return [_shown(services, each, listed, sights.get(each.id)) for each in listed.stations]


async def _list(services: Services, operator: OperatorScope, query: DxStationFilter) -> list[DxBaseStation]:
    listed = await services.read(lambda c: read_listed(c, operator.operator_ref))
    found = []
    for shown in shown_stations(services, listed):
        assert shown.statistics is not None
        if query.baseStationId is not None and shown.id != query.baseStationId.upper():
            continue
        if query.connectionState not in (None, shown.statistics.connectionState):
            continue
        if query.healthState not in (None, shown.statistics.healthState):
            continue
        if not query.statistics:
            shown.statistics = None
        found.append(shown)
    return found


async def _one(services: Services, operator: OperatorScope, ref: str) -> DxBaseStation:
    listed = await services.read(lambda c: read_listed(c, operator.operator_ref))
    station = of_ref(listed.stations, ref)
    return _shown(services, station, listed, sights_of(services, [station]).get(station.id))


def of_ref(stations: list[BaseStation], ref: str) -> BaseStation:
    """The base station with a ref. Raises `NotFound`."""
    station = next((each for each in stations if str(each.ref) == ref), None)
    if station is None:
        raise NotFound("BaseStation", ref)
    return station


@DX_OPERATOR.get("/baseStations")
async def list_base_stations(
    services: Services, operator: OperatorScope, query: DxStationFilter
) -> list[DxBaseStation]:
    """The operator's base stations, a page of them."""
    found = await _list(services, operator, query)
    return found[(query.pageIndex - 1) * _PAGE : query.pageIndex * _PAGE]


@DX_OPERATOR.post("/baseStations", status=201)
async def create_base_station(
    services: Services, operator: OperatorScope, body: DxBaseStation
) -> DxBaseStation:
    """Register a base station by its `uuid`, whose last 16 digits are the EUI that it presents."""
    if not body.uuid:
        raise MissingField("uuid is mandatory: its last 16 digits are the EUI of the base station")
    try:
        eui = GatewayEui.parse(body.uuid[-16:])
        identifier = None if body.id is None else BaseStationId.parse(body.id)
    except InvalidIdentifier as error:
        raise InvalidField("uuid or id: {error}", error=error) from None
    made = await services.change(
        lambda c: base_stations.create_base_station(
            c, operator.operator_ref, eui, _facts(body), base_station_id=identifier
        ),
        by=operator,
        action="baseStation.created",
        what=f"baseStation {eui}",
        details=body,
    )
    services.platform.presence.unknown.pop(eui, None)
    return await _one(services, operator, str(made.ref))


@DX_OPERATOR.get("/baseStations/{baseStationRef}")
async def get_base_station(
    base_station_ref: str, services: Services, operator: OperatorScope
) -> DxBaseStation:
    """A base station of the operator."""
    return await _one(services, operator, base_station_ref)


@DX_OPERATOR.put("/baseStations/{baseStationRef}")
async def change_base_station(
    base_station_ref: str, services: Services, operator: OperatorScope, body: DxBaseStation
) -> DxBaseStation:
    """Give a base station another name, location or profile; its EUI and LRR ID stay."""

    def write(connection: Connection) -> None:
        station = of_ref(read_listed(connection, operator.operator_ref).stations, base_station_ref)
        if body.id not in (None, station.id) or (
            body.uuid and body.uuid[-16:].upper() != station.gateway_eui
        ):
            raise BadRequest("id and uuid of a base station cannot be changed; register another one")
        base_stations.change_base_station(
            connection, operator.operator_ref, station.id, _facts(body, station)
        )

    await services.change(
        write,
        by=operator,
        action="baseStation.changed",
        what=f"baseStation {base_station_ref[:20]}",
        details=body,
    )
    return await _one(services, operator, base_station_ref)


@DX_OPERATOR.delete("/baseStations/{baseStationRef}")
async def remove_base_station(base_station_ref: str, services: Services, operator: OperatorScope) -> None:
    """Remove a base station; its frames are refused from now on."""

    def write(connection: Connection) -> None:
        station = of_ref(read_listed(connection, operator.operator_ref).stations, base_station_ref)
        base_stations.remove_base_station(connection, station.id)

    await services.change(
        write, by=operator, action="baseStation.removed", what=f"baseStation {base_station_ref[:20]}"
    )


@DX_OPERATOR.get("/baseStationProfiles")
async def list_profiles(services: Services, operator: OperatorScope) -> list[DxProfile]:
    """The operator's base station profiles."""
    listed = await services.read(lambda c: base_stations.operator_profiles(c, operator.operator_ref))
    return [DxProfile(each.ref, each.id, each.name) for each in listed]


@OSS_OPERATOR.get("/partners/mine/bss")
async def list_briefs(services: Services, operator: OperatorScope, query: DxStationFilter) -> OssBriefs:
    """The operator's base stations in the form of ThingPark's OSS."""
    found = await _list(services, operator, query)
    end = query.pageIndex * _PAGE
    now = round(services.platform.clock() * 1000)
    return OssBriefs(found[end - _PAGE : end], len(found) > end, now)
