"""The port of a virtual base station."""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import closing, suppress
from typing import cast

from veldnet.lorawan import GatewayEui
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.propagation import Place
from veldnet.simulator.udp_link import UdpLink


class _Server(asyncio.DatagramProtocol):
    """Answers every PULL_DATA."""

    def __init__(self) -> None:
        self.ports: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.ports.append(addr[1])
        self._transport.sendto(data[:3] + b"\x04", addr)


async def _ports(eui: GatewayEui, runs: int) -> set[int]:
    """From where a base station is heard in so many runs."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(_Server, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    for _run in range(runs):
        link = await UdpLink.connect(BaseStation(eui, Place(0.0, 0.0)), "127.0.0.1", port, random.Random(1))
        await link.close()
        # Its socket is closed in the next round of the loop.
        await asyncio.sleep(0)
    transport.close()
    return set(server.ports)


def _with_free_port(other: socket.socket) -> tuple[GatewayEui, int]:
    """A base station whose port nobody has, and that port; bound to a socket."""
    for number in range(16_384):
        with suppress(OSError):
            other.bind(("0.0.0.0", 16_384 + number))
            return GatewayEui(number), 16_384 + number
    raise AssertionError("there is no free port")


def test_a_base_station_that_comes_back_is_heard_from_the_same_port() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        eui, own = _with_free_port(other)
    assert asyncio.run(_ports(eui, 2)) == {own}


def test_it_takes_any_port_where_another_program_has_its_own() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        eui, own = _with_free_port(other)
        (port,) = asyncio.run(_ports(eui, 1))
    assert port != own
