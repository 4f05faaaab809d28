"""Copies of one frame from several base stations become one reception.

A window opens with the first copy of a PHYPayload and closes a fixed time later. Copies that come after it
are folded into the frame already recorded, as long as the device cannot have sent it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

from veldnet.lorawan.frames import DataFrame, JoinRequest, RejoinRequest
from veldnet.lorawan.radio import GatewayUplink

ReceivedType = DataFrame | JoinRequest | RejoinRequest


# Copies of one frame that are kept at most, in its window and again after it.
MAX_COPIES = 64


class Window:
    """The copies of a frame heard so far. `frame` is what it parsed to, `frame_id` the name of its record."""

    __slots__ = ("closed", "closes_at", "copies", "frame", "frame_id", "late", "unknown")

    def __init__(self, frame: ReceivedType, first: GatewayUplink, closes_at: float) -> None:
        self.frame = frame
        self.copies = [first]
        self.closes_at = closes_at
        self.frame_id = 0
        self.closed = False
        self.late: list[GatewayUplink] = []
        # It is of an unknown device: its address had no session when it came.
        self.unknown = False

    def add(self, copy: GatewayUplink) -> None:
        """Keep another copy. A base station that repeats its own takes no room from others."""
        if len(self.copies) >= MAX_COPIES:
            self._drop_repeated()
        if len(self.copies) < MAX_COPIES:
            self.copies.append(copy)

    def _drop_repeated(self) -> None:
        """Leave the best copy of each base station, and those that tell when the frame came first."""
        copies = self.copies
        kept = {id(copy) for copy in self.ordered()} | {id(copies[0])}
        kept.update(id(copy) for copy in [copy for copy in copies if not copy.late][:1])
        self.copies = [copy for copy in copies if id(copy) in kept]

    def ordered(self) -> tuple[GatewayUplink, ...]:
        """One copy of each base station, best SNR first, then best RSSI."""
        copies = self.copies
        if len(copies) == 1:
            return (copies[0],)
        best: dict[int, GatewayUplink] = {}
        for copy in sorted(copies, key=_quality):
            best.setdefault(copy.base_station, copy)
        return tuple(best.values())


def _quality(copy: GatewayUplink) -> tuple[bool, float, float, bool]:
    # What is not known is worse than all that is.
    return (
        copy.late,
        inf if copy.snr is None else -copy.snr,
        inf if copy.rssi is None else -copy.rssi,
        copy.timestamp is None,
    )


class Deduplicator:
    """Windows by PHYPayload. Times are seconds of any one clock."""

    def __init__(self, duration: float, horizon: float) -> None:
        self.duration = duration
        self.horizon = horizon
        self._open: dict[bytes, Window] = {}
        self._due: deque[Window] = deque()
        self._closed: dict[bytes, Window] = {}
        self._forget: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def find(self, phy_payload: bytes, now: float) -> Window | None:
        """The window of a frame, open or closed a short while ago."""
        window = self._open.get(phy_payload)
        if window is not None:
            return window
        window = self._closed.get(phy_payload)
        # On a quiet network nothing else closes, and what is over is not forgotten yet.
        return window if window is not None and self._forget_at(window) > now else None

    def _forget_at(self, window: Window) -> float:
        return window.closes_at - self.duration + self.horizon

    def open(self, frame: ReceivedType, first: GatewayUplink, now: float) -> Window:
        window = Window(frame, first, now + self.duration)
        self._open[first.phy_payload] = window
        self._due.append(window)
        return window

    def forget(self, phy_payload: bytes) -> None:
        """Let the next copy of a frame whose window has closed open another one."""
        self._closed.pop(phy_payload, None)

    def close_those(self, chosen: Callable[[Window], bool]) -> list[Window]:
        """Close some windows before their time."""
        early = [window for window in self._due if chosen(window)]
        if early:
            self._due = deque(window for window in self._due if not chosen(window))
        return [self._close(window) for window in early]

    def _close(self, window: Window) -> Window:
        key = window.copies[0].phy_payload
        del self._open[key]
        self._closed[key] = window
        self._forget.append((self._forget_at(window), key))
        return window

    @property
    def next_close(self) -> float | None:
        """When the oldest open window closes."""
        return self._due[0].closes_at if self._due else None

    def close_due(self, now: float) -> list[Window]:
        """Close the windows whose time is up, oldest first."""
        closed = []
        while self._due and self._due[0].closes_at <= now:
            closed.append(self._close(self._due.popleft()))
        while self._forget and self._forget[0][0] <= now:
            forget_at, key = self._forget.popleft()
            # The frame may have been sent again meanwhile, and have a window of its own.
            current = self._closed.get(key)
            if current is not None and self._forget_at(current) <= forget_at:
                del self._closed[key]
        return closed
