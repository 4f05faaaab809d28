"""Multicast groups over several nodes: whoever serves a group has base stations of all nodes send."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from veldnet.assembly import multicast
from veldnet.assembly.network_settings import network_parameters
from veldnet.domain.documents import PlanSettings
from veldnet.inventory import accounts, groups, offers
from veldnet.lorawan import AesKey, DevAddr, DevEui, frames
from veldnet.network.core import DownlinkRequest
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError
from veldnet.virtual import ClusterFaults, Conditions, Faults, VirtualCluster

GROUP = DevEui.parse("0059AC00AF000001")
ADDRESS = DevAddr(0x00123456)
PLAN = "virtual-cs/multicast"
CALM = ClusterFaults(loss=0.0, repeat=0.0, delay=0.0)
FLAWLESS = Faults(loss=0.0, duplicates=0.0, slow=0.0, delivery_failures=0.0)
# `make simulation` and `make test-cluster` try all, `make test` the hardest.
FATES = ["kill", "stop", "pause", "split"] if "VELDNET_SIMULATION_SEEDS" in os.environ else ["kill"]
STATIONS = 3


async def with_group(directory: Path, seed: int) -> tuple[VirtualCluster, defaultdict[int, list[bytes]]]:
    """Three nodes with a base station each, and a group of class C; what is on the air for it, by counter."""
    quiet = Conditions(downlinks_every=(1e6, 1e6))
    world = VirtualCluster(directory, seed, nodes=CALM, faults=FLAWLESS, conditions=quiet)
    heard: defaultdict[int, list[bytes]] = defaultdict(list)
    on_air = world.checker.on_air

    def see(phy_payload: bytes) -> None:
        frame = frames.parse(phy_payload)
        if isinstance(frame, frames.DataFrame) and frame.dev_addr == ADDRESS:
            heard[frame.fcnt].append(phy_payload)
        on_air(phy_payload)

    world.checker.on_air = see  # type: ignore[method-assign]
    await world.build(1, stations=STATIONS, period=1e6, first=1e6)
    store = world.data.store
    scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
    assert scope is not None
    rules = PlanSettings(multicastInterLrrDelay=1, downlinkRate=0)

    def plan(connection: Any) -> None:
        operator = accounts.find_operator(connection, "sandbox-ope")
        ref = offers.create_connectivity_plan(connection, operator, PLAN, "Groups", rules, "MULTICAST")
        offers.grant_connectivity_plan(connection, scope.subscriber_ref, ref, 10)

    await store.write(plan)
    body = groups.MulticastGroup(
        EUI=str(GROUP),
        name="Square",
        deviceClass="C",
        networkAddress=str(ADDRESS),
        multicastKey=AesKey(bytes(range(16))).hex(),
        connectivityPlanId=PLAN,
    )
    new = groups.check_new_group(body, network_parameters(world.settings.network).channel_plans)
    keys = await multicast.seal_keys(world.data.vault.of(""), new, ADDRESS)
    await store.write(lambda c: groups.create_group(c, scope, new, ADDRESS, keys))
    for node in world.nodes.values():
        await node.platform.apply_changes()
    # Partitions have gone to their nodes: what is under way meanwhile is repeated.
    await asyncio.sleep(10)
    return world, heard


async def submit(world: VirtualCluster, name: str, payload: bytes) -> None:
    """At a node, whoever serves the group; again until it is taken."""
    while True:
        node = world.nodes[name]
        if not node.dead:
            try:
                requests = node.platform.network.requests
                await asyncio.wait_for(requests.queue(GROUP, DownlinkRequest(fport=5, payload=payload)), 5)
                return
            except (StoreError, TimeoutError):
                pass
        await asyncio.sleep(1)


async def listed(world: VirtualCluster) -> list[Any]:
    return (await world.data.store.read(lambda c: groups.list_frames(c, 1, None, 100))).frames


def test_base_stations_of_all_nodes_send_to_a_group(tmp_path: Path) -> None:
    async def story() -> None:
        world, heard = await with_group(tmp_path, 3)
        for number, name in enumerate(world.names):
            await submit(world, name, bytes([number]))
            await asyncio.sleep(20)
        assert {fcnt: len(sent) for fcnt, sent in heard.items()} == dict.fromkeys(range(3), STATIONS), heard
        assert [(f.status, f.succeeded) for f in await listed(world)] == [("SUCCESS", STATIONS)] * 3
        await world.check_invariants()
        await world.close()

    run_virtually(story())


@pytest.mark.parametrize("fate", FATES)
def test_a_group_is_sent_to_by_the_next_node(tmp_path: Path, fate: str) -> None:
    async def story() -> None:
        world, heard = await with_group(tmp_path, 4)
        for number in range(6):
            await submit(world, "abc"[number % 3], bytes([number]))
            await asyncio.sleep(0.5)
            if number == 2:
                for name in ("a", "b"):
                    match fate:
                        case "kill":
                            world.kill(name)
                        case "stop":
                            world.stop(name)
                        case "pause":
                            world.pause(name, 8.0)
                        case _:
                            world.split((name,), 8.0)
                    await asyncio.sleep(20)
        await asyncio.sleep(400)
        found = [frame.status for frame in await listed(world)]
        # What was submitted twice because no answer came may be sent twice.
        assert len(found) >= 6 and set(found) == {"SUCCESS"}
        for sent in heard.values():
            assert len(set(sent)) == 1, "a counter carried two payloads"
            assert len(sent) >= STATIONS
        await world.check_invariants()
        await world.close()

    run_virtually(story())
