"""Which node has the connection of which base station.

Nodes tell each other of the base stations that they have: of each when it comes and goes, of all every few
seconds, and a new node asks. Every connection has a stamp, one above the highest that its node has seen of
any, and not below the time. Of two nodes that have a base station the one with the later stamp keeps it; but
no connection without authentication takes it from one with. So all agree after one message each, in whatever
order they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated, NamedTuple, Protocol

import msgspec
import structlog

from veldnet.lorawan import BaseStationId
from veldnet.supervision import Supervisor

from .bus import Bus

log = structlog.get_logger(__name__)

HELD, LEFT, ASK = "stations", "stations-left", "stations-ask"
TELL_EVERY = 10.0
# Seconds after which what a node has not repeated is forgotten.
_EXPIRES = 2.5 * TELL_EVERY
# Base stations in a message.
_MOST = 2000
_TASK = "base stations of other nodes"

_Station = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
_HeldRow = tuple[_Station, int, bool, bool]
_encode = msgspec.msgpack.Encoder().encode
_held_rows = msgspec.msgpack.Decoder(list[_HeldRow])
_left_rows = msgspec.msgpack.Decoder(list[tuple[_Station, int]])


class Hub(Protocol):
    """The connections of this node."""

    def leave(self, base_station: BaseStationId) -> None:
        """Forget the connection of a base station: another node has it."""


class Connection(NamedTuple):
    """Where a base station is connected, and what can be asked of it there."""

    authenticates: bool
    stamp: int
    node: str
    plans_both: bool

    def beats(self, other: Connection) -> bool:
        return self[:3] > other[:3]


class StationHolders:
    """The base stations of all nodes. Those of this node come from the hub, whose `others` this is."""

    def __init__(self, bus: Bus, supervisor: Supervisor, clock: Callable[[], float]) -> None:
        self.hub: Hub | None = None
        # Called with a base station that this node had, and the node that has it now.
        self.moved: Callable[[BaseStationId, str], None] | None = None
        self._bus = bus
        self._supervisor = supervisor
        self._clock = clock
        self._mine: dict[BaseStationId, Connection] = {}
        self._others: dict[BaseStationId, Connection] = {}
        self._heard_at: dict[BaseStationId, float] = {}
        # Connections that are over, so that what was said of them before is not believed when it comes late.
        self._over: dict[tuple[str, BaseStationId], tuple[int, float]] = {}
        self._last = 0
        self._to_tell: set[BaseStationId] = set()
        # What connects before the bus is there is told of when it is.
        self._started = False
        bus.on(HELD, self._told)
        bus.on(LEFT, self._told_of_leaving)
        bus.on(ASK, self._asked)

    def start(self) -> None:
        """Ask who has what, and tell others from time to time; the bus has been started."""
        self._started = True
        self._ask_and_tell()
        self._bus.on_connected(self._ask_and_tell)
        self._supervisor.repeat(_TASK, TELL_EVERY, self.tell)

    def _ask_and_tell(self) -> None:
        self._bus.announce(ASK, b"")
        self._send(self._mine, None)

    # For the hub.

    def takes(self, base_station: BaseStationId, authenticates: bool) -> bool:
        """Whether a connection of this node may be that of a base station."""
        other = self._others.get(base_station)
        return other is None or authenticates or not other.authenticates

    def connected(self, base_station: BaseStationId, *, authenticates: bool, plans_both: bool) -> None:
        # Also above those that this node gave before it was started again.
        self._last = max(self._last + 1, int(self._clock() * 1000))
        self._mine[base_station] = Connection(authenticates, self._last, self._bus.node, plans_both)
        self._forget(base_station)
        if not self._started:
            return
        if not self._to_tell:
            asyncio.get_running_loop().call_soon(self._tell_changed)
        self._to_tell.add(base_station)

    def disconnected(self, base_station: BaseStationId) -> None:
        mine = self._mine.pop(base_station, None)
        if mine is not None and self._started:
            self._bus.announce(LEFT, _encode([(int(base_station), mine.stamp)]))

    # What is known.

    def holder(self, base_station: BaseStationId) -> Connection | None:
        """The connection of a base station at another node."""
        return self._others.get(base_station)

    def of_node(self, node: str) -> int:
        """How many base stations another node has."""
        return sum(each.node == node for each in self._others.values())

    # Telling.

    async def tell(self) -> None:
        """Tell all of every base station here, and forget what was not repeated by others."""
        self._send(self._mine, None)
        before = asyncio.get_running_loop().time() - _EXPIRES
        for station in [station for station, heard in self._heard_at.items() if heard < before]:
            self._forget(station)
        self._over = {key: over for key, over in self._over.items() if over[1] >= before}

    def _tell_changed(self) -> None:
        changed, self._to_tell = self._to_tell, set()
        self._send([station for station in changed if station in self._mine], None)

    def _send(self, stations: Iterable[BaseStationId], node: str | None) -> None:
        rows: list[_HeldRow] = []
        for station in stations:
            mine = self._mine[station]
            rows.append((int(station), mine.stamp, mine.authenticates, mine.plans_both))
        for start in range(0, len(rows), _MOST):
            message = _encode(rows[start : start + _MOST])
            if node is None:
                self._bus.announce(HELD, message)
            else:
                self._bus.send(node, HELD, message)

    def _asked(self, node: str, _payload: bytes) -> None:
        self._send(self._mine, node)

    # Being told.

    def _told(self, node: str, payload: bytes) -> None:
        now = asyncio.get_running_loop().time()
        still_mine = []
        for number, stamp, authenticates, plans_both in _held_rows.decode(payload):
            station = BaseStationId(number)
            told = Connection(authenticates, stamp, node, plans_both)
            self._last = max(self._last, stamp)
            if stamp <= self._over.get((node, station), (0, 0.0))[0]:
                continue
            mine, other = self._mine.get(station), self._others.get(station)
            if mine is not None and mine.beats(told):
                still_mine.append(station)
            elif other is None or (other.node == node and stamp >= other.stamp) or told.beats(other):
                self._others[station], self._heard_at[station] = told, now
                if mine is not None:
                    self._lose(station, node)
        self._send(still_mine, node)

    def _lose(self, station: BaseStationId, node: str) -> None:
        del self._mine[station]
        log.info("base_station_at_another_node", base_station=str(station), node=node)
        if self.hub is not None:
            self.hub.leave(station)
        if self.moved is not None:
            self.moved(station, node)

    def _told_of_leaving(self, node: str, payload: bytes) -> None:
        now = asyncio.get_running_loop().time()
        for number, stamp in _left_rows.decode(payload):
            station = BaseStationId(number)
            self._over[node, station] = stamp, now
            other = self._others.get(station)
            if other is not None and other.node == node and other.stamp <= stamp:
                self._forget(station)

    def forget_node(self, node: str) -> frozenset[BaseStationId]:
        """A node is gone, and its connections with it; returns the base stations that it had."""
        gone = frozenset(station for station, other in self._others.items() if other.node == node)
        for station in gone:
            self._forget(station)
        return gone

    def _forget(self, station: BaseStationId) -> None:
        self._others.pop(station, None)
        self._heard_at.pop(station, None)
