"""Delivers pending messages to application servers, in order for each device, with retries.

A message is durable before its first attempt. It ends with a 2xx answer, or it is set aside as undelivered
with the reason. Memory holds a bounded part of what is pending; the rest waits in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec
import structlog

from veldnet.domain.devices import DeviceRow
from veldnet.network.core import Device, Record
from veldnet.network.shell import Owned, Recorded, Runtime
from veldnet.store import FrameRow, NewDeliveryRow, Rows, Statement, Store

from .attempts import Attempts, RouteTrial, Ways
from .connections import FlowMessages, OpenConnections
from .courier import PAUSE, Courier
from .delivery_queue import DeliveryQueue, Limits, Pending, Retry
from .held import HeldMessages
from .ledger import QueueKey, StoredMessage, address_messages, queue_of
from .messages import MessageWriter, TunnelMessage, trial_message
from .outbox import Outbox, new_row
from .processes import DeliveryProcesses, Ledger, Message, ProcessPlan, Report, message_of
from .queue_runner import QueueRunner
from .table import RoutingTable
from .transports import Outcome, Sender

log = structlog.get_logger(__name__)

_SCAN_PAGE = 500
# Seconds for which attempts under way are waited for when another node is to go on.
_GIVE_WITHIN = 2.0
_LOOKS = 20


class Messaging(msgspec.Struct, frozen=True):
    """Who gets messages of a device, what they say, and the way there. `owned` says whose devices are served
    here, where not all are."""

    table: RoutingTable
    writer: MessageWriter
    sender: Sender
    owned: Owned | None = None
    flows: FlowMessages | None = None
    open_connections: OpenConnections | None = None
    processes: ProcessPlan | None = None


class Deliveries:
    """Takes part in the frames' transaction, and delivers what has been committed.

    `wake` asks for a commit when only finished deliveries are to be written. A `QueueRunner` says when each
    queue runs; the `Courier` delivers its messages.
    """

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        messaging: Messaging,
        *,
        wake: Callable[[], None],
        retry: Retry | None = None,
        limits: Limits | None = None,
    ) -> None:
        retry, limits = retry or Retry(), limits or Limits()
        self._store, self._wake = store, wake
        self._table, self._writer, self._owned = messaging.table, messaging.writer, messaging.owned
        self._flows = messaging.flows
        self._clock, self._ids = runtime.clock, runtime.ids
        self._retention = limits.retention
        # Rows of the batch under way, and what is to be written of those before.
        self._new: list[tuple[QueueKey, int, Pending]] = []
        self._outbox = Outbox(wake)
        self._held = HeldMessages(store, self._outbox, limits.in_memory)
        self._runner = QueueRunner(self._drain, self._held, runtime, retry, limits)
        self._attempts = Attempts(
            Ways(messaging.table, messaging.sender, messaging.open_connections),
            self._runner.scheduler,
            runtime.supervisor,
            runtime.clock,
        )
        self._courier = Courier(self._attempts, self._runner, self._held, self._outbox, runtime, retry)
        self.counters = self._courier.counters
        # Where other processes deliver over routes; this one delivers over connections then.
        self._to_hand: list[Message] = []
        self.processes: DeliveryProcesses | None = None
        if messaging.processes is not None:
            ledger = Ledger(store, messaging.table, self._outbox, self.counters, runtime.supervisor)
            self.processes = DeliveryProcesses(messaging.processes, ledger)

    def _elsewhere(self, key: QueueKey) -> bool:
        """Whether a queue is delivered by another process."""
        return self.processes is not None and self.processes.serves(key)

    def _drain(self, queue: DeliveryQueue) -> Awaitable[float | None]:
        return self._courier.drain(queue)

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        inserted: list[NewDeliveryRow] = []
        for record, device, _entry in recorded:
            if device is None or device.plan is None or not device.plan.thirdPartyAppServersRouting:
                continue
            for stored in self._addressed(record, device):
                now = self._clock()
                expires_at = int((now + self._retention) * 1000)
                pending = Pending(
                    self._ids.next(now), record.id, device.row.subscriber_ref, expires_at, stored
                )
                queue = str(queue_of(stored))
                row = new_row(device.row.ref, queue, pending)
                inserted.append(row)
                if self._elsewhere((device.row.ref, queue)):
                    self._to_hand.append(message_of(row))
                else:
                    self._new.append(((device.row.ref, queue), device.row.partition, pending))
        rows = self._outbox.rows()
        if self.processes is not None:
            self.processes.committing()
        if inserted:
            rows.append((Statement.INSERT_DELIVERY, inserted))
        return rows

    def _addressed(self, record: Record, device: Device) -> list[StoredMessage]:
        """The messages of a record for the routing profile of its device, and for flows."""
        found: list[StoredMessage] = []
        profile = self._table.get(device.row.routing_profile_ref)
        if profile is not None and profile.servers and profile.belongs_to(device.row.subscriber_ref):
            for message in self._messages(record, device):
                found += address_messages(message, profile)
        if self._flows is not None:
            found += self._flow_messages(self._flows, record, device)
        return found

    def _flow_messages(self, flows: FlowMessages, record: Record, device: Device) -> list[StoredMessage]:
        """As `_messages`."""
        try:
            return flows.messages(record, device)
        except Exception:
            log.exception("flow_message_failed", frame=record.id, kind=type(record).__name__)
            self.counters.attempts["NotMade"] += 1
            return []

    def _messages(self, record: Record, device: Device) -> list[TunnelMessage]:
        """The messages of a record. A defect here must not keep the frame itself from its commit."""
        try:
            return self._writer.messages(record, device)
        except Exception:
            log.exception("message_encoding_failed", frame=record.id, kind=type(record).__name__)
            self.counters.attempts["NotMade"] += 1
            return []

    def committed(self) -> None:
        new, self._new = self._new, []
        self._outbox.written()
        if self.processes is not None:
            self.processes.committed()
            if self._to_hand:
                self.processes.hand(self._to_hand)
                self._to_hand = []
        for key, partition, pending in new:
            # A partition may have gone to another node while this was written.
            if self._owned is None or partition in self._owned:
                self._runner.make_ready(self._held.add(key, partition, pending))

    def failed(self) -> None:
        new, self._new = self._new, []
        for key, partition, _pending in new:
            # A commit may be reported as failed and yet be in the store: the queue looks there.
            self.requeue(key, partition)
        to_look, self._to_hand = self._to_hand, []
        for message in to_look:
            self.requeue((message.device_ref, message.queue))
        self._outbox.failed()

    # Delivery queues.

    async def start(self) -> None:
        """Take up what is pending of the devices that are served here: an earlier process has left it, or
        somebody has made it pending once more."""
        if self.processes is not None:
            self.processes.begin()
        await self._scan(None if self._owned is None else self._owned.stored)

    async def _scan(self, partitions: Collection[int] | None) -> None:
        # Multicast groups have numbers below 0.
        after: QueueKey = (-(1 << 62), "")
        while queues := await self._store.pending_queues(after, _SCAN_PAGE, partitions):
            for device_ref, queue, partition in queues:
                after = device_ref, queue
                self.requeue(after, partition)

    def requeue(self, key: QueueKey, partition: int = 0) -> None:
        """The store has pending messages for a queue that memory does not know of."""
        if self.processes is not None and self._elsewhere(key):
            self.processes.take_up(key)
            return
        if self._owned is not None and partition not in self._owned:
            return
        queue = self._held.queue(key, partition)
        queue.spilled = True
        self._runner.make_ready(queue)

    # Partitions.

    async def take(self, partitions: frozenset[int]) -> None:
        """Deliver what is pending for the devices of partitions. Raises `StoreError`."""
        await self._scan(self._stored(partitions))

    async def give(self, partitions: frozenset[int]) -> None:
        """Let attempts under way end, for a while, and have written what has ended."""
        queues = self._runner.close(self._stored(partitions))
        await self._runner.finish(queues, _GIVE_WITHIN)
        self.lose(partitions)
        for _look in range(_LOOKS):
            if self._outbox.empty:
                return
            self._wake()
            await asyncio.sleep(PAUSE)

    def lose(self, partitions: frozenset[int]) -> None:
        """Deliver nothing more for the devices of partitions."""
        stored = self._stored(partitions)
        self._runner.cancel(self._runner.close(stored))
        self._held.forget(stored)

    def _stored(self, partitions: frozenset[int]) -> frozenset[int]:
        return partitions if self._owned is None else self._owned.stored_of(partitions)

    def device_removed(self, device_ref: int) -> None:
        """A device was deleted: what is pending for it is set aside."""
        for queue in self._held.of_device(device_ref):
            for pending in queue.pending:
                pending.orphan = True
            self._runner.end_wait(queue)
        if self.processes is not None:
            self.processes.removed(device_ref)

    def holds(self, device_ref: int) -> bool:
        """Whether something of a device is pending, as far as memory knows."""
        elsewhere = self.processes is not None and self.processes.may_hold(device_ref)
        return elsewhere or bool(self._held.of_device(device_ref))

    async def try_out(self, profile_ref: int, subscriber_ref: int) -> list[RouteTrial]:
        """Send a test message over each route of a subscriber's profile now, beside the queues; nothing of it
        is kept."""
        profile = self._table.get(profile_ref)
        if profile is None or not profile.belongs_to(subscriber_ref):
            return []
        message = trial_message(self._writer.lrc_id, profile.customer_id, self._clock())
        return await self._attempts.try_out(profile, message, self._ids.next)

    async def post(self, row: DeviceRow, message: StoredMessage) -> None:
        """Have a message delivered that belongs to no frame of now. Raises `StoreError`."""
        now = self._clock()
        number = self._ids.next(now)
        pending = Pending(number, number, row.subscriber_ref, int((now + self._retention) * 1000), message)
        queue = str(queue_of(message))
        await self._store.commit([(Statement.INSERT_DELIVERY, [new_row(row.ref, queue, pending)])])
        self.requeue((row.ref, queue), row.partition)

    def connection_ready(self, ref: int) -> None:
        """A connection was made: its queues that had no answer need not wait."""
        self._end_waits(ref, answered=False)

    def connection_changed(self, ref: int) -> None:
        """A connection has changed: what it refused it may take now."""
        self._end_waits(ref, answered=True)

    def _end_waits(self, ref: int, *, answered: bool) -> None:
        for queue in list(self._held.queues.values()):
            if queue.name.connection_ref == ref and (answered or queue.unanswered):
                self._runner.end_wait(queue)

    async def try_connection(self, ref: int, subscriber_ref: int) -> Outcome | None:
        """Send a test message over a subscriber's connection; nothing of it is kept. None where there is no
        such connection."""
        connection = None if self._flows is None else self._flows.connection(ref)
        if self._flows is None or connection is None:
            return None
        now = self._clock()
        message = self._flows.trial(connection, now)
        # Below those of messages; none of them is used up.
        return await self._attempts.try_connection(message, subscriber_ref, -round(now * 1000))

    # What is shown.

    @property
    def pending(self) -> int:
        """Messages held in memory."""
        return self._held.count + sum(report.held for report in self._reports)

    @property
    def _reports(self) -> list[Report]:
        return [] if self.processes is None else [process.report for process in self.processes.each]

    @property
    def under_way(self) -> int:
        """Delivery queues that are being delivered now."""
        return self._runner.scheduler.active + sum(report.under_way for report in self._reports)

    @property
    def retrying(self) -> int:
        """Delivery queues that wait for their next attempt."""
        here = sum(1 for queue in self._held.queues.values() if queue.timer is not None)
        return here + sum(report.retrying for report in self._reports)

    def oldest(self) -> float:
        """Seconds for which the message that waits longest has waited, of those in memory."""
        heads = [pending.expires_at for pending in self._held.heads]
        heads += [report.oldest for report in self._reports if report.oldest is not None]
        first = min(heads, default=None)
        if first is None:
            return 0.0
        # Not by identifiers: they are ahead of a clock that was set back.
        return max(self._clock() - (first / 1000 - self._retention), 0.0)

    def abandon(self) -> None:
        """Let go of everything at once, as a killed process does; the ledger has it."""
        self._outbox.closed = True
        self._runner.abandon()
        if self.processes is not None:
            self.processes.abandon()

    async def stop(self, grace: float = 5.0) -> None:
        """Let attempts under way end, for a while."""
        self._outbox.close()
        elsewhere = [] if self.processes is None else [self.processes.stop(grace)]
        await asyncio.gather(self._runner.stop(grace), *elsewhere)
        await self._attempts.close()
