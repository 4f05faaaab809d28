"""What concerns the whole installation is done by one node."""

from __future__ import annotations

from veldnet.assembly.roles import Chore, Roles
from veldnet.cluster import FIRST_PARTITION, OneNode
from veldnet.simulator.virtual_time import run_virtually


class _Served(OneNode):
    """The map of a node that serves some partitions."""

    def __init__(self, served: set[int]) -> None:
        super().__init__("a")
        self._served = served

    def mine(self, partition: int) -> bool:
        return partition in self._served


def test_a_chore_of_the_installation_follows_the_first_partition() -> None:
    served: set[int] = set()
    done: list[str] = []

    async def count(name: str) -> None:
        done.append(name)

    chores = [
        Chore("each", 1.0, lambda: count("each")),
        Chore("once", 1.0, lambda: count("once"), once=True),
    ]
    roles = Roles(_Served(served))
    work = [roles.work_of(chore) for chore in chores]

    async def round_of_all() -> list[str]:
        done.clear()
        for each in work:
            await each()
        return list(done)

    async def story() -> None:
        assert not roles.leads and await round_of_all() == ["each"]
        served.update((FIRST_PARTITION, 7))
        assert roles.leads and await round_of_all() == ["each", "once"]
        served.discard(FIRST_PARTITION)
        assert await round_of_all() == ["each"]

    run_virtually(story())
