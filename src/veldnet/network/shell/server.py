"""The shell of the network server: it feeds the transitions, commits what they lead to, and does it.

Everything here runs on one event loop; time and chance come from `Runtime`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from veldnet.domain.joins import JoinKeys
from veldnet.keys import Vault
from veldnet.lorawan import BaseStationId, DevAddr
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.air_schedule import AirSchedule
from veldnet.network.core.base_station_radios import BaseStationRadios
from veldnet.network.core.events import Answer, AskVault, Effect, Transmit, VaultAnswered, Wake
from veldnet.network.core.join import answer_join
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.transmission import Done
from veldnet.store import Store

from .admission import Admission, FrameGate
from .answers import PendingAnswers
from .catalogue import Catalogue
from .commit_loop import CommitLoop
from .devices import DeviceTable
from .downlink_reports import DownlinkReports
from .due_downlinks import DueDownlinks
from .effects import Effects
from .entries import Entry
from .frame_router import FrameRouter
from .invalidation import Invalidation
from .multicast import GroupParts, MulticastGroups
from .options import ServerOptions
from .partitions import ServedPartitions
from .requests import DeviceRequests, Requests
from .runtime import Runtime
from .session_addresses import SessionAddresses
from .tasks import Tasks
from .transitions import Transitions
from .transmitter import Transmitter
from .vault_orders import VaultOrders


class NetworkServer:
    """The network server of the partitions this process owns: its parts, put together.

    `send` gives a frame to a base station. `requests` is for the API, `inventory` for what changes there.
    """

    def __init__(
        self,
        parameters: NetworkParameters,
        store: Store,
        vault: Vault,
        runtime: Runtime,
        send: Callable[[GatewayDownlink], None],
        options: ServerOptions,
    ) -> None:
        self.parameters = parameters
        self.counters = runtime.counters
        self._store = store
        self._supervisor = runtime.supervisor
        self.addresses = AddressSpace(parameters.net_id)
        self._session_addresses = SessionAddresses(parameters.net_id)
        self._catalogue = Catalogue()
        self.devices = DeviceTable(
            runtime, store, self._catalogue, self._session_addresses, options, self._device_loaded
        )
        self.commits = CommitLoop(runtime, store, options, self._release, self._commit_failed)
        self.air = _air_schedule(parameters, options)
        self._admission = Admission(
            runtime, parameters, options.deduplication_window, self.devices, self.commits
        )
        self._transitions = Transitions(
            runtime, parameters, self.devices, self.commits, self._admission, self._release
        )
        self._router = FrameRouter(
            runtime, self.devices, self.addresses, self._admission, self._transitions, self._reserved
        )
        self._admission.hand_to(self._router)
        self._tasks = Tasks(runtime.supervisor)
        self.groups = self._multicast(runtime, vault, options)
        self._reports = DownlinkReports(
            runtime, self.devices, self._transitions, self._tasks, options.node_lives
        )
        self._transmitter = self._transmitting(runtime, send, self._reports.transmitted)
        self._group_transmitter = self._transmitting(runtime, send, self.groups.transmitted)
        self.groups.transmit = self._group_transmitter.transmit_for
        self._orders = VaultOrders(vault, runtime, self._vault_answered)
        self._due = DueDownlinks(runtime, store, self.devices, self._transitions, self._tasks)
        self._answers = PendingAnswers()
        self._effects = self._who_does_effects(runtime)
        self.local_requests = DeviceRequests(
            runtime, parameters, self.devices, self.commits, self._transitions, self._answers
        )
        self.local_requests.groups = self.groups
        # Where there are several nodes, what asks the one that serves the device.
        self.requests: Requests = self.local_requests
        self.inventory = Invalidation(
            runtime, store, self._catalogue, self.devices, self.commits, self._transitions
        )
        # Of a node among others: its devices come and go.
        self.partitions = ServedPartitions(
            self.devices, self.commits, self._admission, self._effects, self._due, self._tasks
        )
        self._loading_addresses: asyncio.Task[None] | None = None

    def _multicast(self, runtime: Runtime, vault: Vault, options: ServerOptions) -> MulticastGroups:
        owned, generation = self.devices.owned, options.generation
        parts = GroupParts(
            self.parameters, self._store, vault, self._catalogue, owned, generation, self.air.radios
        )
        groups = MulticastGroups(runtime, parts, self.commits, self._tasks)
        self.commits.join(groups)
        return groups

    def _transmitting(
        self,
        runtime: Runtime,
        send: Callable[[GatewayDownlink], None],
        done: Callable[[int, int, Done], None],
    ) -> Transmitter:
        of = self.parameters
        return Transmitter(runtime, send, done, self.air, lead=of.lead, timeout=of.transmit_timeout)

    def _who_does_effects(self, runtime: Runtime) -> Effects:
        return Effects(
            runtime,
            self._transitions,
            {
                Transmit: self._transmitter.transmit,
                AskVault: self._orders.ask,
                Answer: self._answers.give,
                Wake: self._due.wake,
            },
        )

    async def start(self) -> None:
        """Load the rules devices live by; devices themselves are loaded when they are heard, or when a
        downlink waits for them that needs no uplink."""
        await self._catalogue.load(self._store)
        await self.groups.load_addresses()
        self._loading_addresses = self._supervisor.keep("session addresses", self._load_addresses)
        if self.devices.owned.stored is None:
            self._due.start()
            self.groups.resume(None)

    async def _load_addresses(self) -> None:
        """Learn which addresses have a session, in the background: there may be a million of them."""
        await self._session_addresses.load(self._store)

    async def stop(self) -> None:
        """Finish what was received, then rest."""
        self._admission.finish()
        while waiting := self._under_way():
            await asyncio.wait(waiting)
        await self.commits.drain()
        self.close()

    def _under_way(self) -> set[asyncio.Task[None]]:
        """What received frames wait for: the store, the vault, reports on downlinks."""
        return self._orders.tasks | self._tasks.running | self.devices.loading

    def close(self) -> None:
        """Let go of timers and tasks at once, finished or not."""
        if self._loading_addresses is not None:
            self._loading_addresses.cancel()
        self._admission.close()
        self._due.close()
        self._transmitter.close()
        self.groups.close()
        self._group_transmitter.close()
        self._reports.close()
        self.devices.close()
        for task in self._orders.tasks:
            task.cancel()
        self._tasks.close()
        self._answers.fail()

    # From base stations.

    def receive(self, uplink: GatewayUplink) -> None:
        """Take a base station's copy of a frame."""
        self._admission.receive(uplink)

    def transmit_reported(self, report: TransmitReport) -> None:
        """Take a base station's answer to a downlink."""
        if not self._transmitter.reported(report):
            self._group_transmitter.reported(report)

    def unanswered(self, base_stations: Collection[BaseStationId]) -> None:
        """Nobody will answer for base stations: the node that they were connected to is gone."""
        self._transmitter.unanswered(base_stations)
        self._group_transmitter.unanswered(base_stations)

    @property
    def gate(self) -> FrameGate:
        """Says which frames are not worth reading."""
        return self._admission.gate

    @property
    def lag(self) -> float:
        """Seconds that frames wait before they are judged or written; infinite where there is no room."""
        return max(self._admission.lag, self.commits.lag)

    # Between the parts.

    def _reserved(self, dev_addr: DevAddr) -> bool:
        """Whether an address is that of a multicast group, which no session may have."""
        return int(dev_addr) in self.groups.addresses

    def _release(self, entry: Entry, effect: Effect) -> None:
        self._effects.release(entry, effect)

    def _device_loaded(self, entry: Entry) -> None:
        """Settle downlinks that an earlier process handed to base stations."""
        for item in entry.state.in_flight:
            if not self._transmitter.in_flight(item.token):
                self._reports.unknown(entry.device.row.ref, item.token)

    def downlink_ended(self, device_ref: int, token: int, outcome: Done) -> None:
        """Another node has sent a downlink of a device that is served here by now, or could not."""
        self._reports.transmitted(device_ref, token, outcome)

    def forward_outcomes(self, forward: Callable[[int, int, int, Done], None]) -> None:
        """Have somebody take outcomes of downlinks to the node that serves the device by now: called with its
        partition, its ref, the token and the outcome."""

        def to_partition(stored: int, device_ref: int, token: int, outcome: Done) -> None:
            forward(stored & (self.addresses.partitions - 1), device_ref, token, outcome)

        self._reports.forward = to_partition

    @property
    def joins_waiting(self) -> int:
        """Join-requests that wait for their vault."""
        return self._orders.waiting

    def _vault_answered(self, entry: Entry, event: VaultAnswered) -> None:
        transition = answer_join(self._transitions.context(entry, event), entry.state, entry.memory)
        if isinstance(event.answer, JoinKeys):
            self._admission.genuine(event.join.received)
        self._transitions.apply(entry, transition, event.join.received)

    def _commit_failed(self) -> None:
        """Memory is ahead of a store that could not follow: go on from what is stored."""
        self.devices.forget_all()
        self._answers.fail()


def _air_schedule(parameters: NetworkParameters, options: ServerOptions) -> AirSchedule:
    regions = [plan.region for plan in parameters.channel_plans.values()]
    radios = BaseStationRadios(options.radio_settings, options.plans_both)
    return AirSchedule(regions, duty_cycle=options.duty_cycle, radios=radios)
