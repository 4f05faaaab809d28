"""Which node serves which partitions: what is decided from what the database says, and how that is done.

A node takes what is free up to its share, and gives what is above it. What it holds is proven with each
commit, so that nothing here can make two nodes write for one partition; it only decides who tries.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from veldnet.store import ClusterView, StoreError
from veldnet.supervision import Supervisor

from .status import report_of

log = structlog.get_logger(__name__)

# Of a node that serves partitions.
NETWORK = "network"
_TASK = "partitions"


class PartitionMap(Protocol):
    """Who serves which partition, as far as this node knows."""

    def owner(self, partition: int) -> str | None:
        """The node that serves a partition; None while nobody does."""

    def mine(self, partition: int) -> bool:
        """Whether this node serves it."""

    def node_changed(self, listener: Callable[[], None]) -> None:
        """Have somebody called whenever the map or the nodes have changed."""


class PartitionServer(Protocol):
    """What serves partitions: the network, deliveries."""

    async def take(self, partitions: frozenset[int]) -> None:
        """Begin to serve partitions, which nobody else serves."""

    async def give(self, partitions: frozenset[int]) -> None:
        """Finish what is under way, and forget the devices: another node is to serve them."""

    def lose(self, partitions: frozenset[int]) -> None:
        """Forget the devices at once: another node may serve them already."""


class Leases(Protocol):
    """What this node holds in the database. Calls raise `StoreError`."""

    @property
    def epochs(self) -> Mapping[int, int]: ...

    async def take(self, partitions: Collection[int]) -> frozenset[int]: ...

    async def release(self, partitions: Collection[int]) -> None: ...

    def lose(self, partitions: Collection[int]) -> None: ...


class Decision(msgspec.Struct, frozen=True):
    """What a node does about partitions: try to take, give, accept as lost, and release once more what the
    database says is its own though it knows nothing of it."""

    take: frozenset[int] = frozenset()
    give: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()
    release: frozenset[int] = frozenset()


def share(view: ClusterView, node: str, partitions: int) -> int:
    """How many partitions a node is to serve: all the same number, or one more for those that hold most now,
    so that few move."""
    held = Counter(lease.owner for lease in view.leases.values())
    serving = sorted(
        (each.name for each in view.living if NETWORK in each.roles and report_of(each).serves),
        key=lambda name: (-held[name], name),
    )
    if node not in serving:
        return 0
    each, more = divmod(partitions, len(serving))
    return each + (serving.index(node) < more)


def lost(view: ClusterView, held: Mapping[int, int]) -> frozenset[int]:
    """What others have taken of what a node holds. A view may be older than what is held."""
    return frozenset(
        partition
        for partition, epoch in held.items()
        if partition in view.leases and view.leases[partition].epoch > epoch
    )


def decide(
    node: str, view: ClusterView, held: Mapping[int, int], partitions: int, *, leaving: bool = False
) -> Decision:
    """What a node does next that holds partitions by the epochs of their taking, of so many."""
    gone = lost(view, held)
    mine = sorted(set(held) - gone)
    theirs = {each.name for each in view.living}
    unknown = frozenset(
        partition for partition, lease in view.leases.items() if lease.owner == node and partition not in held
    )
    wanted = 0 if leaving else share(view, node, partitions)
    if len(mine) > wanted:
        return Decision(give=frozenset(mine[wanted:]), lost=gone, release=unknown)
    free = [
        partition
        for partition in range(partitions)
        if partition not in held
        and partition not in unknown
        and (partition not in view.leases or view.leases[partition].owner not in theirs)
    ]
    return Decision(take=frozenset(free[: wanted - len(mine)]), lost=gone, release=unknown)


class OneNode:
    """The `PartitionMap` of a process that serves alone."""

    def __init__(self, node: str = "") -> None:
        self._node = node

    def owner(self, partition: int) -> str | None:
        return self._node

    def mine(self, partition: int) -> bool:
        return True

    def node_changed(self, listener: Callable[[], None]) -> None:
        """Nothing ever changes."""


class Ownership:
    """The `PartitionMap` of a node among others. Partitions come to the servers in their order, and go in the
    same; a lease is released after all have given."""

    def __init__(
        self,
        node: str,
        leases: Leases,
        servers: Sequence[PartitionServer],
        supervisor: Supervisor,
        *,
        partitions: int,
    ) -> None:
        self.node = node
        self.partitions = partitions
        # When partitions were last taken or given here, by the clock of the database.
        self.moved_at: int | None = None
        self._leases = leases
        self._servers = servers
        self._supervisor = supervisor
        self._listeners: list[Callable[[], None]] = []
        self._view = ClusterView(0, (), {})
        self._living: frozenset[str] = frozenset()
        self._serving: frozenset[int] = frozenset()
        self._mine: frozenset[int] = frozenset()
        self._suspended = False
        self._moving: asyncio.Task[None] | None = None

    # The map.

    def mine(self, partition: int) -> bool:
        return partition in self._mine

    def owner(self, partition: int) -> str | None:
        if partition in self._mine:
            return self.node
        lease = self._view.leases.get(partition)
        if lease is None or lease.owner == self.node or lease.owner not in self._living:
            return None
        return lease.owner

    def node_changed(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    @property
    def view(self) -> ClusterView:
        """What the database said last."""
        return self._view

    def lives(self, process: int) -> bool:
        """Whether a node with this number in identifiers lives, as far as this one knows."""
        return any(node.process == process for node in self._view.living)

    def _changed(self) -> None:
        self._mine = frozenset() if self._suspended else self._serving
        for listener in self._listeners:
            self._supervisor.guard(_TASK, listener)

    # Its changes.

    def follow(self, view: ClusterView, *, leaving: bool = False) -> None:
        """Take up what the database says, just after the lease of this node was renewed; what is to be moved
        moves in a task, so that the next renewal does not wait for it."""
        self._suspended = False
        self._view = view
        self._living = frozenset(node.name for node in view.living)
        self._lose(lost(view, self._leases.epochs))
        if self._moving is None:
            # What is held and not served was being given, or taken, when the database went away.
            held = {each: epoch for each, epoch in self._leases.epochs.items() if each in self._serving}
            decision = decide(self.node, view, held, self.partitions, leaving=leaving)
            if decision.take or decision.give or decision.release:
                self._begin(decision)
        self._changed()

    def suspend(self) -> None:
        """The lease has not been renewed in time: nothing is served until it is, or until it turns out to be
        lost."""
        if not self._suspended:
            self._suspended = True
            log.warning("partitions_suspended", node=self.node, partitions=len(self._serving))
            self._changed()

    def lose_all(self) -> None:
        """This node is no member any more."""
        self._lose(self._serving | frozenset(self._leases.epochs))
        self._changed()

    async def settled(self) -> None:
        """Wait until nothing moves."""
        while self._moving is not None:
            await asyncio.wait([self._moving])

    async def give_all(self) -> None:
        """Give everything, before this node ends."""
        await self.settled()
        self._begin(Decision(give=frozenset(self._leases.epochs)))
        await self.settled()

    def _begin(self, decision: Decision) -> None:
        self._moving = self._supervisor.start(_TASK, self._move(decision))
        self._moving.add_done_callback(self._moved)

    def _moved(self, _task: asyncio.Task[None]) -> None:
        self._moving = None

    async def _move(self, decision: Decision) -> None:
        try:
            if decision.release:
                await self._leases.release(decision.release)
            if decision.give:
                await self._give(decision.give)
            if decision.take:
                await self._take(decision.take)
        except StoreError as error:
            # What the database says next tells how far this has come.
            log.warning("partitions_not_moved", node=self.node, error=str(error))

    async def _take(self, partitions: frozenset[int]) -> None:
        taken = await self._leases.take(partitions)
        if not taken:
            return
        try:
            for server in self._servers:
                await server.take(taken)
        except StoreError:
            self._drop(taken)
            await self._leases.release(taken)
            raise
        # Others may have taken some since.
        still = taken & frozenset(self._leases.epochs)
        self._drop(taken - still)
        self._serving |= still
        self.moved_at = self._view.now
        log.info("partitions_taken", node=self.node, partitions=sorted(still))
        self._changed()

    async def _give(self, partitions: frozenset[int]) -> None:
        self._serving -= partitions
        self._changed()
        for server in self._servers:
            try:
                await server.give(partitions)
            except StoreError as error:
                # What was not written was not acknowledged.
                log.warning("partitions_not_finished", node=self.node, error=str(error))
                server.lose(partitions)
        await self._leases.release(partitions)
        self.moved_at = self._view.now
        log.info("partitions_given", node=self.node, partitions=sorted(partitions))
        self._changed()

    def _lose(self, partitions: frozenset[int]) -> None:
        if not partitions:
            return
        log.warning("partitions_lost", node=self.node, partitions=sorted(partitions))
        self._serving -= partitions
        self._leases.lose(partitions)
        self._drop(partitions)

    def _drop(self, partitions: frozenset[int]) -> None:
        if partitions:
            for server in self._servers:
                self._supervisor.guard(_TASK, server.lose, partitions)
