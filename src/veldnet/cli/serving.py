"""A server from its ports to its end. What takes long to load is loaded beside what works already: base
stations are read as soon as their frames can be judged, HTTP follows."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

import structlog

from veldnet.assembly.data_directory import clock_mark
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.data_directory.lock import DirectoryLock
from veldnet.assembly.garbage import limit_pauses
from veldnet.assembly.listening import Addresses, Ports
from veldnet.settings import Settings
from veldnet.store import LeaseLost

from .notify import ServiceManager

if TYPE_CHECKING:
    from veldnet.api import Application
    from veldnet.assembly.certificate import ServerCertificate
    from veldnet.assembly.platform import Platform
    from veldnet.assembly.virtual_world import VirtualWorld

log = structlog.get_logger(__name__)

_CERTIFICATE_EVERY = 5.0


class Moments(NamedTuple):
    """Whom a command has called by a server: `started` once every port is served, `opened` when the data
    directory is open and nothing is served yet."""

    started: Callable[[Addresses], None]
    opened: Callable[[DataDirectory], Awaitable[None]] | None = None


async def serve(
    settings: Settings,
    lock: DirectoryLock,
    ports: Ports,
    moments: Moments,
    *,
    take_over: bool = False,
    virtual: VirtualWorld | None = None,
) -> None:
    """Run until SIGTERM or SIGINT, and call those of `moments` meanwhile. `lock` is that of the data
    directory. With `virtual` the server lives under the virtual clock of the loop. Raises `LeaseLost`
    once another server has taken the data directory over."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    manager = ServiceManager()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Asks for the certificate again; without one it must not end the server.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    certificate = _certificate(settings)
    platform = await _open_platform(settings, lock, virtual, ports.addresses, moments)
    try:
        await platform.start(take_over=take_over)
        await platform.hub.start(ports.base_stations)
        platform.start_background_tasks()
        if certificate is not None:
            _keep_certificate(platform, certificate)
        application = await asyncio.to_thread(_load_application, platform)
    except BaseException:
        await platform.stop()
        raise
    from veldnet.api.front.server import HttpServer

    http = HttpServer(platform, application, ports.http)
    await http.start()
    _tune_garbage_collection()
    platform.ready = True
    moments.started(ports.addresses)
    manager.ready()
    platform.supervisor.start("loading of operations", _load_ahead(application))
    if manager.alive_every:
        platform.supervisor.repeat("signs of life", manager.alive_every, manager.alive)
    waiting = [loop.create_task(event.wait()) for event in (stop, platform.heartbeat.lease_lost)]
    await asyncio.wait({http.serving, *waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    log.info("stopping")
    manager.stopping()
    begun = time.monotonic()
    # Streams would keep their connections open.
    platform.feeds.close()
    await http.stop()
    await platform.stop()
    log.info("stopped", seconds=round(time.monotonic() - begun, 3))
    if platform.heartbeat.lease_lost.is_set():
        raise LeaseLost("another server has taken over the data directory, so this one has stopped")


async def _open_platform(
    settings: Settings,
    lock: DirectoryLock,
    virtual: VirtualWorld | None,
    addresses: Addresses,
    moments: Moments,
) -> Platform:
    """Open the data directory, or create it, and load the parts meanwhile."""
    loop = asyncio.get_running_loop()
    loading = loop.run_in_executor(None, _load_platform)
    try:
        data = await _open_data(settings, lock, virtual, moments)
    except BaseException:
        await asyncio.wait({loading})
        raise
    generation = await data.generation()
    await loading
    from veldnet.assembly.clustering import node_setup
    from veldnet.assembly.platform import Outside, Platform

    if virtual is None:
        outside = Outside(node=node_setup(settings, _shown(addresses), data.store.origin))
    else:
        outside = Outside(virtual.now)
    platform = Platform(settings, data, generation=generation, outside=outside, virtual=virtual)
    platform.supervisor.watch_loop(loop)
    return platform


def _shown(addresses: Addresses) -> dict[str, str]:
    """Where a server listens, as it is shown to people."""
    found = {"http": addresses.http, "udp": addresses.udp, "basicsStation": addresses.basics_station}
    found["cups"] = addresses.cups
    return {name: address for name, address in found.items() if address is not None}


def _certificate(settings: Settings) -> ServerCertificate | None:
    if not settings.tls.certificate:
        return None
    from veldnet.assembly.certificate import ServerCertificate

    return ServerCertificate(settings.tls, time.time)


def _keep_certificate(platform: Platform, certificate: ServerCertificate) -> None:
    """Load it again when its files change, and on SIGHUP."""
    platform.certificate = certificate
    certificate.warn()

    async def look(*, forced: bool = False) -> None:
        await asyncio.to_thread(certificate.reload, forced=forced)

    def hang_up() -> None:
        platform.supervisor.start("certificate", look(forced=True))

    platform.poll("certificate", _CERTIFICATE_EVERY, look)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)


async def _open_data(
    settings: Settings, lock: DirectoryLock, virtual: VirtualWorld | None, moments: Moments
) -> DataDirectory:
    """The data directory, if this clock may serve it."""
    data = await DataDirectory.open(settings, create=True, vault_process=True, lock=lock)
    try:
        if virtual is None:
            await data.store.read(lambda c: clock_mark.check_clock(c, virtual=False))
        else:
            await data.store.read(lambda c: clock_mark.check_clock(c, virtual=True))
            virtual.resume(await data.store.read(clock_mark.virtual_lead))
        if moments.opened is not None:
            await moments.opened(data)
    except BaseException:
        await data.close()
        raise
    return data


def _load_platform() -> None:
    import veldnet.assembly.platform  # noqa: F401


def _load_application(platform: Platform) -> Application:
    from veldnet.api import create_application

    return create_application(platform)


async def _load_ahead(application: Application) -> None:
    await application.load_ahead()
    # What was loaded stays, as what a start has loaded.
    gc.freeze()
    log.debug("operations_loaded")


def _tune_garbage_collection() -> None:
    """Frames make and drop many small objects, hardly any in cycles, beside many that live for long. Looking
    for cycles as often as Python does by default costs a tenth of the throughput. What a start leaves
    behind is a handful of objects: to look for them takes a twentieth of it."""
    gc.freeze()
    limit_pauses()
    gc.enable()
