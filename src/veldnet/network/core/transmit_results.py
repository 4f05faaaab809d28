"""What became of each frame that a base station was to transmit: sent, or refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from veldnet.lorawan import BaseStationId

SENT = "SENT"
NO_ANSWER = "NO_ANSWER"
# Of each base station between two looks; base stations choose their words themselves.
_MOST_CAUSES = 24
_LONGEST = 32
_OTHER = "OTHER"


class TransmitResults:
    """Counts by base station and result, for whoever takes them from time to time. `counts` says of which
    base stations: where there are several nodes, each counts what its own ones were to transmit."""

    def __init__(self) -> None:
        self.counts: Callable[[BaseStationId], bool] | None = None
        self._counts: dict[BaseStationId, Counter[str]] = {}

    def count(self, base_station: BaseStationId, result: str) -> None:
        if self.counts is not None and not self.counts(base_station):
            return
        counts = self._counts.get(base_station)
        if counts is None:
            counts = self._counts[base_station] = Counter()
        result = result[:_LONGEST]
        if result not in counts and len(counts) >= _MOST_CAUSES:
            result = _OTHER
        counts[result] += 1

    def take(self) -> dict[BaseStationId, Counter[str]]:
        """What was counted since the last time."""
        taken, self._counts = self._counts, {}
        return taken
