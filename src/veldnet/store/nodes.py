"""Nodes: processes that serve one database together. Each shows that it lives by moving the end of its lease,
which is told by the clock of the database, so that no clocks of nodes are compared."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from veldnet.domain.partitions import PARTITIONS

from .interface import LeaseLost, StoreError
from .leases import LONGEST_LEASE, Lease, free_process, next_epoch, release
from .locks import fence, lock_table
from .moment import moment
from .schema import leases, nodes

# Milliseconds after which a node that was not seen is forgotten.
_FORGOTTEN = 86_400_000


class NodeInUse(StoreError):
    """A node of this name lives."""


class NewNode(msgspec.Struct, frozen=True):
    """What a node says of itself. `addresses` are where others and people reach it, by what is there."""

    name: str
    version: str
    roles: frozenset[str]
    addresses: Mapping[str, str] = {}


class Node(msgspec.Struct, frozen=True):
    """A node as the database knows it. Times are Unix milliseconds by the clock of the database."""

    name: str
    epoch: int
    process: int
    version: str
    roles: frozenset[str]
    addresses: Mapping[str, str]
    joined_at: int
    beat_at: int
    expires_at: int
    # What it says of itself, as JSON.
    status: str = "{}"

    def lives(self, now: int) -> bool:
        """Whether its lease has not ended. One that ends far ahead is from before a clock was set back."""
        return now < self.expires_at <= now + LONGEST_LEASE


class Held(msgspec.Struct, frozen=True):
    """Who holds a partition, and since which epoch."""

    owner: str
    epoch: int


class ClusterView(msgspec.Struct, frozen=True):
    """All nodes and leases at a moment, in Unix milliseconds by the clock of the database."""

    now: int
    nodes: tuple[Node, ...]
    leases: Mapping[int, Held]

    @property
    def living(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.lives(self.now))


def database_time(connection: Connection) -> int:
    """Unix milliseconds by the clock that all nodes share."""
    if connection.dialect.name != "postgresql":
        return moment(connection)
    now = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
    return int(connection.execute(now).scalar_one())


_ALL = select(nodes).order_by(nodes.c.name)
_HELD = (
    select(leases.c.partition, leases.c.owner, leases.c.epoch)
    .where(leases.c.owner != "")
    .order_by(leases.c.partition)
)


def read_cluster(connection: Connection) -> ClusterView:
    """Who serves the database, and who holds what."""
    return _read(connection, database_time(connection))


def _read(connection: Connection, now: int) -> ClusterView:
    found = tuple(
        Node(
            row.name,
            row.epoch,
            row.process,
            row.version,
            frozenset(row.roles.split()),
            msgspec.json.decode(row.addresses, type=dict[str, str]),
            row.joined_at,
            row.beat_at,
            row.expires_at,
            row.status,
        )
        for row in connection.execute(_ALL)
    )
    held = {partition: Held(owner, epoch) for partition, owner, epoch in connection.execute(_HELD)}
    return ClusterView(now, found, held)


def join(connection: Connection, node: NewNode, lease: int) -> Lease:
    """Become a node, with a lease of so many milliseconds, and no partition. Raises `NodeInUse` where one of
    this name lives, `StoreError` where there are too many."""
    for table in (nodes, leases):
        lock_table(connection, table)
    now = database_time(connection)
    before = connection.execute(select(nodes).where(nodes.c.name == node.name)).first()
    if before is not None and now < before.expires_at <= now + LONGEST_LEASE:
        raise NodeInUse(f"another node has the name {node.name}")
    connection.execute(delete(nodes).where(nodes.c.expires_at < now - _FORGOTTEN))
    epoch = next_epoch(connection)
    if before is not None:
        # A process of this name may have been paused, not ended.
        fence(connection, before.process)
        connection.execute(delete(nodes).where(nodes.c.name == node.name))
        release(connection, node.name, range(PARTITIONS))
    process = free_process(connection, epoch)
    if process is None:
        process = _process_of_one_that_is_away(connection, now)
    values = {
        "name": node.name,
        "epoch": epoch,
        "process": process,
        "version": node.version,
        "roles": " ".join(sorted(node.roles)),
        "addresses": msgspec.json.encode(node.addresses).decode(),
        "joined_at": now,
        "beat_at": now,
        "expires_at": now + lease,
    }
    connection.execute(insert(nodes).values(values))
    return Lease(node.name, process, {}, epoch)


def _process_of_one_that_is_away(connection: Connection, now: int) -> int:
    away = connection.execute(
        select(nodes).where(nodes.c.expires_at <= now).order_by(nodes.c.expires_at).limit(1)
    ).first()
    if away is None:
        raise StoreError("there are as many nodes as identifiers can tell apart")
    fence(connection, away.process)
    connection.execute(delete(nodes).where(nodes.c.name == away.name))
    release(connection, away.name, range(PARTITIONS))
    return int(away.process)


# Made once: every node does it every second.
_RENEW = (
    update(nodes)
    .where(nodes.c.name == bindparam("of_name"), nodes.c.epoch == bindparam("of_epoch"))
    .values(beat_at=bindparam("now"), expires_at=bindparam("end"), status=bindparam("says"))
)


def beat(connection: Connection, lease: Lease, length: int, status: str) -> ClusterView:
    """Renew the lease of a node for so many milliseconds, with what it says of itself. Raises `LeaseLost`
    where it is no member more."""
    now = database_time(connection)
    mine = {"of_name": lease.owner, "of_epoch": lease.member}
    renewed = connection.execute(_RENEW, mine | {"now": now, "end": now + length, "says": status})
    if renewed.rowcount == 0:
        raise LeaseLost(f"the node {lease.owner} has been replaced by another process of this name")
    return _read(connection, now)


def leave(connection: Connection, lease: Lease) -> None:
    """Be no node any more; others may take what it held."""
    mine = (nodes.c.name == lease.owner) & (nodes.c.epoch == lease.member)
    if connection.execute(delete(nodes).where(mine)).rowcount:
        release(connection, lease.owner, range(PARTITIONS))
