"""Levels, severities, and the machine's table, case by case."""

from __future__ import annotations

import pytest

from veldnet.domain.alarm_levels import Level
from veldnet.monitoring.alarms import machine, types
from veldnet.monitoring.alarms.machine import Alarm, Cleared, Raised
from veldnet.monitoring.alarms.types import (
    BASE_STATION_TYPES,
    DEVICE_TYPES,
    SeverityError,
    level_of,
    with_severities,
)

EVENT, STATE = DEVICE_TYPES[types.COUNTER_REPLAYED], DEVICE_TYPES[types.BATTERY]


def alarm(kind: int, state: Level, occurrence: int = 1, *, acked: bool = False) -> Alarm:
    return Alarm(kind, "", int(state), occurrence, acked, 100, 200)


@pytest.mark.parametrize(
    ("before", "signal", "state", "occurrence", "acked", "change"),
    [
        # From nothing.
        (None, Raised(10), Level.WARNING, 1, False, "raised"),
        (None, Raised(10, level=Level.MAJOR), Level.MAJOR, 1, False, "raised"),
        # Again: it counts, and grows with its occurrences.
        (alarm(10, Level.WARNING, 3), Raised(10), Level.WARNING, 4, False, None),
        (alarm(10, Level.WARNING, 9), Raised(10), Level.MINOR, 10, False, "changed"),
        (alarm(10, Level.MINOR, 99), Raised(10), Level.MAJOR, 100, False, "changed"),
        # Acknowledged: withdrawn by a rise, kept by the same state and by a milder one.
        (alarm(10, Level.WARNING, 9, acked=True), Raised(10), Level.MINOR, 10, False, "unacknowledged"),
        (alarm(10, Level.WARNING, 3, acked=True), Raised(10), Level.WARNING, 4, True, None),
        (
            alarm(10, Level.MAJOR, 3, acked=True),
            Raised(10, level=Level.WARNING),
            Level.WARNING,
            4,
            True,
            "changed",
        ),
        # Cleared, and again.
        (alarm(10, Level.MAJOR, 150, acked=True), Cleared(10), Level.CLEARED, 150, True, "cleared"),
        (alarm(10, Level.CLEARED, 150, acked=True), Raised(10), Level.WARNING, 1, False, "raised"),
    ],
)
def test_event_driven(
    before: Alarm | None, signal: machine.Signal, state: Level, occurrence: int, acked: bool, change: str
) -> None:
    step = machine.apply(EVENT, before, signal, 999)
    assert step.written and step.alarm is not None
    got = step.alarm
    assert (got.state, got.occurrence, got.acked, step.change) == (state, occurrence, acked, change)
    assert got.updated_at == 999 and got.created_at == (999 if before is None else 100)
    assert step.before == (before if change == "cleared" else None)


def test_state_driven_alarms_occur_once_however_often_they_are_triggered() -> None:
    step = machine.apply(STATE, alarm(1, Level.WARNING), Raised(1, level=Level.CRITICAL), 999)
    assert step.alarm is not None and (step.alarm.occurrence, step.alarm.state) == (1, Level.CRITICAL)


@pytest.mark.parametrize("before", [None, alarm(10, Level.CLEARED)])
def test_what_is_not_there_cannot_be_cleared(before: Alarm | None) -> None:
    step = machine.apply(EVENT, before, Cleared(10), 999)
    assert step.alarm == before and not step.written and step.change is None


def test_a_second_acknowledgement_changes_nothing() -> None:
    once = machine.acknowledge(alarm(10, Level.WARNING))
    assert once.written and once.change == "acknowledged" and once.alarm is not None
    assert not machine.acknowledge(once.alarm).written


def test_published_severities() -> None:
    """ThingPark's table: battery, regulators, activity, data rates and blocked commands."""
    known = {1: "WARNING", 2: "MINOR", 3: "MINOR", 4: "WARNING", 5: "WARNING", 6: "MAJOR"}
    known |= {12: "MAJOR", 13: "WARNING"}
    for number, name in known.items():
        assert level_of(DEVICE_TYPES[number], 1) == Level[name]
    assert sorted(DEVICE_TYPES) == [*range(1, 17), types.AREA_ENTERED, types.AREA_LEFT]
    counted = {2, 3, 7, 8, 9, 10, 11, 14, 15, 16}
    assert {number for number, kind in DEVICE_TYPES.items() if kind.event_driven} == counted


def test_an_operator_sets_severities() -> None:
    kinds = with_severities(DEVICE_TYPES, ["10=MAJOR", " 7 = warning, critical@5 "])
    assert level_of(kinds[10], 1) == level_of(kinds[10], 500) == Level.MAJOR
    assert [level_of(kinds[7], n) for n in (1, 4, 5)] == [Level.WARNING, Level.WARNING, Level.CRITICAL]
    assert kinds[8] == DEVICE_TYPES[8], "others stay"
    stations = with_severities(BASE_STATION_TYPES, ["10=MAJOR", "102=MINOR"], others=DEVICE_TYPES)
    assert level_of(stations[102], 1) == Level.MINOR


@pytest.mark.parametrize(
    "text",
    ["", "10", "10=", "10=LOUD", "10=CLEARED", "99=MAJOR", "10=MAJOR@5", "10=MAJOR,WARNING@5",
     "10=WARNING,MAJOR@x", "10=WARNING,MAJOR@5,CRITICAL@2", "ten=MAJOR"],
)  # fmt: skip
def test_a_severity_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SeverityError):
        with_severities(DEVICE_TYPES, [text])
