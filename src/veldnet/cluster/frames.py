"""Frames between nodes: uplinks to the owner of their partition, downlinks to their base station's node.

Stands between the hub and the network server where there are several nodes. All copies of a frame meet at
the owner: a data frame's partition is in its address, that of a join or rejoin comes from the DevEUI. A frame
whose partition nobody owns just now waits here for the next owner.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

import structlog

from veldnet.lorawan import BaseStationId, DevAddr, DevEui, GatewayEui
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.network.core import AirSchedule
from veldnet.network.core.addressing import AddressSpace
from veldnet.supervision import Supervisor

from .air import NOT_HERE, DistantDownlinks, MovingAir
from .bus import Bus
from .clocks import NodeClocks
from .ownership import PartitionMap
from .radio_messages import (
    MOST,
    BadMessage,
    Forwarded,
    decode_downlinks,
    decode_reports,
    decode_uplinks,
    encode_downlinks,
    encode_reports,
    encode_uplinks,
)
from .stations import StationHolders

log = structlog.get_logger(__name__)

UPLINKS, DOWNLINKS, REPORTS = "uplinks", "downlinks", "reports"
# Seconds after its reception until which a frame waits for an owner, and how many do: longer than it takes
# until others serve what a node had that was killed.
LONGEST_WAIT = 5.0
_MOST_WAITING = 20_000
# Seconds for which uplinks to a node are gathered into one message: short beside the time in which copies of
# a frame are collected, and most of what a message costs is the same for one frame and for many.
GATHERED = 0.005
# Nodes that send a frame on: the owner may have changed while it was under way.
_MOST_HOPS = 3
_DATA_UP = (0x40, 0x80)
_JOIN_REQUEST, _REJOIN_REQUEST = 0x00, 0xC0
_MHDR = 0xE0

T = TypeVar("T")


class Gate(Protocol):
    """Says which frames are not worth reading."""

    def throttles(self, base_station: BaseStationId, now: float) -> bool: ...

    def drops_unread(self, head: bytes) -> bool: ...


class Network(Protocol):
    """The network server of this node, for the partitions that it owns."""

    @property
    def gate(self) -> Gate: ...

    @property
    def lag(self) -> float: ...

    def receive(self, uplink: GatewayUplink) -> None: ...

    def transmit_reported(self, report: TransmitReport) -> None: ...

    def unanswered(self, base_stations: frozenset[BaseStationId]) -> None:
        """The node of base stations is gone."""


class Hub(Protocol):
    """The connections of this node."""

    def share(self, others: StationHolders, serves: Callable[[GatewayEui], bool]) -> None:
        """Tell of the connections of this node, and ask for those of others; `serves` says which base
        stations are for this node to serve of those that all hear."""

    def take_up(self) -> None:
        """This node may have others to serve than before."""

    def connection(self, base_station: BaseStationId) -> object | None: ...

    def transmit(self, downlink: GatewayDownlink) -> None: ...

    def leave(self, base_station: BaseStationId) -> None: ...


class Outbox(Generic[T]):
    """Collects what goes to each node within a turn of the event loop, or within so many seconds."""

    def __init__(self, send: Callable[[str, list[T]], None], within: float = 0.0) -> None:
        self._send = send
        self._within = within
        self._nodes: dict[str, list[T]] = {}

    def add(self, node: str, item: T) -> None:
        items = self._nodes.get(node)
        if items is None:
            if not self._nodes:
                loop = asyncio.get_running_loop()
                if self._within:
                    loop.call_later(self._within, self._flush)
                else:
                    loop.call_soon(self._flush)
            items = self._nodes[node] = []
        items.append(item)

    def _flush(self) -> None:
        nodes, self._nodes = self._nodes, {}
        for node, items in nodes.items():
            for start in range(0, len(items), MOST):
                self._send(node, items[start : start + MOST])


class _Waiting(NamedTuple):
    until: float
    partition: int
    frame: Forwarded


class PartitionGate:
    """The `Gate` of a node: frames of partitions that others own are theirs to judge."""

    def __init__(self, gate: Gate, partitions: PartitionMap, addresses: AddressSpace) -> None:
        self._gate = gate
        self._partitions = partitions
        self._addresses = addresses

    def throttles(self, base_station: BaseStationId, now: float) -> bool:
        return self._gate.throttles(base_station, now)

    def drops_unread(self, head: bytes) -> bool:
        if head[0] in _DATA_UP:
            dev_addr = DevAddr.from_wire(head[1:5])
            if not self._partitions.mine(self._addresses.partition_of_address(dev_addr)):
                return False
        return self._gate.drops_unread(head)


def _own_clock(_sent_at: float) -> float:
    return 0.0


class ClusterFrames:
    """The hub's network, and where the network server sends its downlinks. `stations` knows which node has
    which base station."""

    def __init__(
        self,
        bus: Bus,
        partitions: PartitionMap,
        network: Network,
        addresses: AddressSpace,
        clock: Callable[[], float],
        supervisor: Supervisor,
    ) -> None:
        self.stations = StationHolders(bus, supervisor, clock)
        self.gate = PartitionGate(network.gate, partitions, addresses)
        # Frames forwarded, held for want of an owner, and dropped, by reason.
        self.counts: Counter[str] = Counter()
        self._bus = bus
        self._partitions = partitions
        self._network = network
        self._addresses = addresses
        self._clock = clock
        self._clocks = NodeClocks()
        self._hub: Hub | None = None
        self._distant: DistantDownlinks | None = None
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._uplinks: Outbox[Forwarded] = Outbox(self._send_uplinks, GATHERED)
        self._downlinks: Outbox[GatewayDownlink] = Outbox(self._send_downlinks)
        self._reports: Outbox[TransmitReport] = Outbox(self._send_reports)
        # Nodes that messages have not reached since their partitions were looked at last.
        self._away: set[str] = set()
        self._owners: list[str | None] = []
        bus.on(UPLINKS, self._uplinks_arrived)
        bus.on(DOWNLINKS, self._downlinks_arrived)
        bus.on(REPORTS, self._reports_arrived)
        bus.on_return(UPLINKS, self._uplinks_returned)
        bus.on_return(DOWNLINKS, self._downlinks_returned)
        bus.on_connected(self._owners_changed)
        partitions.node_changed(self._owners_changed)

    def serve(self, hub: Hub, air: AirSchedule) -> None:
        """Take part with the base stations of this node."""
        self._hub = self.stations.hub = hub
        hub.share(self.stations, self._serves)
        self._partitions.node_changed(self._take_up)
        self._distant = DistantDownlinks(hub, air, self._clock, self._reports.add)
        self.stations.moved = MovingAir(self._bus, air, self._clock).moved
        air.results.counts = lambda base_station: hub.connection(base_station) is not None

    def _serves(self, gateway: GatewayEui) -> bool:
        """Base stations that all nodes hear have partitions as devices do. While nobody has one, each node
        serves them: copies of a frame meet at the owner of its device."""
        owner = self._partitions.owner(self._addresses.partition_of_device(DevEui(int(gateway))))
        return owner is None or owner == self._bus.node

    def _take_up(self) -> None:
        owners = [self._partitions.owner(partition) for partition in range(self._addresses.partitions)]
        if owners != self._owners and self._hub is not None:
            self._owners = owners
            self._hub.take_up()

    def start(self) -> None:
        """Find out which base stations are where; the bus has been started."""
        self.stations.start()

    # From the hub.

    @property
    def lag(self) -> float:
        return self._network.lag

    def receive(self, uplink: GatewayUplink) -> None:
        """Take a base station's copy of a frame."""
        partition = self._partition_of(uplink.phy_payload)
        if partition is None or self._partitions.mine(partition):
            self._network.receive(uplink)
        else:
            self._forward(partition, Forwarded(uplink, 0))

    def transmit_reported(self, report: TransmitReport) -> None:
        """Take a base station's answer to a downlink of any node."""
        if self._distant is None or not self._distant.reported(report):
            self._network.transmit_reported(report)

    # From the network server.

    def transmit(self, downlink: GatewayDownlink) -> None:
        """Have a base station of any node transmit."""
        hub, base_station = self._hub, downlink.base_station
        if hub is not None and hub.connection(base_station) is not None:
            hub.transmit(downlink)
            return
        holder = self.stations.holder(base_station)
        if holder is not None:
            self.counts["downlinks_forwarded"] += 1
            self._downlinks.add(holder.node, downlink)
            return
        report = TransmitReport(downlink.token, base_station, NOT_HERE)
        asyncio.get_running_loop().call_soon(self._network.transmit_reported, report)

    def plans_both(self, base_station: BaseStationId) -> bool:
        """Whether a base station of another node can be given two windows for one frame."""
        holder = self.stations.holder(base_station)
        return holder is not None and holder.plans_both

    # Uplinks.

    def _partition_of(self, phy: bytes) -> int | None:
        """The partition of a frame of this network; None for what every node refuses alike."""
        kind, size = phy[0] & _MHDR if phy else None, len(phy)
        if kind is not None and phy[0] & _MHDR in _DATA_UP and size >= 12:
            dev_addr = DevAddr.from_wire(phy[1:5])
            addresses = self._addresses
            return addresses.partition_of_address(dev_addr) if addresses.contains(dev_addr) else None
        if kind == _JOIN_REQUEST and size == 23:
            return self._addresses.partition_of_device(DevEui.from_wire(phy[9:17]))
        if kind == _REJOIN_REQUEST and size in (19, 24):
            start = 5 if size == 19 else 10
            return self._addresses.partition_of_device(DevEui.from_wire(phy[start : start + 8]))
        return None

    def _forward(self, partition: int, frame: Forwarded) -> None:
        owner = self._partitions.owner(partition)
        if owner is None or owner == self._bus.node or owner in self._away:
            self._wait(partition, frame)
        elif frame.hops >= _MOST_HOPS:
            self.counts["wandering"] += 1
        else:
            self.counts["uplinks_forwarded"] += 1
            self._uplinks.add(owner, Forwarded(frame.uplink, frame.hops + 1))

    def _wait(self, partition: int, frame: Forwarded) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self.counts["no_owner"] += 1
            return
        self.counts["waited"] += 1
        loop = asyncio.get_running_loop()
        # One that has waited already, and came back, waits for the rest of its time.
        left = LONGEST_WAIT - min(max(self._clock() - frame.uplink.received_at, 0.0), LONGEST_WAIT)
        self._waiting.append(_Waiting(loop.time() + left, partition, frame))
        if self._timer is None:
            self._timer = loop.call_later(left, self._waited_too_long)

    def _owners_changed(self) -> None:
        self._away.clear()
        waiting, self._waiting = self._waiting, deque()
        for each in waiting:
            if self._partitions.mine(each.partition):
                self._network.receive(each.frame.uplink)
            elif self._partitions.owner(each.partition) in (None, self._bus.node):
                self._waiting.append(each)
            else:
                self._forward(each.partition, each.frame)

    def _waited_too_long(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        # Timers may fire a little early.
        now = loop.time() + 0.001
        patient = deque(each for each in self._waiting if each.until > now)
        self.counts["no_owner"] += len(self._waiting) - len(patient)
        self._waiting = patient
        if patient:
            first = min(each.until for each in patient)
            self._timer = loop.call_at(max(first, now + 0.1), self._waited_too_long)

    # To and from other nodes.

    def _send_uplinks(self, node: str, frames: list[Forwarded]) -> None:
        self._bus.send(node, UPLINKS, encode_uplinks(self._clock(), frames))

    def _send_downlinks(self, node: str, frames: list[GatewayDownlink]) -> None:
        self._bus.send(node, DOWNLINKS, encode_downlinks(self._clock(), frames))

    def _send_reports(self, node: str, reports: list[TransmitReport]) -> None:
        self._bus.send(node, REPORTS, encode_reports(reports))

    def _ahead_of(self, node: str) -> Callable[[float], float]:
        elapsed = asyncio.get_running_loop().time()
        return lambda sent_at: self._clocks.ahead(node, sent_at, self._clock(), elapsed)

    def _uplinks_arrived(self, node: str, message: bytes) -> None:
        try:
            frames = decode_uplinks(message, self._ahead_of(node))
        except BadMessage as error:
            self._bad(node, UPLINKS, error)
            return
        for frame in frames:
            partition = self._partition_of(frame.uplink.phy_payload)
            if partition is None or self._partitions.mine(partition):
                self._network.receive(frame.uplink)
            else:
                self._forward(partition, frame)

    def _uplinks_returned(self, node: str, message: bytes) -> None:
        """Uplinks have not reached their owner: they wait until it is there again, or another one is."""
        self._returned(node)
        for frame in decode_uplinks(message, _own_clock):
            partition = self._partition_of(frame.uplink.phy_payload)
            if partition is not None:
                self._wait(partition, Forwarded(frame.uplink, frame.hops - 1))

    def _downlinks_returned(self, node: str, message: bytes) -> None:
        """Downlinks have not reached the node of their base stations: others are tried."""
        for frame in decode_downlinks(message, _own_clock):
            self._network.transmit_reported(TransmitReport(frame.token, frame.base_station, NOT_HERE))
        self._returned(node)

    def _returned(self, node: str) -> None:
        self._away.add(node)
        if self._bus.problem is None:
            # Not the wire is away but the node, until it is heard of again.
            self._network.unanswered(self.stations.forget_node(node))

    def _downlinks_arrived(self, node: str, message: bytes) -> None:
        try:
            frames = decode_downlinks(message, self._ahead_of(node))
        except BadMessage as error:
            self._bad(node, DOWNLINKS, error)
            return
        for frame in frames:
            if self._distant is not None:
                self._distant.transmit(node, frame)
            else:
                self._reports.add(node, TransmitReport(frame.token, frame.base_station, NOT_HERE))

    def _reports_arrived(self, node: str, message: bytes) -> None:
        try:
            reports = decode_reports(message)
        except BadMessage as error:
            self._bad(node, REPORTS, error)
            return
        for report in reports:
            self._network.transmit_reported(report)

    def _bad(self, node: str, subject: str, error: BadMessage) -> None:
        self.counts["unreadable"] += 1
        log.warning("message_unreadable", node=node, subject=subject, error=str(error))

    # Nodes.

    def forget_node(self, node: str) -> None:
        """A node is gone."""
        self._network.unanswered(self.stations.forget_node(node))
        self._clocks.forget(node)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._distant is not None:
            self._distant.close()
