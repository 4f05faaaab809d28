"""Copies of one transmission are recognised by what they are, and frames sent again as what these are."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.network.builders import copy as heard
from tests.unit.network.quiet import HERE, THERE, QuietNetwork
from veldnet.diagnosis import explain_device, explain_frame
from veldnet.network.core import FrameKind, Record
from veldnet.network.shell.admission.recent_frames import HORIZON, RecentFrames
from veldnet.simulator.virtual_time import run_virtually


async def kept(world: QuietNetwork) -> list[tuple[FrameKind, str]]:
    await world.network.commits.drain()
    return [(record.kind, record.outcome) for record in await world.records()]


async def texts(world: QuietNetwork) -> list[str]:
    dev_eui, now = world.lives[0].device.identity.dev_eui, world.clock()
    explained = await world.data.store.read(lambda c: explain_device(c, dev_eui, now))
    return [f"{finding.level}: {finding.text}" for finding in explained.findings]


JOINED = [(FrameKind.JOIN_REQUEST, "accepted"), (FrameKind.JOIN_ACCEPT, "sent")]


@pytest.mark.parametrize("after", [0.5, 2.0, 2.5, 6.0, 12.0, 29.0])
def test_bs_06_a_late_copy_of_an_accepted_join_is_no_replay(tmp_path: Path, after: float) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        request = await world.join(world.lives[0].device)
        await asyncio.sleep(after - 1 if after > 1 else 0)
        world.bring(request, THERE)
        await asyncio.sleep(1)
        assert await kept(world) == JOINED and await world.late_parts() == 1
        assert not sum(world.network.counters.refused.values()) and world.network.counters.late_copies == 1
        found = await texts(world)
        assert any("1 copy of the frame arrived after the deduplication window" in text for text in found)
        assert not [text for text in found if text.startswith("problem")]
        (joined, _accept) = await world.records()
        explained = await world.data.store.read(lambda c: explain_frame(c, joined.id))
        assert explained is not None
        assert any("from base station FF000002" in finding.text for finding in explained.findings)
        await world.close()

    run_virtually(story())


@pytest.mark.parametrize(("after", "station"), [(2.5, HERE), (6.0, HERE), (HORIZON + 5, THERE)])
def test_bs_06_a_join_request_sent_again_is_a_replay(tmp_path: Path, after: float, station: int) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        request = await world.join(world.lives[0].device)
        await asyncio.sleep(after)
        world.bring(request, THERE if station == THERE else HERE)
        await asyncio.sleep(1)
        assert (await kept(world))[-1] == (FrameKind.JOIN_REQUEST, "dev_nonce_replayed")
        await world.close()

    run_virtually(story())


def test_a_join_request_sent_again_to_the_next_server_is_a_replay(tmp_path: Path) -> None:
    """Which nonces a device has used is in the store before the join is accepted, and not in memory alone."""

    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        request = await world.join(world.lives[0].device)
        world.server.die()
        await asyncio.sleep(HORIZON + 5)
        world.bring(request)
        await asyncio.sleep(3)
        assert [outcome for _kind, outcome in await kept(world)] == ["accepted", "sent", "dev_nonce_replayed"]
        await world.close()

    run_virtually(story())


def test_bs_06_a_datagram_that_comes_twice_is_no_replay(tmp_path: Path) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        device = world.lives[0].device
        request = device.join_request().phy_payload
        world.bring(request, timestamp=77)
        await asyncio.sleep(6)
        world.bring(request, timestamp=77)
        world.bring(request, THERE, timestamp=78)
        await asyncio.sleep(1)
        assert await kept(world) == JOINED and await world.late_parts() == 2
        # The base station that brought a late copy brings another one: that was transmitted again.
        world.bring(request, THERE, timestamp=79_000_000)
        await asyncio.sleep(1)
        assert (await kept(world))[-1][1] == "dev_nonce_replayed"
        await world.close()

    run_virtually(story())


def test_bs_06_a_late_copy_of_an_uplink_behind_newer_ones(tmp_path: Path) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        device = world.lives[0].device
        await world.join(device)
        sent = []
        for _ in range(3):
            sent.append(device.uplink(1, b"reading").phy_payload)
            world.bring(sent[-1])
            await asyncio.sleep(4)
        before = await kept(world)
        world.bring(sent[0], THERE)
        await asyncio.sleep(1)
        assert await kept(world) == before and await world.late_parts() == 1
        world.bring(sent[0], HERE)
        await asyncio.sleep(1)
        assert (await kept(world))[-1][1] == "counter_replayed", "sent again"
        await world.close()

    run_virtually(story())


def test_bs_06_a_late_copy_of_a_session_that_has_ended(tmp_path: Path) -> None:
    async def story() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        device = world.lives[0].device
        await world.join(device)
        old = device.uplink(1, b"reading").phy_payload
        world.bring(old)
        await asyncio.sleep(4)
        await world.join(device)
        world.bring(device.uplink(1, b"new session").phy_payload)
        await asyncio.sleep(4)
        before = await kept(world)
        world.bring(old, THERE)
        await asyncio.sleep(1)
        assert await kept(world) == before
        await world.close()

    run_virtually(story())


def test_d10_a_frame_has_one_time(tmp_path: Path) -> None:
    """The row, by which statistics are dated, the record and thereby the message name one instant."""
    from veldnet.store import millis_of

    async def story() -> Sequence[Record]:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        device = world.lives[0].device
        await world.join(device)
        for number in range(5):
            await asyncio.sleep(4.0007 + number / 3)
            world.bring(device.uplink(1, b"reading").phy_payload)
        await asyncio.sleep(2)
        records = await world.records()
        await world.close()
        return records

    records = [record for record in run_virtually(story()) if record.kind is not FrameKind.JOIN_ACCEPT]
    assert len(records) == 6
    assert [millis_of(record.id) for record in records] == [round(record.time * 1000) for record in records]


def test_as_many_frames_are_remembered_as_there_is_room_for() -> None:
    recent = RecentFrames()
    for number in range(120_000):
        recent.accepted(number, (heard(number.to_bytes(4, "big")),), 10.0)
    assert recent.find((119_999).to_bytes(4, "big")) is not None
    assert recent.find((0).to_bytes(4, "big")) is None
    late = (heard((119_999).to_bytes(4, "big"), base_station=THERE),)
    assert recent.original_of(late, 11.0) is not None
    assert recent.original_of(late, 11.0 + HORIZON) is None


def test_remembered_frames_are_nothing_to_search_for_garbage() -> None:
    """There are tens of thousands of them, and while the search goes on nothing is received."""
    recent = RecentFrames()
    first, second = heard(b"frame"), heard(b"frame", base_station=THERE, timestamp=None)
    recent.accepted(1, (first, second), 1.0)
    gc.collect()
    original = recent.find(b"frame")
    assert original is not None and original.is_of(first) and not original.is_of(second)
    assert not gc.is_tracked(original) and not gc.is_tracked(original.brought)
