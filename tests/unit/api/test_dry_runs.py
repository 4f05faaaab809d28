"""A dry run of an import goes on at whichever node gets its next part."""

from __future__ import annotations

import pytest

from veldnet.api.dry_runs import DryRuns
from veldnet.cluster import NodeCalls, Wire
from veldnet.domain.errors import BadRequest
from veldnet.inventory.imports import Step
from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor

SUBSCRIBER = 5


def test_a_dry_run_goes_on_at_any_node() -> None:
    async def story() -> None:
        wire, made = Wire(), {}
        for node in ("a", "b"):
            bus = wire.bus(node, Supervisor())
            made[node] = DryRuns(NodeCalls(bus, lambda: ("a", "b")))
            await bus.start()
        name: str | None = None
        # More than fits into one message.
        parts = [[Step(True, f"{part}-{number}", 1) for number in range(8000)] for part in range(4)]
        for node, part in zip("aabb", parts, strict=True):
            dry_run, number = await made[node].find(name, SUBSCRIBER)
            dry_run.go_on(part)
            name = made[node].keep(number, dry_run)
        dry_run, number = await made["a"].find(name, SUBSCRIBER)
        assert dry_run.steps == [step for part in parts for step in part]
        # Nobody else's, and of no node that knows nothing of it.
        for wrong, subscriber in ((name, 6), (f"{number}.c", 6), ("0" * 32 + ".b", SUBSCRIBER), ("", 6)):
            with pytest.raises(BadRequest, match="begin the dry run again"):
                await made["a"].find(wrong, subscriber)

    run_virtually(story())
