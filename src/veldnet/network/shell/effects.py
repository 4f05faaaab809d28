"""Does the effects of transitions, each by the one that a table names for its type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from veldnet.network.core.events import AnswerDue, AnswerLater, Effect
from veldnet.network.core.uplink import answer_late

from .devices import Entry
from .runtime import Runtime
from .transitions import Transitions

Do = Callable[[Entry, Any], None]


class Effects:
    """`table` says who does effects of a type; `AnswerLater` is done here."""

    def __init__(self, runtime: Runtime, transitions: Transitions, table: dict[type[Effect], Do]) -> None:
        self._clock = runtime.clock
        self._transitions = transitions
        self._table: dict[type[Effect], Do] = {**table, AnswerLater: self._answer_later}

    def release(self, entry: Entry, effect: Effect) -> None:
        """Do an effect; what a transition recorded with it is durable."""
        self._table[type(effect)](entry, effect)

    def _answer_later(self, entry: Entry, effect: AnswerLater) -> None:
        delay = max(effect.at - self._clock(), 0.0)
        asyncio.get_running_loop().call_later(delay, self._answer_late, entry, effect.event)

    def _answer_late(self, entry: Entry, event: AnswerDue) -> None:
        if not entry.removed:
            context = self._transitions.context(entry, event)
            self._transitions.apply(entry, answer_late(context, entry.state))
