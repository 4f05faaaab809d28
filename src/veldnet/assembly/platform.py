"""Assembles the server process: base stations, network server, routing, monitoring.

`Platform.__init__` puts the parts together in the order in which a frame passes them. `start` loads what
they need, `stop` ends them in the order in which nothing that was received is lost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import structlog

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.base_station_history import HistoryKeeper
from veldnet.assembly.base_station_presence import PresenceKeeper
from veldnet.assembly.campaigning import campaigns_of
from veldnet.assembly.changes import ChangeApplier
from veldnet.assembly.chores import chores_of, run_now
from veldnet.assembly.clustering import Clustering, NodeSetup
from veldnet.assembly.configured import decoder_pool, delivery_limits, route_sender
from veldnet.assembly.connecting import Connecting
from veldnet.assembly.coverage import CoverageKeeper
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.data_directory.lease import BEAT_EVERY, ServingLease
from veldnet.assembly.data_directory.scheduled_backups import ScheduledBackups
from veldnet.assembly.delivering import delivery_processes
from veldnet.assembly.heartbeat import Heartbeat
from veldnet.assembly.inventory_changes import changes_of, changes_of_many
from veldnet.assembly.live_feeds import LiveFeeds
from veldnet.assembly.locating import locations_of
from veldnet.assembly.loop_lag import LoopLag
from veldnet.assembly.monitoring import MonitoringService, Watched
from veldnet.assembly.network_settings import network_parameters, server_options
from veldnet.assembly.personalisation import open_session
from veldnet.assembly.readiness import problems_of, report_of
from veldnet.assembly.roles import Roles
from veldnet.assembly.shared_secret import shared_secret
from veldnet.assembly.sights import Sights
from veldnet.assembly.station_services import StationServices
from veldnet.assembly.vaults.rewrapping import KeyCare
from veldnet.assembly.virtual_world import VirtualWorld, WaitedSender, waited_post
from veldnet.cluster import Bus, ClusterRequests, NodeCalls, OneNode
from veldnet.connections import MakeTransport
from veldnet.domain.documents import ProfileSettings
from veldnet.domain.flows import ConnectionType
from veldnet.gateways import Hub, Presence
from veldnet.inventory import accounts
from veldnet.inventory.devices import Personalisation
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.radio import GatewayDownlink
from veldnet.monitoring import Mailer
from veldnet.monitoring.downlinks import settle
from veldnet.network.shell import NetworkServer, Runtime
from veldnet.routing import (
    TRANSPORTS,
    Deliveries,
    MessageWriter,
    Messaging,
    Retry,
    RoutingTable,
    Sender,
    post_signed,
)
from veldnet.settings import Settings
from veldnet.store import Store, StoreError
from veldnet.supervision import Supervisor

if TYPE_CHECKING:
    from veldnet.assembly.certificate import ServerCertificate

log = structlog.get_logger(__name__)


class Outside(msgspec.Struct, frozen=True):
    """What the platform lives in, where it is not the world: a simulation owns time and chance.

    `transmit` replaces the way of downlinks to base stations, `sender` the way of messages to application
    servers, `mailer` that of e-mails; without them they go over UDP, HTTP and SMTP. `node` is there where
    this process is one of several, `transports` are those of connections.
    """

    clock: Callable[[], float] = time.time
    rng: random.Random = random.SystemRandom()
    transmit: Callable[[GatewayDownlink], None] | None = None
    sender: Sender | None = None
    mailer: Mailer | None = None
    node: NodeSetup | None = None
    transports: Mapping[ConnectionType, MakeTransport] | None = None


class Platform:
    """Everything but the HTTP server. `virtual` is there where a test may move the clock."""

    def __init__(
        self,
        settings: Settings,
        data: DataDirectory,
        *,
        generation: int = 0,
        outside: Outside | None = None,
        store: Store | None = None,
        virtual: VirtualWorld | None = None,
    ) -> None:
        outside = outside or Outside()
        self.settings, self.data, self.virtual = settings, data, virtual
        self.store = store if store is not None else data.store
        self.vault = data.vault
        self.clock = outside.clock
        self.supervisor = Supervisor(expected=(StoreError,))
        runtime = Runtime(self.clock, data.store.ids, outside.rng, self.supervisor)
        self.base_stations = BaseStations(network_parameters(settings.network).channel_plans)
        self.presence = Presence()
        self.network = self._network(runtime, outside, generation)
        self.cluster = None if outside.node is None else self._clustering(outside.node)
        sink = self.network if self.cluster is None else self.cluster.frames
        self.hub = Hub(sink, self.base_stations, self.presence, self.clock, self.supervisor.caught)
        self.roles = Roles(OneNode() if self.cluster is None else self.cluster.partitions)
        self.sights = Sights(self.presence, self.hub, self.network.air, self.clock, self.bus)
        # Deliveries, monitoring and feeds take part in commits, in this order.
        self.table = RoutingTable(self.store, self.vault)
        self.deliveries = self._deliver(runtime, outside)
        self.monitoring = self._monitor(runtime, outside.mailer)
        self.campaigns = campaigns_of(self)
        self.campaigns.alone = self.cluster is None
        self.network.commits.join(self.campaigns.listener)
        streams = settings.console.live_streams
        self.feeds = LiveFeeds(
            self.network.commits, self.base_stations, self.clock, streams=streams, calls=self.node_calls
        )
        self.locations = locations_of(self, runtime)
        if self.cluster is not None:
            self._serve_partitions(self.cluster)
        self.stations = StationServices(
            settings, self.hub, self.store, self.vault, self.base_stations, self.apply_changes
        )
        self.decoders = decoder_pool(settings.console)
        if virtual is not None:
            virtual.attach(self)
        # Beside the path of frames.
        self.presence_keeper = PresenceKeeper(self.store, self.presence, self.clock)
        self.history = self._keep_history()
        self.coverage = CoverageKeeper(self.store, self.clock, lambda: self.monitoring.mailer)
        self.keys = KeyCare(data, self.supervisor, lambda: self.roles.leads)
        # Of HTTPS, where the server has its own.
        self.certificate: ServerCertificate | None = None
        self.backups = ScheduledBackups(settings, self.clock) if settings.backup.directory else None
        self.loop_lag = LoopLag(virtual)
        self.ready = False
        self._changes = ChangeApplier(self.store, self.supervisor, changes_of(self), changes_of_many(self))
        self._lease = ServingLease(data.store)
        self.heartbeat = Heartbeat(self._lease, self.store, self.network.commits)
        # By which nodes open what others have sealed into browsers; None of a process that serves alone.
        self.shared_secret: bytes | None = None

    @property
    def bus(self) -> Bus | None:
        """The way to other nodes; None of a process that serves alone."""
        return None if self.cluster is None else self.cluster.bus

    @property
    def node_calls(self) -> NodeCalls | None:
        """What can be asked of other nodes; None of a process that serves alone."""
        return None if self.cluster is None else self.cluster.node_calls

    def _network(self, runtime: Runtime, outside: Outside, generation: int) -> NetworkServer:
        settings = self.settings.network
        node_lives = None if outside.node is None else self._node_lives
        return NetworkServer(
            network_parameters(settings),
            self.store,
            self.vault,
            runtime,
            outside.transmit or self._transmit,
            server_options(settings, generation, self.base_stations.radio, self._plans_both, node_lives),
        )

    # What the network server asks of base stations, which may be connected to other nodes.

    def _node_lives(self, process: int) -> bool:
        return self.cluster is not None and self.cluster.partitions.lives(process)

    def _plans_both(self, base_station: BaseStationId) -> bool:
        here = self.hub.plans_both(base_station)
        return here or (self.cluster is not None and self.cluster.frames.plans_both(base_station))

    def holder(self, base_station: BaseStationId) -> str | None:
        """The other node that has the connection of a base station."""
        if self.cluster is None or self.hub.connection(base_station) is not None:
            return None
        holder = self.cluster.frames.stations.holder(base_station)
        return None if holder is None else holder.node

    def _transmit(self, downlink: GatewayDownlink) -> None:
        if self.cluster is None:
            self.hub.transmit(downlink)
        else:
            self.cluster.frames.transmit(downlink)

    def _clustering(self, node: NodeSetup) -> Clustering:
        cluster = Clustering(node, self.data.store, self.supervisor, self.clock, self.network)
        cluster.report, cluster.apply_changes = partial(report_of, self), self.apply_changes
        return cluster

    def _serve_partitions(self, cluster: Clustering) -> None:
        """Have frames and requests about devices come to the node that serves them."""
        cluster.frames.serve(self.hub, self.network.air)
        local, addresses = self.network.local_requests, self.network.addresses
        self.network.requests = ClusterRequests(cluster.calls, local, self.store, addresses)
        self.monitoring.answer(cluster.calls, self.network.requests)
        self.connecting.downlinks.answer(cluster.calls, self.network.requests)
        network = self.network
        cluster.servers += [network.partitions, network.groups, self.deliveries, self.monitoring]
        cluster.servers.append(self.locations)

    def _deliver(self, runtime: Runtime, outside: Outside) -> Deliveries:
        routing, sender = self.settings.routing, outside.sender
        ours = sender is None
        if sender is None:
            sender = route_sender(routing)
        if self.virtual is not None:
            sender = WaitedSender(sender, self.virtual)
        retry = Retry(float(routing.first_retry), float(routing.longest_retry), routing.max_refusals)
        # A simulation, and a node among others, deliver by themselves.
        plain = ours and self.virtual is None and self.cluster is None
        processes = delivery_processes(self.settings, retry) if plain else None
        writer = MessageWriter(self.settings.network.lrc_id.upper(), self.base_stations)
        self.connecting = Connecting(self, writer, outside.transports or TRANSPORTS)
        deliveries = Deliveries(
            runtime,
            self.store,
            Messaging(
                self.table,
                writer,
                sender,
                self.network.devices.owned,
                self.connecting.messages,
                self.connecting.open_connections,
                processes,
            ),
            wake=self.network.commits.wake,
            retry=retry,
            limits=delivery_limits(routing),
        )
        self.network.commits.join(deliveries)
        return deliveries

    def _monitor(self, runtime: Runtime, mailer: Mailer | None) -> MonitoringService:
        post = post_signed(allow_private=self.settings.routing.allow_private_destinations)
        if self.virtual is not None:
            post = waited_post(post, self.virtual)
        watched = Watched(self.network, self.vault, self.base_stations, self.sights, self.roles)
        return MonitoringService(self.settings, runtime, self.store, watched, post=post, mailer=mailer)

    def _keep_history(self) -> HistoryKeeper:
        history = HistoryKeeper(
            self.store,
            self.base_stations,
            self.sights,
            self.clock,
            self.settings.alarms.base_station_silence,
            leads=lambda: self.roles.leads,
        )
        for keeper in (history, self.monitoring):
            self.hub.on_step(keeper.stepped)
        return history

    async def start(self, *, take_over: bool = False) -> None:
        """Load what is small, and take up what an earlier process left; devices are loaded when heard. Raises
        `DirectoryInUse` where that process lives and is not to be taken over."""
        if self.cluster is None:
            await self._lease.claim(take_over=take_over)
        else:
            await self._lease.refuse_beside()
            self.shared_secret = await shared_secret(self.store, self.vault)
        await self._changes.begin()
        await self.base_stations.load(self.store)
        await self.load_certificates()
        await self.stations.restore()
        await self.load_operators()
        await self.table.load()
        await self.connecting.start()
        if self.cluster is None:
            await self.store.write(partial(settle, now=round(self.clock() * 1000)))
        await self.network.start()
        await self.deliveries.start()
        await self.monitoring.start()
        await self.locations.load()
        await self.history.start()
        await self.campaigns.reload()
        await self.feeds.unknown_devices.load(self.store)
        if self.cluster is not None:
            await self.cluster.start()
        self.keys.start()

    async def load_certificates(self) -> None:
        """Have base stations known by the certificates that are valid now."""
        await self.base_stations.load_certificates(self.store)
        self.hub.trust(self.base_stations.authorities)

    async def load_operators(self) -> None:
        """Have subscriptions to a whole network concern the subscribers and base stations it has now."""
        self.feeds.set_operators(await self.store.read(accounts.operators_of_subscribers))

    def start_background_tasks(self) -> None:
        """Begin what comes round."""
        if self.cluster is None:
            self.poll("lease", BEAT_EVERY, self.heartbeat.beat)
        for chore in chores_of(self):
            work = self.roles.work_of(chore)
            if chore.virtual:
                self.supervisor.repeat(chore.name, chore.every, work)
            else:
                self.poll(chore.name, chore.every, work)
        self.locations.begin(self.supervisor)
        self.supervisor.keep("event loop lag", self.loop_lag.measure)
        self.supervisor.keep("alarm notifications", self.monitoring.notifier.run)

    def poll(self, name: str, every: float, chore: Callable[[], Awaitable[None]]) -> None:
        """Repeat a look at the world outside, which stands still while a test moves the clock."""
        virtual = self.virtual

        async def look() -> None:
            if virtual is not None:
                await virtual.still()
            await chore()

        self.supervisor.repeat(name, every, chore if virtual is None else look)

    async def run_background_tasks(self) -> None:
        """What the chores of `start_background_tasks` would do within their intervals."""
        await run_now(self)

    async def problems(self) -> list[str]:
        """Why the platform cannot do its work now, in words; nothing where it can."""
        return await problems_of(self)

    @property
    def receive_lag(self) -> float:
        """Seconds that messages of base stations wait to be read and judged."""
        return max(self.hub.waiting(), self.network.lag)

    async def apply_changes(self) -> None:
        """Take up what the inventory has changed, here or in another process. Raises `StoreError`."""
        await self._changes.apply()

    async def take_up(self) -> None:
        """Have every node take up what was changed here. Raises `StoreError`."""
        await self.apply_changes()
        if self.cluster is not None:
            await self.cluster.have_changes_applied()

    def open_personalised(self, personalisation: Personalisation, profile: ProfileSettings) -> bytes:
        """The stored session of a new personalised device. Raises `InvalidField` if this network cannot serve
        it."""
        return open_session(self.network.parameters, personalisation, profile, self.clock())

    async def _write_presence(self) -> None:
        """Write what the next process must know of base stations."""
        try:
            await self.presence_keeper.write()
            await self.history.write()
            await self.stations.write()
        except StoreError as error:
            log.warning("presence_write_failed", error=str(error))

    async def stop(self) -> None:
        """Finish what was received, then close."""
        self.ready = False
        if self.cluster is not None:
            # One that has left writes nothing any more.
            await self._write_presence()
            # Frames that still come go to the others meanwhile.
            await self.cluster.leave()
        await self.supervisor.stop()
        await self.stations.stop()
        if self.cluster is None:
            await self._write_presence()
        self.feeds.close()
        await self.decoders.close()
        await self.locations.close()
        await self.keys.stop()
        await self.network.stop()
        await self.deliveries.stop()
        await self.network.commits.drain()
        if self.cluster is None:
            await self._lease.release(self.store)
        else:
            await self.cluster.stop()
        await self.data.close()
