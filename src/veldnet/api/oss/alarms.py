"""Alarms of all devices on the paths of ThingPark's OSS."""

from __future__ import annotations

import msgspec

from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.monitoring.alarms import listing

from .catalogues import OssPage
from .device_alarms import OssAlarm, shown
from .devices import PATH
from .shapes import href

_PAGE = 100


class OssDeviceAlarm(OssAlarm, kw_only=True):
    """An alarm, and whose it is."""

    deviceUid: str
    deviceHref: str


class OssDeviceAlarms(msgspec.Struct):
    """A page of 100 alarms, the last updated first."""

    briefs: list[OssDeviceAlarm]
    more: bool


class StateCount(msgspec.Struct):
    """How many alarms are in a state, and how many of them nobody has acknowledged."""

    state: int
    count: int
    nonAckedCount: int


class StateCounts(msgspec.Struct):
    briefs: list[StateCount]
    totalCount: int


@OSS.get(f"{PATH}/alarms")
async def list_all_alarms(services: Services, scope: Scope, query: OssPage) -> OssDeviceAlarms:
    """The alarms of all devices, cleared ones too."""
    found = await services.read(lambda c: listing.list_alarms(c, scope, None, query.pageIndex))
    briefs = [
        OssDeviceAlarm(
            **msgspec.structs.asdict(shown(each)),
            deviceUid=each.deviceRef,
            deviceHref=href(f"/devices/{each.deviceRef}"),
        )
        for each in found
    ]
    return OssDeviceAlarms(briefs, len(found) == _PAGE)


@OSS.get(f"{PATH}/alarms/stateDistributions")
async def count_states(services: Services, scope: Scope) -> StateCounts:
    """How many alarms are in which state: 1 cleared, 3 warning to 6 critical."""
    found = await services.read(lambda c: listing.count_states(c, scope))
    briefs = [StateCount(state, count, open_count) for state, count, open_count in found]
    return StateCounts(briefs, sum(each.count for each in briefs))
