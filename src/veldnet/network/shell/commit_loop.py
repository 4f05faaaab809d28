"""Group commit: the records of many frames become durable together before their effects are released.

Batches are written one after another. A frame that comes alone is written at once. While a batch is under way
the next one collects, until a short time after its end or up to a number of records, whichever comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

import structlog

from veldnet.network.core.device_class import current_class, has_unsolicited_downlinks
from veldnet.network.core.events import Device, Effect, Transition
from veldnet.network.core.records import DownlinkRecord, JoinRecord, Record, UplinkRecord
from veldnet.network.core.state import DeviceState, encode_join_memory, encode_state
from veldnet.store import (
    BodyRow,
    FrameRow,
    JoinMemoryRow,
    LeaseLost,
    Rows,
    Statement,
    StateRow,
    Store,
    StoreError,
)

from .entries import Entry
from .journal import journal_rows
from .options import ServerOptions
from .runtime import Runtime
from .write_probe import WriteProbe

log = structlog.get_logger(__name__)


class Recorded(NamedTuple):
    """A record, and the device it is of with its place in memory, where it is of one."""

    record: Record
    device: Device | None
    entry: Entry | None = None


class Participant(Protocol):
    """A room that takes part in the frames' own transaction.

    `rows` turns the records of a batch, their frame rows, and what the room has to write of its own, into
    rows for the same commit. It may change `monitoring` of the entries, which is written with their state.
    Then `committed` hears that all is durable, or `failed` that nothing was written.
    """

    def rows(self, recorded: Sequence[Recorded], frames: Sequence[FrameRow]) -> Sequence[Rows]: ...

    def committed(self) -> None: ...

    def failed(self) -> None: ...


class QueueWatcher(Protocol):
    """A participant that also follows downlinks from the queue on."""

    def queue_changed(self, entry: Entry, before: DeviceState) -> None:
        """The queue of a device, or what it has in flight, is another than `before`; it will be written with
        the next `rows`."""


class _Batch:
    __slots__ = ("begun", "done", "effects", "entries", "memories", "parts", "recorded")

    def __init__(self) -> None:
        # When the first of it came, by the loop's clock.
        self.begun: float | None = None
        self.recorded: list[Recorded] = []
        self.effects: list[tuple[Entry, Effect]] = []
        self.entries: dict[int, Entry] = {}
        self.memories: dict[int, Entry] = {}
        self.parts: list[BodyRow] = []
        self.done: asyncio.Future[bool] | None = None


_MANY_BATCHES = 8


class CommitLoop:
    """Collects what transitions lead to, commits it in groups, and releases the effects.

    `release` receives each effect after its commit; `failed` is called when a commit could not be made,
    after which nothing of the batch has happened.
    """

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        options: ServerOptions,
        release: Callable[[Entry, Effect], None],
        failed: Callable[[], None],
    ) -> None:
        self._supervisor = runtime.supervisor
        self._store = store
        self._counters = runtime.counters
        self._release = release
        self._failed = failed
        self._interval = options.commit_interval
        self._size = options.commit_size
        self._participants: list[Participant] = []
        self._queue_watcher: QueueWatcher | None = None
        self._batch = _Batch()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._wanted = False
        # When the last commit ended, by the loop's clock.
        self._ended = float("-inf")
        self._idle = asyncio.Event()
        self._idle.set()
        self.lost_lease = False
        # Called when a commit has found that another process holds what it would have written.
        self.on_lease_lost: Callable[[], None] = lambda: None
        self._probe = WriteProbe(runtime.supervisor, store)

    def join(self, participant: Participant) -> None:
        """Let a room take part in the commits."""
        self._participants.append(participant)

    def watch_queues(self, watcher: QueueWatcher) -> None:
        """Have changes of queues told to a participant."""
        self._queue_watcher = watcher

    @property
    def failing(self) -> bool:
        """Whether a commit could not be made, and the store takes nothing since."""
        return self._probe.failing

    @property
    def waiting(self) -> int:
        """Records that are not yet being written."""
        return len(self._batch.recorded)

    @property
    def lag(self) -> float:
        """Seconds that the oldest record has waited to be written, where there are more than fit a few
        batches: a slow disk alone makes nothing too much."""
        begun = self._batch.begun
        if begun is None or len(self._batch.recorded) < _MANY_BATCHES * self._size:
            return 0.0
        return asyncio.get_running_loop().time() - begun

    def add(self, entry: Entry, transition: Transition, before: DeviceState) -> None:
        """Take over the result of a transition; its state is read when the batch is written."""
        state, watcher = transition.state, self._queue_watcher
        if watcher is not None and (
            state.queue is not before.queue or state.in_flight is not before.in_flight
        ):
            self._supervisor.guard("frame commits", watcher.queue_changed, entry, before)
        batch = self._batch
        device = entry.device
        for record in transition.records:
            batch.recorded.append(Recorded(record, device, entry))
        for effect in transition.effects:
            batch.effects.append((entry, effect))
        self._enlist(entry)
        if transition.join_memory is not None:
            batch.memories[device.row.ref] = entry
        self.wake()

    def note(self, entry: Entry, record: Record) -> None:
        """Record something of a device that changes nothing of its state."""
        self._batch.recorded.append(Recorded(record, entry.device, entry))
        self.touch(entry)

    def touch(self, entry: Entry) -> None:
        """Have an entry written though nothing is recorded of it: its `monitoring` has changed, or will."""
        self._enlist(entry)
        self.wake()

    def drop_removed(self) -> None:
        """Write nothing of devices that were removed from memory since their frames were judged: another
        process serves them. What is being written proves for itself that it may be."""
        batch = self._batch
        batch.recorded = [each for each in batch.recorded if each.entry is None or not each.entry.removed]
        batch.effects = [(entry, effect) for entry, effect in batch.effects if not entry.removed]
        for entries in (batch.entries, batch.memories):
            for ref in [ref for ref, entry in entries.items() if entry.removed]:
                del entries[ref]

    def _enlist(self, entry: Entry) -> None:
        ref = entry.device.row.ref
        if ref not in self._batch.entries:
            self._batch.entries[ref] = entry
            entry.unwritten += 1

    async def durable(self) -> None:
        """Wait until what was handed over so far is written. Raises `StoreError` if it could not be."""
        if self._batch.done is None:
            self._batch.done = asyncio.get_running_loop().create_future()
        done = self._batch.done
        self.wake()
        if not await done:
            raise StoreError("the commit failed; nothing of it was written")

    def add_record(self, record: Record, device: Device | None = None) -> None:
        """Record something that belongs to no device in memory: to none at all, or to a multicast group."""
        self._batch.recorded.append(Recorded(record, device))
        self.wake()

    def add_part(self, frame_id: int, part: int, body: bytes) -> None:
        """Add to the body of a frame already recorded, such as copies that came late."""
        self._batch.parts.append(BodyRow(frame_id, part, body))
        self.wake()

    def wake(self) -> None:
        """See to it that what waits is written soon."""
        self._idle.clear()
        self._wanted = True
        batch = self._batch
        if batch.begun is None:
            batch.begun = asyncio.get_running_loop().time()
        if self._task is not None:
            return
        if len(batch.recorded) >= self._size:
            self._begin()
        elif self._timer is None:
            # In a turn of the loop of its own, so that all that this turn brings is written together.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._ended + self._interval, loop.time()), self._begin)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None:
            self._task = self._supervisor.start("frame commits", self._run())

    async def _run(self) -> None:
        batch, self._batch = self._batch, _Batch()
        self._wanted = False
        try:
            await self._write(batch)
        finally:
            self._task = None
            self._ended = asyncio.get_running_loop().time()
            if self._wanted:
                self.wake()
            else:
                self._idle.set()

    async def _write(self, batch: _Batch) -> None:
        started = perf_counter()
        try:
            rows, proof = self._rows(batch), self._store.proof()
            if rows:
                await self._store.commit(rows, proof)
        except StoreError as error:
            self._fail(error, batch)
            return
        except BaseException as error:
            # A defect, or somebody has cancelled the task: memory must not stay ahead of the store.
            self._fail(StoreError(f"the commit was broken off by {type(error).__name__}"), batch)
            raise
        self.lost_lease = False
        self._counters.commits += 1
        self._counters.committed_at = perf_counter()
        self._counters.commit_seconds += self._counters.committed_at - started
        self._count(batch.recorded)
        for entry in batch.entries.values():
            entry.unwritten -= 1
        # What is durable must lead to its effects: a defect in one of them keeps none of the others back.
        for entry, effect in batch.effects:
            self._supervisor.guard("frame effects", self._release, entry, effect)
        for participant in self._participants:
            self._supervisor.guard("frame effects", participant.committed)
        if batch.done is not None and not batch.done.done():
            batch.done.set_result(True)

    def _rows(self, batch: _Batch) -> list[Rows]:
        frames, bodies = journal_rows(batch.recorded)
        parts: list[Rows] = []
        for participant in self._participants:
            parts.extend(participant.rows(batch.recorded, frames))
        rows: list[Rows] = []
        if batch.entries:
            rows.append((Statement.UPDATE_STATE, [_state_row(entry) for entry in batch.entries.values()]))
        if batch.memories:
            memories = [
                JoinMemoryRow(encode_join_memory(entry.memory), entry.device.row.ref)
                for entry in batch.memories.values()
            ]
            rows.append((Statement.UPDATE_JOIN_MEMORY, memories))
        if frames:
            rows.append((Statement.INSERT_FRAME, frames))
        if bodies or batch.parts:
            rows.append((Statement.INSERT_BODY, [*bodies, *batch.parts]))
        return rows + parts

    def _fail(self, error: StoreError, batch: _Batch) -> None:
        """Nothing was written. Memory is ahead of the store, so it goes; the frames are lost like radio."""
        self._probe.failed()
        self._counters.commit_failures += 1
        self.lost_lease = self.lost_lease or isinstance(error, LeaseLost)
        log.error("commit_failed", error=str(error), lease_lost=self.lost_lease)
        lost = self._batch
        self._batch = _Batch()
        for participant in self._participants:
            self._supervisor.guard("frame commits", participant.failed)
        self._supervisor.guard("frame commits", self._failed)
        if isinstance(error, LeaseLost):
            self._supervisor.guard("frame commits", self.on_lease_lost)
        for done in (batch.done, lost.done):
            if done is not None and not done.done():
                done.set_result(False)

    def _count(self, recorded: Sequence[Recorded]) -> None:
        counters = self._counters
        for record, _device, _entry in recorded:
            if isinstance(record, UplinkRecord):
                counters.uplinks_committed += record.outcome == "accepted"
            elif isinstance(record, JoinRecord):
                counters.joins_accepted += record.outcome == "accepted"
            elif isinstance(record, DownlinkRecord):
                if record.delivered:
                    counters.downlinks_sent += 1
                else:
                    counters.downlinks_failed += 1

    async def drain(self) -> None:
        """Wait until everything handed over is durable and its effects are released."""
        if self._timer is not None:
            self._begin()
        await self._idle.wait()


def _state_row(entry: Entry) -> StateRow:
    state = entry.state
    return StateRow(
        None if state.session is None else int(state.session.dev_addr),
        None if state.pending_session is None else int(state.pending_session.dev_addr),
        encode_state(state),
        1 if has_unsolicited_downlinks(entry.device, state) else None,
        None if state.session is None else current_class(entry.device, state.session),
        entry.stored_monitoring,
        entry.device.row.ref,
    )
