"""Semtech's UDP packet forwarder protocol: `messages` is sans-IO, `server` owns the socket."""

from .backlog import Backlog
from .downlink_path import DownlinkPath
from .server import SemtechUdpServer

__all__ = ["Backlog", "DownlinkPath", "SemtechUdpServer"]
