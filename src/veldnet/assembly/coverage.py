"""Keeps coverage up to date: what base stations hear, what they are worth, the weekly reports."""

from __future__ import annotations

import time
from collections.abc import Callable

from veldnet.monitoring import Mailer
from veldnet.monitoring.coverage import make_reports, roll_up_worth, send_reports, take_coverage
from veldnet.store import Store

# Counting what base stations are worth takes at most one part in so many of the time.
_SHARE = 300


class CoverageKeeper:
    """`mailer` is asked for at each report."""

    def __init__(self, store: Store, clock: Callable[[], float], mailer: Callable[[], Mailer | None]) -> None:
        self._store = store
        self._clock = clock
        self._mailer = mailer
        # When to count again what base stations are worth.
        self._judge_at = 0.0

    async def take(self) -> None:
        """Take up the next part of the journal."""
        await take_coverage(self._store, self._clock)

    async def judge_in_turn(self) -> None:
        """Count again where it is time: the more there is to count, the less often."""
        if self._clock() < self._judge_at:
            return
        begun = time.perf_counter()
        await self.judge()
        self._judge_at = self._clock() + _SHARE * (time.perf_counter() - begun)

    async def judge(self) -> None:
        """Count what base stations are worth, and report on them where a week is over."""
        await roll_up_worth(self._store, self._clock)
        await make_reports(self._store, self._clock)
        await send_reports(self._store, self._mailer(), self._clock)
