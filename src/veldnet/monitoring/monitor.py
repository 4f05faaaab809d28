"""Commit participant that updates statistics, alarms and health of the devices in a batch.

Everything it decides is written in the transaction of the frames it is decided from. What time decides, the
silence of a device above all, comes in through `look`; what people decide, through `acknowledge`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog
from msgspec.structs import replace

from veldnet.domain.groups import ref_of_group
from veldnet.domain.health import Health
from veldnet.lorawan import BaseStationId
from veldnet.network.core import (
    DownlinkRecord,
    DownlinkRejectedRecord,
    JoinRecord,
    LocationRecord,
    MulticastRecord,
    Record,
    RefusedRecord,
    ResetRecord,
    UplinkRecord,
)
from veldnet.network.shell import Entry, Recorded
from veldnet.store import (
    AcknowledgementRow,
    AlarmRow,
    CheckRow,
    FrameRow,
    HealthRow,
    IdSource,
    MuteRow,
    NotificationRow,
    PastAlarmRow,
    Rows,
    Statement,
    five_infos,
)

from .alarms import machine, silence
from .alarms.machine import Alarm, Cleared, Raised, Signal, Step
from .alarms.rules import RULES, Page, Rule, RuleBook, Seen, due, next_due
from .alarms.silence import SilenceRules
from .alarms.types import DEVICE_TYPES, OF_AREAS, OF_FRAMES, SILENCE, AlarmType
from .notification.events import SUBSCRIBER, AlarmEvent, Recipients, encode_event
from .state import INTERVALS, MonitoringState, note_downlink, note_uplink, state_of
from .statistics.rollups import HourlyTotals

log = structlog.get_logger(__name__)

# Seconds until a device is looked at again where that has failed.
_AGAIN = 3600.0


class MonitorCounters:
    """What happened since the start, by alarm type."""

    def __init__(self) -> None:
        self.raised: Counter[int] = Counter()
        self.cleared: Counter[int] = Counter()


class Commits(Protocol):
    """The part of the commit loop that monitoring needs."""

    def touch(self, entry: Entry) -> None: ...


class _Batch:
    """What monitoring writes with one commit."""

    def __init__(self) -> None:
        self.raised: dict[tuple[int, int, str], AlarmRow] = {}
        self.history: list[PastAlarmRow] = []
        self.final: dict[tuple[int, int, str], AlarmRow] = {}
        self.acknowledged: dict[tuple[int, int, str], AcknowledgementRow] = {}
        self.muted: dict[tuple[int, int, str], MuteRow] = {}
        self.checks: dict[int, int | None] = {}
        self.health: dict[int, int] = {}
        self.notifications: list[NotificationRow] = []
        # Devices of which something stands here that no record has led to.
        self.looked_at: dict[int, Entry] = {}

    def forget_removed(self) -> None:
        """Write nothing of devices that have gone from memory since: another node may serve them."""
        gone = {ref for ref, entry in self.looked_at.items() if entry.removed}
        if not gone:
            return
        tables: tuple[dict[tuple[int, int, str], Any], ...]
        tables = (self.raised, self.final, self.acknowledged, self.muted)
        for table in tables:
            for key in [key for key in table if key[0] in gone]:
                del table[key]
        self.history = [row for row in self.history if row.device_ref not in gone]
        for ref in gone:
            self.checks.pop(ref, None)
            self.health.pop(ref, None)

    def rows(self) -> list[Rows]:
        # An alarm that was raised and cleared within one batch passes through its table on its way to
        # history.
        return [
            (Statement.PUT_ALARM, list(self.raised.values())),
            (Statement.INSERT_ALARM_HISTORY, self.history),
            (Statement.PUT_ALARM, list(self.final.values())),
            (Statement.ACKNOWLEDGE_ALARM, list(self.acknowledged.values())),
            (Statement.MUTE_ALARM, list(self.muted.values())),
            (Statement.UPDATE_CHECK, [CheckRow(at, ref) for ref, at in self.checks.items()]),
            (Statement.UPDATE_HEALTH, [HealthRow(value, ref) for ref, value in self.health.items()]),
            (Statement.INSERT_NOTIFICATION, self.notifications),
        ]


class AlarmPolicy(msgspec.Struct, frozen=True):
    """What is looked for at devices, and how grave it is."""

    kinds: dict[int, AlarmType] = msgspec.field(default_factory=lambda: DEVICE_TYPES)
    silence: SilenceRules = SilenceRules()
    rules: Iterable[Rule] = RULES


class FrameAlarm(NamedTuple):
    """A frame that raises an alarm of a base station, the one that has heard it best."""

    base_station: BaseStationId
    type: int
    infos: tuple[str, ...]


class Monitor:
    """Takes part in the commits. `cause` names what is behind the silence of a device, if that is known."""

    def __init__(
        self,
        commits: Commits,
        ids: IdSource,
        *,
        clock: Callable[[], float],
        policy: AlarmPolicy | None = None,
        recipients: Recipients | None = None,
        cause: Callable[[tuple[int, ...]], str | None] = lambda _stations: None,
    ) -> None:
        policy = policy or AlarmPolicy()
        self.counters = MonitorCounters()
        self.kinds = policy.kinds
        self.silence_rules = policy.silence
        self._commits = commits
        self._ids = ids
        self._clock = clock
        self._recipients = recipients or Recipients()
        self._cause = cause
        self._rules = RuleBook(policy.rules)
        self._batch = _Batch()
        self._wake_notifier: Callable[[], None] = lambda: None
        self._notified = False
        # Of the commit under way.
        self._heard: list[FrameAlarm] = []
        self._on_frame_alarm: Callable[[FrameAlarm], None] = lambda _alarm: None
        self._groups_over: list[int] = []
        self._on_group_over_limit: Callable[[int], None] = lambda _group: None
        # Whether a subscriber still has an area, by its ref.
        self.has_area: Callable[[int, int], bool] = lambda _subscriber, _area: True

    def on_notification(self, wake: Callable[[], None]) -> None:
        """Have somebody called after commits that hold notifications."""
        self._wake_notifier = wake

    def on_group_over_limit(self, note: Callable[[int], None]) -> None:
        """Have somebody told, after commits, of the groups whose downlinks were over the limit."""
        self._on_group_over_limit = note

    def on_frame_alarm(self, note: Callable[[FrameAlarm], None]) -> None:
        """Have somebody told, after commits, of frames that raise alarms of base stations."""
        self._on_frame_alarm = note

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], frames: Sequence[FrameRow]) -> Sequence[Rows]:
        self._batch.forget_removed()
        totals = HourlyTotals()
        for item, frame in zip(recorded, frames, strict=True):
            totals.add(frame)
            self.observe(item)
        batch, self._batch = self._batch, _Batch()
        self._notified = bool(batch.notifications)
        return [totals.rows(), *batch.rows()]

    def committed(self) -> None:
        heard, self._heard = self._heard, []
        for each in heard:
            self._on_frame_alarm(each)
        groups, self._groups_over = self._groups_over, []
        for group in groups:
            self._on_group_over_limit(group)
        if self._notified:
            self._wake_notifier()

    def failed(self) -> None:
        """The entries are dropped with all that was noted in them."""
        self._batch = _Batch()
        self._heard.clear()
        self._groups_over.clear()

    def observe(self, recorded: Recorded) -> None:
        """Take up a record. A defect in a rule must not keep the frame itself from its commit."""
        record, _device, entry = recorded
        if entry is None:
            group = ref_of_group(record.device_ref or 0)
            if group is not None and isinstance(record, MulticastRecord) and record.over_limit:
                self._groups_over.append(group)
            return
        try:
            self._note(record, entry)
        except Exception:
            log.exception("monitoring_failed", frame=record.id, kind=type(record).__name__)

    def _note(self, record: Record, entry: Entry) -> None:
        state = state_of(entry)
        if isinstance(record, UplinkRecord):
            if record.outcome == "accepted":
                self._uplink(record, entry, state)
            else:
                self._run(self._rules.repeated, record, entry, state)
        elif isinstance(record, DownlinkRecord):
            if record.delivered and not record.join_accept:
                note_downlink(state, record)
            if record.over_limit:
                self._run(self._rules.downlink, record, entry, state)
        elif isinstance(record, JoinRecord):
            if record.outcome == "accepted":
                state.instant_per = state.mean_per = 0.0
            self._run(self._rules.join, record, entry, state)
        elif isinstance(record, RefusedRecord):
            self._run(self._rules.refused, record, entry, state)
        elif isinstance(record, ResetRecord):
            self._reset(record, entry, state)
        elif isinstance(record, DownlinkRejectedRecord):
            self._run(self._rules.downlink, record, entry, state)
        elif isinstance(record, LocationRecord) and (record.crossings or record.unwatched):
            self._run(self._rules.located, record, entry, state)

    def _uplink(self, record: UplinkRecord, entry: Entry, state: MonitoringState) -> None:
        self._run(self._rules.accepted, record, entry, state)
        note_uplink(state, record)
        # What is planned may be the end of the 24 hours of another alarm: inactivity is counted from there.
        begins = state.check_at is None or state.health != Health.ACTIVE
        self._set_health(entry, state, Health.ACTIVE)
        learnt = self.silence_rules.learnt_factor and len(state.intervals) == INTERVALS // 2
        if begins or learnt:
            self._plan_check(entry, state, round(record.time * 1000))

    def _reset(self, record: ResetRecord, entry: Entry, state: MonitoringState) -> None:
        state.instant_per = state.mean_per = 0.0
        self._run(self._rules.reset, record, entry, state)
        if record.outcome == "deactivated":
            self._set_health(entry, state, Health.INIT)
            state.silent_since = None

    def _run(self, page: Page, record: Record, entry: Entry, state: MonitoringState) -> None:
        for rule in page.rules(record, state):
            # A rule may look at the alarms while it names their changes.
            for signal in tuple(rule.signals(record, Seen(entry.device, state))):
                self._signal(entry, state, signal, round(self._clock() * 1000), record.id)
                self._note_heard(entry, record, signal)

    def _note_heard(self, entry: Entry, record: Record, signal: Signal) -> None:
        number = OF_FRAMES.get(signal.type) if isinstance(signal, Raised) else None
        if number is None or not isinstance(record, UplinkRecord | JoinRecord | RefusedRecord):
            return
        if record.copies:
            infos = (str(entry.device.row.dev_eui), *signal.infos)
            self._heard.append(FrameAlarm(record.copies[0].base_station, number, infos))

    # Alarms.

    def _signal(
        self, entry: Entry, state: MonitoringState, signal: Signal, now: int, frame: int | None = None
    ) -> None:
        kind, before = self.kinds[signal.type], state.alarm(signal.type, signal.object)
        step = machine.apply(kind, before, signal, now)
        if step.alarm is None or not step.written:
            return
        state.put(step.alarm)
        cause = self._cause(state.stations) if kind.id == SILENCE and step.alarm.active else None
        self._write(entry, step, signal.infos, frame, cause)
        self._notify(entry, state, step, signal.infos)
        if step.change == "raised":
            self.counters.raised[kind.id] += 1
        elif step.change == "cleared":
            self.counters.cleared[kind.id] += 1
        if step.alarm.active and kind.quiet is not None:
            self._check_before(entry, state, now + kind.quiet)

    def _write(
        self, entry: Entry, step: Step, infos: tuple[str, ...], frame: int | None, cause: str | None
    ) -> None:
        alarm, batch, ref = step.alarm, self._batch, entry.device.row.ref
        assert alarm is not None
        key = (ref, alarm.type, alarm.object)
        row = AlarmRow(
            ref,
            alarm.type,
            alarm.object,
            alarm.state,
            alarm.occurrence,
            alarm.acked,
            alarm.created_at,
            alarm.updated_at,
            None,
            None,
            frame,
            cause,
            *five_infos(infos),
        )
        if step.before is not None:
            pending = batch.final.pop(key, None)
            if pending is not None:
                batch.raised[key] = pending
            batch.history.append(PastAlarmRow(*key, alarm.updated_at))
        if not alarm.acked:
            batch.acknowledged.pop(key, None)
        batch.final[key] = row

    def _notify(self, entry: Entry, state: MonitoringState, step: Step, infos: tuple[str, ...]) -> None:
        alarm, row = step.alarm, entry.device.row
        if step.change is None or alarm is None or alarm.muted_until > self._clock() * 1000:
            return
        if not self._recipients.wants_device(row.subscriber_ref, step.change, alarm.state):
            return
        event = AlarmEvent(
            change=step.change,
            type=alarm.type,
            state=alarm.state,
            at=alarm.updated_at,
            subject=row.dev_eui,
            name=row.name,
            object=alarm.object,
            infos=infos,
            occurrence=alarm.occurrence,
            cause=self._cause(state.stations) if alarm.type == SILENCE else None,
        )
        identifier = self._ids.next(self._clock())
        self._batch.notifications.append(
            NotificationRow(identifier, SUBSCRIBER, row.subscriber_ref, encode_event(event))
        )

    def _set_health(self, entry: Entry, state: MonitoringState, value: int) -> None:
        if state.health != value:
            state.health = value
            self._batch.health[entry.device.row.ref] = value

    # Time.

    def check(self, entry: Entry) -> None:
        """The time has come to look at a device: what its silence means, and which alarms have been quiet. A
        defect in that keeps nobody else from being looked at."""
        try:
            self._check(entry)
        except Exception:
            row = entry.device.row
            log.exception("device_check_failed", dev_eui=row.dev_eui, ref=row.ref)
            self._batch.checks[row.ref] = round((self._clock() + _AGAIN) * 1000)
            self._commits.touch(entry)

    def _check(self, entry: Entry) -> None:
        self._batch.looked_at[entry.device.row.ref] = entry
        state, now = state_of(entry), round(self._clock() * 1000)
        for signal in (*due(state, now, self.kinds), *self._of_gone_areas(entry, state)):
            self._signal(entry, state, signal, now)
        self._end_mutes(entry, state, now)
        if entry.device.active:
            steps = silence.steps_of(self.silence_rules, entry.device.row.silence_steps, state)
            raised = silence.judge(steps, state, now)
            if raised is not None:
                self._signal(entry, state, raised, now)
            alarm = state.alarm(SILENCE)
            if (alarm is not None and alarm.active) or silence.lost(self.silence_rules, steps, state, now):
                self._set_health(entry, state, Health.RF_CNX_ERROR)
        else:
            # Without a plan inactivity means nothing; the device starts again with the next one.
            state.silent_since = None
            self._set_health(entry, state, Health.INIT)
        state.check_at = None
        self._plan_check(entry, state, now)
        self._batch.checks[entry.device.row.ref] = state.check_at
        self._commits.touch(entry)

    def _of_gone_areas(self, entry: Entry, state: MonitoringState) -> Iterator[Signal]:
        for alarm in state.alarms:
            of_area = alarm.active and alarm.type in OF_AREAS
            if of_area and not self.has_area(entry.device.row.subscriber_ref, int(alarm.object)):
                yield Cleared(alarm.type, (), alarm.object)

    def _plan_check(self, entry: Entry, state: MonitoringState, now: int) -> None:
        """Set the next look at the device."""
        ahead = [next_due(state, self.kinds)]
        ahead += [alarm.muted_until for alarm in state.alarms if alarm.muted_until]
        if entry.device.active:
            steps = silence.steps_of(self.silence_rules, entry.device.row.silence_steps, state)
            ahead.append(silence.next_check(self.silence_rules, steps, state, now))
        due = min((moment for moment in ahead if moment is not None), default=None)
        if due is not None:
            self._check_before(entry, state, due)

    def _check_before(self, entry: Entry, state: MonitoringState, moment: int) -> None:
        if state.check_at is None or moment < state.check_at:
            state.check_at = moment
            self._batch.checks[entry.device.row.ref] = moment

    # People.

    def acknowledge(self, entry: Entry, kind: int, of: str, author: str) -> bool:
        """Note that somebody has seen an alarm; False if the device has none such. `commits.durable` tells
        when it is written."""
        state, now = state_of(entry), round(self._clock() * 1000)
        alarm: Alarm | None = state.alarm(kind, of)
        if alarm is None:
            return False
        step = machine.acknowledge(alarm)
        if step.written and step.alarm is not None:
            self._batch.looked_at[entry.device.row.ref] = entry
            state.put(step.alarm)
            key = (entry.device.row.ref, kind, of)
            self._batch.acknowledged[key] = AcknowledgementRow(now, author, *key)
            self._notify(entry, state, step, ())
        self._commits.touch(entry)
        return True

    def mute(self, entry: Entry, kind: int, of: str, until: int | None, author: str) -> bool:
        """Tell recipients nothing of an alarm until then, or everything again; False if the device has none
        such. `commits.durable` tells when it is written."""
        state = state_of(entry)
        alarm = state.alarm(kind, of)
        if alarm is None:
            return False
        self._batch.looked_at[entry.device.row.ref] = entry
        state.put(replace(alarm, muted_until=until or 0))
        key = (entry.device.row.ref, kind, of)
        self._batch.muted[key] = MuteRow(until, None if until is None else author, *key)
        if until is not None:
            self._check_before(entry, state, until)
        self._commits.touch(entry)
        return True

    def _end_mutes(self, entry: Entry, state: MonitoringState, now: int) -> None:
        """Recipients hear of alarms that are still there, and acknowledged by nobody, when the time for which
        they are muted is over."""
        for alarm in state.alarms:
            if not 0 < alarm.muted_until <= now:
                continue
            loud = replace(alarm, muted_until=0)
            state.put(loud)
            key = (entry.device.row.ref, alarm.type, alarm.object)
            self._batch.muted[key] = MuteRow(None, None, *key)
            if loud.active and not loud.acked:
                self._notify(entry, state, Step(loud, True, "raised"), ())
