"""Firmware goes to a station as slowly as it takes it, and no part is read before there is room for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tests.contract.base_stations.field import EUI_HERE, Directory, Network
from tests.cups_station import CupsStation
from veldnet.gateways import Hub, Presence
from veldnet.gateways.basics_station import Asked, CupsOptions, CupsServer, Segments, Update
from veldnet.simulator.virtual_time import run_virtually

_PART = bytes(64 << 10)
_PARTS = 80


class Desk:
    """Has firmware for everybody."""

    def __init__(self) -> None:
        self.read = 0
        self.taken = 0

    async def answer(self, asked: Asked) -> Segments:
        return Segments(
            signature=b"sum.signature", update=Update(len(_PART) * _PARTS, self._parts, self._taken)
        )

    async def _parts(self) -> AsyncIterator[bytes]:
        for _ in range(_PARTS):
            self.read += 1
            yield _PART

    async def _taken(self) -> None:
        self.taken += 1


async def _served(desk: Desk, defects: list[BaseException]) -> tuple[CupsServer, int]:
    def caught(_task: str, error: BaseException) -> None:
        defects.append(error)

    hub = Hub(Network(), Directory(), Presence(), lambda: 1_800_000_000.0, caught)
    sock = socket.create_server(("127.0.0.1", 0))
    # Little room, so that a slow station is one here, too.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    server = CupsServer(hub, desk, CupsOptions(required=False))
    await server.start(sock)
    return server, sock.getsockname()[1]


@pytest.mark.parametrize(("pause", "stalls"), [(40.0, False), (700.0, True)], ids=["slow", "stalled"])
def test_a_station_takes_firmware_at_its_own_pace(pause: float, stalls: bool) -> None:
    desk, defects = Desk(), list[BaseException]()

    async def story() -> None:
        loop = asyncio.get_running_loop()
        server, port = await _served(desk, defects)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
        writer.write(CupsStation(str(EUI_HERE), port).request())
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.partition(b"Content-Length: ")[2].split()[0])
        assert left > len(_PART) * _PARTS
        begin, ahead, paused = loop.time(), 0, 0
        while left > 0:
            try:
                part = await reader.read(1 << 16)
            except ConnectionError:
                part = b""
            if not part:
                break
            left -= len(part)
            if (_PARTS * len(_PART) - left) // (4 * len(_PART)) > paused:
                paused += 1
                ahead = max(ahead, desk.read * len(_PART) - (len(_PART) * _PARTS - left))
                await asyncio.sleep(pause)
        writer.close()
        await asyncio.sleep(1)
        await server.stop()
        if stalls:
            assert left > 0 and not desk.taken and server.counts.irregular["answer_not_read"] == 1
        else:
            assert left == 0 and desk.taken == 1 and loop.time() - begin > 600
        assert ahead < 32 * len(_PART)

    run_virtually(story(), patience=0.005)
    assert not defects
