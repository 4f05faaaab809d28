"""A virtual base station, sans-IO but for its timers: it hears frames and transmits at its own counter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from veldnet.lorawan import GatewayEui
from veldnet.lorawan.modulation import Modulation

from .propagation import Heard, Place

# The reference forwarder needs a frame so long before it must be on air (Semtech packet forwarder 4.0).
LATEST = 0.0325
EARLIEST = 512.0


class Link(Protocol):
    """The way of a base station's frames to the server."""

    def frame(
        self,
        station: BaseStation,
        phy_payload: bytes,
        frequency: int,
        modulation: Modulation,
        heard: Heard,
        timestamp: int,
    ) -> None: ...


class BaseStation:
    """A base station somewhere. `on_air` puts its downlinks on the air."""

    def __init__(self, eui: GatewayEui, place: Place, *, boot: float = 0.0) -> None:
        self.eui = eui
        self.place = place
        self.link: Link | None = None
        self.on_air: Callable[[BaseStation, bytes, int, Modulation, float], None] | None = None
        self.frames_heard = 0
        self.frames_sent = 0
        self._boot = boot
        self._busy: list[tuple[float, float]] = []

    def timestamp(self, moment: float | None = None) -> int:
        """The 32-bit microsecond counter at a moment of the loop's clock."""
        now = asyncio.get_running_loop().time() if moment is None else moment
        return int((now - self._boot) * 1_000_000) & 0xFFFFFFFF

    def hear(self, phy_payload: bytes, frequency: int, modulation: Modulation, heard: Heard) -> None:
        """A frame ends now."""
        self.frames_heard += 1
        if self.link is not None:
            self.link.frame(self, phy_payload, frequency, modulation, heard, self.timestamp())

    def transmit(
        self,
        phy_payload: bytes,
        frequency: int,
        modulation: Modulation,
        timestamp: int,
        power: float,
        airtime: float,
    ) -> str | None:
        """Queue a downlink for a counter value; returns the error a packet forwarder would give."""
        loop = asyncio.get_running_loop()
        delay = ((timestamp - self.timestamp()) & 0xFFFFFFFF) / 1_000_000
        if delay > EARLIEST:
            return "TOO_EARLY"
        if delay < LATEST:
            return "TOO_LATE"
        start = loop.time() + delay
        self._busy = [(begin, end) for begin, end in self._busy if end > loop.time()]
        if any(begin < start + airtime and start < end for begin, end in self._busy):
            return "COLLISION_PACKET"
        self._busy.append((start, start + airtime))
        loop.call_at(start, self._send, phy_payload, frequency, modulation, power)
        return None

    def _send(self, phy_payload: bytes, frequency: int, modulation: Modulation, power: float) -> None:
        self.frames_sent += 1
        if self.on_air is not None:
            self.on_air(self, phy_payload, frequency, modulation, power)
