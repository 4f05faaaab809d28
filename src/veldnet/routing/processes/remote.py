"""The server's side: keeps delivery processes alive, hands them what is committed, and takes what came of
it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog

from veldnet import __version__
from veldnet.routing.courier import DeliveryCounters
from veldnet.routing.ledger import QueueKey
from veldnet.routing.outbox import Outbox
from veldnet.routing.table import RoutingTable
from veldnet.store import Store, StoreError
from veldnet.supervision import Supervisor

from .link import Link, LinkError
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
    from_process,
)

log = structlog.get_logger(__name__)

# Starts a delivery process, by its number, that has the socket as its own end.
Starter = Callable[[socket.socket, int], subprocess.Popen[bytes]]

TASK = "delivery process"
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0
# Seconds within which a process says its first word, and after which its end is no sign that it cannot live.
_HELLO_WITHIN = 30.0
# Seconds after the end of the link before a process is killed.
_KILL_AFTER = 2.0
_SCAN_PAGE = 500
# Of one frame.
_MESSAGES, _PROFILES = 250, 100


class ProcessPlan(NamedTuple):
    """How many delivery processes there are, and how one is started."""

    processes: int
    start: Starter


class Ledger(NamedTuple):
    """What delivery processes work on, and where what comes of it goes."""

    store: Store
    table: RoutingTable
    outbox: Outbox
    counters: DeliveryCounters
    supervisor: Supervisor


class DeliveryProcess:
    """One process, which is started again whenever it ends.

    It is handed messages only while it has been told of all that the ledger had before. At its start, and
    after it has not read for a while, it is told of the queues in the ledger, and meanwhile of the queues of
    new messages instead of these.
    """

    def __init__(self, number: int, start: Starter, ledger: Ledger, mine: Callable[[QueueKey], bool]) -> None:
        self.name = f"delivery-{number}"
        self.number = number
        self.restarts = 0
        self.report = Report()
        self._start, self._ledger, self._mine = start, ledger, mine
        self._link: Link | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._all_written = asyncio.Event()
        self._ended = asyncio.Event()
        self._greeted = asyncio.Event()
        self.reason = ""
        self._stopping = False
        self._life: asyncio.Task[None] | None = None
        self._scan: asyncio.Task[None] | None = None
        # Whether it lacks messages that it was not handed, as it did not read.
        self.behind = False
        # Batches of outcomes with something to write: received, in the commit under way, and in the ledger.
        self._received = self._taken = self._written = 0
        # Frames sent when something was handed last.
        self._handed_at = 0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def ready(self) -> bool:
        """Whether it delivers."""
        return self._link is not None and self._greeted.is_set()

    @property
    def waiting(self) -> int:
        """Octets that it has not read."""
        return 0 if self._link is None else self._link.waiting

    @property
    def busy(self) -> bool:
        """Whether it may hold messages."""
        return bool(self.report.held) or self.report.taken < self._handed_at

    def begin(self) -> None:
        if self._life is None and not self._stopping:
            self._life = asyncio.get_running_loop().create_task(self._live())

    # Its life.

    async def _live(self) -> None:
        wait = _FIRST_WAIT
        loop = asyncio.get_running_loop()
        while not self._stopping:
            begun = loop.time()
            try:
                await self._once()
            except Exception as error:
                self._ledger.supervisor.caught(TASK, error)
            # What it has said must not be done again by the next one.
            if self._written < self._received and not self._stopping:
                self._all_written.clear()
                await self._all_written.wait()
            if self._stopping:
                return
            wait = _FIRST_WAIT if loop.time() - begun > _HELLO_WITHIN else min(wait * 2, _LONGEST_WAIT)
            log.error("delivery_process_ended", process=self.name, reason=self.reason, again_in=wait)
            await asyncio.sleep(wait)
            self.restarts += 1

    async def _once(self) -> None:
        """Start a process, and serve it until it ends."""
        self._ended, self._greeted = asyncio.Event(), asyncio.Event()
        self._received = self._taken = self._written = self._handed_at = 0
        self.report = Report()
        ours, theirs = socket.socketpair()
        try:
            self._process = self._start(theirs, self.number)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        try:
            self._link = await Link.open(ours, self._frame, self._lost)
            self._link.on_room = self._room
            try:
                async with asyncio.timeout(_HELLO_WITHIN):
                    await _either(self._greeted, self._ended)
            except TimeoutError:
                self._link.abort(f"it said nothing within {_HELLO_WITHIN:g} s")
            await self._ended.wait()
        finally:
            await self._release()

    async def _release(self) -> None:
        if self._scan is not None:
            self._scan.cancel()
            self._scan = None
        if self._link is not None:
            self._link.abort("it is released")
            self._link = None
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_reap, process)

    def _lost(self, reason: str) -> None:
        self.reason = reason
        self._ended.set()

    # What it says.

    def _frame(self, frame: bytes) -> None:
        message = from_process.decode(frame)
        if isinstance(message, Hello):
            self._greet(message)
        elif not self._greeted.is_set():
            raise LinkError("it did not greet")
        elif isinstance(message, Outcomes):
            self._outcomes(message)
        elif isinstance(message, Load):
            self._ledger.supervisor.start(TASK, self._load(message, self._link))
        else:
            self.report = message

    def _greet(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL or hello.version != __version__:
            raise LinkError(
                f"it is of version {hello.version}, the server of {__version__}: restart the server"
            )
        assert self._link is not None
        profiles = self._ledger.table.all
        for first in range(0, len(profiles), _PROFILES):
            self._link.send(Profiles(list(profiles[first : first + _PROFILES])))
        self._greeted.set()
        log.info("delivery_process_ready", process=self.name, pid=self.pid)
        self._tell_ledger()

    def _outcomes(self, message: Outcomes) -> None:
        counters, outbox = self._ledger.counters, self._ledger.outbox
        counters.attempts.update(message.attempts)
        for ended in message.ended:
            if ended.reason is None:
                counters.delivered += 1
            else:
                counters.undelivered += 1
                counters.set_aside[ended.reason] += 1
        if message.ended or message.attempted:
            self._received = message.batch
            outbox.came(message.ended, message.attempted)

    async def _load(self, load: Load, link: Link | None) -> None:
        rows = None
        try:
            rows = await self._ledger.store.pending_deliveries(*load.key, load.most, load.after)
        except StoreError as error:
            log.error("delivery_queue_not_loaded", process=self.name, error=str(error))
        if link is not None:
            link.send(Page(load.number, rows))

    # Part of the commit.

    def committing(self) -> None:
        """What has come until now is in the commit under way."""
        self._taken = self._received

    def committed(self) -> None:
        if self._taken > self._written:
            self._written = self._taken
            if self._written == self._received:
                self._all_written.set()
            if self._link is not None:
                self._link.send(Written(self._written))

    # What it is told.

    def hand(self, messages: Sequence[Message]) -> None:
        """Deliver what has been committed; what cannot be handed is in the ledger."""
        link = self._link
        if link is None or not self.ready or self.behind:
            return
        if link.full:
            self.behind = True
            return
        if self._scan is not None:
            link.send(TakeUp(list({(each.device_ref, each.queue): None for each in messages})))
        else:
            for first in range(0, len(messages), _MESSAGES):
                link.send(Hand(list(messages[first : first + _MESSAGES])))
        self._handed_at = link.sent

    def take_up(self, keys: Sequence[QueueKey]) -> None:
        """The ledger has messages of queues."""
        link = self._link
        if link is None or not self.ready or self.behind:
            return
        if link.full:
            self.behind = True
            return
        link.send(TakeUp(list(keys)))
        self._handed_at = link.sent

    def removed(self, device_ref: int) -> None:
        if self._link is not None and self.ready:
            self._link.send(Removed(device_ref))

    def profile_changed(self, ref: int) -> None:
        if self._link is not None and self.ready:
            profile = self._ledger.table.get(ref)
            self._link.send(Profiles([], [ref]) if profile is None else Profiles([profile]))

    def _room(self) -> None:
        """It reads again."""
        if self.behind:
            self.behind = False
            self._tell_ledger()

    def _tell_ledger(self) -> None:
        if self._scan is not None:
            self._scan.cancel()
        self.behind = False
        self._scan = self._ledger.supervisor.start(TASK, self._tell())

    async def _tell(self) -> None:
        """Have it take up all its queues in the ledger."""
        after: QueueKey = (-(1 << 62), "")
        failures = 0
        while not self.behind:
            try:
                queues = await self._ledger.store.pending_queues(after, _SCAN_PAGE, None)
            except StoreError as error:
                failures += 1
                log.error("ledger_not_read", process=self.name, error=str(error))
                await asyncio.sleep(min(failures, _LONGEST_WAIT))
                continue
            if not queues:
                break
            after = queues[-1][0], queues[-1][1]
            keys = [(ref, name) for ref, name, _partition in queues if self._mine((ref, name))]
            if keys:
                self.take_up(keys)
        if self._scan is asyncio.current_task():
            self._scan = None

    # Its end.

    async def stop(self, grace: float) -> None:
        """Let attempts under way end, for a while."""
        self._stopping = True
        if self._link is not None and self.ready:
            self._link.send(Stop(grace))
            try:
                async with asyncio.timeout(grace + 1.0):
                    await self._ended.wait()
            except TimeoutError:
                log.warning("delivery_process_killed", process=self.name)
        if self._life is not None:
            # Its end is taken note of by itself, but for what it waits before another one.
            await asyncio.wait({self._life}, timeout=0.1 if self._link is None else _KILL_AFTER + 1.0)
        self.abandon()
        if self._life is not None:
            await asyncio.gather(self._life, return_exceptions=True)

    def abandon(self) -> None:
        """Let go of it at once, as a killed server does."""
        self._stopping = True
        if self._life is not None:
            self._life.cancel()


class DeliveryProcesses:
    """All delivery processes; each device belongs to one."""

    def __init__(self, plan: ProcessPlan, ledger: Ledger) -> None:
        self._count = plan.processes
        self.each = [
            DeliveryProcess(number + 1, plan.start, ledger, partial(self._belongs, number))
            for number in range(plan.processes)
        ]
        ledger.table.on_change = self._profile_changed

    @staticmethod
    def serves(key: QueueKey) -> bool:
        """Whether a queue is delivered by such a process. Connections are kept by the server itself."""
        return not key[1].startswith("-")

    def _belongs(self, number: int, key: QueueKey) -> bool:
        return key[0] % self._count == number and self.serves(key)

    def begin(self) -> None:
        for process in self.each:
            process.begin()

    def hand(self, messages: Sequence[Message]) -> None:
        """Deliver what has been committed."""
        if self._count == 1:
            self.each[0].hand(messages)
            return
        shares: list[list[Message]] = [[] for _process in self.each]
        for message in messages:
            shares[message.device_ref % self._count].append(message)
        for process, share in zip(self.each, shares, strict=True):
            if share:
                process.hand(share)

    def take_up(self, key: QueueKey) -> None:
        self.each[key[0] % self._count].take_up([key])

    def committing(self) -> None:
        for process in self.each:
            process.committing()

    def committed(self) -> None:
        for process in self.each:
            process.committed()

    def removed(self, device_ref: int) -> None:
        self.each[device_ref % self._count].removed(device_ref)

    def may_hold(self, device_ref: int) -> bool:
        return self.each[device_ref % self._count].busy

    def _profile_changed(self, ref: int) -> None:
        for process in self.each:
            process.profile_changed(ref)

    @property
    def away(self) -> list[str]:
        """The names of those that do not deliver."""
        return [process.name for process in self.each if not process.ready]

    async def stop(self, grace: float) -> None:
        await asyncio.gather(*(process.stop(grace) for process in self.each))

    def abandon(self) -> None:
        for process in self.each:
            process.abandon()


async def _either(*events: asyncio.Event) -> None:
    """Wait for the first of several events."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=_KILL_AFTER)
    except subprocess.TimeoutExpired:
        # Its end of the socket is gone, and it is not.
        process.kill()
        process.wait()
