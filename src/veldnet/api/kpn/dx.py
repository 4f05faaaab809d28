"""Devices on the paths of ThingPark's DX API, where some members differ and lists show more of each."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from msgspec import UNSET

from veldnet.api.auth.bearer import legacy
from veldnet.api.body import to_resource
from veldnet.api.conditional import etag_of
from veldnet.api.query import Parameter
from veldnet.api.routers import DX
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.inventory import devices

from .devices import DeviceFilter, change_device, read_device, read_devices, register

# The strategy of devices with a routing profile of their own, which KPN's contract leaves out.
_ROUTE = "ROUTE"


def shown(device: Device) -> Device:
    """A device as DX shows it: with a strategy wherever messages go somewhere."""
    if device.routingProfileId is not UNSET and device.processingStrategyId is UNSET:
        # No value of KPN's enumeration, which requests are checked against.
        setattr(device, "processingStrategyId", _ROUTE)  # noqa: B010
    return device


def prepare(members: dict[str, Any]) -> dict[str, Any]:
    """The members of a request as KPN's API knows them. Raises `InvalidField`."""
    if members.get("routeRefs"):
        raise InvalidField(
            "routeRefs: single routes cannot be given to a device; put them into a routing profile and "
            "name it with routingProfileId"
        )
    if members.get("processingStrategyId") != _ROUTE:
        return members
    return {name: value for name, value in members.items() if name != "processingStrategyId"}


class DeviceView(msgspec.Struct, frozen=True):
    statistics: Annotated[bool, Parameter("Show statistics.")] = True


@DX.get("/devices")
async def list_devices(services: Services, scope: Scope, query: DeviceFilter) -> list[Device]:
    listed = await read_devices(services, scope, query.filter("configuration", statistics=True))
    return [shown(device) for device in listed]


@DX.post("/devices", status=201)
async def create_device(
    request: Request[Any, Any, Any], services: Services, scope: Scope, body: dict[str, Any]
) -> Device:
    """Create a device; HSM groups are not mandatory on these paths."""
    abp = services.settings.legacy_abp and legacy(request)
    return shown(await register(services, scope, _device(body), hsm_required=False, abp=abp))


@DX.get("/devices/{deviceRef}")
async def get_device(
    device_ref: str, services: Services, scope: Scope, query: DeviceView
) -> Response[Device]:
    device = await read_device(services, scope, device_ref)
    etag = etag_of(device)
    if not query.statistics:
        device.statistics = UNSET
    return Response(shown(device), headers={"etag": etag})


@DX.put("/devices/{deviceRef}", conditional=True)
async def update_device(
    device_ref: str,
    request: Request[Any, Any, Any],
    services: Services,
    scope: Scope,
    body: dict[str, Any],
) -> Device:
    changed = await change_device(device_ref, request, services, scope, _device(body), devices.DX_UPDATABLE)
    return shown(changed)


def _device(members: dict[str, Any]) -> Device:
    return to_resource(prepare(members), Device)
