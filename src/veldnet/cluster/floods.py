"""Floods of forged frames as all nodes see them: each judges the frames of its own partitions, and tells the
others, some times a second, what it has to say against which base station."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from veldnet.lorawan import BaseStationId

from .bus import Bus

SUBJECT = "floods"
TELL_AFTER = 0.2
# Base stations in a message.
_MOST = 2000

_Told = tuple[float, dict[int, float]]
_decoder = msgspec.msgpack.Decoder(_Told)


class Guard(Protocol):
    """The scores of this node."""

    def share(self, listener: Callable[[], None]) -> None: ...

    def untold(self, now: float) -> tuple[float, dict[BaseStationId, float]]: ...

    def add(self, everything: float, stations: Mapping[BaseStationId, float], now: float) -> None: ...


class SharedFloods:
    def __init__(self, bus: Bus, guard: Guard, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._guard = guard
        self._clock = clock
        self._telling = False
        guard.share(self._scored)
        bus.on(SUBJECT, self._told)

    def _scored(self) -> None:
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_later(TELL_AFTER, self._tell)

    def _tell(self) -> None:
        self._telling = False
        everything, stations = self._guard.untold(self._clock())
        told = sorted((int(station), weight) for station, weight in stations.items())
        for start in range(0, max(len(told), 1), _MOST):
            part = dict(told[start : start + _MOST])
            if everything or part:
                self._bus.announce(SUBJECT, msgspec.msgpack.encode((everything, part)))
            everything = 0.0

    def _told(self, _node: str, payload: bytes) -> None:
        everything, stations = _decoder.decode(payload)
        found = {BaseStationId(station): weight for station, weight in stations.items()}
        self._guard.add(everything, found, self._clock())
