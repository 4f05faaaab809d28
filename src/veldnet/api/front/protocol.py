"""One HTTP connection: uvicorn's protocol behind bounds on headers, time, pipelining and slow readers."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from veldnet.api.errors import gateway_body

from .connections import Connection, Connections, State, group_of
from .pace import PROBES, Pace

# Of a request line and its headers, and of what stands between the parts of a body.
MAX_HEADER = 65_536
MAX_HEADERS = 200
# Input is parsed in pieces of so many bytes, so that none takes long.
_SLICE = 4096
# One buffer for all connections: what was read is copied out of it at once.
_BUFFER = memoryview(bytearray(16_384))
# Input that is kept while the connection is busy.
_MOST_PENDING = 16_384
# What a refused client may still send, and for how many seconds, before the connection is cut: a client that
# is cut while it sends does not see the answer.
_LINGER_BYTES, _LINGER = 1_048_576, 2.0
# Bytes a second that a client must take of an answer.
_SLOWEST_READER = 1024
# What comes before an answer, and the bytes of a body below which head and body are one write.
_INTERIM, _JOINED = b"HTTP/1.1 100", 65_536


class _Transport:
    """The transport as the inner protocol sees it: reading is held back by the front, written bytes are
    counted, and the head of an answer goes out with the first part of its body where that follows at once."""

    def __init__(
        self, front: FrontProtocol, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._front = front
        self._transport = transport
        self._loop = loop
        self._head = b""
        # Whether the next that is written is the head of an answer.
        self.at_head = False
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)
        if self.at_head and not data.startswith(_INTERIM):
            self.at_head, self._head = False, data
            # A stream may be long in saying its first word.
            self._loop.call_soon(self.flush)
            return
        if self._head and len(data) < _JOINED:
            data, self._head = self._head + data, b""
        self.flush()
        self._transport.write(data)

    def flush(self) -> None:
        """Write the head that waits for the body."""
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)

    def pause_reading(self) -> None:
        self._front.hold(True)

    def resume_reading(self) -> None:
        self._front.hold(False)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


class _Inner(HttpToolsProtocol):
    """Uvicorn's protocol, which reports to the front how far a request has come."""

    front: FrontProtocol

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.front.request_begun()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.front.header_read()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.front.headers_complete(self.url):
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.front.body_read(len(body))
        if self.front.serving:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.front.request_complete()
        if self.front.serving:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self.front.serving:
            self.front.refuse(400, msg)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.front.answered()


class FrontProtocol(asyncio.BufferedProtocol):
    """Reads what comes, hands it on in slices, and ends what takes too long or is too large."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
        pace: Pace,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._connections = connections
        self._pace = pace
        self._inner = _Inner(config, server_state, app_state, self._loop)
        self._inner.front = self
        self._pending = bytearray()
        self.group = ""
        self.state = State.NEW
        self.probes_only = False
        # Whether requests go to the application; False once one was refused.
        self.serving = True
        # What counted for this connection until its handshake was done.
        self.handshake: Connection | None = None
        self._queued = self._held = self._paused = False
        # Whether a request, and an answer, is under way.
        self._in_request = self._in_answer = False
        self._bytes = self._headers = self._lingering = 0
        self._deadline = self._loop.time() + connections.limits.header_timeout
        self._drained, self._slow_until = 0, 0.0

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.group = group_of(str(peer[0]), self._connections.limits.trusted) if peer else ""
        self._facade = _Transport(self, self._transport, self._loop)
        self._inner.connection_made(cast(asyncio.Transport, self._facade))
        if self.handshake is not None:
            self._connections.leave(self.handshake)
        if not self._connections.enter(self):
            self.refuse(503, "The server has too many connections; try again")
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self)
        self._pending.clear()
        self._inner.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if not self.serving:
            self._lingering += nbytes
            if self._lingering > _LINGER_BYTES:
                self._transport.abort()
            return
        if not (self._in_request or self._in_answer or self._pending):
            self._deadline = min(self._deadline, self._loop.time() + self._connections.limits.header_timeout)
        self._pending += _BUFFER[:nbytes]
        self._flow()

    def eof_received(self) -> None:
        return None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    # Reading

    def hold(self, held: bool) -> None:
        """The application has no room for more of the body, or has again."""
        self._held = held
        self._flow()

    def _ready(self) -> bool:
        """Whether pending input may be parsed: one request at a time."""
        waits = self._in_answer and not self._in_request
        return bool(self._pending) and self.serving and not self._held and not waits

    def _flow(self) -> None:
        """Parse what there is, and read no more than can be parsed soon."""
        if self._transport.is_closing():
            return
        if self._ready() and not self._queued:
            self._queued = True
            self._pace.read(self)
        full = self.serving and len(self._pending) > _MOST_PENDING
        if full and not self._paused:
            self._transport.pause_reading()
        elif self._paused and not full:
            self._transport.resume_reading()
        self._paused = full

    def read_slice(self) -> bool:
        self._queued = False
        if not self._ready() or self._transport.is_closing():
            return False
        piece = bytes(self._pending[:_SLICE])
        end = piece.find(b"\r\n\r\n")
        if end >= 0 and not self._in_request:
            # A request without a body ends here; what follows waits for its answer.
            piece = piece[: end + 4]
        del self._pending[: len(piece)]
        self._bytes += len(piece)
        self._inner.data_received(piece)
        if self._bytes > MAX_HEADER + _SLICE and self.serving:
            self.refuse(431, "The header is larger than 64 KB")
        self._flow()
        # It stands in the queue again where there is more.
        return False

    # The parser's side

    def request_begun(self) -> None:
        self._in_request = True
        self._headers = 0
        self._deadline = min(self._deadline, self._loop.time() + self._connections.limits.header_timeout)

    def header_read(self) -> None:
        self._headers += 1
        if self._headers > MAX_HEADERS and self.serving:
            self.refuse(431, f"The request has more than {MAX_HEADERS} headers")

    def headers_complete(self, url: bytes) -> bool:
        """Whether the application may see the request."""
        if self._bytes > MAX_HEADER and self.serving:
            self.refuse(431, "The header is larger than 64 KB")
        if self.serving and self.probes_only and url.partition(b"?")[0].decode("latin-1") not in PROBES:
            self.refuse(503, "The server has too many connections; try again")
        if not self.serving:
            return False
        self._bytes = 0
        self._in_answer = self._facade.at_head = True
        self._deadline = self._loop.time() + self._connections.limits.request_timeout
        self._connections.move(self, State.READING)
        return True

    def body_read(self, size: int) -> None:
        self._bytes = 0
        if not self._in_answer:
            self._lingering += size
            if self._lingering > _LINGER_BYTES and self.serving:
                self._linger()

    def request_complete(self) -> None:
        self._in_request = False
        self._bytes = 0
        if not self.serving:
            return
        if not self._in_answer:
            self._wait_for_next()
            return
        self._connections.move(self, State.WORKING)
        self._deadline = float("inf")

    def answered(self) -> None:
        """The application has written its whole answer."""
        self._in_answer = False
        self._facade.flush()
        if self._in_request:
            # Nobody wants the rest of the body, which a client may send for a moment.
            self._deadline = self._loop.time() + _LINGER
            self._flow()
        else:
            self._wait_for_next()

    def _wait_for_next(self) -> None:
        self._lingering = 0
        self._deadline = self._loop.time() + self._connections.limits.idle_timeout
        self._connections.move(self, State.KEPT)
        self._flow()

    # Ends

    def refuse(self, status: int, message: str) -> None:
        """Answer in the place of the application, and close."""
        body = msgspec.json.encode(gateway_body(status, message, ""))
        if not self._in_answer and not self._transport.is_closing():
            self._facade.write(
                STATUS_LINE[status]
                + b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
                % len(body)
                + body
            )
        self._linger()

    def _linger(self) -> None:
        """Let what the client still sends pass for a moment, so that it sees the answer; then close."""
        self.serving = False
        self._pending.clear()
        self._facade.flush()
        self._deadline = self._loop.time() + _LINGER
        self._connections.move(self, State.NEW)
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        self._flow()

    def evict(self) -> None:
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def enforce_timeouts(self, now: float) -> None:
        if self._reads_too_slowly(now):
            self._transport.abort()
        elif now >= self._deadline:
            if self.serving and self._in_request:
                self.refuse(408, "The request was not received in time")
            else:
                self.evict()

    def _reads_too_slowly(self, now: float) -> bool:
        """Whether the client takes less of the answer than it must."""
        waiting = self._transport.get_write_buffer_size()
        drained = self._facade.written - waiting
        if not waiting:
            self._slow_until = 0.0
        elif not self._slow_until:
            self._drained, self._slow_until = drained, now + self._connections.limits.write_timeout
        elif now >= self._slow_until:
            if drained - self._drained < _SLOWEST_READER * self._connections.limits.write_timeout:
                return True
            self._slow_until = 0.0
        return False
