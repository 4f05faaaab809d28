"""What goes to a device and what came from it, on the paths of ThingPark's OSS."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import UNSET

from veldnet.api.query import Parameter, base_station, time
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.api.v1.downlinks import NewDownlink, send_downlink
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.locations import Place, device_locations
from veldnet.monitoring.logger import Line, Query, Whose, search

from .devices import ONE
from .shapes import listed, millis, now_ms

_UP = ("UPLINK_DATA", "UPLINK_MAC", "UPLINK_MAC_DATA")
_DOWN = ("DOWNLINK_DATA", "DOWNLINK_MAC", "DOWNLINK_MAC_DATA", "DOWNLINK_REFUSED")
_MOST = 500
_DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?")


def _duration(text: str, name: str) -> int:
    """Milliseconds of an ISO 8601 duration of days, hours, minutes and seconds."""
    found = _DURATION.fullmatch(text)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    length = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    if not 0 < length <= 400 * 86_400_000:
        raise InvalidField(
            "{name} {value!r} must be a duration such as P7D or PT6H, of 400 days at most",
            name=name,
            value=text[:40],
        )
    return length


class OssSubmission(msgspec.Struct, frozen=True):
    """A downlink; with fCntDn or aFCntDn its payload is encrypted with that counter."""

    payload: Annotated[str | None, Parameter("Hexadecimal digits.")] = None
    fPort: Annotated[int | None, Parameter("1 to 223.")] = None
    fCntDn: Annotated[int | None, Parameter("Counter.")] = None
    aFCntDn: Annotated[int | None, Parameter("The same, of a device of LoRaWAN 1.1.")] = None
    confirmed: Annotated[bool, Parameter("Have the device acknowledge it.")] = False
    flushDownlinkQueue: Annotated[bool, Parameter("Drop what waits first.")] = False
    validityTime: Annotated[str | None, Parameter("Seconds, or a time (ISO 8601).")] = None


class OssFrame(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A frame: `type` 0 is an uplink, 1 a downlink, whose `deliveryStatus` is 1 if it was sent. Levels in dBm
    and dB, `size` in octets of payload, `timestamp` in Unix milliseconds."""

    type: int
    timestamp: int
    size: int = -1
    sf: int | None = None
    rssi: float | None = None
    snr: float | None = None
    esp: float | None = None
    late: bool | None = None
    overflow: bool | None = None
    deliveryStatus: int | None = None


class OssStation(msgspec.Struct):
    lrrID: str


class OssFrames(msgspec.Struct):
    """Frames, the oldest first, and the base stations that have heard or sent them best."""

    briefs: list[OssFrame]
    lrrs: list[OssStation]
    now: int


class OssPlaces(msgspec.Struct):
    """Where the network has located a device, the newest first."""

    briefs: list[Place]
    more: bool


class OssSpan(msgspec.Struct, frozen=True):
    """When; without `begin` the newest."""

    begin: Annotated[int | None, time("Time of the first, ISO 8601.")] = None
    duration: Annotated[
        int, Parameter("Length of the span, ISO 8601, P7D if absent.", type="string", read=_duration)
    ] = 7 * 86_400_000


class OssFrameFilter(OssSpan, frozen=True):
    """Which frames."""

    lrrID: Annotated[
        int | None, Parameter("Only frames by this base station.", type="string", read=base_station)
    ] = None
    type: Annotated[tuple[str, ...], Parameter("0 for uplinks, 1 for downlinks.", read=listed)] = ()


@OSS.post(f"{ONE}/admins/downlink", status=201)
async def submit(device_ref: str, services: Services, scope: Scope, query: OssSubmission) -> None:
    """Queue a downlink; it is durable when the answer comes."""
    if query.payload is None or query.fPort is None:
        raise MissingField("payload and fPort are mandatory")
    counter = query.fCntDn if query.aFCntDn is None else query.aFCntDn
    body = NewDownlink(
        fPort=query.fPort,
        payload=query.payload,
        confirmed=query.confirmed,
        flush=query.flushDownlinkQueue,
        fCntDn=UNSET if counter is None else counter,
        validityTime=UNSET if query.validityTime is None else query.validityTime,
    )
    await send_downlink(device_ref, services, scope, body)


@OSS.get(f"{ONE}/frames")
async def list_frames(device_ref: str, services: Services, scope: Scope, query: OssFrameFilter) -> OssFrames:
    """The newest frames of a span, at most 500."""
    for wrong in set(query.type) - {"0", "1"}:
        raise InvalidField("type {value!r} must be 0 or 1", value=wrong[:40])
    types = [
        name for kind, names in (("0", _UP), ("1", _DOWN)) if kind in (query.type or kind) for name in names
    ]
    begin, end = span_of(services, query)
    stations = () if query.lrrID is None else (query.lrrID,)
    places = services.platform.base_stations.place_of
    ref = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    wanted = Query(
        device_ref=ref, packet_types=frozenset(types), base_stations=stations, start=begin, end=end
    )
    whose = Whose(scope.operator_ref, scope.subscriber_ref)
    page = await services.read(lambda c: search(c, whose, wanted, None, _MOST, places))
    lines = page.frames[::-1]
    heard_by = sorted({line.baseStationId for line in lines if line.baseStationId is not None})
    return OssFrames([_frame(line) for line in lines], list(map(OssStation, heard_by)), now_ms(services))


def span_of(services: Services, query: OssSpan) -> tuple[int, int]:
    """Begin and end in Unix milliseconds."""
    begin = now_ms(services) - query.duration if query.begin is None else query.begin
    return begin, begin + query.duration


def _frame(line: Line) -> OssFrame:
    up = line.type.startswith("UPLINK")
    return OssFrame(
        type=0 if up else 1,
        timestamp=millis(line.time) or 0,
        size=line.size,
        sf=line.sf,
        rssi=line.rssi,
        snr=line.snr,
        esp=line.esp,
        late=line.late if up else None,
        overflow=line.overLimit,
        deliveryStatus=None if up else int(line.type != "DOWNLINK_REFUSED" and line.delivered is not False),
    )


@OSS.get(f"{ONE}/locations")
async def list_places(device_ref: str, services: Services, scope: Scope, query: OssSpan) -> OssPlaces:
    """Where the network has located a device, the newest 500 of a span."""
    begin, end = span_of(services, query)
    found = await services.read(
        lambda c: device_locations(c, devices.device_ref(c, scope, device_ref), begin, end, None, _MOST)
    )
    return OssPlaces(found.locations, found.next is not None)
