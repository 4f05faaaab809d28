"""Sockets of ports, opened before anything else is loaded."""

from __future__ import annotations

import socket

from veldnet.settings import Address

# Seconds of the datagrams of a large network.
_RECEIVE_BUFFER = 8 * 1024 * 1024
# Not named by the `socket` module: whether the kernel's own limit of the buffer may be exceeded, and
# whether it notes when each datagram arrived (socket(7)).
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35


class CannotListen(Exception):
    """A port is taken or not allowed."""


def udp_socket(address: Address) -> socket.socket:
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
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


def tcp_socket(address: Address, backlog: int) -> socket.socket:
    """For base stations that connect by TCP. Raises `CannotListen`."""
    sock = socket.socket(family(address), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address.host, address.port))
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise CannotListen(f"cannot serve base stations on {address}: {error.strerror}") from None
    sock.setblocking(False)
    return sock


def _set_where_allowed(sock: socket.socket, option: int, value: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, value)
    except OSError:
        return


def family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET
