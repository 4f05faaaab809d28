"""Statistics of base stations on the paths of ThingPark's DX API.

What ThingPark answers is published of none of them: frame and health statistics have the members of those of
devices, the others are made like them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import Parameter, base_station, time
from veldnet.api.routers import DX_OPERATOR
from veldnet.api.services import Services
from veldnet.api.v1.operator.base_stations import read_listed
from veldnet.api.v1.operator.channels import channel_name, names_of
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import FrameStatistics
from veldnet.domain.scope import OperatorScope
from veldnet.inventory.base_stations import BaseStation
from veldnet.monitoring import base_station_history as history
from veldnet.monitoring.base_station_history import ChannelTotals, StationSlot
from veldnet.monitoring.statistics import frame_statistics
from veldnet.monitoring.statistics.frame_statistics import Span

from .dx_base_stations import of_ref, shown_stations

_HOUR, _DAY = 3_600_000, 86_400_000
_MOST_DAYS = 400
_MOST_HOURS = history.KEPT_DAYS * 24

Start = Annotated[int | None, time("Start of the time range, ISO 8601; the newest entry without.")]
Step = Annotated[int, Parameter("Hours of a slot, aligned to UTC.", least=1, most=24, format="int32")]


class StationHealth(msgspec.Struct):
    """How many base stations are in which state of health."""

    initCount: int
    activeCount: int
    rfErrorCount: int
    backhaulConnectionErrorCount: int
    totalCount: int


class SignalStatistics(msgspec.Struct, omit_defaults=True):
    """Frames that a base station heard on a channel in a slot of an hour: RSSI in dBm, SNR in dB."""

    date: str
    frameCount: int
    baseStationRSSI: float | None = None
    baseStationRSSIMin: float | None = None
    baseStationRSSIMax: float | None = None
    baseStationSNR: float | None = None
    baseStationSNRMin: float | None = None
    baseStationSNRMax: float | None = None


class DutyCycleStatistics(msgspec.Struct):
    """Frames that a base station sent on a channel in a slot, seconds on air with them, and the share of an
    hour that this is: a mean of the hours, and the highest."""

    date: str
    frameCount: int
    airtime: float
    dutyCycle: float
    dutyCycleMax: float


class PacketStatistics(msgspec.Struct, omit_defaults=True):
    """What passed between a base station and the server in a slot: packets by its status reports, the share
    of its messages that were acknowledged, downlinks by result, seconds there and back, the share of the
    time for which it was connected."""

    date: str
    receivedCount: int = 0
    crcErrorCount: int = 0
    forwardedCount: int = 0
    acknowledgedShare: float | None = None
    downlinkCounts: dict[str, int] = {}
    roundTripMean: float | None = None
    roundTripMax: float | None = None
    connectedShare: float | None = None
    restartCount: int = 0


class StationFrames(msgspec.Struct, frozen=True):
    """Of which base station, and when."""

    baseStationId: Annotated[
        int | None, Parameter("LRR ID; all of the operator's without.", read=base_station)
    ] = None
    startDate: Start = None
    duration: Annotated[int, Parameter("Days.", least=1, most=_MOST_DAYS, format="int32")] = 7
    aggregationStep: Step = 1


class PacketTimes(msgspec.Struct, frozen=True):
    """The time range of packet statistics."""

    startDate: Start = None
    duration: Annotated[int, Parameter("Days.", least=1, most=history.KEPT_DAYS, format="int32")] = 7
    aggregationStep: Step = 1


class DutyCycleTimes(msgspec.Struct, frozen=True):
    """The time range of duty cycles."""

    startDate: Start = None
    duration: Annotated[int, Parameter("Days.", least=1, most=7, format="int32")] = 7
    aggregationStep: Step = 1


class SignalTimes(msgspec.Struct, frozen=True):
    """The time range of signals."""

    startDate: Start = None
    duration: Annotated[int, Parameter("Hours.", least=1, most=_MOST_HOURS, format="int32")] = 24


_T = TypeVar("_T")


def _span(services: Services, start: int | None, length: int) -> Span:
    """The time range that is named, or the last one of that length, this moment in it."""
    begin = round(services.platform.clock() * 1000) + 1 - length if start is None else start
    return Span(begin, begin + length)


def _newest(entries: list[_T], start: int | None) -> list[_T]:
    """All entries of a time range that is named; else the last one."""
    return entries if start is not None else entries[-1:]


@DX_OPERATOR.get("/baseStationFrameStatistics")
async def station_frames(
    services: Services, operator: OperatorScope, query: StationFrames
) -> list[FrameStatistics]:
    """Frames of a base station by slots, or of all of the operator's together, where one that several have
    heard counts at each."""
    span = _span(services, query.startDate, query.duration * _DAY)
    wanted = query.baseStationId

    def read(connection: Connection) -> list[FrameStatistics]:
        own = [int(each.id, 16) for each in read_listed(connection, operator.operator_ref).stations]
        if wanted is not None and wanted not in own:
            raise NotFound("BaseStation", f"{wanted:08X}")
        stations = own if wanted is None else [wanted]
        return frame_statistics.of_base_stations(connection, stations, span, query.aggregationStep)

    found = await services.read(read)
    return found if query.startDate is not None else frame_statistics.newest(found)


@DX_OPERATOR.get("/baseStationHealthStatistics")
async def station_health(services: Services, operator: OperatorScope) -> StationHealth:
    """How many of the operator's base stations are in which state of health."""
    listed = await services.read(lambda c: read_listed(c, operator.operator_ref))
    states = [
        station.statistics.healthState
        for station in shown_stations(services, listed)
        if station.statistics is not None
    ]
    return StationHealth(
        states.count("INIT"),
        states.count("ACTIVE"),
        states.count("RF_ERROR"),
        states.count("BACKHAUL_CNX_ERROR"),
        len(states),
    )


async def _station(
    services: Services,
    operator: OperatorScope,
    ref: str,
    read: Callable[[Connection, BaseStation], list[_T]],
) -> list[_T]:
    """What is read of a base station of the operator."""

    def of_own(connection: Connection) -> list[_T]:
        listed = read_listed(connection, operator.operator_ref)
        return read(connection, of_ref(listed.stations, ref))

    return await services.read(of_own)


async def _channel(
    services: Services, operator: OperatorScope, ref: str, channel: str, slots: tuple[Span, int]
) -> list[ChannelTotals]:
    """A channel of a base station of the operator, by slots of hours. Raises `NotFound`."""

    def read(connection: Connection, station: BaseStation) -> list[ChannelTotals]:
        named = names_of(services, station.id)
        name = channel_name(channel, named)
        found = history.channel_slots(connection, int(station.id, 16), *slots, named)
        return [each for each in found if each.channel == name]

    return await _station(services, operator, ref, read)


@DX_OPERATOR.get("/baseStations/{baseStationRef}/channels/{channelName}/signalStatistics")
async def signals(
    base_station_ref: str,
    channel_name: str,
    services: Services,
    operator: OperatorScope,
    query: SignalTimes,
) -> list[SignalStatistics]:
    """How well a base station heard frames on a channel, by hours in which it heard any."""
    span = _span(services, query.startDate, query.duration * _HOUR)
    found = await _channel(services, operator, base_station_ref, channel_name, (span, 1))
    entries = [
        SignalStatistics(
            each.date,
            each.frames,
            each.rssi,
            each.rssiMin,
            each.rssiMax,
            each.snr,
            each.snrMin,
            each.snrMax,
        )
        for each in found
        if each.frames
    ]
    return _newest(entries, query.startDate)


@DX_OPERATOR.get("/baseStations/{baseStationRef}/channels/{channelName}/dutyCycleStatistics")
async def duty_cycles(
    base_station_ref: str,
    channel_name: str,
    services: Services,
    operator: OperatorScope,
    query: DutyCycleTimes,
) -> list[DutyCycleStatistics]:
    """How long a base station was on air on a channel, by slots in which it was."""
    span = _span(services, query.startDate, query.duration * _DAY)
    slots = (span, query.aggregationStep)
    found = await _channel(services, operator, base_station_ref, channel_name, slots)
    entries = [
        DutyCycleStatistics(each.date, each.downlinks, each.airtime, each.dutyCycle, each.dutyCycleMax)
        for each in found
        if each.downlinks
    ]
    return _newest(entries, query.startDate)


@DX_OPERATOR.get("/baseStations/{baseStationRef}/lrcPacketStatistics")
async def packets(
    base_station_ref: str, services: Services, operator: OperatorScope, query: PacketTimes
) -> list[PacketStatistics]:
    """What passed between a base station and the server, by slots in which it was watched."""
    span = _span(services, query.startDate, query.duration * _DAY)

    def read(connection: Connection, station: BaseStation) -> list[StationSlot]:
        return history.station_slots(connection, int(station.id, 16), span, query.aggregationStep)

    found = await _station(services, operator, base_station_ref, read)
    return _newest([_packets(slot) for slot in found], query.startDate)


def _packets(slot: StationSlot) -> PacketStatistics:
    return PacketStatistics(
        slot.date,
        slot.packets,
        slot.badPackets,
        slot.forwardedPackets,
        slot.acknowledged,
        slot.downlinks,
        slot.roundTrip,
        slot.roundTripMax,
        slot.connected,
        slot.restarts,
    )
