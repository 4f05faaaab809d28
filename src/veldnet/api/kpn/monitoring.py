"""Device alarms, frame statistics and health statistics, as KPN's API offers them."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import MultiDict
from sqlalchemy import Connection

from veldnet.api import query
from veldnet.api.auth.bearer import require_scope
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField, MissingField, NotFound
from veldnet.domain.resources import DeviceAlarm, DeviceHealthStatistics, FrameStatistics
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.lorawan import BaseStationId, DevEui, InvalidIdentifier
from veldnet.monitoring import health
from veldnet.monitoring.alarms import listing
from veldnet.monitoring.statistics import frame_statistics
from veldnet.monitoring.statistics.frame_statistics import Span

MOST_DEVICES = 100
MOST_DAYS = 400
_DAY = 86_400_000
_SEPARATORS = re.compile(r"[,;\s]+")


@get("/deviceAlarms")
async def list_alarms(request: Request[Any, Any, Any], services: Services) -> list[DeviceAlarm]:
    scope = await require_scope(request, services)
    dev_eui = query.text(request, "deviceEUI")
    wanted = None if dev_eui is None else dev_eui.replace("-", "").replace(":", "")
    page = query.whole(request, "pageIndex", least=1)
    return await services.read(lambda c: listing.list_alarms(c, scope, wanted, page))


@get("/deviceAlarms/{device_alarm_ref:str}")
async def get_alarm(
    device_alarm_ref: str, request: Request[Any, Any, Any], services: Services
) -> DeviceAlarm:
    scope = await require_scope(request, services)
    return await services.read(lambda c: listing.get_alarm(c, scope, device_alarm_ref))


@post("/deviceAlarms/{device_alarm_ref:str}/acks", status_code=201)
async def acknowledge(device_alarm_ref: str, request: Request[Any, Any, Any], services: Services) -> None:
    """Note who has seen an alarm; a second acknowledgement changes nothing."""
    scope = await require_scope(request, services)
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


@get("/deviceHealthStatistics")
async def health_statistics(request: Request[Any, Any, Any], services: Services) -> DeviceHealthStatistics:
    scope = await require_scope(request, services)
    counts = await services.read(lambda c: health.counts(c, scope.subscriber_ref))
    return DeviceHealthStatistics(*counts, sum(counts))


def _dev_euis(parameters: MultiDict[Any]) -> list[str]:
    """The EUIs of `deviceEUIList`: separated by commas, semicolons or blanks, or the parameter repeated."""
    found: dict[str, None] = {}
    for text in parameters.getall("deviceEUIList", []):
        for part in _SEPARATORS.split(str(text).strip()):
            if part:
                found[_dev_eui(part)] = None
    if len(found) > MOST_DEVICES:
        raise InvalidField(f"deviceEUIList holds {len(found)} EUIs, at most {MOST_DEVICES} are allowed")
    return list(found)


def _dev_eui(text: str) -> str:
    try:
        return str(DevEui.parse(text))
    except InvalidIdentifier as error:
        raise InvalidField(f"deviceEUIList {text[:40]!r}: {error}") from None


def _refs(connection: Connection, scope: Scope, dev_euis: list[str]) -> list[int]:
    """The numbers of the devices. Raises `NotFound`, also for those of somebody else."""
    refs = devices.refs_of(connection, scope, dev_euis)
    for dev_eui in dev_euis:
        if dev_eui not in refs:
            raise NotFound("Device", f"e{dev_eui}")
    return list(refs.values())


def _base_station(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(BaseStationId.parse(text))
    except InvalidIdentifier as error:
        raise InvalidField(f"baseStationId {text[:40]!r}: {error}") from None


@get("/deviceFrameStatistics")
async def frame_statistics_(request: Request[Any, Any, Any], services: Services) -> list[FrameStatistics]:
    """Statistics of the frames of one or more devices together, or of all of them by slots."""
    scope = await require_scope(request, services)
    dev_euis = _dev_euis(request.query_params)
    station = _base_station(query.text(request, "baseStationId"))
    start = query.text(request, "startDate")
    days = query.whole(request, "duration", least=1, most=MOST_DAYS) or 7
    hours = query.whole(request, "aggregationStep", least=1, most=24)
    everything: list[int] = []
    if not dev_euis:
        everything = await services.read(lambda c: devices.refs_of_all(c, scope, MOST_DEVICES + 1))
        if len(everything) > MOST_DEVICES or (hours is not None and station is None):
            return await _of_fleet(services, scope, station, start, days, hours)
    span = None
    if start is not None:
        begin = query.moment(start, "startDate")
        span = Span(begin, begin + days * _DAY)

    def read(connection: Connection) -> list[FrameStatistics]:
        refs = _refs(connection, scope, dev_euis) if dev_euis else everything
        if span is None:
            return frame_statistics.latest(connection, refs, station, hours)
        if hours is None:
            return frame_statistics.of_frames(connection, refs, station, span)
        return frame_statistics.by_slots(connection, refs, station, span, hours)

    return await services.read(read)


async def _of_fleet(
    services: Services,
    scope: Scope,
    station: int | None,
    start: str | None,
    days: int,
    hours: int | None,
) -> list[FrameStatistics]:
    """Without devices: all of the subscriber's together, in slots, of an hour where nothing is said."""
    if station is not None:
        raise MissingField(
            f"baseStationId needs deviceEUIList where there are more than {MOST_DEVICES} devices"
        )
    if start is not None:
        begin = query.moment(start, "startDate")
    else:
        begin = round(services.platform.clock() * 1000) - 7 * _DAY
    span = Span(begin, begin + days * _DAY)
    found = await services.read(
        lambda c: frame_statistics.of_fleet(c, scope.subscriber_ref, span, hours or 1)
    )
    if start is not None:
        return found
    newest = {entry.type: entry for entry in found}
    return sorted(newest.values(), key=lambda entry: entry.type == "DOWNLINK")


HANDLERS = [list_alarms, get_alarm, acknowledge, health_statistics, frame_statistics_]
