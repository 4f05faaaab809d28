"""Presence of registered and unregistered base stations."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from veldnet.lorawan import BaseStationId, GatewayEui

from .addresses import Addresses

_MAX_UNKNOWN = 1000


class UnknownBaseStation(msgspec.Struct):
    """A base station that is not registered."""

    address: str
    datagrams: int
    last_seen_at: float


class Tally:
    """How often something happened that the store does not know of yet, and the last of it in words."""

    __slots__ = ("at", "count", "last")

    def __init__(self) -> None:
        self.count = 0
        self.last: str | None = None
        self.at: float | None = None

    def add(self, words: str, now: float) -> None:
        self.count += 1
        self.last, self.at = words, now


class Seen:
    """What a base station has shown of itself since this process started. Times are Unix seconds."""

    __slots__ = (
        "_bad",
        "_clock_error_at",
        "_packets",
        "_period",
        "acknowledged",
        "addresses",
        "clock_error",
        "frame_at",
        "gps_at",
        "irregular",
        "poor",
        "refused",
        "seen_at",
        "up_since",
    )

    def __init__(self, now: float) -> None:
        self.seen_at = now
        # Since when it has been there without a break.
        self.up_since = now
        self.frame_at: float | None = None
        self.gps_at: float | None = None
        # Seconds that the clock of the last frame with a time was ahead of ours, where it was wrong.
        self.clock_error: float | None = None
        self._clock_error_at = 0.0
        # Frames that could not be read; what was wrong with others that were taken all the same.
        self.refused = Tally()
        self.irregular = Tally()
        self.addresses = Addresses()
        # The share of its datagrams that were acknowledged, where two reports in a row say so.
        self.acknowledged: float | None = None
        self.poor = False
        # Packets and those with a wrong CRC, of this hour and the one before.
        self._period = int(now // _HOUR)
        self._packets = [0, 0]
        self._bad = [0, 0]

    def frame(self, now: float, gps: bool, clock_error: float | None = None) -> None:
        self.frame_at = now
        if gps:
            self.gps_at = now
            self.clock_error = None
        elif clock_error is not None:
            self.clock_error, self._clock_error_at = clock_error, now
        elif self.clock_error is not None and now - self._clock_error_at > _STALE:
            # It does not say any time now.
            self.clock_error = None

    def status(self, now: float, received: float, good: float, forwarded: float, acknowledged: float) -> None:
        """A status report: packets received, with a good CRC and forwarded since the last one, and the
        share of datagrams acknowledged, in per cent."""
        self._advance(now)
        received = _counted(received)
        self._packets[0] += int(received)
        self._bad[0] += int(max(received - _counted(good), 0))
        if forwarded > 0:
            share = min(max(acknowledged, 0.0), 100.0) / 100
            poor = share < _POOR
            if not poor or self.poor:
                self.acknowledged = share
            self.poor = poor

    def _advance(self, now: float) -> None:
        period = int(now // _HOUR)
        if period != self._period:
            again = period == self._period + 1
            self._packets = [0, self._packets[0] if again else 0]
            self._bad = [0, self._bad[0] if again else 0]
            self._period = period

    def packets(self) -> tuple[int, int]:
        """Packets of the last one to two hours, and how many of them had a wrong CRC."""
        return sum(self._packets), sum(self._bad)


def _counted(value: float) -> float:
    """A counter of a report, which is one of 32 bits whatever it says."""
    return min(max(value, 0.0), float(1 << 32))


_HOUR = 3600.0
# Base stations say something every few seconds.
_BREAK = 120.0
_POOR = 0.9
# A clock that was wrong so many seconds ago says nothing of now.
_STALE = 600.0


class Presence:
    """Who was seen when. Base stations that are not registered are counted, and forgotten when too many."""

    def __init__(self) -> None:
        self.last_seen: dict[BaseStationId, float] = {}
        self.stations: dict[BaseStationId, Seen] = {}
        self.unknown: OrderedDict[GatewayEui, UnknownBaseStation] = OrderedDict()

    def seen(self, base_station: BaseStationId, now: float) -> Seen:
        self.last_seen[base_station] = now
        station = self.stations.get(base_station)
        if station is None:
            station = self.stations[base_station] = Seen(now)
        elif now - station.seen_at > _BREAK:
            station.up_since = now
        station.seen_at = now
        return station

    def refused(self, gateway: GatewayEui, address: str, now: float) -> None:
        known = self.unknown.get(gateway)
        if known is None:
            if len(self.unknown) >= _MAX_UNKNOWN:
                self.unknown.popitem(last=False)
            self.unknown[gateway] = UnknownBaseStation(address, 1, now)
        else:
            known.address, known.last_seen_at = address, now
            known.datagrams += 1
