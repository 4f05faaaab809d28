"""Orders on their way to the vaults: a slow one holds up nobody else's, and what is too late is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from tests.unit.network.builders import runtime
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.keys import Vault, VaultError
from veldnet.network.core.events import AskVault, VaultAnswered
from veldnet.network.shell.entries import Entry
from veldnet.network.shell.join_queue import CROWDED
from veldnet.network.shell.vault_orders import VaultOrders


class SlowVault:
    """Answers when it is let; the vault "broken" cannot."""

    def __init__(self) -> None:
        self.open = {"slow": asyncio.Event(), "quick": asyncio.Event()}
        self.open["quick"].set()
        self.batches: list[list[str]] = []

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        self.batches.append([cast("Any", order).name for order in orders])
        if orders[0].vault == "broken":
            raise VaultError("module_failed", "it is gone")
        if orders[0].vault == "defective":
            raise KeyError("a defect")
        await self.open[orders[0].vault].wait()
        return [JoinRefusal("served", "") for _ in orders]


class Thing:
    """Any object with these attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Stage:
    def __init__(self) -> None:
        self.now = 100.0
        self.vault = SlowVault()
        working = runtime(lambda: self.now)
        self.counters = working.counters
        self.answers: dict[str, str] = {}
        self.orders = VaultOrders(cast("Vault", self.vault), working, self._answered)

    def _answered(self, _entry: Entry, event: VaultAnswered) -> None:
        answer = event.answer
        assert isinstance(answer, JoinRefusal)
        self.answers[cast("Any", event.order).name] = answer.code

    def ask(
        self, name: str, vault: str, *, device: int, customer: int = 1, received_at: float = 100.0
    ) -> None:
        entry = Thing(
            device=Thing(row=Thing(ref=device, subscriber_ref=customer)),
            state=Thing(sessions=()),
            removed=False,
            pending=0,
        )
        join = Thing(received=Thing(received_at=received_at))
        effect = AskVault(cast("Any", join), cast("Any", Thing(vault=vault, name=name)))
        self.orders.ask(cast("Any", entry), effect)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


async def test_a_slow_vault_holds_up_no_other() -> None:
    stage = Stage()
    for number in range(100):
        stage.ask(f"slow-{number}", "slow", device=number)
    stage.ask("quick", "quick", device=1000)
    stage.ask("broken", "broken", device=1001)
    await stage.settle()
    assert stage.answers == {"quick": "served", "broken": "module_failed"}
    assert stage.orders.waiting > 0
    stage.vault.open["slow"].set()
    await stage.settle()
    assert len(stage.answers) == 102 and stage.orders.waiting == 0 and not stage.orders.tasks


async def test_orders_that_are_too_late_are_refused_without_the_vault() -> None:
    stage = Stage()
    for number in range(200):
        stage.ask(str(number), "slow", device=number)
    await stage.settle()
    begun = {name for batch in stage.vault.batches for name in batch}
    stage.now += 6.0
    stage.vault.open["slow"].set()
    await stage.settle()
    late = {name for name, code in stage.answers.items() if code == "vault_busy"}
    assert late == {str(number) for number in range(200)} - begun and late
    assert {name for batch in stage.vault.batches for name in batch} == begun
    assert stage.counters.joins_too_late == len(late)


async def test_a_storm_of_one_customer_leaves_room_for_another() -> None:
    stage = Stage()
    for number in range(1000):
        stage.ask(f"storm-{number}", "slow", device=number, customer=1)
    await stage.settle()
    stage.ask("quiet", "slow", device=5000, customer=2)
    stage.vault.open["slow"].set()
    await stage.settle()
    position = [name for batch in stage.vault.batches for name in batch].index("quiet")
    # Behind the two batches that were under way, not behind the storm.
    assert position < 3 * 32


async def test_a_device_that_asks_too_often_is_refused_where_many_wait() -> None:
    stage = Stage()
    for number in range(CROWDED - 2):
        stage.ask(f"other-{number}", "slow", device=number)
    for number in range(10):
        stage.ask(str(number), "slow", device=5000)
    assert list(stage.answers.values()) == ["vault_busy"] * 6


async def test_b2_a_defect_costs_the_joins_under_way_and_no_others() -> None:
    stage = Stage()
    stage.ask("first", "defective", device=1)
    for _turn in range(5):
        await asyncio.sleep(0)
    stage.ask("second", "defective", device=2)
    stage.ask("third", "quick", device=3)
    for _turn in range(10):
        await asyncio.sleep(0)
    assert stage.answers == {"first": "vault_failed", "second": "vault_failed", "third": "served"}
