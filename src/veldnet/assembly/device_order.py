"""Keeps devices in the order of their last uplinks and error rates."""

from __future__ import annotations

from collections.abc import Callable

from veldnet.monitoring.device_order import order_devices
from veldnet.store import Store

# The chore takes at most one part in so many of the time: a million devices are put in order every 15 to 40
# minutes, a few thousand each time it comes round.
_SHARE = 100


class DeviceOrderKeeper:
    """`clock` is Unix seconds."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        # When to go through the devices again.
        self._again_at = 0.0

    async def order_in_turn(self) -> None:
        """Put the devices in order where it is time: the more there are, the less often."""
        if self._clock() >= self._again_at:
            busy = await order_devices(self._store, self._clock)
            self._again_at = self._clock() + _SHARE * busy

    async def order(self) -> None:
        await order_devices(self._store, self._clock)
