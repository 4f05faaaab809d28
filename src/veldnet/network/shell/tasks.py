"""Tasks that belong to no single part, so that a stopping server can wait for them, or end them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from veldnet.supervision import Supervisor


class Tasks:
    """Supervised, and forgotten when they end."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self.running: set[asyncio.Task[None]] = set()

    def spawn(self, name: str, work: Coroutine[None, None, None]) -> None:
        task = self._supervisor.start(name, work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    def close(self) -> None:
        for task in list(self.running):
            task.cancel()
