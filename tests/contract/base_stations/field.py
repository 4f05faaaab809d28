"""What surrounds a base station protocol in its contract: the hub, a network that takes what comes, and
base stations in the field that reach it by real sockets. Time is virtual.

A protocol enters the contract with one class like `Adapter` in `protocols`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from veldnet.gateways import BaseStationProtocol, Host, Hub, Presence, StationProfile
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.gpstime import gps_to_unix
from veldnet.lorawan.modulation import Lora, Modulation
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.propagation import Heard, Place
from veldnet.simulator.virtual_time import run_virtually

HERE, THERE = BaseStationId(0xFF000001), BaseStationId(0xFF000002)
EUI_HERE, EUI_THERE = GatewayEui(0x0059AC0000000001), GatewayEui(0x0059AC0000000002)
EUI_UNKNOWN = GatewayEui(0x0059AC00000000FF)
# Where virtual time begins, in Unix seconds.
EPOCH = 1_800_000_000.0
FRAME = bytes.fromhex("40040302018001000102030405060708")
JOIN_REQUEST = bytes.fromhex("00010000000000000002000000000000000300") + b"mic!"


class Traits(NamedTuple):
    """In what protocols differ. `refuses`: a base station says that it will not send, and why; else it stays
    silent. `sessions`: the times of an uplink end with the connection that it came by. `one_connection`: a
    second connection of a base station ends the first. `finds_dead`: seconds after which a base station that
    has gone without a word is taken for disconnected, None for never. `proves`: who presents an EUI can be
    asked to prove that it is theirs. `plans_both`: a base station is told of both windows of a frame, and
    takes the first that it can. `moves_after`: seconds after which downlinks go to a new connection."""

    refuses: bool
    sessions: bool
    one_connection: bool
    finds_dead: float | None
    proves: bool
    plans_both: bool
    moves_after: float = 0.0


class Connection(Protocol):
    """A base station in the field, connected by a protocol."""

    async def leave(self) -> None:
        """End the connection as a base station does that is switched off in order; also after `vanish`."""

    def vanish(self) -> None:
        """Answer nothing more, as one whose line is cut."""

    async def send(self, message: bytes) -> None:
        """Send the server something, right or wrong, as this base station's message."""

    def hold_answers(self) -> None:
        """Keep back what is said of downlinks."""

    async def release_answers(self) -> None:
        """Say it now, twice."""

    def set_clock(self, off: float) -> None:
        """Let its clock, GPS time included, be so many seconds ahead."""


class Adapter(Protocol):
    """How the contract serves a protocol and connects base stations by it. `patience` is how many real
    seconds a message may take; `garbage` are messages that are refused one by one and leave the connection,
    `oversize` is one that is too long for any base station to send."""

    @property
    def name(self) -> str: ...

    @property
    def traits(self) -> Traits: ...

    @property
    def patience(self) -> float: ...

    @property
    def garbage(self) -> tuple[bytes, ...]: ...

    @property
    def oversize(self) -> bytes: ...

    async def serve(self, host: Host, *, proof: bool) -> BaseStationProtocol:
        """Start the protocol; with `proof`, who connects must prove who it is."""

    async def connect(self, station: BaseStation, *, token: str | None = None) -> Connection:
        """Connect a base station. Raises where it is refused."""

    async def stop(self) -> None:
        """End what `serve` has started beside the protocol."""


class Sent(NamedTuple):
    """A frame that a base station has put on the air; `at` in Unix seconds."""

    phy_payload: bytes
    frequency: int
    modulation: Modulation
    at: float


@dataclass
class Network:
    """Takes what base stations bring; `throttled` base stations bring too many frames of unknown devices."""

    uplinks: list[GatewayUplink] = field(default_factory=list)
    reports: list[TransmitReport] = field(default_factory=list)
    throttled: set[BaseStationId] = field(default_factory=set)
    unread: int = 0
    lag: float = 0.0
    # When the last report came, by the loop's clock.
    reported_at: float = 0.0

    @property
    def gate(self) -> Network:
        return self

    def receive(self, uplink: GatewayUplink) -> None:
        self.uplinks.append(uplink)

    def transmit_reported(self, report: TransmitReport) -> None:
        self.reports.append(report)
        self.reported_at = asyncio.get_running_loop().time()

    def throttles(self, base_station: BaseStationId, now: float) -> bool:
        return base_station in self.throttled

    def drops_unread(self, head: bytes) -> bool:
        if head == FRAME[:6]:
            return False
        self.unread += 1
        return True


class Directory:
    """Two base stations are registered, each with a token."""

    def __init__(self) -> None:
        self.registered = {EUI_HERE: HERE, EUI_THERE: THERE}
        self.tokens = {"token here": HERE, "token there": THERE}

    def find(self, gateway: GatewayEui) -> BaseStationId | None:
        return self.registered.get(gateway)

    def station_of_token(self, token: str) -> BaseStationId | None:
        return self.tokens.get(token)

    def profile(self, base_station: BaseStationId) -> StationProfile | None:
        return None

    def is_revoked(self, serial: str) -> bool:
        return False

    def used(self, token: str | None, serial: str | None) -> None:
        """Nobody waits for one."""


class Field:
    """The platform as far as base stations see it, and what happens in the field."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.network = Network()
        self.directory = Directory()
        self.defects: list[BaseException] = []
        self.clock_jump = 0.0
        self.hub = Hub(self.network, self.directory, Presence(), self.clock, self._caught)
        self.protocol: BaseStationProtocol
        self.on_air: dict[GatewayEui, list[Sent]] = {}
        self.stations: dict[GatewayEui, BaseStation] = {}
        self._connections: list[Connection] = []
        self._next_token = 0

    def clock(self) -> float:
        return EPOCH + asyncio.get_running_loop().time() + self.clock_jump

    def _caught(self, _task: str, error: BaseException) -> None:
        self.defects.append(error)

    async def connect(
        self, eui: GatewayEui = EUI_HERE, *, gps: bool = False, token: str | None = None
    ) -> Connection:
        """Connect a base station; the one that was there before is the same box, with the same counter."""
        if eui not in self.stations:
            self.stations[eui] = BaseStation(eui, Place(0, 0), boot=-4000.0, gps=gps)
            self.stations[eui].on_air = self._sent
            self.on_air[eui] = []
        station = self.stations[eui]
        before = station.link
        try:
            connection = await self.adapter.connect(station, token=token)
        except BaseException:
            station.link = before
            raise
        self._connections.append(connection)
        return connection

    async def reconnect(self, connection: Connection) -> Connection:
        """End a connection, and let the base station come back and be found there."""
        await connection.leave()
        again = await self.connect()
        await asyncio.sleep(self.adapter.traits.moves_after)
        return again

    def _sent(
        self,
        station: BaseStation,
        frame: bytes,
        frequency: int,
        modulation: Modulation,
        _power: float,
        at: float,
    ) -> None:
        self.on_air[station.eui].append(Sent(frame, frequency, modulation, at + EPOCH))

    async def hear(
        self,
        frame: bytes = FRAME,
        eui: GatewayEui = EUI_HERE,
        modulation: Modulation | None = None,
        frequency: int = 868_100_000,
    ) -> GatewayUplink:
        """A base station hears a frame; returns what the network gets."""
        before = len(self.network.uplinks)
        self.stations[eui].hear(frame, frequency, modulation or Lora(7, 125), Heard(-71, 8.5))
        await self.until(lambda: len(self.network.uplinks) > before)
        return self.network.uplinks[before]

    def window(
        self,
        uplink: GatewayUplink | None,
        after: float = 1.0,
        *,
        slot: int = 1,
        gps_time: float | None = None,
        frequency: int = 868_100_000,
        power: float = 16.0,
    ) -> TransmitWindow:
        """A window so many seconds after an uplink; at a GPS time or at once without one."""
        opens_at = self.clock() if uplink is None else uplink.received_at + after
        return TransmitWindow(
            HERE if uplink is None else uplink.base_station,
            slot,
            frequency,
            Lora(9, 125),
            opens_at if gps_time is None else gps_to_unix(gps_time),
            power,
            timestamp=None if uplink is None else ((uplink.timestamp or 0) + round(after * 1e6)) % (1 << 32),
            gps_time=gps_time,
            region="EU868",
            context=b"" if uplink is None else uplink.context,
        )

    def transmit(
        self,
        window: TransmitWindow,
        frame: bytes = b"downlink",
        *,
        second: TransmitWindow | None = None,
        decided: float | None = None,
    ) -> int:
        """Hand a downlink over; returns its token."""
        self._next_token += 1
        self.hub.transmit(GatewayDownlink(self._next_token, frame, window, second, decided))
        return self._next_token

    def errors(self, token: int) -> list[str | None]:
        """All that was reported of a downlink."""
        return [report.error for report in self.network.reports if report.token == token]

    async def outcome(self, token: int) -> str | None:
        await self.until(lambda: bool(self.errors(token)))
        (error,) = self.errors(token)
        return error

    @property
    def reported_at(self) -> float:
        """When the last report came, Unix seconds."""
        return EPOCH + self.network.reported_at

    @property
    def refused(self) -> int:
        return self.hub.counts().refused.total()

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Let time pass until something is so."""
        pause = 0.001
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 1.0)

    async def open(self, *, proof: bool = False) -> None:
        self.protocol = await self.adapter.serve(self.hub, proof=proof)
        self.hub.register(self.protocol)

    async def close(self) -> None:
        for connection in self._connections:
            await connection.leave()
        await self.hub.stop()
        await self.adapter.stop()


def in_field(
    adapter: Adapter, story: Callable[[Field], Coroutine[Any, Any, None]], *, proof: bool = False
) -> None:
    """Run a story in virtual time; no message may have met a defect."""

    async def whole() -> None:
        field = Field(adapter)
        await field.open(proof=proof)
        try:
            await story(field)
        finally:
            await field.close()
        assert not field.defects
        assert len({report.token for report in field.network.reports}) == len(field.network.reports)

    run_virtually(whole(), patience=adapter.patience)


def seeded() -> random.Random:
    return random.Random(7)
