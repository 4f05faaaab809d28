"""Device search, map and export, and changes of one device."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api.query import PageNumber, PageSize, Parameter
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Stream
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.resources import Device, HealthState, VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import devices
from veldnet.inventory.devices import AlarmLevel, Found, FoundCell, MapCell, Order, Paging, Wanted
from veldnet.monitoring.observed import observed_at, standing

MOST_PAGE = 500


def _part(text: str, name: str) -> str:
    if len(text) > 100:
        raise InvalidField("{name} may have 100 characters", name=name)
    return text


class DeviceFilter(msgspec.Struct, frozen=True):
    """Which devices."""

    search: Annotated[str | None, Parameter("Part of a name or DevEUI.", read=_part)] = None
    healthState: Annotated[HealthState | None, Parameter("Only devices in this state.")] = None
    connectivityPlanId: Annotated[str | None, Parameter("Only devices of this plan.")] = None
    deviceProfileId: Annotated[str | None, Parameter("Only devices of this profile.")] = None
    routingProfileId: Annotated[str | None, Parameter("Only devices of this routing profile.")] = None
    tag: Annotated[str | None, Parameter("Only devices with this tag.", read=_part)] = None
    alarm: Annotated[
        AlarmLevel | None,
        Parameter("Only devices with an unacknowledged alarm of this severity or higher."),
    ] = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            text=self.search,
            health=self.healthState,
            plan_id=self.connectivityPlanId,
            profile_id=self.deviceProfileId,
            routing_profile_id=self.routingProfileId,
            tag=self.tag,
            alarm=self.alarm,
        )


class DeviceSearch(DeviceFilter, frozen=True):
    """Which devices, in which order, and which page of them."""

    sort: Annotated[
        Order,
        Parameter(
            "Order; - turns it round. Devices that were never heard come last by lastUplink and meanPER."
        ),
    ] = "created"
    page: PageNumber = 1
    pageSize: PageSize = 100


def _degrees(most: float) -> Parameter:
    def read(text: str, name: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not -most <= value <= most:
            raise InvalidField(
                "{name} {text!r} must be degrees from {least:g} to {most:g}",
                name=name,
                text=text[:40],
                least=-most,
                most=most,
            )
        return value

    return Parameter("Degrees.", read=read)


class MapFilter(DeviceFilter, frozen=True):
    """Which devices within which box."""

    south: Annotated[float, _degrees(90)] = -90.0
    west: Annotated[float, _degrees(180)] = -180.0
    north: Annotated[float, _degrees(90)] = 90.0
    east: Annotated[float, _degrees(180)] = 180.0
    cell: Annotated[float, msgspec.structs.replace(_degrees(90), text="Grid size of groups in degrees.")] = (
        1.0
    )


@SUBSCRIBER.get("/devices", "searchDevices", "Device", "Search devices, paginated.")
async def search_devices(services: Services, scope: Scope, query: DeviceSearch) -> Found:
    """Devices by part of their name or DevEUI and by filters, in an order, a page at a time."""
    observed = observed_at(services.platform.clock())
    return await services.read(
        lambda c: devices.search_devices(
            c, scope, query.wanted, Paging(query.sort, query.page, query.pageSize), observed, standing
        )
    )


@SUBSCRIBER.get("/devices/tags", "listTags", "Device", "Tags of the devices.")
async def list_tags(services: Services, scope: Scope) -> list[str]:
    """The tags that devices have, at most 500, in their order."""
    return await services.read(lambda c: devices.known_tags(c, scope))


@SUBSCRIBER.get("/devices/map", "mapDevices", "Device", "Devices within a bounding box, grouped when close.")
async def map_devices(services: Services, scope: Scope, query: MapFilter) -> list[MapCell]:
    """Devices within a box, those that lie close together as one cell; `cell` is its size in degrees."""
    box = (query.south, query.west, query.north, query.east)
    size = max(query.cell, 0.00001)
    return await services.read(lambda c: devices.map_cells(c, scope, query.wanted, box, size))


@SUBSCRIBER.get(
    "/devices/map/locations",
    "mapLocations",
    "Device",
    "Devices where the network has located them last, within a bounding box, grouped when close.",
)
async def map_locations(services: Services, scope: Scope, query: MapFilter) -> list[FoundCell]:
    """As mapDevices, of the last positions that the network has found. One that is alone in its cell has the
    time of its last position and its radius."""
    box = (query.south, query.west, query.north, query.east)
    size = max(query.cell, 0.00001)
    return await services.read(lambda c: devices.found_cells(c, scope, query.wanted, box, size))


_COLUMNS = (
    "name",
    "EUI",
    "networkAddress",
    "activationType",
    "deviceClass",
    "deviceProfileId",
    "connectivityPlanId",
    "routingProfileId",
    "applicationEUI",
    "hsmGroupId",
    "geoLatitude",
    "geoLongitude",
    *devices.EXPORTED_FIELDS,
)


@SUBSCRIBER.get(
    "/devices/export", "exportDevices", "Device", "Export the matching devices as CSV.", media="text/csv"
)
async def export_devices(services: Services, scope: Scope, query: DeviceFilter) -> Stream:
    """The devices found, all of them, as CSV with a header; never a key. Without statistics columns it can be
    imported again once keys are added."""
    wanted = query.wanted
    observed = observed_at(services.platform.clock())

    async def rows() -> AsyncIterator[bytes]:
        yield csv_text([(*_COLUMNS, *devices.OBSERVED_COLUMNS)]).encode()
        after = 0
        while True:
            # Each piece is a query of its own, so that nothing waits for a long one.
            listed = await services.read(
                partial(
                    devices.devices_after,
                    scope=scope,
                    wanted=wanted,
                    after=after,
                    limit=MOST_PAGE,
                    observed=observed,
                )
            )
            if not listed:
                return
            yield csv_text(map(_export_row, listed)).encode()
            after = int(str(listed[-1].ref))

    return Stream(
        rows(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="devices.csv"'},
    )


def _export_row(device: VeldnetDevice) -> tuple[str, ...]:
    def text(value: Any) -> str:
        if isinstance(value, list):
            value = ";".join(value)
        return "" if value is UNSET else str(value)

    return (
        *(text(getattr(device, name)) for name in _COLUMNS),
        *(text(getattr(device.statistics, name)) for name in devices.OBSERVED_COLUMNS),
    )


@SUBSCRIBER.get("/devices/{deviceRef}", "getVeldnetDevice", "Device", "Show a device with its tags.")
async def get_device(device_ref: str, services: Services, scope: Scope) -> VeldnetDevice:
    """A device with the members that KPN's API does not have."""
    observed = observed_at(services.platform.clock())
    return await services.read(lambda c: devices.get_veldnet_device(c, scope, device_ref, observed))


@SUBSCRIBER.put("/devices/{deviceRef}", "changeVeldnetDevice", "Device", "Change a device or its tags.")
async def change_device(
    device_ref: str, services: Services, scope: Scope, body: VeldnetDevice
) -> VeldnetDevice:
    """Change the members that are given; those that cannot change must be as they are."""
    observed = observed_at(services.platform.clock())
    noted: dict[str, Any] = {}

    def change(connection: Connection) -> VeldnetDevice:
        with devices.changes_noted(connection, scope, device_ref, noted):
            return devices.update_device(connection, scope, device_ref, body, observed, devices.OWN_UPDATABLE)

    return await services.change(change, by=scope, action="device.changed", details=noted)


class Location(msgspec.Struct):
    """Degrees; both null take the place away."""

    latitude: float | None = None
    longitude: float | None = None


@SUBSCRIBER.put("/devices/{deviceRef}/location", "setLocation", "Device", "Say where a device is.")
async def set_location(device_ref: str, services: Services, scope: Scope, body: Location) -> Device:
    """Say where a device is; messages and the map have it at once."""
    if (body.latitude is None) != (body.longitude is None):
        raise MissingField("latitude and longitude go together")
    if body.latitude is not None and not -90 <= body.latitude <= 90:
        raise InvalidField("latitude must be from -90 to 90")
    if body.longitude is not None and not -180 <= body.longitude <= 180:
        raise InvalidField("longitude must be from -180 to 180")
    noted: dict[str, Any] = {}

    def change(connection: Connection) -> Device:
        with devices.changes_noted(connection, scope, device_ref, noted):
            return devices.set_location(connection, scope, device_ref, body.latitude, body.longitude)

    return await services.change(
        change, by=scope, action="device.location", what=f"device {device_ref}", details=noted
    )
