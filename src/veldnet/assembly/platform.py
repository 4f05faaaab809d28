"""Assembles the server process: base stations, network server, routing and API."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import structlog

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.base_station_history import HistoryKeeper
from veldnet.assembly.base_station_presence import PresenceKeeper
from veldnet.assembly.changes import ChangeApplier
from veldnet.assembly.chores import chores_of, run_now
from veldnet.assembly.clustering import Clustering, NodeSetup
from veldnet.assembly.configured import decoder_pool, delivery_limits, route_sender
from veldnet.assembly.coverage import CoverageKeeper
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.data_directory.lease import BEAT_EVERY, ServingLease
from veldnet.assembly.data_directory.scheduled_backups import ScheduledBackups
from veldnet.assembly.monitoring import MonitoringService, Watched
from veldnet.assembly.network_settings import network_parameters, server_options
from veldnet.assembly.protocols import PROTOCOLS, Keeper, cups_server
from veldnet.assembly.readiness import problems_of
from veldnet.assembly.remote_operation import RemoteDesk
from veldnet.assembly.roles import Roles
from veldnet.assembly.shared_feeds import Kind, SharedFeeds
from veldnet.assembly.shared_secret import shared_secret
from veldnet.assembly.sights import Sights
from veldnet.assembly.update_desk import update_desk
from veldnet.assembly.vaults.rewrapping import KeyCare
from veldnet.assembly.virtual_world import VirtualWorld, WaitedSender, waited_post
from veldnet.cluster import Bus, ClusterRequests, NodeReport, OneNode
from veldnet.domain.documents import ProfileSettings
from veldnet.domain.errors import InvalidField
from veldnet.gateways import Hub, Presence
from veldnet.inventory import accounts, changes
from veldnet.inventory.devices import Personalisation
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.radio import GatewayDownlink
from veldnet.monitoring import Mailer
from veldnet.monitoring.downlinks import Changed, DownlinkLedger, settle
from veldnet.monitoring.logger import Line, LiveFeed
from veldnet.monitoring.unknown_devices import UnknownDevices
from veldnet.network.core import PortKey, personalised_state
from veldnet.network.shell import NetworkServer, Runtime
from veldnet.routing import (
    Deliveries,
    MessageWriter,
    Messaging,
    Retry,
    RoutingTable,
    Sender,
    post_signed,
)
from veldnet.settings import Settings
from veldnet.store import LeaseLost, Store, StoreError
from veldnet.supervision import Supervisor

if TYPE_CHECKING:
    from veldnet.assembly.certificate import ServerCertificate

log = structlog.get_logger(__name__)

_LAG_EVERY = 0.5


class Outside(msgspec.Struct, frozen=True):
    """What the platform lives in, where it is not the world: a simulation owns time and chance.

    `transmit` replaces the way of downlinks to base stations, `sender` the way of messages to application
    servers, `mailer` that of e-mails; without them they go over UDP, HTTP and SMTP. `node` is there where
    this process is one of several.
    """

    clock: Callable[[], float] = time.time
    rng: random.Random = random.SystemRandom()
    transmit: Callable[[GatewayDownlink], None] | None = None
    sender: Sender | None = None
    mailer: Mailer | None = None
    node: NodeSetup | None = None


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
        self.settings = settings
        self.virtual = virtual
        self.store = store if store is not None else data.store
        self.vault = data.vault
        outside = outside or Outside()
        clock = self.clock = outside.clock
        self._data = data
        self.supervisor = Supervisor(expected=(StoreError,))
        self.base_stations = BaseStations(network_parameters(settings.network).channel_plans)
        self.presence = Presence()
        self.table = RoutingTable(self.store, self.vault)
        runtime = Runtime(clock, data.store.ids, outside.rng, self.supervisor)
        self.network = self._network(runtime, outside, generation)
        post = post_signed(allow_private=settings.routing.allow_private_destinations)
        sender = outside.sender if outside.sender is not None else route_sender(settings.routing)
        if virtual is not None:
            sender, post = WaitedSender(sender, virtual), waited_post(post, virtual)
        self._meet_others(outside.node)
        self.deliveries = self._deliver(runtime, sender)
        watched = Watched(self.network, self.vault, self.base_stations, self.sights, self.roles)
        self.monitoring = MonitoringService(
            settings, runtime, self.store, watched, post=post, mailer=outside.mailer
        )
        self._watch_commits()
        self.decoders = decoder_pool(settings.console)
        self._connections = self._serve_protocols()
        if virtual is not None:
            virtual.attach(self)
        self.presence_keeper = PresenceKeeper(self.store, self.presence, clock)
        self.history = self._keep_history()
        self.keys = KeyCare(data, self.supervisor, lambda: self.roles.leads)
        # Of HTTPS, where the server has its own.
        self.certificate: ServerCertificate | None = None
        self.backups = ScheduledBackups(settings, clock) if settings.backup.directory else None
        self.loop_lag = 0.0
        self.coverage = CoverageKeeper(self.store, clock, lambda: self.monitoring.mailer)
        self._changes = ChangeApplier(self.store, self.supervisor, self._change_table())
        self.ready = False
        self._lease = ServingLease(data.store)
        self._writable = True
        # By which nodes open what others have sealed into browsers; None of a process that serves alone.
        self.shared_secret: bytes | None = None
        # Another process has taken this one's place; it must stop.
        self.lease_lost = asyncio.Event()

    def _cluster(self, node: NodeSetup | None) -> Clustering | None:
        if node is None:
            return None
        cluster = Clustering(node, self._data.store, self.supervisor, self.clock, self.network)
        cluster.report, cluster.apply_changes = self._report, self.apply_changes
        return cluster

    def _node_lives(self, process: int) -> bool:
        return self.cluster is not None and self.cluster.partitions.lives(process)

    @property
    def bus(self) -> Bus | None:
        """The way to other nodes; None of a process that serves alone."""
        return None if self.cluster is None else self.cluster.bus

    def _report(self) -> NodeReport:
        """What is said of this node in its status."""
        return NodeReport(
            lag=round(min(self.receive_lag, 60.0), 3),
            devices=len(self.network.devices),
            base_stations=self.hub.connected_count,
            problems=tuple(self.write_problems() + self.supervisor.problems() + self.hub.problems()),
        )

    def _meet_others(self, node: NodeSetup | None) -> None:
        """What stands between base stations and network server, here and at other nodes."""
        self.cluster = self._cluster(node)
        sink = self.network if self.cluster is None else self.cluster.frames
        self.hub = Hub(sink, self.base_stations, self.presence, self.clock, self.supervisor.caught)
        if self.cluster is not None:
            self.cluster.frames.serve(self.hub, self.network.air)
        self.roles = Roles(OneNode() if self.cluster is None else self.cluster.partitions)
        self.sights = Sights(self.presence, self.hub, self.network.air, self.clock, self.bus)

    def _answer_others(self, cluster: Clustering) -> None:
        """Have requests about devices come to the node that serves them."""
        local, addresses = self.network.local_requests, self.network.addresses
        requests = ClusterRequests(cluster.calls, local, self.store, addresses)
        self.network.requests = requests
        self.monitoring.answer(cluster.calls, requests)

    def _watch_commits(self) -> None:
        """After the deliveries and the monitoring, which take part in a commit before these. Readers hear
        what is committed at any node."""
        if self.cluster is not None:
            self._answer_others(self.cluster)
            self.cluster.servers += [self.network.partitions, self.deliveries, self.monitoring]
        streams = self.settings.console.live_streams
        self.live = LiveFeed(self.place_of, streams=streams)
        self.unknown_devices = UnknownDevices()
        self.downlinks = DownlinkLedger(self.clock, streams=streams)
        for participant in (self.live, self.unknown_devices, self.downlinks):
            self.network.commits.join(participant)
        self.network.commits.watch_queues(self.downlinks)
        if self.bus is not None:
            kinds = {"frames": Kind(self.live, Line), "downlinks": Kind(self.downlinks, Changed)}
            self.feeds = SharedFeeds(self.bus, kinds)

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

    def _keep_history(self) -> HistoryKeeper:
        return HistoryKeeper(
            self.store,
            self.base_stations,
            self.sights,
            self.clock,
            self.settings.alarms.base_station_silence,
            leads=lambda: self.roles.leads,
        )

    def _deliver(self, runtime: Runtime, sender: Sender) -> Deliveries:
        routing = self.settings.routing
        writer = MessageWriter(self.settings.network.lrc_id.upper(), self.base_stations)
        deliveries = Deliveries(
            runtime,
            self.store,
            Messaging(self.table, writer, sender, self.network.devices.owned),
            wake=self.network.commits.wake,
            retry=Retry(routing.first_retry, routing.longest_retry, routing.max_refusals),
            limits=delivery_limits(routing),
        )
        self.network.commits.join(deliveries)
        return deliveries

    def _serve_protocols(self) -> list[Keeper]:
        """Register every protocol of base stations; returns those that keep connections."""
        keepers: list[Keeper] = []
        for entry in PROTOCOLS:
            served = entry.serve(self.settings, self.hub, self.store)
            if served is not None:
                self.hub.register(served.protocol)
                if served.keeper is not None:
                    keepers.append(served.keeper)
        self._desk = update_desk(
            self.settings, self.hub, self.store, self.vault, self.base_stations, self.apply_changes
        )
        self.hub.register(cups_server(self.settings, self.hub, self._desk))
        self.remote = RemoteDesk(self.settings.gateways, self.hub, self.store, self.clock)
        return [*keepers, self._desk]

    def place_of(self, station: int) -> tuple[float, float] | None:
        """Where a base station stands, in degrees."""
        position = self.base_stations.position(BaseStationId(station))
        return None if position is None else (position.latitude, position.longitude)

    def _plans_both(self, base_station: BaseStationId) -> bool:
        here = self.hub.plans_both(base_station)
        return here or (self.cluster is not None and self.cluster.frames.plans_both(base_station))

    def _transmit(self, downlink: GatewayDownlink) -> None:
        if self.cluster is None:
            self.hub.transmit(downlink)
        else:
            self.cluster.frames.transmit(downlink)

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
        await self._certificates_changed(0)
        for connections in self._connections:
            await connections.restore()
        await self._load_operators()
        await self.table.load()
        if self.cluster is None:
            await self.store.write(partial(settle, now=round(self.clock() * 1000)))
        await self.network.start()
        await self.deliveries.start()
        await self.monitoring.start()
        await self.history.start()
        await self.unknown_devices.load(self.store)
        if self.cluster is not None:
            await self.cluster.start()
        self.keys.start()

    def start_background_tasks(self) -> None:
        """Begin what comes round."""
        if self.cluster is None:
            self.poll("lease", BEAT_EVERY, self._beat)
        for chore in chores_of(self):
            work = self.roles.work_of(chore)
            if chore.virtual:
                self.supervisor.repeat(chore.name, chore.every, work)
            else:
                self.poll(chore.name, chore.every, work)
        self.supervisor.keep("event loop lag", self._measure_lag)
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

    async def keep_connections(self) -> None:
        for connections in self._connections:
            await connections.write()

    async def _beat(self) -> None:
        """Keep the lease. What fails here is no defect, and is tried again soon: so a server is ready again
        by itself once its disk has room."""
        try:
            await self._lease.beat(self.store)
        except LeaseLost as error:
            log.error("lease_lost", error=str(error))
            self.lease_lost.set()
        except StoreError as error:
            if self._writable:
                log.error("store_not_writable", error=str(error))
            self._writable = False
        else:
            if not self._writable:
                log.info("store_writable_again")
            self._writable = True
            self.network.commits.failing = False

    async def _measure_lag(self) -> None:
        """How much later than asked for the event loop comes back."""
        loop = asyncio.get_running_loop()
        while True:
            if self.virtual is not None:
                await self.virtual.still()
            asked = loop.time() + _LAG_EVERY
            await asyncio.sleep(_LAG_EVERY)
            self.loop_lag = max(loop.time() - asked, 0.0)

    def write_problems(self) -> list[str]:
        """Why frames are not accepted, in words."""
        commits, found = self.network.commits, []
        if self.cluster is None and (commits.lost_lease or self.lease_lost.is_set()):
            found.append("another process has taken over this data directory: this one stops")
        elif commits.failing:
            found.append("the last commit failed: frames are not accepted")
        elif not self._writable:
            found.append("the database cannot be written: frames are not accepted")
        if self._data.problem is not None:
            found.append(self._data.problem)
        return found if self.cluster is None else found + self.cluster.problems()

    def certificate_problem(self) -> str | None:
        """What is wrong with the certificates of base stations, in words."""
        return self._desk.problem() or self.hub.certificate_problem()

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

    def _change_table(self) -> dict[str, Callable[[int], Awaitable[None]]]:
        inventory = self.network.inventory
        return {
            "device": self._device_changed,
            "device_keys": inventory.keys_changed,
            "rules": lambda _ref: inventory.rules_changed(),
            "routing": self._routing_changed,
            "base_stations": self._base_stations_changed,
            "certificates": self._certificates_changed,
            "subscribers": lambda _ref: self._load_operators(),
            "base_station_alarms": lambda _ref: self.monitoring.stations.load(),
            "vault": lambda _ref: self.keys.master_keys_changed(),
            "recipients": lambda _ref: self.monitoring.load_recipients(),
            "redelivery": lambda _ref: self.deliveries.start(),
        }

    async def _device_changed(self, ref: int) -> None:
        await self.network.inventory.device_changed(ref)
        if self.deliveries.holds(ref) and not await self.store.devices_by_ref([ref]):
            self.deliveries.device_removed(ref)
        await self.monitoring.device_changed(ref)

    async def _routing_changed(self, ref: int) -> None:
        await self.table.reload(ref)
        await self.network.inventory.routing_changed(ref)

    async def _base_stations_changed(self, _ref: int) -> None:
        await self.base_stations.load(self.store)
        await self._load_operators()

    async def _certificates_changed(self, _ref: int) -> None:
        await self.base_stations.load_certificates(self.store)
        self.hub.trust(self.base_stations.authorities)

    async def _load_operators(self) -> None:
        """Whose subscribers and base stations are, for subscriptions to a whole network."""
        operators = await self.store.read(accounts.operators_of_subscribers)
        self.live.operator_of = self.downlinks.operator_of = operators
        self.live.station_operator = {
            int(identifier): station.operator_ref for identifier, station in self.base_stations.all()
        }

    def open_personalised(self, personalisation: Personalisation, profile: ProfileSettings) -> bytes:
        """The stored session of a new personalised device. Raises `InvalidField` if this network cannot serve
        it."""
        channel_plan = self.network.parameters.channel_plan(profile)
        if not channel_plan.served:
            raise InvalidField(
                "this network does not serve {region}, the region of the device profile",
                region=profile.region,
            )
        dev_addr = personalisation.dev_addr
        if not self.network.addresses.contains(dev_addr):
            net_id = self.settings.network.net_id
            raise InvalidField(
                "networkAddress {dev_addr} is not of this network, whose NetID is {net_id}",
                dev_addr=dev_addr,
                net_id=net_id,
            )
        rules = personalisation.rules
        return personalised_state(
            channel_plan,
            dev_addr,
            personalisation.nwk_s_key,
            next((rule.key for rule in rules if rule.first is None), None),
            tuple(
                PortKey(rule.first, rule.last, rule.key)
                for rule in rules
                if rule.first is not None and rule.last is not None
            ),
            self.clock(),
        )

    async def forget_changes(self, before: int) -> None:
        """Drop announced changes of the inventory that are older; Unix milliseconds."""
        await self.store.write(lambda connection: changes.prune(connection, before))

    def close_streams(self) -> None:
        """End the live streams, on which a server that stops would wait."""
        self.live.close()
        self.downlinks.close()

    async def stop(self) -> None:
        """Finish what was received, then close."""
        self.ready = False
        if self.cluster is not None:
            # Frames that still come go to the others meanwhile.
            await self.cluster.leave()
        await self.supervisor.stop()
        await self.remote.stop()
        await self.hub.stop()
        try:
            await self.presence_keeper.write()
            await self.history.write()
            await self.keep_connections()
        except StoreError as error:
            log.warning("presence_write_failed", error=str(error))
        self.close_streams()
        await self.decoders.close()
        await self.keys.stop()
        await self.network.stop()
        await self.deliveries.stop()
        await self.network.commits.drain()
        if self.cluster is None:
            await self._lease.release(self.store)
        else:
            await self.cluster.stop()
        await self._data.close()
