"""Both buses, and several nodes on one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.nats_server import NatsServer
from veldnet.cluster import Bus, Wire
from veldnet.cluster.nats import NatsBus
from veldnet.cluster.nats_access import NatsAccess
from veldnet.supervision import Supervisor

MakeBus = Callable[[str], Bus]


@pytest.fixture(scope="package")
def nats_server() -> Iterator[NatsServer]:
    """One for all tests, which take clusters of their own."""
    server = NatsServer()
    yield server
    server.close()


@pytest.fixture(params=["in_process", "nats"])
async def make_bus(request: pytest.FixtureRequest) -> AsyncIterator[MakeBus]:
    """Gives the bus of a node; all are on one wire, and end with the test."""
    made: list[Bus] = []
    wire = Wire()
    cluster = f"t{abs(hash(request.node.nodeid)) % 10**9}"

    def make(node: str) -> Bus:
        supervisor = Supervisor()
        if request.param == "in_process":
            bus: Bus = wire.bus(node, supervisor)
        else:
            url = request.getfixturevalue("nats_server").url
            bus = NatsBus(NatsAccess(url, cluster, node), supervisor)
        made.append(bus)
        return bus

    yield make
    for bus in made:
        await bus.stop()


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that another task does."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)
