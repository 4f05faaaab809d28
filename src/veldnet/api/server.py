"""Serve HTTP, base stations and the network server in one process until a signal says stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator

import msgspec
import structlog
import uvicorn

from veldnet.app import Platform
from veldnet.settings import Address, Settings

from .application import create_application

log = structlog.get_logger(__name__)


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


async def serve(settings: Settings, started: Callable[[Platform, Addresses], None]) -> None:
    """Run until SIGTERM or SIGINT; `started` hears when every port listens. Raises `CannotListen`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sock = _http_socket(settings.api.http)
    platform = await Platform.open(settings)
    platform.supervisor.watch_loop(loop)
    await platform.start()
    try:
        udp_host, udp_port = platform.udp.open(settings.gateways.udp.host, settings.gateways.udp.port)
    except OSError as error:
        sock.close()
        await platform.stop()
        raise CannotListen(
            f"cannot receive from base stations on {settings.gateways.udp}: {error.strerror}"
        ) from None
    application = create_application(platform)
    server = _Server(
        uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            timeout_keep_alive=65,
            limit_concurrency=2000,
            h11_max_incomplete_event_size=65_536,
        )
    )
    serving = loop.create_task(server.serve(sockets=[sock]))
    await server.listening.wait()
    platform.ready = True
    platform.watch()
    host, port = sock.getsockname()[:2]
    started(platform, Addresses(_text(host, port), _text(udp_host, udp_port)))
    waiting = loop.create_task(stop.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    log.info("stopping")
    begun = time.monotonic()
    # Streams would keep their connections open.
    platform.live.close()
    server.should_exit = True
    await serving
    await platform.stop()
    log.info("stopped", seconds=round(time.monotonic() - begun, 3))
