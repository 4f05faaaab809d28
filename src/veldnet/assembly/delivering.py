"""Starts and runs delivery processes: how many there are, and what each is given."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import socket
import subprocess
import sys
import time

import msgspec
import structlog

from veldnet.assembly.configured import delivery_limits, transport_settings
from veldnet.assembly.garbage import limit_pauses
from veldnet.logs import configure_logs
from veldnet.network.shell import Runtime
from veldnet.routing import Limits, ProcessPlan, Retry, RouteSender, TransportSettings, serve_deliveries
from veldnet.settings import LogSettings, Settings
from veldnet.store import IdSource, StoreError
from veldnet.supervision import Supervisor


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery process works with."""

    transports: TransportSettings
    retry: Retry
    limits: Limits
    log: LogSettings


def delivery_processes(settings: Settings, retry: Retry) -> ProcessPlan | None:
    """The processes that deliver beside the one that does the rest; None where there are none."""
    count = settings.server.processes.number - 1
    if count < 1:
        return None
    limits = delivery_limits(settings.routing)
    share = msgspec.structs.replace(
        limits,
        in_memory=max(limits.in_memory // count, 1),
        each=max(limits.each // count, 1),
        all=max(limits.all // count, 1),
    )
    opening = Opening(
        transports=transport_settings(settings.routing), retry=retry, limits=share, log=settings.log
    )
    text = msgspec.json.encode(opening).decode()

    def start(theirs: socket.socket, number: int) -> subprocess.Popen[bytes]:
        descriptor = theirs.fileno()
        command = [
            sys.executable,
            "-m",
            "veldnet.assembly.delivering",
            str(descriptor),
            f"delivery-{number}",
            text,
        ]
        return subprocess.Popen(command, pass_fds=(descriptor,), stdin=subprocess.DEVNULL)  # noqa: S603 - this program

    return ProcessPlan(count, start)


async def _serve(connection: socket.socket, opening: Opening) -> None:
    supervisor = Supervisor(expected=(StoreError,))
    supervisor.watch_loop(asyncio.get_running_loop())
    runtime = Runtime(time.time, IdSource(), random.SystemRandom(), supervisor)
    sender = RouteSender(opening.transports, clock=time.monotonic)
    await serve_deliveries(connection, runtime, sender, opening.retry, opening.limits)


def main(arguments: list[str]) -> int:
    """Deliver until the server is gone; returns the exit status."""
    descriptor, name, text = arguments
    opening = msgspec.json.decode(text, type=Opening)
    configure_logs(opening.log)
    structlog.contextvars.bind_contextvars(process=name)
    # A terminal, or a service manager, signals all processes; this one ends with its server.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    limit_pauses()
    work = _serve(socket.socket(fileno=int(descriptor)), opening)
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
