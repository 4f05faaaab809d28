"""What concerns the whole installation is done by one node."""

from __future__ import annotations

from veldnet.assembly.roles import FIRST_PARTITION, Chore, Roles
from veldnet.simulator.virtual_time import run_virtually


def test_a_chore_of_the_installation_follows_the_first_partition() -> None:
    served: set[int] = set()
    done: list[str] = []

    async def count(name: str) -> None:
        done.append(name)

    chores = [
        Chore("each", 1.0, lambda: count("each")),
        Chore("once", 1.0, lambda: count("once"), once=True),
    ]
    roles = Roles(served.__contains__)
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
