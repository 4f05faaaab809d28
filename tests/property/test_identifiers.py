"""Identifiers rise strictly and tell their time, whatever clock and restarts do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from veldnet.store import IdSource, IdStep, Timeline, first_id_at, millis_of

_HOUR, _YEAR = 3600.0, 365 * 86_400.0
_NOW = 1_800_000_000.0
# What a clock does between two frames: it goes on, stands, is slewed, is set; or the process starts again.
_STEPS = st.one_of(
    st.floats(0, 2 * _HOUR),
    st.sampled_from([0.0, 0.0001, -0.5, -59.0, -61.0, -_HOUR, _HOUR, 10 * _YEAR, -10 * _YEAR, 300 * _YEAR]),
    st.floats(-_YEAR, _YEAR),
)
_LIVES = st.lists(
    st.tuples(_STEPS, st.sampled_from(["go on", "go on", "restart", "killed"]), st.integers(1, 3)),
    min_size=1,
    max_size=40,
)


class Life:
    """A store as far as identifiers are concerned, and the processes on it."""

    def __init__(self) -> None:
        self.steps: list[IdStep] = []
        self.given: list[tuple[int, float]] = []
        self.source = IdSource(1)
        self.process = 1

    def store(self) -> None:
        self.steps += [step for step in self.source.steps if step not in self.steps]

    def restart(self) -> None:
        self.process += 1
        ahead = self.steps[-1].ahead if self.steps else 0
        self.source = IdSource(self.process, after=self.given[-1][0] if self.given else 0, ahead=ahead)


@settings(max_examples=300, deadline=None)
@given(_LIVES)
def test_b1_identifiers_rise_strictly_and_a_time_range_is_a_range_of_them(
    lives: list[tuple[float, str, int]],
) -> None:
    life, clock = Life(), _NOW
    for step, then, count in lives:
        clock = max(clock + step, 0.0)
        if then == "restart":
            life.store()
        if then != "go on":
            life.restart()
        for _ in range(count):
            life.given.append((life.source.next(clock), clock))
    life.store()
    ids = [identifier for identifier, _clock in life.given]
    assert all(before < after for before, after in pairwise(ids))
    assert ids[0] > 0 and ids[-1] < 1 << 63
    timeline = Timeline(life.steps)
    times = [timeline.millis_of(identifier) for identifier in ids]
    assert times == sorted(times), "times never fall"
    for moment in {t + d for t in times for d in (-1, 0, 1)} | {0, 1 << 42, 253_402_300_800_000}:
        bound = timeline.first_id_at(moment)
        assert 0 <= bound < 1 << 63
        assert [i for i in ids if i >= bound] == [i for i, t in zip(ids, times, strict=True) if t >= moment]


@given(st.sampled_from([-_HOUR, -10 * _YEAR, -61.0, -_YEAR]), st.floats(0, 10 * _YEAR), st.booleans())
def test_b1_after_the_clock_was_set_back_times_are_those_of_the_clock(
    back: float, ahead: float, restart: bool
) -> None:
    """Also where it was ahead by years before: what was given then counts as of when it was set back."""
    life = Life()
    life.given += [(life.source.next(_NOW), _NOW), (life.source.next(_NOW + ahead), _NOW + ahead)]
    life.store()
    if restart:
        life.restart()
    corrected = _NOW + ahead + back
    after = [(life.source.next(corrected + n * 10), corrected + n * 10) for n in range(100)]
    life.store()
    timeline = Timeline(life.steps)
    assert all(abs(timeline.millis_of(i) - clock * 1000) <= 2 for i, clock in after)
    # Nothing that was given lies in what is the future now.
    assert timeline.millis_of(life.given[-1][0]) <= corrected * 1000 + 1
    hour_ago = timeline.first_id_at(int((corrected + 500) * 1000))
    assert [i >= hour_ago for i, _clock in after] == [clock >= corrected + 500 for _i, clock in after]


def test_b1_a_clock_that_is_corrected_forward_is_followed_again() -> None:
    source = IdSource()
    source.next(_NOW)
    for clock in (_NOW - _HOUR, _NOW - _HOUR + 10, _NOW + 20, _NOW + 30):
        last = source.next(clock)
    assert millis_of(last) == int((_NOW + 30) * 1000)
    assert [step.ahead for step in source.steps] == [3_600_001, 0]


def test_b1_small_steps_back_are_waited_for() -> None:
    source = IdSource()
    given = [source.next(_NOW + step) for step in (0, -1, -59, -30, 0.001)]
    assert given == sorted(set(given)) and not source.steps
    assert millis_of(given[-1]) == int((_NOW + 0.001) * 1000)


def test_b1_a_clock_beyond_reason_is_not_followed() -> None:
    """Identifiers of a process whose clock says the year 9999 have 63 bits and leave room."""
    source = IdSource()
    given = [source.next(clock) for clock in (_NOW, 253_402_300_799.0, 1e18, _NOW, _NOW + 50 * _YEAR)]
    assert given == sorted(set(given)) and given[-1] < 1 << 63
    assert first_id_at(10**18) < 1 << 63 and first_id_at(-5) == 0
