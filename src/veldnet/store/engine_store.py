"""What the engines share: threads that block in place of the event loop, the lease, the queries."""

from __future__ import annotations

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from veldnet.domain.devices import DeviceRow
from veldnet.domain.partitions import PARTITIONS

from . import hot_reads, leases, marks
from .ids import IdSource
from .interface import DeliveryRow, PendingQueue, StoreError
from .leases import Lease, Proof
from .marks import Marks
from .moment import tell_time
from .node_leases import NodeLeases
from .rows import Rows

T = TypeVar("T")


class InlineExecutor(Executor):
    """Runs the work at once in the caller's thread: for a network under a virtual clock."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future

    def run(self, fn: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """As `run_in_executor` of the event loop, without what other threads need: the end, too, is heard of
        in the loop's next round."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        loop.call_soon(_settle, done, self.submit(fn, *args))
        return done


def _settle(done: asyncio.Future[T], ended: Future[T]) -> None:
    if done.cancelled():
        return
    error = ended.exception()
    if error is None:
        done.set_result(ended.result())
    else:
        done.set_exception(error)


def executor(inline: bool, threads: int, name: str) -> Executor:
    """Threads for what blocks; `inline` needs none."""
    return InlineExecutor() if inline else ThreadPoolExecutor(threads, thread_name_prefix=f"store-{name}")


def _nothing() -> None:
    """Work that only waits for its turn."""


def describe(error: Exception) -> str:
    """What the driver said. The statement and its values, which SQLAlchemy adds, are nobody's business."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause)


class EngineStore(ABC):
    """A `DatabaseStore` over an engine. `inline` runs everything in the calling thread; `clock` dates what
    management writes."""

    def __init__(
        self, engine: Engine, *, mark: str, inline: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.engine = engine
        self.go_by(clock)
        # Of frames, deliveries and notifications; gives some once this process has the lease.
        self.ids = IdSource.waiting()
        self._marks = Marks(self.ids, mark)
        self._writer = executor(inline, 1, "writer")
        self._readers = executor(inline, 4, "reader")
        # Where writers go side by side, those of frames have a thread of their own.
        self._committer = self._writer
        self._lease: Lease | None = None
        self.nodes = NodeLeases(self, self._number, executor(inline, 1, "lease"))

    def go_by(self, clock: Callable[[], float]) -> None:
        """Have management date what it writes by a clock."""
        tell_time(self.engine, clock)

    @property
    @abstractmethod
    def name(self) -> str:
        """See `DatabaseStore`."""

    @property
    @abstractmethod
    def identity(self) -> tuple[int, int]:
        """See `DatabaseStore`."""

    @property
    def problem(self) -> str | None:
        return None

    @property
    def place(self) -> str | None:
        return None

    @property
    def origin(self) -> str:
        return ""

    async def take_leases(
        self, owner: str | None = None, partitions: Iterable[int] = range(PARTITIONS)
    ) -> int:
        name = owner or secrets.token_hex(8)

        def take(connection: Connection) -> Lease:
            lease = leases.take(connection, name, partitions)
            self._number(connection, lease)
            return lease

        self._lease = None
        lease = await self.write(take)
        self.hold(lease)
        return lease.newest

    def _number(self, connection: Connection, lease: Lease) -> None:
        """Give identifiers from now on as the process of a lease."""
        marks.resume(connection, self.ids, lease.process)
        self._marks.begin_again(lease.process)

    @property
    def lease(self) -> Lease | None:
        """What this process holds."""
        return self._lease

    def hold(self, lease: Lease | None) -> None:
        """Prove a lease from now on."""
        self._lease = lease

    def proof(self) -> Proof | None:
        return None if self._lease is None else self._lease.proof

    async def written(self) -> None:
        """Wait until the commits that have been asked for have ended."""
        await self._run(self._committer, _nothing)

    @abstractmethod
    def keep(self, change: Callable[[Connection], T]) -> T:
        """A change that proves nothing, and waits neither for commits nor for other changes where the engine
        has many writers."""

    async def _run(self, executor: Executor, work: Callable[..., T], *arguments: Any) -> T:
        if isinstance(executor, InlineExecutor):
            return await executor.run(work, *arguments)
        try:
            running = asyncio.get_running_loop().run_in_executor(executor, work, *arguments)
        except RuntimeError as error:
            raise StoreError(f"the store is closed: {error}") from error
        return await running

    async def commit(self, rows: Iterable[Rows], proof: Proof | None = None) -> None:
        await self._run(self._committer, self._commit, rows, proof or self.proof())

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self._run(self._readers, self._read, query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        return await self._run(self._writer, self._write, change, self._change_proof())

    @abstractmethod
    async def probe(self) -> None:
        """See `Store`."""

    def _change_proof(self) -> Proof | None:
        return None if self._lease is None else self._lease.change_proof

    @abstractmethod
    def _commit(self, rows: Iterable[Rows], proof: Proof | None) -> None: ...

    @abstractmethod
    def _read(self, query: Callable[[Connection], T]) -> T: ...

    @abstractmethod
    def _write(self, change: Callable[[Connection], T], proof: Proof | None) -> T: ...

    async def devices_by_dev_addr(self, dev_addrs: Sequence[int]) -> list[DeviceRow]:
        return await self.read(lambda connection: hot_reads.devices_by_dev_addr(connection, dev_addrs))

    async def devices_by_dev_eui(self, dev_euis: Sequence[str]) -> list[DeviceRow]:
        return await self.read(lambda connection: hot_reads.devices_by_dev_eui(connection, dev_euis))

    async def devices_by_ref(self, refs: Sequence[int]) -> list[DeviceRow]:
        return await self.read(lambda connection: hot_reads.devices_by_ref(connection, refs))

    async def devices_with_unsolicited_downlinks(
        self, after: int, limit: int, partitions: Collection[int] | None = None
    ) -> list[int]:
        return await self.read(
            lambda connection: hot_reads.devices_with_unsolicited_downlinks(
                connection, after, limit, partitions
            )
        )

    async def devices_to_check(
        self, now: int, limit: int, partitions: Collection[int] | None = None, skipped: int = 0
    ) -> list[int]:
        return await self.read(
            lambda connection: hot_reads.devices_to_check(connection, now, limit, partitions, skipped)
        )

    async def pending_queues(
        self, after: tuple[int, str], limit: int, partitions: Collection[int] | None = None
    ) -> list[PendingQueue]:
        return await self.read(
            lambda connection: hot_reads.pending_queues(connection, after, limit, partitions)
        )

    async def pending_deliveries(
        self, device_ref: int, queue: str, limit: int, after: int = -1
    ) -> list[DeliveryRow]:
        return await self.read(
            lambda connection: hot_reads.pending_deliveries(connection, device_ref, queue, limit, after)
        )

    async def close(self) -> None:
        self.nodes.close()
        await self._run(self._writer, self._close)
        self._writer.shutdown(wait=False)
        self._readers.shutdown(wait=False)

    @abstractmethod
    def _close(self) -> None: ...

    @abstractmethod
    def revision(self) -> str | None: ...

    @abstractmethod
    def migrate(self) -> bool: ...

    @abstractmethod
    def dispose(self) -> None: ...
