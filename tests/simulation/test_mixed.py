"""Devices of every version, class and region on one network, and what only some of them do."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.beginnings import beginning
from veldnet.inventory import accounts
from veldnet.inventory.devices import get_device
from veldnet.lorawan.mac_commands import RekeyConf
from veldnet.network.core import DownlinkRecord, JoinRecord, UplinkRecord
from veldnet.simulator.security import Security10, Security11
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import MIXED, Conditions, Faults, Kind, Steps
from veldnet.virtual import VirtualNetwork as World

# Steps of a run are spread over so many tests, which run side by side.
SHARDS = 4
# `make simulation` kills the server at every step, `make test` at every eleventh.
STRIDE = 1 if "VELDNET_SIMULATION_SEEDS" in os.environ else 11


def test_every_kind_of_device_lives(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path, 5, conditions=Conditions(kinds=MIXED))
        await world.build(16, period=20)
        await world.run(900)
        records = await world.check_invariants()
        for life, kind in zip(world.lives, MIXED * 2, strict=True):
            device = life.device
            assert device.joined and life.sent > 20, kind
            assert device.device_class == kind.device_class, kind
            assert isinstance(device.security, Security11) == (kind.version == "1.1"), kind
            assert any(received.payload for received in life.received), kind
            # ADR found out that the base stations are near.
            assert device.data_rate >= device.region.adr_max_data_rate - 1, kind
            if kind.version == "1.1":
                confirmed = [c for r in life.received for c in r.commands if isinstance(c, RekeyConf)]
                assert len(confirmed) >= 1, "RekeyInd stays until it is confirmed"
        slots = Counter(r.slot for r in records if isinstance(r, DownlinkRecord) and r.delivered)
        assert slots[1] > 100 and slots[2] > 5 and slots[3] > 5
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert {r.device_class for r in accepted} == {"A", "B", "C"}
        assert not any(type(r).__name__ == "RefusedRecord" for r in records)
        await world.close()

    run_virtually(story())


@pytest.mark.parametrize("kind", [Kind("1.0.2", "C"), Kind("1.1", "C"), Kind("1.0.3", "B")])
def test_downlinks_reach_listening_devices_without_an_uplink(tmp_path: Path, kind: Kind) -> None:
    """Devices that send once in ten minutes hear of a downlink within seconds."""

    async def story() -> None:
        world = World(
            tmp_path,
            3,
            faults=Faults(loss=0.0),
            conditions=Conditions(kinds=(kind,), downlinks_every=(20.0, 40.0)),
        )
        await world.build(3, period=600)
        await world.run(1800)
        records = await world.check_invariants()
        downlinks = [r for r in records if isinstance(r, DownlinkRecord) and r.from_application]
        if kind.device_class == "B":
            scope = await world.data.store.read(lambda c: accounts.scope_of_user(c, 1))
            assert scope is not None
            for ref in ("1", "2", "3"):
                device = await world.data.store.read(lambda c, ref=ref: get_device(c, scope, ref))  # type: ignore[misc]
                assert (device.deviceClass, device.classBState) == ("B", "ACTIVE")
        at_once = [r for r in downlinks if r.slot == (3 if kind.device_class == "B" else 2) and r.delivered]
        heard = [r for life in world.lives for r in life.received if r.payload]
        assert len(at_once) > 20
        # What was sent was heard: the device listened just there and then.
        assert len(heard) >= 0.95 * sum(r.delivered for r in downlinks)
        await world.close()

    run_virtually(story())


def test_sessions_of_1_1_are_renewed_without_losing_the_device(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(
            tmp_path, 4, more={"network.rejoin_time_exp": 0}, conditions=Conditions(kinds=(Kind("1.1"),))
        )
        await world.build(3, period=10)
        loop_time = 0.0
        network = None

        async def ask() -> None:
            nonlocal network, loop_time
            import asyncio

            await asyncio.sleep(120)
            network = world.server.platform.network
            assert await network.requests.ask_rejoin(1) and await network.requests.ask_rejoin(2)
            await asyncio.sleep(120)
            # Type 2 and type 1 by the devices' own will.
            world.lives[0].device.rejoin_due = 2
            world.lives[2].device.rejoin_due = 1
            loop_time = asyncio.get_running_loop().time()

        import asyncio

        task = asyncio.get_running_loop().create_task(ask())
        await world.run(480)
        await task
        records = await world.check_invariants()
        joins = [r for r in records if isinstance(r, JoinRecord)]
        accepted = Counter(r.rejoin_type for r in joins if r.outcome == "accepted")
        assert accepted[None] == 3 and accepted[0] >= 2 and accepted[1] == 1 and accepted[2] == 1
        last = {ref: max(r.time for r in joins if r.device_ref == ref) for ref in (1, 2, 3)}
        for ref, moment in last.items():
            assert any(
                isinstance(r, UplinkRecord) and r.device_ref == ref and r.time > moment for r in records
            ), "the device speaks under its new session"
        await world.close()

    run_virtually(story())


def test_a_device_of_1_1_is_served_as_one_of_1_0(tmp_path: Path) -> None:
    """Its profile says 1.0.4, so the join-accept says OptNeg 0 and its NwkKey is the one root key."""

    async def story() -> None:
        kinds = (Kind("1.0.4", speaks_11=True), Kind("1.0.4", "C", speaks_11=True))
        world = World(tmp_path, 9, conditions=Conditions(kinds=kinds))
        await world.build(4, period=15)
        await world.run(600)
        records = await world.check_invariants()
        for life in world.lives:
            device = life.device
            assert device.identity.nwk_key is not None and isinstance(device.security, Security10)
            assert life.sent > 20 and any(received.payload for received in life.received)
            assert device.data_rate == device.region.adr_max_data_rate, "FOpts are read in clear"
        assert not any(isinstance(r, JoinRecord) and r.outcome != "accepted" for r in records)
        await world.close()

    run_virtually(story())


def test_sixteen_channels_as_on_kpns_network(tmp_path: Path) -> None:
    """Five come with the join-accept, the rest by NewChannelReq."""
    extra = tuple(867_100_000 + 200_000 * n for n in range(5)) + tuple(
        865_100_000 + 200_000 * n for n in range(8)
    )

    async def story() -> None:
        world = World(
            tmp_path,
            6,
            more={"network.extra_channels": extra},
            conditions=Conditions(kinds=(Kind(), Kind("1.1"))),
        )
        await world.build(4, period=10)
        await world.run(600)
        await world.check_invariants()
        for life in world.lives:
            assert len(life.device.radio.channels) == len(life.device.radio.enabled_channels) == 16
            assert {c.frequency for c in life.device.radio.channels.values()} >= set(extra)
        await world.close()

    run_virtually(story())


def test_a_sub_band_of_a_fixed_plan_is_told_with_or_without_a_cf_list(tmp_path: Path) -> None:
    async def story() -> None:
        # The profile of 1.0.4 reads a CFList of type 1; that of 1.0.2 does not, and is told by LinkADRReq.
        kinds = (
            Kind("1.0.4", "A", "US915"),
            Kind("1.0.2", "A", "AU915"),
            Kind("1.0.1", "A", "AU915", revision="1.0.2revA"),
        )
        world = World(tmp_path, 8, conditions=Conditions(kinds=kinds))
        await world.build(6, period=15)
        await world.run(900)
        await world.check_invariants()
        for life in world.lives:
            assert life.device.radio.enabled_channels == [*range(8, 16), 65]
        await world.close()

    run_virtually(story())


async def short_story(directory: Path, die_at: int | None = None) -> World:
    directory.mkdir()
    kinds = (Kind("1.1", "C"), Kind("1.0.3", "B"), Kind("1.0.4", "A", "AS923-2"))
    world = World(directory, 21, steps=Steps(die_at), conditions=Conditions(kinds=kinds))
    world.beginning = beginning("mixed")
    await world.build(3)
    await world.run(40)
    return world


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many steps the short story has."""

    async def baseline() -> int:
        world = await short_story(tmp_path_factory.mktemp("baseline") / "data")
        await world.check_invariants()
        await world.close()
        return world.steps.count

    return run_virtually(baseline())


@pytest.mark.parametrize("shard", range(SHARDS))
def test_mixed_devices_killed_at_every_step(tmp_path: Path, steps: int, shard: int) -> None:
    async def killed(die_at: int) -> None:
        world = await short_story(tmp_path / f"step-{die_at}", die_at)
        records = await world.check_invariants()
        assert world.deaths == 1 and all(life.device.joined for life in world.lives)
        assert any(isinstance(r, UplinkRecord) for r in records)
        # A downlink that waited for a listening device is sent by the next server, or listed as failed.
        network = world.server.platform.network
        for life in world.lives:
            entry = network.devices.by_dev_eui(str(life.device.identity.dev_eui))
            if entry is not None and life.device.device_class != "A":
                assert not entry.state.in_flight
        await world.close()

    assert steps > 60
    for die_at in range(shard * STRIDE, steps, SHARDS * STRIDE):
        run_virtually(killed(die_at))
