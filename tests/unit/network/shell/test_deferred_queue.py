"""Work that can wait lets other work through, keeps its order, and is finished when a server stops."""

from __future__ import annotations

import asyncio
from functools import partial

from veldnet.network.shell.admission.deferred_queue import PORTION, DeferredQueue


def test_portions_let_others_through() -> None:
    async def story() -> list[object]:
        done: list[object] = []
        queue = DeferredQueue()
        for number in range(2 * PORTION + 1):
            queue.add(partial(done.append, number))
        for _turn in range(3):
            await asyncio.sleep(0)
            done.append("others")
        return done

    first, second = [*range(PORTION)], [*range(PORTION, 2 * PORTION)]
    assert asyncio.run(story()) == [*first, "others", *second, "others", 2 * PORTION, "others"]


def test_a_stopping_server_finishes_and_a_closed_one_does_not() -> None:
    async def story() -> list[int]:
        done: list[int] = []
        queue, dropped = DeferredQueue(), DeferredQueue()
        for number in range(PORTION + 2):
            queue.add(partial(done.append, number))
            dropped.add(partial(done.append, -1))
        queue.finish()
        dropped.close()
        await asyncio.sleep(0)
        return done

    assert asyncio.run(story()) == [*range(PORTION + 2)]
