"""Accepts HTTPS connections. Each counts as one from the moment it is accepted: who never finishes the
handshake has the time of a header, and no more connections than others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from .connections import Connections, State, group_of
from .protocol import FrontProtocol

# Where there are no descriptors left.
_PAUSE = 0.1


class TlsListener:
    """Takes connections from a socket until it is stopped; `make_protocol` serves those whose handshake is
    done."""

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        connections: Connections,
        make_protocol: Callable[[], FrontProtocol],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._context = context
        self._connections = connections
        self._make_protocol = make_protocol
        self._handshakes: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        self._accepting = self._loop.create_task(self._accept())

    async def _accept(self) -> None:
        while True:
            try:
                accepted, peer = await self._loop.sock_accept(self._socket)
            except OSError:
                # The client has gone, or descriptors have run out.
                await asyncio.sleep(_PAUSE)
                continue
            accepted.setblocking(False)
            handshake = _Handshake(self._loop, accepted, str(peer[0]), self._connections)
            if not self._connections.enter(handshake):
                accepted.close()
                continue
            task = self._loop.create_task(self._shake_hands(handshake))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, handshake: _Handshake) -> None:
        def served() -> FrontProtocol:
            front = self._make_protocol()
            front.handshake = handshake
            return front

        # What clients send is no event of ours.
        with contextlib.suppress(OSError, EOFError):
            await self._loop.connect_accepted_socket(
                served,
                handshake.socket,
                ssl=self._context,
                ssl_handshake_timeout=self._connections.limits.header_timeout,
            )
        self._connections.leave(handshake)

    async def stop(self) -> None:
        """Accept no more; handshakes under way end."""
        tasks = [self._accepting, *self._handshakes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()


class _Handshake:
    """A connection whose handshake is under way, as it is counted."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str, connections: Connections
    ) -> None:
        self.socket = sock
        self.group = group_of(peer, connections.limits.trusted)
        self.state = State.NEW
        self.probes_only = False
        self._deadline = loop.time() + connections.limits.header_timeout

    def evict(self) -> None:
        # The transport then sees the end of the stream.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def enforce_timeouts(self, now: float) -> None:
        if now >= self._deadline:
            self.evict()
