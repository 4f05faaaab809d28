"""The life of a virtual device: join, then measure and send, again and again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from .air import Air
from .device import Received, VirtualDevice
from .propagation import Place
from .sensors import Sensor

_MAX_RETRIES = 3


class DeviceLife:
    """Runs one device on the event loop. `clock` is Unix seconds; `period` in seconds."""

    def __init__(
        self,
        device: VirtualDevice,
        sensor: Sensor,
        place: Place,
        air: Air,
        rng: random.Random,
        *,
        clock: Callable[[], float],
        period: float,
        confirmed_share: float = 0.2,
        event: Callable[[str, VirtualDevice, Received | None], None] | None = None,
    ) -> None:
        self.device = device
        self.sensor = sensor
        self.place = place
        self.sent = 0
        self.received: list[Received] = []
        self._air = air
        self._rng = rng
        self._clock = clock
        self._period = period
        self._confirmed_share = confirmed_share
        self._event = event or (lambda _what, _device, _received: None)
        self._last: Received | None = None

    async def run(self) -> None:
        """Live until cancelled."""
        await asyncio.sleep(self._rng.uniform(0, min(self._period, 3.0)))
        await self.join()
        # A first reading soon, then at the device's own rhythm.
        await asyncio.sleep(self._rng.uniform(0, min(self._period, 3.0)))
        while True:
            await self.measure()
            await asyncio.sleep(self._period * self._rng.uniform(0.8, 1.2))

    async def join(self) -> None:
        """Ask to join until the network accepts, waiting longer each time."""
        wait = 2.0
        while True:
            self._event("join-request", self.device, None)
            await self._air.uplink(self.place, self.device.join_request(), self._take)
            if self.device.joined and self._last is not None and self._last.joined:
                self._event("joined", self.device, self._last)
                return
            await asyncio.sleep(wait * self._rng.uniform(0.7, 1.3))
            wait = min(wait * 2, 120.0)

    async def measure(self) -> None:
        """Send a reading; a confirmed one is repeated until it is acknowledged."""
        confirmed = self._rng.random() < self._confirmed_share
        payload = self.sensor.encode(self._clock())
        transmission = self.device.uplink(self.sensor.fport, payload, confirmed=confirmed)
        self.sent += 1
        repetitions = _MAX_RETRIES if confirmed else self.device.nb_trans
        for _attempt in range(repetitions):
            self._event("uplink", self.device, None)
            self._last = None
            heard = await self._air.uplink(self.place, transmission, self._take)
            if heard and (not confirmed or (self._last is not None and self._last.ack)):
                break
            transmission = self.device.again(transmission)
            await asyncio.sleep(self._rng.uniform(1, 3))

    def _take(self, phy_payload: bytes, snr: float) -> bool:
        received = self.device.receive(phy_payload)
        if received is None:
            return False
        self.device.snr_of_last_downlink = snr
        self._last = received
        self.received.append(received)
        if not received.joined:
            self._event("downlink", self.device, received)
        return True
