"""Detects base stations that flood the network with frames that anybody can forge.

A base station hears at most a few hundred frames a second, and hardly any that belong to nobody. One that
keeps bringing frames which turn out to be refused is throttled until its score is low again; `gate` says
what that means for which frames.

A frame of an unknown device counts as soon as it is admitted, so that a burst does not get through before the
first of it has been judged, and no longer once it has turned out to be genuine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from veldnet.lorawan import BaseStationId

# How fast refused and unjudged frames are forgotten: halved each so many seconds. A base station may bring a
# tenth of its limit when all together bring many.
_HALF_LIFE = 2.0
_ALL = 200.0
# What a refused join counts that the vault had to judge.
VAULT_WEIGHT = 8.0
_WATCHED = 10_000
# Minimum interval in seconds between two flood warnings for a base station.
_WARNING_INTERVAL = 60.0
# Share of its limit from which a score is told to other nodes, and what is too little to tell.
_TOLD_FROM = 1 / 16
_TOO_LITTLE = 0.5


class _Score:
    __slots__ = ("at", "untold", "value", "warned_at")

    def __init__(self) -> None:
        self.value = 0.0
        # What other nodes do not know of it.
        self.untold = 0.0
        self.at = 0.0
        self.warned_at: float | None = None

    def after(self, now: float) -> float:
        """The score as of now."""
        if now > self.at:
            left = 0.5 ** ((now - self.at) / _HALF_LIFE)
            self.value *= left
            self.untold *= left
            self.at = now
        return self.value

    def add(self, now: float, weight: float) -> None:
        """Count what was seen here."""
        before = self.after(now)
        self.value = max(before + weight, 0.0)
        self.untold += self.value - before

    def tell(self, now: float) -> float:
        """What others are to be told."""
        self.after(now)
        told, self.untold = self.untold, 0.0
        return told


class FloodGuard:
    """Scores of refused frames by base station. Times are seconds of any one clock.

    `limit` is how many refused and unjudged frames a base station may have brought lately. `admitted` and
    `refused` return whether to report that the base station is throttled, once a minute. Of several nodes
    each sees what it judges itself, and is told what the others see.
    """

    def __init__(self, limit: float = 64.0) -> None:
        self._limit = limit
        self._scores: dict[BaseStationId, _Score] = {}
        self._all = _Score()
        self._share: Callable[[], None] = lambda: None

    def share(self, listener: Callable[[], None]) -> None:
        """Have somebody called when there is something to tell to other nodes."""
        self._share = listener

    def untold(self, now: float) -> tuple[float, dict[BaseStationId, float]]:
        """What has been seen here since the last time: of all base stations, and of those worth telling."""
        found = {
            station: told
            for station, score in self._scores.items()
            if abs(score.untold) >= _TOO_LITTLE
            and score.after(now) >= self._limit * _TOLD_FROM
            and (told := score.tell(now))
        }
        return self._all.tell(now), found

    def add(self, everything: float, stations: Mapping[BaseStationId, float], now: float) -> None:
        """Another node has seen this."""
        self._all.value = max(self._all.after(now) + everything, 0.0)
        for station, weight in stations.items():
            score = self._score(station)
            score.value = max(score.after(now) + weight, 0.0)

    def admitted(self, base_station: BaseStationId, now: float) -> bool:
        """Called when a frame of an unknown device is admitted that this base station brought first."""
        return self._add(base_station, now, 1.0)

    def genuine(self, base_station: BaseStationId, now: float) -> None:
        """Called when an admitted frame turns out to be genuine."""
        score = self._scores.get(base_station)
        if score is not None:
            score.add(now, -1.0)

    def refused(
        self, base_station: BaseStationId, now: float, weight: float = 1.0, *, admitted: bool = False
    ) -> bool:
        """A frame that this base station brought was refused; `admitted` where it has counted once."""
        self._all.add(now, weight)
        if self._all.untold >= _ALL * _TOLD_FROM:
            self._share()
        return self._add(base_station, now, weight - 1.0 if admitted else weight)

    def _add(self, base_station: BaseStationId, now: float, weight: float) -> bool:
        score = self._score(base_station)
        score.add(now, weight)
        if score.value >= self._limit * _TOLD_FROM:
            self._share()
        return self.floods(base_station, now) and self.warning_due(base_station, now)

    def _score(self, base_station: BaseStationId) -> _Score:
        score = self._scores.get(base_station)
        if score is None:
            if len(self._scores) >= _WATCHED:
                del self._scores[next(iter(self._scores))]
            score = self._scores[base_station] = _Score()
        return score

    def warning_due(self, base_station: BaseStationId, now: float) -> bool:
        """Whether a warning about this base station is due."""
        score = self._score(base_station)
        if score.warned_at is not None and now - score.warned_at < _WARNING_INTERVAL:
            return False
        score.warned_at = now
        return True

    def floods(self, base_station: BaseStationId, now: float) -> bool:
        """Whether frames of unknown devices through this base station are dropped now."""
        score = self._scores.get(base_station)
        if score is None:
            return False
        limit = self._limit if self._all.after(now) < _ALL else self._limit / 10
        return score.after(now) >= limit
