"""Takes up again what memory holds of the inventory when it changes there."""

from __future__ import annotations

from collections.abc import Sequence

from veldnet.network.core.events import ContextReset
from veldnet.network.core.outcome import deactivate
from veldnet.store import Store

from .catalogue import Catalogue
from .commit_loop import CommitLoop
from .devices import DeviceTable
from .entries import Entry
from .runtime import Runtime
from .transitions import Transitions


class Invalidation:
    """Calls raise `StoreError` when the store does not answer; they may then be made again."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        catalogue: Catalogue,
        devices: DeviceTable,
        commits: CommitLoop,
        transitions: Transitions,
    ) -> None:
        self._clock = runtime.clock
        self._ids = runtime.ids
        self._store = store
        self._catalogue = catalogue
        self._devices = devices
        self._commits = commits
        self._transitions = transitions

    async def devices_changed(self, refs: Sequence[int]) -> list[Entry]:
        """Devices were created, changed or removed. Returns those of which something is known."""
        entries = await self._devices.refresh(refs)
        deactivated = False
        for entry in entries:
            if entry.state.sessions and not entry.device.assigned:
                context = self._transitions.context(entry, ContextReset(self._ids.next(self._clock())))
                self._transitions.apply(entry, deactivate(context, entry.state))
                deactivated = True
        if deactivated:
            await self._commits.durable()
        return entries

    async def keys_changed(self, ref: int) -> None:
        """Keys of a device were re-wrapped, perhaps of a whole fleet; those in memory have old ones."""
        self._devices.drop_resting(ref)
        if self._devices.by_ref(ref) is not None:
            await self._devices.refresh([ref])

    async def rules_changed(self) -> None:
        """Connectivity plans or device profiles changed."""
        await self._catalogue.load(self._store)
        self._devices.refresh_rules()

    async def routing_changed(self, routing_profile_ref: int) -> None:
        """A routing profile has another AS transport key, perhaps."""
        await self._devices.refresh_routing(routing_profile_ref)
