"""Takes join orders to the vaults, many at a time, and brings their answers back. Each vault has a queue of
its own: a slow one holds up nobody else's joins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from veldnet.domain.joins import JoinKeys, JoinRefusal
from veldnet.keys import Vault, VaultError
from veldnet.network.core.events import AskVault, VaultAnswered

from .admission import PORTION
from .entries import Entry
from .join_queue import JoinQueue, Waiting
from .runtime import Runtime

_BATCH = 32
# Two batches: one with the module, one on its way there or back.
_UNDER_WAY = 2
# From the end of a join-request to the last moment at which a base station can still be told to answer in
# RX2, six seconds after it (RP002 §2.3: JOIN_ACCEPT_DELAY2).
_LAST_CHANCE = 5.7
# A device with a session younger than that is not cut off.
_JUST_JOINED = 60.0

Order = tuple[Entry, AskVault]


class _VaultQueue:
    """The queue of a vault, and what of it the vault is at work on."""

    def __init__(self) -> None:
        self.queue: JoinQueue[Order] = JoinQueue()
        self.tasks: set[asyncio.Task[None]] = set()


class VaultOrders:
    """`answered(entry, event)` hears the vault's answer to each order, unless the device was removed."""

    def __init__(
        self, vault: Vault, runtime: Runtime, answered: Callable[[Entry, VaultAnswered], None]
    ) -> None:
        self._supervisor = runtime.supervisor
        self._vault = vault
        self._counters = runtime.counters
        self._clock = runtime.clock
        self._answered = answered
        self._queues: dict[str, _VaultQueue] = {}

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        return {task for vault in self._queues.values() for task in vault.tasks}

    @property
    def waiting(self) -> int:
        """Orders that wait for their vault."""
        return sum(len(vault.queue) for vault in self._queues.values())

    def ask(self, entry: Entry, effect: AskVault) -> None:
        entry.pending += 1
        vault = self._queues.setdefault(effect.order.vault, _VaultQueue())
        row = entry.device.row
        waiting = Waiting(
            (entry, effect),
            row.ref,
            row.subscriber_ref,
            effect.join.received.received_at + _LAST_CHANCE,
            _cut_off(entry, self._clock()),
        )
        if not vault.queue.put(waiting):
            self._refuse([waiting], "too many joins wait for the vault")
        elif len(vault.tasks) < _UNDER_WAY:
            task = self._supervisor.start("joins", self._serve(vault))
            vault.tasks.add(task)
            task.add_done_callback(vault.tasks.discard)

    def _refuse(self, orders: Sequence[Waiting[Order]], words: str) -> None:
        self._counters.joins_too_late += len(orders)
        for waiting in orders:
            self._answer(*waiting.order, JoinRefusal("vault_busy", words))

    def _answer(self, entry: Entry, effect: AskVault, answer: JoinKeys | JoinRefusal) -> None:
        entry.pending -= 1
        if not entry.removed:
            event = VaultAnswered(effect.join, effect.order, answer)
            self._supervisor.guard("joins", self._answered, entry, event)

    async def _serve(self, vault: _VaultQueue) -> None:
        # Orders of the same turn of the loop go together.
        await asyncio.sleep(0)
        while len(vault.queue):
            taken, late = vault.queue.take(_BATCH, self._clock())
            self._refuse(late, f"the vault had no time for the request within {_LAST_CHANCE:g} s")
            if not taken:
                continue
            orders = [waiting.order[1].order for waiting in taken]
            answers: Sequence[JoinKeys | JoinRefusal]
            try:
                answers = await self._vault.join(orders)
            except VaultError as error:
                answers = [JoinRefusal(error.code, str(error))] * len(orders)
            except Exception as error:
                # A defect of the vault's client costs the joins under way, not those that wait.
                self._supervisor.caught("joins", error)
                answers = [JoinRefusal("vault_failed", "the vault could not be asked")] * len(orders)
            for number, (waiting, answer) in enumerate(zip(taken, answers, strict=True), 1):
                self._answer(*waiting.order, answer)
                # Let frames through.
                if number % PORTION == 0 or number == len(taken):
                    await asyncio.sleep(0)


def _cut_off(entry: Entry, now: float) -> bool:
    """Whether the device has no session, or one so old that it must have lost it."""
    sessions = entry.state.sessions
    return not sessions or now - sessions[0].opened_at > _JUST_JOINED
