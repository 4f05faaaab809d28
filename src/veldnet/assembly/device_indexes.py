"""Keeps what devices are put in order by, what stands within their names, and the blocks of their lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from veldnet.monitoring.device_order import order_devices
from veldnet.store import Store, balance_lists, index_names, unbalanced_lists

# The order takes at most one part in so many of the time: a million devices are put in order every 15 to 40
# minutes, a few thousand each time it comes round.
_SHARE = 100
# Between pieces of names and of lists, so that frames get the writer; a million new ones take half a minute.
_PAUSE = 0.1


class DeviceIndexes:
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

    async def take_names(self) -> None:
        """Take the names of new devices into the index, and divide blocks of lists that have grown."""
        more = True
        while more:
            more = await self._store.write(index_names)
            if more:
                await asyncio.sleep(_PAUSE)
        while await self._store.read(unbalanced_lists):
            await self._store.write(balance_lists)
            await asyncio.sleep(_PAUSE)

    async def refresh(self) -> None:
        """Do both now."""
        await order_devices(self._store, self._clock)
        await self.take_names()
