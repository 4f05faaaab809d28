"""Presence of registered and unregistered base stations."""

from __future__ import annotations

from collections import OrderedDict, deque

import msgspec

from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.gpstime import gps_to_unix
from veldnet.lorawan.radio import GatewayUplink
from veldnet.texts import Text, pack

from .addresses import Addresses
from .counter_watch import CounterWatch
from .counters import Counters
from .measures import Measures

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
        self.last: Text | None = None
        self.at: float | None = None

    def add(self, code: str, words: str, now: float) -> None:
        self.count += 1
        self.last, self.at = Text("{code}: {words}", code=code, words=words), now

    @property
    def packed(self) -> str | None:
        """The last, for readers whose language is not known yet."""
        return None if self.last is None else pack(self.last)


class Seen:
    """What a base station has shown of itself since this process started. Times are Unix seconds."""

    __slots__ = (
        "_bad",
        "_clock_error_at",
        "_packets",
        "_period",
        "acknowledged",
        "address",
        "addresses",
        "breaks",
        "clock_error",
        "counter_watch",
        "counters",
        "frame_at",
        "gps_at",
        "irregular",
        "measures",
        "poor",
        "refused",
        "restarted_at",
        "seen_at",
        "session_at",
        "sessions",
        "up_since",
    )

    def __init__(self, now: float) -> None:
        self.seen_at = now
        # Since when it has been there without a break.
        self.up_since = now
        # Times in which it was silent, from and to, that nobody has taken up yet.
        self.breaks: deque[tuple[float, float]] = deque(maxlen=_MOST_BREAKS)
        self.measures = Measures()
        self.counter_watch = CounterWatch()
        self.restarted_at: float | None = None
        # From where it is connected, since when, and how many sessions that makes since this process started.
        self.address: str | None = None
        self.session_at: float | None = None
        self.sessions = 0
        self.frame_at: float | None = None
        self.gps_at: float | None = None
        # Seconds that the clock of the last frame with a time was ahead of ours, where it was wrong.
        self.clock_error: float | None = None
        self._clock_error_at = 0.0
        # Frames that could not be read; what was wrong with others that were taken all the same.
        self.refused = Tally()
        self.irregular = Tally()
        self.addresses = Addresses()
        self.counters = Counters()
        # The share of its datagrams that were acknowledged, where two reports in a row say so.
        self.acknowledged: float | None = None
        self.poor = False
        # Packets and those with a wrong CRC, of this hour and the one before.
        self._period = int(now // _HOUR)
        self._packets = [0, 0]
        self._bad = [0, 0]

    def begins(self, address: str, now: float) -> None:
        """It has begun a session from an address, or below a topic of a broker."""
        self.address, self.session_at = address, now
        self.sessions += 1

    def uplink(self, uplink: GatewayUplink, now: float, steady: float) -> None:
        """A frame with its metadata; `steady` is the time by a clock that never steps."""
        gps_time = uplink.gps_time
        self.frame(now, gps_time is not None, uplink.clock_error)
        self.measures.heard(uplink.frequency, uplink.rssi, uplink.snr)
        if uplink.answerable and self.counter_watch.restarted(uplink.timestamp or 0, steady):
            self.restarted(now)
        if gps_time is not None:
            # Its GPS clock seems to be so many seconds ahead of ours.
            self.measures.clock_offset.add(gps_to_unix(gps_time) - now)

    def frame(self, now: float, gps: bool, clock_error: float | None = None) -> None:
        self.frame_at = now
        if gps:
            self.gps_at = now
            self.clock_error = None
        elif clock_error is not None:
            self.clock_error, self._clock_error_at = clock_error, now
            self.measures.clock_offset.add(clock_error)
        elif self.clock_error is not None and now - self._clock_error_at > _STALE:
            # It does not say any time now.
            self.clock_error = None

    def status(self, now: float, received: float, good: float, forwarded: float, acknowledged: float) -> None:
        """A status report: packets received, with a good CRC and forwarded since the last one, and the
        share of datagrams acknowledged, in per cent."""
        self._advance(now)
        packets = int(_counted(received))
        bad = max(packets - int(_counted(good)), 0)
        self._packets[0] += packets
        self._bad[0] += bad
        measures = self.measures
        measures.packets += packets
        measures.bad_packets += bad
        measures.forwarded += int(_counted(forwarded))
        if forwarded > 0:
            share = min(max(acknowledged, 0.0), 100.0) / 100
            measures.acknowledged.add(share)
            poor = share < _POOR
            if not poor or self.poor:
                self.acknowledged = share
            self.poor = poor

    def temperature(self, celsius: float) -> None:
        """What it says of its own temperature."""
        if _COLDEST <= celsius <= _HOTTEST:
            self.measures.temperature.add(celsius)

    def round_trip(self, seconds: float) -> None:
        """It has answered after so many seconds."""
        if 0.0 <= seconds <= _LONGEST_TRIP:
            self.measures.round_trip.add(seconds)

    def duplicates(self, now: float) -> list[str]:
        """The addresses of base stations that use its EUI at once; none where there is but one."""
        found = self.addresses.in_turn(now) or self.counters.side_by_side(now)
        return [f"{host}:{port}" if port else host for host, port in found]

    def restarted(self, now: float) -> None:
        """It has started again."""
        self.measures.restarts += 1
        self.restarted_at = now

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds: everything is as long ago as it was."""
        self.seen_at += by
        self.up_since += by
        self._clock_error_at += by
        self.breaks = deque(((begin + by, end + by) for begin, end in self.breaks), maxlen=_MOST_BREAKS)
        self.restarted_at = _later(self.restarted_at, by)
        self.session_at = _later(self.session_at, by)
        self.frame_at = _later(self.frame_at, by)
        self.gps_at = _later(self.gps_at, by)
        for tally in (self.refused, self.irregular):
            tally.at = _later(tally.at, by)
        self.addresses.stepped(by)
        self.counters.stepped(by)

    def measured(self) -> Measures:
        """What was measured since the last time."""
        taken, self.measures = self.measures, Measures()
        return taken

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


def _later(at: float | None, by: float) -> float | None:
    return None if at is None else at + by


def _counted(value: float) -> float:
    """A counter of a report, which is one of 32 bits whatever it says."""
    return min(max(value, 0.0), float(1 << 32))


_HOUR = 3600.0
# Base stations say something every few seconds.
_BREAK = 120.0
_POOR = 0.9
# Between two looks.
_MOST_BREAKS = 64
# Degrees Celsius, and seconds, beyond which what is said cannot be.
_COLDEST, _HOTTEST = -80.0, 150.0
_LONGEST_TRIP = 60.0
# A clock that was wrong so many seconds ago says nothing of now.
_STALE = 600.0


class Presence:
    """Who was seen when. Base stations that are not registered are counted, and forgotten when too many."""

    def __init__(self) -> None:
        self.last_seen: dict[BaseStationId, float] = {}
        self.stations: dict[BaseStationId, Seen] = {}
        self.unknown: OrderedDict[GatewayEui, UnknownBaseStation] = OrderedDict()
        # What was refused in the name of registered base stations that were not heard yet.
        self.unheard: dict[BaseStationId, Tally] = {}

    def seen(self, base_station: BaseStationId, now: float) -> Seen:
        self.last_seen[base_station] = now
        station = self.stations.get(base_station)
        if station is None:
            station = self.stations[base_station] = Seen(now)
        elif now - station.seen_at > _BREAK:
            station.breaks.append((station.seen_at, now))
            station.up_since = now
        station.seen_at = now
        return station

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds."""
        for station in self.stations.values():
            station.stepped(by)
        for unknown in self.unknown.values():
            unknown.last_seen_at += by

    def note_refusal(self, base_station: BaseStationId, code: str, words: str, now: float) -> None:
        """Show at a registered base station what was refused of somebody in its name, who may be anybody."""
        station = self.stations.get(base_station)
        if station is None:
            self.unheard.setdefault(base_station, Tally()).add(code, words, now)
        else:
            station.refused.add(code, words, now)
            # To be written down, though it was not heard.
            self.last_seen.setdefault(base_station, station.seen_at)

    def refused(self, gateway: GatewayEui, address: str, now: float) -> None:
        known = self.unknown.get(gateway)
        if known is None:
            if len(self.unknown) >= _MAX_UNKNOWN:
                self.unknown.popitem(last=False)
            self.unknown[gateway] = UnknownBaseStation(address, 1, now)
        else:
            known.address, known.last_seen_at = address, now
            known.datagrams += 1
