"""Takes join orders to the vault, many at a time, and brings its answers back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from veldnet.keys import JoinRefusal, Vault, VaultError

from .devices import Entry
from .events import AskVault, VaultAnswered

_BATCH = 64


class VaultOrders:
    """`answered(entry, event)` hears the vault's answer to each order, unless the device was removed."""

    def __init__(self, vault: Vault, answered: Callable[[Entry, VaultAnswered], None]) -> None:
        self._vault = vault
        self._answered = answered
        self._waiting: list[tuple[Entry, AskVault]] = []
        self.task: asyncio.Task[None] | None = None

    def ask(self, entry: Entry, effect: AskVault) -> None:
        self._waiting.append((entry, effect))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                orders = [effect.order for _entry, effect in batch]
                try:
                    answers = await self._vault.join(orders)
                except VaultError as error:
                    answers = [JoinRefusal(error.code, str(error))] * len(orders)
                for (entry, effect), answer in zip(batch, answers, strict=True):
                    if not entry.removed:
                        self._answered(entry, VaultAnswered(effect.join, effect.order, answer))
                # Let frames through between batches.
                await asyncio.sleep(0)
        finally:
            self.task = None
