"""What base stations have shown of themselves lately, at this node and at others.

A node tells the others every few seconds of the base stations that it has heard since. A message that is
lost is made good by the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec

from veldnet.cluster import Bus
from veldnet.gateways import Hub, Presence, Seen
from veldnet.lorawan import BaseStationId
from veldnet.network.core import AirSchedule

SUBJECT = "sights"
# Base stations in a message.
_MOST = 500


class Remark(msgspec.Struct, frozen=True, array_like=True):
    """Something that was wrong with frames, and is not in the store yet: how often, the last in words
    (packed), when."""

    count: int = 0
    last: str | None = None
    at: float | None = None


class Sight(msgspec.Struct, frozen=True, array_like=True):
    """A base station as the node that has its connection sees it. Times in Unix seconds; `node` is empty
    where it is this one."""

    seen_at: float
    up_since: float
    node: str = ""
    frame_at: float | None = None
    gps_at: float | None = None
    restarted_at: float | None = None
    packets: int = 0
    bad_packets: int = 0
    acknowledged: float | None = None
    duplicates: tuple[str, ...] = ()
    clock_error: float | None = None
    refused: Remark = Remark()
    irregular: Remark = Remark()
    protocol: str | None = None
    address: str | None = None
    session_at: float | None = None
    sessions: int = 0
    load: float = 0.0
    duty_cycle: dict[str, float] = {}
    highest_power: int | None = None
    gps_refused: bool | None = None


_Told = dict[int, Sight]
_decoder = msgspec.msgpack.Decoder(_Told)


class Sights:
    """`bus` is the way to the other nodes; None where there are none."""

    def __init__(
        self,
        presence: Presence,
        hub: Hub,
        air: AirSchedule,
        clock: Callable[[], float],
        bus: Bus | None = None,
    ) -> None:
        self.presence = presence
        self._hub = hub
        self.air = air
        self._clock = clock
        self._bus = bus
        self._elsewhere: dict[BaseStationId, Sight] = {}
        self._told_at = 0.0
        if bus is not None:
            bus.on(SUBJECT, self._heard)

    def of(self, station: BaseStationId) -> Sight | None:
        """What is known of a base station; None of one that was not heard since the start of all nodes."""
        return next(self.several((station,)), (station, None))[1]

    def several(self, stations: Iterable[BaseStationId]) -> Iterator[tuple[BaseStationId, Sight]]:
        """The same of several."""
        # First: what was seen is moved where our clock has stepped.
        now = self._hub.clock()
        loads, duty_cycles = self.air.loads(now), self.air.duty_cycles(now)
        for station in stations:
            seen, other = self.presence.stations.get(station), self._elsewhere.get(station)
            if seen is not None and (other is None or other.seen_at <= seen.seen_at):
                yield station, self._sight(station, seen, loads, duty_cycles, now)
            elif other is not None:
                yield station, other

    def seen_at(self, station: BaseStationId) -> float | None:
        """When a base station was heard last."""
        seen, other = self.presence.stations.get(station), self._elsewhere.get(station)
        times = [each.seen_at for each in (seen, other) if each is not None]
        return max(times, default=None)

    def heard(self) -> dict[BaseStationId, float]:
        """When each base station was heard last."""
        stations = self._elsewhere.keys() | self.presence.stations.keys()
        return {station: at for station in stations if (at := self.seen_at(station)) is not None}

    def _sight(
        self,
        station: BaseStationId,
        seen: Seen,
        loads: dict[BaseStationId, float],
        duty_cycles: dict[BaseStationId, dict[str, float]],
        now: float,
    ) -> Sight:
        connection, radios = self._hub.connection(station), self.air.radios
        packets, bad = seen.packets()
        return Sight(
            seen.seen_at,
            seen.up_since,
            frame_at=seen.frame_at,
            gps_at=seen.gps_at,
            restarted_at=seen.restarted_at,
            packets=packets,
            bad_packets=bad,
            acknowledged=seen.acknowledged,
            duplicates=tuple(seen.duplicates(now)),
            clock_error=seen.clock_error,
            refused=Remark(seen.refused.count, seen.refused.packed, seen.refused.at),
            irregular=Remark(seen.irregular.count, seen.irregular.packed, seen.irregular.at),
            protocol=None if connection is None else connection.name,
            address=seen.address,
            session_at=seen.session_at,
            sessions=seen.sessions,
            load=loads.get(station, 0.0),
            duty_cycle=dict(duty_cycles.get(station, {})),
            highest_power=radios.highest_power(station, now),
            gps_refused=radios.refuses_gps_time(station, now),
        )

    # Between nodes.

    async def tell(self) -> None:
        """Tell the other nodes of the base stations that were heard here since the last time."""
        bus = self._bus
        if bus is None:
            return
        since, self._told_at = self._told_at, self._clock()
        heard = (station for station, seen in list(self.presence.stations.items()) if seen.seen_at >= since)
        sights = ((int(station), sight) for station, sight in self.several(heard) if not sight.node)
        while part := dict(islice(sights, _MOST)):
            bus.announce(SUBJECT, msgspec.msgpack.encode(part))

    def _heard(self, node: str, payload: bytes) -> None:
        for number, sight in _decoder.decode(payload).items():
            station = BaseStationId(number)
            known = self._elsewhere.get(station)
            # The clock of a node may have stepped back.
            if known is None or known.node == node or known.seen_at <= sight.seen_at:
                self._elsewhere[station] = msgspec.structs.replace(sight, node=node)
