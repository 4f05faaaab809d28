"""Servers that can be killed: committed data is kept, memory is lost.

A death stops a server as `kill -9` would: nothing that was about to happen happens. Then another server
starts on the same database.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

import msgspec
import structlog
from sqlalchemy import Connection as Database

from veldnet.assembly.clustering import NodeSetup
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.platform import Outside, Platform
from veldnet.connections import MakeTransport, Outcome
from veldnet.domain.devices import DeviceRow
from veldnet.domain.flows import ConnectionType
from veldnet.domain.scope import Scope
from veldnet.lorawan import DevEui
from veldnet.lorawan.radio import GatewayDownlink
from veldnet.monitoring import Mailer
from veldnet.routing import Attempt
from veldnet.settings import Settings
from veldnet.store import (
    ClusterView,
    DeliveryRow,
    Lease,
    NewNode,
    NodeLeases,
    PendingQueue,
    Proof,
    Rows,
    Store,
    StoreError,
)

from .invariants import Checker

log = structlog.get_logger(__name__)

# Where virtual time begins, in Unix seconds.
EPOCH = 1_800_000_000.0
# A new server is there after so many seconds.
REVIVAL = 3.0


class Steps:
    """Counts the steps at which a server can die, and says at which one it does; likewise the calls of the
    store, of which one and the `fail_for` - 1 behind it raise `failure`."""

    def __init__(
        self,
        die_at: int | None = None,
        *,
        fail_at: int | None = None,
        fail_for: int = 1,
        failure: Callable[[], Exception] = lambda: StoreError("disk I/O error"),
    ) -> None:
        self.count = 0
        self.names: set[str] = set()
        self.calls = 0
        self.failed: list[str] = []
        self.die_at = die_at
        # Whether writes beside the commits are steps too.
        self.writes = False
        self._failing = range(0) if fail_at is None else range(fail_at, fail_at + fail_for)
        self._failure = failure

    def call(self, name: str) -> None:
        """The store is called. Raises what is to go wrong with this call."""
        self.calls += 1
        if self.calls - 1 in self._failing:
            self.failed.append(name)
            raise self._failure()

    def reached(self, name: str) -> bool:
        """True where the server dies here."""
        self.names.add(name)
        self.count += 1
        return self.count - 1 == self.die_at


class Applications(Protocol):
    """Who takes messages of flows, and sends downlinks."""

    def create_flows(self, database: Database, scope: Scope) -> None:
        """Write connections and flows for all devices."""

    def transports(self, server: MortalServer) -> Mapping[ConnectionType, MakeTransport]:
        """What carries the messages of a server."""

    def publish(self, dev_eui: DevEui, payload: bytes) -> None:
        """Send a downlink to a device."""

    @property
    def waiting(self) -> int:
        """Downlinks that no server has acknowledged yet."""


class World(Protocol):
    """What surrounds a server."""

    rng: random.Random
    steps: Steps
    settings: Settings
    data: DataDirectory
    checker: Checker
    delivery_failures: float
    mailer: Mailer | None
    application: Applications | None

    def clock(self) -> float: ...

    def transmit(self, server: MortalServer, downlink: GatewayDownlink) -> None: ...

    def revive(self) -> None: ...

    async def serve(self, server: MortalServer) -> None: ...

    def died(self, server: MortalServer) -> None: ...


class MortalStore:
    """The real store, until the server it belongs to is dead."""

    def __init__(self, store: Store, server: MortalServer) -> None:
        self._store = store
        self._server = server

    def proof(self) -> Proof | None:
        return self._store.proof()

    async def commit(self, rows: Iterable[Rows], proof: Proof | None = None) -> None:
        await self._server.step("before commit")
        self._called("commit")
        await self._store.commit(rows, proof)
        self._called("commit that was written")
        await self._server.step("after commit")

    def _called(self, name: str) -> None:
        self._server.world.steps.call(name)

    async def read(self, query: Callable[..., Any]) -> Any:
        await self._server.alive()
        self._called("read")
        return await self._store.read(query)

    async def write(self, change: Callable[..., Any]) -> Any:
        await self._server.alive()
        self._called("write")
        if not self._server.world.steps.writes:
            return await self._store.write(change)
        await self._server.step("before write")
        written = await self._store.write(change)
        await self._server.step("after write")
        return written

    async def probe(self) -> None:
        await self._server.alive()
        await self._store.probe()

    async def devices_by_dev_addr(self, dev_addrs: Any) -> list[DeviceRow]:
        await self._server.alive()
        self._called("devices_by_dev_addr")
        return await self._store.devices_by_dev_addr(dev_addrs)

    async def devices_by_dev_eui(self, dev_euis: Any) -> list[DeviceRow]:
        await self._server.alive()
        self._called("devices_by_dev_eui")
        return await self._store.devices_by_dev_eui(dev_euis)

    async def devices_by_ref(self, refs: Any) -> list[DeviceRow]:
        await self._server.alive()
        self._called("devices_by_ref")
        return await self._store.devices_by_ref(refs)

    async def devices_with_unsolicited_downlinks(
        self, after: int, limit: int, partitions: Collection[int] | None = None
    ) -> list[int]:
        await self._server.alive()
        self._called("devices_with_unsolicited_downlinks")
        return await self._store.devices_with_unsolicited_downlinks(after, limit, partitions)

    async def devices_to_check(
        self, now: int, limit: int, partitions: Collection[int] | None = None, skipped: int = 0
    ) -> list[int]:
        await self._server.alive()
        self._called("devices_to_check")
        return await self._store.devices_to_check(now, limit, partitions, skipped)

    async def pending_queues(
        self, after: Any, limit: int, partitions: Collection[int] | None = None
    ) -> list[PendingQueue]:
        self._called("pending_queues")
        return await self._store.pending_queues(after, limit, partitions)

    async def pending_deliveries(
        self, device_ref: int, queue: str, limit: int, after: int = -1
    ) -> list[DeliveryRow]:
        await self._server.alive()
        self._called("pending_deliveries")
        return await self._store.pending_deliveries(device_ref, queue, limit, after)

    async def close(self) -> None:
        """The database outlives the server."""


class MortalLeases:
    """The leases of a node, until it is dead."""

    def __init__(self, leases: NodeLeases, server: MortalServer) -> None:
        self._leases = leases
        self._server = server

    @property
    def epochs(self) -> Mapping[int, int]:
        return self._leases.epochs

    def lose(self, partitions: Collection[int]) -> None:
        self._leases.lose(partitions)

    async def join(self, node: NewNode, seconds: float) -> Lease:
        await self._server.alive()
        return await self._leases.join(node, seconds)

    async def beat(self, seconds: float, status: str = "{}") -> ClusterView:
        await self._server.alive()
        return await self._leases.beat(seconds, status)

    async def take(self, partitions: Collection[int]) -> frozenset[int]:
        await self._server.alive()
        return await self._leases.take(partitions)

    async def release(self, partitions: Collection[int]) -> None:
        await self._server.alive()
        await self._leases.release(partitions)

    async def leave(self) -> None:
        await self._server.alive()
        await self._leases.leave()


class MortalServer:
    """One life of the server, between two deaths. It is also its own application server. With `node` it is
    one of several, on a store of its own in `data`; its downlinks go to its base stations then. `clock` is
    its own where that differs from the world's."""

    def __init__(
        self,
        world: World,
        data: DataDirectory | None = None,
        node: NodeSetup | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.world = world
        self.data = data if data is not None else world.data
        self.dead = False
        # Set while the server stands still, as by SIGSTOP: what calls the store waits.
        self._goes_on: asyncio.Event | None = None
        if node is not None:
            node = node._replace(leases=MortalLeases(self.data.store.nodes, self))
        self.platform = Platform(
            world.settings,
            self.data,
            outside=Outside(
                clock or world.clock,
                random.Random(world.rng.random()),  # noqa: S311 - chance is the seed's
                None if node is not None else self._transmit,
                self,
                world.mailer,
                node,
                None if world.application is None else world.application.transports(self),
            ),
            store=MortalStore(self.data.store, self),
        )
        # Last of those that take part, so that it sees what the commit will hold.
        self.platform.network.commits.join(world.checker.participant())

    async def start(self) -> None:
        """Start as a process does, which ends when it cannot, and is started again."""
        try:
            await self.platform.start()
            await self.alive()
            await self.world.serve(self)
        except Exception as error:
            log.warning("server_not_started", error=str(error))
            self.die()

    def pause(self) -> None:
        """Stand still."""
        if self._goes_on is None:
            self._goes_on = asyncio.Event()

    def go_on(self) -> None:
        goes_on, self._goes_on = self._goes_on, None
        if goes_on is not None:
            goes_on.set()

    @property
    def paused(self) -> bool:
        return self._goes_on is not None

    async def alive(self) -> None:
        """Goes no further in a dead server, and later in one that stands still."""
        while self._goes_on is not None and not self.dead:
            await self._goes_on.wait()
        if self.dead:
            raise asyncio.CancelledError

    async def step(self, name: str) -> None:
        if not self.dead and self.world.steps.reached(name):
            self.die()
        await self.alive()

    def die(self) -> None:
        """Stop at once, as a killed process does."""
        if self.dead:
            return
        self.dead = True
        self.go_on()
        if self.platform.cluster is not None:
            self.platform.cluster.close()
        self.platform.network.close()
        self.platform.deliveries.abandon()
        self.world.died(self)
        self._revive_later()

    def _revive_later(self) -> None:
        asyncio.get_running_loop().call_later(REVIVAL, self.world.revive)

    def _transmit(self, downlink: GatewayDownlink) -> None:
        if self.dead:
            return
        if self.world.steps.reached("before transmit"):
            self.die()
            return
        self.world.transmit(self, downlink)
        if self.world.steps.reached("after transmit"):
            self.die()

    async def send(self, attempt: Attempt) -> Outcome:
        """The application server: takes most messages, late."""
        await self.step("before delivery")
        await asyncio.sleep(self.world.rng.uniform(0.01, 0.2))
        if self.world.rng.random() < self.world.delivery_failures:
            return Outcome(False, "Error", "HTTP status 500")
        self.world.checker.delivered(msgspec.json.decode(attempt.message.body))
        await self.step("after delivery")
        return Outcome(True, "Ok")

    async def try_out(self, _attempt: Attempt) -> list[Outcome]:
        """Nobody tries out routes."""
        return []

    async def close(self) -> None:
        """Nothing is open."""
