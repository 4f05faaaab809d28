"""Nodes over one database in virtual time, whose servers only note what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from veldnet.cluster import Membership, NodeReport, Ownership
from veldnet.store import ClusterView, FrameRow, Lease, LeaseLost, NewNode, SqliteStore, Statement, StoreError
from veldnet.supervision import Supervisor

EPOCH = 1_800_000_000.0


def clock() -> float:
    return EPOCH + asyncio.get_running_loop().time()


class Recorder:
    """A `PartitionServer` that takes its time. `steps` are all that it was told."""

    def __init__(self, seconds: float = 0.3) -> None:
        self.seconds = seconds
        self.serving: frozenset[int] = frozenset()
        self.steps: list[tuple[str, int]] = []
        self.failing = False

    async def take(self, partitions: frozenset[int]) -> None:
        self.steps.append(("take", len(partitions)))
        self.serving |= partitions
        if self.failing:
            raise StoreError("the database is away")
        await asyncio.sleep(self.seconds)

    async def give(self, partitions: frozenset[int]) -> None:
        self.steps.append(("give", len(partitions)))
        await asyncio.sleep(self.seconds)
        self.serving -= partitions

    def lose(self, partitions: frozenset[int]) -> None:
        self.steps.append(("lose", len(partitions)))
        self.serving -= partitions


class Between:
    """The leases of a node, which a pause of its process holds up, and which fail while the database is
    away."""

    def __init__(self, store: SqliteStore) -> None:
        self._nodes = store.nodes
        self.running = asyncio.Event()
        self.running.set()
        self.away = False

    async def _reach(self) -> None:
        await self.running.wait()
        if self.away:
            raise StoreError("the database is away")

    @property
    def epochs(self) -> Any:
        return self._nodes.epochs

    async def join(self, node: NewNode, seconds: float) -> Lease:
        await self._reach()
        return await self._nodes.join(node, seconds)

    async def beat(self, seconds: float, status: str = "{}") -> ClusterView:
        await self._reach()
        return await self._nodes.beat(seconds, status)

    async def take(self, partitions: Collection[int]) -> frozenset[int]:
        await self._reach()
        taken = await self._nodes.take(partitions)
        await self.running.wait()
        return taken

    async def release(self, partitions: Collection[int]) -> None:
        await self._reach()
        await self._nodes.release(partitions)

    def lose(self, partitions: Collection[int]) -> None:
        self._nodes.lose(partitions)

    async def leave(self) -> None:
        await self._reach()
        await self._nodes.leave()


class Node:
    """A node of `partitions`. `committed` has what it could write: partition and epoch, in order."""

    def __init__(
        self,
        path: Path,
        name: str,
        committed: list[tuple[int, int, str]],
        skew: float = 0.0,
        protocol: tuple[int, int] = (1, 1),
    ) -> None:
        self.name = name
        self.committed = committed
        self.store = SqliteStore(path, inline=True, clock=clock)
        self.between = Between(self.store)
        self.server = Recorder()
        self.supervisor = Supervisor(expected=(StoreError,))
        self.ownership = Ownership(name, self.between, [self.server], self.supervisor, partitions=16)
        self.membership = Membership(
            NewNode(name, "1", frozenset({"network"})),
            self.between,
            self.ownership,
            self.supervisor,
            lambda: clock() + skew,
            lambda: msgspec.json.encode(
                NodeReport(serves=self.membership.serves, protocol=protocol[0], oldest_protocol=protocol[1])
            ).decode(),
        )
        self.lost = 0

    async def start(self) -> None:
        await self.membership.start()

    async def stop(self) -> None:
        await self.membership.stop()
        await self.end()

    async def kill(self) -> None:
        self.membership.close()
        await self.end()

    async def end(self) -> None:
        await self.supervisor.stop()
        await self.store.close()

    @property
    def mine(self) -> frozenset[int]:
        return frozenset(each for each in range(16) if self.ownership.mine(each))

    async def write(self) -> None:
        """Commit something for whatever this node believes to serve."""
        believed, epochs = self.mine, dict(self.store.nodes.epochs)
        if not believed:
            return
        row = FrameRow(self.store.ids.next(clock()), 1, 0, "accepted", 1, 2, 3, -900, 50, 5, 1, 1, None, 0)
        try:
            await self.store.commit([(Statement.INSERT_FRAME, [row])], self.store.proof())
        except LeaseLost:
            self.lost += 1
            self.membership.hurry()
        else:
            self.committed += [(each, epochs[each], self.name) for each in sorted(believed)]

    def pause(self) -> None:
        """Stop the process: nothing of it runs until `resume`."""
        self.between.running.clear()
        # Its timers do not run either.
        if self.membership._deadline is not None:
            self.membership._deadline.cancel()

    async def resume(self) -> None:
        """It goes on with what it believes, before it learns how much time has passed."""
        await self.write()
        self.between.running.set()


def new_database(directory: Path) -> Path:
    path = directory / "nodes.db"
    store = SqliteStore(path, inline=True)
    store.migrate()
    store.dispose()
    return path
