"""An MQTT broker in memory: it keeps connection states, publishes wills, and delivers some things twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from veldnet.gateways.chirpstack_mqtt import ChirpStackMqtt

from .faults import Faults
from .internet import Internet

PORT = 1883
# First octets of what clients write: who they are and their will, a message, and one that is kept.
CONNECT, PUBLISH, KEEP = b"C", b"P", b"K"
# Seconds without a word after which a client is taken for gone.
_SILENCE = 45.0
_STATE = "/state/conn"


def packed(kind: bytes, topic: str, payload: bytes) -> bytes:
    """A message on its way between a client and the broker."""
    return kind + topic.encode() + b"\0" + payload


def unpacked(chunk: bytes) -> tuple[bytes, str, bytes]:
    topic, _end, payload = chunk[1:].partition(b"\0")
    return chunk[:1], topic.decode(), payload


class _Client(asyncio.Protocol):
    """A base station's connection, as the broker has it."""

    base: str | None = None
    _will = b""
    _transport: Any = None
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._alive()

    def _alive(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_SILENCE, self.abort)

    def abort(self) -> None:
        self._transport.abort()

    def send(self, topic: str, payload: bytes) -> None:
        self._transport.write(packed(PUBLISH, topic, payload))

    def data_received(self, data: bytes) -> None:
        self._alive()
        kind, topic, payload = unpacked(data)
        if kind == CONNECT:
            self.base, self._will = topic, payload
            self._broker.entered(topic, self)
        else:
            self._broker.published(topic, payload, keep=kind == KEEP)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.base is not None and self._broker.left(self.base, self):
            self._broker.published(self.base + _STATE, self._will, keep=True)


class ServerSession:
    """The server's connection to the broker, which base stations are reached by."""

    name = "mqtt://broker.example:1883"

    def __init__(self, broker: Broker, server: ChirpStackMqtt) -> None:
        self.connected = True
        self.server = server
        self._broker = broker
        self._last = 0.0

    def publish(self, topic: str, payload: bytes, written: Callable[[], None] | None = None) -> bool:
        if self.connected:
            self._later(lambda: self._broker.command(topic, payload))
            if written is not None:
                written()
        return self.connected

    def deliver(self, topic: str, payload: bytes, *, kept: bool = False) -> None:
        self._later(lambda: self.server.received(self, topic, payload, kept))

    def _later(self, act: Callable[[], None]) -> None:
        """In its order, as over one connection."""
        loop = asyncio.get_running_loop()
        self._last = max(self._last + 1e-6, loop.time() + self._broker.delay())
        loop.call_at(self._last, self._unless_ended, act)

    def _unless_ended(self, act: Callable[[], None]) -> None:
        if self.connected:
            act()

    def end(self, *, tell: bool) -> None:
        self.connected = False
        if tell:
            self.server.broker_changed(self)


class Broker:
    """`up` until an outage, in which it forgets everything."""

    def __init__(self, internet: Internet, rng: random.Random, faults: Faults) -> None:
        self.delay = internet.delay
        self.up = False
        self._internet = internet
        self._rng = rng
        self._faults = faults
        self._clients: dict[str, _Client] = {}
        self._kept: dict[str, bytes] = {}
        self._session: ServerSession | None = None
        self.start()

    def start(self) -> None:
        port = self._internet.bind(PORT, outlives=True)
        self._internet.serve(port, lambda: _Client(self))
        self._port, self.up = port, True

    def stop(self) -> None:
        """Go away with all connections."""
        self.up = False
        self._port.close()
        self._kept.clear()
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.abort()
        if self._session is not None:
            self._session.end(tell=True)

    # The server.

    def attach(self, server: ChirpStackMqtt) -> None:
        """The server connects, and gets the retained messages."""
        self._session = session = ServerSession(self, server)
        for topic, payload in self._kept.items():
            session.deliver(topic, payload, kept=True)

    def detach(self) -> None:
        """The server has died."""
        if self._session is not None:
            self._session.end(tell=False)
            self._session = None

    def come_back(self) -> None:
        """The server connects again after an outage."""
        if self.up and self._session is not None and not self._session.connected:
            self.attach(self._session.server)

    def command(self, topic: str, payload: bytes) -> None:
        client = self._clients.get(topic.rpartition("/command/")[0])
        if client is not None:
            client.send(topic, payload)

    # Base stations.

    def entered(self, base: str, client: _Client) -> None:
        before = self._clients.get(base)
        if before is not None:
            before.abort()
            # Its will comes before what the new one says.
            before.connection_lost(None)
        self._clients[base] = client

    def left(self, base: str, client: _Client) -> bool:
        """Whether its will is to be published."""
        if self._clients.get(base) is not client:
            return False
        del self._clients[base]
        return self.up

    def published(self, topic: str, payload: bytes, *, keep: bool) -> None:
        if keep:
            self._kept[topic] = payload
        if self._session is None:
            return
        self._session.deliver(topic, payload)
        if self._rng.random() < self._faults.duplicates:
            self._session.deliver(topic, payload)
