"""The ports of a server, opened before anything else: what arrives while the rest is loaded waits in the
kernel, and is read as soon as it can be judged. This module loads nothing but the standard library and
settings."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import msgspec

from veldnet.settings import Address, Settings

from .protocols import BASICS_STATION, CUPS, HTTP, LISTENERS, PROTOCOLS, SEMTECH_UDP, cups_port
from .sockets import CannotListen, family

__all__ = ["BACKLOG", "Addresses", "CannotListen", "Ports", "reached_at"]

# Connections that the kernel keeps until they are taken: so many at most are taken in one turn of the loop.
BACKLOG = 128


class Addresses(msgspec.Struct, frozen=True):
    """Where a server listens."""

    http: str
    udp: str
    tls: bool = False
    basics_station: str | None = None
    cups: str | None = None


class Ports:
    """The open sockets of a server."""

    def __init__(self, http: socket.socket, base_stations: dict[str, socket.socket], *, tls: bool) -> None:
        self.http = http
        self._tls = tls
        # By the name of their service.
        self.base_stations = base_stations

    @classmethod
    def open(cls, settings: Settings) -> Ports:
        """Raises `CannotListen`."""
        opened: dict[str, socket.socket] = {}
        try:
            for name, open_port in (
                *((entry.name, entry.open_port) for entry in PROTOCOLS),
                (CUPS, cups_port),
            ):
                sock = open_port(settings)
                if sock is not None:
                    opened[name] = sock
            return cls(_http_socket(settings.api.http), opened, tls=bool(settings.tls.certificate))
        except CannotListen:
            for sock in opened.values():
                sock.close()
            raise

    @property
    def addresses(self) -> Addresses:
        stations, cups = (self.base_stations.get(name) for name in (BASICS_STATION, CUPS))
        return Addresses(
            _text(self.http),
            _text(self.base_stations[SEMTECH_UDP]),
            self._tls,
            None if stations is None else _text(stations),
            None if cups is None else _text(cups),
        )

    def reached_at(self, settings: Settings) -> list[str]:
        """Where everything is reached that is served, as `reached_at` has it."""
        return reached_at(settings, {HTTP: self.http} | self.base_stations)

    def close(self) -> None:
        for sock in (self.http, *self.base_stations.values()):
            sock.close()


def reached_at(settings: Settings, opened: Mapping[str, socket.socket] | None = None) -> list[str]:
    """URL, and what is there in words, of everything that a server listens for by its settings; by its
    sockets where there are any."""
    found = []
    for listener in LISTENERS:
        sock, address = (opened or {}).get(listener.name), listener.address(settings)
        if sock is not None or address:
            where = str(address) if sock is None else _text(sock)
            found.append(f"{listener.scheme(settings)}://{where} ({listener.words})")
    return found


def _http_socket(address: Address) -> socket.socket:
    sock = socket.socket(family(address), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address.host, address.port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise CannotListen(f"cannot serve HTTP on {address}: {error.strerror}") from None
    return sock


def _text(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
