"""How many messages to single devices base stations have the air time for, and how long a set-up takes.

A device of class A hears one message after each of its uplinks: in RX1 on a band of a small duty cycle, or in
RX2, often at a slow data rate. Campaigns plan with a part of each band, for others send too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import ceil

import msgspec

from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.modulation import Lora, Modulation
from veldnet.lorawan.regions import ChannelPlan
from veldnet.network.core.multicast import Heard, needed_margin

from .states import Needs

# Of the duty cycle of a band; the rest is for joins, acknowledgements and applications.
_PART = 0.5
# Octets of a frame that asks something of a device, on average: MHDR, FHDR, FPort and MIC with 11 to 30.
_SIZE = 32
# Decibels that ADR leaves beside those that a group does.
_ADR = 5.0
# A base station that hears a device by so many dB worse than the best one answers it all the same.
_AS_GOOD = 6.0
# Messages by which a device joins a group, and by which it is told of a session.
SET_UP, TELL = 2, 1
# Questions are repeated where they or their answers are lost.
_REPEATED = 1.25


class Reach(msgspec.Struct, frozen=True, gc=False):
    """Base stations that can answer a device, and the data rate that it sends at, as far as can be told."""

    stations: tuple[int, ...]
    data_rate: int


def reach_of(channel_plan: ChannelPlan, heard: Iterable[Heard]) -> dict[int, Reach]:
    """By device, of those that were heard."""
    margins: dict[int, dict[int, float]] = {}
    for each in heard:
        margins.setdefault(each.device_ref, {})[each.base_station] = each.margin or 0.0
    found = {}
    for device, by_station in margins.items():
        best = max(by_station.values())
        stations = (station for station, margin in by_station.items() if margin >= best - _AS_GOOD)
        found[device] = Reach(tuple(sorted(stations)), _data_rate(channel_plan, best))
    return found


def _data_rate(channel_plan: ChannelPlan, margin: float) -> int:
    """What ADR lets a device send at that is heard so well."""
    region = channel_plan.region
    slowest = min(region.join_data_rates)
    for rate in range(region.adr_max_data_rate, slowest, -1):
        modulation = region.uplink[rate].modulation if rate in region.uplink else None
        if isinstance(modulation, Lora) and needed_margin(modulation) + _ADR <= margin:
            return rate
    return slowest


class Cost(msgspec.Struct, frozen=True, gc=False):
    """What a message takes of a base station: seconds until it has air time for another one, and seconds of
    transmission."""

    time: float
    airtime: float


def message_time(channel_plan: ChannelPlan, data_rate: int, share: float) -> float:
    """Seconds after which a base station has air time for another question."""
    return cost_of(channel_plan, data_rate, share, _SIZE).time


@lru_cache(maxsize=256)
def cost_of(channel_plan: ChannelPlan, data_rate: int, share: float, size: int) -> Cost:
    """Of a frame of so many octets to a device that sends at `data_rate`; campaigns may use a `share` of the
    time, from 0 to 1."""
    region = channel_plan.region
    rx1 = region.downlink[region.rx1_data_rate(data_rate, 0)].modulation
    rx2_rate = channel_plan.rx2_data_rate
    rx2 = region.downlink[region.rx2_data_rate if rx2_rate is None else rx2_rate].modulation
    windows = [(rx1, region.rx1_frequency(c.frequency, n)) for n, c in enumerate(channel_plan.channels)]
    windows.append((rx2, region.rx2_frequency))
    left, rate, used = share, 0.0, set()
    for modulation, frequency in sorted(windows, key=lambda window: _airtime(window[0], size)):
        band = region.sub_band(frequency)
        name, duty_cycle = ("", 1.0) if band is None else (band.name, band.duty_cycle)
        if name in used:
            continue
        used.add(name)
        part = min(left, duty_cycle * _PART) if duty_cycle < 1 else left
        left -= part
        rate += part / _airtime(modulation, size)
    return Cost(1 / rate, (share - left) / rate)


def _airtime(modulation: Modulation, size: int) -> float:
    return time_on_air(modulation, size, crc=False) / 1000


class Estimate(msgspec.Struct, frozen=True):
    """Seconds that base stations need for messages to devices, of which so many were never heard."""

    seconds: int
    stations: int
    unheard: int


def estimate(
    channel_plan: ChannelPlan, reach: Mapping[int, Reach], devices: int, messages: int, share: float
) -> Estimate:
    """How long it takes to send each of so many devices so many messages: as long as the base station with
    most to do needs. Devices that were never heard count like the others on average."""
    load: dict[int, float] = {}
    for each in reach.values():
        time = message_time(channel_plan, each.data_rate, share) / len(each.stations)
        for station in each.stations:
            load[station] = load.get(station, 0.0) + time
    if not load:
        return Estimate(0, 0, devices)
    seconds = max(load.values()) * messages * _REPEATED * devices / len(reach)
    return Estimate(round(seconds), len(load), devices - len(reach))


class Load:
    """What messages to devices take of base stations, added up."""

    def __init__(self) -> None:
        # Devices that were heard, and those that were not.
        self.heard = self.unheard = 0
        self._airtime = 0.0
        self._by_station: dict[int, float] = {}

    def add(
        self,
        channel_plan: ChannelPlan,
        reach: Mapping[int, Reach],
        devices: int,
        sizes: Mapping[int, int],
        share: float,
    ) -> None:
        """So many devices get messages of these sizes of frames, by how many of each; some have a `reach`."""
        self.heard += len(reach)
        self.unheard += devices - len(reach)
        for each in reach.values():
            costs = [(cost_of(channel_plan, each.data_rate, share, size), n) for size, n in sizes.items()]
            self._airtime += sum(cost.airtime * n for cost, n in costs)
            time = sum(cost.time * n for cost, n in costs) / len(each.stations)
            for station in each.stations:
                self._by_station[station] = self._by_station.get(station, 0.0) + time

    def estimate(self, messages: int) -> Needs:
        """Devices that were never heard count like the others on average; where none was, nothing is
        known. A device gets so many `messages`."""
        uplinks = ceil(messages * _REPEATED)
        if not self.heard:
            return Needs(uplinks, None, None, 0, self.unheard)
        all_of_them = _REPEATED * (self.heard + self.unheard) / self.heard
        return Needs(
            uplinks,
            round(max(self._by_station.values()) * all_of_them),
            round(self._airtime * all_of_them),
            self.heard,
            self.unheard,
        )
