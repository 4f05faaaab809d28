"""The ports of a server, opened before anything else: what arrives while the rest is loaded waits in the
kernel, and is read as soon as it can be judged. This module loads nothing but the standard library and
settings."""

from __future__ import annotations

import socket

import msgspec

from veldnet.settings import Address, Settings

# Seconds of the datagrams of a large network.
_RECEIVE_BUFFER = 8 * 1024 * 1024
# Connections that the kernel keeps until they are taken: so many at most are taken in one turn of the loop.
BACKLOG = 128
# Not named by the `socket` module: whether the kernel's own limit of the buffer may be exceeded, and
# whether it notes when each datagram arrived (socket(7)).
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35


class CannotListen(Exception):
    """A port is taken or not allowed."""


class Addresses(msgspec.Struct, frozen=True):
    """Where a server listens."""

    http: str
    udp: str


class Ports:
    """The open sockets of a server."""

    def __init__(self, http: socket.socket, udp: socket.socket) -> None:
        self.http = http
        self.udp = udp

    @classmethod
    def open(cls, settings: Settings) -> Ports:
        """Raises `CannotListen`."""
        udp = _udp_socket(settings.gateways.udp)
        try:
            return cls(_http_socket(settings.api.http), udp)
        except CannotListen:
            udp.close()
            raise

    @property
    def addresses(self) -> Addresses:
        return Addresses(_text(self.http), _text(self.udp))

    def close(self) -> None:
        self.http.close()
        self.udp.close()


def _udp_socket(address: Address) -> socket.socket:
    sock = socket.socket(_family(address), socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        for option, value in ((_SO_RCVBUFFORCE, _RECEIVE_BUFFER), (_SO_TIMESTAMPNS, 1)):
            _set_where_allowed(sock, option, value)
        sock.setblocking(False)
        sock.bind((address.host, address.port))
    except OSError as error:
        sock.close()
        raise CannotListen(f"cannot receive from base stations on {address}: {error.strerror}") from None
    return sock


def _set_where_allowed(sock: socket.socket, option: int, value: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, value)
    except OSError:
        return


def _http_socket(address: Address) -> socket.socket:
    sock = socket.socket(_family(address), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address.host, address.port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise CannotListen(f"cannot serve HTTP on {address}: {error.strerror}") from None
    return sock


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET


def _text(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
