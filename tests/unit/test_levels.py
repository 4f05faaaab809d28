"""Health states and alarm levels exist once; the API's enumerations name the same."""

from __future__ import annotations

from typing import get_args

import pytest

from veldnet.domain.alarm_levels import Level
from veldnet.domain.health import Health
from veldnet.domain.resources import AlarmState, DurationOfInactivity, HealthState
from veldnet.domain.resources import Level as ThresholdLevel
from veldnet.domain.thresholds import THRESHOLD_LEVELS, Threshold, seconds_of, silence_steps


def test_the_api_names_the_stored_states() -> None:
    assert set(get_args(HealthState)) == set(Health.__members__)
    assert get_args(AlarmState) == tuple(Level.__members__)
    assert get_args(ThresholdLevel) == tuple(THRESHOLD_LEVELS)


def test_every_duration_of_the_api_is_understood() -> None:
    seconds = [seconds_of(duration) for duration in get_args(DurationOfInactivity)]
    assert seconds == [h * 3600 for h in (1, 2, 5, 10, 24, 48, 96, 168, 360)]


@pytest.mark.parametrize("text", ["", "2", "DAYS", "_DAYS", "x_DAYS", "-1_DAYS", "2_WEEKS", "2_days"])
def test_what_is_no_duration(text: str) -> None:
    assert seconds_of(text) is None


def test_steps_are_in_order_and_leave_out_what_is_not_whole() -> None:
    steps = silence_steps(
        (
            Threshold(True, "2_DAYS", "MAJOR"),
            Threshold(True, "1_HOUR", "ALL"),
            Threshold(False, "5_HOURS", "MINOR"),
            Threshold(True, "5_HOURS", ""),
        )
    )
    assert [(step.seconds, step.level) for step in steps] == [(3600, Level.UNCLEARED), (172_800, Level.MAJOR)]
