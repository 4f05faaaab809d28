"""The socket of a WebSocket for a client that reads and writes octets, such as that of MQTT.

`websockets` has the protocol, within limits and without I/O; what it makes and takes goes over a socket that
may be blocking while it is opened, and is not afterwards.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

from paho.mqtt.client import Client
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from veldnet.texts import Text

from .keeping import ConnectionFailed

_READ = 65_536
# What one frame may have: a broker may put several packets into one.
_LONGEST_FRAME = 1_048_576
_CARRYING = (Opcode.BINARY, Opcode.CONT)


class WebSocket:
    """As a socket, as far as the client of MQTT needs one."""

    def __init__(self, sock: socket.socket, url: str, subprotocol: str) -> None:
        self._sock = sock
        self._protocol = ClientProtocol(
            parse_uri(url), subprotocols=[Subprotocol(subprotocol)], max_size=_LONGEST_FRAME
        )
        # What has come, and what is still to be written; whether that is what `send` was given last.
        self._in, self._out = bytearray(), bytearray()
        self._framed = False

    def open(self, seconds: float) -> None:
        """Ask for the WebSocket. Raises `ConnectionFailed` and `OSError`."""
        protocol, end = self._protocol, time.monotonic() + seconds
        protocol.send_request(protocol.connect())
        self._sock.sendall(b"".join(protocol.data_to_send()))
        while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
            # Each octet may take its time, all of them together may not.
            self._sock.settimeout(max(end - time.monotonic(), 0.001))
            self._take(self._sock.recv(_READ))
        if protocol.handshake_exc is not None:
            raise ConnectionFailed(_refused(protocol.handshake_exc)) from None
        if protocol.subprotocol is None:
            raise ConnectionFailed(Text("the server does not speak MQTT over WebSocket at this path"))

    def _take(self, data: bytes) -> None:
        protocol = self._protocol
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
        for event in protocol.events_received():
            if isinstance(event, Frame) and event.opcode in _CARRYING:
                self._in += event.data
        self._out += b"".join(protocol.data_to_send())

    def recv(self, most: int) -> bytes:
        """What has come; nothing where the connection has ended. Raises `BlockingIOError`."""
        if not self._in:
            if self._protocol.state is not State.OPEN:
                return b""
            self._take(self._sock.recv(_READ))
            if self._out and not self._framed:
                self._write()
            if not self._in:
                if self._protocol.state is not State.OPEN:
                    return b""
                raise BlockingIOError
        taken = bytes(self._in[:most])
        del self._in[:most]
        return taken

    def send(self, data: bytes | bytearray) -> int:
        """Write all of it. Raises `BlockingIOError` until it is written: it is to be called again with the
        same then."""
        if not self._framed:
            if self._protocol.state is not State.OPEN:
                raise ConnectionAbortedError
            self._protocol.send_binary(bytes(data))
            self._out += b"".join(self._protocol.data_to_send())
            self._framed = True
        self._write()
        if self._out:
            raise BlockingIOError
        self._framed = False
        return len(data)

    def _write(self) -> None:
        try:
            while self._out:
                del self._out[: self._sock.send(self._out)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return

    def pending(self) -> int:
        """Octets that have been read from the connection already."""
        held = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return len(self._in) + held

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)

    def close(self) -> None:
        self._sock.close()


def _refused(error: BaseException) -> str:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return Text("the server opens no WebSocket: HTTP status {status}", status=status)
    if isinstance(error, EOFError | InvalidHandshake):
        return Text("the server opens no WebSocket: {why}", why=str(error)[:200] or type(error).__name__)
    return Text("what answers is no WebSocket: {why}", why=str(error)[:200] or type(error).__name__)


class WebSocketClient(Client):
    """The client of MQTT over a WebSocket. That of the library itself reads the answer to its request without
    a limit, says nothing of why it was refused, and masks octet by octet."""

    url = ""

    def _create_socket(self) -> Any:
        sock: socket.socket = super()._create_socket()  # type: ignore[assignment]
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made = WebSocket(sock, self.url, "mqtt")
            made.open(self.connect_timeout)
        except BaseException:
            sock.close()
            raise
        return made
