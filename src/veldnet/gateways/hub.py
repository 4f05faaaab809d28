"""All base station protocols as one: which base station is connected by which of them."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Protocol

import structlog

from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport

from .handover import HandoverTimes
from .interface import (
    BaseStationDirectory,
    BaseStationProtocol,
    BaseStationService,
    Gate,
    HeardByAll,
    MessageCounts,
    TakesCertificates,
)
from .presence import Presence

log = structlog.get_logger(__name__)

# Seconds by which our clock must be off the one that never steps for a step of it; less is a slow change.
_STEP = 1.0


class FrameSink(Protocol):
    """The network server, as base stations see it."""

    @property
    def gate(self) -> Gate: ...

    @property
    def lag(self) -> float: ...

    def receive(self, uplink: GatewayUplink) -> None: ...

    def transmit_reported(self, report: TransmitReport) -> None: ...


class Others(Protocol):
    """What is known of base stations at other nodes, and what those are told."""

    def takes(self, base_station: BaseStationId, authenticates: bool) -> bool:
        """Whether a connection here may be that of a base station."""

    def connected(self, base_station: BaseStationId, *, authenticates: bool, plans_both: bool) -> None: ...

    def disconnected(self, base_station: BaseStationId) -> None: ...


class Hub:
    """The host of the protocols. A downlink goes by the protocol in which its base station was heard last; no
    protocol without authentication takes it away from one with."""

    def __init__(
        self,
        network: FrameSink,
        directory: BaseStationDirectory,
        presence: Presence,
        clock: Callable[[], float],
        caught: Callable[[str, BaseException], None],
    ) -> None:
        # Whether no base station is ever given a frame to send.
        self.listen_only = False
        self.directory = directory
        self.presence = presence
        self._clock = clock
        self.caught = caught
        # Our clock minus the one that never steps.
        self._offset: float | None = None
        self._step_listeners: list[Callable[[float], None]] = [presence.stepped]
        self.gate: Gate | None = network.gate
        self.uplink: Callable[[GatewayUplink], None] = network.receive
        self.report: Callable[[TransmitReport], None] = network.transmit_reported
        self.lag: Callable[[], float] = lambda: network.lag
        self._services: dict[str, BaseStationService] = {}
        self._connections: dict[BaseStationId, BaseStationProtocol] = {}
        self._ports: dict[str, int] = {}
        # Where there are several nodes.
        self._others: Others | None = None
        self._serves: Callable[[GatewayEui], bool] | None = None
        # By protocol.
        self.handovers: dict[str, HandoverTimes] = {}

    def steady(self) -> float:
        return asyncio.get_running_loop().time()

    def clock(self) -> float:
        """Unix seconds. Whoever keeps times has been told of a step of the clock before."""
        now = self._clock()
        try:
            offset = now - asyncio.get_running_loop().time()
        except RuntimeError:
            # Nobody is served yet.
            return now
        before = self._offset
        if before is None:
            self._offset = offset
        elif not -_STEP < offset - before < _STEP:
            self._offset = offset
            log.warning("clock_stepped", seconds=round(offset - before, 3))
            for tell in self._step_listeners:
                tell(offset - before)
        return now

    def on_step(self, tell: Callable[[float], None]) -> None:
        self._step_listeners.append(tell)

    def register(self, service: BaseStationService) -> None:
        """Let base stations be served by a protocol, or what belongs to one, too."""
        self._services[service.name] = service

    def share(self, others: Others, serves: Callable[[GatewayEui], bool]) -> None:
        """Have the other nodes told of connections, and know of theirs. `serves` says which base stations are
        for this node to serve of those that all hear."""
        self._others = others
        self._serves = serves

    def serves(self, gateway: GatewayEui) -> bool:
        return self._serves is None or self._serves(gateway)

    def take_up(self) -> None:
        """This node has others to serve than before of the base stations that all hear."""
        for service in self._services.values():
            if isinstance(service, HeardByAll):
                service.take_up()

    def connected(self, protocol: BaseStationProtocol, base_station: BaseStationId) -> None:
        before = self._connections.get(base_station)
        if before is protocol or (before is not None and before.authenticates and not protocol.authenticates):
            return
        authenticates, others = protocol.authenticates, self._others
        if others is not None and not others.takes(base_station, authenticates):
            return
        self._connections[base_station] = protocol
        if others is not None:
            others.connected(base_station, authenticates=authenticates, plans_both=protocol.plans_both)
        log.debug("base_station_connected", base_station=str(base_station), protocol=protocol.name)

    def disconnected(self, protocol: BaseStationProtocol, base_station: BaseStationId) -> None:
        if self._connections.get(base_station) is protocol:
            del self._connections[base_station]
            if self._others is not None:
                self._others.disconnected(base_station)

    def leave(self, base_station: BaseStationId) -> None:
        """Forget the connection of a base station, which another node has now."""
        self._connections.pop(base_station, None)

    def connection(self, base_station: BaseStationId) -> BaseStationProtocol | None:
        """The protocol by which a base station can be reached."""
        return self._connections.get(base_station)

    @property
    def connected_count(self) -> int:
        """How many base stations are connected."""
        return len(self._connections)

    def plans_both(self, base_station: BaseStationId) -> bool:
        """Whether a base station can be given two windows for one frame."""
        protocol = self._connections.get(base_station)
        return protocol is not None and protocol.plans_both

    def transmit(self, downlink: GatewayDownlink) -> None:
        """Send a frame to its base station; reports at once where it is not connected."""
        protocol = self._connections.get(downlink.base_station)
        if protocol is not None and not self.listen_only:
            protocol.transmit(downlink)
            return
        error = "LISTEN_ONLY" if self.listen_only else "NO_ADDRESS"
        report = TransmitReport(downlink.token, downlink.base_station, error)
        asyncio.get_running_loop().call_soon(self.report, report)

    def handed_over(self, protocol: str, decided: float | None) -> None:
        if decided is not None:
            self.handovers.setdefault(protocol, HandoverTimes()).add(perf_counter() - decided)

    async def start(self, sockets: Mapping[str, socket.socket]) -> None:
        """Begin to serve; `sockets` are those opened for services, by name."""
        self._ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
        for name, service in self._services.items():
            await service.start(sockets.get(name))

    def trust(self, authorities: Iterable[bytes]) -> None:
        """Let base stations prove who they are by certificates of these authorities, and of no other internal
        ones; DER."""
        trusted = frozenset(authorities)
        for service in self._services.values():
            if isinstance(service, TakesCertificates):
                service.trust(trusted)

    def certificate_problem(self) -> str | None:
        """What is wrong with certificates that base stations are served with, in words."""
        now = self.clock()
        for service in self._services.values():
            found = service.certificate_problem(now) if isinstance(service, TakesCertificates) else None
            if found is not None:
                return found
        return None

    def port(self, service: str) -> int | None:
        """The port that a service is served at; None for one that is not."""
        return self._ports.get(service)

    async def stop(self) -> None:
        for service in self._services.values():
            await service.stop()
        self._connections.clear()

    # Facts.

    def counts(self) -> MessageCounts:
        """What all protocols together have received."""
        total = MessageCounts(Counter(), Counter(), Counter())
        for service in self._services.values():
            for counter, more in zip(total, service.counts, strict=True):
                counter.update(more)
        return total

    def waiting(self) -> float:
        """Seconds that messages of base stations wait to be read, at the protocol where they wait longest."""
        now = asyncio.get_running_loop().time()
        return max((service.lag(now) for service in self._services.values()), default=0.0)

    def problems(self) -> list[str]:
        """Why base stations are not served, in words."""
        now = asyncio.get_running_loop().time()
        found = [service.problem(now) for service in self._services.values()]
        return [problem for problem in found if problem is not None]
