"""Runs a virtual device: join, then measure and send repeatedly."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

import msgspec

from veldnet.lorawan import frames
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.modulation import Modulation

from .air import Air, Attentive
from .device import Received, Transmission, VirtualDevice
from .energy import transmit_energy
from .propagation import Place
from .sensors import Sensor
from .update_client import Answer, UpdateClient

Event = Callable[[str, VirtualDevice, Received | None], None]

_MAX_RETRIES = 3
# Seconds since the first join-request, and the share of its time that a device asks in from then on (join
# back-off, RP002). In its first hour it has 36 s, which it may spend at once.
_JOIN_SHARES = ((0.0, 1.0), (3600.0, 0.001), (11 * 3600.0, 8.7 / 86_400))
# A device of class B finds its slot by a clock that the beacon corrects every 128 s.
_SLOT_TOLERANCE = 0.010


class Habits(msgspec.Struct, frozen=True):
    """How often a device sends, in seconds; the share of its uplinks that are confirmed; and within how many
    seconds it begins."""

    period: float
    confirmed_share: float = 0.2
    first: float = 3.0


class DeviceLife:
    """Runs one device on the event loop. `clock` is Unix seconds; `event` hears what the device does."""

    def __init__(
        self,
        device: VirtualDevice,
        sensor: Sensor,
        place: Place,
        air: Air,
        habits: Habits,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.device = device
        self.sensor = sensor
        self.place = place
        self.sent = 0
        self.transmissions = 0
        self.airtime = 0.0
        self.energy = 0.0
        self.received: list[Received] = []
        self._air = air
        self._rng = device.rng
        self._clock = clock
        self._period = habits.period
        self._first = min(habits.period, habits.first)
        self._confirmed_share = habits.confirmed_share
        self.event: Event = lambda _what, _device, _received: None
        # The application packages, where it has them; and what they answer, by the time when it is due.
        self.updates: UpdateClient | None = None
        self._answers: list[tuple[float, int, int, bytes]] = []
        self._answered = 0
        self._answer_due = asyncio.Event()
        self._last: Received | None = None
        self._in_group = Attentive(place, self._listens_to_group, self._hear_group)
        self._attentive: Attentive | None = None
        if device.wanted_class != "A":
            self._attentive = Attentive(place, self._listens, self._take)
            air.attend(self._attentive)

    def _listens_to_group(self) -> tuple[int, Modulation] | None:
        """Where the device listens to a group, which it stops once the session is over."""
        updates, gps = self.updates, unix_to_gps(self._clock())
        session = None if updates is None else updates.listens(gps)
        if session is None:
            if updates is None or updates.listening is None or gps >= updates.listening.end:
                self._air.attend_group(self._in_group, begin=False)
            return None
        return session.frequency, self.device.region.downlink[session.data_rate].modulation

    def _hear_group(self, phy_payload: bytes, _snr: float) -> bool:
        try:
            frame = frames.parse(phy_payload)
        except frames.FrameError:
            return False
        if self.updates is None or not isinstance(frame, frames.DataFrame):
            return False
        self._plan_answers(self.updates.hear(frame, phy_payload, unix_to_gps(self._clock())))
        return True

    def _listens(self) -> tuple[int, Modulation] | None:
        device = self.device
        if device.device_class == "C":
            return device.listens_always()
        return device.listens_at(unix_to_gps(self._clock()), _SLOT_TOLERANCE)

    async def run(self) -> None:
        """Live until cancelled."""
        await asyncio.sleep(self._rng.uniform(0, self._first))
        await self.join()
        # A first reading soon, then at the device's own rhythm.
        await asyncio.sleep(self._rng.uniform(0, self._first))
        while True:
            await self.measure()
            if self.device.rejoin_due is not None:
                await asyncio.sleep(self._rng.uniform(1, 4))
                await self._transmit(self.device.rejoin_request(self.device.rejoin_due))
            await self._rest(self._period * self._rng.uniform(0.8, 1.2))

    async def _rest(self, seconds: float) -> None:
        """Sleep between readings, and send what the packages answer meanwhile."""
        if self.updates is None:
            await asyncio.sleep(seconds)
            return
        end = self._clock() + seconds
        while (now := self._clock()) < end:
            if self._answers and self._answers[0][0] <= now:
                _due, _number, fport, payload = heapq.heappop(self._answers)
                self.sent += 1
                await self._transmit(self.device.uplink(fport, payload))
                continue
            due = min(end, self._answers[0][0]) if self._answers else end
            self._answer_due.clear()
            try:
                await asyncio.wait_for(self._answer_due.wait(), max(due - now, 0.001))
            except TimeoutError:
                continue

    def _answer(self, updates: UpdateClient, received: Received) -> None:
        before = updates.listening
        self._plan_answers(updates.take(received.fport, received.payload, unix_to_gps(self._clock())))
        if updates.listening is not before:
            self._air.attend_group(self._in_group)

    def _plan_answers(self, answers: list[Answer]) -> None:
        now = self._clock()
        for answer in answers:
            self._answered += 1
            due = now + answer.after
            heapq.heappush(self._answers, (due, self._answered, answer.fport, answer.payload))
            self._answer_due.set()

    async def join(self) -> None:
        """Ask to join until the network accepts, waiting longer each time."""
        wait, began = 2.0, self._clock()
        while True:
            self.event("join-request", self.device, None)
            self._last = None
            request = self.device.join_request()
            await self._transmit(request)
            last: Received | None = self._last
            if self.device.joined and last is not None and last.joined:
                self.event("joined", self.device, last)
                return
            asked = self._clock() - began
            share = next(share for since, share in reversed(_JOIN_SHARES) if asked >= since)
            await asyncio.sleep(max(wait * self._rng.uniform(0.7, 1.3), _airtime(request) / share))
            wait = min(wait * 2, 120.0)

    async def measure(self) -> None:
        """Send a reading; a confirmed one is repeated until it is acknowledged."""
        confirmed = self._rng.random() < self._confirmed_share
        payload = self.sensor.encode(self._clock())
        transmission = self.device.uplink(self.sensor.fport, payload, confirmed=confirmed)
        self.sent += 1
        repetitions = _MAX_RETRIES if confirmed else self.device.nb_trans
        for attempt in range(repetitions):
            self.event("uplink", self.device, None)
            self._last = None
            heard = await self._transmit(transmission)
            last: Received | None = self._last
            if heard and (not confirmed or (last is not None and last.ack)):
                break
            if attempt + 1 < repetitions:
                await asyncio.sleep(self._rng.uniform(1, 3))
                transmission = self.device.again(transmission)

    async def _transmit(self, transmission: Transmission) -> bool:
        airtime = _airtime(transmission)
        self.transmissions += 1
        self.airtime += airtime
        self.energy += transmit_energy(transmission.power, airtime)
        self._in_group.deaf_until = asyncio.get_running_loop().time() + airtime
        return await self._air.uplink(self.place, transmission, self._take, self._attentive)

    def _take(self, phy_payload: bytes, snr: float) -> bool:
        received = self.device.receive(phy_payload)
        if received is None:
            return False
        self.device.snr_of_last_downlink = snr
        self._last = received
        self.received.append(received)
        if not received.joined:
            self.event("downlink", self.device, received)
            if self.updates is not None:
                self._answer(self.updates, received)
        return True


def _airtime(transmission: Transmission) -> float:
    """Seconds."""
    return time_on_air(transmission.modulation, len(transmission.phy_payload), crc=True) / 1000
