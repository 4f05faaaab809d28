"""Work that can wait lets other work through, keeps its order, and is finished when a server stops."""

from __future__ import annotations

import asyncio
from functools import partial

from veldnet.network.shell.deferred_queue import PORTION, Patience


def test_portions_let_others_through() -> None:
    async def story() -> list[object]:
        done: list[object] = []
        patience = Patience()
        for number in range(2 * PORTION + 1):
            patience.add(partial(done.append, number))
        for _turn in range(3):
            await asyncio.sleep(0)
            done.append("others")
        return done

    first, second = [*range(PORTION)], [*range(PORTION, 2 * PORTION)]
    assert asyncio.run(story()) == [*first, "others", *second, "others", 2 * PORTION, "others"]


def test_a_stopping_server_finishes_and_a_closed_one_does_not() -> None:
    async def story() -> list[int]:
        done: list[int] = []
        patience, dropped = Patience(), Patience()
        for number in range(PORTION + 2):
            patience.add(partial(done.append, number))
            dropped.add(partial(done.append, -1))
        patience.finish()
        dropped.close()
        await asyncio.sleep(0)
        return done

    assert asyncio.run(story()) == [*range(PORTION + 2)]
