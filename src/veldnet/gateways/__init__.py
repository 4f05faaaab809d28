"""Base station protocols: each turns bytes into `GatewayUplink` and `GatewayDownlink` back into bytes."""

from .directory import BaseStationDirectory, Presence, UnknownBaseStation
from .semtech_udp import SemtechUdpServer

__all__ = ["BaseStationDirectory", "Presence", "SemtechUdpServer", "UnknownBaseStation"]
