"""Calls about a device at the node that serves it, over both buses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from veldnet.cluster import owner_calls
from veldnet.cluster.owner_calls import SUBJECT, Call, OwnerCalls
from veldnet.network.shell import UnknownDevice
from veldnet.store import NotServed, StoreError, Unanswered

from .conftest import MakeBus, until


class Partitions:
    """One partition."""

    def __init__(self, node: str, owner: str | None) -> None:
        self.node = node
        self.owns = owner
        self._listeners: list[Callable[[], None]] = []

    def owner(self, _partition: int) -> str | None:
        return self.owns

    def mine(self, _partition: int) -> bool:
        return self.owns == self.node

    def node_changed(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def change(self, owner: str | None) -> None:
        self.owns = owner
        for listener in self._listeners:
            listener()


class Node:
    def __init__(self, make_bus: MakeBus, name: str, owner: str | None) -> None:
        self.bus = make_bus(name)
        self.partitions = Partitions(name, owner)
        self.calls = OwnerCalls(self.bus, self.partitions)
        self.served: list[int] = []
        self.calls.offer("double", Call(tuple[int], int, self.double))

    async def double(self, number: int) -> int:
        if number == 1:
            raise UnknownDevice("no device has ref 1")
        if number == 2:
            raise StoreError("disk full")
        if number == 3:
            await asyncio.Event().wait()
        self.served.append(number)
        return 2 * number

    async def ask(self, number: int) -> int:
        answer: int = await self.calls.ask(0, "double", number)
        return answer


async def two(make_bus: MakeBus, owner: str | None = "b") -> tuple[Node, Node]:
    nodes = Node(make_bus, "a", owner), Node(make_bus, "b", owner)
    for node in nodes:
        await node.bus.start()
    return nodes


async def test_owner_does_it_whoever_was_asked(make_bus: MakeBus) -> None:
    a, b = await two(make_bus)
    assert (await a.ask(10), await b.ask(20)) == (20, 40)
    assert (a.served, b.served) == ([], [10, 20])
    assert b.bus.counts.received.total() == 1, "what is here needs no message"


async def test_errors_of_the_owner_are_those_of_the_call(make_bus: MakeBus) -> None:
    a, _b = await two(make_bus)
    with pytest.raises(UnknownDevice, match="no device has ref 1"):
        await a.ask(1)
    with pytest.raises(StoreError, match="disk full"):
        await a.ask(2)


async def test_call_waits_for_an_owner_and_follows_one_that_has_changed(make_bus: MakeBus) -> None:
    a, b = await two(make_bus, owner=None)
    waiting = asyncio.create_task(a.ask(10))
    await asyncio.sleep(0.02)
    a.partitions.change("b")
    await asyncio.sleep(0.05)
    assert not waiting.done(), "node b does not serve it yet"
    b.partitions.change("b")
    a.partitions.change("b")
    assert await waiting == 20
    # Node b has given it to node a, which hears of that a little later.
    b.partitions.change("a")
    waiting = asyncio.create_task(a.ask(30))
    await asyncio.sleep(0.05)
    a.partitions.change("a")
    assert await waiting == 60
    assert (a.served, b.served) == ([30], [10])


async def test_nobody_who_serves_it_is_said(make_bus: MakeBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner_calls, "OWNER_WITHIN", 0.05)
    monkeypatch.setattr(owner_calls, "ANSWER_WITHIN", 0.05)
    a, b = await two(make_bus, owner=None)
    with pytest.raises(NotServed, match="no node serves the device just now"):
        await a.ask(10)
    a.partitions.change("b")
    with pytest.raises(NotServed):
        await a.ask(10)
    b.partitions.change("b")
    with pytest.raises(Unanswered, match="node b did not answer"):
        await a.ask(3)
    await b.bus.stop()
    with pytest.raises(NotServed, match="node b is not there"):
        await a.ask(10)
    assert b.served == []


async def test_call_goes_to_the_next_owner_where_one_is_gone(make_bus: MakeBus) -> None:
    a, b = await two(make_bus)
    # It has got this one, and may have done it.
    asked = asyncio.create_task(a.ask(3))
    await until(lambda: b.bus.counts.received.total() == 1)
    await b.bus.stop()
    a.calls.forget_node("b")
    with pytest.raises(Unanswered, match="node b is gone, and has not answered"):
        await asked
    # This one has not reached it.
    waiting = asyncio.create_task(a.ask(10))
    await until(lambda: a.bus.counts.sent[SUBJECT] == 2)
    a.partitions.change("a")
    assert await waiting == 20
    assert (a.served, b.served) == ([10], [])
