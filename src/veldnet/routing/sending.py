"""The addresses of a route: one after the other or all of them, each by the transport of its scheme."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from veldnet.connections import address_refused
from veldnet.outgoing import masked
from veldnet.texts import Text

from .ledger import addresses_of
from .transports import TRANSPORTS, Attempt, Outcome, Transports, TransportSettings

# Seconds after which the first address of a SEQUENTIAL route is tried again.
_REMEMBERED = 300.0


class _Preferred(msgspec.Struct, frozen=True):
    """The address of a SEQUENTIAL route that answered when those before it did not."""

    address: str
    until: float


class RouteSender:
    """Sends messages over routes. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        settings: TransportSettings,
        *,
        clock: Callable[[], float],
        transports: Transports = TRANSPORTS,
    ) -> None:
        self._clock = clock
        # A transport of several schemes is one.
        made = {make: make(settings) for make in set(transports.values())}
        self._transports = {scheme: made[make] for scheme, make in transports.items()}
        self._preferred: dict[tuple[int, int], _Preferred] = {}

    async def send(self, attempt: Attempt) -> Outcome:
        """Deliver a message as its route says."""
        message, route = attempt.message, attempt.route
        addresses = addresses_of(message, route)
        if not addresses:
            return Outcome(
                False,
                "Error",
                Text("the address was removed from the route"),
                masked(message.addresses[message.position or 0]),
                refusal="never",
                reason="noRoute",
            )
        if len(addresses) == 1:
            return await self._deliver(addresses[0], attempt)
        if route.blast:
            return await self._to_all(addresses, attempt)
        return await self._to_first(addresses, attempt)

    async def _to_first(self, addresses: tuple[str, ...], attempt: Attempt) -> Outcome:
        """The addresses one after the other until one accepts the message, that which did last first."""
        key = attempt.profile.ref, attempt.route.index
        preferred = self._preferred.get(key)
        order = addresses
        if preferred is not None and preferred.until > self._clock() and preferred.address in addresses:
            order = (preferred.address, *(other for other in addresses if other != preferred.address))
        failed = []
        for address in order:
            outcome = await self._deliver(address, attempt)
            if not outcome.delivered:
                failed.append(outcome)
                continue
            if failed and address != addresses[0]:
                self._preferred[key] = _Preferred(address, self._clock() + _REMEMBERED)
            elif failed:
                self._preferred.pop(key, None)
            return outcome
        # Not final, if one of the servers may still accept it.
        return next((outcome for outcome in failed if outcome.refusal != "never"), failed[0])

    async def _to_all(self, addresses: tuple[str, ...], attempt: Attempt) -> Outcome:
        """A message made while the route was SEQUENTIAL, or before each address had its own: one address is
        enough."""
        outcomes = [await self._deliver(address, attempt) for address in addresses]
        return next((outcome for outcome in outcomes if outcome.delivered), outcomes[-1])

    async def try_out(self, attempt: Attempt) -> list[Outcome]:
        """Send a message to every address of a route, whatever its strategy, and keep what each answers."""
        return [
            await self._deliver(address, attempt, keep_answer=True) for address in attempt.route.addresses
        ]

    async def _deliver(self, address: str, attempt: Attempt, *, keep_answer: bool = False) -> Outcome:
        scheme = address.partition(":")[0].lower()
        transport = self._transports.get(scheme)
        if transport is None:
            known = ", ".join(self._transports)
            return address_refused(
                Text("the address does not begin with a scheme that is served ({known})", known=known),
                masked(address),
            )
        return await transport.deliver(address, attempt, keep_answer=keep_answer)

    async def close(self) -> None:
        for transport in set(self._transports.values()):
            await transport.close()
