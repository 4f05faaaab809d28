"""Passes datagrams of base stations on to another server, and its answers back: two networks share the base
stations while devices move from one to the other.

Each base station has a socket of its own towards the other server, which sends its downlinks to where the
keep-alives come from. Downlinks of the other server get a token of ours on their way to the base station, so
that its TX_ACK finds back; acknowledgements of the other server end here, for the base station has ours.
Base stations that are not registered here are passed through as they are.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, OrderedDict
from typing import Protocol

import structlog

from veldnet.gateways.addresses import Address
from veldnet.lorawan import GatewayEui

from .messages import Header, Identifier

log = structlog.get_logger(__name__)

_MAX_DATAGRAM = 65_535
_DATAGRAMS_A_TURN = 64
# Base stations at once, and seconds of silence after which the socket of one is closed.
_MOST, _IDLE = 8192, 600.0
# Downlinks of a base station whose TX_ACK is awaited.
_MOST_AWAITED = 256
# Seconds between two looks at the name of the server, and without an answer until that is logged.
_RESOLVE, _SILENT = 60.0, 60.0


class _Link:
    """The way of one base station to the other server."""

    __slots__ = ("address", "awaited", "gateway", "push_address", "sock", "used_at")

    def __init__(self, gateway: GatewayEui, sock: socket.socket) -> None:
        self.gateway = gateway
        self.sock = sock
        self.used_at = 0.0
        # Where the last keep-alive came from.
        self.address: Address | None = None
        # And the last frames.
        self.push_address: Address | None = None
        # The other server's tokens by ours.
        self.awaited: OrderedDict[bytes, bytes] = OrderedDict()


class Stations(Protocol):
    """The way back to base stations; `address` is where they sent from last."""

    datagrams: Counter[str]
    refused: Counter[str]

    def relay(self, gateway: GatewayEui, datagram: bytes, address: Address | None) -> bytes | None:
        """Send a downlink of the other server, under a token that is returned; None where it cannot be."""

    def relay_acknowledgement(self, gateway: GatewayEui, datagram: bytes, address: Address | None) -> None:
        """Send an acknowledgement of the other server to a base station that gets none from here."""


class Forwarder:
    """Towards one other server, its host and port."""

    def __init__(self, server: Address, stations: Stations) -> None:
        self._server = server
        self._stations = stations
        self._received, self._refused = stations.datagrams, stations.refused
        self._resolved: tuple[int, tuple[str, int]] | None = None
        self._links: dict[GatewayEui, _Link] = {}
        # The addresses of our sockets: what comes from there has gone in a circle.
        self._own: set[Address] = set()
        self._task: asyncio.Task[None] | None = None
        self._asked_at: float | None = None
        self._silent = False

    @property
    def name(self) -> str:
        return f"{self._server[0]}:{self._server[1]}"

    async def start(self) -> None:
        await self._resolve()
        self._task = asyncio.get_running_loop().create_task(self._look_after())

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        for link in list(self._links.values()):
            self._end(link)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_RESOLVE)
            await self._resolve()
            self.look()

    async def _resolve(self) -> None:
        host, port = self._server
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            log.warning("forward_unresolved", server=self.name, error=str(error))
            return
        family, _type, _protocol, _name, address = found[0]
        resolved = family, (str(address[0]), int(address[1]))
        if resolved != self._resolved:
            self._resolved = resolved
            for link in list(self._links.values()):
                self._end(link)

    def look(self) -> None:
        """Close what is idle, and tell once when the other server does not answer."""
        now = asyncio.get_running_loop().time()
        for link in list(self._links.values()):
            if now - link.used_at > _IDLE:
                self._end(link)
        if self._asked_at is not None and now - self._asked_at > _SILENT and not self._silent:
            self._silent = True
            log.warning("forward_unanswered", server=self.name)

    def _link(self, gateway: GatewayEui) -> _Link | None:
        link = self._links.get(gateway)
        if link is not None:
            return link
        if self._resolved is None or len(self._links) >= _MOST:
            return None
        family, address = self._resolved
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            # Takes datagrams of that server only.
            sock.connect(address)
        except OSError as error:
            sock.close()
            log.debug("forward_failed", server=self.name, error=str(error))
            return None
        link = self._links[gateway] = _Link(gateway, sock)
        self._own.add(sock.getsockname()[:2])
        asyncio.get_running_loop().add_reader(sock, self._readable, link)
        return link

    def _end(self, link: _Link) -> None:
        asyncio.get_running_loop().remove_reader(link.sock)
        self._own.discard(link.sock.getsockname()[:2])
        link.sock.close()
        self._links.pop(link.gateway, None)

    def forward(self, header: Header, datagram: bytes, address: Address) -> bool:
        """Pass a datagram of a base station on. False for one that is not meant for this server: the answer
        to a downlink of the other one, or one that was passed on from here already."""
        if address in self._own:
            self._refused["forward_loop"] += 1
            return False
        link = self._link(header.gateway)
        if link is None:
            self._refused["forward_failed"] += 1
            return True
        loop_time = asyncio.get_running_loop().time()
        link.used_at = loop_time
        ours = True
        if header.identifier == Identifier.PULL_DATA:
            link.address = address
        elif header.identifier == Identifier.PUSH_DATA:
            link.push_address = address
        elif header.identifier == Identifier.TX_ACK:
            theirs = link.awaited.pop(header.token, None)
            if theirs is None:
                return True
            ours = False
            datagram = datagram[:1] + theirs + datagram[3:]
        try:
            link.sock.send(datagram)
        except OSError as error:
            self._refused["forward_failed"] += 1
            log.debug("forward_failed", server=self.name, error=str(error))
            return ours
        self._received["forwarded"] += 1
        if ours and self._asked_at is None:
            self._asked_at = loop_time
        return ours

    def _readable(self, link: _Link) -> None:
        for _number in range(_DATAGRAMS_A_TURN):
            try:
                datagram = link.sock.recv(_MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # Nobody listens there just now.
                log.debug("forward_bounced", server=self.name, error=str(error))
                return
            self._answered()
            if len(datagram) < 4:
                continue
            if datagram[3] == Identifier.PULL_RESP:
                token = self._stations.relay(link.gateway, datagram, link.address)
                if token is None:
                    self._refused["relay_failed"] += 1
                    continue
                self._received["relayed"] += 1
                link.awaited[token] = datagram[1:3]
                if len(link.awaited) > _MOST_AWAITED:
                    link.awaited.popitem(last=False)
            else:
                pushed = datagram[3] == Identifier.PUSH_ACK
                address = link.push_address if pushed else link.address
                self._stations.relay_acknowledgement(link.gateway, datagram, address)

    def _answered(self) -> None:
        self._asked_at = None
        if self._silent:
            self._silent = False
            log.info("forward_answered", server=self.name)
