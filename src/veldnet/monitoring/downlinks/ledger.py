"""Commit participant that keeps the list of downlinks: what waits, what is sent, and what became of it.

The rows of a downlink are written in the transaction that changes the queue of its device, so the list is
never behind or ahead of it. Frames without an application's downlink cost nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from veldnet.monitoring.subscriptions import Feed
from veldnet.network.core import DownlinkRecord, DownlinkRejectedRecord, UplinkRecord
from veldnet.network.core.state import DeviceState, InFlight, QueuedDownlink
from veldnet.network.shell import Entry, Recorded
from veldnet.store import AnsweredDownlinkRow, DownlinkRow, FrameRow, Rows, Statement, millis_of
from veldnet.store.schema import devices, downlinks, subscribers

from .states import State

# Milliseconds in which a node tells what became of a downlink, after the device has gone to another one.
_TOLD_WITHIN = 60_000


class Changed(msgspec.Struct, frozen=True):
    """A downlink of which something new is known."""

    id: int
    device_ref: int


class DownlinkLedger(Feed[Changed]):
    """Takes part in the commits; subscriptions hear of what was committed."""

    def __init__(self, clock: Callable[[], float], *, streams: int = 200, most: int = 1000) -> None:
        super().__init__(streams=streams, most=most)
        self._clock = clock
        self._rows: dict[int, DownlinkRow] = {}
        self._answers: dict[int, AnsweredDownlinkRow] = {}
        self._changed: dict[Changed, int] = {}
        self._writing: dict[Changed, int] = {}

    # The queue.

    def queue_changed(self, entry: Entry, before: DeviceState) -> None:
        after, now = entry.state, self._now
        known = set(before.queue)
        waiting = {item.id for item in after.queue}
        for item in after.queue:
            if item not in known:
                self._put(entry, _queued(entry, item, now))
        flying = {item.submission for item in after.in_flight}
        sent_before = {item.submission for item in before.in_flight}
        for flight in after.in_flight:
            if flight.submission and flight.submission not in sent_before:
                self._put(entry, _sending(entry, flight, now))
        for item in before.queue:
            # One that was discarded has a record, which says why.
            if item.id not in waiting and item.id not in flying:
                gone = _queued(entry, item, now)
                self._put(entry, replace(gone, state=int(State.CANCELLED)))
        for flight in before.in_flight:
            # The same: what a base station has reported is in a record.
            if flight.submission and flight.submission not in flying:
                lost = _sending(entry, flight, now)
                self._put(entry, replace(lost, state=int(State.FAILED), reason="reset"))
        self._overtaken(entry, before, now)

    def _overtaken(self, entry: Entry, before: DeviceState, now: int) -> None:
        """A confirmed downlink whose answer nobody waits for any more, for the next one is on its way."""
        old = before.session.awaited_ack if before.session else None
        new = entry.state.session.awaited_ack if entry.state.session else None
        if old is not None and new is not None and old.submission and old.submission != new.submission:
            self._answer(entry, AnsweredDownlinkRow(int(State.UNACKNOWLEDGED), now, 0, old.submission))

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], frames: Sequence[FrameRow]) -> Sequence[Rows]:
        for record, _device, entry in recorded:
            if entry is None:
                continue
            if isinstance(record, UplinkRecord):
                if record.awaited_submission:
                    self._answered(entry, record)
            elif isinstance(record, DownlinkRecord):
                if record.submission:
                    self._ended(entry, record)
            elif isinstance(record, DownlinkRejectedRecord):
                self._refused(entry, record)
        rows, self._rows = self._rows, {}
        answers, self._answers = self._answers, {}
        self._writing, self._changed = self._changed, {}
        return [
            (Statement.PUT_DOWNLINK, list(rows.values())),
            (Statement.ANSWER_DOWNLINK, list(answers.values())),
        ]

    def committed(self) -> None:
        written, self._writing = self._writing, {}
        for changed, subscriber_ref in written.items():
            for subscription in self._subscriptions:
                if self._of_subscriber(subscription, subscriber_ref):
                    subscription.put(changed)

    def failed(self) -> None:
        """The queues are what they were, and so is the list."""
        self._rows, self._answers, self._changed, self._writing = {}, {}, {}, {}

    def _ended(self, entry: Entry, record: DownlinkRecord) -> None:
        at, discarded = round(record.time * 1000), record.id == record.submission
        causes = (("RX1", record.cause_rx1), ("RX2", record.cause_rx2), ("PING", record.cause_ping))
        # What is discarded goes to no slot: its one cause is of no window.
        shown = [code if discarded else f"{slot}:{code}" for slot, code in causes if code != "00"]
        self._put(
            entry,
            DownlinkRow(
                id=record.submission,
                device_ref=record.device_ref,
                state=int(State.SENT if record.delivered else State.FAILED),
                submitted_at=millis_of(record.submission),
                updated_at=at,
                fport=record.fport or 0,
                size=len(record.payload),
                payload=record.payload,
                confirmed=record.confirmed,
                fcnt=record.fcnt,
                correlation_id=record.correlation_id,
                sent_at=at if record.delivered else None,
                frame_id=record.id,
                base_station=None if record.base_station is None else int(record.base_station),
                slot=record.slot if record.delivered else None,
                causes=" ".join(shown) or None,
            ),
        )

    def _refused(self, entry: Entry, record: DownlinkRejectedRecord) -> None:
        self._put(
            entry,
            DownlinkRow(
                id=record.id,
                device_ref=record.device_ref,
                state=int(State.FAILED),
                submitted_at=millis_of(record.id),
                updated_at=round(record.time * 1000),
                fport=record.fport,
                size=record.size,
                payload=None,
                confirmed=False,
                correlation_id=record.correlation_id,
                frame_id=record.id,
                reason="rate" if record.over_limit else "size",
            ),
        )

    def _answered(self, entry: Entry, record: UplinkRecord) -> None:
        good = record.acknowledged_fcnt is not None
        state = State.ACKNOWLEDGED if good else State.UNACKNOWLEDGED
        at = round(record.time * 1000)
        self._answer(entry, AnsweredDownlinkRow(int(state), at, record.id, record.awaited_submission))

    def _put(self, entry: Entry, row: DownlinkRow) -> None:
        before = self._rows.get(row.id)
        if before is not None:
            # The queue knows more of a downlink than what is in flight and its record.
            row = replace(
                row,
                submitted_at=before.submitted_at,
                payload=before.payload if row.payload is None else row.payload,
                priority=before.priority,
                expires_at=before.expires_at,
                sending_at=before.sending_at if row.sending_at is None else row.sending_at,
            )
        self._rows[row.id] = row
        self._note(entry, row.id)

    def _answer(self, entry: Entry, row: AnsweredDownlinkRow) -> None:
        self._answers[row.id] = row
        self._note(entry, row.id)

    def _note(self, entry: Entry, identifier: int) -> None:
        if self._subscriptions:
            device = entry.device.row
            self._changed[Changed(identifier, device.ref)] = device.subscriber_ref

    @property
    def _now(self) -> int:
        return round(self._clock() * 1000)


def settle(connection: Connection, now: int, partitions: Collection[int] | None = None) -> None:
    """At the start of a server nothing is being sent: what a server before it had under way has failed,
    unless the report on its device says better. At a node that takes partitions of devices others may be
    sending: what they tell comes within seconds."""
    query = update(downlinks).where(
        downlinks.c.subscriber_ref.in_(select(subscribers.c.ref)),
        downlinks.c.state == int(State.SENDING),
    )
    if partitions is not None:
        theirs = select(devices.c.ref).where(devices.c.partition.in_(sorted(partitions)))
        query = query.where(downlinks.c.device_ref.in_(theirs), downlinks.c.updated_at < now - _TOLD_WITHIN)
    connection.execute(query.values(state=int(State.FAILED), reason="interrupted", updated_at=now))


def _queued(entry: Entry, item: QueuedDownlink, now: int) -> DownlinkRow:
    return DownlinkRow(
        id=item.id,
        device_ref=entry.device.row.ref,
        state=int(State.QUEUED),
        submitted_at=round(item.submitted_at * 1000),
        updated_at=now,
        fport=item.fport,
        size=len(item.payload),
        payload=item.payload,
        confirmed=item.confirmed,
        fcnt=item.fcnt,
        priority=item.priority,
        after_join=item.for_pending_session,
        expires_at=None if item.expires_at is None else round(item.expires_at * 1000),
        correlation_id=item.correlation_id,
    )


def _sending(entry: Entry, item: InFlight, now: int) -> DownlinkRow:
    return DownlinkRow(
        id=item.submission,
        device_ref=entry.device.row.ref,
        state=int(State.SENDING),
        submitted_at=millis_of(item.submission),
        updated_at=now,
        fport=item.fport or 0,
        size=len(item.payload),
        payload=item.payload,
        confirmed=item.confirmed,
        fcnt=item.fcnt,
        correlation_id=item.correlation_id,
        sending_at=now,
        base_station=int(item.base_station),
    )
