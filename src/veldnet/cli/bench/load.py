"""Load generator: prepared datagrams sent at a steady rate, and their answers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import struct
import time
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import msgspec

from veldnet.lorawan import GatewayEui

_TICK = 0.002
# Seconds between two keep-alives.
_KEEP_ALIVE = 5.0
# Linux stamps each datagram when it arrives (socket(7)), so that a generator that is busy sending does not
# count its own delay as the server's.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """One frame: a datagram for each base station that hears it."""

    datagrams: tuple[bytes, ...]


class Answer(NamedTuple):
    """A PULL_RESP: when it arrived, what to send, and when to send it by the base station's clock (µs)."""

    when: float
    phy_payload: bytes
    timestamp: int


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    count: int


def percentiles(seconds: Sequence[float]) -> Percentiles | None:
    if not seconds:
        return None
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(ordered[min(ceil(share * len(ordered)) - 1, len(ordered) - 1)] * 1000, 2)

    return Percentiles(at(0.50), at(0.95), at(0.99), len(ordered))


class Generator:
    """Sends frames over a socket for each base station, and reads acknowledgements and downlinks.

    `downlinks` collects the PULL_RESPs. One that has not begun sends only: it draws no downlinks away from
    another generator of the same base stations.
    """

    def __init__(self, server: tuple[str, int], gateways: Sequence[GatewayEui]) -> None:
        self._sockets = {int(gateway).to_bytes(8, "big"): self._connect(server) for gateway in gateways}
        self._listens = False
        # Tokens of datagrams that were acknowledged.
        self.acknowledged: set[bytes] = set()
        self.downlinks: list[Answer] = []
        self.sent_at: list[float] = []

    @staticmethod
    def _connect(server: tuple[str, int]) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setblocking(False)
        sock.connect(server)
        return sock

    def begin(self) -> None:
        """Listen, and open the way back for downlinks."""
        loop = asyncio.get_running_loop()
        for eui, sock in self._sockets.items():
            loop.add_reader(sock, self._read, eui, sock)
        self._listens = True
        self.keep_alive()

    def keep_alive(self) -> None:
        for eui, sock in self._sockets.items():
            # A datagram before may have found no server yet.
            with contextlib.suppress(ConnectionRefusedError):
                sock.send(b"\x02\x00\x00\x02" + eui)

    def _read(self, eui: bytes, sock: socket.socket) -> None:
        for _ in range(256):
            try:
                data, ancillary, _flags, _address = sock.recvmsg(4096, 64)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if data[3] == 0x01:
                self.acknowledged.add(data[1:3])
            elif data[3] == 0x03:
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                ago = time.time() - (seconds + nanoseconds / 1e9)
                packet = json.loads(data[4:])["txpk"]
                self.downlinks.append(
                    Answer(
                        time.perf_counter() - ago,
                        base64.b64decode(packet["data"]),
                        # Absent where it is sent at once, as to class C.
                        packet.get("tmst", 0),
                    )
                )
                sock.send(b"\x02" + data[1:3] + b"\x05" + eui)

    async def send(self, frames: Sequence[Prepared], rate: float) -> float:
        """Send all frames at `rate` a second; returns the seconds it took."""
        begun = time.perf_counter()
        position = 0
        next_keep_alive = begun + _KEEP_ALIVE
        while position < len(frames):
            now = time.perf_counter()
            due = min(int((now - begun) * rate) + 1, len(frames))
            for frame in frames[position:due]:
                for datagram in frame.datagrams:
                    self._send(datagram)
                self.sent_at.append(time.perf_counter())
            position = due
            if self._listens and now > next_keep_alive:
                self.keep_alive()
                next_keep_alive += _KEEP_ALIVE
            await asyncio.sleep(_TICK)
        return time.perf_counter() - begun

    def _send(self, datagram: bytes) -> None:
        eui = datagram[4:12]
        sock = self._sockets[eui]
        while True:
            try:
                sock.send(datagram)
                return
            except BlockingIOError:
                self._read(eui, sock)
            except ConnectionRefusedError:
                return

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._sockets.values():
            loop.remove_reader(sock)
            sock.close()


class Spread(Generator):
    """Base stations that are connected to several servers by turns."""

    def __init__(self, servers: Sequence[tuple[str, int]], gateways: Sequence[GatewayEui]) -> None:
        super().__init__(servers[0], ())
        euis = [int(gateway).to_bytes(8, "big") for gateway in gateways]
        self._places = {eui: servers[number % len(servers)] for number, eui in enumerate(euis)}
        self._sockets = {eui: self._connect(place) for eui, place in self._places.items()}

    def move(self, gone: tuple[str, int], to: tuple[str, int]) -> None:
        """Have the base stations of a server come to another one."""
        loop = asyncio.get_running_loop()
        for eui in [eui for eui, place in self._places.items() if place == gone]:
            loop.remove_reader(self._sockets[eui])
            self._sockets[eui].close()
            self._places[eui] = to
            sock = self._sockets[eui] = self._connect(to)
            loop.add_reader(sock, self._read, eui, sock)
        self.keep_alive()
