"""Whether commits fail, found out also where nothing is sent any more."""

from __future__ import annotations

import asyncio

import structlog

from veldnet.store import Store, StoreError
from veldnet.supervision import Supervisor

log = structlog.get_logger(__name__)

# Seconds between a failure and the first probe, doubling up to the longest.
_FIRST, _LONGEST = 0.25, 4.0


class WriteProbe:
    """After a commit that failed the store is asked to write something of its own, now and then, until it
    does: a load balancer sends nothing to a server that is not ready, and the lease of a node is renewed
    within a row, for which a full disk has room."""

    def __init__(self, supervisor: Supervisor, store: Store) -> None:
        # Whether a commit could not be made, and no probe has succeeded since. A commit that is made says
        # less: the next one may need more room.
        self.failing = False
        self._supervisor = supervisor
        self._store = store
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def failed(self) -> None:
        """A commit could not be made."""
        self.failing = True
        self._failures += 1
        if self._task is None:
            self._task = self._supervisor.start("write probe", self._run())

    async def _run(self) -> None:
        wait = _FIRST
        try:
            while self.failing:
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST)
                before = self._failures
                # A commit may fail meanwhile.
                if await self._writes() and before == self._failures:
                    self.failing = False
                    log.info("store_writable_again")
        finally:
            self._task = None

    async def _writes(self) -> bool:
        try:
            await self._store.probe()
        except StoreError:
            return False
        return True
