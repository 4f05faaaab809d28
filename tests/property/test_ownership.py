"""Whatever is created and deleted while messages are pending, no byte of one subscriber reaches another, and
no message of a subscriber that is still there goes missing."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from veldnet.connections import Outcome
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import BadRequest
from veldnet.domain.resources import Device, Route, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, base_stations, changes, devices, offers, routing_profiles
from veldnet.lorawan import GatewayEui
from veldnet.network.shell import Runtime
from veldnet.routing import (
    Attempt,
    Deliveries,
    Messaging,
    Retry,
    RoutingTable,
    UndeliveredQuery,
    Whose,
    deliver_again,
    list_undelivered,
)
from veldnet.routing.messages import TunnelMessage
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import SqliteStore, StoreError, migrate
from veldnet.store.schema import devices as device_rows
from veldnet.store.schema import users
from veldnet.supervision import Supervisor

EPOCH, FAR = 1_800_000_000.0, 1 << 42
EVERYTHING = UndeliveredQuery(0, FAR, 1000, pending=True)
DEEDS = (
    *("join", "leave", "route", "route", "unroute", "add", "add", "add", "remove", "remove"),
    *("hear", "hear", "hear", "hear", "wait", "wait", "servers", "restart", "again", "take up"),
    *("hire", "fire", "build", "tear down"),
)
# Two operators share the base; DevEUIs are few, so that devices change hands.
_STORY = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 1 << 30)), min_size=15, max_size=60)


class Recorder:
    """Application servers by address: what each was sent. They answer while they are up."""

    def __init__(self) -> None:
        self.up = False
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def send(self, attempt: Attempt) -> Outcome:
        host = urlsplit(attempt.route.addresses[0]).hostname or ""
        (body,) = msgspec.json.decode(attempt.message.body).values()
        self.sent.append((host, body | {"CustomerID of the query": attempt.profile.customer_id}))
        return Outcome(self.up, "Ok" if self.up else "Error", None if self.up else "503", refusal="busy")

    async def try_out(self, attempt: Attempt) -> list[Outcome]:
        return [await self.send(attempt)]

    async def close(self) -> None: ...


class Writer:
    """Messages that say whose they are."""

    lrc_id = "00000001"

    def messages(self, record: Any, device: Any) -> list[TunnelMessage]:
        fields = {"owner": device.row.customer_id, "DevEUI": device.row.dev_eui, "FCntUp": record.id}
        return [TunnelMessage("DevEUI_uplink", fields, "", device.row.dev_eui, 1)]


class World:
    """A database, the server on it, and those who change it."""

    def __init__(self, path: Path) -> None:
        self.store = SqliteStore(path, inline=True)
        self.servers = Recorder()
        self.deliveries: Any = None
        self.table: Any = None
        self.seen = changes.Position()
        self.customers: dict[str, Scope] = {}
        self.given: set[str] = set()
        self.known: list[Any] = []
        self.heard: dict[int, str] = {}
        self.people: list[int] = []
        self.stations: list[str] = []
        self.count = 0

    def clock(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    async def start(self) -> None:
        await self.store.take_leases()
        self.table = RoutingTable(self.store, None)  # type: ignore[arg-type]
        self.seen = await self.store.read(changes.position)
        await self.table.load()
        self.deliveries = Deliveries(
            Runtime(self.clock, self.store.ids, random.Random(1), Supervisor(expected=(StoreError,))),
            self.store,
            Messaging(self.table, Writer(), self.servers),  # type: ignore[arg-type]
            wake=lambda: None,
            retry=Retry(1.0, 30.0),
        )
        await self.deliveries.start()

    async def commit(self, recorded: Sequence[Any] = ()) -> None:
        rows = self.deliveries.rows(recorded, ())
        if rows:
            await self.store.commit(rows)
            self.deliveries.committed()

    async def take_up(self) -> None:
        """What a running server does with changes, here or of another process, within a second."""
        pending, self.seen, _more = await self.store.read(lambda c: changes.since(c, self.seen))
        for change in pending:
            if change.kind == "routing":
                await self.table.reload(change.ref)
            elif change.kind == "device":
                there = select(device_rows.c.ref).where(device_rows.c.ref == change.ref)
                if await self.store.read(lambda c: c.execute(there).first()) is None:  # noqa: B023
                    self.deliveries.device_removed(change.ref)

    async def do(self, deed: str, number: int) -> None:
        rng = random.Random(number)
        scope = rng.choice(sorted(self.customers.items()))[1] if self.customers else None
        self.count += 1
        if deed == "wait":
            await asyncio.sleep(rng.choice((0.5, 5.0, 90.0)))
            await self.commit()
        elif deed == "servers":
            self.servers.up = not self.servers.up
        elif deed == "take up":
            await self.take_up()
        elif deed == "restart":
            self.deliveries.abandon()
            await self.start()
        elif deed == "hear" and self.known:
            device = rng.choice(self.known)
            frame = self.store.ids.next(self.clock())
            if self.table.get(device.row.routing_profile_ref) is not None:
                self.heard[frame] = device.row.customer_id
            await self.commit([(SimpleNamespace(id=frame), device, None)])
        elif deed == "again":
            whose = scope.subscriber_ref if scope is not None and number % 2 else None
            expires = int((self.clock() + 86_400) * 1000)
            queues = await self.store.write(lambda c: deliver_again(c, whose, 0, FAR, expires))
            for queue in queues:
                self.deliveries.requeue(queue)
        else:
            await self.store.write(lambda c: self.change(c, deed, scope, rng))
            if rng.random() < 0.7:
                await self.take_up()

    def change(self, connection: Connection, deed: str, scope: Scope | None, rng: random.Random) -> None:
        operator = rng.choice((1, 2))
        if deed == "join" and len(self.customers) < 5:
            customer = f"{100_000_000 + self.count}"
            ref = accounts.create_subscriber(connection, operator, customer, "x")
            offers.grant_connectivity_plan(connection, ref, operator, 100)
            self.once(f"subscriber {ref}")
            self.customers[customer] = Scope(operator, ref, customer, 0, "x", "x")
        elif deed == "build":
            station = base_stations.create_base_station(
                connection, operator, GatewayEui(self.count), base_stations.StationFacts(name="x")
            )
            self.once(f"base station {station.id}")
            self.stations.append(station.id)
        elif deed == "tear down" and self.stations:
            base_stations.remove_base_station(connection, self.stations.pop())
        elif deed == "fire" and self.people:
            accounts.remove_user(connection, users, self.people.pop())
        elif scope is not None:
            self.change_of(connection, deed, scope, rng)

    def change_of(self, connection: Connection, deed: str, scope: Scope, rng: random.Random) -> None:
        """Something that is a subscriber's."""
        own = routing_profiles.list_routing_profiles(connection, scope)
        if deed == "hire":
            made = accounts.create_subscriber_user(
                connection, scope.subscriber_ref, f"user{self.count}", "h", "x", "rw"
            )
            account = f"user-{made.ref}"
            assert accounts.read_preferences(connection, account) == b"{}", "another one's saved views"
            accounts.write_preferences(connection, account, msgspec.json.encode({"of": scope.customer_id}))
            self.people.append(int(made.ref))
        elif deed == "route" and len(own) < 3:
            route = Route(contentType="JSON", addresses=[f"http://{scope.customer_id}.example/"], asId="as")
            checked = routing_profiles.check_routes([route])
            body = RoutingProfile(name="x", default=True)
            made_profile = routing_profiles.create_routing_profile(
                connection, scope, body, routing_profiles.Prepared(checked, [None])
            )
            self.once(f"routing profile {made_profile.ref}")
        elif deed == "unroute" and own:
            self.remove_profile(connection, scope, str(rng.choice(own).ref))
        elif deed == "add" and own:
            self.add_device(connection, scope, rng, str(rng.choice(own).id))
        elif deed in ("remove", "leave"):
            listed = devices.list_devices(connection, scope, devices.Filter())
            for device in listed if deed == "leave" else listed[:1]:
                devices.delete_device(connection, scope, str(device.ref))
            if deed == "leave":
                accounts.remove_subscriber(connection, scope.customer_id)
                self.people = list(connection.execute(select(users.c.ref)).scalars())
                del self.customers[scope.customer_id]

    def remove_profile(self, connection: Connection, scope: Scope, ref: str) -> None:
        for device in devices.list_devices(connection, scope, devices.Filter(view="configuration")):
            if str(device.routingProfileId).endswith(f".{ref}"):
                devices.delete_device(connection, scope, str(device.ref))
        try:
            routing_profiles.delete_routing_profile(connection, scope, ref)
        except BadRequest as error:
            assert "default" in str(error)

    def add_device(self, connection: Connection, scope: Scope, rng: random.Random, profile: str) -> None:
        body = Device(
            EUI=f"{rng.randrange(1, 6):016X}",
            applicationEUI="0000000000000001",
            applicationKey="0123456789ABCDEF0011223344556677",
            deviceProfileId="PROFILE",
            routingProfileId=profile,
        )
        new = devices.check_new_device(body, hsm_required=False)
        if connection.execute(
            select(device_rows.c.ref).where(device_rows.c.dev_eui == str(new.dev_eui))
        ).first():
            return
        made = devices.create_device(connection, scope, new, b"sealed")
        self.once(f"device {made.ref}")
        row = SimpleNamespace(
            ref=int(str(made.ref)),
            subscriber_ref=scope.subscriber_ref,
            routing_profile_ref=int(profile.rpartition(".")[2]),
            customer_id=scope.customer_id,
            dev_eui=str(new.dev_eui),
            partition=0,
        )
        # It stays in the server's memory for a while after it was deleted.
        self.known.append(SimpleNamespace(row=row, plan=SimpleNamespace(thirdPartyAppServersRouting=True)))
        del self.known[:-8]

    def once(self, number: str) -> None:
        assert number not in self.given, f"{number} was given twice"
        self.given.add(number)

    async def check(self) -> None:
        """After everything has been taken up and all servers are well."""
        self.servers.up = True
        await self.take_up()
        for _ in range(4):
            await asyncio.sleep(60)
            await self.commit()
        for host, body in self.servers.sent:
            assert host == f"{body['owner']}.example" == f"{body['CustomerID of the query']}.example"
        arrived = {body["FCntUp"] for _host, body in self.servers.sent}
        for customer, scope in self.customers.items():
            ref = scope.subscriber_ref
            listed = await self.store.read(
                lambda c: list_undelivered(c, EVERYTHING, Whose(ref))  # noqa: B023
            )
            mine = {frame for frame, whose in self.heard.items() if whose == customer}
            assert {int(item.frame_id) for item in listed} <= mine, "only a subscriber's own are listed"
            assert all(item.state == "undelivered" and item.reason for item in listed)
            assert mine <= arrived | {int(item.frame_id) for item in listed}
        await self.deliveries.stop()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two operators and their offers, copied for each story."""
    path = tmp_path_factory.mktemp("ownership") / "prepared.db"
    store = SqliteStore(path, inline=True)
    migrate(store.engine, path)
    with store.engine.begin() as connection:
        for code in ("one", "two"):
            operator = accounts.create_operator(connection, code, "x")
            offers.create_connectivity_plan(connection, operator, f"{code}/plan", "x", PlanSettings())
            offers.create_device_profile(connection, operator, "PROFILE", "x", ProfileSettings())
    store.engine.dispose()
    return path


# A story takes a quarter of a second.
STORIES = min(settings().max_examples // 8, 200)


@settings(max_examples=STORIES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STORY)
def test_a1_no_byte_of_one_subscriber_reaches_another(
    prepared: Path, tmp_path: Path, story: list[tuple[str, int]]
) -> None:
    path = tmp_path / "story.db"
    for old in tmp_path.iterdir():
        old.unlink()
    shutil.copy(prepared, path)

    async def play() -> None:
        world = World(path)
        await world.start()
        # A beginning in which messages of a subscriber wait for a dead server.
        for deed in ("join", "route", "add", "hear", "wait", "join"):
            await world.do(deed, 1)
        for deed, number in story:
            await world.do(deed, number)
        await world.check()
        await world.store.close()

    run_virtually(play())
