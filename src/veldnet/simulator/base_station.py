"""A virtual base station, sans-IO but for its timers: it hears frames and transmits at its own counter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from veldnet.lorawan import GatewayEui
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.gpstime import FineTime
from veldnet.lorawan.modulation import Modulation

from .fine_clock import FineClock
from .propagation import Heard, Place

# The reference forwarder needs a frame so long before it must be on air (Semtech packet forwarder 4.0).
LATEST = 0.0325
EARLIEST = 512.0
# A frame to be sent at once goes out after so long.
_PROMPT = 0.01


class HeardFrame(msgspec.Struct, frozen=True, gc=False):
    """A frame as a base station hears it; `timestamp` is that of its counter at the end, `fine` that of a
    fine clock, where it has one."""

    phy_payload: bytes
    frequency: int
    modulation: Modulation
    heard: Heard
    timestamp: int
    fine: FineTime | None = None


class Link(Protocol):
    """The way of a base station's frames to the server."""

    def frame(self, station: BaseStation, frame: HeardFrame) -> None: ...


class BaseStation:
    """A base station somewhere. `on_air` puts its downlinks on the air, at a time of the loop: the planned
    one, for a timer may fire late on a busy machine, but no radio does. `frequencies` are the channels it
    listens to, None for all; `gps`: whether it knows GPS time; one that is `down` does nothing.
    `transmits` is the range in Hz that its radio sends in, `powers` those of its table in dBm EIRP; None for
    any."""

    def __init__(
        self,
        eui: GatewayEui,
        place: Place,
        *,
        boot: float = 0.0,
        frequencies: frozenset[int] | None = None,
        gps: bool = False,
    ) -> None:
        self.eui = eui
        self.place = place
        self.frequencies = frequencies
        self.gps = gps
        self.down = False
        self.transmits: tuple[int, int] | None = None
        self.powers: frozenset[int] | None = None
        # Where it stamps frames to the nanosecond.
        self.fine: FineClock | None = None
        self.link: Link | None = None
        self.on_air: Callable[[BaseStation, bytes, int, Modulation, float, float], None] | None = None
        # Heard with a wrong CRC, which forwarders only count.
        self.broken = 0
        self.frames_heard = 0
        self.frames_sent = 0
        self._boot = boot
        self._busy: list[tuple[float, float]] = []

    def reboot(self) -> None:
        """Begin again: the counter at 0, and nothing left to send."""
        self._boot = asyncio.get_running_loop().time()
        self._busy.clear()

    def counter(self, moment: float | None = None) -> int:
        """Microseconds since it was switched on, at a moment of the loop's clock."""
        now = asyncio.get_running_loop().time() if moment is None else moment
        return int((now - self._boot) * 1_000_000)

    def timestamp(self, moment: float | None = None) -> int:
        """The 32-bit microsecond counter at a moment of the loop's clock."""
        return self.counter(moment) & 0xFFFFFFFF

    def listens(self, frequency: int) -> bool:
        return not self.down and (self.frequencies is None or frequency in self.frequencies)

    def transmitting(self, begin: float, end: float) -> bool:
        """Whether it sends during a time, and so hears nothing."""
        return any(start < end and begin < stop for start, stop in self._busy)

    def hear(
        self,
        phy_payload: bytes,
        frequency: int,
        modulation: Modulation,
        heard: Heard,
        at: float | None = None,
        place: Place | None = None,
    ) -> None:
        """A frame has ended `at` a time of the loop, now if none is given; it came from a place."""
        self.frames_heard += 1
        if self.link is None:
            return
        fine = None
        if self.fine is not None and place is not None and at is not None:
            fine = self.fine.stamp(at, place.distance(self.place))
        self.link.frame(self, HeardFrame(phy_payload, frequency, modulation, heard, self.timestamp(at), fine))

    def transmit(
        self,
        phy_payload: bytes,
        frequency: int,
        modulation: Modulation,
        timestamp: int | None,
        power: float,
        *,
        delay: float | None = None,
    ) -> str | None:
        """Queue a downlink for a counter value, for `delay` seconds from now (by GPS time), or with neither
        at once; returns the error a packet forwarder would give."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self.down:
            return "NOT_RUNNING"
        if self.transmits is not None and not self.transmits[0] <= frequency <= self.transmits[1]:
            return "TX_FREQ"
        if self.powers is not None and round(power) not in self.powers:
            return "TX_POWER"
        if timestamp is not None:
            delay = ((timestamp - self.timestamp(now)) & 0xFFFFFFFF) / 1_000_000
        elif delay is not None and not self.gps:
            return "GPS_UNLOCKED"
        immediate = delay is None
        if delay is None:
            delay = _PROMPT
        if delay > EARLIEST:
            return "TOO_EARLY"
        if delay < LATEST and not immediate:
            return "TOO_LATE"
        start = now + delay
        airtime = time_on_air(modulation, len(phy_payload), crc=False) / 1000
        self._busy = [(begin, end) for begin, end in self._busy if end > now - 5]
        if self.transmitting(start, start + airtime):
            return "COLLISION_PACKET"
        self._busy.append((start, start + airtime))
        loop.call_at(start, self._send, phy_payload, frequency, modulation, power, start)
        return None

    def _send(
        self, phy_payload: bytes, frequency: int, modulation: Modulation, power: float, at: float
    ) -> None:
        if self.down:
            return
        self.frames_sent += 1
        if self.on_air is not None:
            self.on_air(self, phy_payload, frequency, modulation, power, at)
