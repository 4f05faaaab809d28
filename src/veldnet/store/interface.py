"""Interface of a store.

Two ways lead in. Frames go through `commit`: many rows of many devices in one durable transaction.
Management goes through `read` and `write`: a function over a SQLAlchemy connection, in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection

from veldnet.domain.devices import DeviceRow

from .leases import Proof
from .rows import Rows

T = TypeVar("T")


class StoreError(Exception):
    """The store could not do what was asked; nothing of it was written."""


class NotServed(StoreError):
    """This node does not serve the device, or none does just now: to be tried again."""


class Unanswered(StoreError):
    """Whoever was to do it has not answered: whether anything was written is not known."""


class LeaseLost(StoreError):
    """Another process owns the partitions now; this one must stop writing."""


class Conflict(StoreError):
    """A row is there already, or one that it names is not."""


class PendingQueue(NamedTuple):
    """A device and a destination for which deliveries are pending."""

    device_ref: int
    queue: str
    partition: int


class DeliveryRow(msgspec.Struct, frozen=True, gc=False):
    """A message on its way to an application server."""

    id: int
    frame_id: int
    device_ref: int
    subscriber_ref: int
    queue: str
    expires_at: int
    message: bytes
    attempts: int = 0
    # Whose the device is now; None where it does not exist any more.
    device_subscriber_ref: int | None = None


class Store(Protocol):
    """Durable state. Every method may raise `StoreError`, and no error of an engine or its driver. Once what
    was in the way is over, the store works again."""

    def proof(self) -> Proof | None:
        """What a commit of rows that are made now has to prove; None of a process that holds nothing."""

    async def commit(self, rows: Iterable[Rows], proof: Proof | None = None) -> None:
        """Write all rows durably or none. Raises `LeaseLost` when another process has taken over what is
        proven: without `proof` what is held now."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query that changes nothing."""

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change in a transaction of its own. An exception of `change` itself undoes it and passes
        through; what the engine refuses in it becomes `StoreError`, `Conflict` where a constraint is
        broken. Raises `LeaseLost` as `commit` does."""

    async def probe(self) -> None:
        """Make sure that rows can be written which need room, and leave nothing of them."""

    async def devices_by_dev_addr(self, dev_addrs: Sequence[int]) -> list[DeviceRow]:
        """All devices with a session, current or pending, on one of the addresses."""

    async def devices_by_dev_eui(self, dev_euis: Sequence[str]) -> list[DeviceRow]: ...

    async def devices_by_ref(self, refs: Sequence[int]) -> list[DeviceRow]: ...

    # `partitions` are those of `devices.partition`; None for all.

    async def devices_with_unsolicited_downlinks(
        self, after: int, limit: int, partitions: Collection[int] | None = None
    ) -> list[int]:
        """References, in order and behind `after`, of devices for which something waits to be sent."""

    async def devices_to_check(
        self, now: int, limit: int, partitions: Collection[int] | None = None, skipped: int = 0
    ) -> list[int]:
        """References of devices whose `check_at` (Unix milliseconds) has come, those due first, without so
        many of them."""

    async def pending_queues(
        self, after: tuple[int, str], limit: int, partitions: Collection[int] | None = None
    ) -> list[PendingQueue]:
        """Queues of pending deliveries, in the order of devices and names, behind `after`. Those of devices
        that are gone are of partition 0."""

    async def pending_deliveries(
        self, device_ref: int, queue: str, limit: int, after: int = -1
    ) -> list[DeliveryRow]:
        """The oldest pending deliveries of a queue, of those behind the one with the number `after`."""

    async def close(self) -> None: ...
