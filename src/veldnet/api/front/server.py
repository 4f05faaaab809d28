"""HTTP in the process of the network server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_network
from typing import Any

import uvicorn

from veldnet.assembly.listening import BACKLOG
from veldnet.assembly.platform import Platform
from veldnet.assembly.virtual_world import VirtualWorld

from . import Connections, FrontProtocol, HeadAsGet, Limits, Pace, Paced, TlsListener

_DATE_EVERY = 1.0


class _Server(uvicorn.Server):
    """Uvicorn that reports when it listens, and leaves signals to the process, which stops in order."""

    def __init__(self, config: uvicorn.Config, virtual: VirtualWorld | None) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._ending = asyncio.Event()
        self._virtual = virtual

    async def main_loop(self) -> None:
        """Uvicorn wakes ten times a second to see whether it shall end, half of all that a server at rest
        wakes for. Here it is told, and wakes for the date in the heads of answers."""
        while not self._ending.is_set():
            if self._virtual is not None:
                # Once a second is too much for a year.
                await self._virtual.still()
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DATE_EVERY):
                    await self._ending.wait()

    def end(self) -> None:
        """Take no more connections, and finish what is under way."""
        self.should_exit = True
        self._ending.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    def protocol(self) -> FrontProtocol:
        """For a connection that somebody else has accepted."""
        made = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        assert isinstance(made, FrontProtocol)
        return made

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _connections(platform: Platform, loop: asyncio.AbstractEventLoop) -> Connections:
    api = platform.settings.api
    connections = Connections(
        Limits(
            connections=min(api.connections, _room_for_connections()),
            per_address=api.connections_per_address,
            reserve=api.probe_connections,
            header_timeout=api.header_timeout,
            request_timeout=api.request_timeout,
            idle_timeout=api.idle_timeout,
            write_timeout=api.write_timeout,
            trusted=tuple(map(ip_network, api.trusted_proxies)),
        )
    )

    async def enforce_timeouts() -> None:
        connections.enforce_timeouts(loop.time())

    platform.poll("HTTP time-outs", 1.0, enforce_timeouts)
    return connections


def _configuration(
    platform: Platform, application: Any, loop: asyncio.AbstractEventLoop, connections: Connections
) -> uvicorn.Config:
    """Uvicorn behind the front, which bounds what clients may do."""
    api = platform.settings.api
    pace = Pace(loop)
    # What clients send is no event of ours; a defect is.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Config(
        HeadAsGet(Paced(application, pace)),
        http=partial(FrontProtocol, connections=connections, pace=pace),  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        backlog=BACKLOG,
        forwarded_allow_ips=list(api.trusted_proxies),
        timeout_graceful_shutdown=5,
        # The front's own comes first.
        timeout_keep_alive=int(api.idle_timeout) + 5,
    )


def _room_for_connections() -> int:
    """As many as there are descriptors for, but for those of files, application servers and the vault."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return max(soft - 1024, soft // 2)


class HttpServer:
    """HTTP, or HTTPS where there is a certificate, over an open socket, until it is stopped."""

    def __init__(self, platform: Platform, application: Any, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections = _connections(platform, self._loop)
        configuration = _configuration(platform, application, self._loop, self._connections)
        self._server = _Server(configuration, platform.virtual)
        self._certificate = platform.certificate
        self._socket = sock
        self._tls: TlsListener | None = None
        self.serving: asyncio.Task[None]

    async def start(self) -> None:
        # With a certificate the connections come from the listener.
        sockets = [self._socket] if self._certificate is None else []
        self.serving = self._loop.create_task(self._server.serve(sockets=sockets))
        await self._server.listening.wait()
        if self._certificate is not None:
            context, protocol = self._certificate.context, self._server.protocol
            self._tls = TlsListener(self._socket, context, self._connections, protocol)

    async def stop(self) -> None:
        """Finish the requests under way."""
        if self._tls is not None:
            await self._tls.stop()
        self._server.end()
        await self.serving
