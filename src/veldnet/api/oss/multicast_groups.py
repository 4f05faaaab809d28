"""Multicast groups on the paths of ThingPark's OSS."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api.query import Parameter
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.api.v1.multicast_groups import GroupDownlink, send_downlink
from veldnet.assembly import multicast
from veldnet.domain.scope import Scope
from veldnet.inventory import groups
from veldnet.inventory.groups import GroupFrame, MulticastGroup

_PATH = "/subscriptions/mine/multicastGroups"
_MOST = 1000


class OssPlan(msgspec.Struct):
    """The connectivity plan of a group."""

    ID: str


class OssGroup(msgspec.Struct, omit_defaults=True, kw_only=True, rename={"device_class": "class"}):
    """A multicast group as OSS shows it. Times are ISO 8601."""

    uid: str
    EUI: str
    name: str
    nwAddress: str
    device_class: str
    pingSlotPeriod: int | None = None
    downlinkFrequency: float | None = None
    downlinkDataRate: int | None = None
    networkSubscription: OssPlan | None = None
    lastDwTimestamp: str | None = None
    lastFCntDn: int | None = None
    creationDate: str | None = None
    href: str


class OssGroups(msgspec.Struct):
    """A page of groups; `now` is the server's clock in Unix milliseconds."""

    briefs: list[OssGroup]
    more: bool
    now: int


class OssStation(msgspec.Struct, omit_defaults=True):
    """A base station that sends to a group."""

    lrrID: str
    lat: float | None = None
    lon: float | None = None


class OssStations(msgspec.Struct):
    briefs: list[OssStation]
    bsCount: int
    more: bool
    now: int


class OssFrame(msgspec.Struct):
    """A downlink of a group, and how many base stations have sent it."""

    timestamp: str
    fCnt: int | None
    fPort: int
    size: int
    status: str
    bsCount: int
    bsSuccessCount: int
    bsFailedCount: int


class OssFrames(msgspec.Struct):
    briefs: list[OssFrame]
    more: bool
    now: int


class OssGroupFilter(msgspec.Struct, frozen=True):
    """Which groups."""

    devEUI: Annotated[str | None, Parameter("DevEUI of the group.")] = None
    devAddr: Annotated[str | None, Parameter("Its DevAddr.")] = None
    name: Annotated[str | None, Parameter("How its name begins.")] = None

    def fits(self, group: OssGroup) -> bool:
        return (
            (self.devEUI is None or self.devEUI.upper() == group.EUI)
            and (self.devAddr is None or group.nwAddress == self.devAddr.upper())
            and (self.name is None or group.name.lower().startswith(self.name.lower()))
        )


class OssDownlink(msgspec.Struct, frozen=True):
    """A downlink to a group; with fCntDn or aFCntDn the payload is encrypted with that counter."""

    payload: Annotated[str | None, Parameter("Hexadecimal digits.")] = None
    fPort: Annotated[int | None, Parameter("1 to 223.")] = None
    fCntDn: Annotated[int | None, Parameter("Counter.")] = None
    aFCntDn: Annotated[int | None, Parameter("The same.")] = None
    flushDownlinkQueue: Annotated[bool, Parameter("Drop what waits first.")] = False
    validityTime: Annotated[str | None, Parameter("Seconds, or a time (ISO 8601).")] = None
    retryIneligibleGateways: Annotated[bool, Parameter("Try base stations again that were not eligible.")] = (
        True
    )


@OSS.get(_PATH)
async def list_groups(services: Services, scope: Scope, query: OssGroupFilter) -> OssGroups:
    """The subscriber's groups by name."""
    page = await services.read(lambda c: groups.list_groups(c, scope, limit=_MOST))
    shown = [found for found in map(_shown, page.groups) if query.fits(found)]
    return OssGroups(shown, page.total > _MOST, _now(services))


@OSS.get(f"{_PATH}/{{groupRef}}")
async def get_group(group_ref: str, services: Services, scope: Scope) -> OssGroup:
    return _shown(await services.read(lambda c: groups.get_group(c, scope, group_ref)))


@OSS.get(f"{_PATH}/{{groupRef}}/bss")
async def list_stations(group_ref: str, services: Services, scope: Scope) -> OssStations:
    """The base stations that send to a group now."""
    plans = services.platform.network.parameters.channel_plans

    def read(connection: Connection) -> list[OssStation]:
        group = groups.own_group(connection, scope, group_ref)
        covering = multicast.coverage_of(connection, group.ref, plans).baseStations
        return [OssStation(each.id, each.latitude, each.longitude) for each in covering]

    found = await services.read(read)
    return OssStations(found, len(found), False, _now(services))


@OSS.get(f"{_PATH}/{{groupRef}}/frames")
async def list_frames(group_ref: str, services: Services, scope: Scope) -> OssFrames:
    """The newest hundred downlinks of a group."""

    def read(connection: Connection) -> tuple[list[OssFrame], bool]:
        group = groups.own_group(connection, scope, group_ref)
        page = groups.list_frames(connection, group.ref, None, 100)
        return [_frame(each) for each in page.frames], page.next is not None

    found, more = await services.read(read)
    return OssFrames(found, more, _now(services))


@OSS.post(f"{_PATH}/{{groupRef}}/admins/downlink", status=204)
async def send(group_ref: str, services: Services, scope: Scope, query: OssDownlink) -> None:
    """Queue a downlink; it is durable when the answer comes."""
    given = {"payload": query.payload, "fPort": query.fPort, "validityTime": query.validityTime}
    counter = query.fCntDn if query.aFCntDn is None else query.aFCntDn
    known = {name: value for name, value in (given | {"fCntDown": counter}).items() if value is not None}
    body = msgspec.convert(
        known | {"flush": query.flushDownlinkQueue, "retryIneligibleGateways": query.retryIneligibleGateways},
        GroupDownlink,
    )
    await send_downlink(group_ref, services, scope, body)


def _now(services: Services) -> int:
    return round(services.platform.clock() * 1000)


def _shown(group: MulticastGroup) -> OssGroup:
    def known(value: object) -> str | None:
        return value if isinstance(value, str) else None

    ref = str(group.ref)
    plan = known(group.connectivityPlanId)
    return OssGroup(
        uid=ref,
        EUI=str(group.EUI),
        name=str(group.name),
        nwAddress=str(group.networkAddress),
        device_class=str(group.deviceClass),
        pingSlotPeriod=None if group.pingSlotPeriod is UNSET else group.pingSlotPeriod,
        downlinkFrequency=None if group.downlinkFrequency is UNSET else group.downlinkFrequency,
        downlinkDataRate=None if group.downlinkDataRate is UNSET else group.downlinkDataRate,
        networkSubscription=None if plan is None else OssPlan(plan),
        lastDwTimestamp=known(group.lastDownlinkTime),
        lastFCntDn=None if group.lastFCntDown is UNSET else group.lastFCntDown,
        creationDate=known(group.creationTime),
        href=f"/thingpark/wireless/rest{_PATH}/{ref}",
    )


def _frame(frame: GroupFrame) -> OssFrame:
    return OssFrame(
        frame.submissionTime,
        frame.fCntDown,
        frame.fPort,
        frame.size,
        frame.status,
        frame.baseStations,
        frame.succeeded,
        frame.failed,
    )
