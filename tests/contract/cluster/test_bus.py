"""What every bus does."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest

from veldnet.cluster import Bus, NodeAway, RequestRefused

from .conftest import MakeBus, until


class Got(NamedTuple):
    at: str
    node: str
    payload: bytes


async def three(make_bus: MakeBus, got: list[Got]) -> list[Bus]:
    buses = [make_bus(name) for name in ("a", "b", "c")]

    def listen(bus: Bus) -> None:
        bus.on("word", lambda node, payload: got.append(Got(bus.node, node, payload)))

    for bus in buses:
        listen(bus)
    for bus in buses:
        await bus.start()
    return buses


async def test_messages_reach_the_node_they_are_for_in_order(make_bus: MakeBus) -> None:
    got: list[Got] = []
    a, _b, _c = await three(make_bus, got)
    for number in range(500):
        a.send("b", "word", b"%d" % number)
    await until(lambda: len(got) >= 500)
    assert got == [Got("b", "a", b"%d" % number) for number in range(500)]
    assert a.counts.sent["word"] == 500 and not a.counts.dropped


async def test_announcements_reach_all_others_but_not_their_sender(make_bus: MakeBus) -> None:
    got: list[Got] = []
    a, b, _c = await three(make_bus, got)
    a.announce("word", b"\x00\xff")
    b.announce("word", b"")
    await until(lambda: len(got) >= 4)
    assert sorted(got) == [
        Got("a", "b", b""),
        Got("b", "a", b"\x00\xff"),
        Got("c", "a", b"\x00\xff"),
        Got("c", "b", b""),
    ]


async def test_message_to_a_node_that_is_not_there_comes_back(make_bus: MakeBus) -> None:
    got: list[Got] = []
    back: list[Got] = []
    a, b, _c = await three(make_bus, got)
    a.on_return("word", lambda node, payload: back.append(Got("a", node, payload)))
    a.send("b", "word", b"1")
    a.send("nobody", "word", b"2")
    a.send("nobody", "other", b"3")
    await until(lambda: bool(got) and bool(back))
    await b.stop()
    a.send("b", "word", b"4")
    a.send("c", "word", b"5")
    await until(lambda: len(got) == 2 and len(back) == 2)
    assert got == [Got("b", "a", b"1"), Got("c", "a", b"5")]
    assert back == [Got("a", "nobody", b"2"), Got("a", "b", b"4")]
    assert a.counts.returned["word"] == 2 and not a.counts.dropped


async def test_message_nobody_handles_and_failing_handler_end_nothing(make_bus: MakeBus) -> None:
    got: list[Got] = []
    a, b, _c = await three(make_bus, got)

    def fails(_node: str, _payload: bytes) -> None:
        raise LookupError("a defect")

    b.on("bad", fails)
    a.send("b", "unheard_of", b"1")
    a.send("b", "bad", b"2")
    a.send("nobody", "word", b"3")
    a.send("b", "word", b"4")
    await until(lambda: bool(got))
    assert got == [Got("b", "a", b"4")]
    assert b.counts.received["unheard_of"] == 1


async def test_requests_are_answered_side_by_side(make_bus: MakeBus) -> None:
    a, b = make_bus("a"), make_bus("b")
    open_door = asyncio.Event()

    async def answer(node: str, payload: bytes) -> bytes:
        if payload == b"slow":
            await open_door.wait()
        return node.encode() + b" " + payload

    b.answer("ask", answer)
    await a.start()
    await b.start()
    slow = asyncio.create_task(a.request("b", "ask", b"slow", 5))
    assert await a.request("b", "ask", b"quick", 5) == b"a quick"
    assert not slow.done()
    open_door.set()
    assert await slow == b"a slow"


async def test_refused_request_says_why_and_a_defect_only_its_kind(make_bus: MakeBus) -> None:
    a, b = make_bus("a"), make_bus("b")

    async def answer(_node: str, payload: bytes) -> bytes:
        if payload == b"defect":
            raise LookupError("secret")
        raise RequestRefused("not now")

    b.answer("ask", answer)
    await a.start()
    await b.start()
    with pytest.raises(RequestRefused, match="not now"):
        await a.request("b", "ask", b"", 5)
    with pytest.raises(RequestRefused, match=r"^LookupError$"):
        await a.request("b", "ask", b"defect", 5)
    with pytest.raises(RequestRefused, match="answers no requests of other"):
        await a.request("b", "other", b"", 5)


async def test_request_to_a_node_that_is_away_or_silent_ends(make_bus: MakeBus) -> None:
    a, b = make_bus("a"), make_bus("b")

    async def never(_node: str, _payload: bytes) -> bytes:
        await asyncio.Event().wait()
        return b""

    b.answer("ask", never)
    await a.start()
    with pytest.raises(NodeAway, match="node b is not there"):
        await a.request("b", "ask", b"", 5)
    await b.start()
    with pytest.raises(NodeAway, match=r"node b did not answer within 0\.05 s"):
        await a.request("b", "ask", b"", 0.05)
    await b.stop()
    with pytest.raises(NodeAway, match="node b is not there"):
        await a.request("b", "ask", b"", 5)


async def test_node_that_left_receives_nothing(make_bus: MakeBus) -> None:
    got: list[Got] = []
    a, b, _c = await three(make_bus, got)
    await b.stop()
    a.announce("word", b"1")
    await until(lambda: bool(got))
    assert got == [Got("c", "a", b"1")]
    assert a.problem is None
