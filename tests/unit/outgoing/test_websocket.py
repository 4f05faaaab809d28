"""The socket of a WebSocket, against a server that is not what it should be."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.frames import Opcode
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from veldnet.outgoing import ConnectionFailed
from veldnet.outgoing.websocket import WebSocket

URL = "ws://broker.example.com/mqtt"
Server = Callable[[socket.socket], None]


@contextmanager
def alongside(server: Server, sock: socket.socket) -> Iterator[None]:
    """A server in a thread."""
    thread = threading.Thread(target=server, args=(sock,))
    thread.start()
    try:
        yield
    finally:
        thread.join(10)


def _accept(sock: socket.socket, *, speaks: str = "mqtt") -> ServerProtocol:
    protocol = ServerProtocol(subprotocols=[Subprotocol(speaks)] if speaks else None)
    protocol.receive_data(sock.recv(65_536))
    (request,) = protocol.events_received()
    protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
    sock.sendall(b"".join(protocol.data_to_send()))
    return protocol


def _says(answer: bytes) -> Server:
    def say(sock: socket.socket) -> None:
        sock.recv(65_536)
        sock.sendall(answer)

    return say


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (_says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "HTTP status 404"),
        (_says(b"x" * 100_000), "no WebSocket"),
        (_says(b"SSH-2.0-OpenSSH_9.2\r\n"), "no WebSocket"),
        (lambda sock: _accept(sock, speaks="") and None, "does not speak MQTT"),
    ],
)
def test_what_is_no_websocket_is_refused_with_the_reason(server: Server, words: str) -> None:
    here, there = socket.socketpair()
    with here, there, alongside(server, there), pytest.raises(ConnectionFailed, match=words):
        WebSocket(here, URL, "mqtt").open(5)


def test_a_server_that_says_a_little_forever_ends_with_the_time() -> None:
    def drip(sock: socket.socket) -> None:
        sock.recv(65_536)
        while True:
            try:
                sock.sendall(b"H")
            except OSError:
                return
            time.sleep(0.01)

    here, there = socket.socketpair()
    with there, here, alongside(drip, there), pytest.raises(TimeoutError):
        try:
            WebSocket(here, URL, "mqtt").open(0.1)
        finally:
            here.close()


def test_packets_cross_frames_and_frames_cross_packets() -> None:
    here, there = socket.socketpair()
    made = WebSocket(here, URL, "mqtt")
    protocols: list[ServerProtocol] = []
    with here, there:
        with alongside(lambda sock: protocols.append(_accept(sock)), there):
            made.open(5)
        made.setblocking(False)
        (protocol,) = protocols
        for data in (b"abc", b"", b"defg"):
            protocol.send_binary(data)
        protocol.send_ping(b"?")
        there.sendall(b"".join(protocol.data_to_send()))
        assert (made.recv(2), made.pending(), made.recv(9)) == (b"ab", 5, b"cdefg")
        with pytest.raises(BlockingIOError):
            made.recv(1)
        protocol.receive_data(there.recv(65_536))
        assert [each.opcode for each in protocol.events_received()] == [Opcode.PONG]  # type: ignore[union-attr]
        # It does not read: what is written waits, and is written once.
        packet = b"x" * 4_000_000
        with pytest.raises(BlockingIOError):
            made.send(packet)
        taken = bytearray()
        sent = 0
        while not sent:
            taken += there.recv(1_000_000)
            try:
                sent = made.send(packet)
            except BlockingIOError:
                continue
        there.setblocking(False)
        while len(taken) < len(packet) + 14:
            taken += there.recv(1_000_000)
        assert sent == len(packet)
        protocol.send_close(1001)
        there.sendall(b"".join(protocol.data_to_send()))
        assert made.recv(1) == b""
        with pytest.raises(ConnectionAbortedError):
            made.send(b"x")
