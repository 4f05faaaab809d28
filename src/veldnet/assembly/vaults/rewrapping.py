"""Re-wraps all keys in the background when there is a new master key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.inventory.keys import wrapped_keys
from veldnet.keys import VaultError
from veldnet.store import StoreError
from veldnet.supervision import Supervisor

log = structlog.get_logger(__name__)

# Few at a time, and time between, so that joins do not wait for it.
_BATCH, _PAUSE = 16, 0.02
_TRY_AGAIN = 30.0


class KeyCare:
    """Re-wraps keys in the background. Runs at every start, because a previous process may have been
    interrupted. Of several nodes the one that `leads` does it."""

    def __init__(
        self, data: DataDirectory, supervisor: Supervisor, leads: Callable[[], bool] = lambda: True
    ) -> None:
        self._data = data
        self._leads = leads
        self._supervisor = supervisor
        self._task: asyncio.Task[None] | None = None
        # Keys re-wrapped since the start.
        self.resealed = 0

    def start(self) -> None:
        self._task = self._supervisor.keep("key re-wrapping", self._reseal)

    async def master_keys_changed(self) -> None:
        """Somebody has made or destroyed a master key."""
        await self._data.verify_checks()
        await self.stop()
        self.start()

    async def _reseal(self) -> None:
        waiting = set(self._data.vault.names)
        while waiting:
            for name in sorted(waiting):
                try:
                    if await self._reseal_vault(name):
                        waiting.discard(name)
                except (VaultError, StoreError) as error:
                    log.warning("reseal_interrupted", vault=name, error=str(error))
            if waiting:
                await asyncio.sleep(_TRY_AGAIN)

    async def _reseal_vault(self, name: str) -> bool:
        """Whether it is done, by this node or another."""
        vault, store = self._data.vault.of(name), self._data.store
        header = await vault.refresh()
        if await self._data.sealed_under(name) == header:
            # A scan of a million devices at each start would find nothing new.
            return True
        if not self._leads():
            return False
        before = self.resealed

        def count(done: int) -> None:
            self.resealed = before + done

        done, failed = await wrapped_keys.reseal_all(
            store, vault, name, header, count, wrapped_keys.Pace(_BATCH, _PAUSE)
        )
        if failed:
            log.error("keys_not_decryptable", vault=name, keys=failed)
        else:
            await self._data.note_sealed_under(name, header)
        if done:
            log.info("keys_rewrapped", vault=name, keys=done)
        return True

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
