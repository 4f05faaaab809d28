"""Which node does what: every chore either on each node, or on the one that serves the first partition. So
what concerns the whole installation is done once, and by another node as soon as that one is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from veldnet.cluster import FIRST_PARTITION, PartitionMap

Work = Callable[[], Awaitable[None]]


class Chore(msgspec.Struct, frozen=True):
    """Work that comes round every so many seconds. With `once` it is for one node of the installation, with
    `virtual` it also goes on while a test moves the clock."""

    name: str
    every: float
    work: Work
    once: bool = False
    virtual: bool = False


class Roles:
    """`partitions` tells what this node serves now."""

    def __init__(self, partitions: PartitionMap) -> None:
        self._partitions = partitions

    @property
    def leads(self) -> bool:
        """Whether this node does what has to be done once."""
        return self._partitions.mine(FIRST_PARTITION)

    def work_of(self, chore: Chore) -> Work:
        """The work of a chore, which rests while it is another node's."""
        if not chore.once:
            return chore.work

        async def work() -> None:
            if self.leads:
                await chore.work()

        return work
