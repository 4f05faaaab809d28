"""Which node has which base station: that all agree, whatever befalls their messages."""

from __future__ import annotations

import asyncio
import random

import pytest

from veldnet.cluster import BadWire, Wire
from veldnet.cluster.stations import StationHolders
from veldnet.lorawan import BaseStationId
from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor

HERE = BaseStationId(0xFF000001)


class Node:
    def __init__(self, wire: Wire, name: str, hour: float = 0.0) -> None:
        self.name = name
        self.supervisor = Supervisor()
        self.bus = wire.bus(name, self.supervisor)
        self.holders = StationHolders(
            self.bus, self.supervisor, lambda: 1_800_000_000 + hour + asyncio.get_running_loop().time()
        )
        self.holders.hub = self
        self.mine: set[BaseStationId] = set()
        self.moved: list[str] = []
        self.holders.moved = lambda _station, node: self.moved.append(node)

    def leave(self, base_station: BaseStationId) -> None:
        self.mine.discard(base_station)

    def connect(self, station: BaseStationId = HERE, *, authenticates: bool = True) -> None:
        if self.holders.takes(station, authenticates):
            self.mine.add(station)
            self.holders.connected(station, authenticates=authenticates, plans_both=False)

    def disconnect(self, station: BaseStationId = HERE) -> None:
        self.mine.discard(station)
        self.holders.disconnected(station)

    def sees(self, station: BaseStationId = HERE) -> str | None:
        other = self.holders.holder(station)
        assert other is None or station not in self.mine
        return self.name if station in self.mine else other and other.node

    async def start(self) -> None:
        await self.bus.start()
        self.holders.start()

    async def stop(self) -> None:
        await self.supervisor.stop()
        await self.bus.stop()


async def three(wire: Wire) -> tuple[Node, Node, Node]:
    nodes = Node(wire, "a"), Node(wire, "b", hour=3600), Node(wire, "c")
    for node in nodes:
        await node.start()
    return nodes


def test_base_stations_come_move_and_go() -> None:
    async def story() -> None:
        wire = Wire()
        a, b, c = await three(wire)
        a.connect()
        await asyncio.sleep(1)
        assert (a.sees(), b.sees(), c.sees()) == ("a", "a", "a")
        b.connect()
        await asyncio.sleep(1)
        assert (a.sees(), b.sees(), c.sees()) == ("b", "b", "b")
        assert a.moved == ["b"]
        a.disconnect()
        await asyncio.sleep(1)
        assert (a.sees(), b.sees(), c.sees()) == ("b", "b", "b"), "what ends is the older connection"
        b.disconnect()
        await asyncio.sleep(1)
        assert (a.sees(), b.sees(), c.sees()) == (None, None, None)
        for node in (a, b, c):
            await node.stop()

    run_virtually(story())


def test_base_station_that_is_there_before_the_bus_is_told_of_when_that_starts() -> None:
    async def story() -> None:
        wire = Wire()
        a, b = Node(wire, "a"), Node(wire, "b")
        await b.start()
        a.connect()
        await asyncio.sleep(1)
        assert b.sees() is None and not a.bus.counts.dropped
        await a.start()
        await asyncio.sleep(1)
        assert b.sees() == "a"
        await a.stop()
        await b.stop()

    run_virtually(story())


def test_new_node_asks_and_a_silent_one_is_forgotten() -> None:
    async def story() -> None:
        wire = Wire()
        a, b, c = await three(wire)
        a.connect()
        await asyncio.sleep(1)
        d = Node(wire, "d")
        await d.start()
        await asyncio.sleep(0.1)
        assert d.sees() == "a"
        await a.stop()
        await asyncio.sleep(40)
        assert (b.sees(), c.sees(), d.sees()) == (None, None, None)
        d.connect()
        await asyncio.sleep(1)
        b.holders.forget_node("d")
        assert (b.sees(), c.sees()) == (None, "d")
        await asyncio.sleep(10)
        assert b.sees() == "d"
        for node in (b, c, d):
            await node.stop()

    run_virtually(story())


def test_connection_without_authentication_takes_no_base_station_from_one_with() -> None:
    async def story() -> None:
        wire = Wire()
        a, b, c = await three(wire)
        a.connect()
        await asyncio.sleep(1)
        b.connect(authenticates=False)
        await asyncio.sleep(1)
        assert (a.sees(), b.sees(), c.sees()) == ("a", "a", "a")
        # Also not where the node did not know of it yet.
        wire.split(["a"], ["b", "c"])
        await asyncio.sleep(40)
        b.connect(authenticates=False)
        await asyncio.sleep(1)
        assert (b.sees(), c.sees()) == ("b", "b")
        wire.heal()
        await asyncio.sleep(12)
        assert (a.sees(), b.sees(), c.sees()) == ("a", "a", "a")
        for node in (a, b, c):
            await node.stop()

    run_virtually(story())


@pytest.mark.parametrize("seed", range(8))
def test_nodes_agree_after_any_disorder(seed: int) -> None:
    async def story() -> None:
        rng = random.Random(seed)
        bad = BadWire(rng, loss=0.3, repeat=0.3, delay=3.0)
        wire = Wire(bad)
        nodes = await three(wire)
        for _ in range(60):
            node = rng.choice(nodes)
            if HERE in node.mine and rng.random() < 0.5:
                node.disconnect()
            else:
                node.connect(authenticates=rng.random() < 0.5)
            await asyncio.sleep(rng.random() * 2)
        bad.loss = bad.repeat = bad.delay = 0.0
        await asyncio.sleep(60)
        seen = {node.sees() for node in nodes}
        assert len(seen) == 1
        assert sum(HERE in node.mine for node in nodes) == (seen != {None})
        for node in nodes:
            await node.stop()

    run_virtually(story())
