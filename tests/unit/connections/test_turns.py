"""Turns of the messages of a connection."""

from __future__ import annotations

import asyncio

import pytest

from veldnet.connections.turns import Turns


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Messages:
    """Messages whose answers are given by the test."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.under_way: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[bool]] = {}

    async def send(self, *numbers: int) -> set[int]:
        for number in numbers:
            self.tasks[number] = asyncio.create_task(self._one(number))
        await _settled()
        return set(self.under_way)

    async def _one(self, number: int) -> bool:
        async with self.turns.turn(number) as turn:
            self.under_way[number] = asyncio.Event()
            try:
                await self.under_way[number].wait()
            finally:
                del self.under_way[number]
            return turn.alone

    async def answer(self, number: int) -> set[int]:
        self.under_way[number].set()
        await _settled()
        return set(self.under_way)


async def test_messages_go_side_by_side_but_for_suspects() -> None:
    messages = Messages()
    assert await messages.send(1, 2) == {1, 2}
    messages.turns.turn(3).failed()
    # The suspect waits for those before it, and those behind it wait for the suspect.
    assert await messages.send(3, 4, 5) == {1, 2}
    assert await messages.answer(1) == {2}
    assert await messages.answer(2) == {3}
    assert await messages.answer(3) == {4, 5}
    messages.turns.turn(3).answered()
    assert await messages.send(3) == {3, 4, 5}
    for number in (3, 4, 5):
        await messages.answer(number)


async def test_who_waits_for_a_turn_may_leave() -> None:
    messages = Messages()
    messages.turns.turn(2).failed()
    messages.turns.turn(3).failed()
    assert await messages.send(1, 2, 3, 4) == {1}
    for number in (2, 3):
        messages.tasks[number].cancel()
        with pytest.raises(asyncio.CancelledError):
            await messages.tasks[number]
    await _settled()
    assert set(messages.under_way) == {1, 4}
    messages.tasks[4].cancel()
    await messages.answer(1)
    assert await messages.send(2) == {2}
    await messages.answer(2)
    assert await messages.tasks[2]


async def test_the_oldest_suspects_are_forgotten() -> None:
    turns = Turns()
    for number in range(1001):
        turns.turn(number).failed()
    async with turns.turn(0) as first:
        assert not first.alone
    async with turns.turn(1) as second:
        assert second.alone
