"""The partitions that this process serves, and how they come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from veldnet.network.core.addressing import AddressSpace
from veldnet.store import StoreError

if TYPE_CHECKING:
    from .admission import Admission
    from .commit_loop import CommitLoop
    from .devices import DeviceTable
    from .due_downlinks import DueDownlinks
    from .effects import Effects
    from .tasks import Tasks

# Seconds for which a partition that is given is worked on, and between two looks whether all is done.
_TIMEOUT, _LOOK_EVERY = 1.5, 0.01
_TASK = "session addresses"


class Owned:
    """Which devices are served here: all where this process is alone."""

    def __init__(self, space: AddressSpace, *, shared: bool) -> None:
        self._space = space
        # As `devices.partition` has them; None for all.
        self.stored: frozenset[int] | None = frozenset() if shared else None
        self._partitions: frozenset[int] = frozenset()

    def __contains__(self, stored: int) -> bool:
        """Whether devices are served that have this in `devices.partition`."""
        return self.stored is None or stored in self.stored

    def add(self, partitions: Iterable[int]) -> None:
        self._partitions |= frozenset(partitions)
        self.stored = self._space.stored(self._partitions)

    def remove(self, partitions: Iterable[int]) -> None:
        self._partitions -= frozenset(partitions)
        self.stored = self._space.stored(self._partitions)

    def any_of(self, stored: frozenset[int]) -> bool:
        return self.stored is None or bool(stored & self.stored)

    def stored_of(self, partitions: Iterable[int]) -> frozenset[int]:
        return self._space.stored(partitions)


class ServedPartitions:
    """What of the network comes and goes with partitions, at a node among others. In a process that serves
    alone nothing of it is called."""

    def __init__(
        self,
        devices: DeviceTable,
        commits: CommitLoop,
        admission: Admission,
        effects: Effects,
        due: DueDownlinks,
        tasks: Tasks,
    ) -> None:
        self._owned = devices.owned
        self._devices = devices
        self._commits = commits
        self._admission = admission
        self._effects = effects
        self._due = due
        self._addresses = devices.session_addresses
        self._tasks = tasks

    async def take(self, partitions: frozenset[int]) -> None:
        """Serve the devices of partitions, which are loaded when they are heard, or when a downlink waits for
        them."""
        stored = self._owned.stored_of(partitions)
        self._owned.add(partitions)
        self._due.resume(stored)
        self._tasks.spawn(_TASK, self._load_addresses(stored))

    async def _load_addresses(self, stored: frozenset[int]) -> None:
        # Sessions that were opened at other nodes.
        while self._owned.any_of(stored):
            try:
                await self._addresses.load_of(self._devices.store, stored)
                return
            except StoreError:
                await asyncio.sleep(1.0)

    async def give(self, partitions: frozenset[int]) -> None:
        """Finish the frames that were received, and forget the devices. Transmissions under way go on; what
        becomes of them is told to the node that serves the device then. Raises `StoreError` where what was
        received could not be written."""
        stored = self._owned.stored_of(partitions)
        self._admission.close_windows(stored)
        self._effects.answer_now(stored)
        await self._finish(stored)
        self._forget(partitions)
        await self._commits.durable()

    async def _finish(self, stored: frozenset[int]) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + _TIMEOUT
        while loop.time() < until:
            # Frames that were only loaded may have become an answer for later.
            self._effects.answer_now(stored)
            if not self._admission.joins_waiting and not self._devices.busy(stored):
                return
            await asyncio.sleep(_LOOK_EVERY)

    def lose(self, partitions: frozenset[int]) -> None:
        """Forget the devices at once, and all of them that is not being written."""
        self._forget(partitions)
        self._commits.drop_removed()

    def _forget(self, partitions: frozenset[int]) -> None:
        self._owned.remove(partitions)
        self._devices.forget(self._owned.stored_of(partitions))
