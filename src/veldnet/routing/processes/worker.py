"""The side of the delivery process: it sends what it is handed, and asks the server for what the ledger
has."""

from __future__ import annotations

import asyncio
import itertools
import resource
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from veldnet import __version__
from veldnet.network.shell import Runtime
from veldnet.routing.attempts import Attempts, Ways
from veldnet.routing.courier import Courier
from veldnet.routing.delivery_queue import DeliveryQueue, Limits, Pending, Retry
from veldnet.routing.held import HeldMessages
from veldnet.routing.ledger import QueueKey, decode_message
from veldnet.routing.outbox import Ended
from veldnet.routing.queue_runner import QueueRunner
from veldnet.routing.table import Profile
from veldnet.routing.transports import Sender
from veldnet.store import AttemptRow, DeliveryRow, StoreError

from .link import Link
from .wire import (
    PROTOCOL,
    Hand,
    Hello,
    Load,
    Message,
    Outcomes,
    Page,
    Profiles,
    Removed,
    Report,
    Stop,
    TakeUp,
    Written,
    to_process,
)

log = structlog.get_logger(__name__)

# Seconds in which outcomes are collected before they are sent.
_COLLECT = 0.003
_REPORT_EVERY = 1.0


class _Outcomes:
    """What is to be written about messages; `gone` have ended here, and the server has not said yet that the
    ledger knows it."""

    def __init__(self, flush: Callable[[], None]) -> None:
        self.gone: set[int] = set()
        self._flush = flush
        self._ended: list[Ended] = []
        self._attempted: dict[int, AttemptRow] = {}
        self._numbers = itertools.count(1)
        self._sent: deque[tuple[int, list[int]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def ended(self, item: Ended) -> None:
        self.gone.add(item.delivery_id)
        self._ended.append(item)
        self._attempted.pop(item.delivery_id, None)
        self._soon()

    def attempted(self, item: AttemptRow) -> None:
        self._attempted[item.id] = item
        self._soon()

    def hurry(self) -> None:
        # What is told is written at once.
        pass

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_COLLECT, self._over)

    def _over(self) -> None:
        self._timer = None
        self._flush()

    def batch(self, attempts: dict[str, int]) -> Outcomes | None:
        """What has been collected; None where that is nothing."""
        if not (self._ended or self._attempted or attempts):
            return None
        found = Outcomes(next(self._numbers), self._ended, list(self._attempted.values()), attempts)
        self._sent.append((found.batch, [item.delivery_id for item in self._ended]))
        self._ended, self._attempted = [], {}
        return found

    def written(self, batch: int) -> None:
        while self._sent and self._sent[0][0] <= batch:
            self.gone.difference_update(self._sent.popleft()[1])


class _Table:
    """The routing profiles that the server has told of."""

    def __init__(self) -> None:
        self._profiles: dict[int, Profile] = {}

    def get(self, ref: int | None) -> Profile | None:
        return None if ref is None else self._profiles.get(ref)

    def take(self, profiles: Profiles) -> None:
        for ref in profiles.gone:
            self._profiles.pop(ref, None)
        for profile in profiles.profiles:
            self._profiles[profile.ref] = profile


class _Worker:
    def __init__(self, runtime: Runtime, sender: Sender, retry: Retry, limits: Limits) -> None:
        self._supervisor = runtime.supervisor
        self._link: Link | None = None
        self._table = _Table()
        self._outcomes = _Outcomes(self._flush)
        self._held = HeldMessages(self, self._outcomes, limits.in_memory)
        self._runner = QueueRunner(self._drain, self._held, runtime, retry, limits)
        ways = Ways(self._table, sender)
        self._attempts = Attempts(ways, self._runner.scheduler, runtime.supervisor, runtime.clock)
        self._courier = Courier(self._attempts, self._runner, self._held, self._outcomes, runtime, retry)
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[list[DeliveryRow] | None]] = {}
        self._taken = 0
        self._said_idle = False
        self._stopping: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()

    async def serve(self, connection: socket.socket) -> None:
        link = self._link = await Link.open(connection, self._received, self._lost)
        link.on_room = self._flush
        link.send(Hello(PROTOCOL, __version__))
        self._supervisor.repeat("report", _REPORT_EVERY, self._report_again)
        await self.ended.wait()
        self._runner.abandon()
        await self._supervisor.stop()
        await self._attempts.close()

    def _lost(self, reason: str) -> None:
        log.debug("delivery_process_released", reason=reason)
        for asked in self._asked.values():
            asked.cancel()
        self.ended.set()

    def _drain(self, queue: DeliveryQueue) -> Awaitable[float | None]:
        return self._courier.drain(queue)

    # What the server says.

    def _received(self, frame: bytes) -> None:
        message = to_process.decode(frame)
        self._taken += 1
        match message:
            case Hand():
                for each in message.messages:
                    self._hand(each)
            case TakeUp():
                for key in message.keys:
                    self._take_up(key)
            case Profiles():
                self._table.take(message)
            case Page():
                asked = self._asked.pop(message.number, None)
                if asked is not None and not asked.done():
                    asked.set_result(message.rows)
            case Written():
                self._outcomes.written(message.batch)
            case Removed():
                self._removed(message.device_ref)
            case Stop():
                self._stopping = asyncio.get_running_loop().create_task(self._stop(message.grace))
        self._said_idle = False

    def _hand(self, each: Message) -> None:
        pending = Pending(
            each.id, each.frame_id, each.subscriber_ref, each.expires_at, decode_message(each.message)
        )
        self._runner.make_ready(self._held.add((each.device_ref, each.queue), 0, pending))

    def _take_up(self, key: QueueKey) -> None:
        queue = self._held.queue(key, 0)
        queue.spilled = True
        self._runner.make_ready(queue)

    def _removed(self, device_ref: int) -> None:
        for queue in self._held.of_device(device_ref):
            for pending in queue.pending:
                pending.orphan = True
            self._runner.end_wait(queue)

    async def _stop(self, grace: float) -> None:
        await self._runner.stop(grace)
        self._flush()
        if self._link is not None:
            self._link.close()

    # What the server is told.

    async def pending_deliveries(
        self, device_ref: int, queue: str, limit: int, after: int = -1
    ) -> list[DeliveryRow]:
        """As of the store, over the link. Raises `StoreError`."""
        assert self._link is not None
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        self._link.send(Load(number, (device_ref, queue), limit, after))
        rows: list[DeliveryRow] | None = await asked
        if rows is None:
            raise StoreError("the server's store does not answer")
        return rows

    def _flush(self) -> None:
        if self._link is None or self._link.full:
            # It is called again when there is room.
            return
        attempts = self._courier.counters.attempts
        batch = self._outcomes.batch(dict(attempts))
        if batch is not None:
            attempts.clear()
            self._link.send(batch)
        if not self._held.count and not self._said_idle:
            self._report()

    async def _report_again(self) -> None:
        if self._link is not None and not self._link.full:
            self._report()

    def _report(self) -> None:
        assert self._link is not None
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._said_idle = not self._held.count
        self._link.send(
            Report(
                self._taken,
                self._held.count,
                self._runner.scheduler.active,
                sum(1 for queue in self._held.queues.values() if queue.timer is not None),
                min((pending.expires_at for pending in self._held.heads), default=None),
                usage.ru_utime + usage.ru_stime,
                _resident(),
                dict(self._supervisor.failures),
            )
        )


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def serve_deliveries(
    connection: socket.socket, runtime: Runtime, sender: Sender, retry: Retry, limits: Limits
) -> None:
    """Deliver until the server says that it is enough, or is gone."""
    await _Worker(runtime, sender, retry, limits).serve(connection)
