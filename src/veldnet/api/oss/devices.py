"""Devices on the paths of ThingPark's OSS. A device is named by its `uid` or by `e` and its DevEUI."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api.body import to_resource
from veldnet.api.kpn.devices import change_device, delete_device, register
from veldnet.api.kpn.monitoring import health_statistics
from veldnet.api.query import PageNumber, Parameter, dev_eui, refuse_others
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.domain.errors import BadRequest, InvalidField, MissingField
from veldnet.domain.resources import AlarmStatistics, Device, HealthState, VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import devices, routing_profiles
from veldnet.inventory.devices import AlarmLevel, Order, Paging, Wanted
from veldnet.monitoring.observed import observed_at, standing

from .shapes import MINE, href, known, millis, now_ms

_PATH = f"{MINE}/devices"
ONE = f"{_PATH}/{{deviceRef}}"
_MOST_PAGE = 500
# In place of a plan or a routing profile that a device is to lose.
_TAKEN_AWAY = "reset"
# What stands behind the id of a routing profile in that of its application server.
AS_SUFFIX = ".AS"
# Ascending and descending.
_ORDERS: dict[str, tuple[Order, Order]] = {
    "name": ("name", "-name"),
    "EUI": ("deviceEUI", "-deviceEUI"),
    "creationDate": ("created", "-created"),
    "lastUpTimestamp": ("lastUplink", "-lastUplink"),
    "lastMeanPER": ("meanPER", "-meanPER"),
}
_ALARM_LEVELS: dict[int, AlarmLevel] = {1: "ANY", 3: "WARNING", 4: "MINOR", 5: "MAJOR", 6: "CRITICAL"}


class Named(msgspec.Struct, omit_defaults=True):
    """A resource that a device refers to."""

    ID: str | None = None
    name: str | None = None
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


class Cursors(msgspec.Struct):
    """Where the next page begins: `pageAfter`."""

    last: str


class OssDevices(msgspec.Struct, omit_defaults=True):
    """A page of devices; `count` is how many there are in all, up to 10,000 where filters are given."""

    briefs: list[OssDevice]
    more: bool
    now: int
    count: int | None = None
    cursors: Cursors | None = None


class HealthCount(msgspec.Struct):
    healthState: HealthState
    count: int


class Counters(msgspec.Struct):
    """Devices by health."""

    briefs: list[HealthCount]
    totalCount: int


def listed(text: str, _name: str) -> tuple[str, ...]:
    """What stands between commas, or in parameters of the same name."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _order(text: str, name: str) -> Order:
    attribute, _comma, way = text.partition(",")
    both = _ORDERS.get(attribute)
    if both is None or way not in ("", "asc", "desc"):
        raise InvalidField(
            "{name} {value!r} must be one of {known}, and ,asc or ,desc",
            name=name,
            value=text[:40],
            known=", ".join(_ORDERS),
        )
    return both[way == "desc"]


def _level(text: str, name: str) -> AlarmLevel:
    found = _ALARM_LEVELS.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 4 else None
    if found is None:
        raise InvalidField(
            "{name} {value!r} must be one of {known}", name=name, value=text[:40], known="1, 3, 4, 5, 6"
        )
    return found


class OssFilter(msgspec.Struct, frozen=True):
    """Which devices, in which order, and which page of them."""

    devEUI: Annotated[tuple[str, ...], Parameter("Only devices with these DevEUIs.", read=listed)] = ()
    name: Annotated[str | None, Parameter("How their names begin.")] = None
    query: Annotated[str | None, Parameter("Part of name or DevEUI.")] = None
    healthState: Annotated[HealthState | None, Parameter("Only devices in this state.")] = None
    networkSubscriptionID: Annotated[str | None, Parameter("Only devices of this plan.")] = None
    appServerID: Annotated[str | None, Parameter("Only devices of this application server.")] = None
    alarmLevel: Annotated[
        AlarmLevel | None, Parameter("Only devices with an alarm of at least this level.", read=_level)
    ] = None
    tag: Annotated[str | None, Parameter("Only devices with this tag.")] = None
    sort: Annotated[Order, Parameter("Attribute and ,asc or ,desc.", read=_order)] = "created"
    pageIndex: PageNumber = 1
    pageSize: Annotated[int, Parameter("Devices of a page.", least=1, most=_MOST_PAGE)] = 100
    pageAfter: Annotated[int | None, Parameter("Cursor of the page before.", most=(1 << 63) - 1)] = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            text=self.query,
            name=self.name,
            health=self.healthState,
            plan_id=self.networkSubscriptionID,
            routing_profile_id=None if self.appServerID is None else self.appServerID.removesuffix(AS_SUFFIX),
            tag=self.tag,
            alarm=self.alarmLevel,
            dev_euis=tuple(dev_eui(each, "").upper() for each in self.devEUI),
        )


def _server_names(connection: Connection, scope: Scope) -> dict[str, tuple[str, str]]:
    """Name and number of each routing profile, by its id."""
    listed = routing_profiles.list_routing_profiles(connection, scope)
    return {str(each.id): (str(each.name), str(each.ref)) for each in listed}


def _alarms(counts: AlarmStatistics) -> tuple[int, ...]:
    return (
        counts.nonAckedClearedCount,
        counts.nonAckedUnclearedCount,
        counts.nonAckedWarningCount,
        counts.nonAckedMinorCount,
        counts.nonAckedMajorCount,
        counts.nonAckedCriticalCount,
    )


def _shown(device: VeldnetDevice, names: dict[str, tuple[str, str]]) -> OssDevice:
    statistics = device.statistics
    assert statistics is not UNSET
    counts = statistics.alarmStatistics
    alarms = _alarms(AlarmStatistics() if counts is UNSET else counts)
    plan, routing = known(device.connectivityPlanId), known(device.routingProfileId)
    servers = []
    if routing in names:
        name, number = names[routing]
        servers = [Named(routing + AS_SUFFIX, name, href(f"/appServers/{number}"))]
    return OssDevice(
        EUI=str(device.EUI),
        uid=str(device.ref),
        href=href(f"/devices/{device.ref}"),
        name=str(device.name),
        healthState=known(statistics.healthState),
        connectivity="LORAWAN",
        model=Named(str(device.deviceProfileId)),
        activation=known(device.activationType),
        appEUI=known(device.applicationEUI),
        nwAddress=known(device.networkAddress),
        currentClass=known(statistics.loraClass),
        motionIndicator=known(device.motionIndicator),
        networkSubscription=None if plan is None else Named(plan),
        appServers=servers,
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


@OSS.get(_PATH)
async def list_devices(
    request: Request[Any, Any, Any], services: Services, scope: Scope, query: OssFilter
) -> OssDevices:
    """A page of the subscriber's devices, by its number, or with `pageAfter` the page behind a cursor in the
    order in which devices were created."""
    refuse_others(request, OssFilter, "connectivity", "language")
    observed, now = observed_at(services.platform.clock()), now_ms(services)

    def read(connection: Connection) -> OssDevices:
        names = _server_names(connection, scope)

        def page(found: list[VeldnetDevice], more: bool, count: int | None) -> OssDevices:
            last = Cursors(str(found[-1].ref)) if found and query.sort == "created" else None
            return OssDevices([_shown(each, names) for each in found], more, now, count, last)

        if query.pageAfter is not None:
            size = query.pageSize
            behind = devices.devices_after(
                connection, scope, query.wanted, query.pageAfter, size + 1, observed
            )
            return page(behind[:size], len(behind) > size, None)
        paging = Paging(query.sort, query.pageIndex, query.pageSize)
        found = devices.search_devices(connection, scope, query.wanted, paging, observed, standing)
        return page(found.devices, found.total > paging.offset + paging.size, found.total)

    return await services.read(read)


@OSS.get(f"{_PATH}/counters")
async def count_devices(services: Services, scope: Scope) -> Counters:
    """How many devices are in which state of health."""
    counted = await health_statistics(services, scope)
    briefs = [
        HealthCount("INIT", counted.initCount),
        HealthCount("ACTIVE", counted.activeCount),
        HealthCount("RF_CNX_ERROR", counted.rfConnectionErrorCount),
    ]
    return Counters(briefs, counted.totalCount)


async def _read(services: Services, scope: Scope, ref: str) -> OssDevice:
    observed = observed_at(services.platform.clock())

    def read(connection: Connection) -> OssDevice:
        device = devices.get_veldnet_device(connection, scope, ref, observed)
        return _shown(device, _server_names(connection, scope))

    found = await services.read(read)
    found.now = now_ms(services)
    return found


@OSS.get(ONE)
async def get_device(device_ref: str, services: Services, scope: Scope) -> OssDevice:
    return await _read(services, scope, device_ref)


class OssBody(msgspec.Struct, kw_only=True):
    """A device as it is to be; what is null, absent or empty stays. `networkSubscription` with an `ID` of
    null, or `appServers` without any, take it out of service."""

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


@OSS.post(_PATH, status=201)
async def create_device(services: Services, scope: Scope, body: dict[str, Any]) -> OssDevice:
    """Create a device that activates itself over the air; HSM groups are not mandatory on these paths."""
    made = await register(services, scope, _members(body, new=True), hsm_required=False, abp=False)
    return await _read(services, scope, str(made.ref))


@OSS.put(ONE)
async def update_device(
    device_ref: str, request: Request[Any, Any, Any], services: Services, scope: Scope, body: dict[str, Any]
) -> OssDevice:
    """Change what is given; EUI, keys and activation stay."""
    await change_device(device_ref, request, services, scope, _members(body, new=False), devices.DX_UPDATABLE)
    return await _read(services, scope, device_ref)


@OSS.delete(ONE)
async def remove_device(device_ref: str, services: Services, scope: Scope) -> None:
    await delete_device(device_ref, services, scope)
