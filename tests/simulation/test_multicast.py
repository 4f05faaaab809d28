"""A multicast group that is sent to, with the server killed at every step on the way."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.beginnings import beginning
from veldnet.assembly import multicast
from veldnet.assembly.network_settings import network_parameters
from veldnet.domain.documents import PlanSettings
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, groups, offers
from veldnet.lorawan import AesKey, DevAddr, DevEui, frames
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload
from veldnet.lorawan.packages.multicast_keys import mc_app_s_key
from veldnet.network.core import DownlinkRequest
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError
from veldnet.virtual import Conditions, Steps, VirtualNetwork
from veldnet.virtual.mortal import MortalServer

# `make simulation` kills the server at every step.
STRIDE = 1 if "VELDNET_SIMULATION_SEEDS" in os.environ else 5
GROUP = DevEui.parse("0059AC00AF000001")
ADDRESS = DevAddr(0x00123456)
KEY = AesKey(bytes(range(16)))
PLAN = "virtual-cs/multicast"
PAYLOADS = [b"on", b"off", b"dim to 40 %"]


class Square:
    """A group of class C, and what base stations put on the air for it: octets by counter."""

    def __init__(self, world: VirtualNetwork) -> None:
        self.world = world
        self.on_air: defaultdict[int, set[bytes]] = defaultdict(set)
        self.accepted: list[int] = []
        self.scope: Scope
        # A process that has started, and takes requests.
        self.serving: MortalServer

    async def begin(self) -> None:
        world = self.world
        self._watch(world)
        await world.build(1, stations=3, period=1e6, first=1e6)
        store = world.data.store
        scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        self.scope = scope
        rules = PlanSettings(multicastInterLrrDelay=1, downlinkRate=0)

        def plan(connection: Any) -> None:
            operator = accounts.find_operator(connection, "sandbox-ope")
            ref = offers.create_connectivity_plan(connection, operator, PLAN, "Groups", rules, "MULTICAST")
            offers.grant_connectivity_plan(connection, self.scope.subscriber_ref, ref, 10)

        await store.write(plan)
        body = groups.MulticastGroup(
            EUI=str(GROUP),
            name="Square",
            deviceClass="C",
            networkAddress=str(ADDRESS),
            multicastKey=KEY.hex(),
            connectivityPlanId=PLAN,
        )
        new = groups.check_new_group(body, network_parameters(world.settings.network).channel_plans)
        keys = await multicast.seal_keys(world.data.vault.of(""), new, ADDRESS)
        await store.write(lambda c: groups.create_group(c, scope, new, ADDRESS, keys))
        await world.server.platform.apply_changes()

    def _watch(self, world: VirtualNetwork) -> None:
        on_air, serve = world.checker.on_air, world.serve

        def see(phy_payload: bytes) -> None:
            frame = frames.parse(phy_payload)
            if isinstance(frame, frames.DataFrame) and frame.dev_addr == ADDRESS:
                self.on_air[frame.fcnt].add(phy_payload)
            on_air(phy_payload)

        async def serves(server: MortalServer) -> None:
            await serve(server)
            self.serving = server

        world.checker.on_air, world.serve = see, serves  # type: ignore[method-assign]

    def payloads(self) -> list[bytes]:
        """What was sent, by counter, opened with the keys that the members have."""
        key = mc_app_s_key(KEY, ADDRESS)
        opened = []
        for fcnt, sent in sorted(self.on_air.items()):
            (octets,) = sent
            frame = frames.parse(octets)
            assert isinstance(frame, frames.DataFrame)
            opened.append(crypt_payload(key, DOWNLINK, ADDRESS, fcnt, frame.frm_payload))
        return opened

    async def submit(self, payload: bytes, lasts: float | None) -> None:
        """As an application does: what was not acknowledged is submitted again. It is of no use after so many
        seconds."""
        while True:
            server = self.serving
            if not server.dead:
                try:
                    expires_at = None if lasts is None else self.world.clock() + lasts
                    request = DownlinkRequest(fport=5, payload=payload, expires_at=expires_at)
                    queued = await asyncio.wait_for(server.platform.network.requests.queue(GROUP, request), 5)
                    assert queued.refusal is None, queued.refusal
                    self.accepted.append(queued.id)
                    return
                except (StoreError, TimeoutError):
                    pass
            await asyncio.sleep(1)

    async def ended(self) -> list[str]:
        """The states of the accepted downlinks."""
        page = await self.world.data.store.read(lambda c: groups.list_frames(c, 1, None, 100))
        found = {int(frame.id): frame.status for frame in page.frames}
        return [found[each] for each in self.accepted]


@pytest.mark.parametrize("lasts", [None, 2.0])
def test_a_group_is_sent_what_was_accepted_wherever_the_server_dies(
    tmp_path: Path, lasts: float | None
) -> None:
    """What lasts reaches the air; what has expired when another server starts leaves its counter, if that was
    on the air, to nobody else."""

    async def story(die_at: int | None) -> int:
        quiet = Conditions(downlinks_every=(1e6, 1e6))
        world = VirtualNetwork(tmp_path / f"step-{die_at}", 3, steps=Steps(die_at), conditions=quiet)
        world.beginning = beginning("multicast")
        square = Square(world)
        await square.begin()
        for payload in PAYLOADS:
            await square.submit(payload, lasts)
            await asyncio.sleep(2 if lasts is None else 10)
        await asyncio.sleep(400)
        assert world.deaths == (die_at is not None)
        ended, sent = await square.ended(), square.payloads()
        first = [each for at, each in enumerate(sent) if each not in sent[:at]]
        if lasts is None or die_at is None:
            # What was submitted twice because no answer came may be sent twice.
            assert ended == ["SUCCESS"] * len(PAYLOADS) and first == PAYLOADS
            assert len(sent) == len(PAYLOADS) or die_at is not None
        else:
            assert set(ended) <= {"SUCCESS", "DISCARDED"}
            assert first == [each for each in PAYLOADS if each in first]
        await world.check_invariants()
        await world.close()
        return world.steps.count

    steps = run_virtually(story(None))
    assert steps > 20
    for die_at in range(0, steps, STRIDE):
        run_virtually(story(die_at))
