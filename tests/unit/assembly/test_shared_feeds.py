"""A reader at one node hears what becomes durable at another."""

from __future__ import annotations

import asyncio

from veldnet.assembly.shared_feeds import Kind, SharedFeeds
from veldnet.cluster import Wire
from veldnet.monitoring.downlinks import Changed
from veldnet.monitoring.subscriptions import Feed, Subscription
from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor

OWN, OTHER = 5, 6


class _Commits(Feed[Changed]):
    """A feed of what is committed here."""

    def commit(self, subscriber_ref: int, number: int) -> None:
        for subscription in self._subscriptions:
            if self._of_subscriber(subscription, subscriber_ref):
                subscription.put(Changed(number, 0))

    @property
    def heard(self) -> int:
        return len(self._subscriptions)


async def _numbers(reader: Subscription[Changed]) -> list[int]:
    return [changed.id for changed in await reader.take(1.0)]


def test_a_reader_hears_all_nodes_and_only_what_is_its_own() -> None:
    async def story() -> None:
        wire = Wire()
        here, there = (_Commits(streams=3, most=100) for _ in range(2))
        nodes = {"here": here, "there": there}
        shared = {}
        for name, feed in nodes.items():
            bus = wire.bus(name, Supervisor())
            shared[name] = SharedFeeds(bus, {"downlinks": Kind(feed, Changed)})
            await bus.start()
        reader = here.subscribe(OWN, 1)
        await asyncio.sleep(0.1)
        there.commit(OWN, 1)
        there.commit(OTHER, 2)
        here.commit(OWN, 3)
        await asyncio.sleep(0.1)
        assert sorted(await _numbers(reader)) == [1, 3]
        assert (here.streams, there.streams, there.heard) == (1, 0, 1)
        # A node whose reader has left, or that says nothing more, is sent nothing.
        here.leave(reader)
        await shared["here"].tell()
        await asyncio.sleep(0.1)
        assert there.heard == 0
        here.subscribe(OWN, 1)
        await asyncio.sleep(0.1)
        assert there.heard == 1
        await asyncio.sleep(8)
        await shared["there"].tell()
        assert there.heard == 0

    run_virtually(story())
