"""Overload control: measures how long datagrams wait and drops those that are too late.

A queue that never becomes empty makes every answer late, and none of them helps a device. After a stall a
long queue is worked off, and nothing of it may be lost. What tells the two apart is whether the wait gets
shorter: where datagrams have waited too long for a second and wait as long as before, those are dropped that
wait too long, until none had to for a second (the idea of CoDel, RFC 8289). They get no PUSH_ACK, so a base
station knows of the loss.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

# Linux stamps each datagram with its arrival (socket(7)).
from veldnet.texts import Text

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
ANCILLARY = 64
# Seconds: a longer wait is a step of the clock.
_IMPLAUSIBLE = 60.0
# A queue is worked off where the wait gets shorter by so many seconds in each.
_SHRINKING = 0.1
# Seconds for which drops are reported after the last one.
_REPORTED = 10.0

Ancillary = list[tuple[int, int, bytes]]


def stamp_arrivals(sock: socket.socket) -> None:
    """Have the kernel note when datagrams arrive, where it can."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return


def waited(ancillary: Ancillary, wall: Callable[[], float] = time.time) -> float:
    """Seconds since a datagram arrived, by the stamp that came with it; 0 where there is none."""
    for _level, kind, data in ancillary:
        if kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            age: float = wall() - seconds - nanoseconds / 1e9
            return age if 0 <= age <= _IMPLAUSIBLE else 0.0
    return 0.0


class Backlog:
    """`budget` is how long a datagram may wait, `hold_time` how long the wait must exceed it, in seconds.
    Times are of any one clock that does not step."""

    def __init__(self, budget: float = 0.4, hold_time: float = 1.0) -> None:
        self.budget = budget
        self.sheds = False
        self.dropped = 0
        self._hold_time = hold_time
        self._wait = 0.0
        self._observed_at = 0.0
        # Since when the wait is on the other side of the budget, and what it was then.
        self._other_since: float | None = None
        self._waited_then = 0.0
        self._dropped_at = float("-inf")

    def observe(self, wait: float, now: float) -> None:
        """The datagram at the head of the queue has waited so long, or frames that were read have."""
        self._wait, self._observed_at = wait, now
        if (wait > self.budget) == self.sheds:
            self._other_since = None
            return
        if self._other_since is None:
            self._other_since, self._waited_then = now, wait
            return
        passed = now - self._other_since
        if passed < self._hold_time:
            return
        if not self.sheds and wait <= self._waited_then - _SHRINKING * passed:
            self._other_since, self._waited_then = now, wait
            return
        self.sheds = not self.sheds
        self._other_since = None

    def drops(self, wait: float, now: float) -> bool:
        """Whether a datagram that has waited so long is dropped; it is counted then."""
        if not (wait == float("inf") or (self.sheds and wait > self.budget)):
            return False
        self.dropped += 1
        self._dropped_at = now
        return True

    def lag(self, now: float) -> float:
        """Seconds that datagrams wait just now."""
        return self._wait if now - self._observed_at < self._hold_time else 0.0

    def problem(self, now: float) -> str | None:
        """Why base stations are not served, in words, while datagrams are dropped."""
        if now - self._dropped_at > _REPORTED:
            return None
        lag = self.lag(now)
        if lag == float("inf"):
            return Text(
                "overloaded: datagrams of base stations have no room, "
                "and {dropped} were dropped since the start",
                dropped=self.dropped,
            )
        return Text(
            "overloaded: datagrams of base stations wait {lag:.1f} s, "
            "and {dropped} were dropped since the start",
            lag=lag,
            dropped=self.dropped,
        )
