"""What base stations have heard and sent on each channel."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, select

from veldnet.domain.resources import timestamp
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.monitoring.statistics.rollups import HOUR
from veldnet.store.schema import base_station_hours

from .hours import Channel, Levels, decode_measures


class ChannelTotals(msgspec.Struct):
    """A channel of a base station in a slot from `date` on. `channel` is its name, `frequency` in MHz, none
    where frames of several are counted as one. Frames heard, whosever they are, with RSSI in dBm and SNR in
    dB; frames sent, and seconds on air with them. `dutyCycle` is the share of an hour on air, as a mean of
    the hours for which the base station was watched, `dutyCycleMax` the highest one."""

    date: str
    channel: str
    frequency: float | None
    frames: int
    rssi: float | None
    rssiMin: float | None
    rssiMax: float | None
    snr: float | None
    snrMin: float | None
    snrMax: float | None
    downlinks: int
    airtime: float
    dutyCycle: float
    dutyCycleMax: float


class _Sum:
    """A channel over hours."""

    __slots__ = ("channel", "frequency", "most")

    def __init__(self, frequency: int) -> None:
        self.frequency = frequency
        self.channel = Channel()
        # Of the channel's milliseconds on air, those of the fullest hour.
        self.most = 0


class _Slot:
    """Channels over hours, by name, and the number of hours."""

    __slots__ = ("channels", "hours")

    def __init__(self) -> None:
        self.channels: dict[str, _Sum] = {}
        self.hours = 0


Named = Callable[[int], str]


def channel_slots(
    connection: Connection, station: int, span: Span, hours: int, named: Named
) -> list[ChannelTotals]:
    """The channels of a base station by slots of hours; `named` is the name of a channel by its frequency in
    Hz."""
    slots = _slots(connection, station, span, lambda hour: hour // hours * hours, named)
    return [entry for hour, slot in sorted(slots.items()) for entry in _shown(timestamp(hour * HOUR), slot)]


def channel_totals(connection: Connection, station: int, span: Span, named: Named) -> list[ChannelTotals]:
    """The same of the whole time range, with one entry for each channel."""
    slots = _slots(connection, station, span, lambda _hour: 0, named)
    return [entry for slot in slots.values() for entry in _shown(timestamp(span.start), slot)]


def _slots(
    connection: Connection, station: int, span: Span, slot_of: Callable[[int], int], named: Named
) -> dict[int, _Slot]:
    columns = base_station_hours.c
    rows = connection.execute(
        select(columns.hour, columns.measures).where(
            columns.base_station == station,
            columns.hour >= span.start // HOUR,
            columns.hour < -(-span.end // HOUR),
        )
    )
    slots: dict[int, _Slot] = {}
    for row in rows:
        slot = slots.setdefault(slot_of(row.hour), _Slot())
        slot.hours += 1
        _add(slot, decode_measures(row.measures).channels, named)
    return slots


def _add(slot: _Slot, channels: dict[int, Channel], named: Named) -> None:
    """Add an hour. Base stations say frequencies inexactly: several may be one channel."""
    on_air: dict[str, int] = {}
    for frequency, channel in channels.items():
        name = named(frequency * 1000)
        found = slot.channels.setdefault(name, _Sum(frequency))
        found.channel.add(channel)
        on_air[name] = on_air.get(name, 0) + channel.airtime
        found.most = max(found.most, on_air[name])


def _shown(date: str, slot: _Slot) -> list[ChannelTotals]:
    return [
        ChannelTotals(
            date=date,
            channel=name,
            frequency=found.frequency / 1000 or None,
            frames=channel.frames,
            rssi=_mean(channel.rssi),
            rssiMin=_bound(channel.rssi, channel.rssi.lowest),
            rssiMax=_bound(channel.rssi, channel.rssi.highest),
            snr=_mean(channel.snr),
            snrMin=_bound(channel.snr, channel.snr.lowest),
            snrMax=_bound(channel.snr, channel.snr.highest),
            downlinks=channel.downlinks,
            airtime=channel.airtime / 1000,
            dutyCycle=round(channel.airtime / (slot.hours * HOUR), 6),
            dutyCycleMax=round(found.most / HOUR, 6),
        )
        for name, found in sorted(slot.channels.items(), key=lambda each: each[1].frequency)
        for channel in (found.channel,)
    ]


def _mean(levels: Levels) -> float | None:
    return round(levels.total / levels.count / 10, 4) if levels.count else None


def _bound(levels: Levels, tenths: int) -> float | None:
    return tenths / 10 if levels.count else None
