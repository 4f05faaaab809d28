"""Time and radio of a server under a virtual clock: its clock can be moved, its base stations hear virtual
devices, each of which joins and sends when a test says so."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from collections import Counter, deque
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import structlog

from veldnet.assembly.data_directory import clock_mark
from veldnet.assembly.virtual_world import (
    DidNotJoin,
    SeenDownlink,
    UplinkOutcome,
    VirtualDeviceState,
    VirtualIdentity,
    VirtualUplink,
)
from veldnet.domain.errors import InvalidField
from veldnet.gateways import Host, MessageCounts
from veldnet.lorawan import AesKey, BaseStationId, GatewayEui
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.modulation import Modulation
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.lorawan.regions import REGIONS
from veldnet.simulator.air import Air, Attentive
from veldnet.simulator.base_station import BaseStation, HeardFrame
from veldnet.simulator.device import Identity, Received, Transmission, VirtualDevice
from veldnet.simulator.propagation import Heard, Place, Propagation
from veldnet.store import StoreError

from .clock import VirtualClock

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

log = structlog.get_logger(__name__)

# In fixed channel plans a device may have to try each bank of channels.
_JOIN_ATTEMPTS = 12
# Times that a confirmed frame is sent until it is acknowledged.
_CONFIRMED_ATTEMPTS = 4
# A base station says something about so often, seconds.
_KEEP_ALIVE = 90.0
# Virtual seconds for a join with all its attempts and a frame with all its repetitions.
_LONGEST_EXCHANGE = 600.0
_SEEN_AT_MOST = 100
_DEVICES_AT_MOST = 10_000
# A device of class B finds its slot by a clock that the beacon corrects every 128 s.
_SLOT_TOLERANCE = 0.010
# What a device measures of a downlink.
_DOWN = Heard(-80.0, 8.0)


class _Signals(Propagation):
    """What is heard is said by whoever injects a frame: those base stations, that well."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.signals: dict[tuple[Place, Place], Heard] = {}

    def receive(self, sender: Place, receiver: Place, power: float, modulation: Modulation) -> Heard | None:
        if (sender, receiver) in self.signals:
            return self.signals[sender, receiver]
        return _DOWN if (receiver, sender) in self.signals else None


class _Radio:
    """All registered base stations, as a protocol of the hub: frames come from the air of this process."""

    name = "virtual"
    plans_both = False
    # Whoever speaks for a base station over the network goes first.
    authenticates = False

    def __init__(self, platform: Platform, rng: random.Random) -> None:
        self.signals = _Signals(rng)
        self.air = Air(self.signals)
        self.counts = MessageCounts(Counter(), Counter(), Counter())
        self._platform = platform
        self._host: Host = platform.hub
        self._stations: dict[BaseStationId, BaseStation] = {}

    async def start(self, sock: socket.socket | None) -> None:
        self._platform.supervisor.repeat("virtual base stations", _KEEP_ALIVE, self._keep_alive)

    async def stop(self) -> None:
        """Nothing is open."""

    async def _keep_alive(self) -> None:
        for identifier in self._stations:
            self._host.presence.seen(identifier, self._host.clock())

    def station(self, identifier: BaseStationId) -> BaseStation:
        """A base station, which is on air from now on."""
        station = self._stations.get(identifier)
        if station is None:
            place = Place(float(len(self._stations)), -1.0)
            station = BaseStation(GatewayEui(int(identifier)), place, gps=True)
            station.link = _Link(self._host, self, identifier)
            self._stations[identifier] = station
            self.air.add(station)
        self._host.presence.seen(identifier, self._host.clock())
        self._host.connected(self, identifier)
        return station

    def transmit(self, downlink: GatewayDownlink) -> None:
        window = downlink.window
        station = self._stations.get(downlink.base_station)
        error: str | None = "NO_ADDRESS"
        if station is not None:
            error = station.transmit(
                downlink.phy_payload,
                window.frequency,
                window.modulation,
                window.timestamp,
                window.power,
                delay=None if window.gps_time is None else gps_to_unix(window.gps_time) - self._host.clock(),
            )
        report = TransmitReport(downlink.token, downlink.base_station, error)
        asyncio.get_running_loop().call_soon(self._host.report, report)

    def lag(self, now: float) -> float:
        return 0.0

    def problem(self, now: float) -> str | None:
        return None


class _Link:
    """The way of a base station's frames to the network."""

    def __init__(self, host: Host, radio: _Radio, identifier: BaseStationId) -> None:
        self._host = host
        self._radio = radio
        self._identifier = identifier

    def frame(self, station: BaseStation, frame: HeardFrame) -> None:
        now = self._host.clock()
        seen = self._host.presence.seen(self._identifier, now)
        seen.frame(now, gps=True)
        seen.measures.heard(frame.frequency, frame.heard.rssi, frame.heard.snr)
        self._radio.counts.received["frame"] += 1
        self._host.uplink(
            GatewayUplink(
                self._identifier,
                frame.phy_payload,
                frame.frequency,
                frame.modulation,
                frame.heard.rssi,
                frame.heard.snr,
                frame.timestamp,
                now,
                gps_time=unix_to_gps(now),
            )
        )


class _Sender:
    """A virtual device at its place, and what it has received."""

    def __init__(
        self, identity: VirtualIdentity, app_key: AesKey, place: Place, radio: _Radio, clock: VirtualClock
    ) -> None:
        profile = identity.profile
        region = REGIONS[profile.region].of_revision(profile.regionalParameterVersion)
        two_keys = profile.loRaWANMacVersion.startswith("1.1")
        self.keys = app_key, identity.nwk_key
        self.profile = profile
        self.place = place
        self.device = VirtualDevice(
            Identity(identity.dev_eui, identity.join_eui, app_key, identity.nwk_key if two_keys else None),
            region,
            random.SystemRandom(),
            data_rate=min(5, region.adr_max_data_rate),
            device_class=profile.loRaWANClass,
            dev_nonce=0 if profile.loRaWANMacVersion == "1.0.4" else None,
        )
        self.uplinks = 0
        self.seen: deque[SeenDownlink] = deque(maxlen=_SEEN_AT_MOST)
        # Those of the exchange under way.
        self.new: deque[SeenDownlink] = deque(maxlen=_SEEN_AT_MOST)
        self._radio = radio
        self._clock = clock
        self._last: Received | None = None
        self._attentive: Attentive | None = None
        if profile.loRaWANClass != "A":
            self._attentive = Attentive(place, self._listens, self._take)
            radio.air.attend(self._attentive)

    def _listens(self) -> tuple[int, Modulation] | None:
        if not self.device.joined:
            return None
        if self.device.device_class == "C":
            return self.device.listens_always()
        return self.device.listens_at(unix_to_gps(self._clock.now()), _SLOT_TOLERANCE)

    async def join(self) -> None:
        """Raises `DidNotJoin`."""
        for _attempt in range(_JOIN_ATTEMPTS):
            await self._transmit(self.device.join_request())
            last: Received | None = self._last
            if last is not None and last.joined:
                return
            await asyncio.sleep(random.SystemRandom().uniform(2, 6))
        raise DidNotJoin(
            f"the network has not answered {_JOIN_ATTEMPTS} join-requests of device "
            f"{self.device.identity.dev_eui}"
        )

    async def send(self, uplink: VirtualUplink) -> tuple[int, int, bool]:
        """Counter, number of transmissions, and whether it was acknowledged."""
        sent = self.device.uplink(uplink.fport, uplink.payload, confirmed=uplink.confirmed)
        self.uplinks += 1
        attempts = _CONFIRMED_ATTEMPTS if uplink.confirmed else self.device.nb_trans
        for attempt in range(1, attempts + 1):
            await self._transmit(sent)
            last: Received | None = self._last
            acknowledged = last is not None and last.ack
            if attempt == attempts or acknowledged or (last is not None and not uplink.confirmed):
                return sent.fcnt, attempt, acknowledged
            await asyncio.sleep(random.SystemRandom().uniform(1, 3))
            sent = self.device.again(sent)
        raise AssertionError("nobody sends a frame less than once")

    async def _transmit(self, sent: Transmission) -> None:
        self._last = None
        await self._radio.air.uplink(self.place, sent, self._take, self._attentive)

    def _take(self, phy_payload: bytes, snr: float) -> bool:
        received = self.device.receive(phy_payload)
        if received is None:
            return False
        self.device.snr_of_last_downlink = snr
        self._last = received
        if not received.joined:
            seen = SeenDownlink(
                self._clock.now(),
                received.fport,
                received.payload,
                received.fcnt,
                received.confirmed,
                received.ack,
                received.fpending,
            )
            self.seen.append(seen)
            self.new.append(seen)
        return True


class ClockedWorld:
    """`VirtualWorld` over a clock and the simulator's devices."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._senders: dict[int, _Sender] = {}
        self._rng = random.SystemRandom()
        self._platform: Platform
        self._radio: _Radio

    def attach(self, platform: Platform) -> None:
        self._platform = platform
        self._radio = _Radio(platform, self._rng)
        # Payload decoders run in processes of their own.
        self._clock.busy = lambda: platform.decoders.busy
        platform.hub.register(self._radio)

    def resume(self, lead: float) -> None:
        self._clock.began = time.time() + lead - self._clock.time()

    async def still(self) -> None:
        await self._clock.still()

    def awaiting(self) -> AbstractContextManager[None]:
        return self._clock.awaiting()

    def now(self) -> float:
        return self._clock.now()

    async def advance(self, seconds: float) -> float:
        left = await self._clock.advance(seconds)
        with contextlib.suppress(StoreError):
            await self._platform.run_background_tasks()
            lead = self._clock.now() - time.time()
            await self._platform.store.write(lambda c: clock_mark.note_virtual_lead(c, lead))
        return left

    async def uplink(self, identity: VirtualIdentity, uplink: VirtualUplink) -> UplinkOutcome:
        sender = self._sender(identity)
        self._tune(sender, uplink)
        try:
            return await self._clock.run(self._exchange(sender, uplink), within=_LONGEST_EXCHANGE)
        except TimeoutError:
            raise DidNotJoin(f"the exchange with device {identity.dev_eui} took too long") from None

    async def _exchange(self, sender: _Sender, uplink: VirtualUplink) -> UplinkOutcome:
        joins = uplink.rejoin or not sender.device.joined
        if joins:
            await sender.join()
            # The network has to know its own session before the first frame of it.
            await asyncio.sleep(1)
        sender.new.clear()
        fcnt, transmissions, acknowledged = await sender.send(uplink)
        # What follows from it, such as its delivery, is to be seen when the answer comes.
        await asyncio.sleep(1)
        return UplinkOutcome(fcnt, joins, transmissions, acknowledged, tuple(sender.new))

    def _sender(self, identity: VirtualIdentity) -> _Sender:
        known = self._senders.get(identity.ref)
        app_key = identity.app_key
        if (
            known is not None
            and known.profile == identity.profile
            and known.device.identity.dev_eui == identity.dev_eui
            and (app_key is None or known.keys == (app_key, identity.nwk_key))
        ):
            return known
        if app_key is None:
            raise InvalidField(
                "applicationKey is needed for the first uplink of a virtual device, which joins with it"
            )
        if len(self._senders) >= _DEVICES_AT_MOST:
            raise InvalidField(
                "there are {devices_at_most} virtual devices, and no room for more",
                devices_at_most=_DEVICES_AT_MOST,
            )
        place = Place(float(identity.ref), 1.0)
        made = self._senders[identity.ref] = _Sender(identity, app_key, place, self._radio, self._clock)
        return made

    def _tune(self, sender: _Sender, uplink: VirtualUplink) -> None:
        """Say who hears the device, and on which channels the network listens."""
        plan = self._platform.network.parameters.channel_plan(sender.profile)
        region = sender.device.region
        channels = None
        if region.fixed:
            channels = frozenset(c.frequency for n, c in enumerate(plan.channels) if plan.mask >> n & 1)
        signals = self._radio.signals.signals
        for pair in [pair for pair in signals if pair[0] == sender.place]:
            del signals[pair]
        for identifier in uplink.stations:
            station = self._radio.station(identifier)
            station.frequencies = channels
            signals[sender.place, station.place] = Heard(uplink.rssi, uplink.snr)
        device = sender.device
        if uplink.data_rate is not None:
            if uplink.data_rate not in region.uplink:
                raise InvalidField(
                    "dataRate must be one of {known}", known=", ".join(map(str, region.uplink))
                )
            device.data_rate = uplink.data_rate
        # Octets besides the payload: the header, and FPort.
        most = region.uplink[device.data_rate].max_mac_payload - 8
        if len(uplink.payload) > most:
            raise InvalidField(
                "payload has {count} octets; at data rate {data_rate} {most} fit",
                count=len(uplink.payload),
                data_rate=device.data_rate,
                most=most,
            )

    def device(self, ref: int) -> VirtualDeviceState | None:
        sender = self._senders.get(ref)
        if sender is None:
            return None
        device = sender.device
        address = None if device.dev_addr is None else str(device.dev_addr)
        return VirtualDeviceState(
            device.joined, address, device.device_class, sender.uplinks, tuple(sender.seen)
        )
