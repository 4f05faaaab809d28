"""What is asked of certain nodes, and what comes back."""

from __future__ import annotations

import asyncio

import pytest

from veldnet.cluster import Call, NodeAway, NodeCalls, RequestRefused, Wire
from veldnet.domain.errors import Conflict, NotFound
from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor
from veldnet.texts import in_language

NAMES = ("a", "b", "c")


async def nodes(wire: Wire) -> dict[str, NodeCalls]:
    made = {}
    for name in NAMES:
        bus = wire.bus(name, Supervisor())
        made[name] = NodeCalls(bus, lambda: NAMES)

        async def answer(number: int, name: str = name) -> str:
            if number == 1:
                raise NotFound("shell", "x")
            if number == 2:
                raise Conflict("{most} shells are open, as many as may be; close one", most=7)
            return f"{name}{number}"

        made[name].offer("name", Call(tuple[int], str, answer))
        await bus.start()
    return made


def test_answers_and_refusals_come_back_as_they_are() -> None:
    async def story() -> None:
        a = (await nodes(Wire()))["a"]
        assert await a.ask("b", "name", 5) == "b5"
        assert await a.ask_all("name", 5) == {"b": "b5", "c": "c5"}
        with pytest.raises(NotFound) as missing:
            await a.ask("b", "name", 1)
        assert (missing.value.status, missing.value.message) == (404, "No shell for ref: x")
        with pytest.raises(Conflict) as refused:
            await a.ask("b", "name", 2)
        assert "7" in in_language(refused.value.text, "nl") != str(refused.value.text)

    run_virtually(story())


def test_a_node_that_does_not_answer_is_left_out() -> None:
    async def story() -> None:
        wire = Wire()
        made = await nodes(wire)
        a = made["a"]
        a.offer("else", Call(tuple[()], str, asyncio.sleep))
        wire.hold("c")
        assert await a.ask_all("name", 5) == {"b": "b5"}
        with pytest.raises(NodeAway):
            await a.ask("c", "name", 5)
        with pytest.raises(RequestRefused, match="does not know the call else"):
            await a.ask("b", "else")
        assert await a.ask_all("else") == {}

    run_virtually(story())
