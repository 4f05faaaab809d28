"""Radio channel between devices and base stations: reception, timing, collisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.modulation import Modulation

from .base_station import BaseStation
from .device import Transmission
from .device_radio import ListeningWindow
from .propagation import Heard, Place, Propagation

# A device opens its window a little early and late enough to find the preamble.
_TOLERANCE = 0.020
# Seconds in which a loop that was held up does what has been waiting.
_BACKLOG = 0.1
# Of two frames at once on one channel and spreading factor the stronger survives by so many dB
# (Bor et al., Do LoRa low-power wide-area networks scale?, 2016).
_CAPTURE = 6.0


class Listener:
    """A device waiting in its receive windows; times are the loop's."""

    def __init__(
        self,
        place: Place,
        windows: tuple[tuple[float, ListeningWindow], ...],
        heard: Callable[[bytes, float], bool],
    ) -> None:
        self.place = place
        self.windows = windows
        self.heard = heard
        # Called with the end of a frame that begins in a window: listening goes on until then.
        self.extend: Callable[[float], None] = lambda _until: None


class Attentive:
    """A device that listens without having spoken: `where` says on what, just now, or None."""

    def __init__(
        self,
        place: Place,
        where: Callable[[], tuple[int, Modulation] | None],
        heard: Callable[[bytes, float], bool],
    ) -> None:
        self.place = place
        self.where = where
        self.heard = heard
        # While it transmits it is deaf.
        self.deaf_until = 0.0


class _Downlink(NamedTuple):
    """A downlink on the air, from `at` to `end`."""

    phy_payload: bytes
    frequency: int
    modulation: Modulation
    power: float
    at: float
    end: float


class _OnAir:
    """An uplink under way, and how each base station receives it."""

    __slots__ = ("begin", "end", "frequency", "modulation", "signals")

    def __init__(
        self, begin: float, end: float, sent: Transmission, signals: dict[BaseStation, Heard]
    ) -> None:
        self.begin = begin
        self.end = end
        self.frequency = sent.frequency
        self.modulation = sent.modulation
        self.signals = signals


class Air:
    """Carries frames both ways by the propagation model. With `collisions` frames disturb each other, and a
    base station that transmits hears nothing."""

    def __init__(self, propagation: Propagation, *, collisions: bool = False) -> None:
        self._propagation = propagation
        self._collisions = collisions
        self.base_stations: list[BaseStation] = []
        self.collided = 0
        self._listeners: set[Listener] = set()
        self._attentive: dict[Attentive, None] = {}
        self._in_groups: dict[Attentive, None] = {}
        self._on_air: list[_OnAir] = []

    def add(self, station: BaseStation) -> None:
        station.on_air = self._downlink
        self.base_stations.append(station)

    def attend(self, attentive: Attentive) -> None:
        """Let a device of class B or C listen from now on."""
        self._attentive[attentive] = None

    def attend_group(self, attentive: Attentive, *, begin: bool = True) -> None:
        """Let a device listen to a multicast group besides, or not any more."""
        if begin:
            self._in_groups[attentive] = None
        else:
            self._in_groups.pop(attentive, None)

    async def uplink(
        self,
        place: Place,
        sent: Transmission,
        heard: Callable[[bytes, float], bool],
        attentive: Attentive | None = None,
    ) -> bool:
        """Send a frame, then listen; True when `heard` took a downlink."""
        loop = asyncio.get_running_loop()
        airtime = time_on_air(sent.modulation, len(sent.phy_payload), crc=True) / 1000
        signals = {
            station: signal
            for station in self.base_stations
            if station.listens(sent.frequency)
            and (signal := self._propagation.receive(place, station.place, sent.power, sent.modulation))
        }
        mine = _OnAir(loop.time(), loop.time() + airtime, sent, signals)
        if self._collisions:
            self._on_air = [other for other in self._on_air if other.end > loop.time() - 10]
            self._on_air.append(mine)
        if attentive is not None:
            attentive.deaf_until = mine.end
        await asyncio.sleep(airtime)
        for station, signal in signals.items():
            if not station.down and not (self._collisions and self._lost(station, signal, mine)):
                station.hear(sent.phy_payload, sent.frequency, sent.modulation, signal, mine.end, place)
        end = mine.end
        done = asyncio.Event()

        def take(phy_payload: bytes, snr: float) -> bool:
            taken = heard(phy_payload, snr)
            if taken:
                done.set()
            return taken

        listener = Listener(place, tuple((end + window.delay, window) for window in sent.windows), take)
        self._listeners.add(listener)
        try:
            await self._listen(listener, done)
        finally:
            self._listeners.discard(listener)
        return done.is_set()

    def _lost(self, station: BaseStation, signal: Heard, mine: _OnAir) -> bool:
        if station.transmitting(mine.begin, mine.end):
            return True
        for other in self._on_air:
            if (
                other is not mine
                and other.begin < mine.end
                and mine.begin < other.end
                and other.frequency == mine.frequency
                and other.modulation == mine.modulation
                and (theirs := other.signals.get(station)) is not None
                and signal.rssi - theirs.rssi < _CAPTURE
            ):
                self.collided += 1
                return True
        return False

    async def _listen(self, listener: Listener, done: asyncio.Event) -> None:
        """Wait for a downlink until the last window has passed, or a frame that began in it has ended."""
        loop = asyncio.get_running_loop()
        until = listener.windows[-1][0] + 2 * _TOLERANCE
        try:
            async with asyncio.timeout_at(until) as limit:

                def extend(end: float) -> None:
                    if not limit.expired():
                        limit.reschedule(max(until, end))

                listener.extend = extend
                await done.wait()
            return
        except TimeoutError:
            if loop.time() - until <= _TOLERANCE:
                return
        # The machine was busy: what came in time may still stand in line.
        try:
            async with asyncio.timeout(_BACKLOG):
                await done.wait()
        except TimeoutError:
            return

    def _downlink(
        self,
        station: BaseStation,
        phy_payload: bytes,
        frequency: int,
        modulation: Modulation,
        power: float,
        at: float,
    ) -> None:
        """A base station begins to transmit: devices listening just there and then receive it at its end.

        What counts is the planned time `at`; the timer may fire late.
        """
        loop = asyncio.get_running_loop()
        airtime = time_on_air(modulation, len(phy_payload), crc=False) / 1000
        in_window = False
        sent = _Downlink(phy_payload, frequency, modulation, power, at, at + airtime)
        self._offer(self._in_groups, station.place, sent)
        for listener in list(self._listeners):
            for opens_at, window in listener.windows:
                if (
                    abs(opens_at - at) <= _TOLERANCE
                    and window.frequency == frequency
                    and window.modulation == modulation
                ):
                    in_window = True
                    signal = self._propagation.receive(station.place, listener.place, power, modulation)
                    if signal is not None:
                        listener.extend(at + airtime + _TOLERANCE)
                        loop.call_at(at + airtime, self._arrive, listener, phy_payload, signal.snr)
        if in_window:
            return
        self._offer(self._attentive, station.place, sent)

    def _offer(self, listening: Iterable[Attentive], place: Place, sent: _Downlink) -> None:
        """Let those hear a frame who listen where it is sent."""
        loop = asyncio.get_running_loop()
        where = sent.frequency, sent.modulation
        for each in tuple(listening):
            if each.deaf_until <= sent.at and each.where() == where:
                signal = self._propagation.receive(place, each.place, sent.power, sent.modulation)
                if signal is not None:
                    loop.call_at(sent.end, each.heard, sent.phy_payload, signal.snr)

    def _arrive(self, listener: Listener, phy_payload: bytes, snr: float) -> None:
        if listener in self._listeners:
            listener.heard(phy_payload, snr)
