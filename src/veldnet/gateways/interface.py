"""What a base station protocol is, and what it finds at the platform.

A protocol turns what its base stations send into `GatewayUplink` and `TransmitReport`, and `GatewayDownlink`
back into what they understand. It is registered at the hub, which is its host.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.lorawan.regions import ChannelPlan

from .presence import Presence


class StationProfile(msgspec.Struct, frozen=True):
    """What a base station hears and how it sends: its channels, the highest EIRP in dBm, whether it sends the
    beacons of class B, and how many concentrators of eight channels it has."""

    plan: ChannelPlan
    max_eirp: float | None = None
    class_b: bool = True
    concentrators: int = 1


class BaseStationDirectory(Protocol):
    """Registered base stations by the EUI that they present, and by what they prove themselves with."""

    def find(self, gateway: GatewayEui) -> BaseStationId | None: ...

    def station_of_token(self, token: str) -> BaseStationId | None:
        """The base station that a token was given to; None for one that is unknown or revoked."""

    def is_revoked(self, serial: str) -> bool:
        """Whether a client certificate was taken back, by its number in hexadecimal digits."""

    def used(self, token: str | None, serial: str | None) -> None:
        """A base station is connected by a token or a certificate: it has it, and needs no older one."""

    def profile(self, base_station: BaseStationId) -> StationProfile | None:
        """By what a base station is set up; None: by the channels that the protocol was given."""


class Gate(Protocol):
    """Says which frames are not worth reading while somebody forges them."""

    def throttles(self, base_station: BaseStationId, now: float) -> bool:
        """Whether a base station has brought so many frames of unknown devices that these are dropped."""

    def drops_unread(self, head: bytes) -> bool:
        """Whether a frame with these first six octets is dropped: it is counted then, and not read."""


class MessageCounts(NamedTuple):
    """What a protocol has received: messages by type, what was refused and what was irregular by reason."""

    received: Counter[str]
    refused: Counter[str]
    irregular: Counter[str]


class Host(Protocol):
    """What a protocol finds at the platform. `clock` is Unix seconds and may step, `steady` is seconds of a
    clock that never does. `gate` is None where all is read.

    `uplink` takes each frame, `report` what a base station says of a downlink, `lag` says how many seconds
    frames wait that were handed over. `caught(task, error)` is told of a defect that a message has met.
    """

    @property
    def directory(self) -> BaseStationDirectory: ...

    @property
    def presence(self) -> Presence: ...

    @property
    def gate(self) -> Gate | None: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    @property
    def steady(self) -> Callable[[], float]: ...

    @property
    def uplink(self) -> Callable[[GatewayUplink], None]: ...

    @property
    def report(self) -> Callable[[TransmitReport], None]: ...

    @property
    def lag(self) -> Callable[[], float]: ...

    @property
    def caught(self) -> Callable[[str, BaseException], None]: ...

    def serves(self, gateway: GatewayEui) -> bool:
        """Whether a base station that all nodes hear is for this one to serve."""

    def on_step(self, tell: Callable[[float], None]) -> None:
        """Have `tell` called with the seconds of each step of `clock`, before anybody is given a time after
        it. Who keeps times moves them by as much, so that they are as long ago as they were."""

    def connected(self, protocol: BaseStationProtocol, base_station: BaseStationId) -> None:
        """A base station can be reached by this protocol from now on."""

    def disconnected(self, protocol: BaseStationProtocol, base_station: BaseStationId) -> None:
        """It can no longer."""

    def handed_over(self, protocol: str, decided: float | None) -> None:
        """The socket of a protocol has taken a downlink, which was `decided` on then."""


class BaseStationService(Protocol):
    """What base stations are served with at a port of its own."""

    @property
    def name(self) -> str: ...

    async def start(self, sock: socket.socket | None) -> None:
        """Serve base stations, on the bound socket that was opened for this service, if any."""

    async def stop(self) -> None:
        """Take nothing any more, and close what is open."""

    # Facts.

    @property
    def counts(self) -> MessageCounts: ...

    def lag(self, now: float) -> float:
        """Seconds that messages wait to be read, at a moment of the event loop's clock."""

    def problem(self, now: float) -> str | None:
        """Why base stations are not served, in words."""


class BaseStationProtocol(BaseStationService, Protocol):
    """One way in which base stations are connected. `authenticates` where whoever presents an EUI has proven
    that it is theirs, `plans_both` where a base station that is given RX1 and RX2 takes what it can use."""

    @property
    def authenticates(self) -> bool: ...

    @property
    def plans_both(self) -> bool: ...

    def transmit(self, downlink: GatewayDownlink) -> None:
        """Have a base station transmit; its answer, or that it cannot be reached, is reported to the host."""


@runtime_checkable
class HeardByAll(Protocol):
    """A protocol whose base stations are heard by all nodes, as behind a broker, and served by one."""

    def take_up(self) -> None:
        """This node may have others to serve than before."""


@runtime_checkable
class TakesCertificates(Protocol):
    """A service whose base stations may prove who they are by client certificates."""

    def trust(self, authorities: frozenset[bytes]) -> None:
        """Take client certificates of these internal authorities, and of no other internal ones; DER."""

    def certificate_problem(self, now: float) -> str | None:
        """What is wrong with certificates and revocation lists, in words; `now` in Unix seconds."""
