"""Devices on the paths of ThingPark's OSS. A device is named by its `uid` or by `e` and its DevEUI."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api.body import to_resource
from veldnet.api.kpn.devices import change_device, delete_device, register
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest, InvalidField, MissingField, NoFreeConnection
from veldnet.domain.resources import AlarmStatistics, Device, HealthState, VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import devices, offers, routing_profiles
from veldnet.monitoring.observed import observed_at

from .shapes import MINE, href, known, millis, now_ms, oss_names

PATH = f"{MINE}/devices"
ONE = f"{PATH}/{{deviceRef}}"
# In place of a plan or a routing profile that a device is to lose.
_TAKEN_AWAY = "reset"
# What stands behind the id of a routing profile in that of its application server.
AS_SUFFIX = ".AS"


class Named(msgspec.Struct, omit_defaults=True):
    """A resource that a device refers to."""

    ID: str | None = None
    name: str | None = None
    commercialName: str | None = None
    href: str | None = None


class OssDevice(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A device as OSS shows it. Times in Unix milliseconds; `alarm1` to `alarm6` count alarms that nobody has
    acknowledged, cleared to critical, and `alarmLevel` is the highest of them."""

    EUI: str
    uid: str
    href: str
    name: str
    healthState: HealthState
    connectivity: str | None = None
    model: Named | None = None
    activation: str | None = None
    appEUI: str | None = None
    nwAddress: str | None = None
    currentClass: str | None = None
    motionIndicator: str | None = None
    networkSubscription: Named | None = None
    appServers: list[Named] = []
    appServersRoutingProfile: Named | None = None
    suspension: str
    creationDate: int | None = None
    customerAdminData: str | None = None
    firstUpTimestamp: int | None = None
    lastUpTimestamp: int | None = None
    lastDwTimestamp: int | None = None
    lat: float | None = None
    lon: float | None = None
    adminLat: float | None = None
    adminLon: float | None = None
    avgRSSI: float | None = None
    avgSNR: float | None = None
    lastRSSI: float | None = None
    lastSNR: float | None = None
    lastSF: int | None = None
    lastInstantPER: float | None = None
    lastMeanPER: float | None = None
    lastBatLevel: int | None = None
    lastBatLevelTimestamp: int | None = None
    payloadEncryption: bool | None = None
    alarm1: int
    alarm2: int
    alarm3: int
    alarm4: int
    alarm5: int
    alarm6: int
    alarmCount: int
    alarmLevel: int
    tags: list[Named]
    now: int | None = None


class Names(NamedTuple):
    """Name and number of each routing profile, and the names of plans and device profiles, by their ids."""

    servers: dict[str, tuple[str, str]]
    plans: dict[str, str]
    models: dict[str, str]


def names_of(connection: Connection, scope: Scope) -> Names:
    listed = routing_profiles.list_routing_profiles(connection, scope)
    return Names(
        {str(each.id): (str(each.name), str(each.ref)) for each in listed},
        {each.id: each.name for each in offers.list_connectivity_plans(connection, scope)},
        {each.id: each.name for each in offers.list_device_profiles(connection, scope)},
    )


def _alarms(counts: AlarmStatistics) -> tuple[int, ...]:
    return (
        counts.nonAckedClearedCount,
        counts.nonAckedUnclearedCount,
        counts.nonAckedWarningCount,
        counts.nonAckedMinorCount,
        counts.nonAckedMajorCount,
        counts.nonAckedCriticalCount,
    )


def shown(device: VeldnetDevice, names: Names) -> OssDevice:
    """A device as OSS shows it."""
    statistics = device.statistics
    assert statistics is not UNSET
    counts = statistics.alarmStatistics
    alarms = _alarms(AlarmStatistics() if counts is UNSET else counts)
    plan, routing = known(device.connectivityPlanId), known(device.routingProfileId)
    model = str(device.deviceProfileId)
    servers = []
    if routing in names.servers:
        name, number = names.servers[routing]
        servers = [Named(routing + AS_SUFFIX, name, None, href(f"/appServers/{number}"))]
    return OssDevice(
        EUI=str(device.EUI),
        uid=str(device.ref),
        href=href(f"/devices/{device.ref}"),
        name=str(device.name),
        healthState=known(statistics.healthState),
        connectivity="LORAWAN",
        model=Named(model, None, names.models.get(model)),
        activation=known(device.activationType),
        appEUI=known(device.applicationEUI),
        nwAddress=known(device.networkAddress),
        currentClass=known(statistics.loraClass),
        motionIndicator=known(device.motionIndicator),
        networkSubscription=None if plan is None else Named(plan, None, names.plans.get(plan)),
        appServers=servers,
        appServersRoutingProfile=Named(None, servers[0].name) if servers else None,
        suspension="SUBSCRIBER_SUSPENDED" if plan is None else "NONE",
        creationDate=millis(statistics.creationTime),
        customerAdminData=known(device.administrativeInfo),
        firstUpTimestamp=millis(statistics.firstUplinkTime),
        lastUpTimestamp=millis(statistics.lastUplinkTime),
        lastDwTimestamp=millis(statistics.lastDownlinkTime),
        lat=known(device.geoLatitude),
        lon=known(device.geoLongitude),
        adminLat=known(device.geoLatitude),
        adminLon=known(device.geoLongitude),
        avgRSSI=known(statistics.averageRSSI),
        avgSNR=known(statistics.averageSNR),
        lastRSSI=known(statistics.lastRSSI),
        lastSNR=known(statistics.lastSNR),
        lastSF=known(statistics.lastSF),
        lastInstantPER=known(statistics.lastInstantPER),
        lastMeanPER=known(statistics.lastMeanPER),
        lastBatLevel=known(statistics.lastBatteryLevel),
        lastBatLevelTimestamp=millis(statistics.lastBatteryLevelTime),
        payloadEncryption=device.hsmGroupId is not UNSET,
        **{f"alarm{level}": count for level, count in enumerate(alarms, 1)},
        alarmCount=sum(alarms),
        alarmLevel=max((level for level, count in enumerate(alarms, 1) if count), default=0),
        tags=[Named(name=tag) for tag in known(device.tags) or ()],
    )


async def _read(services: Services, scope: Scope, ref: str) -> OssDevice:
    observed = observed_at(services.platform.clock())

    def read(connection: Connection) -> OssDevice:
        device = devices.get_veldnet_device(connection, scope, ref, observed)
        return shown(device, names_of(connection, scope))

    found = await services.read(read)
    found.now = now_ms(services)
    return found


@OSS.get(ONE)
async def get_device(device_ref: str, services: Services, scope: Scope) -> OssDevice:
    return await _read(services, scope, device_ref)


class OssBody(msgspec.Struct, kw_only=True):
    """A device as it is to be; what is null, absent or empty stays. `networkSubscription` with an `ID` of
    null, `suspension` SUBSCRIBER_SUSPENDED, or `appServers` without any, take it out of service."""

    EUI: str | None = None
    name: str | None = None
    activation: str | None = None
    appEUI: str | None = None
    appKey: str | None = None
    nwkKey: str | None = None
    hsmGroupId: str | None = None
    model: dict[str, Any] | None = None
    networkSubscription: dict[str, Any] | None = None
    appServers: list[dict[str, Any]] | None = None
    adminLat: float | None = None
    adminLon: float | None = None
    customerAdminData: str | None = None
    motionIndicator: str | None = None
    suspension: Literal["NONE", "SUBSCRIBER_SUSPENDED"] | None = None


def _members(members: dict[str, Any], *, new: bool) -> Device:
    """The device of KPN's API that is meant. Raises `BadRequest`."""
    body = to_resource(members, OssBody)
    if body.activation not in (None, "OTAA") and new:
        raise BadRequest("activation ABP: personalised devices are imported, or created in version v1.1.1")
    if body.nwkKey is not None:
        raise BadRequest("nwkKey: the NwkKey of a device is set with PUT /api/v1/devices/{{ref}}/rootKeys")
    given: dict[str, Any] = {
        "EUI": body.EUI,
        "name": body.name,
        "activationType": body.activation,
        "applicationEUI": body.appEUI,
        "applicationKey": body.appKey,
        "hsmGroupId": body.hsmGroupId,
        "geoLatitude": body.adminLat,
        "geoLongitude": body.adminLon,
        "administrativeInfo": body.customerAdminData,
        "motionIndicator": body.motionIndicator,
        "deviceProfileId": _id(body.model or {}, "model"),
    }
    plan = members.get("networkSubscription")
    # Null says that it has none; an empty text says nothing, as elsewhere.
    if isinstance(plan, dict) and plan.get("ID", "") != "":
        given["connectivityPlanId"] = _id(plan, "networkSubscription") or (None if new else _TAKEN_AWAY)
    if body.suspension == "SUBSCRIBER_SUSPENDED" and not new:
        given["connectivityPlanId"] = _TAKEN_AWAY
    if body.appServers is not None:
        given["routingProfileId"] = _routing(body.appServers, new=new)
    return to_resource({name: value for name, value in given.items() if value is not None}, Device)


def _routing(servers: list[dict[str, Any]], *, new: bool) -> str | None:
    if not servers:
        return None if new else _TAKEN_AWAY
    if len(servers) > 1:
        raise BadRequest(
            "appServers: a device has one application server here; give it one with several destinations"
        )
    found = (_id(servers[0], "appServers[0]") or "").removesuffix(AS_SUFFIX)
    if not found:
        raise MissingField("appServers[0].ID is mandatory; see GET {path}", path=f"{MINE}/appServers")
    return found


def _id(members: dict[str, Any], name: str) -> str | None:
    """The ID by which a device refers to a resource."""
    found = members.get("ID")
    if found is not None and not isinstance(found, str):
        raise InvalidField("{name}.ID must be text or null", name=name)
    return found


@OSS.post(PATH, status=201)
async def create_device(services: Services, scope: Scope, body: dict[str, Any]) -> OssDevice:
    """Create a device that activates itself over the air; HSM groups are not mandatory on these paths."""
    with oss_names():
        made = await register(services, scope, _members(body, new=True), hsm_required=False, abp=False)
    return await _read(services, scope, str(made.ref))


def _plan_to_return_to(connection: Connection, scope: Scope, ref: str) -> str | None:
    """A plan for a device that has none. Raises `NoFreeConnection`."""
    if devices.get_device(connection, scope, ref).connectivityPlanId is not UNSET:
        return None
    for plan in offers.list_connectivity_plans(connection, scope):
        if plan.communicationType == "UNICAST" and plan.usedConnections < plan.grantedConnections:
            return plan.id
    raise NoFreeConnection("no connectivity plan has a free connection left; see GET /connectivityPlans")


@OSS.put(ONE)
async def update_device(
    device_ref: str, request: Request, services: Services, scope: Scope, body: dict[str, Any]
) -> OssDevice:
    """Change what is given; EUI, keys and activation stay. A suspended device that is to be one no longer
    gets the first plan that has a connection left."""
    with oss_names():
        change = _members(body, new=False)
        if body.get("suspension") == "NONE" and change.connectivityPlanId is UNSET:
            plan = await services.read(lambda c: _plan_to_return_to(c, scope, device_ref))
            change.connectivityPlanId = UNSET if plan is None else plan
        await change_device(device_ref, request, services, scope, change, devices.DX_UPDATABLE)
    return await _read(services, scope, device_ref)


@OSS.delete(ONE)
async def remove_device(device_ref: str, services: Services, scope: Scope) -> None:
    await delete_device(device_ref, services, scope)
