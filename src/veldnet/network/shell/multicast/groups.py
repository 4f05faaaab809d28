"""Multicast groups in memory, and how they are sent to.

Takes part in the commits: the state of a group, with the counter that a frame spends, is durable before a
base station gets the frame. What interrupts an attempt loses its results, not the frame: it is repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

import structlog

from veldnet.domain.documents import PlanSettings
from veldnet.domain.groups import GroupRow
from veldnet.keys import Vault, VaultError
from veldnet.lorawan import BaseStationId, DevEui
from veldnet.network.core.base_station_radios import BaseStationRadios
from veldnet.network.core.events import NO_GPS_TIME, DownlinkRequest, Submission, SubmissionRefusal, Transmit
from veldnet.network.core.multicast import (
    ABORTED,
    OVER_RATE,
    PARTIAL,
    GroupContext,
    GroupState,
    begin,
    catch_up,
    encode_group_state,
    finish_attempt,
    octets_of,
    plan_attempt,
    submit,
)
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.records import MulticastRecord, MulticastSummaryRecord
from veldnet.network.core.transmission import Done
from veldnet.network.shell.catalogue import Catalogue
from veldnet.network.shell.commit_loop import CommitLoop, Recorded
from veldnet.network.shell.partitions import Owned
from veldnet.network.shell.runtime import Runtime
from veldnet.network.shell.tasks import Tasks
from veldnet.store import (
    FrameRow,
    GroupStateRow,
    MulticastFrameRow,
    NotServed,
    Rows,
    Statement,
    Store,
    StoreError,
    multicast,
)

from . import entry as entries
from .attempt import Attempt, AttemptParts
from .entry import GroupEntry, GroupStations, device_of, pack_results, sending_row
from .reading import UnreadableGroup, check_data_rate, open_keys, read_state, stations_of

log = structlog.get_logger(__name__)


_TASK = "multicast groups"
# Seconds for which the base stations of a group are not worked out again, and before a store that did not
# answer is asked again.
_STATIONS_FOR, _STORE_PAUSE = 600.0, 1.0


class GroupParts(NamedTuple):
    """What groups live by: `generation` is how often the database was restored from a backup."""

    parameters: NetworkParameters
    store: Store
    vault: Vault
    catalogue: Catalogue
    owned: Owned
    generation: int
    radios: BaseStationRadios


class MulticastGroups:
    """`transmit` gives a frame to the transmitter with the number that its outcome comes back under."""

    def __init__(
        self,
        runtime: Runtime,
        parts: GroupParts,
        commits: CommitLoop,
        tasks: Tasks,
    ) -> None:
        self._clock, self._ids, self._supervisor = runtime.clock, runtime.ids, runtime.supervisor
        self._parameters, self._generation = parts.parameters, parts.generation
        self._store, self._vault, self._catalogue = parts.store, parts.vault, parts.catalogue
        self._commits, self._owned, self._tasks = commits, parts.owned, tasks
        self._radios = parts.radios
        self.transmit: Callable[[int, Transmit], None] = lambda _ref, _effect: None
        # Told of groups whose plan has refused a downlink for its rate.
        self.over_rate: Callable[[int], None] = lambda _ref: None
        # Addresses that no session may have.
        self.addresses: frozenset[int] = frozenset()
        self._entries: dict[int, GroupEntry] = {}
        self._loading = asyncio.Lock()
        # To be written with the next commit, and what follows once it is durable.
        self._dirty: dict[int, GroupEntry] = {}
        self._frames: dict[int, MulticastFrameRow] = {}
        self._effects: list[Callable[[], None]] = []
        self._released: list[Callable[[], None]] = []

    # Part of the commit.

    def rows(self, _recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        if not (self._dirty or self._frames or self._effects):
            return ()
        dirty, self._dirty = self._dirty, {}
        written, self._frames = self._frames, {}
        self._released += self._effects
        self._effects = []
        rows: list[Rows] = []
        if dirty:
            rows.append((Statement.UPDATE_GROUP_STATE, [_state_row(dirty[ref]) for ref in sorted(dirty)]))
        if written:
            rows.append((Statement.PUT_MULTICAST_FRAME, [written[key] for key in sorted(written)]))
        return rows

    def committed(self) -> None:
        released, self._released = self._released, []
        for effect in released:
            self._supervisor.guard(_TASK, effect)

    def failed(self) -> None:
        """Memory is ahead of the store: go on from what is stored."""
        self._released, self._effects = [], []
        self._dirty, self._frames = {}, {}
        self._forget(list(self._entries.values()))
        self.resume(self._owned.stored)

    # Loading.

    async def load_addresses(self) -> None:
        self.addresses = await self._store.read(multicast.group_addresses)

    def resume(self, stored: Collection[int] | None) -> None:
        """Go on with the groups of some partitions for which something is left; None for all."""
        self._tasks.spawn(_TASK, self._resume(stored))

    async def _resume(self, stored: Collection[int] | None) -> None:
        while True:
            try:
                refs = await self._store.read(partial(multicast.busy_groups, partitions=stored))
                for ref in refs:
                    await self._resume_one(ref)
                return
            except (StoreError, VaultError) as error:
                log.warning("multicast_groups_not_loaded", error=str(error))
                await asyncio.sleep(_STORE_PAUSE)

    async def _resume_one(self, ref: int) -> None:
        """One that cannot be read or worked on is reported, and does not hold up the others. Raises
        `StoreError` and `VaultError` where store or vault do not work at all."""
        try:
            found = await self._entry(partial(multicast.group_by_ref, ref=ref))
            if found is not None and found.row.partition in self._owned:
                await self._read_stations(found)
                self._continue(found)
        except UnreadableGroup as error:
            log.error("multicast_group_unreadable", group=ref, error=str(error))
        except (StoreError, VaultError):
            raise
        except Exception as error:
            self._supervisor.caught(_TASK, error)

    async def _entry(self, query: Callable[..., GroupRow | None]) -> GroupEntry | None:
        """A group by a query; the one in memory is ahead of the store. Raises `StoreError`, `VaultError`;
        `UnreadableGroup` where its keys, its state or its data rate make no sense."""
        async with self._loading:
            row = await self._store.read(query)
            if row is None:
                return None
            known = self._entries.get(row.ref)
            if known is not None:
                return known
            check_data_rate(row, self._parameters.channel_plans.get(row.region))
            keys = await open_keys(self._vault, row)
            state = self._stored(row)
            made = GroupEntry(row, keys, device_of(row, self._plan(row)), state)
            if row.partition in self._owned:
                self._entries[row.ref] = made
            return made

    def _stored(self, row: GroupRow) -> GroupState:
        return catch_up(read_state(row), self._generation)

    def next_counter(self, row: GroupRow) -> int:
        """No frame to come has a counter below this one: what is spent is stored before it is sent, whoever
        serves the group. Raises `UnreadableGroup`."""
        return self._stored(row).fcnt_down

    def _plan(self, row: GroupRow) -> PlanSettings | None:
        return self._catalogue.plan_of(row.plan_ref, row.subscriber_ref)

    async def changed(self, ref: int) -> None:
        """A group was created, changed or removed. Raises `StoreError`."""
        await self.load_addresses()
        known = self._entries.get(ref)
        if known is None:
            return
        row = await self._store.read(partial(multicast.group_by_ref, ref=ref))
        if row is None:
            self._forget([known])
            return
        known.row = row
        known.device = device_of(row, self._plan(row))
        known.stations = None

    def rules_changed(self) -> None:
        """Connectivity plans changed."""
        for known in self._entries.values():
            known.device = device_of(known.row, self._plan(known.row))

    def stations_changed(self) -> None:
        """Base stations came, went, or have other tags."""
        for known in self._entries.values():
            known.stations = None

    # Partitions, of a node among others.

    async def take(self, partitions: frozenset[int]) -> None:
        """Serve the groups of partitions; the network has taken them."""
        self.resume(self._owned.stored_of(partitions))

    async def give(self, partitions: frozenset[int]) -> None:
        """Send nothing more to the groups of partitions: whoever serves them repeats what is under way."""
        self.lose(partitions)

    def lose(self, partitions: frozenset[int]) -> None:
        stored = self._owned.stored_of(partitions)
        self._forget([known for known in self._entries.values() if known.row.partition in stored])

    def _forget(self, gone: list[GroupEntry]) -> None:
        for known in gone:
            known.rest()
            known.removed = True
            self._entries.pop(known.row.ref, None)
            self._dirty.pop(known.row.ref, None)

    def close(self) -> None:
        for known in self._entries.values():
            known.rest()

    # Base stations.

    async def _read_stations(self, known: GroupEntry) -> GroupStations:
        now, held = self._clock(), known.stations
        if held is not None and now - held.read_at < _STATIONS_FOR:
            return held
        known.stations = await stations_of(self._store, self._parameters.channel_plans, known.row, now)
        return known.stations

    # Submissions.

    async def queue(self, dev_eui: DevEui, request: DownlinkRequest) -> Submission | None:
        """Queue a downlink to a group; durable when this returns. None where no group has the DevEUI. Raises
        `StoreError`, `NotServed` where another node has the group."""
        try:
            known = await self._entry(partial(multicast.group_by_dev_eui, dev_eui=str(dev_eui)))
        except VaultError as error:
            raise StoreError(f"the keys of the group cannot be opened: {error}") from None
        if known is None:
            return None
        if known.row.partition not in self._owned:
            raise NotServed("another node serves the group")
        stations = await self._read_stations(known)
        if known.removed:
            raise StoreError("the group was changed meanwhile")
        now = self._clock()
        frame_id, before = self._ids.next(now), known.state
        state, refusal = submit(self._context(known), before, request, frame_id, len(stations.stations))
        if refusal is None and request.payload is not None:
            refusal = self._without_gps_time(known.row, stations.stations, now)
        if refusal is not None:
            if refusal is OVER_RATE:
                self.over_rate(known.row.ref)
            return Submission(frame_id, refusal)
        kept = {frame.id for frame in state.queue}
        for frame in before.queue:
            if frame.id not in kept:
                self._note_dropped(known, frame.id, frame.fport, len(frame.payload), frame.submitted_at)
        if request.payload is not None and request.fport is not None:
            self._frames[frame_id] = MulticastFrameRow(
                id=frame_id,
                group_ref=known.row.ref,
                subscriber_ref=known.row.subscriber_ref,
                state=entries.QUEUED,
                submitted_at=round(now * 1000),
                updated_at=round(now * 1000),
                fport=request.fport,
                size=len(request.payload),
                fcnt=request.fcnt,
                correlation_id=request.correlation_id,
                stations=len(stations.stations),
            )
        self._effects.append(partial(self._continue, known))
        self._write(known, state)
        await self._commits.durable()
        return Submission(frame_id, None)

    def _note_dropped(
        self, known: GroupEntry, frame_id: int, fport: int, size: int, submitted_at: float
    ) -> None:
        """A flush has taken a downlink out of the queue."""
        self._frames[frame_id] = MulticastFrameRow(
            id=frame_id,
            group_ref=known.row.ref,
            subscriber_ref=known.row.subscriber_ref,
            state=entries.DISCARDED,
            submitted_at=round(submitted_at * 1000),
            updated_at=round(self._clock() * 1000),
            fport=fport,
            size=size,
            reason="the queue was cleared",
        )

    async def state_of(self, dev_eui: DevEui) -> GroupState | None:
        """What a group waits for and sends. Raises `StoreError`, `NotServed`."""
        try:
            known = await self._entry(partial(multicast.group_by_dev_eui, dev_eui=str(dev_eui)))
        except VaultError as error:
            raise StoreError(f"the keys of the group cannot be opened: {error}") from None
        if known is not None and known.row.partition not in self._owned:
            raise NotServed("another node serves the group")
        return None if known is None else known.state

    def _without_gps_time(
        self, row: GroupRow, stations: Sequence[BaseStationId], now: float
    ) -> SubmissionRefusal | None:
        """Ping slots need GPS time: without a base station that has it, every attempt would fail."""
        if row.group_class != "B":
            return None
        if any(self._radios.refuses_gps_time(station, now) is False for station in stations):
            return None
        return SubmissionRefusal(115, NO_GPS_TIME)

    # Sending.

    def _context(self, known: GroupEntry) -> GroupContext:
        plan = self._parameters.channel_plans.get(known.row.region)
        return GroupContext(
            self._parameters,
            known.row,
            known.device.plan,
            None if plan is None else plan.region,
            known.keys,
            self._clock(),
        )

    def _write(
        self,
        known: GroupEntry,
        state: GroupState,
        records: Sequence[MulticastRecord | MulticastSummaryRecord] = (),
    ) -> None:
        known.state = state
        self._dirty[known.row.ref] = known
        for record in records:
            self._commits.add_record(record, known.device)
        self._commits.wake()

    def _continue(self, known: GroupEntry) -> None:
        """Go on with what a group has: its next frame, or the attempt that is due."""
        if known.removed or known.attempt is not None or known.timer is not None:
            return
        sending = known.state.sending
        if sending is not None:
            delay = max(sending.attempt_at - self._clock(), 0.0)
            known.timer = asyncio.get_running_loop().call_later(delay, self._attempt_due, known)
        elif known.state.queue:
            self._tasks.spawn(_TASK, self._begin(known))

    async def _begin(self, known: GroupEntry) -> None:
        try:
            stations = await self._read_stations(known)
        except StoreError:
            known.timer = asyncio.get_running_loop().call_later(_STORE_PAUSE, self._again, known)
            return
        if known.removed or known.state.sending is not None:
            return
        step = begin(self._context(known), known.state, stations.stations)
        for record in step.records:
            if isinstance(record, MulticastSummaryRecord):
                self._note_ended(known, record, b"")
        if step.state.sending is not None:
            self._note_sending(known, step.state)
        self._effects.append(partial(self._continue, known))
        self._write(known, step.state, step.records)

    def _again(self, known: GroupEntry) -> None:
        known.timer = None
        self._continue(known)

    def _note_sending(self, known: GroupEntry, state: GroupState) -> None:
        assert state.sending is not None
        self._frames[state.sending.frame.id] = sending_row(known.row, state.sending, self._clock())

    def _attempt_due(self, known: GroupEntry) -> None:
        known.timer = None
        sending = known.state.sending
        if known.removed or sending is None or known.attempt is not None:
            return
        if known.row.partition not in self._owned:
            self._forget([known])
            return
        context = self._context(known)
        if context.plan is None or context.region is None:
            # Without service nothing is sent; the frame ends with the causes that it has.
            self._attempt_over(known, {})
            return
        places = {} if known.stations is None else known.stations.places
        ref = known.row.ref
        parts = AttemptParts(
            self._clock,
            lambda: self._ids.next(self._clock()),
            partial(self._hand_over, ref),
            partial(self._attempt_over, known),
        )
        planned = plan_attempt(context, sending, places)
        if not planned:
            self._attempt_over(known, {})
            return
        known.attempt = Attempt(parts, octets_of(context, sending), planned)

    def _hand_over(self, ref: int, effect: Transmit) -> None:
        self.transmit(ref, effect)

    def transmitted(self, ref: int, token: int, outcome: Done) -> None:
        """A transmission has ended."""
        known = self._entries.get(ref)
        if known is not None and known.attempt is not None:
            known.attempt.transmitted(token, outcome)

    def _attempt_over(self, known: GroupEntry, causes: dict[int, str]) -> None:
        known.rest()
        now = self._clock()
        before = known.state.sending
        assert before is not None
        step = finish_attempt(
            self._context(known), known.state, causes, (self._ids.next(now), self._ids.next(now))
        )
        summary = step.records[-1]
        assert isinstance(summary, MulticastSummaryRecord)
        self._note_ended(known, summary, pack_results(step.results), before.frame.submitted_at)
        self._effects.append(partial(self._continue, known))
        self._write(known, step.state, step.records)

    def _note_ended(
        self,
        known: GroupEntry,
        summary: MulticastSummaryRecord,
        results: bytes,
        submitted_at: float | None = None,
    ) -> None:
        now = round(self._clock() * 1000)
        state = entries.SENT
        if summary.status == PARTIAL:
            state = entries.SENDING
        elif summary.status == ABORTED:
            state = entries.ABORTED if summary.attempt else entries.DISCARDED
        causes = ",".join(f"{cause}={count}" for cause, count in summary.causes.items())
        self._frames[summary.submission] = MulticastFrameRow(
            id=summary.submission,
            group_ref=known.row.ref,
            subscriber_ref=known.row.subscriber_ref,
            state=state,
            submitted_at=now if submitted_at is None else round(submitted_at * 1000),
            updated_at=now,
            fport=summary.fport,
            size=summary.size,
            fcnt=summary.fcnt,
            correlation_id=summary.correlation_id,
            attempts=summary.attempt,
            sent_at=now if summary.succeeded else None,
            stations=summary.stations,
            succeeded=summary.succeeded,
            failed=summary.stations - summary.succeeded,
            causes=causes,
            results=results or None,
            reason=summary.decisions[0] if summary.decisions else None,
        )


def _state_row(known: GroupEntry) -> GroupStateRow:
    state = known.state
    return GroupStateRow(encode_group_state(state), 1 if state.busy else None, known.row.ref)
