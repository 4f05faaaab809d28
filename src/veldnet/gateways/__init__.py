"""Base station protocols: each turns bytes into `GatewayUplink` and `GatewayDownlink` back into bytes."""

from .presence import BaseStationDirectory, Presence, Seen, UnknownBaseStation
from .semtech_udp import Backlog, DownlinkPath, SemtechUdpServer

__all__ = [
    "Backlog",
    "BaseStationDirectory",
    "DownlinkPath",
    "Presence",
    "Seen",
    "SemtechUdpServer",
    "UnknownBaseStation",
]
