"""The nodes of a database as people see them: who is there, who serves what, and how far each is behind."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.domain.partitions import PARTITIONS
from veldnet.domain.resources import timestamp
from veldnet.store import ClusterView, Node, read_cluster
from veldnet.texts import unpack

# What nodes say to each other, and write for each other; raised whenever a version changes that. A version
# speaks with nodes from the oldest on, which is one below where the change was made in two steps.
PROTOCOL, OLDEST_PROTOCOL = 1, 1

# Whoever serves it does what has to be done once.
FIRST_PARTITION = 0


class PartReport(msgspec.Struct, frozen=True, array_like=True):
    """A part of a node that alarms are raised of: a module of a vault, a certificate. Its problem is
    packed."""

    vault: str
    name: str
    kind: int
    problem: str | None = None


class NodeReport(msgspec.Struct, frozen=True):
    """What a node says of itself with every renewal of its lease: how many seconds it is behind, its devices
    in memory, the base stations that are connected to it, how many partitions there are, what is wrong,
    whether it wants a share of the partitions, and how its parts are."""

    lag: float = 0.0
    devices: int = 0
    base_stations: int = 0
    # When partitions came to it or left it last, in Unix milliseconds.
    moved_at: int | None = None
    partitions: int = PARTITIONS
    problems: tuple[str, ...] = ()
    serves: bool = True
    # What it speaks, and the oldest that it speaks with.
    protocol: int = 1
    oldest_protocol: int = 1
    parts: tuple[PartReport, ...] = ()

    def fits(self, other: NodeReport) -> bool:
        """Whether two nodes may serve together."""
        return self.protocol >= other.oldest_protocol and other.protocol >= self.oldest_protocol


def report_of(node: Node) -> NodeReport:
    """What a node has written; nothing of one of another version that writes something else."""
    try:
        return _report.decode(node.status)
    except msgspec.DecodeError:
        return NodeReport()


_report = msgspec.json.Decoder(NodeReport)


class NodeView(msgspec.Struct):
    """A node. `alive` is whether its lease has not ended; `leads` whether it does what has to be done once;
    `lastHandover` when partitions came to it or left it last."""

    name: str
    alive: bool
    leads: bool
    version: str
    roles: list[str]
    addresses: dict[str, str]
    process: int
    joined: str
    lastSeen: str
    secondsSinceSeen: float
    partitions: list[int]
    lagSeconds: float
    devicesInMemory: int
    baseStations: int
    lastHandover: str | None
    problems: list[str]


class ClusterStatus(msgspec.Struct):
    """The nodes by name. `cluster` is false where one process serves the database alone; `unserved` are the
    partitions that no living node has."""

    cluster: bool
    time: str
    partitions: int
    unserved: list[int]
    versions: list[str]
    nodes: list[NodeView]


def cluster_status(connection: Connection) -> ClusterStatus:
    """How it is now, by the clock of the database."""
    return status_of(read_cluster(connection))


def status_of(view: ClusterView) -> ClusterStatus:
    living = {node.name for node in view.living}
    # An address space that is small has fewer.
    partitions = min((report_of(node).partitions for node in view.living), default=PARTITIONS)
    served = {partition: held.owner for partition, held in view.leases.items() if held.owner in living}
    return ClusterStatus(
        cluster=bool(view.nodes),
        time=timestamp(view.now),
        partitions=partitions,
        unserved=[number for number in range(partitions) if number not in served] if view.nodes else [],
        versions=sorted({node.version for node in view.living}),
        nodes=[_node(node, view, served) for node in view.nodes],
    )


def _node(node: Node, view: ClusterView, served: dict[int, str]) -> NodeView:
    report = report_of(node)
    own = sorted(partition for partition, owner in served.items() if owner == node.name)
    return NodeView(
        name=node.name,
        alive=node.lives(view.now),
        leads=FIRST_PARTITION in own,
        version=node.version,
        roles=sorted(node.roles),
        addresses=dict(node.addresses),
        process=node.process,
        joined=timestamp(node.joined_at),
        lastSeen=timestamp(node.beat_at),
        secondsSinceSeen=max(view.now - node.beat_at, 0) / 1000,
        partitions=own,
        lagSeconds=report.lag,
        devicesInMemory=report.devices,
        baseStations=report.base_stations,
        lastHandover=None if report.moved_at is None else timestamp(report.moved_at),
        problems=[unpack(each) for each in report.problems],
    )
