"""Downlinks that base stations refuse, through the whole network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.network.quiet import HERE, QuietNetwork
from veldnet.diagnosis import explain_device
from veldnet.inventory import base_stations
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import TransmitWindow
from veldnet.network.core import DownlinkRecord, DownlinkRequest
from veldnet.network.core.base_station_radios import conducted_power
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import Conditions, Kind

CLASS_C = (Kind("1.0.2", "C"),)


def above_20(window: TransmitWindow) -> str | None:
    return "TX_POWER" if conducted_power(window) > 20 else None


async def joined(directory: Path) -> QuietNetwork:
    """A device of class C that was heard once."""
    world = QuietNetwork(directory, 1, conditions=Conditions(kinds=CLASS_C))
    await world.build(1, stations=1)
    device = world.lives[0].device
    await world.join(device)
    world.bring(device.uplink(1, b"x").phy_payload)
    await asyncio.sleep(10)
    world.downlinks.clear()
    return world


async def submit(world: QuietNetwork) -> None:
    dev_eui = world.lives[0].device.identity.dev_eui
    assert await world.network.requests.submit(dev_eui, DownlinkRequest(fport=9, payload=b"open")) is None


async def outcome(world: QuietNetwork) -> DownlinkRecord:
    await world.network.commits.drain()
    return [r for r in await world.records() if isinstance(r, DownlinkRecord) and not r.join_accept][-1]


def test_bs_04_a_base_station_that_ends_at_20_dbm_sends_at_20_dbm(tmp_path: Path) -> None:
    async def story() -> None:
        world = await joined(tmp_path)
        world.refuses = above_20
        await submit(world)
        await asyncio.sleep(1)
        assert [conducted_power(d.window) for d in world.downlinks] == [27, 26, 25, 23, 20]
        record = await outcome(world)
        assert record.delivered and "TX_POWER (27 dBm)" in record.decisions[0]
        await submit(world)
        await asyncio.sleep(1)
        assert [conducted_power(d.window) for d in world.downlinks][5:] == [20], "learnt"
        await world.close()

    run_virtually(story())


def test_bs_04_the_setting_of_the_base_station_counts_from_the_first_frame(tmp_path: Path) -> None:
    async def story() -> None:
        world = await joined(tmp_path)
        world.refuses = above_20
        platform = world.server.platform
        operator = next(station.operator_ref for _id, station in platform.base_stations.all())
        await platform.store.write(
            lambda c: base_stations.change_base_station(
                c, operator, "FF000001", base_stations.StationFacts(name="x", max_tx_power=20)
            )
        )
        await platform.apply_changes()
        await submit(world)
        await asyncio.sleep(1)
        assert [conducted_power(d.window) for d in world.downlinks] == [20]
        await world.close()

    run_virtually(story())


@pytest.mark.parametrize(("error", "cause"), [("TX_POWER", "A5"), ("TX_FREQ", "A5"), ("GPS_UNLOCKED", "DC")])
def test_bs_04_the_failure_names_the_refusal(tmp_path: Path, error: str, cause: str) -> None:
    async def story() -> None:
        world = await joined(tmp_path)
        world.refuses = lambda _window: error
        await submit(world)
        await asyncio.sleep(65)
        record = await outcome(world)
        assert (record.delivered, record.cause_rx2) == (False, cause) and error in record.decisions[0]
        assert len(world.downlinks) < 20
        dev_eui, now = world.lives[0].device.identity.dev_eui, world.clock()
        explained = await world.data.store.read(lambda c: explain_device(c, dev_eui, now))
        problem = next(finding for finding in explained.findings if finding.level == "problem")
        assert "no base station was free" not in problem.text
        await world.close()

    run_virtually(story())


def test_b10_a_downlink_tied_to_an_uplink_at_a_busy_base_station_goes_later(tmp_path: Path) -> None:
    async def story() -> None:
        world = await joined(tmp_path)
        device, network = world.lives[0].device, world.network
        # The network's own view of the base station: both windows are taken, for other devices.
        for start in range(0, 30, 2):
            window = TransmitWindow(
                HERE, 2, 869_525_000, Lora(12, 125), world.clock() + start, 29.15, timestamp=1
            )
            network.air.book(window, 51, 10_000 + start, world.clock())
        # The first one waits for the base station; the second is chosen for the windows of the uplink.
        await submit(world)
        await submit(world)
        world.bring(device.uplink(1, b"y").phy_payload)
        await asyncio.sleep(90)
        records = [r for r in await world.records() if isinstance(r, DownlinkRecord) and r.from_application]
        assert [(record.delivered, record.slot) for record in records] == [(True, 2), (True, 2)]
        assert "A3" in [record.cause_rx1 for record in records]
        assert all(downlink.window.immediate for downlink in world.downlinks)
        await world.close()

    run_virtually(story())
