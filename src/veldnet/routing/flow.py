"""Adapts the number of parallel requests to each destination by measurement.

The window of a destination opens while answers come as fast as ever and all of it is used, first by one for
each answer, later by one for each window of answers. It closes by half when there is no answer, and a little
when answers take longer. A bound over all destinations keeps file descriptors for everything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

_FIRST = 32.0
# A destination that does not answer is still tried by so many at once: their messages have to end, too.
_LEAST = 8.0
# Answers are slow at twice the time of the fastest and so many seconds.
_MARGIN = 0.25
# The fastest is forgotten by this much in a second: servers become slower for good, too.
_FORGETTING = 0.002
_AT_MOST_EVERY = 1.0


class Window:
    """The window of one destination. Times in seconds of a monotonic clock."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self.limit = min(_FIRST, self._most)
        self.active = 0
        self._threshold = self._most
        self._fastest = float("inf")
        self._answered_at = 0.0
        self._narrowed_at = float("-inf")

    @property
    def free(self) -> bool:
        return self.active < int(self.limit)

    def answered(self, seconds: float, now: float) -> None:
        """An answer has come after so many seconds."""
        forgotten = 1 + _FORGETTING * max(now - self._answered_at, 0.0)
        self._answered_at = now
        self._fastest = min(self._fastest * forgotten, seconds)
        if seconds > 2 * self._fastest + _MARGIN:
            self._narrow(0.9, max(seconds, _AT_MOST_EVERY), now)
        elif self.active >= int(self.limit):
            step = 1.0 if self.limit < self._threshold else 1.0 / self.limit
            self.limit = min(self.limit + step, self._most)

    def failed(self, now: float) -> None:
        """There was no answer, or one that asks to retry later."""
        self._narrow(0.5, _AT_MOST_EVERY, now)

    def _narrow(self, factor: float, every: float, now: float) -> None:
        if now - self._narrowed_at < every:
            return
        self._narrowed_at = now
        least = min(_LEAST, self._most)
        narrowed = max(self.limit * factor, least)
        if narrowed < self.limit:
            # Not again for failures of the same outage: after it the window opens fast up to here.
            self._threshold = narrowed
        self.limit = narrowed


class Scheduler(Generic[T]):
    """Runs items one by one when their destination and the whole have room. `run` starts one; `release` is
    called when it has ended."""

    def __init__(self, run: Callable[[T], None], *, most_each: int, most: int) -> None:
        self._run = run
        self._most_each = most_each
        self._most = most
        self._windows: dict[Hashable, Window] = {}
        self._waiting: dict[Hashable, deque[T]] = {}
        self.active = 0

    def window(self, destination: Hashable) -> Window:
        window = self._windows.get(destination)
        if window is None:
            window = self._windows[destination] = Window(self._most_each)
        return window

    def submit(self, destination: Hashable, item: T) -> None:
        """Run an item now, or in its turn."""
        if destination not in self._waiting and self._has_room(destination):
            self._start(destination, item)
        else:
            self._waiting.setdefault(destination, deque()).append(item)

    def release(self, destination: Hashable) -> None:
        """One item of a destination has ended; the next takes its turn."""
        was_full = self.active >= self._most
        self.window(destination).active -= 1
        self.active -= 1
        if not was_full:
            while self._serve(destination):
                pass
            return
        # Others may have waited for this place: destinations take turns.
        for other in list(self._waiting):
            if self.active >= self._most:
                return
            queue = self._waiting.pop(other)
            self._waiting[other] = queue
            self._serve(other)

    def _serve(self, destination: Hashable) -> bool:
        queue = self._waiting.get(destination)
        if queue is None or not self._has_room(destination):
            return False
        item = queue.popleft()
        if not queue:
            del self._waiting[destination]
        self._start(destination, item)
        return True

    def _has_room(self, destination: Hashable) -> bool:
        return self.active < self._most and self.window(destination).free

    def _start(self, destination: Hashable, item: T) -> None:
        self.window(destination).active += 1
        self.active += 1
        self._run(item)
