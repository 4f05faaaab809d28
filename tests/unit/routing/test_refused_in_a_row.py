"""Many messages in a row that a server refuses, of its only device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .network import OK, Network, counters, status, uplink
from .test_delivery import application_server
from .test_processes import deliver, plan


async def test_c1_many_refused_messages_of_the_only_device_hold_up_none_behind_them(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    async with application_server(lambda body: status(500) if body["FCntUp"] < 9 else OK) as server:
        await network.profile(server.address)
        await network.send(*map(uplink, range(11)))
        await network.until(lambda: network.deliveries.pending == 0)
        listed = await network.listed()
        assert [item.reason for item in listed] == ["refusedRepeatedly"] * 9
        assert {number for number in counters(server) if number >= 9} == {9, 10}
        assert counters(server).count(9) == counters(server).count(10) == 1
        await network.close()


async def test_c1_what_was_refused_while_the_server_took_nothing_is_tried_again(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    numbers: list[int] = []

    def answer(body: dict[str, Any]) -> bytes:
        numbers.append(body["FCntUp"])
        # It recovers just when the last one is tried.
        return OK if 9 in numbers and body["FCntUp"] > 3 else status(500)

    async with application_server(answer) as server:
        await network.profile(server.address)
        await network.send(*map(uplink, range(10)))
        await network.until(lambda: network.deliveries.pending == 0)
        assert len([item for item in await network.listed() if item.reason]) in range(4, 7)
        assert {4, 5, 6} <= set(numbers[numbers.index(9) :])
        await network.close()


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another process"])
async def test_c1_rows_that_are_longer_than_a_page_of_the_store_hold_up_none_behind_them(
    elsewhere: bool, tmp_path: Path
) -> None:
    network = await Network.open(tmp_path)
    bad, good = list(range(250)), [250, 251, 252]
    await network.profile("http://127.0.0.1:9/")
    await network.send(*map(uplink, bad + good))
    # A new process knows of none of them.
    await network.stop()
    held = 0

    def answer(body: dict[str, Any]) -> bytes:
        nonlocal held
        held = max(held, network.deliveries.pending)
        return OK if body["FCntUp"] in good else status(500)

    async with application_server(answer) as server:
        await network.profile(server.address)
        network.begin(processes=plan(deliver) if elsewhere else None)
        await network.deliveries.start()
        await network.until_listed(
            lambda listed: [item.reason for item in listed] == ["refusedRepeatedly"] * len(bad)
        )
        assert [number for number in counters(server) if number in good] == good
        # Memory has a page of them at a time, and the first one.
        assert held <= 101
        await network.close()


async def test_c1_none_of_a_long_row_is_set_aside_by_a_server_that_recovers(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    await network.profile("http://127.0.0.1:9/")
    await network.send(*map(uplink, range(250)))
    await network.stop()
    tried: list[int] = []

    def answer(body: dict[str, Any]) -> bytes:
        tried.append(body["FCntUp"])
        # It recovers behind the first page, in the middle of what is tried at a time.
        return OK if 150 in tried else status(500)

    async with application_server(answer) as server:
        await network.profile(server.address)
        network.begin()
        await network.deliveries.start()
        await network.until_listed(lambda listed: not listed)
        taken = tried[tried.index(150) :]
        assert sorted(taken) == list(range(250))
        # All others keep their order.
        assert taken[1:] == sorted(taken[1:])
        await network.close()
