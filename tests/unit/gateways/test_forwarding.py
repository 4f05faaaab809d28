"""Datagrams of base stations that are passed on to the server of another network, and its answers."""

from __future__ import annotations

import asyncio
import socket

from tests.unit.gateways.test_semtech_udp import HERE, STATION, WIRE_EUI, Harness, rxpk, window
from veldnet.gateways.semtech_udp.forwarding import Forwarder
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport

DOWN = b'{"txpk":{"imme":true}}'


class OtherServer:
    """The server of the other network."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)

    async def take(self) -> tuple[bytes, tuple[str, int]]:
        return await asyncio.get_running_loop().sock_recvfrom(self.sock, 65_535)


async def until(ready: object) -> None:
    assert callable(ready)
    while not ready():
        await asyncio.sleep(0)


def test_both_servers_send_through_one_base_station_and_each_gets_its_own_answers() -> None:
    async def story() -> None:
        harness, other = Harness(), OtherServer()
        forwarder = Forwarder(other.sock.getsockname(), harness.server)
        harness.server._forwarder = forwarder
        await forwarder.start()
        try:
            harness.push(f'{{"rxpk":[{rxpk().decode()}]}}'.encode())
            frames, _source = await other.take()
            assert frames[:12] == b"\x02ab\x00" + WIRE_EUI and len(harness.uplinks) == 1
            harness.pull()
            keep_alive, source = await other.take()
            assert keep_alive == b"\x02cd\x02" + WIRE_EUI
            # Its acknowledgements end here: the base station has one.
            acknowledged = [datagram for datagram, _address in harness.sent]
            assert acknowledged == [b"\x02ab\x01", b"\x02cd\x04"]
            other.sock.sendto(b"\x02cd\x04", source)
            harness.server.transmit(GatewayDownlink(77, b"abc", window(Lora(9, 125))))
            own = harness.sent[-1][0][1:3]
            # The other server happens to use the token of ours.
            other.sock.sendto(b"\x02" + own + b"\x03" + DOWN, source)
            await until(lambda: len(harness.sent) == 4)
            relayed, address = harness.sent[-1]
            assert relayed[4:] == DOWN and relayed[1:3] != own and address == HERE
            harness.server.datagram(b"\x02" + relayed[1:3] + b"\x05" + WIRE_EUI + b"{}", HERE)
            answer, _source = await other.take()
            assert answer == b"\x02" + own + b"\x05" + WIRE_EUI + b"{}" and not harness.reports
            harness.server.datagram(b"\x02" + own + b"\x05" + WIRE_EUI, HERE)
            assert harness.reports == [TransmitReport(77, STATION, None)]
            assert harness.server.datagrams["relayed"] == 1 and not harness.server.refused
        finally:
            forwarder.close()
            other.sock.close()

    asyncio.run(story())


def test_base_stations_that_are_not_registered_keep_their_network() -> None:
    async def story() -> None:
        harness, other = Harness(), OtherServer()
        forwarder = Forwarder(other.sock.getsockname(), harness.server)
        harness.server._forwarder = forwarder
        await forwarder.start()
        try:
            foreign = bytes(8)
            harness.server.datagram(b"\x02cd\x02" + foreign, HERE)
            keep_alive, source = await other.take()
            assert keep_alive.endswith(foreign) and not harness.sent
            for datagram in (b"\x02cd\x04", b"\x02xy\x03" + DOWN):
                other.sock.sendto(datagram, source)
                await until(lambda d=datagram: harness.sent[-1:] == [(d, HERE)])
            harness.server.datagram(b"\x02xy\x05" + foreign, HERE)
            assert (await other.take())[0] == b"\x02xy\x05" + foreign
        finally:
            forwarder.close()
            other.sock.close()

    asyncio.run(story())


def test_a_server_that_is_gone_disturbs_nobody() -> None:
    async def story() -> None:
        harness, other = Harness(), OtherServer()
        where = other.sock.getsockname()
        other.sock.close()
        forwarder = Forwarder(where, harness.server)
        harness.server._forwarder = forwarder
        await forwarder.start()
        try:
            for _ in range(3):
                harness.push(f'{{"rxpk":[{rxpk().decode()}]}}'.encode())
                await asyncio.sleep(0)
            assert len(harness.uplinks) == 3 and len(harness.sent) == 3 and not harness.defects
        finally:
            forwarder.close()

    asyncio.run(story())
