"""When a vault process that owes answers counts as one that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from veldnet.keys.process import silence
from veldnet.keys.process.silence import SilenceWatch


class Time:
    """An event loop's timers and a monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[..., None], *given: object) -> asyncio.Handle:
        entry = self.now + seconds, lambda: call(*given)
        self.due.append(entry)
        time = self

        class Handle:
            def cancel(self) -> None:
                time.due.remove(entry)

        return Handle()  # type: ignore[return-value]

    def go_to(self, moment: float) -> None:
        while self.due and min(self.due, key=lambda each: each[0])[0] <= moment:
            entry = min(self.due, key=lambda each: each[0])
            self.due.remove(entry)
            self.now = entry[0]
            entry[1]()
        self.now = moment


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = Time()
        self.asked: list[float] = []
        self.ended = 0
        monkeypatch.setattr(silence, "monotonic", lambda: self.time.now)
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self.time)
        self.watch = SilenceWatch(10.0, lambda moment: any(at <= moment for at in self.asked), self.end)

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_a_process_that_owes_nothing_may_be_silent(scene: Scene) -> None:
    scene.time.go_to(1000.0)
    assert scene.ended == 0 and len(scene.time.due) == 1


def test_one_that_was_asked_and_says_nothing_for_so_long_hangs(scene: Scene) -> None:
    scene.time.go_to(150.0)
    scene.asked = [150.0]
    scene.time.go_to(160.0)
    assert scene.ended == 0, "asked within the time that was looked at"
    scene.time.go_to(170.2)
    assert scene.ended == 1 and not scene.time.due


def test_one_that_answers_others_meanwhile_lives(scene: Scene) -> None:
    scene.asked = [100.0]
    for second in range(101, 150):
        scene.time.go_to(float(second))
        scene.watch.heard()
    assert scene.ended == 0
    scene.time.go_to(159.0)
    assert scene.ended == 0
    scene.time.go_to(159.2)
    assert scene.ended == 1


def test_an_answer_that_is_read_after_our_own_loop_stood_still_counts(scene: Scene) -> None:
    scene.asked = [100.0]
    scene.time.go_to(110.05)
    scene.watch.heard()
    scene.time.go_to(120.0)
    assert scene.ended == 0
    scene.watch.close()
    assert not scene.time.due
