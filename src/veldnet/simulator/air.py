"""The air between devices and base stations: who hears whom, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.modulation import Modulation

from .base_station import BaseStation
from .device import ListeningWindow, Transmission
from .propagation import Place, Propagation

# A device opens its window a little early and late enough to find the preamble.
_TOLERANCE = 0.020


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


class Air:
    """Carries frames both ways by the propagation model."""

    def __init__(self, propagation: Propagation) -> None:
        self._propagation = propagation
        self.base_stations: list[BaseStation] = []
        self._listeners: set[Listener] = set()

    def add(self, station: BaseStation) -> None:
        station.on_air = self._downlink
        self.base_stations.append(station)

    async def uplink(self, place: Place, sent: Transmission, heard: Callable[[bytes, float], bool]) -> bool:
        """Send a frame, then listen; True when `heard` took a downlink."""
        loop = asyncio.get_running_loop()
        airtime = time_on_air(sent.modulation, len(sent.phy_payload), crc=True) / 1000
        await asyncio.sleep(airtime)
        for station in self.base_stations:
            signal = self._propagation.receive(place, station.place, sent.power, sent.modulation)
            if signal is not None:
                station.hear(sent.phy_payload, sent.frequency, sent.modulation, signal)
        end = loop.time()
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

    async def _listen(self, listener: Listener, done: asyncio.Event) -> None:
        """Wait for a downlink until the last window has passed, or a frame that began in it has ended."""
        until = listener.windows[-1][0] + 2 * _TOLERANCE
        try:
            async with asyncio.timeout_at(until) as limit:

                def extend(end: float) -> None:
                    limit.reschedule(max(until, end))

                listener.extend = extend
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
    ) -> None:
        """A base station begins to transmit: devices listening just there and then receive it at its end."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        airtime = time_on_air(modulation, len(phy_payload), crc=False) / 1000
        for listener in list(self._listeners):
            for opens_at, window in listener.windows:
                if (
                    abs(opens_at - now) <= _TOLERANCE
                    and window.frequency == frequency
                    and window.modulation == modulation
                ):
                    signal = self._propagation.receive(station.place, listener.place, power, modulation)
                    if signal is not None:
                        listener.extend(now + airtime + _TOLERANCE)
                        loop.call_later(airtime, self._arrive, listener, phy_payload, signal.snr)

    def _arrive(self, listener: Listener, phy_payload: bytes, snr: float) -> None:
        if listener in self._listeners:
            listener.heard(phy_payload, snr)
