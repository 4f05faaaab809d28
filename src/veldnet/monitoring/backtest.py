"""Back-tests alarm rules on stored records.

It replays the record bodies of each device through the very monitor that a server runs, under a clock of
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select

from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import decode_plan, decode_profile
from veldnet.network.core import Device, Record, decode_record
from veldnet.network.shell import Entry, Recorded, new_entry
from veldnet.store import IdSource, read_timeline
from veldnet.store.hot_reads import devices_by_ref
from veldnet.store.schema import connectivity_plans, device_profiles, frame_bodies, frames
from veldnet.store.schema import devices as device_rows

from .alarms.silence import SilenceRules, Steps
from .alarms.types import DEVICE_TYPES, AlarmType
from .monitor import AlarmPolicy, Monitor
from .state import state_of

_PAGE = 200


class Finding(msgspec.Struct, frozen=True):
    """How often an alarm would have been raised, on how many devices, and how often it would have cleared."""

    type: int
    label: str
    raised: int
    devices: int
    cleared: int


class Rules(msgspec.Struct, frozen=True):
    """The rules to try; `steps` None leaves each device its own thresholds."""

    kinds: dict[int, AlarmType]
    silence: SilenceRules
    steps: Steps | None = None


class _NoCommits:
    def touch(self, _entry: Entry) -> None:
        """Nothing is written."""


class _Replay:
    """One device under a clock that stands where its records are."""

    def __init__(self, device: Device, rules: Rules) -> None:
        self.now = 0.0
        self.entry = new_entry(device)
        policy = AlarmPolicy(rules.kinds, rules.silence)
        self.monitor = Monitor(_NoCommits(), IdSource(), clock=lambda: self.now, policy=policy)

    def until(self, moment: float) -> None:
        """Let time pass; look at the device whenever the store would have said so."""
        while (due := state_of(self.entry).check_at) is not None and due / 1000 <= moment:
            self.now = max(self.now, due / 1000)
            self.monitor.check(self.entry)

    def play(self, record: Record, moment: float) -> None:
        self.until(moment)
        self.now = moment
        self.monitor.observe(Recorded(record, self.entry.device, self.entry))


def backtest(
    connection: Connection,
    rules: Rules,
    start: int,
    end: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Finding]:
    """Replay the records of a time range, Unix milliseconds; `progress` hears how many devices are done."""
    raised = dict.fromkeys(rules.kinds, 0)
    cleared, affected = dict(raised), dict(raised)
    for done, device in enumerate(_devices(connection, rules), 1):
        replay = _Replay(device, rules)
        for record, moment in _records(connection, device.row.ref, start, end):
            replay.play(record, moment)
        replay.until(end / 1000)
        for kind in rules.kinds:
            count = replay.monitor.counters.raised[kind]
            raised[kind] += count
            affected[kind] += count > 0
            cleared[kind] += replay.monitor.counters.cleared[kind]
        progress(done)
    return [
        Finding(kind, DEVICE_TYPES[kind].label, raised[kind], affected[kind], cleared[kind])
        for kind in sorted(rules.kinds)
    ]


def _devices(connection: Connection, rules: Rules) -> Iterator[Device]:
    plans = {
        row.ref: decode_plan(row.settings)
        for row in connection.execute(select(connectivity_plans.c.ref, connectivity_plans.c.settings))
    }
    profiles = {
        row.ref: decode_profile(row.settings)
        for row in connection.execute(select(device_profiles.c.ref, device_profiles.c.settings))
    }
    after = 0
    while refs := list(
        connection.execute(
            select(device_rows.c.ref)
            .where(device_rows.c.ref > after)
            .order_by(device_rows.c.ref)
            .limit(_PAGE)
        ).scalars()
    ):
        for row in devices_by_ref(connection, refs):
            yield Device(_tried(row, rules), profiles[row.profile_ref], plans.get(row.plan_ref or 0))
        after = refs[-1]


def _tried(row: DeviceRow, rules: Rules) -> DeviceRow:
    steps = row.silence_steps if rules.steps is None else rules.steps
    return replace(row, silence_steps=steps, health=0, state=None, join_memory=None, monitoring=None)


def _records(connection: Connection, device_ref: int, start: int, end: int) -> Iterator[tuple[Record, float]]:
    timeline = read_timeline(connection)
    bodies = connection.execute(
        select(frame_bodies.c.body)
        .join(frames, frames.c.id == frame_bodies.c.frame_id)
        .where(
            frames.c.device_ref == device_ref,
            frames.c.id >= timeline.first_id_at(start),
            frames.c.id < timeline.first_id_at(end),
            frame_bodies.c.part == 0,
        )
        .order_by(frames.c.id)
    ).scalars()
    for body in bodies:
        record = decode_record(body)
        yield record, record.time
