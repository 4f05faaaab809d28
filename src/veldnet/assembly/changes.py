"""Takes up what the inventory has changed, here or in another process: each kind of change by a table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from veldnet.inventory import changes
from veldnet.store import Store
from veldnet.supervision import Supervisor

_TASK = "a change of the inventory"


class ChangeApplier:
    """`table` says what to do about a kind of change, which is called with the ref that it concerns. What it
    raises is reported, and the change is tried again in the next round."""

    def __init__(
        self,
        store: Store,
        supervisor: Supervisor,
        table: Mapping[str, Callable[[int], Awaitable[None]]],
    ) -> None:
        self._store = store
        self._supervisor = supervisor
        self._table = table
        self._read = changes.Position()
        self._applying = asyncio.Lock()
        # Changes that could not be taken up yet, oldest first.
        self._unapplied: list[changes.Change] = []

    async def begin(self) -> None:
        """Start from now: what was changed before is loaded."""
        self._read = await self._store.read(changes.position)

    async def apply(self) -> None:
        """Take up what is new. Raises `StoreError`."""
        async with self._applying:
            again, self._unapplied = self._unapplied, []
            for change in again:
                await self._try(change)
            while True:
                pending, behind = await self._store.read(lambda c: changes.since(c, self._read))
                for change in pending:
                    await self._try(change)
                self._read = behind
                if not pending:
                    break
            if not self._unapplied:
                self._supervisor.recovered(_TASK)

    async def _try(self, change: changes.Change) -> None:
        """Apply a change, or keep it for the next round: one that fails must not hold up the others. A kind
        that is not in the table is of a newer version of this program."""
        take_up = self._table.get(change.kind)
        if take_up is None:
            return
        try:
            await take_up(change.ref)
        except Exception as error:
            self._supervisor.failed(_TASK, error)
            self._unapplied.append(change)
