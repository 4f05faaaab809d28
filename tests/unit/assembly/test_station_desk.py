"""Base stations that are operated from a node that does not have their connections."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cluster.nodes import clock, new_database
from veldnet.assembly.remote_operation import Reader, RemoteDesk
from veldnet.assembly.station_desk import Holder, StationDesk
from veldnet.cluster import NodeCalls, Wire
from veldnet.domain.errors import Conflict, Forbidden, NotFound
from veldnet.domain.scope import OperatorScope
from veldnet.gateways import OperatesRemotely, RemoteShell
from veldnet.lorawan import BaseStationId
from veldnet.settings import GatewaySettings
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import SqliteStore
from veldnet.supervision import Supervisor

STATION = BaseStationId(7)
OWN = OperatorScope(1, "op", "Operator", 5, "ann", "Ann", station_access=True)
COLLEAGUE = OperatorScope(1, "op", "Operator", 6, "bob", "Bob", station_access=True)


class Connected(OperatesRemotely):
    """A base station whose shells say again what they are told."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.shells: list[RemoteShell] = []

    def connection(self, _station: BaseStationId) -> Connected:
        return self

    def run_command(self, base_station: BaseStationId, command: str, arguments: list[str]) -> None:
        self.commands.append(command)

    def check_shell(self, base_station: BaseStationId) -> None: ...

    async def open_shell(self, base_station: BaseStationId, user: str, terminal: str) -> RemoteShell:
        async def say(octets: bytes) -> None:
            shell.said(octets.upper())

        shell = RemoteShell(say, lambda: None)
        self.shells.append(shell)
        return shell


class Nobody:
    def connection(self, _station: BaseStationId) -> None:
        return None


class TwoNodes:
    """Node a has the base station; `far` is the desk of node b."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.wire = Wire()
        self.station = Connected()
        self.store = SqliteStore(new_database(directory), inline=True, clock=clock)
        allowed: Any = {"basics_station_commands": True, "basics_station_shells": True} | settings
        hubs: dict[str, Any] = {"a": self.station, "b": Nobody()}
        holders: dict[str, Holder] = {"a": lambda _station: None, "b": lambda _station: "a"}
        self.buses = {name: self.wire.bus(name, Supervisor()) for name in hubs}
        desks = [
            StationDesk(
                RemoteDesk(GatewaySettings(**(allowed if name == "a" else {})), hub, self.store, clock),
                holders[name],
                NodeCalls(self.buses[name], lambda: ("a", "b")),
            )
            for name, hub in hubs.items()
        ]
        self.near, self.far = desks

    async def start(self) -> None:
        for bus in self.buses.values():
            await bus.start()


def test_a_shell_is_used_from_any_node(tmp_path: Path) -> None:
    async def story() -> None:
        world = TwoNodes(tmp_path)
        await world.start()
        near, far = world.near, world.far
        await far.check_command(STATION, "reboot", [])
        await far.run(STATION, "reboot", [])
        assert world.station.commands == ["reboot"]
        shell = await far.open(OWN, STATION, "dumb")
        assert [each.id for each in await far.listed(1, STATION)] == [shell.id]
        assert await far.listed(2, STATION) == []
        for desk in (near, far):
            with pytest.raises(NotFound):
                await desk.write(COLLEAGUE, STATION, shell.id, b"x")
        await far.write(OWN, STATION, shell.id, b"ls")
        chunk = await far.claim(OWN, STATION, shell.id, "r1")
        output = await far.read(OWN, STATION, shell.id, Reader("r1", chunk), 1.0)
        assert (output.octets, output.ended) == (b"LS", None)
        # Its answer was lost: the same comes again.
        again = await far.read(OWN, STATION, shell.id, Reader("r1", chunk), 1.0)
        assert again.octets == b"LS"
        for desk in (near, far):
            with pytest.raises(Conflict, match="being read already"):
                await desk.claim(OWN, STATION, shell.id, "r2")
        await far.leave(STATION, shell.id, "r1")
        assert await near.claim(OWN, STATION, shell.id, "r2") == chunk + 1
        await far.close(COLLEAGUE, STATION, shell.id)
        output = await near.read(OWN, STATION, shell.id, Reader("r2", chunk + 1), 1.0)
        assert (output.octets, output.ended) == (b"", "closed")
        await world.store.close()

    run_virtually(story())


def test_what_the_other_node_refuses_is_refused_with_its_words(tmp_path: Path) -> None:
    async def story() -> None:
        world = TwoNodes(tmp_path, basics_station_shells=False)
        await world.start()
        with pytest.raises(Forbidden, match="shells are off"):
            await world.far.open(OWN, STATION, "dumb")
        world.wire.hold("a")
        with pytest.raises(Conflict, match="node a, to which the base station is connected"):
            await world.far.run(STATION, "reboot", [])
        await asyncio.sleep(0)
        await world.store.close()

    run_virtually(story())
