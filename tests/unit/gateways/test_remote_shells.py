"""Remote shells of Basics Station: its two shells, and what it says of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from veldnet.gateways.basics_station.shells import Shells
from veldnet.gateways.remote import MOST_OUTPUT, MOST_WAITING, RemoteRefused
from veldnet.simulator.virtual_time import run_virtually


class Peer:
    """Station's table of shells. It answers each message with which are open, and an end with the number."""

    def __init__(self) -> None:
        self.open = [False, False]
        self.sent: list[dict[str, Any]] = []
        self.typed: list[bytes] = []
        self.mute = False
        self.broken = False
        self.shells = Shells(self.receive, self.octets)

    async def octets(self, octets: bytes) -> None:
        self.typed.append(octets)

    def receive(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if not self.mute:
            asyncio.get_running_loop().call_soon(self.handle, message)

    def handle(self, message: dict[str, Any]) -> None:
        if "stop" in message and self.open[message["stop"]]:
            self.open[message["stop"]] = False
            self.shells.said(bytes([message["stop"]]) + b"late")
            self.shells.said(bytes([message["stop"]]))
        if "start" in message and not self.broken:
            self.open[message["start"]] = True
            self.shells.said(bytes([message["start"]]) + b"# ")
        assert self.shells.status(list(self.open))


def test_a_shell_is_opened_read_written_and_closed() -> None:
    async def story() -> None:
        peer = Peer()
        peer.open[1] = True
        peer.shells.begin()
        with pytest.raises(RemoteRefused, match="no_free_shell"):
            peer.shells.check()
        await asyncio.sleep(0.1)
        assert peer.open == [False, False]
        shell = await peer.shells.open("jan", "xterm")
        assert peer.sent[-1] == {"msgtype": "rmtsh", "user": "jan", "term": "xterm", "start": 0}
        assert await shell.read(1.0) == b"# "
        await shell.write(b"ls\n")
        assert peer.typed == [b"\x00ls\n"] and (shell.sent, shell.received) == (3, 2)
        assert await shell.read(1.0) == b""
        other = await peer.shells.open("piet", "dumb")
        with pytest.raises(RemoteRefused, match="no_free_shell"):
            await peer.shells.open("klaas", "dumb")
        shell.close("closed")
        # Not given to anybody until what is under way of it has come.
        with pytest.raises(RemoteRefused, match="no_free_shell"):
            peer.shells.check()
        await asyncio.sleep(0.1)
        fresh = await peer.shells.open("klaas", "dumb")
        assert await fresh.read(1.0) == b"# "
        assert shell.ended == "closed" and shell.received == 2
        # One that ends by itself is free at once; its end may be lost.
        peer.open[1] = False
        await asyncio.sleep(6)
        assert await other.read(1.0) == b"# " and other.ended == "exited"
        assert await other.read(1.0) == b""
        peer.shells.check()
        peer.shells.end()
        assert fresh.ended == "disconnected"

    run_virtually(story())


def test_a_shell_that_exits_is_over() -> None:
    async def story() -> None:
        peer = Peer()
        shell = await peer.shells.open("jan", "dumb")
        peer.open[0] = False
        assert peer.shells.said(b"\x00bye") and peer.shells.said(b"\x00")
        assert await shell.read(1.0) == b"# bye" and shell.ended == "exited"
        peer.shells.check()

    run_virtually(story())


def test_a_shell_that_does_not_start_is_refused() -> None:
    async def story() -> None:
        peer = Peer()
        peer.broken = True
        with pytest.raises(RemoteRefused, match="not_started"):
            await peer.shells.open("jan", "dumb")
        peer.mute = True
        with pytest.raises(RemoteRefused, match="not_started"):
            await peer.shells.open("jan", "dumb")
        assert peer.sent[-1] == {"msgtype": "rmtsh", "stop": 0}

    run_virtually(story())


def test_output_is_bounded() -> None:
    async def story() -> None:
        peer = Peer()
        shell = await peer.shells.open("jan", "dumb")
        assert await shell.read(1.0) == b"# "
        for _ in range(20):
            peer.shells.said(b"\x00" + b"y" * 4095)
        assert len(await shell.read(1.0)) == MOST_WAITING
        assert shell.dropped == 20 * 4095 - MOST_WAITING
        for _ in range(MOST_OUTPUT // 8_000_000 + 1):
            peer.shells.said(b"\x00" + b"y" * 8_000_000)
        assert shell.ended == "too_much"
        await asyncio.sleep(0.1)
        assert peer.open == [False, False]

    run_virtually(story())


@pytest.mark.parametrize("octets", [b"", b"\x02x", b"\xff", b"\x00x", b"\x01"])
def test_octets_of_no_shell_are_no_shells(octets: bytes) -> None:
    assert not Peer().shells.said(octets)
    assert not Peer().shells.status([True, True])
