"""Delivery: pending messages go to application servers, in order for each device, until they are answered.

A message is durable before its first attempt. It ends with a 2xx answer, or as undelivered when its
retention is over. Memory holds a bounded part of what is pending; the rest waits in the store.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import msgspec
import structlog

from veldnet.network import Device, FrameRow, Record, Recorded
from veldnet.store import DeliveryRow, IdSource, Rows, Statement, Store, StoreError
from veldnet.supervision import Supervisor

from .attempt import HttpSender, Outcome, Sender
from .ledger import (
    StoredMessage,
    address_messages,
    address_trial,
    decode_message,
    encode_message,
    lane_of,
)
from .messages import MessageWriter, TunnelMessage, trial_message
from .table import RoutingTable

log = structlog.get_logger(__name__)

LaneKey = tuple[int, str]

_LANE_PAGE = 100
_SCAN_PAGE = 500
# Seconds after a failed commit before what has ended is to be written again.
_WRITE_AGAIN = 1.0


class Retry(msgspec.Struct, frozen=True):
    """Waits between attempts, in seconds: doubling from `first` to `longest`, each a little random."""

    first: float = 1.0
    longest: float = 300.0

    def wait(self, failures: int, rng: random.Random) -> float:
        doubled = self.first * (1 << min(failures - 1, 20))
        return min(doubled, self.longest) * rng.uniform(0.8, 1.2)


class Pending(msgspec.Struct):
    """A delivery under way in memory."""

    id: int
    frame_id: int
    subscriber_ref: int
    expires_at: int
    message: StoredMessage


class DeliveryResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the journal keeps of a delivery that has ended; `ms` is the time of the last attempt."""

    as_id: str | None
    message: str
    status: str
    url: str | None = None
    error: str | None = None
    ms: int = 0


class RouteTrial(msgspec.Struct, frozen=True):
    """What the addresses of a route said to a test message; `ms` is the time of all of them."""

    route: int
    as_id: str | None
    signed: bool
    outcomes: list[Outcome]
    ms: int


class _Ended(msgspec.Struct, frozen=True, gc=False):
    """A delivery that has ended; `error` None means delivered."""

    delivery_id: int
    frame_id: int
    error: str | None
    result: bytes


def _ended_rows(ended: Sequence[_Ended]) -> list[Rows]:
    if not ended:
        return []
    return [
        (Statement.DELETE_DELIVERY, [(item.delivery_id,) for item in ended if item.error is None]),
        (
            Statement.EXPIRE_DELIVERY,
            [(item.error, item.delivery_id) for item in ended if item.error is not None],
        ),
        (
            Statement.INSERT_DELIVERY_RESULT,
            [(item.frame_id, item.delivery_id, item.result) for item in ended],
        ),
    ]


class Lane:
    """Deliveries of one device to one application server, in order; `spilled`: the store has more."""

    __slots__ = ("failures", "key", "pending", "running", "spilled", "timer")

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.pending: deque[Pending] = deque()
        self.spilled = False
        self.running = False
        self.failures = 0
        self.timer: asyncio.TimerHandle | None = None


class DeliveryCounters:
    """What happened since the start."""

    def __init__(self) -> None:
        self.delivered = 0
        self.undelivered = 0
        self.attempts: Counter[str] = Counter()


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
        retention: float = 86_400.0,
        retry: Retry | None = None,
        in_memory: int = 20_000,
        concurrency: int = 32,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._supervisor = supervisor if supervisor is not None else Supervisor(expected=(StoreError,))
        self.counters = DeliveryCounters()
        self._store = store
        self._table = table
        self._writer = writer
        self._clock = clock
        self._ids = ids
        self._rng = rng
        self._sender = sender
        self._wake = wake
        self._retention = retention
        self._retry = retry or Retry()
        self._in_memory = in_memory
        self._concurrency = concurrency
        self._lanes: dict[LaneKey, Lane] = {}
        self._held = 0
        self._active: Counter[str] = Counter()
        self._ready: dict[str, deque[Lane]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Rows of the batch under way, and what has ended since.
        self._new: list[tuple[LaneKey, Pending]] = []
        self._ended: list[_Ended] = []
        self._writing: list[_Ended] = []
        self._closed = False

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        self._writing, self._ended = self._ended, []
        inserted: list[tuple[Any, ...]] = []
        for record, device, _entry in recorded:
            if device is None or device.plan is None or not device.plan.thirdPartyAppServersRouting:
                continue
            profile = self._table.get(device.row.routing_profile_ref)
            if profile is None or not profile.servers:
                continue
            for message in self._messages(record, device):
                for stored in address_messages(message, profile):
                    pending = Pending(
                        self._ids.next(self._clock()),
                        record.id,
                        device.row.subscriber_ref,
                        int((self._clock() + self._retention) * 1000),
                        stored,
                    )
                    lane = lane_of(profile, stored.as_id)
                    self._new.append(((device.row.ref, lane), pending))
                    inserted.append(_row(device.row.ref, lane, pending))
        rows = _ended_rows(self._writing)
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
        self._writing = []
        for key, pending in new:
            self._enqueue(key, pending)

    def failed(self) -> None:
        new, self._new = self._new, []
        for key, _pending in new:
            # A commit may be reported as failed and yet be in the store: the lane looks there.
            self.requeue(key)
        self._ended = self._writing + self._ended
        self._writing = []
        if self._ended and not self._closed:
            asyncio.get_running_loop().call_later(_WRITE_AGAIN, self._wake)

    # Lanes.

    async def start(self) -> None:
        """Take up what an earlier process left pending."""
        after: LaneKey = (-1, "")
        while lanes := await self._store.pending_lanes(after, _SCAN_PAGE):
            for key in lanes:
                lane = self._lane(key)
                lane.spilled = True
                self._make_ready(lane)
            after = lanes[-1]

    def requeue(self, key: LaneKey) -> None:
        """The store has pending messages for a lane that memory does not know of."""
        lane = self._lane(key)
        lane.spilled = True
        self._make_ready(lane)

    def _lane(self, key: LaneKey) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        return lane

    def _enqueue(self, key: LaneKey, pending: Pending) -> None:
        lane = self._lane(key)
        if lane.spilled or self._held >= self._in_memory:
            # Behind what waits in the store already, or no room: the store keeps it.
            lane.spilled = True
        else:
            lane.pending.append(pending)
            self._held += 1
        self._make_ready(lane)

    def _make_ready(self, lane: Lane) -> None:
        """Run a lane now, or when its destination has a connection free."""
        if lane.running or lane.timer is not None or self._closed:
            return
        lane.running = True
        destination = lane.key[1]
        if self._active[destination] < self._concurrency:
            self._run(lane)
        else:
            self._ready.setdefault(destination, deque()).append(lane)

    def _run(self, lane: Lane) -> None:
        self._active[lane.key[1]] += 1
        task = self._supervisor.start("deliveries", self._work(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, lane: Lane) -> None:
        destination = lane.key[1]
        try:
            wait = await self._drain(lane)
        except StoreError as error:
            log.error("delivery_store_failed", error=str(error))
            lane.failures += 1
            wait = self._retry.wait(lane.failures, self._rng)
        except Exception as error:
            # A defect: the lane goes on after a while, and what it holds is in the ledger.
            self._supervisor.caught("deliveries", error)
            lane.failures += 1
            wait = self._retry.wait(lane.failures, self._rng)
        finally:
            lane.running = False
            self._active[destination] -= 1
        if self._closed:
            return
        if wait is not None:
            lane.timer = asyncio.get_running_loop().call_later(wait, self._timer_fired, lane)
        elif lane.pending or lane.spilled:
            self._make_ready(lane)
        else:
            self._lanes.pop(lane.key, None)
        waiting = self._ready.get(destination)
        if waiting and self._active[destination] < self._concurrency:
            self._run(waiting.popleft())
            if not waiting:
                del self._ready[destination]

    def _timer_fired(self, lane: Lane) -> None:
        lane.timer = None
        self._make_ready(lane)

    async def _drain(self, lane: Lane) -> float | None:
        """Deliver in order; returns seconds to wait after a failure, None when nothing is left."""
        while True:
            if not lane.pending:
                if not lane.spilled:
                    return None
                await self._load(lane)
                if not lane.pending:
                    return None
            head = lane.pending[0]
            started = perf_counter()
            outcome = await self._attempt(lane, head)
            self.counters.attempts[outcome.status] += 1
            if outcome.delivered:
                lane.failures = 0
                self._end(lane, head, outcome, perf_counter() - started)
                continue
            lane.failures += 1
            if self._clock() * 1000 >= head.expires_at:
                self._end(lane, head, outcome, perf_counter() - started)
                lane.failures = 0
                continue
            return self._retry.wait(lane.failures, self._rng)

    async def _load(self, lane: Lane) -> None:
        """Fetch the next page of a lane; while the query runs, new messages stay in the store."""
        ended = {item.delivery_id for item in self._writing + self._ended}
        rows = await self._store.pending_deliveries(*lane.key, _LANE_PAGE)
        fresh = [row for row in rows if row.id not in ended]
        if len(rows) < _LANE_PAGE:
            lane.spilled = False
            later = await self._store.pending_deliveries(*lane.key, _LANE_PAGE)
            known = {row.id for row in rows}
            # What was committed between the query and now was not taken up in memory.
            fresh += [row for row in later if row.id not in known and row.id not in ended]
            seen = {pending.id for pending in lane.pending}
            fresh = [row for row in fresh if row.id not in seen]
        loaded = [_from_row(row) for row in fresh]
        lane.pending.extendleft(reversed(loaded))
        self._held += len(loaded)

    async def _attempt(self, lane: Lane, pending: Pending) -> Outcome:
        message = pending.message
        profile = self._table.get(message.routing_profile_ref)
        route = None if profile is None else profile.route_of(message.as_id, message.route_fport)
        if profile is None or route is None:
            return Outcome(False, "Error", "the routing profile has no route for this message any more")
        return await self._sender.send(message, profile, route, pending.id, self._clock())

    def _end(self, lane: Lane, pending: Pending, outcome: Outcome, seconds: float) -> None:
        """Take a message off its lane; the next commit writes what became of it."""
        lane.pending.popleft()
        self._held -= 1
        if outcome.delivered:
            self.counters.delivered += 1
        else:
            self.counters.undelivered += 1
        result = DeliveryResult(
            pending.message.as_id,
            pending.message.name,
            outcome.status,
            outcome.url,
            outcome.error,
            round(seconds * 1000),
        )
        self._ended.append(_Ended(pending.id, pending.frame_id, outcome.error, msgspec.json.encode(result)))
        self._wake()

    async def try_out(self, profile_ref: int) -> list[RouteTrial]:
        """Send a test message over each route of a profile now, beside the lanes; nothing of it is kept."""
        profile = self._table.get(profile_ref)
        if profile is None or not isinstance(self._sender, HttpSender):
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

    @property
    def pending(self) -> int:
        """Messages held in memory."""
        return self._held

    def abandon(self) -> None:
        """Let go of everything at once, as a killed process does; the ledger has it."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    async def stop(self, patience: float = 5.0) -> None:
        """Let attempts under way end, for a while."""
        self._closed = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
        await self._sender.close()


def _row(device_ref: int, lane: str, pending: Pending) -> tuple[Any, ...]:
    return (
        pending.id,
        pending.frame_id,
        device_ref,
        pending.subscriber_ref,
        lane,
        pending.expires_at,
        0,
        None,
        encode_message(pending.message),
    )


def _from_row(row: DeliveryRow) -> Pending:
    return Pending(row.id, row.frame_id, row.subscriber_ref, row.expires_at, decode_message(row.message))
