"""Addresses of a base station's keep-alives; two active ones are two base stations with one EUI.

Images are cloned with their EUI. A forwarder behind NAT may come from a new port, but then it does not come
from the old one again; where addresses take turns, both are alive.
"""

from __future__ import annotations

from collections import deque

Address = tuple[str, int]

# So many times an address must have come back, within so many seconds, for two to be alive.
RETURNS, WITHIN = 3, 300.0
# An address not heard for so many seconds is not alive.
ALIVE = 120.0
_MOST = 8


class Addresses:
    """The addresses of one base station lately. Times in seconds."""

    __slots__ = ("_heard", "_last", "_met", "_returns")

    def __init__(self) -> None:
        self._heard: dict[Address, float] = {}
        self._last: Address | None = None
        # The last two that were proven to be alive at once, and when.
        self._met: tuple[list[Address], float] = [], 0.0
        self._returns: deque[float] = deque(maxlen=RETURNS)

    def keep_alive(self, address: Address, now: float) -> None:
        if address != self._last:
            before = self._heard.pop(address, None)
            if before is not None and now - before <= ALIVE:
                self._returns.append(now)
            self._last = address
            if len(self._heard) >= _MOST:
                del self._heard[next(iter(self._heard))]
        self._heard[address] = now

    def met(self, one: Address, other: Address, now: float) -> None:
        """Connections of one host were alive at once, by these ports: there is a NAT before two of them."""
        self._met = sorted((one, other)), now
        self._returns.append(now)

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds: what is kept is as long ago as it was."""
        self._heard = {address: at + by for address, at in self._heard.items()}
        self._returns = deque((at + by for at in self._returns), maxlen=RETURNS)
        met, at = self._met
        self._met = met, at + by

    def in_turn(self, now: float) -> list[Address]:
        """The addresses that are alive at once; none where there is but one."""
        returns = self._returns
        if len(returns) < RETURNS or now - returns[0] > WITHIN:
            return []
        alive = [address for address, at in self._heard.items() if now - at <= ALIVE]
        if len(alive) > 1:
            return sorted(alive)
        met, at = self._met
        return met if now - at <= ALIVE else []
