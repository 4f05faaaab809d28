"""The live feed: bounded, apart for each customer, and of what was committed only."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from veldnet.lorawan import DevAddr
from veldnet.monitoring import TooManyStreams
from veldnet.monitoring.logger import LiveFeed
from veldnet.network.core import ResetRecord
from veldnet.network.shell import Recorded
from veldnet.store import FrameRow


def batch(*ids: int, subscriber: int | None = 1) -> tuple[list[Recorded], list[FrameRow]]:
    recorded, rows = [], []
    for number in ids:
        recorded.append(
            Recorded(ResetRecord(id=number, device_ref=1, time=0, outcome="x", dev_addr=DevAddr(1)), None)
        )
        row = FrameRow(number, 1, 4, "x", None, None, 0, None, None, None, None, 0, None, 0)
        rows.append(replace(row, subscriber_ref=subscriber))
    return recorded, rows


def feed(**arguments: Any) -> LiveFeed:
    made = LiveFeed(lambda _station: None, **arguments)
    made.operator_of = {1: 10, 2: 10, 3: 20}
    return made


async def test_only_what_was_committed_is_shown_and_to_whom_it_belongs() -> None:
    live = feed()
    mine, other, operator, rival = (
        live.subscribe(1, 10),
        live.subscribe(3, 20),
        live.subscribe(None, 10),
        live.subscribe(None, 20),
    )
    live.rows(*batch(1, 2))
    assert await mine.take(0) == []
    live.failed()
    live.committed()
    assert await mine.take(0) == [], "a commit that failed shows nothing"
    live.rows(*batch(3))
    live.committed()
    live.rows(*batch(4, subscriber=2))
    live.committed()
    assert [line.id for line in await mine.take(0)] == ["3"]
    assert [line.id for line in await operator.take(0)] == ["3", "4"]
    assert await other.take(0) == [] == await rival.take(0)


async def test_who_is_too_slow_is_told_how_much_was_dropped() -> None:
    live = feed(lines=5)
    slow = live.subscribe(1, 10)
    live.rows(*batch(*range(1, 13)))
    live.committed()
    assert [line.id for line in await slow.take(0)] == ["8", "9", "10", "11", "12"]
    assert slow.dropped == 7


async def test_streams_are_limited_and_end_with_the_server() -> None:
    live = feed(streams=2)
    one, two = live.subscribe(1, 10), live.subscribe(1, 10)
    with pytest.raises(TooManyStreams):
        live.subscribe(1, 10)
    live.leave(two)
    live.subscribe(1, 10)
    waiting = asyncio.create_task(one.take(30))
    await asyncio.sleep(0)
    live.close()
    assert await waiting == [] and one.closed


def test_without_watchers_nothing_is_kept() -> None:
    live = feed()
    assert live.rows(*batch(1)) == () and live._writing == []
