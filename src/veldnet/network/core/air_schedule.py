"""Schedule of base station transmissions: no overlaps, within duty cycles.

A duty cycle is kept over a sliding hour (ETSI EN 300 220-1 §5.4), counted by the minute, for each base
station and sub-band. The schedule lives in memory: a restarted server has seen nothing of the hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.radio import GatewayDownlink, TransmitWindow
from veldnet.lorawan.regions import Region, SubBand
from veldnet.network.core.base_station_radios import BaseStationRadios, Refusal
from veldnet.network.core.transmit_results import NO_ANSWER, SENT, TransmitResults

RADIO_BUSY = "A3"
DUTY_CYCLE = "DA"

_HOUR = 3600.0
_MINUTES = 60
# A concentrator needs so long between two frames.
_GAP = 0.005
# From handing over a frame that may go at once until it is on the air.
_PROMPT = 0.04
# By so many seconds after its end a base station has said that it did not send a frame.
_REPORTED = 5.0
# Load costs a base station so many dB of its advantage.
_LOAD_PENALTY = 10.0
# More margin than this makes no base station better.
_ENOUGH_MARGIN = 20.0


class _Usage:
    """Seconds on air in each of the last sixty minutes."""

    __slots__ = ("minute", "seconds", "total")

    def __init__(self) -> None:
        self.minute = 0
        self.seconds = [0.0] * _MINUTES
        self.total = 0.0

    def advance(self, minute: int) -> None:
        if minute - self.minute >= _MINUTES:
            self.seconds = [0.0] * _MINUTES
            self.total = 0.0
            self.minute = minute
        while self.minute < minute:
            self.minute += 1
            self.total -= self.seconds[self.minute % _MINUTES]
            self.seconds[self.minute % _MINUTES] = 0.0

    def add(self, minute: int, seconds: float) -> None:
        self.advance(minute)
        self.seconds[self.minute % _MINUTES] += seconds
        self.total += seconds

    def by_age(self, minute: int) -> list[float]:
        """The seconds of each minute, this one first."""
        self.advance(max(minute, self.minute))
        return [self.seconds[(self.minute - age) % _MINUTES] for age in range(_MINUTES)]

    def raise_to(self, minute: int, by_age: Sequence[float]) -> None:
        """Have at least so many seconds in each minute."""
        self.advance(max(minute, self.minute))
        for age, seconds in enumerate(by_age[:_MINUTES]):
            at = (self.minute - age) % _MINUTES
            self.seconds[at] = max(self.seconds[at], seconds)
        self.total = sum(self.seconds)

    def free_at(self, minute: int, excess: float) -> float:
        """When so many seconds of use will be an hour old."""
        for ahead in range(1, _MINUTES + 1):
            excess -= self.seconds[(minute + ahead) % _MINUTES]
            if excess <= 0:
                return (minute + ahead) * 60.0
        return (minute + _MINUTES) * 60.0


class _Station:
    __slots__ = ("booked", "usage")

    def __init__(self) -> None:
        # Start, end, token and slot of each frame still to be sent.
        self.booked: list[tuple[float, float, int, int]] = []
        self.usage: dict[str, _Usage] = {}


class AirSchedule:
    """The schedule of all base stations. Times are Unix seconds."""

    def __init__(
        self,
        regions: Iterable[Region],
        *,
        duty_cycle: bool = True,
        radios: BaseStationRadios | None = None,
    ) -> None:
        self.radios = radios if radios is not None else BaseStationRadios()
        self.results = TransmitResults()
        self._regions = {region.name: region for region in regions}
        self._duty_cycle = duty_cycle
        self._stations: dict[BaseStationId, _Station] = {}

    def fitted(self, window: TransmitWindow, now: float) -> TransmitWindow | Refusal:
        """The window with a power that its base station takes, or why it cannot send there."""
        return self.radios.fitted(window, now)

    def plans_both(self, base_station: BaseStationId) -> bool:
        """Whether a base station can be given RX1 and RX2 at once."""
        return self.radios.plans_both(base_station)

    def refusal(self, window: TransmitWindow, size: int, now: float) -> Refusal | None:
        """Why a frame of `size` octets cannot go in a window, None if it can."""
        station = self._stations.get(window.base_station)
        if station is None:
            return None
        start, airtime = _start(window, now), airtime_of(window, size)
        station.booked = [booking for booking in station.booked if booking[1] > now - _REPORTED]
        for begin, end, _token, _slot in station.booked:
            if begin - _GAP < start + airtime and start < end + _GAP:
                self.results.count(window.base_station, "BUSY")
                return Refusal(RADIO_BUSY, end + _GAP)
        name, band = self._band(window.region, window.frequency)
        if band is None or band.duty_cycle >= 1 or not self._duty_cycle:
            return None
        usage = station.usage.get(name)
        if usage is None:
            return None
        minute = int(start // 60)
        usage.advance(minute)
        excess = usage.total + airtime - band.duty_cycle * _HOUR
        if excess <= 0:
            return None
        self.results.count(window.base_station, "DUTY_CYCLE")
        return Refusal(DUTY_CYCLE, usage.free_at(minute, excess))

    def book(self, window: TransmitWindow, size: int, token: int, now: float) -> None:
        """A base station is going to send a frame."""
        station = self._stations.setdefault(window.base_station, _Station())
        start, airtime = _start(window, now), airtime_of(window, size)
        station.booked.append((start, start + airtime, token, window.slot))
        name, band = self._band(window.region, window.frequency)
        if band is not None and band.duty_cycle < 1:
            station.usage.setdefault(name, _Usage()).add(int(start // 60), airtime)

    def cancel(self, window: TransmitWindow, size: int, token: int) -> None:
        """A base station does not send a frame in a window that was booked."""
        station = self._stations.get(window.base_station)
        if station is None:
            return
        found = next((booking for booking in station.booked if booking[2:] == (token, window.slot)), None)
        if found is None:
            return
        station.booked.remove(found)
        usage = station.usage.get(self._band(window.region, window.frequency)[0])
        if usage is not None:
            usage.add(usage.minute, -airtime_of(window, size))

    def answered(self, frame: GatewayDownlink, error: str | None, *, second: bool) -> None:
        """A base station has said what became of a frame that was booked; `second` is whether it took the
        second of two windows."""
        size, window = len(frame.phy_payload), frame.window
        self.results.count(frame.base_station, error or SENT)
        if error is not None or second:
            self.cancel(window, size, frame.token)
        if frame.second is not None and (error is not None or not second):
            self.cancel(frame.second, size, frame.token)
        if error is None:
            self._used((second and frame.second) or window, size)

    def unanswered(self, frame: GatewayDownlink) -> None:
        """A base station does not say what became of a frame that was booked. One of two windows may have
        been used, not both."""
        self.results.count(frame.base_station, NO_ANSWER)
        if frame.second is not None:
            self.cancel(frame.second, len(frame.phy_payload), frame.token)
        self._used(frame.window, len(frame.phy_payload))

    def _used(self, window: TransmitWindow, size: int) -> None:
        self.results.used(window.base_station, window.frequency, airtime_of(window, size))

    def load(self, base_station: BaseStationId, frequency: int, now: float, region: str = "") -> float:
        """Share of its duty cycle that a base station has used, and a little for each frame it is to send."""
        station = self._stations.get(base_station)
        if station is None:
            return 0.0
        waiting = 0.1 * sum(end > now for _start, end, _token, _slot in station.booked)
        name, band = self._band(region, frequency)
        usage = station.usage.get(name)
        if band is None or usage is None:
            return waiting
        usage.advance(max(usage.minute, int(now // 60)))
        return waiting + usage.total / (band.duty_cycle * _HOUR)

    def in_order(self, windows: tuple[TransmitWindow, ...], now: float) -> tuple[TransmitWindow, ...]:
        """Within each slot the base station first that has margin to spare and little to do."""
        if len(windows) == 1:
            return windows
        groups: dict[tuple[int, bool, float], int] = {}
        fitted = [self.fitted(window, now) for window in windows]
        windows = tuple(
            window if isinstance(fit, Refusal) else fit for window, fit in zip(windows, fitted, strict=True)
        )
        for window in windows:
            groups.setdefault(_slot(window), len(groups))
        return tuple(
            sorted(
                windows,
                key=lambda w: (
                    groups[_slot(w)],
                    _LOAD_PENALTY * self.load(w.base_station, w.frequency, now, w.region)
                    - min(w.margin, _ENOUGH_MARGIN),
                ),
            )
        )

    def usage(self, base_station: BaseStationId, now: float) -> dict[str, list[float]]:
        """Seconds on air of a base station by sub-band, in each of the last sixty minutes, this one first:
        for whoever schedules it from now on."""
        station = self._stations.get(base_station)
        if station is None:
            return {}
        return {name: usage.by_age(int(now // 60)) for name, usage in station.usage.items()}

    def take_over(
        self, base_station: BaseStationId, usage: Mapping[str, Sequence[float]], now: float
    ) -> None:
        """Count what a base station has sent while somebody else scheduled it, as `usage` has it; what was
        sent for this one is in that, too."""
        station = self._stations.setdefault(base_station, _Station())
        known = {self._name(region, band) for region in self._regions.values() for band in region.sub_bands}
        for name in usage.keys() & known:
            station.usage.setdefault(name, _Usage()).raise_to(int(now // 60), usage[name])

    def duty_cycles(self, now: float) -> dict[BaseStationId, dict[str, float]]:
        """Share of the hour that each base station has been on air, by sub-band."""
        shares: dict[BaseStationId, dict[str, float]] = {}
        for base_station, station in self._stations.items():
            for usage in station.usage.values():
                usage.advance(max(usage.minute, int(now // 60)))
            shares[base_station] = {name: u.total / _HOUR for name, u in station.usage.items()}
        return shares

    def loads(self, now: float) -> dict[BaseStationId, float]:
        """Share used of the airtime that a base station is allowed, in its fullest sub-band."""
        allowed = {
            self._name(region, band): band.duty_cycle
            for region in self._regions.values()
            for band in region.sub_bands
        }
        return {
            station: max((share / allowed.get(name, 1.0) for name, share in shares.items()), default=0.0)
            for station, shares in self.duty_cycles(now).items()
        }

    def _band(self, region: str, frequency: int) -> tuple[str, SubBand | None]:
        """The sub-band of a frequency, and the name under which its use is counted: in the region that is
        named, else in the first that has it."""
        named = self._regions.get(region)
        for each in self._regions.values() if named is None else (named,):
            band = each.sub_band(frequency)
            if band is not None:
                return self._name(each, band), band
        return "", None

    def _name(self, region: Region, band: SubBand) -> str:
        """Regions give their bands the same names."""
        return band.name if len(self._regions) == 1 else f"{region.name} {band.name}"


def _slot(window: TransmitWindow) -> tuple[int, bool, float]:
    """Windows of one slot. The ping slots of class B differ by their time; RX2 of an uplink comes before RX2
    at any time, of class C."""
    return window.slot, window.immediate, window.gps_time or 0.0


def _start(window: TransmitWindow, now: float) -> float:
    return now + _PROMPT if window.immediate else window.opens_at


def airtime_of(window: TransmitWindow, size: int) -> float:
    """Seconds on air of a PHYPayload of `size` octets."""
    return time_on_air(window.modulation, size, crc=False) / 1000
