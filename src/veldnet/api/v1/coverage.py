"""Coverage from real traffic: what base stations hear of devices that have a location, for maps."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import Parameter, base_station
from veldnet.api.routers import SUBSCRIBER, VIEWER
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.lorawan import BaseStationId
from veldnet.monitoring.coverage import (
    Box,
    CoverageCell,
    DeviceStation,
    HeardStation,
    cell_stations,
    coverage_cells,
    heard_by,
    stations_of_device,
)
from veldnet.monitoring.logger import Whose


def _degrees(most: float, value: str, name: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = most + 1
    if not -most <= number <= most:
        raise InvalidField(
            "{name} {value!r} must be degrees from -{most:g} to {most:g}",
            name=name,
            value=value[:40],
            most=most,
        )
    return number


def _size(value: str, name: str) -> float:
    number = _degrees(90.0, value, name)
    if number < 1e-6:
        raise InvalidField("{name} {value!r} must be more than 0", name=name, value=value[:40])
    return number


_Latitude = Annotated[float, Parameter("Degrees north.", type="number", read=partial(_degrees, 90.0))]
_Longitude = Annotated[float, Parameter("Degrees east.", type="number", read=partial(_degrees, 180.0))]


class Area(msgspec.Struct, frozen=True):
    """Which part of the map, in cells of which size."""

    south: _Latitude = -90.0
    west: _Longitude = -180.0
    north: _Latitude = 90.0
    east: _Longitude = 180.0
    cell: Annotated[float, Parameter("Size of cells in degrees.", type="number", read=_size)] = 0.1

    @property
    def box(self) -> Box:
        return Box(self.south, self.west, self.north, self.east)


class CoverageFilter(Area, frozen=True):
    """Which part of the map."""

    baseStationId: Annotated[
        int | None, Parameter("Only of this base station.", type="string", read=base_station)
    ] = None


class Place(msgspec.Struct, frozen=True):
    """A place on the map."""

    latitude: _Latitude = 0.0
    longitude: _Longitude = 0.0


class HeardHere(msgspec.Struct):
    """A base station that hears devices at a place: frames, level in dBm ESP, and when last."""

    id: str
    frames: int
    esp: float
    lastHeard: str


class MapStation(msgspec.Struct):
    """A base station on a map: where it is, as far as known, whether it is connected, and what it heard of
    devices that have a location. Its name and when it was last seen are for operators."""

    id: str
    name: str | None
    latitude: float | None
    longitude: float | None
    connected: bool
    frames: int
    lastHeard: str | None
    lastSeen: str | None


@VIEWER.get("/coverage", "getCoverage", "Map", "What base stations hear, by cells of the map.")
async def get_coverage(services: Services, of: Whose, query: CoverageFilter) -> list[CoverageCell]:
    """Cells of a part of the map with the frames heard there and the level of the best base station, or of
    one. Under heavy traffic they are of a sample."""
    return await services.read(lambda c: coverage_cells(c, of, query.box, query.cell, query.baseStationId))


@VIEWER.get("/coverage/place", "listStationsOfPlace", "Map", "Base stations that hear a place.")
async def list_stations_of_place(services: Services, of: Whose, query: Place) -> list[HeardHere]:
    """The base stations that hear devices in the cell of a hundredth of a degree around a place, the best
    first."""
    found = await services.read(lambda c: cell_stations(c, of, query.latitude, query.longitude))
    return [
        HeardHere(str(BaseStationId(one.base_station)), one.frames, one.esp, one.last_heard) for one in found
    ]


@SUBSCRIBER.get(
    "/devices/{deviceRef}/baseStations", "listDeviceStations", "Map", "Base stations that hear a device."
)
async def list_device_stations(device_ref: str, services: Services, scope: Scope) -> list[DeviceStation]:
    """The base stations that have heard a device within the last 35 days, those that hear most first."""

    def read(connection: Connection) -> list[DeviceStation]:
        return stations_of_device(connection, devices.device_ref(connection, scope, device_ref))

    return await services.read(read)


@VIEWER.get("/coverage/baseStations", "listMapStations", "Map", "Base stations that hear devices.")
async def list_map_stations(services: Services, of: Whose) -> list[MapStation]:
    """The base stations that heard devices with a location; for operators all of theirs."""
    heard = {one.base_station: one for one in await services.read(lambda c: heard_by(c, of))}
    found = []
    for identifier, station in services.platform.base_stations.all():
        own = of.subscriber_ref is None and station.operator_ref == of.operator_ref
        known = heard.get(int(identifier))
        if own or known is not None:
            found.append(_station(services, identifier, station.name if own else None, known))
    return found


def _station(
    services: Services, identifier: BaseStationId, name: str | None, heard: HeardStation | None
) -> MapStation:
    platform = services.platform
    position, seen = platform.base_stations.position(identifier), platform.sights.seen_at(identifier)
    return MapStation(
        id=str(identifier),
        name=name,
        latitude=None if position is None else position.latitude,
        longitude=None if position is None else position.longitude,
        connected=seen is not None and not platform.monitoring.stations.is_down(identifier),
        frames=0 if heard is None else heard.frames,
        lastHeard=None if heard is None else heard.last_heard,
        lastSeen=None if name is None or seen is None else timestamp(round(seen * 1000)),
    )
