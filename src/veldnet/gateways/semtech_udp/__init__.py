"""Semtech's UDP packet forwarder protocol: `messages` is sans-IO, `server` owns the socket."""

from .allowed import Network
from .backlog import Backlog
from .downlink_path import DownlinkPath
from .server import SemtechUdpServer

__all__ = ["Backlog", "DownlinkPath", "Network", "SemtechUdpServer"]
