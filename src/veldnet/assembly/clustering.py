"""This process as a node among others: the bus, its membership, and which partitions it serves."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NamedTuple, Protocol

import msgspec
import structlog

from veldnet import __version__
from veldnet.cluster import (
    NETWORK,
    OLDEST_PROTOCOL,
    OUTCOMES,
    PROTOCOL,
    BadMessage,
    Bus,
    ClusterFrames,
    Leases,
    Membership,
    NatsAccess,
    NodeCalls,
    NodeReport,
    Nodes,
    OwnerCalls,
    Ownership,
    PartitionServer,
    PartReport,
    SharedFloods,
    decode_outcome,
    encode_outcome,
    nats_bus,
)
from veldnet.domain.partitions import PARTITIONS
from veldnet.network.core import Done
from veldnet.network.shell import NetworkServer
from veldnet.settings import Settings
from veldnet.store import DatabaseStore, NewNode
from veldnet.supervision import Supervisor
from veldnet.texts import Text

log = structlog.get_logger(__name__)


# Subject of requests to take up changes, and how many seconds the answer is waited for.
_CHANGES, _TIMEOUT = "changes", 1.0


async def _nothing() -> None:
    """Before there is an inventory."""


class NodeStore(Leases, Nodes, Protocol):
    """Where a node and what it holds are written."""


class NodeSetup(NamedTuple):
    """What a process needs to be a node: what it is, and how it makes its bus. `leases` takes the place of
    those of its store."""

    node: NewNode
    bus: Callable[[Supervisor], Bus]
    leases: NodeStore | None = None


def node_setup(settings: Settings, addresses: Mapping[str, str], database: str) -> NodeSetup | None:
    """This process as the settings have it; None where it serves alone. `addresses` are where it listens,
    `database` is the origin of the store."""
    of = settings.cluster
    if not of.nats:
        return None
    name = of.node or re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:64]
    access = NatsAccess(of.nats, of.name, name, of.credentials, of.ca, of.certificate, of.key, database)
    node = NewNode(name=name, version=__version__, roles=frozenset(of.roles), addresses=addresses)
    return NodeSetup(node, partial(nats_bus, access))


class Clustering:
    """Nothing runs before `start`. `servers` are what serves partitions, in the order in which they begin;
    `frames` stands between the base stations and the network server."""

    def __init__(
        self,
        setup: NodeSetup,
        store: DatabaseStore,
        supervisor: Supervisor,
        clock: Callable[[], float],
        network: NetworkServer,
    ) -> None:
        self.name = setup.node.name
        self._serves = NETWORK in setup.node.roles
        # A store whose changes this node dates; simulations have clocks of their own.
        self._dated = store if setup.leases is None else None
        self.bus = setup.bus(supervisor)
        leases: NodeStore = setup.leases if setup.leases is not None else store.nodes
        self.servers: list[PartitionServer] = []
        self.partitions = Ownership(
            self.name, leases, self.servers, supervisor, partitions=network.addresses.partitions
        )
        self.membership = Membership(setup.node, leases, self.partitions, supervisor, clock, self._status)
        self.frames = ClusterFrames(self.bus, self.partitions, network, network.addresses, clock, supervisor)
        SharedFloods(self.bus, network.gate.floods, clock)
        network.commits.on_lease_lost = self.membership.hurry
        network.forward_outcomes(self._forward_outcome)
        self.bus.on(OUTCOMES, self._outcome_arrived)
        self.calls = OwnerCalls(self.bus, self.partitions)
        self.node_calls = NodeCalls(self.bus, self._living)
        # Takes up changes of the inventory.
        self.apply_changes: Callable[[], Awaitable[None]] = _nothing
        self.bus.answer(_CHANGES, self._changed)
        self._network = network
        self._known: frozenset[str] = frozenset()
        self.partitions.node_changed(self._nodes_changed)
        # What this node tells the others of its parts.
        self.parts: tuple[PartReport, ...] = ()
        # What this node says of itself, asked for with each renewal of its lease.
        self.report: Callable[[], NodeReport] = NodeReport
        self._encoder = msgspec.json.Encoder()

    def _status(self) -> str:
        report = msgspec.structs.replace(
            self.report(),
            moved_at=self.partitions.moved_at,
            partitions=self.partitions.partitions,
            serves=self.membership.serves,
            parts=self.parts,
            protocol=PROTOCOL,
            oldest_protocol=OLDEST_PROTOCOL,
        )
        return self._encoder.encode(report).decode()

    async def start(self) -> None:
        """Become a node, and take partitions. Raises `BusError`, `NodeInUse`, `StoreError`."""
        await self.bus.start()
        self.frames.start()
        await self.membership.start()
        if self._dated is not None:
            # What is signed in at one node, and may do until when, holds at the others, too.
            self._dated.go_by(self.membership.time)
        log.info("node_joined", node=self.name)

    async def leave(self) -> None:
        """Give everything to others, and be no node any more; messages still go."""
        await self.membership.stop()
        log.info("node_left", node=self.name)

    async def stop(self) -> None:
        self.frames.close()
        await self.bus.stop()

    def _forward_outcome(self, partition: int, device_ref: int, token: int, outcome: Done) -> None:
        """A downlink has ended here whose device another node serves by now."""
        owner = self.partitions.owner(partition)
        if owner is not None and owner != self.name:
            self.bus.send(owner, OUTCOMES, encode_outcome(device_ref, token, outcome))

    def _outcome_arrived(self, node: str, payload: bytes) -> None:
        try:
            self._network.downlink_ended(*decode_outcome(payload))
        except BadMessage as error:
            log.warning("message_unreadable", node=node, subject=OUTCOMES, error=str(error))

    async def _changed(self, _node: str, _payload: bytes) -> bytes:
        await self.apply_changes()
        return b""

    async def have_changes_applied(self) -> None:
        """Have the other nodes take up what the inventory has changed; one that does not answer soon does so
        by itself within a second."""
        others = self.node_calls.others
        await asyncio.gather(
            *(self.bus.request(node, _CHANGES, b"", _TIMEOUT) for node in others), return_exceptions=True
        )

    def _living(self) -> frozenset[str]:
        return frozenset(node.name for node in self.partitions.view.living)

    def _nodes_changed(self) -> None:
        living = self._living()
        for gone in self._known - living:
            log.warning("node_gone", node=gone)
            self.frames.forget_node(gone)
            self.calls.forget_node(gone)
        self._known = living

    def close(self) -> None:
        """End at once, as a killed process does."""
        self.membership.close()
        self.frames.close()

    def problems(self) -> list[str]:
        """Why this node cannot do its part, in words."""
        found = [self.bus.problem, self.membership.problem]
        if found == [None, None] and self._serves and not any(map(self.partitions.mine, range(PARTITIONS))):
            found.append(Text("this node serves no partition yet"))
        return [problem for problem in found if problem is not None]
