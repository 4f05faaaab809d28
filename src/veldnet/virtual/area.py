"""Where devices and base stations stand, and what base stations listen to."""

from __future__ import annotations

import random
from math import cos, pi, sin, sqrt

from veldnet.lorawan.regions import REGIONS, ChannelPlan
from veldnet.simulator.propagation import Place

# The sub-band that base stations of regions with a fixed plan listen to.
SUB_BAND = 2


class Area:
    """A circle; `radius` in km. In a small one everybody hears everybody."""

    def __init__(self, radius: float, rng: random.Random) -> None:
        self.small = radius <= 1
        self._radius, self._rng = radius, rng

    def anywhere(self) -> Place:
        distance, angle = self._radius * sqrt(self._rng.random()), 2 * pi * self._rng.random()
        return Place(distance * cos(angle), distance * sin(angle))

    def site(self, number: int, stations: int) -> Place:
        """One of so many base stations: side by side in a small area, spread like a sunflower's seeds in a
        large one."""
        if self.small:
            return Place(0.5 * number, 0.0)
        distance = self._radius * sqrt((number + 0.5) / stations)
        angle = number * pi * (3 - sqrt(5))
        return Place(distance * cos(angle), distance * sin(angle))


def heard_in(region: str) -> frozenset[int] | None:
    """A base station listens to eight channels; where there are more, to those of the sub-band."""
    if not REGIONS[region].fixed:
        return None
    plan = ChannelPlan(REGIONS[region], sub_bands=(SUB_BAND,))
    return frozenset(c.frequency for n, c in enumerate(plan.channels) if plan.mask >> n & 1)
