"""Takes up what the inventory has changed, here or in another process: each kind of change by a table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import structlog

from veldnet.inventory import changes
from veldnet.store import Store
from veldnet.supervision import Supervisor

log = structlog.get_logger(__name__)

_TASK = "a change of the inventory"
# So many are taken up at once: a frame waits for them at most a few milliseconds.
_TOGETHER = 100


class ChangeApplier:
    """`table` says what to do about a kind of change, which is called with the ref that it concerns; `many`
    the same of kinds that are taken up several at once. What it raises is reported, and the change is tried
    again in the next round."""

    def __init__(
        self,
        store: Store,
        supervisor: Supervisor,
        table: Mapping[str, Callable[[int], Awaitable[None]]],
        many: Mapping[str, Callable[[Sequence[int]], Awaitable[None]]],
    ) -> None:
        self._store = store
        self._supervisor = supervisor
        self._table = table
        self._many = many
        self._read = changes.Position()
        self._applying = asyncio.Lock()
        # How often somebody has asked, and how many of them what was read last is for.
        self._asked = self._answered = 0
        # Changes that could not be taken up yet, oldest first.
        self._unapplied: list[changes.Change] = []

    async def begin(self) -> None:
        """Start from now: what was changed before is loaded."""
        self._read = await self._store.read(changes.position)

    async def apply(self) -> None:
        """Take up what is new. Those who ask while others are served are served together. Raises
        `StoreError`."""
        self._asked += 1
        number = self._asked
        async with self._applying:
            if self._answered >= number:
                return
            asked = self._asked
            again, self._unapplied = self._unapplied, []
            for change in again:
                await self._try(change)
            more = True
            while more:
                # Who writes a change asks for it to be taken up: what comes meanwhile is theirs.
                pending, behind, more = await self._store.read(lambda c: changes.since(c, self._read))
                for kind, alike in groupby(pending, attrgetter("kind")):
                    await self._take_up(kind, list(alike))
                self._read = behind
            self._answered = asked
            if not self._unapplied:
                self._supervisor.recovered(_TASK)

    async def _take_up(self, kind: str, alike: Sequence[changes.Change]) -> None:
        together = self._many.get(kind)
        if together is None:
            for change in alike:
                await self._try(change)
            return
        refs = list(dict.fromkeys(change.ref for change in alike))
        for start in range(0, len(refs), _TOGETHER):
            some = refs[start : start + _TOGETHER]
            try:
                await together(some)
            except Exception as error:
                # One of them, perhaps: each for itself.
                log.warning("changes_one_by_one", kind=kind, count=len(some), error=repr(error))
                for change in {each.ref: each for each in alike if each.ref in some}.values():
                    await self._try(change)

    async def _try(self, change: changes.Change) -> None:
        """Apply a change, or keep it for the next round: one that fails must not hold up the others. A kind
        that is not in the table is of a newer version of this program."""
        take_up, together = self._table.get(change.kind), self._many.get(change.kind)
        try:
            if together is not None:
                await together([change.ref])
            elif take_up is not None:
                await take_up(change.ref)
        except Exception as error:
            self._supervisor.failed(_TASK, error)
            self._unapplied.append(change)
