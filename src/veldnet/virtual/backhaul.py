"""Base stations of a virtual network connected by their protocols: the real servers of all of them, and what
connects and disconnects base stations."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from websockets.exceptions import WebSocketException

from veldnet.assembly.platform import Platform
from veldnet.gateways.chirpstack_mqtt import ChirpStackMqtt, MqttOptions
from veldnet.lorawan.regions import REGIONS, ChannelPlan
from veldnet.simulator.backhaul import ProtocolName
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.basics_station_link import BasicsStationLink, StationError
from veldnet.simulator.mqtt_forwarder import MqttForwarder
from veldnet.simulator.udp_link import UdpLink
from veldnet.simulator.virtual_time import VirtualTimeLoop

from .broker import CONNECT, KEEP, PUBLISH, Broker, packed, unpacked
from .broker import PORT as BROKER_PORT
from .faults import Faults
from .internet import Internet, Line

_UDP_PORT, _LNS_PORT = 1700, 8887
# Seconds before a base station tries again to connect, and between the statistics of a forwarder.
_AGAIN, _STATISTICS = (1.0, 5.0), 30.0
# Seconds that a cut lasts: shorter than what is noticed, and longer.
_CUT = (5.0, 150.0)
# How often it is looked whether a base station has heard something, and seconds between.
_LOOKS, _LOOK_EVERY = 3000, 0.05
# Seconds without a broker.
_BROKER_AWAY = (2.0, 60.0)
_EXPIRE_EVERY = 15.0
# What the server calls the work in which a message of a base station meets a defect.
DEFECTS = ("base stations' datagrams", "Basics Station", "messages of MQTT base stations")


class Site(ABC):
    """A base station, its line, and its program, which connects and comes back."""

    def __init__(
        self, station: BaseStation, line: Line, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self.station, self.line = station, line
        self._clock, self._rng = clock, rng
        self._running: asyncio.Task[None] | None = None

    def on(self) -> None:
        self._running = asyncio.get_running_loop().create_task(self._run())

    @abstractmethod
    async def _run(self) -> None:
        """Stay connected."""

    async def off(self) -> None:
        """Be switched off."""
        if self._running is not None:
            self._running.cancel()
        self.station.link = None

    async def _pause(self) -> None:
        await asyncio.sleep(self._rng.uniform(*_AGAIN))

    def broken(self) -> str | None:
        """What the server did to it that it must never do."""
        return None


class UdpSite(Site):
    _link: UdpLink | None = None

    async def _run(self) -> None:
        while self._link is None:
            try:
                self._link = await UdpLink.connect(
                    self.station, self.line.server, _UDP_PORT, self._rng, self._clock
                )
            except TimeoutError:
                continue

    async def off(self) -> None:
        await super().off()
        if self._link is not None:
            await self._link.close()
            self._link = None


class LnsSite(Site):
    _link: BasicsStationLink | None = None

    async def _run(self) -> None:
        self._link = link = BasicsStationLink(self.station, self._rng, self._clock)
        while True:
            try:
                await link.stay(f"ws://{self.line.server}:{_LNS_PORT}")
                return
            except (OSError, TimeoutError, WebSocketException, StationError):
                await self._pause()

    async def off(self) -> None:
        await super().off()
        if self._link is not None:
            await self._link.close()

    def broken(self) -> str | None:
        if self._link is not None and "xtime of another session" in self._link.dropped:
            return f"{self.station.eui} was given a window of another session"
        return None


class _Publisher(asyncio.Protocol):
    """A forwarder's connection to the broker."""

    def __init__(self, command: Callable[[str, bytes], None]) -> None:
        self._command = command
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        _kind, topic, payload = unpacked(data)
        self._command(topic, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


class MqttSite(Site, MqttForwarder):
    """Its own forwarder."""

    _transport: asyncio.Transport | None = None

    def __init__(
        self, station: BaseStation, line: Line, clock: Callable[[], float], rng: random.Random
    ) -> None:
        Site.__init__(self, station, line, clock, rng)
        MqttForwarder.__init__(self, station, rng, clock, as_json=int(station.eui) % 2 == 0)

    def publish(self, kind: str, payload: bytes) -> None:
        self._write(PUBLISH, kind, payload)

    def _write(self, octet: bytes, kind: str, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packed(octet, f"{self.base}/{kind}", payload))

    async def _run(self) -> None:
        self.station.link = self
        loop = asyncio.get_running_loop()
        while True:
            try:
                transport, publisher = await loop.create_connection(
                    lambda: _Publisher(self.command), host=self.line.server, port=BROKER_PORT
                )
            except OSError:
                await self._pause()
                continue
            self._transport = transport
            transport.write(packed(CONNECT, self.base, self.state("OFFLINE")))
            self._write(KEEP, "state/conn", self.state("ONLINE"))
            while not publisher.ended.is_set():
                self.tell_statistics()
                try:
                    async with asyncio.timeout(_STATISTICS):
                        await publisher.ended.wait()
                except TimeoutError:
                    continue
            self._transport = None
            await self._pause()


_SITES: dict[ProtocolName, type[Site]] = {
    "semtech-udp": UdpSite,
    "basics-station": LnsSite,
    "chirpstack-mqtt": MqttSite,
}


class Backhaul:
    """All base stations with their lines, and the servers that they find. `spawn` runs work beside."""

    def __init__(
        self,
        clock: Callable[[], float],
        rng: random.Random,
        faults: Faults,
        protocols: Sequence[ProtocolName],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._clock, self._rng, self._protocols, self._spawn = clock, rng, protocols, spawn
        self.internet = Internet(rng, faults)
        cast(VirtualTimeLoop, asyncio.get_running_loop()).internet = self.internet
        self.broker = Broker(self.internet, rng, faults)
        self.sites: dict[BaseStation, Site] = {}
        self.cuts = self.broker_outages = 0
        self._mqtt: ChirpStackMqtt | None = None

    def add(self, station: BaseStation) -> None:
        number = len(self.sites)
        kind = _SITES[self._protocols[number % len(self._protocols)]]
        site = self.sites[station] = kind(station, self.internet.join(number), self._clock, self._rng)
        site.on()

    # The server.

    async def serve(self, platform: Platform) -> None:
        """A server has started: it opens its ports and connects to the broker."""
        hub = platform.hub
        mqtt = self._mqtt = ChirpStackMqtt(hub, ChannelPlan(REGIONS["EU868"]), MqttOptions(()), self._rng)
        hub.register(mqtt)
        ports = {"semtech-udp": _UDP_PORT, "basics-station": _LNS_PORT}
        await hub.start({name: cast(Any, self.internet.bind(port)) for name, port in ports.items()})
        self.broker.attach(mqtt)
        self._spawn(self._expire(mqtt))

    async def _expire(self, mqtt: ChirpStackMqtt) -> None:
        while mqtt is self._mqtt:
            await asyncio.sleep(_EXPIRE_EVERY)
            mqtt.expire(self._clock())

    def die(self, platform: Platform) -> None:
        """The server's process has ended."""
        self._mqtt = None
        self.broker.detach()
        self.internet.die()
        self._spawn(platform.hub.stop())

    # What goes wrong.

    def cut(self) -> None:
        """The line of a base station is reset, or nothing passes for a while; often when it has just heard
        something, and the answer is not there yet."""
        site = self._rng.choice(list(self.sites.values()))
        if self._rng.random() < 0.5:
            self._spawn(self._cut_when_it_hears(site))
        else:
            self._cut(site)

    async def _cut_when_it_hears(self, site: Site) -> None:
        before = site.station.frames_heard
        for _look in range(_LOOKS):
            if site.station.frames_heard > before:
                break
            await asyncio.sleep(_LOOK_EVERY)
        await asyncio.sleep(self._rng.uniform(0.0, 1.0))
        self._cut(site)

    def _cut(self, site: Site) -> None:
        self.cuts += 1
        if self._rng.random() < 0.5:
            self.internet.reset(site.line)
        elif not site.line.dead:
            site.line.cut()
            asyncio.get_running_loop().call_later(self._rng.uniform(*_CUT), site.line.mend)

    def lose_broker(self) -> None:
        if self.broker.up:
            self.broker_outages += 1
            self.broker.stop()
            self._spawn(self._restart_broker())

    async def _restart_broker(self) -> None:
        await asyncio.sleep(self._rng.uniform(*_BROKER_AWAY))
        self.broker.start()
        await asyncio.sleep(self._rng.uniform(*_AGAIN))
        self.broker.come_back()

    def switch_off(self, station: BaseStation) -> None:
        """Power is gone: no connection is ended in order."""
        site = self.sites[station]
        self._spawn(site.off())
        self.internet.vanish(site.line)

    def switch_on(self, station: BaseStation) -> None:
        station.reboot()
        self.sites[station].on()

    def broken(self) -> list[str]:
        """What base stations have seen that must never be."""
        return [words for site in self.sites.values() if (words := site.broken()) is not None]

    async def close(self) -> None:
        for site in self.sites.values():
            self.internet.vanish(site.line)
            await site.off()
        cast(VirtualTimeLoop, asyncio.get_running_loop()).internet = None
