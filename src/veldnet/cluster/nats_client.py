"""The client of NATS, as the bus uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from nats import errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.aio.transport import TcpTransport

_CLOSE_WITHIN = 0.5


class Message(NamedTuple):
    """A message as it comes."""

    subject: str
    reply: str
    payload: bytes


class NatsClient(Client):
    """A client that sends what it is recognised by to no server without TLS where TLS is wanted.

    Messages go from the connection to their handlers, and from `put` to the connection, without the queues
    and tasks of the library: those cost more than all else about a frame that goes to its owner."""

    def __init__(self, wants_tls: bool) -> None:
        super().__init__()
        self.wants_tls = wants_tls
        self.subscribed: list[Subscription] = []
        self._direct: dict[int, Callable[[Message], None]] = {}

    async def hear(self, subject: str, handler: Callable[[Message], None]) -> None:
        """Have messages handled, by what raises nothing."""
        subscribed = await self.subscribe(subject)
        self._direct[subscribed._id] = handler
        self.subscribed.append(subscribed)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        handler = self._direct.get(sid)
        if handler is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            handler(Message(subject.decode(), reply.decode(), data))

    @property
    def unsent(self) -> int:
        """Octets that the connection has not taken."""
        assert isinstance(self._transport, TcpTransport)
        writer = self._transport._io_writer
        return 0 if writer is None else writer.transport.get_write_buffer_size()

    def put(self, commands: bytes) -> None:
        if self._transport is None:
            raise ConnectionResetError
        self._transport.write(commands)

    @property
    def asks_who_it_is(self) -> bool:
        """Whether the server takes in only those who prove who they are."""
        return bool(self._server_info.get("auth_required") or self._server_info.get("tls_verify"))

    def _connect_command(self) -> bytes:
        if self.wants_tls and not self._server_info.get("tls_required"):
            raise errors.SecureConnWantedError
        return super()._connect_command()

    async def settle(self) -> None:
        """Wait until the server has taken what was given."""
        # The ping of a flush overtakes what was given just before; that of the next one comes behind it.
        await self.flush()
        await self.flush()

    async def leave(self) -> None:
        """Let the server know that nobody is here any more before the connection ends."""
        with suppress(OSError, errors.Error, TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                for subscribed in self.subscribed:
                    await subscribed.unsubscribe()
                await self.settle()
        await self.end()

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        # What matters was flushed before. The library hands what still waits to a connection that may have
        # gone, breaks off there, and nobody ever hears that it has ended.
        self._pending, self._pending_data_size = [], 0
        await super()._close(status, do_cbs)

    async def end(self) -> None:
        # After a failed handshake of TLS the client never ends waiting.
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self.close()
