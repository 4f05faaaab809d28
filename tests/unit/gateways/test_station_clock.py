"""Whether a frame is late is decided by two witnesses, of which a base station's GPS time is only one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.gateways.station_clock import Heard, StationClock
from veldnet.lorawan.gpstime import unix_to_gps

NOW = 1_800_000_000.0
BOOT = NOW - 10_000.0


class Station:
    """A base station with a counter and a clock that may be wrong."""

    def __init__(self, error: float = 0.0, boot: float = BOOT) -> None:
        self.error, self.boot = error, boot
        self.now = 0.0
        self.clock = StationClock(lambda: self.now)

    def frame(self, heard: float, came: float | None = None, *, counter: bool = True) -> Heard:
        """A frame heard at a moment that comes at another."""
        timestamp = int((heard - self.boot) * 1_000_000) % 2**32 if counter else None
        self.now = heard if came is None else came
        return self.clock.judge(unix_to_gps(heard) + self.error, timestamp, self.now)


# An hour that the counter's period divides is no different.
OFF = st.one_of(
    st.sampled_from(
        [-61.0, -1800.0, -4294.967296, -2 * 4294.967296, -18_000.0, -86_399.0, -172_800.0, 61.0, 1800.0]
    ),
    st.floats(-86_400, -60.5),
)


@given(OFF, st.booleans(), st.lists(st.floats(0.1, 3000), min_size=1, max_size=30))
def test_c10_a_wrong_clock_makes_no_frame_late(error: float, counter: bool, gaps: list[float]) -> None:
    station, at = Station(error), NOW
    for gap in gaps:
        at += gap
        heard = station.frame(at, at + 0.05, counter=counter)
        assert heard.kept_at is None and heard.gps_time is None
        assert heard.error is not None and abs(heard.error - error) < 0.1


@given(st.floats(-86_400, -60.5))
def test_c10_a_clock_that_goes_wrong_makes_no_frame_late(error: float) -> None:
    station = Station()
    for n in range(5):
        assert station.frame(NOW + n).gps_time is not None
    station.error = error
    for n in range(5, 200, 10):
        heard = station.frame(NOW + n)
        # What is off by whole periods of the counter looks alike for as long as the right time is fresh.
        if abs(-error % 4294.967296) > 5 and abs(-error % 4294.967296 - 4294.967296) > 5:
            assert heard.kept_at is None and heard.error is not None
    assert station.frame(NOW + 300).kept_at is None


@pytest.mark.parametrize("outage", [90.0, 600.0, 5000.0, 40_000.0])
def test_c10_kept_frames_are_late_by_their_counter(outage: float) -> None:
    station = Station()
    station.frame(NOW)
    back = NOW + outage
    for n in range(10):
        heard_at = NOW + 10 + n * (outage - 80) / 10
        heard = station.frame(heard_at, back + n * 0.1)
        assert heard.kept_at is not None and abs(heard.kept_at - heard_at) < 0.01, n
    assert station.frame(back + 5).gps_time is not None


def test_c10_kept_frames_are_late_by_the_right_time_on_others() -> None:
    station = Station()
    back = NOW + 7200
    assert station.frame(NOW, back).kept_at is None, "nothing else is known of it yet"
    station.frame(back + 1)
    for counter in (True, False):
        assert station.frame(NOW + 60, back + 2, counter=counter).kept_at is not None
    # The counter was reset while frames were kept.
    station.boot = back
    station.frame(back + 3)
    station.boot = BOOT
    assert station.frame(NOW + 120, back + 4).kept_at is not None


def test_c10_a_counter_reset_does_not_delay_a_base_station() -> None:
    station = Station(-1800)
    station.frame(NOW)
    # By chance the new counter agrees with the wrong clock.
    station.boot += 1800
    late = [station.frame(NOW + n * 10).kept_at is not None for n in range(1, 30)]
    assert not any(late[8:]), "a clock that stays behind is no queue"


def test_c10_a_time_a_little_off_is_not_believed() -> None:
    for error, said in ((-59.0, None), (-2.0, None), (10.0, 10.0), (2.0, None)):
        heard = Station(error).frame(NOW)
        assert (heard.gps_time is not None) == (abs(error) <= 3) and heard.kept_at is None
        assert heard.error == (None if said is None else pytest.approx(said))
