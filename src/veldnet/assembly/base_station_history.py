"""Looks at base stations for their history: what protocols and network have measured since the last time."""

from __future__ import annotations

from collections.abc import Callable

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.gateways import Measures, Presence, Seen, Spread
from veldnet.monitoring import base_station_history as history
from veldnet.network.core import AirSchedule
from veldnet.store import Store


class HistoryKeeper:
    """Writes down what was measured. `silence` is the number of seconds after which one is away."""

    def __init__(
        self,
        store: Store,
        base_stations: BaseStations,
        presence: Presence,
        air: AirSchedule,
        clock: Callable[[], float],
        silence: float,
    ) -> None:
        self._base_stations = base_stations
        self._presence = presence
        self._air = air
        self._clock = clock
        self._started_at = clock()
        self._recorder = history.Recorder(store, clock, silence)

    async def start(self) -> None:
        """Take up what an earlier process left."""
        self._started_at = self._clock()
        await self._recorder.start()

    async def write(self) -> None:
        """Write down what was measured since the last time."""
        results, duty_cycles = self._air.results.take(), self._air.duty_cycles(self._clock())
        looks = {}
        for identifier, station in self._base_stations.all():
            seen = self._presence.stations.get(identifier)
            network = dict(results.get(identifier, {})), duty_cycles.get(identifier, {})
            if seen is not None:
                looks[identifier] = _look(seen, *network)
            elif station.last_seen_at is not None:
                # It was heard by an earlier process, and is to be heard by this one.
                at = self._started_at
                looks[identifier] = history.Look(at, at, (), _network_measures(*network))
        await self._recorder.look(looks)


def _look(seen: Seen, downlinks: dict[str, int], duty_cycle: dict[str, float]) -> history.Look:
    breaks = tuple(seen.breaks)
    seen.breaks.clear()
    measures = _network_measures(downlinks, duty_cycle)
    measures.add(_measures(seen.measured()))
    return history.Look(seen.seen_at, seen.up_since, breaks, measures)


def _network_measures(downlinks: dict[str, int], duty_cycle: dict[str, float]) -> history.Measures:
    used = {band: share for band, share in duty_cycle.items() if share > 0}
    return history.Measures(downlinks=downlinks, duty_cycle=used)


def _measures(taken: Measures) -> history.Measures:
    return history.Measures(
        packets=taken.packets,
        bad_packets=taken.bad_packets,
        forwarded=taken.forwarded,
        restarts=taken.restarts,
        acknowledged=_spread(taken.acknowledged),
        round_trip=_spread(taken.round_trip),
        clock_offset=_spread(taken.clock_offset),
        temperature=_spread(taken.temperature),
    )


def _spread(taken: Spread) -> history.Spread:
    if not taken.count:
        return history.Spread()
    return history.Spread(taken.count, taken.total, taken.lowest, taken.highest)
