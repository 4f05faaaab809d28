"""The leases of a node: its place among others that serve the same database, and the partitions it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from . import leases, nodes
from .interface import LeaseLost, StoreError
from .leases import Lease
from .nodes import ClusterView, NewNode

T = TypeVar("T")


class LeaseHolder(Protocol):
    """The part of a store that its leases need."""

    @property
    def lease(self) -> Lease | None: ...

    def hold(self, lease: Lease | None) -> None: ...

    async def written(self) -> None: ...

    def keep(self, change: Callable[[Connection], T]) -> T: ...


class NodeLeases:
    """`number` has the store give identifiers as the process of a lease. Calls raise `StoreError`."""

    def __init__(
        self, store: LeaseHolder, number: Callable[[Connection, Lease], None], executor: Executor
    ) -> None:
        self._store = store
        self._number = number
        self._executor = executor

    @property
    def epochs(self) -> Mapping[int, int]:
        """The partitions that are held, by the epochs that are proven."""
        lease = self._store.lease
        return {} if lease is None else lease.epochs

    async def join(self, node: NewNode, seconds: float) -> Lease:
        """Become a node with a lease of so many seconds, and give identifiers as such. Raises `NodeInUse`
        where one of this name lives."""

        def enter(connection: Connection) -> Lease:
            lease = nodes.join(connection, node, round(seconds * 1000))
            self._number(connection, lease)
            return lease

        before = self._store.lease
        if before is not None:
            # What was held is held no more; what is still to be written of it is refused.
            self._store.hold(before.less(before.epochs))
        lease = await self._keep(enter)
        self._store.hold(lease)
        return lease

    async def beat(self, seconds: float, status: str = "{}") -> ClusterView:
        """Renew the lease of this node for so many seconds, and say how it is, as JSON. Raises `LeaseLost`
        where it is no member any more."""
        lease = self._member()
        return await self._keep(
            lambda connection: nodes.beat(connection, lease, round(seconds * 1000), status)
        )

    async def take(self, partitions: Collection[int]) -> frozenset[int]:
        """Hold those of some partitions that are free; returns which. What others wrote for them is there."""
        lease = self._member()

        def take(connection: Connection) -> dict[int, int]:
            return leases.take_free(connection, lease, partitions, nodes.database_time(connection))

        taken = await self._keep(take)
        # Some may have been released or lost meanwhile.
        self._store.hold(self._member().more(taken))
        return frozenset(taken)

    async def release(self, partitions: Collection[int]) -> None:
        """Let others take partitions for which nothing is to be written any more. Commits that were asked for
        before have ended by then."""
        self.lose(partitions)
        lease = self._member()
        await self._store.written()
        await self._keep(lambda connection: leases.release(connection, lease.owner, partitions))

    def lose(self, partitions: Collection[int]) -> None:
        """Prove nothing of partitions any more: another node has them."""
        self._store.hold(self._member().less(partitions))

    async def leave(self) -> None:
        """Be no node any more, and write nothing."""
        lease = self._member()
        await self._store.written()
        await self._keep(lambda connection: nodes.leave(connection, lease))
        # What comes after is of nobody, and refused.
        self._store.hold(lease.less(lease.epochs))

    def _member(self) -> Lease:
        lease = self._store.lease
        if lease is None or lease.member is None:
            raise LeaseLost("this process is no node")
        return lease

    async def _keep(self, change: Callable[[Connection], T]) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(self._executor, self._store.keep, change)
        except RuntimeError as error:
            raise StoreError(f"the store is closed: {error}") from error
        return await running

    def close(self) -> None:
        self._executor.shutdown(wait=False)
