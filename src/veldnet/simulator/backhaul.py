"""By which protocol virtual base stations reach a real server, where it is, and what they prove themselves
with."""

from __future__ import annotations

import asyncio
import random
import ssl
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import msgspec
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from .base_station import BaseStation
from .basics_station_link import BasicsStationLink, StationError
from .mqtt_link import LinkRefused, MqttLink
from .udp_link import UdpLink

ProtocolName = Literal["semtech-udp", "basics-station", "chirpstack-mqtt"]
PROTOCOLS: tuple[ProtocolName, ...] = ("semtech-udp", "basics-station", "chirpstack-mqtt")

_NOT_AUTHENTICATED = 401


class NotConnected(Exception):
    """A base station cannot be connected; the message says what is missing."""


class TokenNeeded(NotConnected):
    """The server wants to be shown who the base station is."""


class ConnectedLink(Protocol):
    """The connection of a base station. It comes back by itself where the server goes away for a while."""

    async def close(self) -> None: ...


class Broker(msgspec.Struct, frozen=True):
    """An MQTT broker, and as whom base stations use it: each by its EUI where there is a password and no
    `username`. `prefix` is the first word of their topics."""

    host: str
    port: int
    secure: bool = False
    prefix: str = "eu868"
    username: str = ""
    password: str = ""

    @classmethod
    def parse(cls, text: str) -> Broker:
        """From `mqtt://host:1883` or `mqtts://host:8883`. Raises `NotConnected`."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise NotConnected(f"{text!r} is no address: {error}") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path not in ("", "/"):
            raise NotConnected(f"broker {text!r}: write mqtt://HOST:1883, or mqtts://HOST:8883 for TLS")
        if parts.username is not None:
            raise NotConnected("the broker's user and password are options of their own")
        secure = parts.scheme == "mqtts"
        return cls(parts.hostname, port or (8883 if secure else 1883), secure)

    @property
    def name(self) -> str:
        return f"{'mqtts' if self.secure else 'mqtt'}://{self.host}:{self.port}"


class Backhaul(msgspec.Struct, frozen=True):
    """The server's addresses; base stations use `protocols` by turns. `authority` is a file with the
    authorities (PEM) of the certificates of LNS and broker; empty: those of the system."""

    protocols: tuple[ProtocolName, ...]
    udp: tuple[str, int] = ("127.0.0.1", 1700)
    basics_station: str = "ws://127.0.0.1:8887"
    broker: Broker | None = None
    authority: str = ""

    def protocol(self, number: int) -> ProtocolName:
        """That of a base station, by its number from 0."""
        return self.protocols[number % len(self.protocols)]

    def address(self, protocol: ProtocolName) -> str:
        if protocol == "semtech-udp":
            return f"udp://{self.udp[0]}:{self.udp[1]}"
        if protocol == "basics-station":
            return self.basics_station
        return "" if self.broker is None else self.broker.name

    async def connect(
        self, station: BaseStation, protocol: ProtocolName, rng: random.Random, token: str | None = None
    ) -> ConnectedLink:
        """Connect a base station. Raises `NotConnected`."""
        if protocol == "semtech-udp":
            return await self._by_udp(station, rng)
        if protocol == "basics-station":
            return await self._by_station(station, rng, token)
        return await self._by_mqtt(station, rng)

    async def _by_udp(self, station: BaseStation, rng: random.Random) -> ConnectedLink:
        try:
            return await UdpLink.connect(station, *self.udp, rng)
        except (OSError, TimeoutError):
            raise NotConnected(
                f"nobody answers base station {station.eui} at {self.address('semtech-udp')}: is that the "
                "server's port for Semtech UDP, and the base station registered there?"
            ) from None

    async def _by_station(self, station: BaseStation, rng: random.Random, token: str | None) -> ConnectedLink:
        uri = self.basics_station.rstrip("/")
        options: dict[str, Any] = {}
        if uri.startswith("wss:"):
            options["ssl"] = self._context()
        if token is not None:
            options["additional_headers"] = {"Authorization": f"Bearer {token}"}
        link = BasicsStationLink(station, rng, **options)
        try:
            await link.stay(uri)
        except (InvalidHandshake, WebSocketException, StationError) as error:
            await link.close()
            if isinstance(error, InvalidStatus) and error.response.status_code == _NOT_AUTHENTICATED:
                raise TokenNeeded(
                    f"{uri} asks base station {station.eui} for a token: veldnet admin base-station token"
                ) from None
            raise NotConnected(f"base station {station.eui} is refused at {uri}: {error}") from None
        except (OSError, TimeoutError) as error:
            await link.close()
            raise NotConnected(
                f"no LNS answers at {uri} ({error or 'it is silent'}): the server serves Basics Station at "
                "the address that gateways.basics_station (serve --basics-station) names"
            ) from None
        return link

    async def _by_mqtt(self, station: BaseStation, rng: random.Random) -> ConnectedLink:
        broker = self.broker
        if broker is None:
            raise NotConnected(
                "chirpstack-mqtt needs the address of a broker, which the server reads too (gateways.mqtt)"
            )
        link = MqttLink(station, rng, prefix=broker.prefix)
        try:
            await link.connect(
                broker.host,
                broker.port,
                credentials=(broker.username or link.name, broker.password) if broker.password else None,
                tls=self._context() if broker.secure else None,
            )
        except LinkRefused as refused:
            await link.close()
            raise NotConnected(f"{broker.name} refuses base station {station.eui}: {refused}") from None
        except (OSError, TimeoutError) as error:
            await link.close()
            raise NotConnected(
                f"no MQTT broker answers at {broker.name} ({error or 'it is silent'})"
            ) from None
        link.keep_telling()
        return link

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.authority or None)
        except (OSError, ssl.SSLError) as error:
            raise NotConnected(f"the authorities of {self.authority} cannot be used: {error}") from None


async def close_all(links: list[ConnectedLink]) -> None:
    """End connections, whatever happens to one of them."""
    await asyncio.gather(*(link.close() for link in links), return_exceptions=True)
