"""Which addresses messages may go to: no private ones unless the operator allows it.

Customers choose the URLs. Without this rule one could make the server talk to machines that only it reaches.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class DestinationRefused(Exception):
    """The address lies in a range that is not allowed."""


def is_public(address: str) -> bool:
    """Whether an IP address can be reached from anywhere."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return parsed.is_global and not parsed.is_multicast


def check_literal(url: str) -> None:
    """Refuse a URL whose host is a private address, or names this machine. Raises `DestinationRefused`."""
    host = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        if host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost"):
            raise DestinationRefused(f"{host} is this machine") from None
        return
    if not is_public(host):
        raise DestinationRefused(f"{host} is not a public address")


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only, at the moment of connecting."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [result for result in found if is_public(result["host"])]
        if not allowed:
            raise OSError(f"{host} resolves to no public address")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()
