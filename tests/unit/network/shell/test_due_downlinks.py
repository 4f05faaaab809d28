"""Downlinks that are due after a restart, where one device cannot be worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, cast

from tests.unit.network import builders
from veldnet.network.shell.due_downlinks import DueDownlinks
from veldnet.network.shell.tasks import Tasks


class _Three:
    """A store with three devices that have something left, of which the first fails."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def devices_with_unsolicited_downlinks(
        self, after: int, _limit: int, _partitions: Collection[int] | None
    ) -> list[int]:
        return [ref for ref in (1, 2, 3) if ref > after]

    async def get(self, *, ref: int) -> None:
        self.asked.append(ref)
        if ref == 1:
            raise LookupError


async def test_a_device_that_fails_does_not_hold_up_the_others() -> None:
    runtime, there = builders.runtime(lambda: builders.NOW), _Three()
    nothing = cast("Any", None)
    due = DueDownlinks(runtime, cast("Any", there), cast("Any", there), nothing, Tasks(runtime.supervisor))
    due.resume(None)
    await asyncio.sleep(0.01)
    assert there.asked == [1, 2, 3]
    assert runtime.supervisor.failures["queued downlinks"] == 1
    due.close()
