"""Delivery: pending messages go to application servers, in order for each device, until they are answered.

A message is durable before its first attempt. It ends with a 2xx answer, or it is set aside as undelivered
with the reason. Memory holds a bounded part of what is pending; the rest waits in the store.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

import msgspec
import structlog

from veldnet.network.core import Device, Record
from veldnet.network.shell import Recorded
from veldnet.store import (
    AttemptRow,
    DeliveryRow,
    FrameRow,
    IdSource,
    NewDeliveryRow,
    Rows,
    Statement,
    Store,
    StoreError,
)
from veldnet.supervision import Supervisor

from .flow import Scheduler
from .lanes import PROBES, Accepted, Lane, Pending, Retry, reason_to_set_aside
from .ledger import (
    DAMAGED,
    LaneKey,
    StoredMessage,
    address_messages,
    address_trial,
    decode_message,
    lane_of,
)
from .messages import MessageWriter, TunnelMessage, trial_message
from .outbox import Ended, Outbox, new_row
from .table import Profile, RoutingTable
from .transports.http import HttpSender, Outcome, Sender

log = structlog.get_logger(__name__)

_LANE_PAGE = 100
_SCAN_PAGE = 500
# Seconds in which what was said of waiting messages is written.
_NOTE_EVERY = 1.0
# Seconds until a lane looks for more in the store, where the commit of what it delivered is not done.
_PAUSE = 0.05
# Seconds after a failed commit before what has ended is to be written again.
_WRITE_AGAIN = 1.0
_TASK = "deliveries"


class RouteTrial(msgspec.Struct, frozen=True):
    """What the addresses of a route said to a test message; `ms` is the time of all of them."""

    route: int
    as_id: str | None
    signed: bool
    outcomes: list[Outcome]
    ms: int


class Limits(msgspec.Struct, frozen=True):
    """How long messages are tried in seconds, how many are held in memory, and how many are under way at
    most, to one destination and to all."""

    retention: float = 86_400.0
    in_memory: int = 20_000
    each: int = 256
    all: int = 4_096


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
        store: Store,
        table: RoutingTable,
        writer: MessageWriter,
        *,
        clock: Callable[[], float],
        ids: IdSource,
        rng: random.Random,
        sender: Sender,
        wake: Callable[[], None],
        supervisor: Supervisor | None = None,
        retry: Retry | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.counters = DeliveryCounters()
        self._store = store
        self._table = table
        self._writer = writer
        self._clock = clock
        self._ids = ids
        self._rng = rng
        self._sender = sender
        self._wake = wake
        self._supervisor = supervisor or Supervisor(expected=(StoreError,))
        self._retry = retry or Retry()
        self._limits = limits or Limits()
        self._lanes: dict[LaneKey, Lane] = {}
        self._of_device: dict[int, set[LaneKey]] = {}
        self._held = 0
        self._accepted: dict[str, Accepted] = {}
        self._scheduler: Scheduler[Lane] = Scheduler(
            self._run, most_each=self._limits.each, most=self._limits.all
        )
        self._tasks: set[asyncio.Task[None]] = set()
        # Rows of the batch under way, and what is to be written of those before.
        self._new: list[tuple[LaneKey, Pending]] = []
        self._outbox = Outbox()
        self._note_timer: asyncio.TimerHandle | None = None
        self._closed = False

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        inserted: list[NewDeliveryRow] = []
        for record, device, _entry in recorded:
            if device is None or device.plan is None or not device.plan.thirdPartyAppServersRouting:
                continue
            profile = self._table.get(device.row.routing_profile_ref)
            if profile is None or not profile.servers or not _owns(profile, device.row.subscriber_ref):
                continue
            for message in self._messages(record, device):
                for stored in address_messages(message, profile):
                    now = self._clock()
                    expires_at = int((now + self._limits.retention) * 1000)
                    pending = Pending(
                        self._ids.next(now), record.id, device.row.subscriber_ref, expires_at, stored
                    )
                    lane = str(lane_of(stored))
                    self._new.append(((device.row.ref, lane), pending))
                    inserted.append(new_row(device.row.ref, lane, pending))
        rows = self._outbox.rows()
        if inserted:
            rows.append((Statement.INSERT_DELIVERY, inserted))
        return rows

    def _messages(self, record: Record, device: Device) -> list[TunnelMessage]:
        """The messages of a record. A defect here must not keep the frame itself from its commit."""
        try:
            return self._writer.messages(record, device)
        except Exception:
            log.exception("message_not_made", frame=record.id, kind=type(record).__name__)
            self.counters.attempts["NotMade"] += 1
            return []

    def committed(self) -> None:
        new, self._new = self._new, []
        self._outbox.written()
        for key, pending in new:
            self._enqueue(key, pending)

    def failed(self) -> None:
        new, self._new = self._new, []
        for key, _pending in new:
            # A commit may be reported as failed and yet be in the store: the lane looks there.
            self.requeue(key)
        if self._outbox.failed() and not self._closed:
            asyncio.get_running_loop().call_later(_WRITE_AGAIN, self._wake)

    # Lanes.

    async def start(self) -> None:
        """Take up what an earlier process left pending."""
        after: LaneKey = (-1, "")
        while lanes := await self._store.pending_lanes(after, _SCAN_PAGE):
            for key in lanes:
                self.requeue(key)
            after = lanes[-1]

    def requeue(self, key: LaneKey) -> None:
        """The store has pending messages for a lane that memory does not know of."""
        lane = self._lane(key)
        lane.spilled = True
        self._make_ready(lane)

    def device_removed(self, device_ref: int) -> None:
        """A device was deleted: what is pending for it is set aside."""
        for key in list(self._of_device.get(device_ref, ())):
            lane = self._lanes[key]
            for pending in lane.pending:
                pending.orphan = True
            if lane.timer is not None:
                lane.timer.cancel()
                self._timer_fired(lane)

    def _lane(self, key: LaneKey) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
            self._of_device.setdefault(key[0], set()).add(key)
        return lane

    def _drop(self, key: LaneKey) -> None:
        """Nothing of a lane is left."""
        self._lanes.pop(key, None)
        keys = self._of_device.get(key[0])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._of_device[key[0]]

    def holds(self, device_ref: int) -> bool:
        """Whether something of a device is pending, as far as memory knows."""
        return device_ref in self._of_device

    def _enqueue(self, key: LaneKey, pending: Pending) -> None:
        lane = self._lane(key)
        if lane.spilled or self._held >= self._limits.in_memory:
            # Behind what waits in the store already, or no room: the store keeps it.
            lane.spilled = True
        else:
            lane.pending.append(pending)
            self._held += 1
        self._make_ready(lane)

    def _make_ready(self, lane: Lane) -> None:
        """Run a lane now, or when its destination has room."""
        if lane.running or lane.timer is not None or self._closed:
            return
        lane.running = True
        self._scheduler.submit(lane.name.destination, lane)

    def _run(self, lane: Lane) -> None:
        task = self._supervisor.start(_TASK, self._work(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, lane: Lane) -> None:
        wait: float | None = self._retry.longest
        try:
            wait = await self._drain(lane)
        except Exception as error:
            # The store did not answer, or a defect: the lane goes on, later.
            self._supervisor.caught(_TASK, error)
            lane.failures += 1
            wait = self._retry.wait(lane.failures, self._rng)
        finally:
            lane.running = False
            self._rest(lane, wait)
            if not self._closed:
                self._scheduler.release(lane.name.destination)

    def _rest(self, lane: Lane, wait: float | None) -> None:
        """What a lane does when it does not run."""
        if self._closed:
            return
        if wait is not None:
            lane.timer = asyncio.get_running_loop().call_later(wait, self._timer_fired, lane)
        elif lane.pending or lane.spilled:
            self._make_ready(lane)
        else:
            self._drop(lane.key)

    def _timer_fired(self, lane: Lane) -> None:
        lane.timer = None
        lane.next_at = None
        self._make_ready(lane)

    async def _drain(self, lane: Lane) -> float | None:
        """Deliver in order; returns seconds to wait after a failure, None when nothing is left."""
        while True:
            if not lane.pending:
                if not lane.spilled:
                    return None
                await self._load(lane)
                if not lane.pending:
                    # What fills the page has ended and waits for its commit.
                    return _PAUSE if lane.spilled else None
            head = lane.pending[0]
            outcome, ended = await self._try(lane, head)
            if ended:
                lane.moved_on()
                continue
            lane.failures += 1
            wait = self._retry.wait(lane.failures, self._rng, outcome.retry_after)
            if outcome.refusal == "message" and await self._others_are_taken(lane, head, outcome, wait):
                lane.moved_on()
                continue
            self._note(lane, head, outcome, wait)
            return wait

    async def _try(self, lane: Lane, pending: Pending) -> tuple[Outcome, bool]:
        """Try a message; returns the outcome, and whether the message has ended with it."""
        started = perf_counter()
        outcome = await self._attempt(lane, pending)
        seconds = perf_counter() - started
        self.counters.attempts[outcome.status] += 1
        accepted = self._accepted.setdefault(lane.name.destination, Accepted())
        if outcome.delivered:
            accepted.count(lane.name.kind)
            self._end(lane, pending, outcome, None, seconds)
            return outcome, True
        if outcome.refusal == "message":
            pending.refusals += 1
            if lane.pending[0] is pending:
                lane.refused(accepted)
        reason = reason_to_set_aside(pending, outcome, lane.proven, self._retry, self._clock())
        if reason is None:
            return outcome, False
        self._end(lane, pending, outcome, reason, seconds)
        return outcome, True

    async def _others_are_taken(self, lane: Lane, head: Pending, outcome: Outcome, wait: float) -> bool:
        """A message that is refused again and again must not keep those behind it: where one of them is
        taken, those before it are set aside."""
        if head.refusals < self._retry.refusals:
            return False
        if len(lane.pending) < 2 and lane.spilled:
            await self._load(lane)
        refused = [(head, outcome)]
        for probe in list(lane.pending)[1 : 1 + PROBES]:
            behind, ended = await self._try(lane, probe)
            if behind.delivered:
                for pending, why in refused:
                    self._end(lane, pending, why, "refusedRepeatedly", 0.0)
                return True
            if ended:
                continue
            self._note(lane, probe, behind, wait)
            if behind.refusal != "message":
                return False
            refused.append((probe, behind))
        return False

    def _note(self, lane: Lane, pending: Pending, outcome: Outcome, wait: float) -> None:
        """Have it written what was said of a message that waits, with the next commit or soon."""
        now = self._clock()
        lane.next_at = now + wait
        self._outbox.attempted(
            AttemptRow(
                pending.attempts,
                outcome.error,
                int(now * 1000),
                int(lane.next_at * 1000),
                outcome.url,
                pending.id,
            )
        )
        if self._note_timer is None and not self._closed:
            self._note_timer = asyncio.get_running_loop().call_later(_NOTE_EVERY, self._write_notes)

    def _write_notes(self) -> None:
        self._note_timer = None
        self._wake()

    async def _load(self, lane: Lane) -> None:
        """Fetch the next page of a lane; while the query runs, new messages stay in the store."""
        gone = self._outbox.gone
        rows = await self._store.pending_deliveries(*lane.key, _LANE_PAGE)
        listed = {row.id: row for row in rows}
        if len(rows) < _LANE_PAGE:
            lane.spilled = False
            # What was committed between the query and now was not taken up in memory.
            later = await self._store.pending_deliveries(*lane.key, _LANE_PAGE)
            listed |= {row.id: row for row in later}
        held = {pending.id for pending in lane.pending} | gone | self._outbox.gone
        loaded = [_from_row(row) for row in listed.values() if row.id not in held]
        if loaded:
            lane.pending = deque(sorted([*lane.pending, *loaded], key=lambda pending: pending.id))
            self._held += len(loaded)

    async def _attempt(self, lane: Lane, pending: Pending) -> Outcome:
        """One attempt, if the message still belongs where it is going."""
        message = pending.message
        if pending.orphan:
            return _nowhere("the device was deleted", "deviceDeleted")
        if message is DAMAGED:
            return _nowhere("the stored message cannot be read", "unreadable")
        profile = self._table.get(message.routing_profile_ref)
        if profile is None or not _owns(profile, pending.subscriber_ref):
            return _nowhere("the routing profile was deleted", "profileDeleted")
        route = profile.route_of(message.as_id, message.route_fport)
        if route is None:
            return _nowhere("the routing profile has no route for this message any more", "noRoute")
        pending.attempts += 1
        window = self._scheduler.window(lane.name.destination)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            outcome = await self._sender.send(message, profile, route, pending.id, self._clock())
        except Exception as error:
            # A defect; the message is treated as one that is refused, so that it holds up no other for ever.
            self._supervisor.caught(_TASK, error)
            return Outcome(False, "Error", f"internal error: {type(error).__name__}", refusal="message")
        if outcome.delivered or outcome.refusal in ("message", "never"):
            window.answered(loop.time() - started, loop.time())
        else:
            window.failed(loop.time())
        return outcome

    def _end(
        self, lane: Lane, pending: Pending, outcome: Outcome, reason: str | None, seconds: float
    ) -> None:
        """Take a message off its lane; the next commit writes what became of it."""
        if lane.pending[0] is pending:
            lane.pending.popleft()
        else:
            lane.pending.remove(pending)
        self._held -= 1
        if reason is None:
            self.counters.delivered += 1
        else:
            self.counters.undelivered += 1
            self.counters.set_aside[reason] += 1
        at = int(self._clock() * 1000)
        self._outbox.ended(Ended.of(pending, outcome, reason, at, round(seconds * 1000)))
        self._wake()

    async def try_out(self, profile_ref: int, subscriber_ref: int) -> list[RouteTrial]:
        """Send a test message over each route of a subscriber's profile now, beside the lanes; nothing of it
        is kept."""
        profile = self._table.get(profile_ref)
        if profile is None or not _owns(profile, subscriber_ref) or not isinstance(self._sender, HttpSender):
            return []
        now = self._clock()
        message = trial_message(self._writer.lrc_id, profile.customer_id, now)
        trials = []
        for route in profile.all_routes:
            stored = address_trial(message, profile, route)
            started = perf_counter()
            outcomes = await self._sender.try_out(stored, profile, route, self._ids.next(now), now)
            trials.append(
                RouteTrial(
                    route.index, route.as_id, route.signed, outcomes, round((perf_counter() - started) * 1000)
                )
            )
        return trials

    # What is shown.

    @property
    def pending(self) -> int:
        """Messages held in memory."""
        return self._held

    @property
    def under_way(self) -> int:
        """Lanes that are being delivered now."""
        return self._scheduler.active

    @property
    def retrying(self) -> int:
        """Lanes that wait for their next attempt."""
        return sum(1 for lane in self._lanes.values() if lane.timer is not None)

    def oldest(self) -> float:
        """Seconds for which the message that waits longest has waited, of those in memory."""
        first = min((pending.expires_at for pending in self._heads()), default=None)
        if first is None:
            return 0.0
        # Identifiers do not tell: they are ahead of a clock that was set back.
        return max(self._clock() - (first / 1000 - self._limits.retention), 0.0)

    def _heads(self) -> Iterator[Pending]:
        return (lane.pending[0] for lane in self._lanes.values() if lane.pending)

    def abandon(self) -> None:
        """Let go of everything at once, as a killed process does; the ledger has it."""
        self._closed = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def stop(self, patience: float = 5.0) -> None:
        """Let attempts under way end, for a while."""
        self._closed = True
        if self._note_timer is not None:
            self._note_timer.cancel()
            self._write_notes()
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
        await self._sender.close()


def _owns(profile: Profile, subscriber_ref: int) -> bool:
    """A number alone says nothing: it may have been given again."""
    return profile.subscriber_ref == subscriber_ref


def _nowhere(words: str, reason: str) -> Outcome:
    return Outcome(False, "Error", words, refusal="never", reason=reason)


def _from_row(row: DeliveryRow) -> Pending:
    message: StoredMessage = decode_message(row.message)
    orphan = row.device_subscriber_ref != row.subscriber_ref
    return Pending(
        row.id, row.frame_id, row.subscriber_ref, row.expires_at, message, row.attempts, orphan=orphan
    )
