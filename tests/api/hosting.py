"""The whole platform in this process, on a virtual clock: requests reach the application over ASGI.

The database, the routers and the network are those of a server; there is no process and no HTTP on a socket.
Time stands still but for `pass_time`. Work for threads is done at once.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import structlog

from tests import customers
from tests.api.exchange import Caller
from tests.installation import store_flags
from veldnet.api import create_application
from veldnet.api.front import HeadAsGet
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.listening import Ports
from veldnet.assembly.platform import Outside, Platform
from veldnet.assembly.protocols import SEMTECH_UDP
from veldnet.client import read_message
from veldnet.connections import Outcome
from veldnet.routing import Attempt
from veldnet.settings import load_settings
from veldnet.simulator.customer import Account
from veldnet.virtual import ClockedWorld, VirtualClock, VirtualClockLoop

T = TypeVar("T")


class Inbox:
    """The application servers: takes every message, unless told to answer otherwise."""

    url = "http://127.0.0.1:9/up"

    def __init__(self) -> None:
        self._messages: list[bytes] = []
        self.answer = Outcome(True, "Ok")

    def messages(self) -> list[bytes]:
        return list(self._messages)

    def uplinks(self) -> list[bytes]:
        return [body for body in self._messages if read_message(body).is_uplink]

    async def send(self, attempt: Attempt) -> Outcome:
        if self.answer.delivered:
            self._messages.append(attempt.message.body)
        return self.answer

    async def try_out(self, attempt: Attempt) -> list[Outcome]:
        return [Outcome(True, "Ok", answer="HTTP 200") for _address in attempt.route.addresses]

    async def close(self) -> None:
        """Nothing is open."""


# Nothing of them is tidied up.
_dead: list[HostedServer] = []


class HostedServer:
    """A platform and its application. Settings are given as environment variables, as for a process. Its
    clock begins `ago` seconds before now."""

    http = "http://veldnet.test"

    def __init__(
        self,
        data: Path,
        *,
        take_over: bool = False,
        virtual: bool = True,
        ago: float = 0.0,
        **environment: str,
    ) -> None:
        self.data = data
        self.inbox = Inbox()
        self.time = VirtualClock(time.time() - ago, stands=True)
        self.loop = VirtualClockLoop(self.time, inline=True)
        self._log = io.StringIO()
        values = {
            "VELDNET_ROUTING__ALLOW_PRIVATE_DESTINATIONS": "true",
            "VELDNET_API__RATE_LIMIT": "0",
            "VELDNET_CONSOLE__RATE_LIMIT": "0",
        } | environment
        flags = {
            "data": str(data),
            "keys.process": False,
            "gateways.udp": "127.0.0.1:0",
            "api.http": "127.0.0.1:0",
        }
        self.settings = load_settings(flags | store_flags(data), environment=values)
        self.platform = self.run(self._start(take_over, virtual))
        self.time.busy = lambda: self.platform.decoders.busy
        self.application: Any = HeadAsGet(create_application(self.platform))
        self.platform.ready = True

    async def _start(self, take_over: bool, virtual: bool) -> Platform:
        data = await DataDirectory.open(self.settings, create=True, inline=True)
        world = ClockedWorld(self.time) if virtual else None
        outside = Outside(self.clock, sender=self.inbox)
        platform = Platform(self.settings, data, outside=outside, virtual=world)
        await platform.start(take_over=take_over)
        ports = Ports.open(self.settings)
        ports.http.close()
        await platform.hub.start(ports.base_stations)
        self.udp: tuple[str, int] = ports.base_stations[SEMTECH_UDP].getsockname()[:2]
        platform.start_background_tasks()
        return platform

    def clock(self) -> float:
        return self.time.now()

    def run(self, work: Awaitable[T]) -> T:
        """Run something in the server's event loop."""
        with _logged(self._log):
            return self.loop.run_until_complete(work)

    @property
    def log(self) -> str:
        """What the server has logged."""
        return self._log.getvalue()

    def pass_time(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    def suspend(self, seconds: float) -> None:
        """Let time pass in which the server does nothing, as on a machine that sleeps; what was due meanwhile
        happens once, behind it."""
        self.time.skip(seconds)
        self.pass_time(20)

    def until(self, what: Callable[[], Any], seconds: float = 60) -> Any:
        """Let time pass until something has come about; returns it."""
        end = self.loop.time() + seconds
        while not (found := what()):
            assert self.loop.time() < end, "it did not come about"
            self.pass_time(0.25)
        return found

    def connect(self, **arguments: Any) -> httpx.Client:
        """A client with no credentials."""
        return Caller(self, self.http, **arguments)

    def kill(self) -> None:
        """Nothing happens any more, as after `kill -9`; another one may take the data directory over."""
        _dead.append(self)

    def stop(self) -> int:
        self.run(self.platform.stop())
        self.loop.close()
        return 0


@contextmanager
def _logged(stream: io.StringIO) -> Iterator[None]:
    """Keep what is logged, as a process does in its log."""
    before = structlog.get_config()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.configure(**before)


class Client(customers.Client):
    server: HostedServer

    def __init__(self, server: HostedServer, account: Account) -> None:
        super().__init__(server, account)
