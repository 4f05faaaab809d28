"""Device alarms, frame statistics and health statistics in KPN's API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import PageIndex, Parameter, base_station, dev_eui, time
from veldnet.api.routers import KPN
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField, MissingField, NotFound
from veldnet.domain.resources import DeviceAlarm, DeviceHealthStatistics, FrameStatistics
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.lorawan import DevEui, InvalidIdentifier
from veldnet.monitoring import health
from veldnet.monitoring.alarms import listing
from veldnet.monitoring.statistics import frame_statistics
from veldnet.monitoring.statistics.frame_statistics import Span

MOST_DEVICES = 100
MOST_DAYS = 400
_DAY = 86_400_000
_SEPARATORS = re.compile(r"[,;\s]+")


class AlarmFilter(msgspec.Struct, frozen=True):
    deviceEUI: Annotated[str | None, Parameter("Only the device with this DevEUI.", read=dev_eui)] = None
    pageIndex: PageIndex = None


def _dev_euis(text: str, name: str) -> tuple[str, ...]:
    """DevEUIs separated by commas, semicolons or blanks."""
    found = dict.fromkeys(_dev_eui(part, name) for part in _SEPARATORS.split(text.strip()) if part)
    if len(found) > MOST_DEVICES:
        raise InvalidField(
            "{name} holds {count} EUIs, at most {most_devices} are allowed",
            name=name,
            count=len(found),
            most_devices=MOST_DEVICES,
        )
    return tuple(found)


def _dev_eui(text: str, name: str) -> str:
    try:
        return str(DevEui.parse(text))
    except InvalidIdentifier as error:
        raise InvalidField("{name} {text!r}: {error}", name=name, text=text[:40], error=error) from None


class FrameStatisticsQuery(msgspec.Struct, frozen=True):
    """Of which devices, where and when; in slots of so many hours."""

    deviceEUIList: Annotated[
        tuple[str, ...],
        Parameter("DevEUIs, comma-separated or as repeated parameters.", read=_dev_euis),
    ] = ()
    baseStationId: Annotated[
        int | None,
        Parameter("Only frames received or sent by this base station.", type="string", read=base_station),
    ] = None
    startDate: Annotated[int | None, time("Start of the time range, ISO 8601.")] = None
    duration: Annotated[int, Parameter("Days; 7 without it.", least=1, most=MOST_DAYS, format="int32")] = 7
    aggregationStep: Annotated[
        int | None, Parameter("Hours of a slot.", least=1, most=24, format="int32")
    ] = None

    def span(self, begin: int) -> Span:
        return Span(begin, begin + self.duration * _DAY)


@KPN.get("/deviceAlarms", "Devicealarmsretrieval", "Alarm", "List device alarms, last updated first.")
async def list_alarms(services: Services, scope: Scope, query: AlarmFilter) -> list[DeviceAlarm]:
    return await services.read(lambda c: listing.list_alarms(c, scope, query.deviceEUI, query.pageIndex))


@KPN.get("/deviceAlarms/{deviceAlarmRef}", "Devicealarmretrieval", "Alarm", "Show a device alarm.")
async def get_alarm(device_alarm_ref: str, services: Services, scope: Scope) -> DeviceAlarm:
    return await services.read(lambda c: listing.get_alarm(c, scope, device_alarm_ref))


@KPN.post(
    "/deviceAlarms/{deviceAlarmRef}/acks",
    "Devicealarmacknowledgement",
    "Alarm",
    "Acknowledge a device alarm.",
    status=201,
)
async def acknowledge(device_alarm_ref: str, services: Services, scope: Scope) -> None:
    """Note who has seen an alarm; a second acknowledgement changes nothing."""
    alarm = await services.read(lambda c: listing.get_alarm(c, scope, device_alarm_ref))
    found = await services.platform.monitoring.acknowledge(
        int(alarm.deviceRef),
        alarm.deviceAlarmTypeId,
        str(alarm.deviceAlarmObjectId or ""),
        scope.display_name,
    )
    if not found:
        raise NotFound("DeviceAlarm", device_alarm_ref)
    await services.note(scope, "alarm.acknowledged", f"deviceAlarm {device_alarm_ref}")


@KPN.get(
    "/deviceHealthStatistics", "Healthstatisticsretrieval", "Statistics", "Number of devices by health state."
)
async def health_statistics(services: Services, scope: Scope) -> DeviceHealthStatistics:
    counts = await services.read(lambda c: health.counts(c, scope.subscriber_ref))
    return DeviceHealthStatistics(*counts, sum(counts))


def _refs(connection: Connection, scope: Scope, dev_euis: Sequence[str]) -> list[int]:
    """The numbers of the devices. Raises `NotFound`, also for those of somebody else."""
    refs = devices.refs_of(connection, scope, dev_euis)
    for eui in dev_euis:
        if eui not in refs:
            raise NotFound("Device", f"e{eui}")
    return list(refs.values())


@KPN.get(
    "/deviceFrameStatistics",
    "Framestatisticsretrieval",
    "Statistics",
    "Frame statistics aggregated over devices, by frame or by slot; the newest without startDate.",
)
async def frame_statistics_(
    services: Services, scope: Scope, query: FrameStatisticsQuery
) -> list[FrameStatistics]:
    """Statistics of the frames of one or more devices together, or of all of them by slots."""
    dev_euis, station, hours = query.deviceEUIList, query.baseStationId, query.aggregationStep
    everything: list[int] = []
    if not dev_euis:
        everything = await services.read(lambda c: devices.refs_of_all(c, scope, MOST_DEVICES + 1))
        if len(everything) > MOST_DEVICES or (hours is not None and station is None):
            return await _of_fleet(services, scope, query)
    span = None if query.startDate is None else query.span(query.startDate)

    def read(connection: Connection) -> list[FrameStatistics]:
        refs = _refs(connection, scope, dev_euis) if dev_euis else everything
        if span is None:
            return frame_statistics.latest(connection, refs, station, hours)
        if hours is None:
            return frame_statistics.of_frames(connection, refs, station, span)
        return frame_statistics.by_slots(connection, refs, station, span, hours)

    return await services.read(read)


async def _of_fleet(services: Services, scope: Scope, query: FrameStatisticsQuery) -> list[FrameStatistics]:
    """Without devices: all of the subscriber's together, in slots, of an hour where nothing is said."""
    if query.baseStationId is not None:
        raise MissingField(
            "baseStationId needs deviceEUIList where there are more than {most_devices} devices",
            most_devices=MOST_DEVICES,
        )
    begin = query.startDate
    if begin is None:
        begin = round(services.platform.clock() * 1000) - 7 * _DAY
    span = query.span(begin)
    found = await services.read(
        lambda c: frame_statistics.of_fleet(c, scope.subscriber_ref, span, query.aggregationStep or 1)
    )
    return found if query.startDate is not None else frame_statistics.newest(found)
