"""Devices found among many, on a map, and changed many at once."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from litestar import Request, get, post, put
from litestar.response import Stream
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api import query
from veldnet.api.auth.bearer import require_scope
from veldnet.api.body import read_resource
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField, MissingField, Refusal
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.inventory import audit, devices
from veldnet.inventory.devices import ALARM_LEVELS, ORDERS, Found, MapCell, Wanted
from veldnet.monitoring.logger.export import safe
from veldnet.monitoring.observed import observed_at

HEALTH_STATES = ("RF_CNX_ERROR", "INIT", "ACTIVE")
MOST_PAGE = 500
MOST_AT_ONCE = 1000


def _wanted(request: Request[Any, Any, Any]) -> Wanted:
    text = query.text(request, "search")
    if text is not None and len(text) > 100:
        raise InvalidField("search may have 100 characters")
    return Wanted(
        text=text,
        health=query.choice(request, "healthState", HEALTH_STATES),
        plan_id=query.text(request, "connectivityPlanId"),
        profile_id=query.text(request, "deviceProfileId"),
        routing_profile_id=query.text(request, "routingProfileId"),
        alarm=query.choice(request, "alarm", tuple(ALARM_LEVELS)),
    )


@get("/devices")
async def search_devices(request: Request[Any, Any, Any], services: Services) -> Found:
    """Devices by part of their name or DevEUI and by filters, in an order, a page at a time."""
    scope = await require_scope(request, services)
    wanted = _wanted(request)
    order = query.choice(request, "sort", ORDERS) or "created"
    page = query.whole(request, "page", least=1, most=1_000_000) or 1
    size = query.whole(request, "pageSize", least=1, most=MOST_PAGE) or 100
    observed = observed_at(services.platform.clock())
    return await services.read(
        lambda c: devices.search_devices(c, scope, wanted, order, page, size, observed)  # type: ignore[arg-type]
    )


def _degrees(request: Request[Any, Any, Any], name: str, most: float, default: float) -> float:
    text = query.text(request, name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -most <= value <= most:
        raise InvalidField(f"{name} {text[:40]!r} must be degrees from {-most:g} to {most:g}")
    return value


@get("/devices/map")
async def map_devices(request: Request[Any, Any, Any], services: Services) -> list[MapCell]:
    """Devices within a box, those that lie close together as one cell; `cell` is its size in degrees."""
    scope = await require_scope(request, services)
    wanted = _wanted(request)
    box = (
        _degrees(request, "south", 90, -90),
        _degrees(request, "west", 180, -180),
        _degrees(request, "north", 90, 90),
        _degrees(request, "east", 180, 180),
    )
    size = max(_degrees(request, "cell", 90, 1), 0.00001)
    return await services.read(lambda c: devices.map_cells(c, scope, wanted, box, size))


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
    "administrativeInfo",
)
_STATISTICS = (
    "healthState",
    "lastUplinkTime",
    "lastDownlinkTime",
    "last24hUplinkCount",
    "averageRSSI",
    "averageSNR",
    "lastSF",
    "lastMeanPER",
    "lastBatteryLevel",
)


@get("/devices/export")
async def export_devices(request: Request[Any, Any, Any], services: Services) -> Stream:
    """The devices found, all of them, as CSV with a header; never a key. Without statistics columns it can be
    imported again once keys are added."""
    scope = await require_scope(request, services)
    wanted = _wanted(request)
    observed = observed_at(services.platform.clock())

    async def rows() -> AsyncIterator[bytes]:
        yield _csv([(*_COLUMNS, *_STATISTICS)])
        after = 0
        while True:
            # Each piece is a query of its own, so that nothing waits for a long one.
            listed = await services.read(
                lambda c, after=after: devices.devices_after(c, scope, wanted, after, MOST_PAGE, observed)  # type: ignore[misc]
            )
            if not listed:
                return
            yield _csv([_export_row(device) for device in listed])
            after = int(str(listed[-1].ref))

    return Stream(
        rows(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="devices.csv"'},
    )


def _export_row(device: Device) -> tuple[str, ...]:
    def text(value: Any) -> str:
        return "" if value is UNSET else safe(str(value))

    return (
        *(text(getattr(device, name)) for name in _COLUMNS),
        *(text(getattr(device.statistics, name)) for name in _STATISTICS),
    )


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


class Location(msgspec.Struct):
    """Degrees; both null take the place away."""

    latitude: float | None = None
    longitude: float | None = None


@put("/devices/{device_ref:str}/location")
async def set_location(device_ref: str, request: Request[Any, Any, Any], services: Services) -> Device:
    """Say where a device is; messages and the map have it at once."""
    scope = await require_scope(request, services)
    body = await read_resource(request, Location, services.settings.max_body)
    if (body.latitude is None) != (body.longitude is None):
        raise MissingField("latitude and longitude go together")
    if body.latitude is not None and not -90 <= body.latitude <= 90:
        raise InvalidField("latitude must be from -90 to 90")
    if body.longitude is not None and not -180 <= body.longitude <= 180:
        raise InvalidField("longitude must be from -180 to 180")
    return await services.change(
        lambda c: devices.set_location(c, scope, device_ref, body.latitude, body.longitude),
        by=scope,
        action="device.location",
        what=f"device {device_ref}",
        details=body,
    )


class BulkChange(msgspec.Struct):
    """What to do with some devices: `update` takes members of `change`, `delete` none."""

    action: Literal["update", "delete"]
    refs: list[str]
    change: Device | UnsetType = UNSET


class BulkFailure(msgspec.Struct):
    """A device that was left as it was, and why."""

    ref: str
    message: str


class BulkResult(msgspec.Struct):
    """How many were done."""

    done: int
    failures: list[BulkFailure]


@post("/devices/bulk", status_code=200)
async def change_many(request: Request[Any, Any, Any], services: Services) -> BulkResult:
    """Change or delete up to 1,000 devices. Each is done by itself, so that one that is refused does not keep
    the others from it."""
    scope = await require_scope(request, services)
    body = await read_resource(request, BulkChange, services.settings.max_body)
    if len(body.refs) > MOST_AT_ONCE:
        raise InvalidField(f"refs holds {len(body.refs)} devices; at most {MOST_AT_ONCE} are changed at once")
    change = body.change
    if body.action == "update" and change is UNSET:
        raise MissingField("change is mandatory for update")
    failures: list[BulkFailure] = []
    done = 0
    for ref in dict.fromkeys(body.refs):
        try:
            await services.write(lambda c, ref=ref: _one(c, scope, ref, change))  # type: ignore[misc]
            done += 1
        except Refusal as error:
            failures.append(BulkFailure(ref, error.message))
    await services.take_up()
    return BulkResult(done, failures)


def _one(connection: Connection, scope: Scope, ref: str, change: Device | UnsetType) -> None:
    if change is UNSET:
        devices.delete_device(connection, scope, ref)
        action = "device.deleted"
    else:
        devices.update_device(connection, scope, ref, change)
        action = "device.changed"
    audit.note(
        connection,
        scope.display_name,
        scope.subscriber_ref,
        action,
        f"device {ref}",
        None if change is UNSET else change,
        scope.operator_ref,
    )


HANDLERS = (search_devices, map_devices, export_devices, set_location, change_many)
