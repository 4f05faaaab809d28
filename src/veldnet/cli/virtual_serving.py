"""A server under a virtual clock: everything is real but time, which tests move, and the radio."""

from __future__ import annotations

import asyncio
import time

from msgspec.structs import replace

from veldnet.assembly.data_directory.lock import DirectoryLock
from veldnet.assembly.listening import Ports
from veldnet.settings import Duration, Settings
from veldnet.virtual import ClockedWorld, VirtualClock, VirtualClockLoop

from .serving import Moments, serve

# A client that moves the clock, or waits meanwhile, is not late.
_NEVER = Duration(100 * 366 * 86_400)


def virtual_settings(settings: Settings) -> Settings:
    """Settings that do not depend on how long something takes outside. The vault is in this process, for one
    outside would have to be waited for."""
    api = replace(
        settings.api,
        header_timeout=_NEVER,
        request_timeout=_NEVER,
        idle_timeout=_NEVER,
        write_timeout=_NEVER,
    )
    return replace(settings, api=api, keys=replace(settings.keys, process=False))


def serve_virtually(
    settings: Settings,
    lock: DirectoryLock,
    ports: Ports,
    moments: Moments,
    *,
    take_over: bool = False,
) -> None:
    """Run until SIGTERM or SIGINT, as `serve` does, on a loop of its own."""
    clock = VirtualClock(time.time())
    with asyncio.Runner(loop_factory=lambda: VirtualClockLoop(clock)) as runner:
        runner.run(serve(settings, lock, ports, moments, take_over=take_over, virtual=ClockedWorld(clock)))
