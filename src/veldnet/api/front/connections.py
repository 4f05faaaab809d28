"""Limits the number of HTTP connections and chooses which one to close."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

import msgspec


class State(enum.IntEnum):
    """What a connection is at. Those of a lower state are the first to be closed for new ones."""

    # Nothing, or a part of its first header, has come.
    NEW = 0
    # It has had an answer and may ask again.
    KEPT = 1
    # The header is there, the body is not yet.
    READING = 2
    # The application works on it; never closed for another.
    WORKING = 3


class Limits(msgspec.Struct, frozen=True):
    """Bounds on connections; times in seconds."""

    connections: int = 2000
    per_address: int = 100
    # Beyond all limits, for the probes alone.
    reserve: int = 32
    header_timeout: float = 10.0
    request_timeout: float = 60.0
    idle_timeout: float = 65.0
    write_timeout: float = 20.0
    # Proxies, whose connections are those of many clients.
    trusted: tuple[IPv4Network | IPv6Network, ...] = (ip_network("127.0.0.1"), ip_network("::1"))


class Connection(Protocol):
    """A connection as far as it is counted. `probes_only` marks one of the reserve."""

    group: str
    state: State
    probes_only: bool

    def evict(self) -> None:
        """Close at once."""
        ...

    def enforce_timeouts(self, now: float) -> None:
        """Close what has used up its time."""
        ...


def group_of(address: str, trusted: Iterable[IPv4Network | IPv6Network]) -> str:
    """Whom a connection is counted for: an address, or the /64 of an IPv6 one; empty for a proxy."""
    host = address.partition("%")[0]
    try:
        parsed: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return host
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if any(parsed in network for network in trusted):
        return ""
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return str(parsed)


class Connections:
    """All connections of the server. Where there is no room for a new one, the one that has been idle for
    longest is closed; where none is idle, the new one may still ask for the probes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.refused = 0
        self.evicted = 0
        self._by_state: dict[State, dict[Connection, None]] = {state: {} for state in State}
        self._in_group: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(len(those) for those in self._by_state.values())

    def enter(self, connection: Connection) -> bool:
        """Count a new connection; False where there is no room for it at all."""
        limits, group = self.limits, connection.group
        crowded = group and self._in_group[group] >= limits.per_address
        if crowded and not self._evict_any(group):
            self.refused += 1
            return False
        if len(self) >= limits.connections:
            self._evict_any("")
        if len(self) >= limits.connections + limits.reserve:
            self.refused += 1
            return False
        connection.probes_only = len(self) >= limits.connections
        self._by_state[connection.state][connection] = None
        self._in_group[group] += 1
        return True

    def _evict_any(self, group: str) -> bool:
        """Close an idle connection, of a group or of any."""
        for state in (State.NEW, State.KEPT, State.READING):
            for connection in self._by_state[state]:
                if not group or connection.group == group:
                    self.evicted += 1
                    self.leave(connection)
                    connection.evict()
                    return True
        return False

    def move(self, connection: Connection, state: State) -> None:
        """A connection has another state; it is then the youngest of those."""
        if connection in self._by_state[connection.state]:
            del self._by_state[connection.state][connection]
            self._by_state[state][connection] = None
        connection.state = state

    def leave(self, connection: Connection) -> None:
        if connection not in self._by_state[connection.state]:
            return
        del self._by_state[connection.state][connection]
        self._in_group[connection.group] -= 1
        if self._in_group[connection.group] <= 0:
            del self._in_group[connection.group]

    def enforce_timeouts(self, now: float) -> None:
        """Let every connection look at its time."""
        for those in self._by_state.values():
            for connection in list(those):
                connection.enforce_timeouts(now)
