"""The base station protocols of this program. One more is a folder in `gateways` and an entry here.

This module loads nothing but the standard library and settings: ports are opened before anything else.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from veldnet.settings import Settings

from .sockets import udp_socket

if TYPE_CHECKING:
    from veldnet.gateways import BaseStationProtocol, Host
    from veldnet.store import Store


class Keeper(Protocol):
    """Keeps in the store what the next process must know of a protocol's connections."""

    async def restore(self) -> None:
        """Go on where the process before this one was."""

    async def write(self) -> None:
        """Write what has changed; called every second."""


class Served(NamedTuple):
    """A protocol, and what keeps its connections."""

    protocol: BaseStationProtocol
    keeper: Keeper | None = None


class ProtocolEntry(NamedTuple):
    """`open_port` opens its socket, `serve` makes it; it is called once everything can be loaded."""

    name: str
    serve: Callable[[Settings, Host, Store], Served]
    open_port: Callable[[Settings], socket.socket] | None = None


def _semtech_udp(settings: Settings, host: Host, store: Store) -> Served:
    from veldnet.assembly.downlink_paths import DownlinkPathKeeper
    from veldnet.gateways import Backlog, SemtechUdpServer

    server = SemtechUdpServer(host, Backlog(_receive_budget(settings)))
    return Served(server, DownlinkPathKeeper(store, server))


# Seconds for judging, committing and handing over an answer.
_ANSWER = 0.4


def _receive_budget(settings: Settings) -> float:
    """Seconds that a datagram may wait in its socket for its answer to be in time for RX1: copies are
    collected, the frame is judged and committed, and the base station needs the downlink before."""
    network = settings.network
    left = network.rx1_delay - network.deduplication_window - _ANSWER
    return min(max(left, 0.1), 1.0)


SEMTECH_UDP = "semtech-udp"

PROTOCOLS: tuple[ProtocolEntry, ...] = (
    ProtocolEntry(SEMTECH_UDP, _semtech_udp, lambda settings: udp_socket(settings.gateways.udp)),
)
