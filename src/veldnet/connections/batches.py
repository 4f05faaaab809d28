"""What is sent at the same time over a connection, written together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from veldnet.outgoing import ConnectionFailed
from veldnet.texts import Text

from .model import Outcome, Outgoing

Write = Callable[[Sequence[Outgoing]], Awaitable[Sequence[Outcome]]]
_Waiting = tuple[Outgoing, asyncio.Future[Outcome]]


class Batches:
    """Holds what waits for its batch: no more than is being delivered at once, which the ledger bounds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[_Waiting] = []
        self._there = asyncio.Event()

    async def send(self, message: Outgoing) -> Outcome:
        """Have a message written; what `run` fails with is raised here as well."""
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, ended))
        self._there.set()
        return await ended

    async def run(self, write: Write, idle: Callable[[], Awaitable[None]], every: float) -> None:
        """Write one batch after the other, until that fails. `idle` is called after so many seconds in which
        there was nothing to write."""
        while True:
            if not await self._something(every):
                await idle()
                continue
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                outcomes = await write([message for message, _ended in batch])
            except BaseException as error:
                self._fail([*batch, *self._waiting], error)
                self._waiting = []
                raise
            for (_message, ended), outcome in zip(batch, outcomes, strict=True):
                if not ended.done():
                    ended.set_result(outcome)

    async def _something(self, seconds: float) -> bool:
        """Whether something waits, or comes within a time."""
        if not self._waiting:
            self._there.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._there.wait()
            except TimeoutError:
                return False
        # Who has stopped waiting sends it again.
        self._waiting = [each for each in self._waiting if not each[1].done()]
        return bool(self._waiting)

    @staticmethod
    def _fail(waiting: Sequence[_Waiting], error: BaseException) -> None:
        for _message, ended in waiting:
            if not ended.done():
                closed = ConnectionFailed(Text("the connection was closed"))
                ended.set_exception(error if isinstance(error, Exception) else closed)
