"""How late the event loop is: HTTP must not starve the radio, and this shows whether it does."""

from __future__ import annotations

import asyncio

from veldnet.assembly.virtual_world import VirtualWorld

_EVERY = 0.5


class LoopLag:
    """`seconds` is how much later than asked for the event loop came back last."""

    def __init__(self, virtual: VirtualWorld | None) -> None:
        self.seconds = 0.0
        self._virtual = virtual

    async def measure(self) -> None:
        """Measure for as long as the process lives."""
        loop = asyncio.get_running_loop()
        while True:
            if self._virtual is not None:
                await self._virtual.still()
            asked = loop.time() + _EVERY
            await asyncio.sleep(_EVERY)
            self.seconds = max(loop.time() - asked, 0.0)
