"""What administrators see of a session, and the one story that is told of a join."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NETWORK, device, radio, session
from tests.unit.network.quiet import QuietNetwork
from veldnet.diagnosis import explain_device
from veldnet.domain.documents import ProfileSettings
from veldnet.lorawan.regions import REGIONS, ChannelPlan
from veldnet.network.core.inspection import DlChannelView, SessionView, inspect
from veldnet.network.core.state import DeviceState, JoinMemory
from veldnet.simulator.virtual_time import run_virtually


def view(profile: ProfileSettings | None = None, **changes: object) -> SessionView:
    state = DeviceState(session=session(**changes))
    found = inspect(NETWORK, device(profile), state, JoinMemory()).session
    assert found is not None
    return found


def parameters(found: SessionView) -> dict[str, tuple[str, str]]:
    return {parameter.name: (parameter.wanted, parameter.confirmed) for parameter in found.parameters}


def test_e10_class_b() -> None:
    assert view().classB is None and "pingSlotPeriodicity" not in parameters(view())
    found = view(
        ProfileSettings(pingSlotFrequency=869_525_000, pingSlotDataRate=3, beaconFrequency=869_100_000),
        ping_periodicity=4,
        radio=radio(ping_data_rate=5, ping_frequency=868_300_000),
    )
    assert found.classB is not None
    assert (found.classB.periodicity, found.classB.pingPeriod) == (4, 16)
    assert (found.classB.pingSlotDataRate, found.classB.pingSlotFrequency) == (5, 868_300_000)
    assert found.classB.beaconFrequency == 869_525_000, "the region's"
    assert {
        name: pair for name, pair in parameters(found).items() if name.startswith(("ping", "beacon"))
    } == {
        "pingSlotPeriodicity": ("4", "4"),
        "pingSlotDataRate": ("3", "5"),
        "pingSlotFrequency": ("869525000", "868300000"),
        "beaconFrequency": ("869100000", "0"),
    }


def test_e10_frequencies_of_dl_channel() -> None:
    network = replace(NETWORK, rx1_frequencies=((868_100_000, 869_525_000), (868_300_000, 868_500_000)))
    state = DeviceState(session=session(radio=radio(dl_frequencies=((0, 869_525_000), (4, 868_500_000)))))
    found = inspect(network, device(), state, JoinMemory()).session
    assert found is not None
    assert found.dlChannels == (
        DlChannelView(0, 868_100_000, 869_525_000),
        DlChannelView(4, 867_300_000, 868_500_000),
    )
    moved = {name: pair for name, pair in parameters(found).items() if name.startswith("dlChannel")}
    assert moved == {
        "dlChannel0": ("869525000", "869525000"),
        "dlChannel1": ("868500000", "868300000"),
        "dlChannel4": ("867300000", "868500000"),
    }


@pytest.mark.parametrize(
    ("wanted", "expected"), [(None, ("1", "1")), (True, ("1", "1")), (False, ("0", "1"))]
)
def test_e10_dwell_time(wanted: bool | None, expected: tuple[str, str]) -> None:
    region = REGIONS["AS923-1"]
    network = replace(NETWORK, channel_plans={"AS923-1": ChannelPlan(region)}, uplink_dwell=wanted)
    state = DeviceState(session=session(radio=radio(uplink_dwell=True, tx_power=2)))
    target = device(ProfileSettings(region="AS923-1"))
    found = inspect(network, target, state, JoinMemory()).session
    assert found is not None and (found.uplinkDwellTime, found.downlinkDwellTime) == (True, False)
    assert parameters(found)["uplinkDwellTime"] == expected and found.eirp == region.max_eirp - 4
    assert "uplinkDwellTime" not in parameters(view()), "EU868 has none"


async def story_of(world: QuietNetwork) -> str:
    await world.network.commits.drain()
    dev_eui, now = world.lives[0].device.identity.dev_eui, world.clock()
    explained = await world.data.store.read(lambda c: explain_device(c, dev_eui, now))
    return " | ".join(f"{finding.level}: {finding.text}" for finding in explained.findings)


def test_e10_a_join_under_way_is_one_story(tmp_path: Path) -> None:
    async def run() -> None:
        world = QuietNetwork(tmp_path, 1)
        await world.build(1)
        virtual = world.lives[0].device
        request = virtual.join_request().phy_payload
        world.bring(request)
        for wait in (0.25, 0.75, 8.0, 60.0, 500.0):
            await asyncio.sleep(wait)
            found = await story_of(world)
            assert "ok: Joining: the join-accept " in found, wait
            assert "problem" not in found and "No problems" not in found and "does not hear" not in found
        virtual.receive(world.downlinks[-1].phy_payload)
        world.bring(virtual.uplink(1, b"x").phy_payload)
        await asyncio.sleep(4)
        found = await story_of(world)
        assert "Joining" not in found
        assert "ok: Last uplink (FCnt 0) 4 seconds ago" in found and "ok: No problems found." in found
        # It joins once more: the joins before its uplinks count no longer.
        await world.join(virtual)
        found = await story_of(world)
        assert "ok: Joining" in found and "problem" not in found and "No problems" not in found
        await asyncio.sleep(900)
        found = await story_of(world)
        assert "problem: The join-accept was sent 15 minutes ago, and no uplink followed" in found
        assert "No problems" not in found and "Joining" not in found
        await world.join(virtual)
        found = await story_of(world)
        assert "problem: 2 join-accepts were sent, the last" in found and "Joining" not in found
        await world.close()

    run_virtually(run())
