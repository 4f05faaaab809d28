"""Delivers pending messages to application servers, in order for each device, with retries.

A message is durable before its first attempt. It ends with a 2xx answer, or it is set aside as undelivered
with the reason. Memory holds a bounded part of what is pending; the rest waits in the store.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import msgspec
import structlog

from veldnet.network.core import Device, Record
from veldnet.network.shell import Owned, Recorded, Runtime
from veldnet.store import AttemptRow, FrameRow, NewDeliveryRow, Rows, Statement, Store

from .attempts import TASK, Attempts, RouteTrial
from .delivery_queue import PROBES, DeliveryQueue, Destination, Pending, Retry, reason_to_set_aside
from .flow import Scheduler
from .held import HeldMessages
from .ledger import QueueKey, address_messages, queue_of
from .messages import MessageWriter, TunnelMessage, trial_message
from .outbox import Ended, Outbox, new_row
from .table import RoutingTable
from .transports import Outcome, Sender

log = structlog.get_logger(__name__)

_SCAN_PAGE = 500
# Seconds in which what was said of waiting messages is written.
_NOTE_EVERY = 1.0
# Seconds until a queue looks for more in the store, where the commit of what it delivered is not done.
_PAUSE = 0.05
# Seconds for which attempts under way are waited for when another node is to go on.
_GIVE_WITHIN = 2.0
_LOOKS = 20
# Seconds after a failed commit before what has ended is to be written again.
_WRITE_AGAIN = 1.0


class Limits(msgspec.Struct, frozen=True):
    """How long messages are tried in seconds, how many are held in memory, and how many are under way at
    most, to one destination and to all."""

    retention: float = 86_400.0
    in_memory: int = 20_000
    each: int = 256
    all: int = 4_096


class Messaging(msgspec.Struct, frozen=True):
    """Who gets messages of a device, what they say, and the way there. `owned` says whose devices are served
    here, where not all are."""

    table: RoutingTable
    writer: MessageWriter
    sender: Sender
    owned: Owned | None = None


class DeliveryCounters:
    """What happened since the start."""

    def __init__(self) -> None:
        self.delivered = 0
        self.undelivered = 0
        self.attempts: Counter[str] = Counter()
        self.set_aside: Counter[str] = Counter()


class Deliveries:
    """Takes part in the frames' transaction, and delivers what has been committed.

    `wake` asks for a commit when only finished deliveries are to be written.
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
        self.counters = DeliveryCounters()
        self._store = store
        self._table, self._writer = messaging.table, messaging.writer
        self._clock, self._ids, self._rng = runtime.clock, runtime.ids, runtime.rng
        self._wake = wake
        self._owned = messaging.owned
        self._supervisor = runtime.supervisor
        self._retry = retry or Retry()
        self._limits = limits or Limits()
        self._destinations: dict[str, Destination] = {}
        self._scheduler: Scheduler[DeliveryQueue] = Scheduler(
            self._run, most_each=self._limits.each, most=self._limits.all
        )
        self._attempts = Attempts(
            messaging.table, messaging.sender, self._scheduler, runtime.supervisor, runtime.clock
        )
        self._tasks: dict[asyncio.Task[None], DeliveryQueue] = {}
        # Rows of the batch under way, and what is to be written of those before.
        self._new: list[tuple[QueueKey, int, Pending]] = []
        self._outbox = Outbox()
        self._held = HeldMessages(store, self._outbox, self._limits.in_memory)
        self._note_timer: asyncio.TimerHandle | None = None
        self._closed = False

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        inserted: list[NewDeliveryRow] = []
        for record, device, _entry in recorded:
            if device is None or device.plan is None or not device.plan.thirdPartyAppServersRouting:
                continue
            profile = self._table.get(device.row.routing_profile_ref)
            if profile is None or not profile.servers or not profile.belongs_to(device.row.subscriber_ref):
                continue
            for message in self._messages(record, device):
                for stored in address_messages(message, profile):
                    now = self._clock()
                    expires_at = int((now + self._limits.retention) * 1000)
                    pending = Pending(
                        self._ids.next(now), record.id, device.row.subscriber_ref, expires_at, stored
                    )
                    queue = str(queue_of(stored))
                    self._new.append(((device.row.ref, queue), device.row.partition, pending))
                    inserted.append(new_row(device.row.ref, queue, pending))
        rows = self._outbox.rows()
        if inserted:
            rows.append((Statement.INSERT_DELIVERY, inserted))
        return rows

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
        for key, partition, pending in new:
            # A partition may have gone to another node while this was written.
            if self._owned is None or partition in self._owned:
                self._make_ready(self._held.add(key, partition, pending))

    def failed(self) -> None:
        new, self._new = self._new, []
        for key, partition, _pending in new:
            # A commit may be reported as failed and yet be in the store: the queue looks there.
            self.requeue(key, partition)
        if self._outbox.failed() and not self._closed:
            asyncio.get_running_loop().call_later(_WRITE_AGAIN, self._wake)

    # Delivery queues.

    async def start(self) -> None:
        """Take up what is pending of the devices that are served here: an earlier process has left it, or
        somebody has made it pending once more."""
        await self._scan(None if self._owned is None else self._owned.stored)

    async def _scan(self, partitions: Collection[int] | None) -> None:
        after: QueueKey = (-1, "")
        while queues := await self._store.pending_queues(after, _SCAN_PAGE, partitions):
            for device_ref, queue, partition in queues:
                after = device_ref, queue
                self.requeue(after, partition)

    def requeue(self, key: QueueKey, partition: int = 0) -> None:
        """The store has pending messages for a queue that memory does not know of."""
        if self._owned is not None and partition not in self._owned:
            return
        queue = self._held.queue(key, partition)
        queue.spilled = True
        self._make_ready(queue)

    # Partitions.

    async def take(self, partitions: frozenset[int]) -> None:
        """Deliver what is pending for the devices of partitions. Raises `StoreError`."""
        await self._scan(self._stored(partitions))

    async def give(self, partitions: frozenset[int]) -> None:
        """Let attempts under way end, for a while, and have written what has ended."""
        stored = self._stored(partitions)
        queues = self._close(stored)
        running = [task for task, queue in self._tasks.items() if queue in queues]
        if running:
            await asyncio.wait(running, timeout=_GIVE_WITHIN)
        self.lose(partitions)
        for _look in range(_LOOKS):
            if self._outbox.empty:
                return
            self._wake()
            await asyncio.sleep(_PAUSE)

    def lose(self, partitions: frozenset[int]) -> None:
        """Deliver nothing more for the devices of partitions."""
        stored = self._stored(partitions)
        queues = self._close(stored)
        for task, queue in self._tasks.items():
            if queue in queues:
                task.cancel()
        self._held.forget(stored)

    def _close(self, stored: Collection[int]) -> set[DeliveryQueue]:
        closed = {queue for queue in self._held.queues.values() if queue.partition in stored}
        for queue in closed:
            queue.closed = True
            if queue.timer is not None:
                queue.timer.cancel()
                queue.timer = None
            self._destination(queue).waiting.discard(queue)
        return closed

    def _stored(self, partitions: frozenset[int]) -> frozenset[int]:
        return partitions if self._owned is None else self._owned.stored_of(partitions)

    def device_removed(self, device_ref: int) -> None:
        """A device was deleted: what is pending for it is set aside."""
        for queue in self._held.of_device(device_ref):
            for pending in queue.pending:
                pending.orphan = True
            if queue.timer is not None:
                queue.timer.cancel()
                self._timer_fired(queue)

    def holds(self, device_ref: int) -> bool:
        """Whether something of a device is pending, as far as memory knows."""
        return bool(self._held.of_device(device_ref))

    def _make_ready(self, queue: DeliveryQueue) -> None:
        """Run a queue now, or when its destination has room."""
        if queue.running or queue.timer is not None or queue.closed or self._closed:
            return
        queue.running = True
        self._scheduler.submit(queue.destination, queue)

    def _run(self, queue: DeliveryQueue) -> None:
        task = self._supervisor.start(TASK, self._work(queue))
        self._tasks[task] = queue
        task.add_done_callback(self._tasks.pop)

    async def _work(self, queue: DeliveryQueue) -> None:
        wait: float | None = self._retry.longest
        try:
            wait = await self._drain(queue)
        except Exception as error:
            # The store did not answer, or a defect: the queue goes on, later.
            self._supervisor.caught(TASK, error)
            queue.failures += 1
            wait = self._retry.wait(queue.failures, self._rng)
        finally:
            queue.running = False
            self._rest(queue, wait)
            if not self._closed:
                self._scheduler.release(queue.destination)

    def _rest(self, queue: DeliveryQueue, wait: float | None) -> None:
        """What a queue does when it does not run."""
        if self._closed or queue.closed:
            return
        if wait is not None:
            queue.timer = asyncio.get_running_loop().call_later(wait, self._timer_fired, queue)
            if queue.unanswered:
                self._destination(queue).waiting.add(queue)
        elif queue.pending or queue.spilled:
            self._make_ready(queue)
        else:
            self._held.drop(queue.key)

    def _timer_fired(self, queue: DeliveryQueue) -> None:
        queue.timer = None
        queue.next_at = None
        self._destination(queue).waiting.discard(queue)
        self._make_ready(queue)

    def _destination(self, queue: DeliveryQueue) -> Destination:
        name = queue.destination
        known = self._destinations.get(name)
        if known is None:
            known = self._destinations[name] = Destination()
        return known

    def _recovered(self, destination: Destination) -> None:
        """A destination accepts messages: the queues that had no answer from it need not wait any longer."""
        for queue in destination.to_wake(asyncio.get_running_loop().time()):
            if queue.timer is not None:
                queue.timer.cancel()
                self._timer_fired(queue)

    async def _drain(self, queue: DeliveryQueue) -> float | None:
        """Deliver in order; returns seconds to wait after a failure, None when nothing is left."""
        while not queue.closed:
            if not queue.pending:
                if not queue.spilled:
                    return None
                await self._held.load(queue)
                if not queue.pending:
                    # What fills the page has ended and waits for its commit.
                    return _PAUSE if queue.spilled else None
            head = queue.pending[0]
            outcome, ended = await self._try(queue, head)
            if ended:
                queue.moved_on()
                continue
            queue.failures += 1
            wait = self._retry.wait(queue.failures, self._rng, outcome.retry_after)
            if outcome.refusal == "message" and await self._others_are_taken(queue, head, outcome, wait):
                queue.moved_on()
                continue
            self._note(queue, head, outcome, wait)
            return wait
        return None

    async def _try(self, queue: DeliveryQueue, pending: Pending) -> tuple[Outcome, bool]:
        """Try a message; returns the outcome, and whether the message has ended with it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome = await self._attempts.make(queue, pending)
        seconds = loop.time() - started
        self.counters.attempts[outcome.status] += 1
        destination = self._destination(queue)
        queue.unanswered = not outcome.delivered and outcome.refusal is None
        if outcome.delivered:
            destination.count(queue.name.kind, pending.refusals)
            self._end(queue, pending, outcome, None, seconds)
            if destination.waiting:
                self._recovered(destination)
            return outcome, True
        if outcome.refusal == "message":
            pending.refusals += 1
            if queue.pending[0] is pending:
                queue.refused(destination)
        needed = destination.refusals_needed(self._retry.refusals)
        reason = reason_to_set_aside(pending, outcome, queue.proven, needed, self._clock())
        if reason is None:
            return outcome, False
        self._end(queue, pending, outcome, reason, seconds)
        return outcome, True

    async def _others_are_taken(
        self, queue: DeliveryQueue, head: Pending, outcome: Outcome, wait: float
    ) -> bool:
        """A message that is refused again and again must not keep those behind it: where one of them is
        taken, those before it are set aside."""
        if head.refusals < self._destination(queue).refusals_needed(self._retry.refusals):
            return False
        if len(queue.pending) < 2 and queue.spilled:
            await self._held.load(queue)
        refused = [(head, outcome)]
        for probe in list(queue.pending)[1 : 1 + PROBES]:
            behind, ended = await self._try(queue, probe)
            if behind.delivered:
                for pending, why in refused:
                    self._end(queue, pending, why, "refusedRepeatedly", 0.0)
                return True
            if ended:
                continue
            self._note(queue, probe, behind, wait)
            if behind.refusal != "message":
                return False
            refused.append((probe, behind))
        return False

    def _note(self, queue: DeliveryQueue, pending: Pending, outcome: Outcome, wait: float) -> None:
        """Have it written what was said of a message that waits, with the next commit or soon."""
        now = self._clock()
        queue.next_at = now + wait
        self._outbox.attempted(
            AttemptRow(
                pending.attempts,
                outcome.error,
                int(now * 1000),
                int(queue.next_at * 1000),
                outcome.url,
                pending.id,
            )
        )
        if self._note_timer is None and not self._closed:
            self._note_timer = asyncio.get_running_loop().call_later(_NOTE_EVERY, self._write_notes)

    def _write_notes(self) -> None:
        self._note_timer = None
        self._wake()

    def _end(
        self, queue: DeliveryQueue, pending: Pending, outcome: Outcome, reason: str | None, seconds: float
    ) -> None:
        """Take a message off its queue; the next commit writes what became of it."""
        self._held.remove(queue, pending)
        if reason is None:
            self.counters.delivered += 1
        else:
            self.counters.undelivered += 1
            self.counters.set_aside[reason] += 1
        at = int(self._clock() * 1000)
        self._outbox.ended(Ended.of(pending, outcome, reason, at, round(seconds * 1000)))
        self._wake()

    async def try_out(self, profile_ref: int, subscriber_ref: int) -> list[RouteTrial]:
        """Send a test message over each route of a subscriber's profile now, beside the queues; nothing of it
        is kept."""
        profile = self._table.get(profile_ref)
        if profile is None or not profile.belongs_to(subscriber_ref):
            return []
        message = trial_message(self._writer.lrc_id, profile.customer_id, self._clock())
        return await self._attempts.try_out(profile, message, self._ids.next)

    # What is shown.

    @property
    def pending(self) -> int:
        """Messages held in memory."""
        return self._held.count

    @property
    def under_way(self) -> int:
        """Delivery queues that are being delivered now."""
        return self._scheduler.active

    @property
    def retrying(self) -> int:
        """Delivery queues that wait for their next attempt."""
        return sum(1 for queue in self._held.queues.values() if queue.timer is not None)

    def oldest(self) -> float:
        """Seconds for which the message that waits longest has waited, of those in memory."""
        first = min((pending.expires_at for pending in self._held.heads), default=None)
        if first is None:
            return 0.0
        # Not by identifiers: they are ahead of a clock that was set back.
        return max(self._clock() - (first / 1000 - self._limits.retention), 0.0)

    def abandon(self) -> None:
        """Let go of everything at once, as a killed process does; the ledger has it."""
        self._closed = True
        for queue in self._held.queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def stop(self, grace: float = 5.0) -> None:
        """Let attempts under way end, for a while."""
        self._closed = True
        if self._note_timer is not None:
            self._note_timer.cancel()
            self._write_notes()
        for queue in self._held.queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
        await self._attempts.close()
