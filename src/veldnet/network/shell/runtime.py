"""What all parts of the shell work with."""

from __future__ import annotations

import random
from collections.abc import Callable

from veldnet.store import IdSource
from veldnet.supervision import Supervisor

from .counters import Counters


class Runtime:
    """`clock` gives Unix seconds, `rng` the randomness of addresses; a simulation owns both, and with them
    time and chance. `ids` names records, `supervisor` runs tasks, `counters` is what metrics show."""

    __slots__ = ("clock", "counters", "ids", "rng", "supervisor")

    def __init__(
        self, clock: Callable[[], float], ids: IdSource, rng: random.Random, supervisor: Supervisor
    ) -> None:
        self.clock = clock
        self.ids = ids
        self.rng = rng
        self.supervisor = supervisor
        self.counters = Counters()
