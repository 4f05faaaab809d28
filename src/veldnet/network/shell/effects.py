"""Does the effects of transitions, each by the one that a table names for its type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from veldnet.network.core.events import AnswerDue, AnswerLater, Effect
from veldnet.network.core.uplink import answer_late

from .entries import Entry
from .runtime import Runtime
from .transitions import Transitions

Do = Callable[[Entry, Any], None]


class Effects:
    """`table` says who does effects of a type; `AnswerLater` is done here."""

    def __init__(self, runtime: Runtime, transitions: Transitions, table: dict[type[Effect], Do]) -> None:
        self._clock = runtime.clock
        self._transitions = transitions
        # Answers to come: their timers.
        self._later: dict[int, tuple[Entry, AnswerDue, asyncio.TimerHandle]] = {}
        self._last = 0
        self._table: dict[type[Effect], Do] = {**table, AnswerLater: self._answer_later}

    def release(self, entry: Entry, effect: Effect) -> None:
        """Do an effect; what a transition recorded with it is durable."""
        self._table[type(effect)](entry, effect)

    def _answer_later(self, entry: Entry, effect: AnswerLater) -> None:
        delay = max(effect.at - self._clock(), 0.0)
        number = self._last = self._last + 1
        timer = asyncio.get_running_loop().call_later(delay, self._answer_late, number)
        self._later[number] = (entry, effect.event, timer)
        entry.pending += 1

    def answer_now(self, stored: frozenset[int]) -> None:
        """Answer devices of partitions now that were to be answered later."""
        due = [n for n, (entry, _, _) in self._later.items() if entry.device.row.partition in stored]
        for number in due:
            self._later[number][2].cancel()
            self._answer_late(number)

    def _answer_late(self, number: int) -> None:
        entry, event, _timer = self._later.pop(number)
        entry.pending -= 1
        if not entry.removed:
            context = self._transitions.context(entry, event)
            self._transitions.apply(entry, answer_late(context, entry.state))
