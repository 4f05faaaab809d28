"""The alarm machine against a plain model written from ThingPark's words, over arbitrary histories."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from veldnet.domain.alarm_levels import Level
from veldnet.monitoring.alarms import machine
from veldnet.monitoring.alarms.machine import Alarm, Cleared, Raised
from veldnet.monitoring.alarms.types import DEVICE_TYPES, level_of


@dataclass
class Model:
    """What an operator would write down on paper."""

    exists: bool = False
    active: bool = False
    level: int = 0
    count: int = 0
    seen: bool = False
    made: int = 0
    touched: int = 0
    past: int = 0

    def trigger(self, event_driven: bool, level: int, now: int) -> None:
        if not self.active:
            # A new alarm, or the old row used again.
            self.count, self.seen = 1, False
            if not self.exists:
                self.made = now
        else:
            if event_driven:
                self.count += 1
            if level > self.level:
                self.seen = False
        self.exists = self.active = True
        self.level, self.touched = level, now

    def clearance(self, now: int) -> None:
        if self.active:
            self.past += 1
            self.active, self.level, self.touched = False, 1, now

    def acknowledgement(self) -> None:
        if self.exists:
            self.seen = True


signals = st.one_of(
    st.tuples(st.just("raise"), st.sampled_from([None, *list(Level)[1:]])),
    st.tuples(st.just("clear"), st.none()),
    st.tuples(st.just("ack"), st.none()),
)


@given(
    st.sampled_from(sorted(DEVICE_TYPES)), st.lists(st.tuples(signals, st.integers(0, 10**8)), max_size=150)
)
def test_it_agrees_with_a_plain_model(
    number: int, history: list[tuple[tuple[str, Level | None], int]]
) -> None:
    kind, model = DEVICE_TYPES[number], Model()
    alarm: Alarm | None = None
    past, now = 0, 1_800_000_000_000
    for (what, level), after in history:
        now += after
        before = alarm
        if what == "ack":
            model.acknowledgement()
            if alarm is not None:
                step = machine.acknowledge(alarm)
                assert step.written == (not alarm.acked)
                alarm = step.alarm
        else:
            signal = Raised(number, level=level) if what == "raise" else Cleared(number)
            step = machine.apply(kind, alarm, signal, now)
            alarm = step.alarm
            if what == "raise":
                occurrence = model.count + 1 if model.active and kind.event_driven else 1
                model.trigger(kind.event_driven, int(level or level_of(kind, occurrence)), now)
            else:
                model.clearance(now)
            past += step.before is not None
            assert step.written or before == alarm
            assert not step.written or alarm is not None
        assert (alarm is not None) == model.exists
        assert past == model.past
        if alarm is not None:
            assert (alarm.active, alarm.state, alarm.acked) == (model.active, model.level, model.seen)
            assert (alarm.created_at, alarm.updated_at) == (model.made, model.touched)
            assert alarm.occurrence == model.count
            if not kind.event_driven:
                assert alarm.occurrence == 1


@given(st.lists(st.booleans(), max_size=300))
def test_an_event_driven_alarm_never_gets_milder_by_itself(raised: list[bool]) -> None:
    kind, alarm = DEVICE_TYPES[10], None
    for more in raised:
        signal = Raised(10) if more else Cleared(10)
        step = machine.apply(kind, alarm, signal, 5)
        if more and alarm is not None and alarm.active:
            assert step.alarm is not None and step.alarm.state >= alarm.state
        alarm = step.alarm
