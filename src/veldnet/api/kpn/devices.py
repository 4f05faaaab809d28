"""Devices in KPN's API."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from veldnet.api.auth.bearer import legacy
from veldnet.api.conditional import check_match, etag_of
from veldnet.api.group_vaults import OtherVault
from veldnet.api.query import PageIndex, Parameter, dev_eui
from veldnet.api.routers import KPN
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.domain.resources import Device, HealthState
from veldnet.domain.scope import Scope
from veldnet.inventory import audit, devices
from veldnet.monitoring.observed import observed_at


class DeviceFilter(msgspec.Struct, frozen=True):
    """Which devices, and what of each."""

    deviceEUI: Annotated[str | None, Parameter("Only the device with this DevEUI.", read=dev_eui)] = None
    healthState: Annotated[HealthState | None, Parameter("Only devices in this state.")] = None
    connectivityPlanId: Annotated[
        str | None, Parameter("Only devices with this plan; _NOCP without a plan, _CP with any plan.")
    ] = None
    statistics: Annotated[bool | None, Parameter("Add statistics.")] = None
    commercialDetails: Annotated[bool, Parameter("Add commercial details.")] = False
    extendedInfo: Annotated[bool, Parameter("Show everything.")] = False
    pageIndex: PageIndex = None

    def filter(self, view: devices.View, statistics: bool) -> devices.Filter:
        """`view` and `statistics` are what is shown of each device without flags."""
        return devices.Filter(
            dev_eui=self.deviceEUI,
            health_state=self.healthState,
            connectivity_plan_id=self.connectivityPlanId,
            page_index=self.pageIndex,
            view="configuration" if self.extendedInfo else view,
            statistics=self.extendedInfo or (statistics if self.statistics is None else self.statistics),
            commercial_details=self.extendedInfo or self.commercialDetails,
        )


class JoinServerAccount(msgspec.Struct, frozen=True):
    jsProfile: Annotated[
        str | None, Parameter("Account on a standalone join server; accepted but not used.")
    ] = None
    jsSubscriberRef: Annotated[
        str | None, Parameter("Account on a standalone join server; accepted but not used.")
    ] = None


class Registration(msgspec.Struct, frozen=True):
    deviceToken: Annotated[str | None, Parameter("Registration token; accepted but not used.")] = None
    jsProfile: Annotated[
        str | None, Parameter("Account on a standalone join server; accepted but not used.")
    ] = None
    jsSubscriberRef: Annotated[
        str | None, Parameter("Account on a standalone join server; accepted but not used.")
    ] = None


async def read_devices(services: Services, scope: Scope, wanted: devices.Filter) -> list[Device]:
    observed = observed_at(services.platform.clock())
    return await services.read(lambda c: devices.list_devices(c, scope, wanted, observed))


async def register(
    services: Services, scope: Scope, body: Device, *, hsm_required: bool, abp: bool
) -> Device:
    new = devices.check_new_device(body, hsm_required=hsm_required, abp=abp)

    async def create() -> Device:
        sealed = await services.seal_app_key(scope, new)

        def write(connection: Connection) -> Device:
            sealed.check(connection)
            opens = services.platform.open_personalised
            return devices.create_device(connection, scope, new, sealed.octets, opens)

        return await services.change(write, by=scope, action=audit.CREATED, details=body)

    try:
        return await create()
    except OtherVault:
        return await create()


async def read_device(services: Services, scope: Scope, device_ref: str) -> Device:
    observed = observed_at(services.platform.clock())
    return await services.read(lambda c: devices.get_device(c, scope, device_ref, observed=observed))


@KPN.get("/devices", "Devicesretrieval", "Device", "List devices.")
async def list_devices(services: Services, scope: Scope, query: DeviceFilter) -> list[Device]:
    return await read_devices(services, scope, query.filter("minimal", statistics=False))


@KPN.post("/devices", "Devicecreation", "Device", "Create a device.", status=201)
async def create_device(
    request: Request, services: Services, scope: Scope, query: Registration, body: Device
) -> Device:
    older = legacy(request)
    settings = services.settings
    return await register(
        services,
        scope,
        body,
        hsm_required=settings.hsm_required and not older,
        abp=settings.legacy_abp and older,
    )


@KPN.get("/devices/{deviceRef}", "Deviceretrieval", "Device", "Show a device.")
async def get_device(device_ref: str, services: Services, scope: Scope) -> Response[Device]:
    device = await read_device(services, scope, device_ref)
    return Response(device, headers={"etag": etag_of(device)})


@KPN.put("/devices/{deviceRef}", "Deviceupdate", "Device", "Change a device.", conditional=True)
async def update_device(
    device_ref: str,
    request: Request,
    services: Services,
    scope: Scope,
    query: JoinServerAccount,
    body: Device,
) -> Device:
    return await change_device(device_ref, request, services, scope, body, devices.UPDATABLE)


async def change_device(
    device_ref: str,
    request: Request,
    services: Services,
    scope: Scope,
    body: Device,
    updatable: frozenset[str],
) -> Device:
    """Change members of a device that may change, if it is as the request says."""

    noted: dict[str, Any] = {}

    def change(connection: Connection) -> Device:
        check_match(request, devices.get_device(connection, scope, device_ref), "the device")
        with devices.changes_noted(connection, scope, device_ref, noted):
            return devices.update_device(
                connection, scope, device_ref, body, observed_at(services.platform.clock()), updatable
            )

    return await services.change(change, by=scope, action="device.changed", details=noted)


@KPN.delete("/devices/{deviceRef}", "Devicedeletion", "Device", "Delete a device.")
async def delete_device(device_ref: str, services: Services, scope: Scope) -> None:
    noted: dict[str, str] = {}
    await services.change(
        lambda c: noted.update(devices.delete_device(c, scope, device_ref)),
        by=scope,
        action=audit.DELETED,
        what=f"device {device_ref}",
        details=noted,
    )
