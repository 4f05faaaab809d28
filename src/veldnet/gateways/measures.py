"""What is measured at a base station between two looks: figures that its frames do not tell."""

from __future__ import annotations

import math


class Spread:
    """Values of which number, sum and extremes are kept."""

    __slots__ = ("count", "highest", "lowest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.lowest = math.inf
        self.highest = -math.inf

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        if value < self.lowest:
            self.lowest = value
        if value > self.highest:
            self.highest = value


class Measures:
    """Since the last look: packets by its status reports, the shares of its messages that were acknowledged,
    seconds of the way to it and back, seconds that its GPS clock is ahead of ours (a frame's way to us makes
    it seem behind), degrees Celsius, and how often it has started again."""

    __slots__ = (
        "acknowledged",
        "bad_packets",
        "clock_offset",
        "forwarded",
        "packets",
        "restarts",
        "round_trip",
        "temperature",
    )

    def __init__(self) -> None:
        self.packets = 0
        self.bad_packets = 0
        self.forwarded = 0
        self.restarts = 0
        self.acknowledged = Spread()
        self.round_trip = Spread()
        self.clock_offset = Spread()
        self.temperature = Spread()
