"""Delivery by other processes: the link, and what becomes of messages when a process dies or is slow."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.outgoing.servers import RawServer, serving
from veldnet import __version__
from veldnet.assembly.delivering import delivery_processes
from veldnet.network.shell import Runtime
from veldnet.routing import Limits, ProcessPlan, RouteSender, TransportSettings, serve_deliveries
from veldnet.routing.processes import DeliveryProcess, Link
from veldnet.routing.processes.link import MAX_FRAME
from veldnet.routing.processes.wire import (
    PROTOCOL,
    Hello,
    Load,
    Outcomes,
    Page,
    Profiles,
    Stop,
    TakeUp,
    Written,
    from_process,
)
from veldnet.settings import Processes, RoutingSettings, ServerSettings, Settings
from veldnet.store import IdSource, StoreError
from veldnet.supervision import Supervisor

from .network import OK, QUICK, Network, bodies, status, uplink


class _Process:
    """What the server has in its hands of a process that runs in the test's own loop."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self.pid = 0
        self._task = task

    def wait(self, timeout: float | None = None) -> int:
        return 0

    def kill(self) -> None:
        self._task.cancel()


Peer = Callable[[socket.socket], Any]


def plan(*peers: Peer, processes: int = 1) -> ProcessPlan:
    """The peers one after the other as processes, the last one again and again."""
    started = 0

    def start(theirs: socket.socket, _number: int) -> Any:
        nonlocal started
        peer = peers[min(started, len(peers) - 1)]
        started += 1
        return _Process(asyncio.get_running_loop().create_task(peer(theirs.dup())))

    return ProcessPlan(processes, start)


async def deliver(connection: socket.socket) -> None:
    """A delivery process in this loop."""
    runtime = Runtime(time.time, IdSource(), random.Random(1), Supervisor(expected=(StoreError,)))
    sender = RouteSender(TransportSettings(True), clock=time.monotonic)
    await serve_deliveries(connection, runtime, sender, QUICK, Limits())


def only(network: Network) -> DeliveryProcess:
    (process,) = network.deliveries.processes.each
    assert isinstance(process, DeliveryProcess)
    return process


async def begun(network: Network) -> DeliveryProcess:
    await network.deliveries.start()
    process = only(network)
    await network.until(lambda: process.ready)
    return process


def arrived(server: RawServer) -> dict[str, list[int]]:
    """Counters of the uplinks of each device, each where it came first."""
    found: dict[str, list[int]] = defaultdict(list)
    for body in bodies(server):
        if body["FCntUp"] not in found[body["DevEUI"]]:
            found[body["DevEUI"]].append(body["FCntUp"])
    return found


async def _linked() -> tuple[Link, socket.socket, list[bytes], list[str]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    frames: list[bytes] = []
    reasons: list[str] = []
    return await Link.open(ours, frames.append, reasons.append), theirs, frames, reasons


async def _wait(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not met():
            await asyncio.sleep(0.001)


async def test_frames_come_whole_however_they_are_cut() -> None:
    _link, theirs, frames, reasons = await _linked()
    sent = [b"a", b"", b"b" * 300]
    for octet in b"".join(len(each).to_bytes(4, "big") + each for each in sent):
        theirs.send(bytes([octet]))
        await asyncio.sleep(0)
    await _wait(lambda: frames == sent)
    # In the middle of a frame the other side goes.
    theirs.send(b"\0\0\0\7abc")
    theirs.close()
    await _wait(lambda: bool(reasons))
    assert frames == sent and reasons == ["it has ended"]


async def test_a_frame_without_end_ends_the_link() -> None:
    _link, theirs, frames, reasons = await _linked()
    theirs.send((MAX_FRAME + 1).to_bytes(4, "big"))
    await _wait(lambda: bool(reasons))
    assert not frames and "a frame of 16000001 octets" in reasons[0]
    theirs.close()


async def test_a_full_link_says_so_and_when_there_is_room() -> None:
    link, theirs, _frames, _reasons = await _linked()
    rooms: list[bool] = []
    link.on_room = lambda: rooms.append(link.full)
    message, sent = TakeUp([(1, "x" * 60_000)]), 0
    frame = msgspec.msgpack.encode(message)
    while not link.full:
        link.send(message)
        sent += 1
    assert sent < 200 and not rooms
    read = bytearray()
    while not rooms or len(read) % (len(frame) + 4):
        try:
            read += theirs.recv(1 << 20)
        except BlockingIOError:
            await asyncio.sleep(0)
    assert rooms == [False]
    assert read.startswith(len(frame).to_bytes(4, "big") + frame)
    link.close()
    theirs.close()


async def test_messages_go_and_come_back_by_their_outcome(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, devices=3, processes=plan(deliver))
    async with serving(lambda number: [status(500) if number == 1 else OK]) as server:
        await network.profile(server.address)
        # One before the process is there, and some after: the ledger has it.
        await network.send(uplink(1))
        await begun(network)
        for number in range(2, 12):
            device = 1 + number % 3
            await network.send(uplink(number, device), device=device)
        await network.until(lambda: network.deliveries.counters.delivered == 11)
        assert await network.rows_left() == 0
        assert all(found == sorted(found) for found in arrived(server).values())
        assert network.deliveries.counters.attempts == {"Ok": 11, "Error": 1}
        await network.until(lambda: not network.deliveries.holds(1))
    await network.close()


async def test_an_answer_older_than_what_was_written_brings_nothing_back(tmp_path: Path) -> None:
    """The store was asked before a commit, and its answer comes after the word of that commit."""
    said: list[msgspec.Struct] = []

    async def next_of(kind: type[msgspec.Struct]) -> Any:
        await _wait(lambda: any(isinstance(each, kind) for each in said))
        found = next(each for each in said if isinstance(each, kind))
        said.remove(found)
        return found

    async def mute(connection: socket.socket) -> None:
        """Leaves everything in the ledger."""
        silent.append(connection)

    silent: list[socket.socket] = []
    network = await Network.open(tmp_path, processes=plan(mute))
    async with serving(lambda _number: [OK]) as server:
        await network.profile(server.address)
        await network.send(uplink(1))
        ((ref, queue, _partition),) = await network.store.pending_queues((0, ""), 10, None)
        rows = await network.store.pending_deliveries(ref, queue, 10)
        ours, theirs = socket.socketpair()
        worker = asyncio.get_running_loop().create_task(deliver(theirs))
        link = await Link.open(
            ours, lambda frame: said.append(from_process.decode(frame)), lambda _reason: None
        )
        link.send(Profiles(list(network.table.all)))
        link.send(TakeUp([(ref, queue)]))
        for _time in range(2):
            link.send(Page((await next_of(Load)).number, rows))
        ended = await next_of(Outcomes)
        assert [each.delivery_id for each in ended.ended] == [rows[0].id]
        link.send(TakeUp([(ref, queue)]))
        asked = await next_of(Load)
        link.send(Written(ended.batch))
        for _time in range(2):
            link.send(Page(asked.number, rows))
            asked = await next_of(Load) if not _time else asked
        link.send(Stop(5))
        await worker
        assert len(server.requests) == 1
        link.close()
    await network.close()


async def test_profiles_and_devices_change_for_a_process(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, devices=2, processes=plan(deliver))
    async with serving(lambda _number: [status(503)]) as old, serving(lambda _number: [OK]) as new:
        await network.profile(old.address)
        await begun(network)
        await network.send(uplink(1))
        await network.send(uplink(1, 2), device=2)
        await network.until(lambda: len(old.requests) > 3)
        assert network.deliveries.holds(2)
        network.deliveries.device_removed(2)
        listed = await network.until_listed(lambda found: any(each.reason for each in found))
        assert [each.reason for each in listed if each.reason] == ["deviceDeleted"]
        await network.profile(new.address)
        await network.until(lambda: len(new.requests) == 1)
        await network.until(lambda: network.deliveries.counters.delivered == 1)
    await network.close()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Hello(PROTOCOL, "0.0.1"), "of version 0.0.1"),
        (Hello(PROTOCOL + 1, __version__), "restart the server"),
        (Written(1), "no message"),
        (None, "it has ended"),
    ],
)
async def test_what_is_no_delivery_process_is_not_used(
    tmp_path: Path, said: msgspec.Struct | None, reason: str
) -> None:
    async def speaker(connection: socket.socket) -> None:
        with connection:
            if said is not None:
                frame = msgspec.msgpack.encode(said)
                connection.send(len(frame).to_bytes(4, "big") + frame)
                await asyncio.sleep(10)

    network = await Network.open(tmp_path, processes=plan(speaker, deliver))
    async with serving(lambda _number: [OK]) as server:
        await network.profile(server.address)
        await network.deliveries.start()
        process = only(network)
        await network.until(lambda: bool(process.reason))
        assert reason in process.reason and network.deliveries.processes.away == ["delivery-1"]
        await network.send(uplink(1))
        await network.until(lambda: network.deliveries.counters.delivered == 1)
        assert process.restarts == 1
    await network.close()


async def test_a_process_that_does_not_read_holds_up_nothing_and_takes_no_memory(tmp_path: Path) -> None:
    """Until it is ended, and the next one takes up what it had."""
    silent: list[socket.socket] = []

    async def unread(connection: socket.socket) -> None:
        frame = msgspec.msgpack.encode(Hello(PROTOCOL, __version__))
        connection.send(len(frame).to_bytes(4, "big") + frame)
        silent.append(connection)

    network = await Network.open(tmp_path, devices=40, processes=plan(unread, deliver))
    async with serving(lambda _number: [OK]) as server:
        await network.profile(server.address)
        process = await begun(network)
        for number in range(1, 9):
            messages = [uplink(each, filler="x" * 100_000) for each in range(number * 10, number * 10 + 10)]
            await network.send(*messages, device=number % 2 + 1)
        assert process.behind and process.waiting < 8_000_000
        assert await network.rows_left() == 80
        silent[0].close()
        await network.until(lambda: network.deliveries.counters.delivered == 80)
        assert await network.rows_left() == 0
        assert len(server.requests) == 80
    await network.close()


async def test_a_killed_process_loses_nothing_and_a_stopped_one_catches_up(tmp_path: Path) -> None:
    """With a real process: it is killed and stopped while messages come."""
    settings = Settings(
        routing=RoutingSettings(allow_private_destinations=True), server=ServerSettings(Processes("2"))
    )
    network = await Network.open(tmp_path, devices=8, processes=delivery_processes(settings, QUICK))
    async with serving(lambda _number: [OK]) as server:
        await network.profile(server.address)
        process, pid = await begun(network), 0
        for number in range(1, 31):
            for device in range(1, 5):
                await network.send(uplink(number, device), device=device)
            if number in (10, 20):
                pid = process.pid or 0
                os.kill(pid, signal.SIGKILL if number == 10 else signal.SIGSTOP)
            if number == 19:
                await network.until(lambda: process.ready and process.restarts == 1)
            if number == 30:
                os.kill(pid, signal.SIGCONT)
        await network.until(lambda: network.deliveries.counters.delivered >= 120)
        assert await network.rows_left() == 0
        found = arrived(server)
        assert len(found) == 4
        assert all(counters == list(range(1, 31)) for counters in found.values())
        assert process.restarts == 1
        assert process.pid == pid
    await network.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
