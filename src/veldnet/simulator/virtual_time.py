"""An event loop whose clock jumps to the next timer: days of traffic in seconds, the same for a seed."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class NothingLeftToHappen(RuntimeError):
    """The loop waits for something that no timer will bring about."""


# Real seconds after which what the loop waits for without a timer does not come.
_HOPELESS = 5.0


class _Selector(selectors.DefaultSelector):
    """Waits for sockets no longer than `patience` in real seconds: then the loop's clock moves on."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self.now = 0.0
        self._patience = patience

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        wait = self._patience if timeout is None or timeout > 0 else 0
        ready = super().select(_HOPELESS if wait and timeout is None else wait)
        if ready:
            return ready
        if timeout is None:
            raise NothingLeftToHappen("the simulation waits for something that cannot come")
        self.now += max(timeout, 0.0)
        return []


class Internet(Protocol):
    """Sockets in memory (`veldnet.virtual.internet`). A port is what stands for a socket there."""

    def read_port(self, port: Any, readable: Callable[[], None] | None) -> None: ...

    def serve(self, port: Any, accept: Callable[[], asyncio.Protocol]) -> Any: ...

    def open_datagrams(self, protocol: Any, server: str, port: int) -> Any: ...

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], server: str, number: int
    ) -> tuple[Any, Any]: ...


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop under a virtual clock that begins at 0. With an `internet` it opens all connections
    there, and none outside."""

    internet: Internet | None = None

    def __init__(self, patience: float = 0.0) -> None:
        self._virtual = _Selector(patience)
        super().__init__(self._virtual)
        # Timers this near are due. After months a nanosecond, asyncio's own, is less than what a float can
        # add, and a timer would never be due.
        self._clock_resolution = 1e-7

    def time(self) -> float:
        return self._virtual.now

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        if self.internet is None or isinstance(fd, int | socket.socket):
            super().add_reader(fd, callback, *args)
        else:
            self.internet.read_port(fd, partial(callback, *args))

    def remove_reader(self, fd: Any) -> bool:
        if self.internet is None or isinstance(fd, int | socket.socket):
            return super().remove_reader(fd)
        self.internet.read_port(fd, None)
        return True

    async def create_server(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        if self.internet is None:
            return await super().create_server(protocol_factory, *args, **options)
        return self.internet.serve(options["sock"], protocol_factory)

    async def create_connection(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        if self.internet is None:
            return await super().create_connection(protocol_factory, *args, **options)
        return await self.internet.connect(protocol_factory, options["host"], options["port"])

    async def create_datagram_endpoint(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        if self.internet is None:
            return await super().create_datagram_endpoint(protocol_factory, *args, **options)
        protocol = protocol_factory()
        return self.internet.open_datagrams(protocol, *options["remote_addr"]), protocol


def run_virtually(work: Coroutine[Any, Any, T], *, patience: float = 0.0) -> T:
    """Run a coroutine under a virtual clock. With sockets, `patience` is how many real seconds what was sent
    may take to arrive."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(patience)) as runner:
        return runner.run(work)
