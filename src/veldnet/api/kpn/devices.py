"""Devices, as KPN's API offers them; DX paths show more of each in a list."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api import query
from veldnet.api.auth.bearer import legacy, require_scope
from veldnet.api.body import read_resource
from veldnet.api.conditional import check_match, etag_of
from veldnet.api.services import Services
from veldnet.domain.resources import Device
from veldnet.inventory import devices
from veldnet.monitoring.observed import observed_at

from . import dx

HEALTH_STATES = ("RF_CNX_ERROR", "INIT", "ACTIVE")


def _as_it_is(device: Device) -> Device:
    return device


def handlers(view: devices.View) -> list[HTTPRouteHandler]:
    """The operations on devices; `view` is what a list shows of each without flags: little on KPN's paths,
    the configuration on those of DX, whose members differ in some points."""
    is_dx = view == "configuration"
    shown = dx.shown if is_dx else _as_it_is
    prepare = dx.prepare if is_dx else None

    @get("/devices")
    async def list_devices(request: Request[Any, Any, Any], services: Services) -> list[Device]:
        scope = await require_scope(request, services)
        extended = query.flag(request, "extendedInfo")
        dev_eui = query.text(request, "deviceEUI")
        wanted = devices.Filter(
            dev_eui=None if dev_eui is None else dev_eui.replace("-", "").replace(":", ""),
            health_state=query.choice(request, "healthState", HEALTH_STATES),
            connectivity_plan_id=query.text(request, "connectivityPlanId"),
            page_index=query.whole(request, "pageIndex", least=1),
            view="configuration" if extended else view,
            statistics=query.flag(request, "statistics", default=is_dx) or extended,
            commercial_details=query.flag(request, "commercialDetails") or extended,
        )
        listed = await services.read(
            lambda c: devices.list_devices(c, scope, wanted, observed_at(services.platform.clock()))
        )
        return [shown(device) for device in listed]

    @post("/devices", status_code=201)
    async def create_device(request: Request[Any, Any, Any], services: Services) -> Device:
        scope = await require_scope(request, services)
        body = await read_resource(request, Device, services.settings.max_body, prepare)
        hsm_required = services.settings.hsm_required and not is_dx and not legacy(request)
        abp = services.settings.legacy_abp and legacy(request)
        new = devices.check_new_device(body, hsm_required=hsm_required, abp=abp)
        sealed = await services.seal_app_key(scope, new)
        created = await services.change(
            lambda c: devices.create_device(c, scope, new, sealed, services.platform.open_personalised),
            by=scope,
            action="device.created",
            details=body,
        )
        return shown(created)

    @get("/devices/{device_ref:str}")
    async def get_device(
        device_ref: str, request: Request[Any, Any, Any], services: Services
    ) -> Response[Device]:
        scope = await require_scope(request, services)
        device = await services.read(
            lambda c: devices.get_device(
                c, scope, device_ref, observed=observed_at(services.platform.clock())
            )
        )
        etag = etag_of(device)
        if is_dx and not query.flag(request, "statistics", default=True):
            device.statistics = UNSET
        return Response(shown(device), headers={"etag": etag})

    @put("/devices/{device_ref:str}")
    async def update_device(device_ref: str, request: Request[Any, Any, Any], services: Services) -> Device:
        scope = await require_scope(request, services)
        body = await read_resource(request, Device, services.settings.max_body, prepare)

        def change(connection: Connection) -> Device:
            check_match(request, devices.get_device(connection, scope, device_ref), "the device")
            updatable = devices.DX_UPDATABLE if is_dx else devices.UPDATABLE
            return devices.update_device(
                connection, scope, device_ref, body, observed_at(services.platform.clock()), updatable
            )

        changed = await services.change(
            change,
            by=scope,
            action="device.changed",
            details=body,
        )
        return shown(changed)

    @delete("/devices/{device_ref:str}")
    async def delete_device(device_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
        scope = await require_scope(request, services)
        await services.change(
            lambda c: devices.delete_device(c, scope, device_ref),
            by=scope,
            action="device.deleted",
            what=f"device {device_ref}",
        )

    return [list_devices, create_device, get_device, update_device, delete_device]
