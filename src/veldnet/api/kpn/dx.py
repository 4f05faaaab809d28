"""Devices on the paths of ThingPark's DX API, where some members differ and lists show more of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.api.auth.bearer import legacy
from veldnet.api.body import to_resource
from veldnet.api.conditional import etag_of
from veldnet.api.query import Parameter
from veldnet.api.routers import DX
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.inventory import devices, routing_profiles

from .devices import DeviceFilter, change_device, read_device, read_devices, register
from .dx_applications import route_refs

# The strategy of devices with a routing profile of their own, which KPN's contract leaves out.
_ROUTE = "ROUTE"


class DxDevice(Device):
    """A device as DX shows it, with the routes that its messages take."""

    routeRefs: list[str] | UnsetType = UNSET


_MEMBERS = Device.__struct_fields__


def shown(device: Device, routes: Mapping[str, list[str]]) -> DxDevice:
    """With a strategy wherever messages go somewhere; `routes` are those of routing profiles by their ids."""
    if device.routingProfileId is not UNSET and device.processingStrategyId is UNSET:
        # No value of KPN's enumeration, which requests are checked against.
        setattr(device, "processingStrategyId", _ROUTE)  # noqa: B010
    refs = routes.get(str(device.routingProfileId), [])
    made = DxDevice(*[getattr(device, name) for name in _MEMBERS])
    made.routeRefs = refs
    return made


async def _routes(services: Services, scope: Scope) -> dict[str, list[str]]:
    listed = await services.read(lambda c: routing_profiles.list_routing_profiles(c, scope))
    return {str(each.id): route_refs(each) for each in listed}


def _chosen(refs: Any, routes: Mapping[str, list[str]]) -> str:
    """The routing profile whose routes are named. Raises `InvalidField`."""
    # Clients that read tables send a single route as text.
    named = {str(ref) for ref in refs} if isinstance(refs, list) else {str(refs)}
    for identifier, own in routes.items():
        if named and named == set(own):
            return identifier
    raise InvalidField(
        "routeRefs: a device has all routes of one routing profile, and no others; put routes that belong "
        "together into one, or name it with routingProfileId"
    )


def prepare(
    members: dict[str, Any], routes: Mapping[str, list[str]], now: str | None = None
) -> dict[str, Any]:
    """The members of a request as KPN's API knows them; `now` is the routing profile that the device has.
    Who sends all that it has read changes one of `routeRefs` and `routingProfileId`, and that one counts.
    Raises `InvalidField`."""
    found = {name: value for name, value in members.items() if name != "routeRefs"}
    refs = members.get("routeRefs")
    if refs and refs != routes.get(now or ""):
        chosen, given = _chosen(refs, routes), found.get("routingProfileId")
        if given not in (None, "", now, chosen):
            raise InvalidField("routeRefs are not the routes of routingProfileId; send one of both")
        found["routingProfileId"] = chosen
    if found.get("processingStrategyId") == _ROUTE:
        del found["processingStrategyId"]
    return found


class DeviceView(msgspec.Struct, frozen=True):
    statistics: Annotated[bool, Parameter("Show statistics.")] = True


@DX.get("/devices")
async def list_devices(services: Services, scope: Scope, query: DeviceFilter) -> list[DxDevice]:
    listed = await read_devices(services, scope, query.filter("configuration", statistics=True))
    routes = await _routes(services, scope)
    return [shown(device, routes) for device in listed]


@DX.post("/devices", status=201)
async def create_device(request: Request, services: Services, scope: Scope, body: dict[str, Any]) -> DxDevice:
    """Create a device; HSM groups are not mandatory on these paths."""
    abp = services.settings.legacy_abp and legacy(request)
    routes = await _routes(services, scope)
    made = await register(services, scope, _device(body, routes), hsm_required=False, abp=abp)
    return shown(made, routes)


@DX.get("/devices/{deviceRef}")
async def get_device(
    device_ref: str, services: Services, scope: Scope, query: DeviceView
) -> Response[DxDevice]:
    device = await read_device(services, scope, device_ref)
    etag = etag_of(device)
    if not query.statistics:
        device.statistics = UNSET
    return Response(shown(device, await _routes(services, scope)), headers={"etag": etag})


@DX.put("/devices/{deviceRef}", conditional=True)
async def update_device(
    device_ref: str,
    request: Request,
    services: Services,
    scope: Scope,
    body: dict[str, Any],
) -> DxDevice:
    routes = await _routes(services, scope)
    now = await read_device(services, scope, device_ref)
    device = _device(body, routes, None if now.routingProfileId is UNSET else now.routingProfileId)
    changed = await change_device(device_ref, request, services, scope, device, devices.DX_UPDATABLE)
    return shown(changed, routes)


def _device(members: dict[str, Any], routes: Mapping[str, list[str]], now: str | None = None) -> Device:
    return to_resource(prepare(members, routes, now), Device)
