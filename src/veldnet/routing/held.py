"""The messages in memory, by queue: a bounded part of what is pending; the rest waits in the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from typing import Protocol

from veldnet.store import DeliveryRow

from .delivery_queue import DeliveryQueue, Pending
from .ledger import QueueKey, decode_message
from .outbox import Results

_QUEUE_PAGE = 100


class PendingMessages(Protocol):
    """Where what is pending waits."""

    async def pending_deliveries(
        self, device_ref: int, queue: str, limit: int, after: int = -1
    ) -> list[DeliveryRow]:
        """The first messages of a queue, behind the one with the number `after`. Raises `StoreError`."""


class HeldMessages:
    """Delivery queues by device and destination. At most `most` messages are held."""

    def __init__(self, store: PendingMessages, outbox: Results, most: int) -> None:
        self.queues: dict[QueueKey, DeliveryQueue] = {}
        self.count = 0
        self._store = store
        self._outbox = outbox
        self._most = most
        self._of_device: dict[int, set[QueueKey]] = {}

    def queue(self, key: QueueKey, partition: int) -> DeliveryQueue:
        """The queue of a key, made where there is none, for a device of a partition."""
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = DeliveryQueue(key, partition)
            self._of_device.setdefault(key[0], set()).add(key)
        return queue

    def drop(self, key: QueueKey) -> None:
        """Nothing of a queue is left."""
        self.queues.pop(key, None)
        keys = self._of_device.get(key[0])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._of_device[key[0]]

    def of_device(self, device_ref: int) -> list[DeliveryQueue]:
        return [self.queues[key] for key in self._of_device.get(device_ref, ())]

    def add(self, key: QueueKey, partition: int, pending: Pending) -> DeliveryQueue:
        """A message that has just been committed. The store may have shown it before that was heard of: it is
        held then, or has ended."""
        queue = self.queue(key, partition)
        if pending.id in queue.listed or pending.id in self._outbox.gone:
            return queue
        if queue.spilled or self.count >= self._most:
            # Behind what waits in the store already, or no room: the store keeps it.
            queue.spilled = True
        else:
            queue.pending.append(pending)
            self.count += 1
        return queue

    def forget(self, partitions: Collection[int]) -> None:
        """Drop the queues of partitions; what waits in them is in the store."""
        for queue in [queue for queue in self.queues.values() if queue.partition in partitions]:
            self.count -= len(queue.pending)
            queue.pending.clear()
            self.drop(queue.key)

    def remove(self, queue: DeliveryQueue, pending: Pending) -> None:
        """A message has ended."""
        if queue.closed and pending not in queue.pending:
            # Another node goes on with the queue.
            return
        if queue.pending[0] is pending:
            queue.pending.popleft()
        else:
            queue.pending.remove(pending)
        self.count -= 1

    async def load(self, queue: DeliveryQueue) -> None:
        """Fetch the next page of a queue; while the query runs, new messages stay in the store."""
        # What is written while the store is asked may still be in its answer.
        gone = set(self._outbox.gone)
        rows = await self._store.pending_deliveries(*queue.key, _QUEUE_PAGE)
        listed = {row.id: row for row in rows}
        if len(rows) < _QUEUE_PAGE:
            queue.spilled = False
            # What was committed between the query and now was not taken up in memory.
            later = await self._store.pending_deliveries(*queue.key, _QUEUE_PAGE)
            listed |= {row.id: row for row in later}
        queue.listed = frozenset(listed)
        held = {pending.id for pending in queue.pending} | gone | self._outbox.gone
        loaded = [_from_row(row) for row in listed.values() if row.id not in held]
        if loaded and not queue.closed:
            queue.pending = deque(sorted([*queue.pending, *loaded], key=lambda pending: pending.id))
            self.count += len(loaded)

    async def load_behind(self, queue: DeliveryQueue) -> None:
        """Fetch the page behind what is held of a queue. Of that all but the first message is let go: it was
        refused often enough, and may be the longer part of a row that memory has no room for."""
        head, last = queue.pending[0], queue.pending[-1].id
        rows = await self._store.pending_deliveries(*queue.key, _QUEUE_PAGE, last)
        loaded = [_from_row(row) for row in rows if row.id not in self._outbox.gone]
        if not loaded or queue.closed or not queue.pending or queue.pending[0] is not head:
            return
        if len(queue.pending) > 1 or queue.searched:
            queue.searched = last
        self.count += 1 + len(loaded) - len(queue.pending)
        queue.pending = deque([head, *loaded])

    def begin_again(self, queue: DeliveryQueue) -> None:
        """What is next comes from the store, where what was let go still is."""
        self.count -= len(queue.pending)
        queue.pending.clear()
        queue.searched = 0
        queue.spilled = True

    @property
    def heads(self) -> Iterator[Pending]:
        """The first message of each queue."""
        return (queue.pending[0] for queue in self.queues.values() if queue.pending)


def _from_row(row: DeliveryRow) -> Pending:
    orphan = row.device_subscriber_ref != row.subscriber_ref
    return Pending(
        row.id,
        row.frame_id,
        row.subscriber_ref,
        row.expires_at,
        decode_message(row.message),
        row.attempts,
        orphan=orphan,
    )
