"""Detects base stations that flood the network with frames that anybody can forge.

A base station hears at most a few hundred frames a second, and hardly any that belong to nobody. One that
keeps bringing frames which turn out to be refused is throttled until its score is low again; `gate` says
what that means for which frames.

A frame of an unknown device counts as soon as it is admitted, so that a burst does not get through before the
first of it has been judged, and no longer once it has turned out to be genuine.
"""

from __future__ import annotations

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


class _Score:
    __slots__ = ("at", "value", "warned_at")

    def __init__(self) -> None:
        self.value = 0.0
        self.at = 0.0
        self.warned_at: float | None = None

    def after(self, now: float) -> float:
        """The score as of now."""
        if now > self.at:
            self.value *= 0.5 ** ((now - self.at) / _HALF_LIFE)
            self.at = now
        return self.value


class FloodGuard:
    """Scores of refused frames by base station. Times are seconds of any one clock.

    `limit` is how many refused and unjudged frames a base station may have brought lately. `admitted` and
    `refused` return whether to report that the base station is throttled, once a minute.
    """

    def __init__(self, limit: float = 64.0) -> None:
        self._limit = limit
        self._scores: dict[BaseStationId, _Score] = {}
        self._all = _Score()

    def admitted(self, base_station: BaseStationId, now: float) -> bool:
        """Called when a frame of an unknown device is admitted that this base station brought first."""
        return self._add(base_station, now, 1.0)

    def genuine(self, base_station: BaseStationId, now: float) -> None:
        """Called when an admitted frame turns out to be genuine."""
        score = self._scores.get(base_station)
        if score is not None:
            score.value = max(score.after(now) - 1.0, 0.0)

    def refused(
        self, base_station: BaseStationId, now: float, weight: float = 1.0, *, admitted: bool = False
    ) -> bool:
        """A frame that this base station brought was refused; `admitted` where it has counted once."""
        self._all.after(now)
        self._all.value += weight
        return self._add(base_station, now, weight - 1.0 if admitted else weight)

    def _add(self, base_station: BaseStationId, now: float, weight: float) -> bool:
        score = self._score(base_station)
        score.after(now)
        score.value += weight
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
