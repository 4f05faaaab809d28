"""Base station protocols: each turns bytes into `GatewayUplink` and `GatewayDownlink` back into bytes.

`interface` says what a protocol is, `hub` makes one of all of them.
"""

from .handover import BOUNDS, HandoverTimes
from .hub import Hub
from .interface import (
    BaseStationDirectory,
    BaseStationProtocol,
    BaseStationService,
    Gate,
    Host,
    MessageCounts,
    StationProfile,
)
from .measures import HeardChannel, Measures, Spread
from .presence import Presence, Seen, UnknownBaseStation
from .radio_layout import layouts
from .remote import OperatesRemotely, RemoteRefused, RemoteShell
from .semtech_udp import Backlog, DownlinkPath, SemtechUdpServer

__all__ = [
    "BOUNDS",
    "Backlog",
    "BaseStationDirectory",
    "BaseStationProtocol",
    "BaseStationService",
    "DownlinkPath",
    "Gate",
    "HandoverTimes",
    "HeardChannel",
    "Host",
    "Hub",
    "Measures",
    "MessageCounts",
    "OperatesRemotely",
    "Presence",
    "RemoteRefused",
    "RemoteShell",
    "Seen",
    "SemtechUdpServer",
    "Spread",
    "StationProfile",
    "UnknownBaseStation",
    "basics_station",
    "chirpstack_mqtt",
    "configuration",
    "layouts",
]
