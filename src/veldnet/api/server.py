"""Serve HTTP, base stations and the network server in one process until a signal says stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import structlog
import uvicorn

from veldnet.app import Platform
from veldnet.directory_lock import DirectoryLock
from veldnet.settings import Address, Settings
from veldnet.store import LeaseLost

from .application import create_application
from .front import Connections, FrontProtocol, HeadAsGet, Limits, Pace, Paced

log = structlog.get_logger(__name__)

# Connections that the kernel keeps until they are taken: so many at most are taken in one turn of the loop.
_BACKLOG = 128


class Addresses(msgspec.Struct, frozen=True):
    """Where a server listens."""

    http: str
    udp: str


class CannotListen(Exception):
    """A port is taken or not allowed."""


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


def _http_socket(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address.host, address.port))
    except OSError as error:
        sock.close()
        raise CannotListen(f"cannot serve HTTP on {address}: {error.strerror}") from None
    return sock


def _text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _configuration(platform: Platform, loop: asyncio.AbstractEventLoop) -> uvicorn.Config:
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

    async def look_after_connections() -> None:
        connections.look_after(loop.time())

    platform.supervisor.repeat("HTTP time-outs", 1.0, look_after_connections)
    # What clients send is no event of ours; a defect is.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Config(
        HeadAsGet(Paced(create_application(platform), pace)),
        http=partial(FrontProtocol, connections=connections, pace=pace),  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        backlog=_BACKLOG,
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


def _listen_for_base_stations(platform: Platform) -> tuple[str, int]:
    address = platform.settings.gateways.udp
    try:
        return platform.udp.open(address.host, address.port)
    except OSError as error:
        raise CannotListen(f"cannot receive from base stations on {address}: {error.strerror}") from None


async def serve(
    settings: Settings,
    lock: DirectoryLock,
    started: Callable[[Platform, Addresses], None],
    *,
    take_over: bool = False,
) -> None:
    """Run until SIGTERM or SIGINT; `started` hears when every port listens. `lock` is that of the data
    directory. Raises `CannotListen`, and `LeaseLost` once another server has taken the data directory
    over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sock = _http_socket(settings.api.http)
    platform = await Platform.open(settings, lock)
    platform.supervisor.watch_loop(loop)
    try:
        await platform.start(take_over=take_over)
        udp_host, udp_port = _listen_for_base_stations(platform)
    except BaseException:
        sock.close()
        await platform.stop()
        raise
    server = _Server(_configuration(platform, loop))
    serving = loop.create_task(server.serve(sockets=[sock]))
    await server.listening.wait()
    platform.ready = True
    platform.watch()
    host, port = sock.getsockname()[:2]
    started(platform, Addresses(_text(host, port), _text(udp_host, udp_port)))
    waiting = [loop.create_task(event.wait()) for event in (stop, platform.lease_lost)]
    await asyncio.wait({serving, *waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    log.info("stopping")
    begun = time.monotonic()
    # Streams would keep their connections open.
    platform.live.close()
    server.should_exit = True
    await serving
    await platform.stop()
    log.info("stopped", seconds=round(time.monotonic() - begun, 3))
    if platform.lease_lost.is_set():
        raise LeaseLost("another server has taken over the data directory, so this one has stopped")
