"""Downlinks of other nodes at the node that has the connection of their base station.

That node alone knows all that a base station is to transmit. So its air schedule says whether a frame fits,
whoever has decided on it; what does not fit is refused at once, as a base station refuses it, so that the
other node has time to try the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport
from veldnet.network.core import AirSchedule

from .bus import Bus

# Words of base stations, which the other node understands.
_REFUSALS = {"A3": "COLLISION_PACKET", "DA": "DUTY_CYCLE_OVERFLOW"}
_OTHER = "NOT_SENT"
NOT_HERE = "NO_ADDRESS"
# Seconds after which nobody waits for the report on a frame any more.
_FORGET = 20.0
# Frames that wait for a report.
_MOST = 20_000


class _UnderWay(NamedTuple):
    node: str
    frame: GatewayDownlink
    timer: asyncio.TimerHandle


class Stations(Protocol):
    """The connections of this node."""

    def connection(self, base_station: BaseStationId) -> object | None: ...

    def transmit(self, downlink: GatewayDownlink) -> None: ...


AIR = "air"
_Usage = tuple[Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)], dict[str, list[float]]]
_encode = msgspec.msgpack.Encoder().encode
_usages = msgspec.msgpack.Decoder(_Usage)


class MovingAir:
    """Sends what a base station has transmitted after it when it moves to another node, whose schedule goes
    on from there."""

    def __init__(self, bus: Bus, air: AirSchedule, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._air = air
        self._clock = clock
        bus.on(AIR, self._arrived)

    def moved(self, base_station: BaseStationId, node: str) -> None:
        usage = self._air.usage(base_station, self._clock())
        if usage:
            self._bus.send(node, AIR, _encode((int(base_station), usage)))

    def _arrived(self, _node: str, message: bytes) -> None:
        number, usage = _usages.decode(message)
        self._air.take_over(BaseStationId(number), usage, self._clock())


class DistantDownlinks:
    """`report` tells a node what became of a frame of its own."""

    def __init__(
        self,
        stations: Stations,
        air: AirSchedule,
        clock: Callable[[], float],
        report: Callable[[str, TransmitReport], None],
    ) -> None:
        self._stations = stations
        self._air = air
        self._clock = clock
        self._report = report
        self._under_way: dict[tuple[int, BaseStationId], _UnderWay] = {}

    def transmit(self, node: str, frame: GatewayDownlink) -> None:
        """Transmit a frame of another node, or tell it why not."""
        key = frame.token, frame.base_station
        if key in self._under_way:
            # The bus may repeat.
            return
        error = self._refusal(frame)
        if error is not None:
            self._report(node, TransmitReport(*key, error))
            return
        air, now, size = self._air, self._clock(), len(frame.phy_payload)
        second = frame.second
        if second is not None and air.refusal(second, size, now) is not None:
            frame = replace(frame, second=None)
        air.book(frame.window, size, frame.token, now)
        if frame.second is not None:
            air.book(frame.second, size, frame.token, now)
        timer = asyncio.get_running_loop().call_later(_FORGET, self._forget, key)
        self._under_way[key] = _UnderWay(node, frame, timer)
        self._stations.transmit(frame)

    def _refusal(self, frame: GatewayDownlink) -> str | None:
        if self._stations.connection(frame.base_station) is None:
            return NOT_HERE
        if len(self._under_way) >= _MOST:
            return _OTHER
        refusal = self._air.refusal(frame.window, len(frame.phy_payload), self._clock())
        return None if refusal is None else _REFUSALS.get(refusal.cause, _OTHER)

    def reported(self, report: TransmitReport) -> bool:
        """Take what a base station says of a frame; False where it is none of another node."""
        found = self._under_way.pop((report.token, report.base_station), None)
        if found is None:
            return False
        found.timer.cancel()
        self._air.answered(found.frame, report.error, second=report.second)
        self._report(found.node, report)
        return True

    def _forget(self, key: tuple[int, BaseStationId]) -> None:
        self._air.unanswered(self._under_way.pop(key).frame)

    def close(self) -> None:
        for each in self._under_way.values():
            each.timer.cancel()
        self._under_way.clear()
