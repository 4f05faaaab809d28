"""From a host to the IP addresses that may be connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from veldnet.texts import Text

from .addresses import Address, AddressRefused, check_reachable
from .failures import said_by_system
from .networks import is_public

Lookup = Callable[..., list[Any]]

# Seconds for which an answer of the DNS is used again.
_LIFETIME = 15.0
_MOST_CACHED = 10_000
# Names that are looked up at once: a name server that does not answer holds up a thread.
_THREADS = 16
_MOST_TRIED = 4


class NameNotFound(Exception):
    """A name has no address, or none that is allowed."""


class Resolver:
    """Finds addresses in threads of its own. Without `allow_private` only public ones pass."""

    def __init__(self, *, allow_private: bool, lookup: Lookup = socket.getaddrinfo) -> None:
        self._allow_private = allow_private
        self._lookup = lookup
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._asking: dict[str, asyncio.Future[list[str]]] = {}
        self._threads: ThreadPoolExecutor | None = None

    async def addresses(self, address: Address) -> list[str]:
        """IP addresses to connect to, the first to be tried first. Raises `AddressRefused` and
        `NameNotFound`."""
        if not self._allow_private:
            check_reachable(address)
        if address.ip is not None:
            return [address.host]
        found = await self._find(address.host)
        allowed = found if self._allow_private else [ip for ip in found if is_public(ip)]
        if not allowed:
            raise NameNotFound(Text("{host} has no public address", host=address.host))
        return _alternating(allowed)[:_MOST_TRIED]

    async def _find(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        known = self._known.get(host)
        if known is not None and known[0] > loop.time():
            return known[1]
        asking = self._asking.get(host)
        if asking is None:
            # All who want the name wait for one answer; one who is cancelled does not take it from the rest.
            asking = self._asking[host] = asyncio.ensure_future(self._ask(host))
            asking.add_done_callback(lambda _done: self._asking.pop(host, None))
        return await asyncio.shield(asking)

    async def _ask(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")
        try:
            rows = await loop.run_in_executor(self._threads, self._look_up, host)
        except (OSError, UnicodeError) as error:
            why = said_by_system(error) if isinstance(error, OSError) else str(error)
            raise NameNotFound(Text("{host} cannot be resolved: {why}", host=host, why=why)) from None
        found = list(dict.fromkeys(str(address) for *_kind, (address, *_port) in rows))
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()
        self._known[host] = loop.time() + _LIFETIME, found
        return found

    def _look_up(self, host: str) -> list[Any]:
        return self._lookup(host, None, type=socket.SOCK_STREAM)

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def _alternating(found: list[str]) -> list[str]:
    """Both families in turn, so that one that does not work here costs one attempt."""
    families: dict[int, list[str]] = {}
    for ip in found:
        families.setdefault(ipaddress.ip_address(ip).version, []).append(ip)
    first, *others = families.values()
    second = others[0] if others else []
    mixed = [ip for pair in zip(first, second, strict=False) for ip in pair]
    shorter = min(len(first), len(second))
    return mixed + first[shorter:] + second[shorter:]


__all__ = ["AddressRefused", "Lookup", "NameNotFound", "Resolver"]
