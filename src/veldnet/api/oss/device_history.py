"""What was measured of a device over time, on the paths of ThingPark's OSS."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import Parameter
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.alarms.listing import list_history
from veldnet.monitoring.battery import battery_levels
from veldnet.monitoring.statistics import totals
from veldnet.monitoring.statistics.frame_statistics import Span

from .device_alarms import STATES
from .device_messages import OssSpan, span_of
from .devices import ONE
from .shapes import millis, now_ms

_MOST_ALARMS = 500


class OssBattery(msgspec.Struct):
    """A report of a battery: 1 to 254, 0 for external power, 255 for unknown; `margin` in dB."""

    timestamp: int
    level: int
    margin: int | None


class OssBatteries(msgspec.Struct):
    """Reports, the oldest first."""

    briefs: list[OssBattery]
    now: int


class OssSlot(msgspec.Struct):
    """Frames of a slot that begins at `timestamp`; means of RSSI and ESP in dBm, of SNR in dB, PER from 0
    to 1."""

    timestamp: int
    uplinkCount: int
    downlinkCount: int
    avgRSSI: float | None
    avgSNR: float | None
    avgESP: float | None
    meanPER: float | None


class OssSlots(msgspec.Struct):
    """Slots, the oldest first; those without frames are left out."""

    briefs: list[OssSlot]
    now: int


class OssFactor(msgspec.Struct):
    sf: int
    count: int


class OssFactors(msgspec.Struct):
    """Uplinks by spreading factor."""

    briefs: list[OssFactor]
    now: int


class OssPastAlarm(msgspec.Struct):
    """An alarm that was cleared at `clearanceTimestamp`, as it was just before; `state` 3 (warning) to 6
    (critical)."""

    ID: int
    acked: bool
    state: int
    occurrence: int
    creationTimestamp: int
    updateTimestamp: int
    clearanceTimestamp: int
    index: str
    addInfos: list[str]


class OssPastAlarms(msgspec.Struct):
    """Alarms, the last cleared first."""

    briefs: list[OssPastAlarm]
    more: bool


class OssSlotSpan(OssSpan, frozen=True):
    """When, and in slots of how many hours."""

    step: Annotated[int, Parameter("Hours of a slot.", least=1, most=24)] = 1


@OSS.get(f"{ONE}/batLevels")
async def list_batteries(device_ref: str, services: Services, scope: Scope, query: OssSpan) -> OssBatteries:
    """The battery as the device reported it, the newest 5,000 of a span."""
    begin, end = span_of(services, query)

    def read(connection: Connection) -> list[OssBattery]:
        ref = devices.device_ref(connection, scope, device_ref)
        return [
            OssBattery(each.time, each.battery, each.margin)
            for each in battery_levels(connection, ref, begin, end)
        ]

    return OssBatteries(await services.read(read), now_ms(services))


async def _slots(
    device_ref: str, services: Services, scope: Scope, query: OssSpan, hours: int
) -> list[totals.Totals]:
    span = Span(*span_of(services, query))
    return await services.read(
        lambda c: totals.of_device(c, devices.device_ref(c, scope, device_ref), span, hours)
    )


@OSS.get(f"{ONE}/frames/aggregated")
async def list_aggregated(device_ref: str, services: Services, scope: Scope, query: OssSlotSpan) -> OssSlots:
    """Frames of a span by slots of hours."""
    found = await _slots(device_ref, services, scope, query, query.step)
    briefs = [
        OssSlot(
            millis(each.date) or 0,
            each.uplinks,
            each.downlinksSent,
            each.rssi,
            each.snr,
            each.esp,
            each.packetErrorRate,
        )
        for each in found
    ]
    return OssSlots(briefs, now_ms(services))


@OSS.get(f"{ONE}/spreadingFactors/sfDistributions")
async def list_factors(device_ref: str, services: Services, scope: Scope, query: OssSpan) -> OssFactors:
    """Uplinks of a span by spreading factor; those of other modulations are left out."""
    counted: dict[int, int] = {}
    for each in await _slots(device_ref, services, scope, query, 24):
        for name, count in each.spreadingFactors.items():
            if name.startswith("SF"):
                counted[int(name[2:])] = counted.get(int(name[2:]), 0) + count
    return OssFactors([OssFactor(sf, counted[sf]) for sf in sorted(counted)], now_ms(services))


@OSS.get(f"{ONE}/alarms/histories")
async def list_past_alarms(device_ref: str, services: Services, scope: Scope) -> OssPastAlarms:
    """The alarms of a device that were cleared in the last fifteen days, the newest 500."""
    found = await services.read(
        lambda c: list_history(c, devices.device_ref(c, scope, device_ref), _MOST_ALARMS + 1)
    )
    briefs = [
        OssPastAlarm(
            each.deviceAlarmTypeId,
            each.acked,
            STATES.index(each.alarmState) + 1 if each.alarmState in STATES else 1,
            each.occurrence,
            millis(each.creationTime) or 0,
            millis(each.lastUpdateTime) or 0,
            millis(each.clearanceTime) or 0,
            each.deviceAlarmObjectId,
            each.additionalInfos,
        )
        for each in found[:_MOST_ALARMS]
    ]
    return OssPastAlarms(briefs, len(found) > _MOST_ALARMS)
