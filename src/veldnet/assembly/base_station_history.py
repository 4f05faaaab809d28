"""Looks at base stations for their history: what protocols and network have measured since the last time."""

from __future__ import annotations

from collections.abc import Callable

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.sights import Sights
from veldnet.gateways import HeardChannel, Measures, Spread
from veldnet.lorawan import BaseStationId
from veldnet.monitoring import base_station_history as history
from veldnet.network.core import ChannelAirtime
from veldnet.store import Store


class HistoryKeeper:
    """Writes down what was measured. Where there are several nodes, each writes what it has measured itself,
    and the one that `leads` judges who was away. `silence` is the number of seconds after which one is
    away."""

    def __init__(
        self,
        store: Store,
        base_stations: BaseStations,
        sights: Sights,
        clock: Callable[[], float],
        silence: float,
        *,
        leads: Callable[[], bool],
    ) -> None:
        self._base_stations = base_stations
        self._sights = sights
        self._presence, self._air = sights.presence, sights.air
        self._clock = clock
        self._started_at = clock()
        self._recorder = history.Recorder(store, clock, silence)
        self._leads = leads
        self._led = False

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds."""
        self._started_at += by
        self._recorder.stepped(by)

    async def start(self) -> None:
        """Take up what an earlier process left."""
        self._started_at, self._led = self._clock(), self._leads()
        await self._recorder.start()

    async def write(self) -> None:
        """Write down what was measured since the last time."""
        led, self._led = self._led, self._leads()
        if not self._led:
            await self._recorder.measured(self._measured())
            return
        if not led:
            # Another node has judged until now.
            await self._recorder.start()
        await self._recorder.look(self._looks())

    def _measured(self) -> dict[BaseStationId, history.Measures]:
        """What was measured here since the last time. Its times of silence are seen by the node that
        leads."""
        looks = self._looks()
        return {station: look.measures for station, look in looks.items() if look.measures != _NOTHING}

    def _looks(self) -> dict[BaseStationId, history.Look]:
        results, channels = self._air.results.take(), self._air.results.take_channels()
        duty_cycles = self._air.duty_cycles(self._clock())
        stations = dict(self._base_stations.all())
        sights = dict(self._sights.several(stations))
        looks = {}
        for identifier, station in stations.items():
            measures = history.Measures(
                downlinks=dict(results.get(identifier, {})),
                duty_cycle=_used(duty_cycles.get(identifier, {})),
                channels=_sent(channels.get(identifier, {})),
            )
            seen, sight = self._presence.stations.get(identifier), sights.get(identifier)
            breaks: tuple[tuple[float, float], ...] = ()
            if seen is not None:
                breaks = tuple(seen.breaks)
                seen.breaks.clear()
                measures.add(_measures(seen.measured()))
            if sight is not None:
                looks[identifier] = history.Look(sight.seen_at, sight.up_since, breaks, measures)
            elif station.last_seen_at is not None:
                # It was heard by an earlier process, and is to be heard by this one.
                looks[identifier] = history.Look(self._started_at, self._started_at, (), measures)
        return looks


_NOTHING = history.Measures()


def _used(duty_cycle: dict[str, float]) -> dict[str, float]:
    return {band: share for band, share in duty_cycle.items() if share > 0}


def _sent(channels: dict[int, ChannelAirtime]) -> dict[int, history.Channel]:
    return {
        frequency: history.Channel(downlinks=used.frames, airtime=round(used.seconds * 1000))
        for frequency, used in channels.items()
    }


def _measures(taken: Measures) -> history.Measures:
    return history.Measures(
        channels={frequency: _heard(channel) for frequency, channel in taken.channels.items()},
        packets=taken.packets,
        bad_packets=taken.bad_packets,
        forwarded=taken.forwarded,
        restarts=taken.restarts,
        acknowledged=_spread(taken.acknowledged),
        round_trip=_spread(taken.round_trip),
        clock_offset=_spread(taken.clock_offset),
        temperature=_spread(taken.temperature),
    )


def _heard(channel: HeardChannel) -> history.Channel:
    return history.Channel(channel.frames, _levels(channel.rssi), _levels(channel.snr))


def _levels(taken: Spread) -> history.Levels:
    if not taken.count:
        return history.Levels()
    return history.Levels(
        taken.count, round(taken.total * 10), round(taken.lowest * 10), round(taken.highest * 10)
    )


def _spread(taken: Spread) -> history.Spread:
    if not taken.count:
        return history.Spread()
    return history.Spread(taken.count, taken.total, taken.lowest, taken.highest)
