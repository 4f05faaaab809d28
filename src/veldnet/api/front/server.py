"""HTTP in the process of the network server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Iterator
from functools import partial

import uvicorn
from litestar import Litestar

from veldnet.assembly.listening import BACKLOG
from veldnet.assembly.platform import Platform

from . import Connections, FrontProtocol, HeadAsGet, Limits, Pace, Paced


class _Server(uvicorn.Server):
    """Uvicorn that tells when it listens, and leaves signals to the process, which stops in order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _configuration(
    platform: Platform, application: Litestar, loop: asyncio.AbstractEventLoop
) -> uvicorn.Config:
    """Uvicorn behind the front, which bounds what clients may do."""
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
            trusted=frozenset(api.trusted_proxies),
        )
    )
    pace = Pace(loop)

    async def enforce_timeouts() -> None:
        connections.enforce_timeouts(loop.time())

    platform.supervisor.repeat("HTTP time-outs", 1.0, enforce_timeouts)
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
    """HTTP over an open socket, until it is stopped."""

    def __init__(self, platform: Platform, application: Litestar, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = _Server(_configuration(platform, application, self._loop))
        self._socket = sock
        self.serving: asyncio.Task[None]

    async def start(self) -> None:
        self.serving = self._loop.create_task(self._server.serve(sockets=[self._socket]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Finish the requests under way."""
        self._server.should_exit = True
        await self.serving
