"""What a campaign costs does not grow with its devices: no query for each of them, nor for each and fragment;
`make simulation` has ten thousand."""

from __future__ import annotations

import os
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, event, func, insert, select, update

from veldnet.assembly.campaigning import prepare_group
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.campaigns import (
    GroupOptions,
    NetworkParts,
    NewCampaign,
    Options,
    Runner,
    create_campaign,
)
from veldnet.cli.bench.fleet import Fleet, create_fleet
from veldnet.domain.documents import PlanSettings, decode_profile
from veldnet.domain.groups import MemberKeys
from veldnet.inventory import accounts, offers
from veldnet.inventory.groups import MulticastGroup
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import DevEui, GatewayEui
from veldnet.network.core import DownlinkRequest
from veldnet.settings import Settings
from veldnet.store.schema import (
    campaign_devices,
    campaign_sessions,
    device_profiles,
    devices,
    hearing,
)

LARGE = "VELDNET_SIMULATION_SEEDS" in os.environ
MANY = 10_000 if LARGE else 40
# With those of the redundancy 120, or 12.
FILE = random.Random(4).randbytes(4800 if LARGE else 480)
FRAGMENTS = 120 if LARGE else 12
STATIONS = 40
PLAN = "large-cs/multicast"
START = 1_800_000_000.0
OPTIONS = Options(duty_cycle_share=10, redundancy=20, group=GroupOptions(lead=60, gathering=2_592_000))


class Place:
    """An installation with devices that base stations hear, and campaigns by a group for many of them."""

    def __init__(self, data: DataDirectory) -> None:
        self.data, self.now, self.sent = data, START, 0
        self.parameters = network_parameters(Settings().network)
        plans = self.parameters.channel_plans
        parts = NetworkParts(self._submit, self._keys, lambda _group: 0, plans)
        self.runner = Runner(data.store, lambda: self.now, parts)

    async def _submit(self, _dev_eui: DevEui, _request: DownlinkRequest) -> None:
        self.sent += 1

    async def _keys(self, refs: Any, _group: int | None) -> dict[int, MemberKeys]:
        return {ref: MemberKeys(bytes(16), bytes(16)) for ref in refs}

    async def begin(self, count: int) -> None:
        store = self.data.store
        await create_fleet(self.data, self.parameters, Fleet(count, joined=False))
        scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None

        profiles = device_profiles.c

        def prepare(connection: Connection) -> None:
            plan = offers.create_connectivity_plan(
                connection, scope.operator_ref, PLAN, "Groups", PlanSettings(downlinkRate=0), "MULTICAST"
            )
            offers.grant_connectivity_plan(connection, scope.subscriber_ref, plan, 2)
            rows = [
                {
                    "device_ref": ref,
                    "subscriber_ref": scope.subscriber_ref,
                    "base_station": 0xFF000001 + ref % STATIONS,
                }
                | {"margin": 30.0, "frames": 1, "weight": 1.0, "last_at": 0}
                for ref in connection.execute(select(devices.c.ref)).scalars()
            ]
            connection.execute(insert(hearing), rows)
            # The network reads what they send.
            connection.execute(update(devices).values(hsm_group_ref=None))
            for ref, settings in connection.execute(select(profiles.ref, profiles.settings)).all():
                with_port = replace(decode_profile(settings), multicastSetupPort=200)
                stored = msgspec.json.encode(with_port).decode()
                connection.execute(update(device_profiles).where(profiles.ref == ref).values(settings=stored))

        await store.write(prepare)

    async def campaign(self, count: int) -> None:
        """For so many of the devices."""
        store, plans = self.data.store, self.parameters.channel_plans
        scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        asked = MulticastGroup(deviceClass="C", connectivityPlanId=PLAN, downlinkDataRate=3)
        group, options = await prepare_group(store, self.data.vault, self.parameters, "Large", OPTIONS, asked)
        euis = list(await store.read(lambda c: c.execute(select(devices.c.dev_eui)).scalars()))[:count]
        content = ("firmware", FILE, options, euis, None, None, None, group, plans)
        new = NewCampaign("Large", *content)  # type: ignore[arg-type]
        await store.write(lambda c: create_campaign(c, scope, new, round(self.now * 1000)))
        await self.runner.reload()

    async def put(self, state: str) -> None:
        """Have all devices be in a state until something happens."""
        due = round((self.now + 864_000) * 1000)
        change = update(campaign_devices).values(
            state=state, due_at=due, session=1 if state == "listening" else 0
        )
        await self.data.store.write(lambda c: c.execute(change))
        await self.runner.reload()

    async def rounds(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 2.0
            await self.runner.run()


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is executed meanwhile; many rows of one statement count once."""
    executed: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        executed.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(Engine, "before_cursor_execute", note)


class Cost(msgspec.Struct):
    """Statements by which all devices were told of a session, and those by which its fragments were sent;
    the largest amount of memory that was taken meanwhile, in megabytes."""

    telling: int
    sending: int
    peak: float


async def session_of(place: Place, count: int) -> Cost:
    await place.campaign(count)
    await place.rounds(10)
    await place.put("waitingSession")
    place.sent, store = 0, place.data.store
    if LARGE:
        tracemalloc.start()
    with statements() as telling:
        while place.sent < count:
            await place.rounds(60)
    starts = await store.read(
        lambda c: c.execute(select(func.max(campaign_sessions.c.starts_at))).scalar_one()
    )
    assert place.now < starts / 1000, "each was told before it begins"
    await place.put("listening")
    place.now, place.sent = starts / 1000, 0
    with statements() as sending:
        await place.rounds(FRAGMENTS * 16)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert place.sent == FRAGMENTS
    done = update(campaign_devices).values(state="complete", due_at=None)
    await store.write(lambda c: c.execute(done))
    await place.rounds(70)
    return Cost(len(telling), len(sending), peak)


async def test_a_session_costs_the_same_for_any_number_of_devices(tmp_path: Path) -> None:
    data = await DataDirectory.open(Settings(data=str(tmp_path)), create=True)
    await data.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    place = Place(data)
    await place.begin(MANY)
    few = await session_of(place, MANY // 10)
    many = await session_of(place, MANY)
    await data.close()
    assert many.sending <= few.sending + 10
    assert many.telling <= few.telling + MANY // 5
    assert many.peak < 40
