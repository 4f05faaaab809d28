"""Devices that are not registered, as several nodes have heard them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from veldnet.assembly.unknown_devices import UnknownEverywhere
from veldnet.cluster import NodeCalls, Wire
from veldnet.monitoring.unknown_devices import Heard, UnknownDevice
from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor

OURS, THEIRS = 7, 8


class Directory:
    """Base stations 1 and 2 are of one operator, 3 is of another."""

    def all(self) -> list[tuple[int, Any]]:
        operators = {1: OURS, 2: OURS, 3: THEIRS}
        return [(station, SimpleNamespace(operator_ref=ref)) for station, ref in operators.items()]


def device(eui: str, first: float, last: float, frames: int, **heard: float) -> UnknownDevice:
    at = {int(station[1:]): Heard(when, -90.0, 5.0) for station, when in heard.items()}
    return UnknownDevice(eui, None, None, first, last, "SF7", frames, at)


def test_what_every_node_has_heard_is_one_list_of_each_operator() -> None:
    async def story() -> None:
        wire = Wire()
        own = {
            "a": [device("E1", 10, 30, 3, s1=30, s3=20), device("E3", 1, 2, 1, s3=2)],
            "b": [device("E1", 5, 40, 2, s1=8, s2=40), device("E2", 50, 50, 1, s2=50)],
            "c": [],
        }
        made = {}
        for name, devices in own.items():
            bus = wire.bus(name, Supervisor())
            directory: Any = Directory()
            listed: Any = SimpleNamespace(listed=lambda devices=devices: devices)
            made[name] = UnknownEverywhere(listed, directory, NodeCalls(bus, lambda: tuple(own)))
            await bus.start()
        for each in made.values():
            two, one = await each.heard_by_operator(OURS)
            assert (two.dev_eui, one.dev_eui) == ("E2", "E1")
            assert (one.first_at, one.last_at, one.frames) == (5, 40, 3)
            assert {station: heard.at for station, heard in one.heard.items()} == {1: 30, 2: 40}
            others = await each.heard_by_operator(THEIRS)
            assert [(found.dev_eui, set(found.heard)) for found in others] == [("E1", {3}), ("E3", {3})]

    run_virtually(story())
