"""An internet in memory, under the virtual clock, by which server and base stations reach one another.

Datagrams are lost, delayed and duplicated; streams are in order, and end, or are cut without a word. An
event loop that has one (`VirtualTimeLoop.internet`) opens connections here, so that the programs at both ends
are the real ones.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from .faults import Faults

HOST = "server.example"
Address = tuple[str, int]

# Chunks of a stream that are sent at once arrive one after the other.
_NEXT = 1e-6
# Seconds until a connection to a host that cannot be reached fails.
_UNREACHABLE = 0.5


class Line:
    """What joins a base station to the internet, where it knows the server as `server`. While it is `dead`
    datagrams are lost, what streams carry is delayed, and no error is raised."""

    def __init__(self, host: str, server: str) -> None:
        self.host = host
        self.server = server
        self.dead = False
        self.held: list[Callable[[], None]] = []

    def cut(self) -> None:
        self.dead = True

    def mend(self) -> None:
        """What was held arrives now, in its order."""
        self.dead = False
        held, self.held = self.held, []
        for arrive in held:
            arrive()


class Port:
    """A bound socket of the server, which waits for datagrams or for connections."""

    def __init__(self, internet: Internet, number: int, *, outlives: bool) -> None:
        self.number = number
        # Whether it is somebody else's than the server's.
        self.outlives = outlives
        self.closed = False
        # Of datagrams: what has come, and who is told that something has.
        self.waiting: deque[tuple[bytes, Address]] = deque()
        self.readable: Callable[[], None] | None = None
        # Of connections: makes the protocol of one.
        self.accept: Callable[[], asyncio.Protocol] | None = None
        self._internet = internet

    # As a socket.

    family = socket.AF_INET

    def getsockname(self) -> Address:
        return HOST, self.number

    def fileno(self) -> int:
        return -1

    def recvfrom(self, _size: int) -> tuple[bytes, Address]:
        if not self.waiting:
            raise BlockingIOError
        return self.waiting.popleft()

    def recvmsg(self, size: int, _ancillary: int) -> tuple[bytes, list[Any], int, Address]:
        datagram, address = self.recvfrom(size)
        return datagram, [], 0, address

    def sendto(self, datagram: bytes, address: Address) -> None:
        if not self.closed:
            self._internet.to_client(datagram, address)

    def close(self) -> None:
        self.closed = True
        self._internet.unbind(self)

    # As an `asyncio.Server`.

    @property
    def sockets(self) -> tuple[Port, ...]:
        return () if self.closed else (self,)

    def is_serving(self) -> bool:
        return not self.closed

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def wait_closed(self) -> None:
        """Nothing is left open."""

    def arrive(self, datagram: bytes, sender: Address) -> None:
        if self.closed or self.readable is None:
            return
        self.waiting.append((datagram, sender))
        self.readable()


class DatagramEnd(asyncio.DatagramTransport):
    """A base station's socket for datagrams."""

    def __init__(
        self, internet: Internet, line: Line, address: Address, port: int, protocol: asyncio.DatagramProtocol
    ) -> None:
        super().__init__()
        self.line, self.address, self.protocol = line, address, protocol
        self._internet, self._port = internet, port
        self._closing = False

    def sendto(self, data: Any, addr: Any = None) -> None:
        if not self._closing:
            self._internet.to_server(self.line, bytes(data), self.address, self._port)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
        self._internet.forget(self.address)


class StreamEnd(asyncio.Transport):
    """One end of a connection; `other` is the one that hears what is written here."""

    other: StreamEnd

    def __init__(
        self, internet: Internet, line: Line, protocol: asyncio.Protocol, ends: dict[str, Address]
    ) -> None:
        super().__init__(dict(ends))
        self.protocol, self.line = protocol, line
        # Whether this is the end of the server.
        self.serves = ends["sockname"][0] == HOST
        self._internet = internet
        self._last = 0.0
        self._closing = False
        self._gone = False
        self._reads = True
        self._held: list[bytes] = []

    def write(self, data: Any) -> None:
        if not self._closing:
            self._later(partial(self.other.arrive, bytes(data)))

    def _later(self, arrive: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._last = max(self._last + _NEXT, loop.time() + self._internet.delay())
        loop.call_at(self._last, self._arrives, arrive)

    def _arrives(self, arrive: Callable[[], None]) -> None:
        if self.line.dead:
            self.line.held.append(arrive)
        else:
            arrive()

    def arrive(self, data: bytes) -> None:
        if self._gone:
            # Of a connection that is no longer known here.
            self._later(partial(self.other.lose, ConnectionResetError("reset by the other end")))
        elif self._reads:
            self.protocol.data_received(data)
        else:
            self._held.append(data)

    def end(self) -> None:
        """The other end writes no more."""
        if not self._gone and not self.protocol.eof_received():
            self.close()

    def lose(self, error: Exception | None) -> None:
        if not self._gone:
            self._gone = self._closing = True
            self._internet.ended(self)
            self.protocol.connection_lost(error)

    def pause_reading(self) -> None:
        self._reads = False

    def resume_reading(self) -> None:
        self._reads = True
        held, self._held = self._held, []
        for data in held:
            self.arrive(data)

    def is_reading(self) -> bool:
        return self._reads

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._later(self.other.end)

    def vanish(self) -> None:
        """Close without a message to the other end."""
        self.lose(ConnectionAbortedError("switched off"))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits here."""

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._later(self.other.end)
            self._closing = True
            asyncio.get_running_loop().call_soon(self.lose, None)

    def abort(self) -> None:
        if not self._gone:
            self._later(partial(self.other.lose, ConnectionResetError("reset by the other end")))
            self._closing = True
            asyncio.get_running_loop().call_soon(self.lose, None)


class Internet:
    """Joins one server, which may die and come back, with base stations, each by its line."""

    def __init__(self, rng: random.Random, faults: Faults) -> None:
        self._rng = rng
        self.faults = faults
        self._ports: dict[int, Port] = {}
        self._clients: dict[Address, DatagramEnd] = {}
        self._streams: dict[StreamEnd, None] = {}
        self._next = 40_000
        self._lines: dict[str, Line] = {}

    def join(self, number: int) -> Line:
        """A line of its own for a base station."""
        line = Line(f"10.0.{number >> 8}.{number & 255}", f"line-{number}.{HOST}")
        self._lines[line.server] = line
        return line

    def delay(self) -> float:
        rng, faults = self._rng, self.faults
        return rng.uniform(*(faults.slow_delay if rng.random() < faults.slow else faults.delay))

    # The server's side.

    def bind(self, number: int, *, outlives: bool = False) -> Port:
        """Open a port; one that `outlives` the server is somebody else's."""
        port = self._ports[number] = Port(self, number, outlives=outlives)
        return port

    def unbind(self, port: Port) -> None:
        if self._ports.get(port.number) is port:
            del self._ports[port.number]

    def die(self) -> None:
        """The server's process has ended: its ports are closed and its connections reset."""
        closed = [port for port in self._ports.values() if not port.outlives]
        for port in closed:
            port.close()
        for end in list(self._streams):
            if end.serves and end.get_extra_info("sockname")[1] in {port.number for port in closed}:
                end.abort()

    # As an event loop has them.

    def read_port(self, port: Port, readable: Callable[[], None] | None) -> None:
        port.readable = readable

    def serve(self, port: Port, accept: Callable[[], asyncio.Protocol]) -> Port:
        port.accept = accept
        return port

    def _address(self, server: str) -> tuple[Line, Address]:
        """Line and address of a socket that is being opened."""
        line = self._lines[server]
        self._next += 1
        return line, (line.host, self._next)

    def open_datagrams(self, protocol: asyncio.DatagramProtocol, server: str, port: int) -> DatagramEnd:
        line, address = self._address(server)
        end = self._clients[address] = DatagramEnd(self, line, address, port, protocol)
        protocol.connection_made(end)
        return end

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], server: str, number: int
    ) -> tuple[StreamEnd, Any]:
        """Raises `ConnectionRefusedError`, or `TimeoutError` over a dead line."""
        line, address = self._address(server)
        await asyncio.sleep(_UNREACHABLE if line.dead else 2 * self.delay())
        port = self._ports.get(number)
        if line.dead:
            raise TimeoutError("no way there")
        if port is None or port.accept is None:
            raise ConnectionRefusedError("nobody listens there")
        here, there = factory(), port.accept()
        names = {"sockname": address, "peername": (HOST, number)}
        client = StreamEnd(self, line, here, names)
        far = StreamEnd(self, line, there, {"sockname": names["peername"], "peername": address})
        client.other, far.other = far, client
        self._streams |= {client: None, far: None}
        there.connection_made(far)
        here.connection_made(client)
        return client, here

    # On the way.

    def to_server(self, line: Line, datagram: bytes, sender: Address, number: int) -> None:
        def arrive() -> None:
            port = self._ports.get(number)
            if port is not None and not line.dead:
                port.arrive(datagram, sender)

        if not line.dead:
            self._carry(arrive)

    def to_client(self, datagram: bytes, address: Address) -> None:
        def arrive() -> None:
            end = self._clients.get(address)
            if end is not None and not end.line.dead:
                end.protocol.datagram_received(datagram, (HOST, 0))

        self._carry(arrive)

    def _carry(self, arrive: Callable[[], None]) -> None:
        rng, faults = self._rng, self.faults
        copies = 0 if rng.random() < faults.loss else 2 if rng.random() < faults.duplicates else 1
        for _ in range(copies):
            asyncio.get_running_loop().call_later(self.delay(), arrive)

    def forget(self, address: Address) -> None:
        self._clients.pop(address, None)

    def ended(self, end: StreamEnd) -> None:
        self._streams.pop(end, None)

    def reset(self, line: Line) -> None:
        """End the streams of a line, and let both ends know."""
        for end in self._ends(line):
            end.lose(ConnectionResetError("the line was cut"))

    def vanish(self, line: Line) -> None:
        """The base station is switched off: its ends are gone, and the server hears nothing of it."""
        for end in self._ends(line):
            if not end.serves:
                end.vanish()

    def _ends(self, line: Line) -> list[StreamEnd]:
        return [end for end in self._streams if end.line is line]
