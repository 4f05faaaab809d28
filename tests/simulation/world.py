"""A whole network under a virtual clock: real store, real network server, virtual radio, and crashes.

A crash stops a server at a chosen step as `kill -9` would: what is committed stays, everything in memory
goes, and nothing that was about to happen happens. Then another server starts on the same database.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select

from veldnet.app import Platform
from veldnet.data_directory import DataDirectory
from veldnet.inventory import (
    accounts,
    base_stations,
    catalogues,
    device_checks,
    devices,
    routing_profiles,
)
from veldnet.inventory.resources import Device, Route, RoutingProfile
from veldnet.inventory.sandbox import create_sandbox
from veldnet.inventory.scope import Scope
from veldnet.lorawan import AesKey, BaseStationId, DevEui, GatewayEui, JoinEui, frames
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.modulation import Modulation
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.lorawan.regions import REGIONS, ChannelPlan
from veldnet.network import JoinRecord, Record, UplinkRecord, decode_record
from veldnet.routing import Outcome, Profile, secret_label
from veldnet.routing import Route as DeliveryRoute
from veldnet.routing.ledger import StoredMessage
from veldnet.settings import load_settings
from veldnet.simulator.air import Air
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.device import Identity, VirtualDevice
from veldnet.simulator.life import DeviceLife
from veldnet.simulator.propagation import Heard, Place, Propagation
from veldnet.simulator.sensors import Climate
from veldnet.store import DeliveryRow, DeviceRow, Rows, SqliteStore
from veldnet.store.documents import MacVersion, PlanSettings, ProfileSettings
from veldnet.store.schema import deliveries, device_profiles, frame_bodies
from veldnet.store.schema import devices as device_rows
from veldnet.store.schema import frames as frame_rows

EPOCH = 1_800_000_000.0


class Steps:
    """Counts the steps at which a server can die, and says at which one it does."""

    def __init__(self, die_at: int | None = None) -> None:
        self.count = 0
        self.names: list[str] = []
        self._die_at = die_at

    def reached(self, name: str) -> bool:
        """True where the server dies here."""
        self.names.append(name)
        self.count += 1
        return self.count - 1 == self._die_at


class MortalStore:
    """The real store, until the server it belongs to is dead."""

    def __init__(self, store: SqliteStore, server: Server) -> None:
        self._store = store
        self._server = server

    async def commit(self, rows: Iterable[Rows]) -> None:
        await self._server.step("before commit")
        await self._store.commit(rows)
        await self._server.step("after commit")

    async def read(self, query: Callable[..., Any]) -> Any:
        await self._server.alive()
        return await self._store.read(query)

    async def write(self, change: Callable[..., Any]) -> Any:
        await self._server.alive()
        return await self._store.write(change)

    async def devices_by_dev_addr(self, dev_addrs: Any) -> list[DeviceRow]:
        await self._server.alive()
        return await self._store.devices_by_dev_addr(dev_addrs)

    async def devices_by_dev_eui(self, dev_euis: Any) -> list[DeviceRow]:
        await self._server.alive()
        return await self._store.devices_by_dev_eui(dev_euis)

    async def devices_by_ref(self, refs: Any) -> list[DeviceRow]:
        await self._server.alive()
        return await self._store.devices_by_ref(refs)

    async def restless_devices(self, after: int, limit: int) -> list[int]:
        await self._server.alive()
        return await self._store.restless_devices(after, limit)

    async def pending_lanes(self, after: Any, limit: int) -> list[tuple[int, str]]:
        return await self._store.pending_lanes(after, limit)

    async def pending_deliveries(self, device_ref: int, lane: str, limit: int) -> list[DeliveryRow]:
        await self._server.alive()
        return await self._store.pending_deliveries(device_ref, lane, limit)

    async def close(self) -> None:
        """The database outlives the server."""


class Server:
    """One life of the server, between two crashes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead = False
        self.platform = Platform(
            world.settings,
            world.data,
            clock=world.clock,
            rng=random.Random(world.rng.random()),
            transmit=self._transmit,
            sender=self,
            store=MortalStore(world.data.store, self),
        )

    async def alive(self) -> None:
        if self.dead:
            await asyncio.Event().wait()

    async def step(self, name: str) -> None:
        if not self.dead and self.world.steps.reached(name):
            self.die()
        await self.alive()

    def die(self) -> None:
        self.dead = True
        self.platform.network.close()
        asyncio.get_running_loop().call_later(3.0, self.world.revive)

    def _transmit(self, downlink: GatewayDownlink) -> None:
        if self.dead:
            return
        if self.world.steps.reached("before transmit"):
            self.die()
            return
        self.world.transmit(self, downlink)
        if self.world.steps.reached("after transmit"):
            self.die()

    async def send(
        self, message: StoredMessage, profile: Profile, route: DeliveryRoute, delivery_id: int, now: float
    ) -> Outcome:
        """The application server: takes most messages, late."""
        await self.step("before delivery")
        await asyncio.sleep(self.world.rng.uniform(0.01, 0.2))
        if self.world.rng.random() < self.world.delivery_failures:
            return Outcome(False, "Error", "HTTP status 500")
        self.world.delivered.append(msgspec.json.decode(message.body))
        await self.step("after delivery")
        return Outcome(True, "Ok")

    async def close(self) -> None:
        """Nothing is open."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of device: version, class and region."""

    version: MacVersion = "1.0.2"
    device_class: Literal["A", "B", "C"] = "A"
    region: str = "EU868"

    @property
    def profile_id(self) -> str:
        return f"SIM/{self.version}-{self.device_class}-{self.region}"


PLAIN = (Kind(),)
MIXED = (
    Kind("1.0.2"),
    Kind("1.1"),
    Kind("1.0.3", "B"),
    Kind("1.0.2", "C"),
    Kind("1.1", "C"),
    Kind("1.0.4"),
    Kind("1.0.4", "A", "US915"),
    Kind("1.1", "B", "AS923-1"),
)


class World:
    """Devices, base stations, air, and the server that happens to live."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *,
        die_at: int | None = None,
        loss: float = 0.05,
        delivery_failures: float = 0.1,
        capacity: int | None = None,
        kinds: tuple[Kind, ...] = PLAIN,
        downlinks_every: tuple[float, float] = (2.0, 6.0),
        more: dict[str, Any] | None = None,
    ) -> None:
        self.rng = random.Random(seed)
        self.steps = Steps(die_at)
        self.loss = loss
        self.delivery_failures = delivery_failures
        self.kinds = kinds
        self.regions = sorted({kind.region for kind in kinds}, key=lambda name: (name != "EU868", name))
        self._downlinks_every = downlinks_every
        values: dict[str, Any] = {
            "data": str(directory),
            "routing.first_retry": 1,
            "routing.longest_retry": 10,
            "network.region": self.regions[0],
            "network.more_regions": tuple(self.regions[1:]),
            "network.sub_bands": (2,),
        }
        self.settings = load_settings(values | (more or {}), environment={})
        if capacity is not None:
            # Fewer than a setting may say: so that devices go and come all the time.
            network = replace(self.settings.network, device_capacity=capacity)
            self.settings = replace(self.settings, network=network)
        self.delivered: list[dict[str, dict[str, Any]]] = []
        self.on_air: list[bytes] = []
        self.heard_by_server: list[tuple[float, bytes]] = []
        self.lives: list[DeviceLife] = []
        self.deaths = 0
        self.airs = {
            name: Air(Propagation(self.rng, shadowing=3.0), collisions=len(kinds) > 1)
            for name in self.regions
        }
        self._stations: dict[BaseStationId, BaseStation] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.data: DataDirectory
        self.server: Server

    def clock(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    async def build(self, count: int, stations: int = 2, period: float = 8.0) -> None:
        """`count` devices, of the kinds by turns, and so many base stations in each region."""
        self.data = await DataDirectory.open(self.settings, inline=True)
        store = self.data.store
        sandbox = await store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
        operator = await store.read(lambda c: accounts.find_operator(c, "sandbox-ope"))
        await self._build_base_stations(operator, stations)
        scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        routing_profile = await self._build_routing(scope)
        await self._build_rules(operator, scope)
        for number in range(count):
            await self._build_device(scope, number, routing_profile, period)
        assert sandbox.customer_id
        self.server = Server(self)
        await self.server.platform.start()

    async def _build_base_stations(self, operator: int, stations: int) -> None:
        numbers = range(len(self.regions) * stations)
        for number in numbers[1:]:
            await self.data.store.write(
                lambda c, number=number: base_stations.create_base_station(  # type: ignore[misc]
                    c, operator, GatewayEui(number + 1), f"Station {number}"
                )
            )
        for number in numbers:
            place = Place(0.5 * (number % stations), 0.0)
            boot = -self.rng.uniform(0, 4294)
            region = self.regions[number // stations]
            # The first base station of a region has no GPS.
            gps = number % stations > 0
            station = BaseStation(
                GatewayEui(number + 1), place, boot=boot, gps=gps, frequencies=self._heard_in(region)
            )
            station.link = self
            self.airs[region].add(station)
            self._stations[BaseStationId(0xFF000001 + number)] = station

    def _heard_in(self, region: str) -> frozenset[int] | None:
        """A base station listens to eight channels; where there are more, to those of the sub-band."""
        plan = ChannelPlan(REGIONS[region], sub_bands=(2,)) if REGIONS[region].fixed else None
        if plan is None:
            return None
        return frozenset(c.frequency for n, c in enumerate(plan.channels) if plan.mask >> n & 1)

    async def _build_routing(self, scope: Scope) -> str:
        route = Route(
            contentType="JSON", addresses=["http://as.example/up"], asId="as", asKey=secrets.token_hex(16)
        )
        checked = routing_profiles.check_routes([route])
        assert checked[0].as_key is not None
        sealed = await self.data.vault.seal(secret_label("as"), checked[0].as_key.encode())
        profile = await self.data.store.write(
            lambda c: routing_profiles.create_routing_profile(
                c, scope, RoutingProfile(name="AS"), checked, [sealed], None, None
            )
        )
        return str(profile.id)

    async def _build_rules(self, operator: int, scope: Scope) -> None:
        def rules(connection: Connection) -> None:
            for kind in self.kinds:
                settings = ProfileSettings(
                    loRaWANMacVersion=kind.version,
                    loRaWANClass=kind.device_class,
                    region=kind.region,
                    regionalParameterVersion="RP2-1.0.4" if kind.version == "1.0.4" else "1.0.3revA",
                )
                catalogues.create_device_profile(
                    connection, operator, kind.profile_id, kind.profile_id, settings
                )
            plan = catalogues.create_connectivity_plan(
                connection, operator, "sim/plan", "Simulation", PlanSettings(allowClassB=True)
            )
            catalogues.grant_connectivity_plan(connection, scope.subscriber_ref, plan, 1_000_000)

        await self.data.store.write(rules)

    async def _build_device(self, scope: Scope, number: int, routing_profile: str, period: float) -> None:
        kind = self.kinds[number % len(self.kinds)]
        identity = Identity(
            DevEui(0x0059AC0000000000 + number),
            JoinEui(1),
            AesKey(self.rng.randbytes(16)),
            AesKey(self.rng.randbytes(16)) if kind.version == "1.1" else None,
        )
        body = Device(
            EUI=str(identity.dev_eui),
            applicationEUI=str(identity.join_eui),
            applicationKey=identity.app_key.hex(),
            deviceProfileId=kind.profile_id,
            connectivityPlanId="sim/plan",
            routingProfileId=routing_profile,
        )
        new = device_checks.check_new_device(body, hsm_required=False)
        store, vault = self.data.store, self.data.vault
        key = await vault.import_app_key(new.dev_eui, new.app_key)
        created = await store.write(lambda c: devices.create_device(c, scope, new, key))
        if identity.nwk_key is not None:
            nwk_key = await vault.import_nwk_key(new.dev_eui, identity.nwk_key)
            await store.write(lambda c: devices.set_nwk_key(c, scope, int(str(created.ref)), nwk_key))
        region = REGIONS[kind.region]
        self.lives.append(
            DeviceLife(
                VirtualDevice(
                    identity,
                    region,
                    self.rng,
                    data_rate=min(3, region.adr_max_data_rate),
                    counter_based_nonce=kind.version == "1.0.4",
                    device_class=kind.device_class,
                    ping_periodicity=2,
                ),
                Climate(self.rng),
                Place(self.rng.uniform(-1, 1), self.rng.uniform(-1, 1)),
                self.airs[kind.region],
                self.rng,
                clock=self.clock,
                period=period,
                confirmed_share=0.4,
            )
        )

    def revive(self) -> None:
        """Another process starts on the same database."""
        self.deaths += 1
        self.server = Server(self)
        self._tasks.append(asyncio.get_running_loop().create_task(self.server.platform.start()))

    # The way up, with loss, delay and duplicates.

    def frame(
        self,
        station: BaseStation,
        phy_payload: bytes,
        frequency: int,
        modulation: Modulation,
        heard: Heard,
        timestamp: int,
    ) -> None:
        gps_time = unix_to_gps(self.clock()) if station.gps else None
        copies = 0 if self.rng.random() < self.loss else 2 if self.rng.random() < 0.1 else 1
        base_station = next(key for key, value in self._stations.items() if value is station)
        for _ in range(copies):
            slow = self.rng.random() < 0.05
            delay = self.rng.uniform(0.3, 1.5) if slow else self.rng.uniform(0.005, 0.12)
            asyncio.get_running_loop().call_later(
                delay,
                self._arrive,
                base_station,
                phy_payload,
                frequency,
                modulation,
                heard,
                timestamp,
                gps_time,
            )

    def _arrive(
        self,
        base_station: BaseStationId,
        phy_payload: bytes,
        frequency: int,
        modulation: Modulation,
        heard: Heard,
        timestamp: int,
        gps_time: float | None,
    ) -> None:
        if self.server.dead:
            return
        self.heard_by_server.append((self.clock(), phy_payload))
        self.server.platform.network.receive(
            GatewayUplink(
                base_station,
                phy_payload,
                frequency,
                modulation,
                heard.rssi,
                heard.snr,
                timestamp,
                self.clock(),
                gps_time=gps_time,
            )
        )

    # The way down.

    def transmit(self, server: Server, downlink: GatewayDownlink) -> None:
        window = downlink.window
        error = self._stations[downlink.base_station].transmit(
            downlink.phy_payload,
            window.frequency,
            window.modulation,
            window.timestamp,
            window.power,
            time_on_air(window.modulation, len(downlink.phy_payload), crc=False) / 1000,
            delay=None if window.gps_time is None else gps_to_unix(window.gps_time) - self.clock(),
        )
        if error is None:
            self.on_air.append(downlink.phy_payload)
        report = TransmitReport(downlink.token, downlink.base_station, error)

        def answer() -> None:
            if not server.dead:
                server.platform.network.transmit_reported(report)

        asyncio.get_running_loop().call_later(0.02, answer)

    # Running and looking.

    async def run(self, seconds: float) -> None:
        """Let everything live, then let deliveries come to an end."""
        loop = asyncio.get_running_loop()
        living = [loop.create_task(life.run()) for life in self.lives]
        downlinks = loop.create_task(self._submit_downlinks())
        await asyncio.sleep(seconds)
        for task in (*living, downlinks):
            task.cancel()
        await asyncio.gather(*living, downlinks, return_exceptions=True)
        self.delivery_failures = 0.0
        await asyncio.sleep(60)

    async def _submit_downlinks(self) -> None:
        """An application server that sends something to a device now and then."""
        while True:
            await asyncio.sleep(self.rng.uniform(*self._downlinks_every))
            life = self.rng.choice(self.lives)
            server = self.server
            if not server.dead and life.device.joined:
                payload = self.rng.randbytes(self.rng.randrange(1, 20))
                task = asyncio.get_running_loop().create_task(
                    self._submit(server, life.device.identity.dev_eui, payload)
                )
                self._tasks.append(task)

    async def _submit(self, server: Server, dev_eui: DevEui, payload: bytes) -> None:
        await server.platform.network.submit(
            dev_eui, fport=9, payload=payload, confirmed=self.rng.random() < 0.3
        )

    async def close(self) -> None:
        self.server.dead = True
        self.server.platform.network.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.data.close()

    async def records(self) -> list[Record]:
        bodies = await self.data.store.read(
            lambda c: [
                row.body
                for row in c.execute(
                    select(frame_bodies.c.body)
                    .where(frame_bodies.c.part == 0)
                    .order_by(frame_bodies.c.frame_id)
                )
            ]
        )
        return [decode_record(body) for body in bodies]

    async def late_parts(self) -> int:
        """Copies that came after their window and were added to the frame."""
        return await self.data.store.read(
            lambda c: len(c.execute(select(frame_bodies.c.frame_id).where(frame_bodies.c.part > 0)).all())
        )

    async def _addresses_of_1_1(self, records: list[Record]) -> set[int]:
        profiles = [kind.profile_id for kind in self.kinds if kind.version == "1.1"]
        refs = await self.data.store.read(
            lambda c: set(
                c.execute(
                    select(device_rows.c.ref)
                    .join(device_profiles, device_profiles.c.ref == device_rows.c.profile_ref)
                    .where(device_profiles.c.id.in_(profiles))
                ).scalars()
            )
        )
        return {
            int(r.dev_addr)
            for r in records
            if isinstance(r, JoinRecord) and r.dev_addr is not None and r.device_ref in refs
        }

    async def check_invariants(self) -> list[Record]:
        """I1 to I4 hold, whatever happened; returns the records for further looks."""
        records = await self.records()
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        counters = [(r.device_ref, r.dev_addr, r.fcnt) for r in accepted]
        assert len(counters) == len(set(counters)), "I1: an uplink counter was accepted twice"

        # Sessions of 1.1 count application downlinks apart.
        eleven = await self._addresses_of_1_1(records)
        sent: dict[tuple[int, int, bool], bytes] = {}
        for phy_payload in self.on_air:
            frame = frames.parse(phy_payload)
            if isinstance(frame, frames.DataFrame):
                apart = frame.dev_addr in eleven and bool(frame.fport)
                before = sent.setdefault((frame.dev_addr, frame.fcnt, apart), phy_payload)
                assert before == phy_payload, "I2: a downlink counter was used for two payloads"

        joins = [r for r in records if isinstance(r, JoinRecord) and r.outcome == "accepted"]
        nonces = [(r.device_ref, r.dev_nonce) for r in joins if r.rejoin_type is None]
        assert len(nonces) == len(set(nonces)), "I3: a DevNonce was accepted twice"
        accepts = [p for p in self.on_air if p[0] == 0x20]
        assert len(accepts) <= 2 * len(joins), "a join-accept was sent without a session"

        got = {
            (m["DevEUI_uplink"]["DevAddr"], m["DevEUI_uplink"]["FCntUp"])
            for m in self.delivered
            if "FCntUp" in m.get("DevEUI_uplink", {})
        }
        kept = await self.data.store.read(
            lambda c: {row.frame_id for row in c.execute(select(deliveries.c.frame_id))}
        )
        for record in accepted:
            if record.reported:
                reached = (str(record.dev_addr), record.fcnt) in got or record.id in kept
                assert reached, f"I4: frame {record.fcnt} neither delivered nor listed"
        rows = await self.data.store.read(lambda c: {row.id for row in c.execute(select(frame_rows.c.id))})
        assert rows == {record.id for record in records}, "every frame row has its body"
        return records
