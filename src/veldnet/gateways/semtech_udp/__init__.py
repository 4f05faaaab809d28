"""Semtech's UDP packet forwarder protocol: `messages` is sans-IO, `server` owns the socket."""

from .server import SemtechUdpServer

__all__ = ["SemtechUdpServer"]
