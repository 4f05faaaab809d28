"""The virtual network: devices, base stations, air and backhaul, and the server that happens to live."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import func, select

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.documents import PlanSettings
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import BaseStationId, DevEui, GatewayEui
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.monitoring import Mailer
from veldnet.network.core import DownlinkRequest, Record, decode_record
from veldnet.settings import load_settings
from veldnet.simulator.air import Air
from veldnet.simulator.backhaul import ProtocolName
from veldnet.simulator.base_station import BaseStation, HeardFrame
from veldnet.simulator.life import DeviceLife, Habits
from veldnet.simulator.propagation import Propagation
from veldnet.simulator.sensors import Climate
from veldnet.store import StoreError
from veldnet.store.schema import frame_bodies

from .application import Application
from .area import SUB_BAND, Area, heard_in
from .backhaul import DEFECTS, Backhaul
from .faults import Faults, happen
from .invariants import Checker, InvariantBroken
from .mortal import EPOCH, Applications, MortalServer, Steps
from .population import (
    PLAIN,
    Kind,
    create_device,
    create_rules,
    identity_of,
    register_base_stations,
    virtual_device,
)

PutOnAir = Callable[..., None]


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices there are, and where. `radius` in km is that of the area in which base stations and
    devices stand, each region apart. With `protocols` base stations are connected by these in turn, else the
    network hears what they hear. `capacity` is how many devices the server holds in memory: fewer than a
    setting may say, so that devices go and come all the time. With `flows` there is an application that takes
    messages of flows besides, and sends half of the downlinks."""

    kinds: tuple[Kind, ...] = PLAIN
    plan: PlanSettings = PlanSettings(allowClassB=True)
    downlinks_every: tuple[float, float] = (2.0, 6.0)
    radius: float = 1.0
    shadowing: float = 3.0
    protocols: tuple[ProtocolName, ...] = ()
    capacity: int | None = None
    flows: bool = False


class VirtualNetwork:
    """A seed gives the same history under the same conditions, with the same faults; `steps` say where the
    server dies."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *,
        steps: Steps | None = None,
        faults: Faults | None = None,
        conditions: Conditions | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - the same seed must give the same history
        self.steps = steps if steps is not None else Steps()
        self.faults = faults or Faults()
        self.delivery_failures = self.faults.delivery_failures
        conditions = conditions or Conditions()
        self.kinds, self.plan = conditions.kinds, conditions.plan
        self.area = Area(conditions.radius, self.rng)
        self.regions = sorted({kind.region for kind in self.kinds}, key=lambda name: (name != "EU868", name))
        self._downlinks_every = conditions.downlinks_every
        values: dict[str, Any] = {
            "data": str(directory),
            "routing.first_retry": 1,
            "routing.longest_retry": 10,
            "network.region": self.regions[0],
            "network.more_regions": tuple(self.regions[1:]),
            "network.sub_bands": (SUB_BAND,),
        }
        self.settings = load_settings(values | (more or {}), environment={})
        if conditions.capacity is not None:
            network = replace(self.settings.network, device_capacity=conditions.capacity)
            self.settings = replace(self.settings, network=network)
        # Where what is written before the servers start is kept, if it is to be: others of the same seed and
        # conditions begin with a copy.
        self.beginning: Path | None = None
        self.checker = Checker()
        self.application: Applications | None = Application(self.checker) if conditions.flows else None
        self.lives: list[DeviceLife] = []
        # Who takes e-mails, if anybody does.
        self.mailer: Mailer | None = None
        self.deaths = 0
        # What failed in servers that have died, by the name of the work.
        self._defects: Counter[str] = Counter()
        # What work beside the devices has ended with.
        self._failed: list[BaseException] = []
        self.outages = 0
        collisions = len(self.kinds) > 1 or not self.area.small
        self.airs = {
            name: Air(Propagation(self.rng, shadowing=conditions.shadowing), collisions=collisions)
            for name in self.regions
        }
        self._stations: dict[BaseStationId, BaseStation] = {}
        self._ids: dict[GatewayEui, BaseStationId] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._protocols = conditions.protocols
        self.backhaul: Backhaul | None = None
        self.data: DataDirectory
        self.server: MortalServer

    def clock(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    # Building.

    async def build(
        self,
        count: int,
        stations: int = 2,
        period: float = 8.0,
        *,
        confirmed_share: float = 0.4,
        first: float = 3.0,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> None:
        """`count` devices, of the kinds by turns, and so many base stations in each region."""
        begun = self._begin_with_copy()
        self.data = await DataDirectory.open(self.settings, inline=True, create=True)
        owner = None if begun else await self._write_inventory(stations)
        self._build_base_stations(stations)
        for number in range(count):
            kind = self.kinds[number % len(self.kinds)]
            identity = identity_of(number, kind, self.rng)
            if owner is not None:
                scope, routing_profile = owner
                await create_device(self.data, scope, kind, identity, routing_profile)
            device = virtual_device(kind, identity, self.rng, slow=not self.area.small)
            sensor, place = Climate(self.rng), self.area.anywhere()
            habits = Habits(period, confirmed_share, first)
            air = self.airs[kind.region]
            self.lives.append(DeviceLife(device, sensor, place, air, habits, clock=self.clock))
            progress(number + 1)
        if self.beginning is not None and not begun:
            await self._keep_beginning(self.beginning)
        if self._protocols:
            self._connect_base_stations()
        await self._start_servers()

    def _begin_with_copy(self) -> bool:
        """Whether another network of the same seed and conditions has written what this one would."""
        if self.beginning is None or not self.beginning.exists():
            return False
        shutil.copytree(self.beginning, self.settings.data, dirs_exist_ok=True)
        return True

    async def _keep_beginning(self, folder: Path) -> None:
        await self.data.close()
        shutil.copytree(self.settings.data, folder)
        self.data = await DataDirectory.open(self.settings, inline=True)

    async def _write_inventory(self, stations: int) -> tuple[Scope, str]:
        """All but the devices; returns whose they will be, and their routing profile."""
        store = self.data.store
        await store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
        operator = await store.read(lambda c: accounts.find_operator(c, "sandbox-ope"))
        others = list(self._regions_of_base_stations(stations))[1:]
        profiles = self.regions[1:] if self._protocols else []
        await store.write(lambda c: register_base_stations(c, operator, others, profiles))
        scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        routing_profile = await create_rules(self.data, operator, scope, self.kinds, self.plan)
        if self.application is not None:
            create_flows = self.application.create_flows
            await store.write(lambda c: create_flows(c, scope))
        return scope, routing_profile

    def _regions_of_base_stations(self, stations: int) -> Iterator[tuple[int, str]]:
        """The numbers of base stations, so many in each region."""
        return enumerate(region for region in self.regions for _ in range(stations))

    async def _start_servers(self) -> None:
        self.server = MortalServer(self)
        await self.server.start()

    def _connect_base_stations(self) -> None:
        self.backhaul = Backhaul(self.clock, self.rng, self.faults, self._protocols, self._spawn)
        for station in self._stations.values():
            put_on_air = station.on_air
            assert put_on_air is not None
            station.on_air = partial(self._given_to_air, put_on_air)
            self.backhaul.add(station)

    def _given_to_air(
        self, put_on_air: PutOnAir, station: BaseStation, phy_payload: bytes, *how: Any
    ) -> None:
        self.checker.on_air(phy_payload)
        put_on_air(station, phy_payload, *how)

    async def serve(self, server: MortalServer) -> None:
        """A server has started; base stations may connect."""
        if self.backhaul is not None:
            await self.backhaul.serve(server.platform)

    def died(self, server: MortalServer) -> None:
        """Nobody hears base stations now."""
        if self.backhaul is not None:
            self._defects += server.platform.supervisor.failures
            self.backhaul.die(server.platform)

    def _build_base_stations(self, stations: int) -> None:
        for number, region in self._regions_of_base_stations(stations):
            station = BaseStation(
                GatewayEui(number + 1),
                self.area.site(number % stations, stations),
                boot=-self.rng.uniform(0, 4294),
                # The first base station of a region has no GPS.
                gps=number % stations > 0,
                frequencies=heard_in(region),
            )
            station.link = self
            self.airs[region].add(station)
            base_station = BaseStationId(0xFF000001 + number)
            self._stations[base_station] = station
            self._ids[station.eui] = base_station

    def revive(self) -> None:
        """Another process starts on the same database."""
        self.deaths += 1
        self.server = MortalServer(self)
        self._spawn(self.server.start())

    # The way up, with loss, delay and duplicates.

    def frame(self, station: BaseStation, frame: HeardFrame) -> None:
        """A base station has heard a frame; its copies travel to the server."""
        rng, faults = self.rng, self.faults
        gps_time = unix_to_gps(self.clock()) if station.gps else None
        copies = 0 if rng.random() < faults.loss else 2 if rng.random() < faults.duplicates else 1
        sent = GatewayUplink(
            self._ids[station.eui],
            frame.phy_payload,
            frame.frequency,
            frame.modulation,
            frame.heard.rssi,
            frame.heard.snr,
            frame.timestamp,
            self.clock(),
            gps_time=gps_time,
        )
        for _ in range(copies):
            delay = rng.uniform(*(faults.slow_delay if rng.random() < faults.slow else faults.delay))
            asyncio.get_running_loop().call_later(
                delay,
                self._arrive,
                sent,
            )

    def _arrive(self, uplink: GatewayUplink) -> None:
        if not self.server.dead:
            self.server.platform.network.receive(replace(uplink, received_at=self.clock()))

    # The way down.

    def transmit(self, server: MortalServer, downlink: GatewayDownlink) -> None:
        """The server hands a frame to a base station."""
        if self.backhaul is not None:
            server.platform.hub.transmit(downlink)
            return
        window = downlink.window
        error = self._stations[downlink.base_station].transmit(
            downlink.phy_payload,
            window.frequency,
            window.modulation,
            window.timestamp,
            window.power,
            delay=None if window.gps_time is None else gps_to_unix(window.gps_time) - self.clock(),
        )
        if error is None:
            self.checker.on_air(downlink.phy_payload)
        report = TransmitReport(downlink.token, downlink.base_station, error)

        def answer() -> None:
            if not server.dead:
                server.platform.network.transmit_reported(report)

        asyncio.get_running_loop().call_later(0.02, answer)

    # Living.

    async def run(self, seconds: float, progress: Callable[[float], None] = lambda _now: None) -> None:
        """Let everything live, then let deliveries come to an end."""
        loop = asyncio.get_running_loop()
        living = [loop.create_task(life.run()) for life in self.lives]
        living += [
            loop.create_task(self._submit_downlinks()),
            loop.create_task(happen(self._fault_rates(), self.rng)),
        ]
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, 60.0))
            progress(loop.time())
            broken = next((task for task in living if task.done()), None)
            if broken is not None:
                broken.result()
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)
        self.delivery_failures = 0.0
        await asyncio.sleep(60)

    async def _submit_downlinks(self) -> None:
        """An application server that sends something to a device now and then."""
        while True:
            await asyncio.sleep(self.rng.uniform(*self._downlinks_every))
            life = self.rng.choice(self.lives)
            server = self.server
            if self.application is not None and life.device.joined and self.rng.random() < 0.5:
                payload = self.rng.randbytes(self.rng.randrange(1, 20))
                self.application.publish(life.device.identity.dev_eui, payload)
            elif not server.dead and life.device.joined:
                payload = self.rng.randbytes(self.rng.randrange(1, 20))
                self._spawn(self._submit(server, life.device.identity.dev_eui, payload))

    async def _submit(self, server: MortalServer, dev_eui: DevEui, payload: bytes) -> None:
        # Its submission has failed, visibly.
        with contextlib.suppress(StoreError):
            request = DownlinkRequest(fport=9, payload=payload, confirmed=self.rng.random() < 0.3)
            await server.platform.network.requests.submit(dev_eui, request)

    def _fault_rates(self) -> dict[Callable[[], None], float]:
        """What goes wrong, and how many times an hour."""
        faults, backhaul = self.faults, self.backhaul
        rates: dict[Callable[[], None], float] = {
            self._kill: faults.crashes,
            self._switch_one_off: faults.base_station_outages,
        }
        if backhaul is not None:
            rates |= {backhaul.cut: faults.cuts, backhaul.lose_broker: faults.broker_outages}
        return rates

    def _kill(self) -> None:
        self.server.die()

    def _switch_one_off(self) -> None:
        """A base station has no power for a while."""
        station = self.rng.choice(list(self._stations.values()))
        if station.down:
            return
        self.outages += 1
        station.down = True
        if self.backhaul is not None:
            self.backhaul.switch_off(station)

        def back() -> None:
            station.down = False
            if self.backhaul is not None:
                self.backhaul.switch_on(station)

        asyncio.get_running_loop().call_later(self.rng.uniform(*self.faults.outage), back)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(error)

    async def close(self) -> None:
        self.server.dead = True
        self.server.platform.network.close()
        if self.backhaul is not None:
            self.backhaul.die(self.server.platform)
            await self.backhaul.close()
            await asyncio.sleep(0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.data.close()

    # Looking.

    async def records(self) -> list[Record]:
        """Every record of the journal, oldest first."""
        bodies = await self.data.store.read(
            lambda c: (
                c.execute(
                    select(frame_bodies.c.body)
                    .where(frame_bodies.c.part == 0)
                    .order_by(frame_bodies.c.frame_id)
                )
                .scalars()
                .all()
            )
        )
        return [decode_record(body) for body in bodies]

    async def late_parts(self) -> int:
        """Copies that came after their window and were added to the frame."""
        count = select(func.count()).select_from(frame_bodies).where(frame_bodies.c.part > 0)
        return await self.data.store.read(lambda c: c.execute(count).scalar_one())

    async def check_invariants(self) -> list[Record]:
        """What can be checked only at rest; the rest was, all along. Returns the records to look at."""
        await self.check_at_rest()
        records = await self.records()
        self.checker.check_journal(records)
        return records

    async def check_at_rest(self) -> None:
        """I4 and I7, and that base stations had what is theirs. Raises `InvariantBroken`."""
        if self._failed:
            raise self._failed[0]
        if self.backhaul is not None:
            failures = self._defects + self.server.platform.supervisor.failures
            found = [f"{failures[task]} defects in {task}" for task in DEFECTS if failures[task]]
            if found or (found := self.backhaul.broken()):
                raise InvariantBroken("; ".join(found))
        await self.data.store.read(self.checker.check_ledger)
        await self.data.store.read(self.checker.check_totals)
