"""Beyond capacity datagrams are dropped before they are acknowledged; after a stall nothing is."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque

import pytest

from tests.unit.gateways.test_semtech_udp import EUI, Harness
from veldnet.assembly.listening import Ports
from veldnet.gateways.semtech_udp.backlog import Backlog, stamp_arrivals, waited
from veldnet.settings import load_settings

TURN = 64


class Queue:
    """A socket of which a server with a certain capacity reads, a millisecond at a time."""

    def __init__(self, backlog: Backlog, capacity: float) -> None:
        self.backlog = backlog
        self.capacity = capacity
        self.arrived: deque[float] = deque()
        self.now = 0.0
        self.served: list[float] = []

    def run(self, seconds: float, rate: float, *, stalled: bool = False) -> None:
        end, credit, budget = self.now + seconds, 0.0, 0.0
        while self.now < end:
            self.now += 0.001
            credit += rate / 1000
            while credit >= 1:
                self.arrived.append(self.now)
                credit -= 1
            if stalled:
                continue
            budget = min(budget + self.capacity / 1000, TURN)
            for number in range(TURN):
                if not self.arrived or budget < 1:
                    break
                wait = self.now - self.arrived[0]
                if number == 0:
                    self.backlog.observe(wait, self.now)
                self.arrived.popleft()
                if self.backlog.drops(wait, self.now):
                    # Dropping costs next to nothing.
                    budget -= 0.02
                else:
                    self.served.append(wait)
                    budget -= 1


@pytest.mark.parametrize("excess", [1.2, 1.5, 2.0, 4.0, 10.0])
def test_c16_beyond_capacity_what_is_served_is_in_time(excess: float) -> None:
    backlog = Backlog()
    queue = Queue(backlog, capacity=1000)
    queue.run(4, 1000 * excess)
    queue.served.clear()
    queue.run(10, 1000 * excess)
    late = sum(wait > backlog.budget for wait in queue.served)
    assert late < 0.02 * len(queue.served), "of what is acknowledged"
    assert len(queue.served) > 0.75 * 10 * 1000, "and the capacity is used"
    assert backlog.dropped and "overloaded" in (backlog.problem(queue.now) or "")
    queue.run(30, 500)
    dropped = backlog.dropped
    queue.run(30, 500)
    assert backlog.dropped == dropped and not backlog.sheds and backlog.problem(queue.now) is None


@pytest.mark.parametrize(("stall", "rate"), [(0.5, 500), (3.0, 200), (10.0, 80), (10.0, 700)])
def test_c16_after_a_stall_nothing_is_dropped(stall: float, rate: float) -> None:
    backlog = Backlog()
    queue = Queue(backlog, capacity=1000)
    queue.run(2, rate)
    queue.run(stall, rate, stalled=True)
    queue.run(40, rate)
    assert backlog.dropped == 0 and not queue.arrived


def test_c16_a_rate_within_capacity_is_served_whole() -> None:
    queue = Queue(Backlog(), capacity=1000)
    queue.run(20, 990)
    assert queue.backlog.dropped == 0


def test_c16_where_there_is_no_room_nothing_is_taken() -> None:
    backlog = Backlog()
    backlog.observe(float("inf"), 5.0)
    assert backlog.drops(float("inf"), 5.0) and "have no room" in (backlog.problem(5.0) or "")


@pytest.mark.parametrize(("ago", "expected"), [(0.25, 0.25), (-3600.0, 0.0), (3600.0, 0.0), (59.0, 59.0)])
def test_the_wait_of_a_datagram_survives_steps_of_the_clock(ago: float, expected: float) -> None:
    stamp = struct.pack("@ll", 1000, 500_000_000)
    now = 1000.5 + ago
    assert waited([(socket.SOL_SOCKET, 35, stamp)], lambda: now) == pytest.approx(expected, abs=1e-6)
    assert waited([], lambda: now) == 0.0 == waited([(1, 35, b"short")], lambda: now)


def test_the_kernel_stamps_datagrams() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        here.bind(("127.0.0.1", 0))
        stamp_arrivals(here)
        there.sendto(b"x", here.getsockname())
        _data, ancillary, _flags, _address = here.recvmsg(10, 64)
    assert 0 <= waited(ancillary) < 60 and ancillary


class Waiting(Harness):
    """A host with which frames wait."""

    def __init__(self, lag: float) -> None:
        self._lag = lag
        super().__init__()

    def lag(self) -> float:
        return self._lag


def push(number: int) -> bytes:
    body = (
        b'{"rxpk":[{"tmst":%d,"freq":868.1,"stat":1,"modu":"LORA","datr":"SF7BW125","codr":"4/5","rssi":-60,'
        b'"lsnr":8,"size":12,"data":"QAEAAAGAAAABAgME"}]}' % number
    )
    return b"\x02\x00\x01\x00" + int(EUI).to_bytes(8, "big") + body


@pytest.mark.parametrize(("lag", "taken"), [(0.0, True), (0.3, True), (float("inf"), False)])
def test_c16_a_dropped_datagram_gets_no_acknowledgement(lag: float, taken: bool) -> None:
    async def story() -> tuple[list[int], Waiting]:
        host = Waiting(lag)
        server = host.server
        loop = asyncio.get_running_loop()
        bound = Ports.open(load_settings({"api.http": "127.0.0.1:0", "gateways.udp": "127.0.0.1:0"}))
        bound.http.close()
        sock = bound.base_stations[server.name]
        await server.start(sock)
        address = sock.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
            station.setblocking(False)
            station.connect(address)
            station.send(push(1))
            station.send(b"\x02\x00\x02\x02" + int(EUI).to_bytes(8, "big"))
            kinds = [(await asyncio.wait_for(loop.sock_recv(station, 100), 10))[3]]
            if taken:
                kinds.append((await asyncio.wait_for(loop.sock_recv(station, 100), 10))[3])
        await server.stop()
        return kinds, host

    kinds, host = asyncio.run(story())
    # PULL_ACK always: keep-alives are cheap, and without them there is no way down.
    assert kinds == ([1, 4] if taken else [4]) and len(host.uplinks) == taken
    assert host.server.refused["overload"] == (not taken)
