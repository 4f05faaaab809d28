"""The protocols under contract. One more is an adapter, and an entry in `ADAPTERS`."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.mosquitto import Mosquitto
from veldnet.assembly.sockets import udp_socket
from veldnet.gateways import BaseStationProtocol, Host, SemtechUdpServer
from veldnet.gateways.basics_station import BasicsStationServer, LnsOptions
from veldnet.gateways.chirpstack_mqtt import BrokerOptions, MqttOptions, filters
from veldnet.gateways.chirpstack_mqtt import ChirpStackMqtt as ChirpStackMqttServer
from veldnet.lorawan.regions import REGIONS, Channel, ChannelPlan
from veldnet.settings import Address
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.basics_station_link import BasicsStationLink
from veldnet.simulator.mqtt_link import MqttLink
from veldnet.simulator.udp_link import UdpLink

from .field import EPOCH, EUI_HERE, Adapter, Connection, Traits, seeded

_LOOPBACK = "127.0.0.1"


def _clock() -> float:
    return EPOCH + asyncio.get_running_loop().time()


async def _by_steps(work: Coroutine[Any, Any, None]) -> None:
    """While a real server is waited for, a busy machine would let the clock go to the next window."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0.001)
    await task


class _UdpConnection(UdpLink):
    """Semtech's packet forwarder."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._kept: list[bytes] | None = None
        self._vanished = False

    def _send(self, datagram: bytes) -> None:
        if self._vanished:
            return
        if self._kept is not None and datagram[3] == 0x05:
            self._kept.append(datagram)
            return
        super()._send(datagram)

    async def leave(self) -> None:
        await self.close()

    def vanish(self) -> None:
        self._vanished = True

    async def send(self, message: bytes) -> None:
        self._send(message)

    def set_clock(self, off: float) -> None:
        self._clock = lambda: _clock() + off

    def hold_answers(self) -> None:
        self._kept = []

    async def release_answers(self) -> None:
        kept, self._kept = self._kept or [], None
        for datagram in kept:
            self._send(datagram)
            self._send(datagram)


_HEAD = b"\x02ab\x00" + int(EUI_HERE).to_bytes(8, "big")


class SemtechUdp:
    name = "semtech-udp"
    traits = Traits(
        refuses=True,
        sessions=False,
        one_connection=False,
        finds_dead=200.0,
        proves=False,
        plans_both=False,
        moves_after=32.0,
    )
    patience = 0.002
    garbage = (
        b"\x02", b"\x02\x00\x00\x00", b"\x07" + _HEAD[1:],
        b"\x02ab\x01" + _HEAD[4:], b"\x02ab\x09" + _HEAD[4:],
        _HEAD, _HEAD + b"{", _HEAD + b"[]", _HEAD + b"[" * 10_000, _HEAD + b'"text"', _HEAD + b"\x00\xff",
        _HEAD + b'{"rxpk":[{}]}', _HEAD + b'{"rxpk":[5]}',
        _HEAD + b'{"rxpk":[{"data":"AA==","freq":868.1}]}',
        _HEAD + b'{"rxpk":[{"data":"***","freq":868.1,"datr":"SF7BW125"}]}',
        _HEAD + b'{"rxpk":[{"data":"","freq":868.1,"datr":"SF7BW125"}]}',
        _HEAD + b'{"rxpk":[{"data":"AA==","freq":1e300,"datr":"SF7BW125"}]}',
        b"\x02ab\x05" + _HEAD[4:], b"\x02ab\x05" + _HEAD[4:] + b"{",
    )  # fmt: skip
    oversize = _HEAD + b'{"rxpk":[' + b" " * 65_000 + b"x"

    async def serve(self, host: Host, *, proof: bool) -> BaseStationProtocol:
        sock = udp_socket(Address(f"{_LOOPBACK}:0"))
        self._port = sock.getsockname()[1]
        server = SemtechUdpServer(host)
        await server.start(sock)
        return server

    async def connect(self, station: BaseStation, *, token: str | None = None) -> Connection:
        return await _UdpConnection.connect(station, _LOOPBACK, self._port, seeded(), _clock)

    async def stop(self) -> None:
        pass


class _StationConnection(BasicsStationLink):
    """Basics Station."""

    _kept: list[dict[str, Any]] | None = None

    async def _send(self, message: dict[str, Any]) -> None:
        if self._kept is not None and message["msgtype"] == "dntxed":
            self._kept.append(message)
            return
        await super()._send(message)

    async def leave(self) -> None:
        assert self._connection is not None
        if not self._connection.transport.is_reading():
            self._connection.transport.abort()
        await _by_steps(self.close())

    def vanish(self) -> None:
        assert self._connection is not None
        # Nothing is read, so that no ping is answered.
        self._connection.transport.pause_reading()

    async def send(self, message: bytes) -> None:
        assert self._connection is not None
        await self._connection.send(message.decode())

    def set_clock(self, off: float) -> None:
        self._clock = lambda: _clock() + off

    def hold_answers(self) -> None:
        self._kept = []

    async def release_answers(self) -> None:
        kept, self._kept = self._kept or [], None
        for message in kept:
            await self._send(message)
            await self._send(message)


def _garbage() -> tuple[bytes, ...]:
    info = {"xtime": 1 << 48, "rctx": 0, "gpstime": 0, "rssi": -50, "snr": 9}
    frame = {
        "msgtype": "updf", "MHdr": 64, "DevAddr": -5, "FCtrl": 0, "FCnt": 1, "FOpts": "", "FPort": 1,
        "FRMPayload": "00", "MIC": -1, "DR": 5, "Freq": 868100000, "upinfo": info,
    }  # fmt: skip
    texts = ["", "{", "[]", "[" * 10_000, '"text"', "\x00", "null", "{}"]
    messages: list[Any] = [
        {"msgtype": "nothing"}, {"msgtype": 5},
        {**frame, "DR": 99}, {**frame, "DR": -1}, {**frame, "Freq": 5}, {**frame, "MHdr": 256},
        {**frame, "FOpts": "xx"}, {**frame, "FRMPayload": "00" * 400}, {**frame, "MIC": 1 << 40},
        {**frame, "upinfo": {**info, "xtime": 1 << 64}}, {**frame, "upinfo": {**info, "xtime": -1}},
        {**frame, "upinfo": {**info, "rctx": 1 << 63}}, {**frame, "upinfo": None}, {**frame, "DR": "five"},
        {"msgtype": "dntxed", "diid": 77}, {"msgtype": "dntxed"}, {"msgtype": "jreq"}, {"msgtype": "propdf"},
    ]  # fmt: skip
    return (*(text.encode() for text in texts), *(json.dumps(message).encode() for message in messages))


class BasicsStation:
    name = "basics-station"
    traits = Traits(
        refuses=False, sessions=True, one_connection=True, finds_dead=85.0, proves=True, plans_both=True
    )
    patience = 0.004
    garbage = _garbage()
    oversize = b'{"msgtype":"propdf","FRMPayload":"' + b"00" * 20_000 + b'"}'

    async def serve(self, host: Host, *, proof: bool) -> BaseStationProtocol:
        sock = socket.create_server((_LOOPBACK, 0))
        sock.setblocking(False)
        self._uri = f"ws://{_LOOPBACK}:{sock.getsockname()[1]}"
        plan = ChannelPlan(
            REGIONS["EU868"], tuple(Channel(867_100_000 + 200_000 * n, 0, 5) for n in range(5))
        )
        server = BasicsStationServer(host, plan, LnsOptions(proof))
        await server.start(sock)
        return server

    async def connect(self, station: BaseStation, *, token: str | None = None) -> Connection:
        options = {} if token is None else {"additional_headers": {"Authorization": f"Bearer {token}"}}
        connection = _StationConnection(station, seeded(), _clock, **options)
        await _by_steps(connection.connect(self._uri))
        return connection

    async def stop(self) -> None:
        pass


class _MqttConnection(MqttLink):
    """ChirpStack's MQTT Forwarder."""

    _kept: list[bytes] | None = None
    _vanished = False

    def publish(self, kind: str, payload: bytes) -> None:
        if self._vanished:
            return
        if self._kept is not None and kind == "event/ack":
            self._kept.append(payload)
            return
        super().publish(kind, payload)

    def command(self, topic: str, payload: bytes) -> None:
        if not self._vanished:
            super().command(topic, payload)

    async def leave(self) -> None:
        await _by_steps(self.close())

    def vanish(self) -> None:
        self._vanished = True

    async def send(self, message: bytes) -> None:
        self.publish("event/up", message)

    def set_clock(self, off: float) -> None:
        self._clock = lambda: _clock() + off

    def hold_answers(self) -> None:
        self._kept = []

    async def release_answers(self) -> None:
        kept, self._kept = self._kept or [], None
        for payload in kept:
            self.publish("event/ack", payload)
            self.publish("event/ack", payload)


class ChirpStackMqtt:
    name = "chirpstack-mqtt"
    # The broker finds out who is dead, and asks for proofs.
    traits = Traits(
        refuses=True, sessions=True, one_connection=True, finds_dead=None, proves=False, plans_both=True
    )
    garbage = (
        b"", b"\x08", b"\xff" * 40, b"\x0b" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"{", b"{}", b"[]", b"null",
        b'{"a":' + b"[" * 10_000, b'{"rxInfo":5}', b'{"phyPayload":7}', b'{"rxInfo":{"rssi":1e400}}',
        b'{"rxInfo":{"gatewayId":"0059ac0000000002"}}', b'{"rxInfo":{"gatewayId":"0059ac0000000001"}}',
        b"\x2a\x12\x0a\x100059ac0000000002", b"\x2a\x12\x0a\x100059ac0000000001",
        b"\x0a\x01\x40\x2a\x12\x0a\x100059ac0000000001",
    )  # fmt: skip
    oversize = b"\x0a" + bytes(40_000)

    @property
    def patience(self) -> float:
        """The broker is a process of its own, which waits for its turn on a busy machine."""
        return 0.008 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))

    async def serve(self, host: Host, *, proof: bool) -> BaseStationProtocol:
        self._folder = TemporaryDirectory()
        self._broker = Mosquitto(Path(self._folder.name), anonymous=True)
        self._broker.start()
        plan = ChannelPlan(REGIONS["EU868"], ())
        broker = BrokerOptions(_LOOPBACK, self._broker.port, filters=tuple(filters((), "")))
        self._server = server = ChirpStackMqttServer(host, plan, MqttOptions((broker,)))
        await server.start(None)
        while not all(each.connected for each in server.brokers):
            await asyncio.sleep(0.001)
        return server

    async def connect(self, station: BaseStation, *, token: str | None = None) -> Connection:
        before = self._heard()
        connection = _MqttConnection(station, seeded(), _clock)
        await _by_steps(connection.connect(_LOOPBACK, self._broker.port, again=False))
        connection.tell_statistics()
        while self._heard() == before:
            await asyncio.sleep(0.001)
        return connection

    def _heard(self) -> int:
        """How often statistics came, of base stations that are registered and of others."""
        counts = self._server.counts
        return counts.received["stats"] + counts.refused["unknown_base_station"] // 2

    async def stop(self) -> None:
        self._broker.stop()
        self._folder.cleanup()


ADAPTERS = (SemtechUdp, BasicsStation, ChirpStackMqtt)


def those_with(condition: Callable[[Traits], bool]) -> pytest.MarkDecorator:
    """A test of the protocols with such traits alone: it says nothing of the others."""
    chosen = [make for make in ADAPTERS if condition(make.traits)]
    assert chosen
    return pytest.mark.parametrize("adapter", chosen, ids=lambda make: make.name, indirect=True)


@pytest.fixture(params=ADAPTERS, ids=lambda make: make.name)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    made: Adapter = request.param()
    return made
