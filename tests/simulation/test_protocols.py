"""Base stations of all protocols beside each other: lines are cut, sessions end, messages are lost, late or
come twice, brokers and servers go away; the network keeps its invariants and serves its devices."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.beginnings import beginning
from veldnet.network.core import DownlinkRecord, JoinRecord, UplinkRecord
from veldnet.simulator.backhaul import PROTOCOLS, ProtocolName
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import MIXED, Conditions, Faults, Kind, Steps, VirtualNetwork
from veldnet.virtual.faults import CALM

SEEDS = range(int(os.environ.get("VELDNET_SIMULATION_SEEDS", "1")))
# `make simulation` kills the server at every step.
STRIDE = 1 if "VELDNET_SIMULATION_SEEDS" in os.environ else 16
SHARDS = 2
STORM = Faults(crashes=12, base_station_outages=12, outage=(20, 90), cuts=120, broker_outages=15)
KINDS = (Kind("1.0.2"), Kind("1.0.3", "B"), Kind("1.1", "C"))


@pytest.mark.parametrize("seed", SEEDS)
def test_protocols_side_by_side_in_a_storm(tmp_path: Path, seed: int) -> None:
    async def story() -> None:
        network = VirtualNetwork(
            tmp_path, seed, faults=STORM, conditions=Conditions(kinds=MIXED, protocols=PROTOCOLS)
        )
        await network.build(8, stations=4, period=12)
        await network.run(300)
        records = await network.check_invariants()
        backhaul = network.backhaul
        assert backhaul is not None and backhaul.cuts + backhaul.broker_outages + network.outages > 3
        # One of US915 seldom meets a channel that base stations listen to, until it has joined.
        assert sum(life.device.joined for life in network.lives) >= len(network.lives) - 1
        sent = sum(life.sent for life in network.lives)
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert len(accepted) > 0.8 * sent > 80
        downlinks = [r for r in records if isinstance(r, DownlinkRecord)]
        delivered = sum(record.delivered for record in downlinks)
        assert delivered > 0.75 * len(downlinks) > 50
        # What counts as sent was on air in its time, and heard, but for what the radio lost.
        assert sum(site.station.frames_sent for site in backhaul.sites.values()) >= delivered
        assert sum(len(life.received) for life in network.lives) > 0.9 * delivered
        brought, sending = Counter[str](), Counter[str]()
        for number, site in enumerate(backhaul.sites.values()):
            protocol = PROTOCOLS[number % len(PROTOCOLS)]
            brought[protocol] += site.station.frames_heard
            sending[protocol] += site.station.frames_sent
        assert set(+brought) == set(+sending) == set(PROTOCOLS)
        await network.close()

    run_virtually(story())


def test_the_same_seed_gives_the_same_history_over_protocols(tmp_path: Path) -> None:
    async def history(directory: Path) -> list[tuple[str, str]]:
        directory.mkdir()
        network = VirtualNetwork(
            directory, 7, faults=STORM, conditions=Conditions(kinds=KINDS, protocols=PROTOCOLS)
        )
        await network.build(3, stations=3)
        await network.run(60)
        records = await network.records()
        await network.close()
        return [(type(record).__name__, f"{record.time:.6f} {record.outcome}") for record in records]

    first = run_virtually(history(tmp_path / "a"))
    assert first == run_virtually(history(tmp_path / "b")) and len(first) > 20


async def short_story(directory: Path, die_at: int | None = None) -> VirtualNetwork:
    directory.mkdir()
    faults = Faults(cuts=240, broker_outages=60)
    network = VirtualNetwork(
        directory,
        21,
        steps=Steps(die_at),
        faults=faults,
        conditions=Conditions(kinds=KINDS, protocols=PROTOCOLS),
    )
    network.beginning = beginning("protocols")
    await network.build(3, stations=3)
    await network.run(40)
    return network


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    async def baseline() -> int:
        network = await short_story(tmp_path_factory.mktemp("baseline") / "data")
        await network.check_invariants()
        await network.close()
        return network.steps.count

    return run_virtually(baseline())


@pytest.mark.parametrize("shard", range(SHARDS))
def test_base_stations_come_back_to_a_server_killed_at_every_step(
    tmp_path: Path, steps: int, shard: int
) -> None:
    async def killed(die_at: int) -> None:
        network = await short_story(tmp_path / f"step-{die_at}", die_at)
        records = await network.check_invariants()
        assert network.deaths == 1 and all(life.device.joined for life in network.lives)
        last_join = max(r.time for r in records if isinstance(r, JoinRecord) and r.outcome == "accepted")
        assert any(isinstance(r, UplinkRecord) and r.time > last_join for r in records)
        await network.close()

    assert steps > 60
    for die_at in range(shard * STRIDE, steps, SHARDS * STRIDE):
        run_virtually(killed(die_at))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_devices_of_each_class_through_a_protocol(tmp_path: Path, protocol: ProtocolName) -> None:
    async def story() -> None:
        network = VirtualNetwork(
            tmp_path,
            3,
            faults=CALM,
            conditions=Conditions(kinds=KINDS, protocols=(protocol,), downlinks_every=(4.0, 8.0)),
        )
        # The first base station has no GPS, and sends nothing in ping slots.
        await network.build(3, stations=2, period=30, confirmed_share=0.5)
        await network.run(300)
        records = await network.check_invariants()
        assert [life.device.device_class for life in network.lives] == ["A", "B", "C"]
        delivered = [r for r in records if isinstance(r, DownlinkRecord) and r.delivered]
        for ref, life in enumerate(network.lives, start=1):
            slots = {r.slot for r in delivered if r.device_ref == ref and r.from_application}
            # A listens after its uplinks; B in its slots, and C at once where RX2 is.
            assert {1: 1, 2: 3, 3: 2}[ref] in slots, (ref, slots)
            assert any(received.ack for received in life.received)
            assert any(received.payload for received in life.received)
        assert len(delivered) == sum(isinstance(r, DownlinkRecord) for r in records)
        # One of class C is deaf while it sends.
        assert sum(len(life.received) for life in network.lives) >= len(delivered) - 2
        await network.close()

    run_virtually(story())
