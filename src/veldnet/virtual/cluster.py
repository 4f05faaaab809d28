"""Several servers on one database, with a wire between them that loses, delays and repeats messages.

Base stations are connected to nodes by turns, and come to another one when theirs is gone. Nodes are killed,
stand still for longer than their lease, are stopped and started as by an operator, and lose sight of each
other."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from veldnet.assembly.clustering import NodeSetup
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cluster import BadWire, Wire
from veldnet.gateways import Host, MessageCounts
from veldnet.lorawan import BaseStationId, DevEui
from veldnet.lorawan.gpstime import gps_to_unix
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.network.core import DownlinkRequest
from veldnet.simulator.base_station import BaseStation
from veldnet.store import NewNode, StoreError

from .faults import Faults
from .invariants import InvariantBroken
from .mortal import REVIVAL, MortalServer
from .network import VirtualNetwork

log = structlog.get_logger(__name__)

# Seconds until a base station whose node is gone is connected to another one.
_RECONNECTS = 2.0
# Each base station says something about so often.
_KEEP_ALIVE = 10.0
# Frames that the buffer of a socket has room for; the oldest are dropped.
_BUFFER = 400


class ClusterFaults(msgspec.Struct, frozen=True):
    """Of messages between nodes: shares that are lost and repeated, and the longest delay. Of nodes, for each
    hour: kills, stops as by an operator, stand-stills and splits; how long a stand-still or a split lasts."""

    loss: float = 0.02
    repeat: float = 0.02
    delay: float = 0.02
    kills: float = 0.0
    stops: float = 0.0
    pauses: float = 0.0
    splits: float = 0.0
    lasting: tuple[float, float] = (1.0, 12.0)


class NodeServer(MortalServer):
    """One life of a node."""

    def __init__(self, world: VirtualCluster, name: str, data: DataDirectory) -> None:
        node = NewNode(name=name, version="0", roles=frozenset({"network", "gateways", "api"}))
        self.name = name
        self._cluster = world
        ahead = world.ahead.get(name, 0.0)
        super().__init__(
            world,
            data,
            NodeSetup(node, lambda supervisor: world.wire.bus(name, supervisor)),
            lambda: world.clock() + ahead,
        )
        self.radio = _Stations(self)
        # What waits in the buffer of its socket while it stands still.
        self.backlog: deque[GatewayUplink] = deque(maxlen=_BUFFER)
        self.platform.hub.register(self.radio)
        caught = self.platform.supervisor.caught

        def notice(name: str, error: BaseException) -> None:
            if not isinstance(error, StoreError):
                world.found(f"{name} at node {self.name}", error)
            caught(name, error)

        self.platform.supervisor.caught = notice  # type: ignore[method-assign]

    async def start(self) -> None:
        await super().start()
        if not self.dead:
            await self.platform.hub.start({})
            self.platform.supervisor.repeat("keep-alives", _KEEP_ALIVE, self.radio.keep_alive)

    def _revive_later(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(REVIVAL, self._cluster.start_again, self.name)

    async def stop(self) -> None:
        """As by SIGTERM: hand everything over."""
        assert self.platform.cluster is not None
        await self.platform.cluster.leave()
        self.die()


class _Stations:
    """The base stations of a node, as a protocol of its hub."""

    name = "virtual"
    plans_both = False
    authenticates = False

    def __init__(self, server: NodeServer) -> None:
        self.counts = MessageCounts(Counter(), Counter(), Counter())
        self._server = server
        self._host: Host = server.platform.hub
        self.connected: dict[BaseStationId, BaseStation] = {}

    async def start(self, sock: socket.socket | None) -> None:
        """Base stations come by themselves."""

    async def stop(self) -> None:
        """Nothing is open."""

    async def keep_alive(self) -> None:
        for identifier in self.connected:
            self._host.presence.seen(identifier, self._host.clock())

    def connect(self, identifier: BaseStationId, station: BaseStation) -> None:
        self.connected[identifier] = station
        self._host.presence.seen(identifier, self._host.clock())
        self._host.connected(self, identifier)

    def heard(self, uplink: GatewayUplink) -> None:
        self._host.presence.seen(uplink.base_station, self._host.clock()).frame(self._host.clock(), gps=True)
        self._host.uplink(uplink)

    def transmit(self, downlink: GatewayDownlink) -> None:
        server, station = self._server, self.connected.get(downlink.base_station)
        if server.dead:
            return
        if server.paused:
            # What stands still sends nothing, now or too late.
            return
        if server.world.steps.reached("before transmit"):
            server.die()
            return
        window, error = downlink.window, "NO_ADDRESS"
        if station is not None:
            error = station.transmit(
                downlink.phy_payload,
                window.frequency,
                window.modulation,
                window.timestamp,
                window.power,
                delay=None
                if window.gps_time is None
                else gps_to_unix(window.gps_time) - server.world.clock(),
            )  # type: ignore[assignment]
        if error is None:
            server.world.checker.on_air(downlink.phy_payload)
        report = TransmitReport(downlink.token, downlink.base_station, error)

        def answer() -> None:
            if not server.dead:
                self._host.report(report)

        asyncio.get_running_loop().call_later(0.02, answer)

    def lag(self, now: float) -> float:
        return 0.0

    def problem(self, now: float) -> str | None:
        return None


class VirtualCluster(VirtualNetwork):
    """`names` are those of the nodes, of which each may be dead; their clocks are `ahead` by so many
    seconds."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *,
        names: tuple[str, ...] = ("a", "b", "c"),
        faults: Faults | None = None,
        nodes: ClusterFaults | None = None,
        ahead: Mapping[str, float] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(directory, seed, faults=faults, **options)
        self.names = names
        self.ahead = ahead or {}
        self.of_nodes = nodes or ClusterFaults()
        chance = random.Random(seed)  # noqa: S311 - the same seed must give the same history
        self.wire = Wire(
            BadWire(chance, loss=self.of_nodes.loss, repeat=self.of_nodes.repeat, delay=self.of_nodes.delay)
        )
        self.nodes: dict[str, NodeServer] = {}
        self._homes: dict[BaseStationId, str] = {}
        self._opened: list[DataDirectory] = []
        self._defects_found: list[str] = []
        # What nodes have been through.
        self.events: Counter[str] = Counter()

    # Nodes.

    async def _start_servers(self) -> None:
        for name in self.names:
            await self._start(name)
        for number, identifier in enumerate(self._stations):
            self._connect(identifier, self.names[number % len(self.names)])

    async def _start(self, name: str) -> None:
        data = await DataDirectory.open(self.settings, inline=True)
        data.store.go_by(self.clock)
        self._opened.append(data)
        server = self.nodes[name] = self.server = NodeServer(self, name, data)
        await server.start()

    def start_again(self, name: str) -> None:
        self.deaths += 1
        self._spawn(self._start(name))

    def died(self, server: MortalServer) -> None:
        assert isinstance(server, NodeServer) and server.platform.cluster is not None
        self._spawn(server.platform.cluster.stop())
        self._spawn(server.platform.supervisor.stop())
        for identifier, home in self._homes.items():
            if home == server.name:
                asyncio.get_running_loop().call_later(_RECONNECTS, self._move, identifier, home)

    def _move(self, identifier: BaseStationId, away: str) -> None:
        if self._homes[identifier] == away:
            living = [name for name in self.names if not self.nodes[name].dead]
            if living:
                self._connect(identifier, self.rng.choice(living))
            else:
                asyncio.get_running_loop().call_later(_RECONNECTS, self._move, identifier, away)

    def _connect(self, identifier: BaseStationId, name: str) -> None:
        self._homes[identifier] = name
        self.nodes[name].radio.connect(identifier, self._stations[identifier])

    def found(self, where: str, error: BaseException) -> None:
        """A node has met a defect."""
        self._defects_found.append(f"{where}: {error!r}")

    # Frames and requests.

    def _arrive(self, uplink: GatewayUplink) -> None:
        server = self.nodes[self._homes[uplink.base_station]]
        if server.dead:
            return
        if server.paused:
            server.backlog.append(uplink)
            return
        server.radio.heard(replace(uplink, received_at=server.platform.clock()))

    async def _submit(self, _server: MortalServer, dev_eui: DevEui, payload: bytes) -> None:
        server = self.rng.choice([self.nodes[name] for name in self.names])
        if server.dead:
            return
        request = DownlinkRequest(fport=9, payload=payload, confirmed=self.rng.random() < 0.3)
        await self.submit(server, dev_eui, request)

    async def submit(self, server: NodeServer, dev_eui: DevEui, request: DownlinkRequest) -> bool:
        """Submit a downlink at a node; whoever did is told whether it was taken."""
        try:
            await server.platform.network.requests.submit(dev_eui, request)
        except StoreError:
            return False
        return True

    # Faults.

    def _fault_rates(self) -> dict[Callable[[], None], float]:
        of = self.of_nodes
        return {
            self._kill: of.kills,
            self._stop_one: of.stops,
            self._pause_one: of.pauses,
            self._split: of.splits,
            self._switch_one_off: self.faults.base_station_outages,
        }

    def living(self) -> list[NodeServer]:
        return [node for name in self.names if not (node := self.nodes[name]).dead and not node.paused]

    def _one(self) -> NodeServer | None:
        living = self.living()
        return self.rng.choice(living) if living else None

    def _kill(self) -> None:
        node = self._one()
        if node is not None:
            self.kill(node.name)

    def kill(self, name: str) -> None:
        self.events["kill"] += 1
        self.nodes[name].die()

    def _stop_one(self) -> None:
        node = self._one()
        if node is not None:
            self.stop(node.name)

    def stop(self, name: str) -> None:
        self.events["stop"] += 1
        self._spawn(self.nodes[name].stop())

    def _pause_one(self) -> None:
        node = self._one()
        if node is not None:
            self.pause(node.name, self.rng.uniform(*self.of_nodes.lasting))

    def pause(self, name: str, seconds: float) -> None:
        """Let a node stand still for a while."""
        self.events["pause"] += 1
        node = self.nodes[name]
        node.pause()
        self.wire.hold(name)

        def go_on() -> None:
            self.wire.release(name)
            node.go_on()
            backlog = list(node.backlog)
            node.backlog.clear()
            for uplink in backlog:
                self._arrive(uplink)

        asyncio.get_running_loop().call_later(seconds, go_on)

    def _split(self) -> None:
        alone = self.rng.choice(self.names)
        self.split((alone,), self.rng.uniform(*self.of_nodes.lasting))

    def split(self, group: tuple[str, ...], seconds: float) -> None:
        """Let some nodes not hear the others for a while. All reach the database."""
        self.events["split"] += 1
        self.wire.split(group, [name for name in self.names if name not in group])
        asyncio.get_running_loop().call_later(seconds, self.wire.heal)

    # Ends.

    async def check_at_rest(self) -> None:
        if self._defects_found:
            raise InvariantBroken("; ".join(self._defects_found[:5]))
        await super().check_at_rest()

    async def close(self) -> None:
        for node in self.nodes.values():
            node.dead = True
            node.go_on()
            assert node.platform.cluster is not None
            node.platform.cluster.close()
            node.platform.network.close()
            node.platform.deliveries.abandon()
            await node.platform.cluster.stop()
            await node.platform.supervisor.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for data in self._opened:
            await data.close()
        await self.data.close()
