"""Changes that wait at the same time share one transaction, and with it one wait for the disk.

Each is carried out in a savepoint, in the order in which they were asked for, so that one that fails is
undone alone. None is answered before the transaction has ended: what was answered is durable.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection

from .interface import StoreError
from .leases import Proof

T = TypeVar("T")

# So many share a transaction, and none is added to one that has worked for so many seconds: frames wait.
_MOST, _LONGEST = 64, 0.010


class Asked:
    """A change that waits, and what came of it."""

    __slots__ = ("answer", "change", "error", "proof", "result")

    def __init__(self, change: Callable[[Connection], Any], proof: Proof | None) -> None:
        self.change = change
        self.proof = proof
        self.result: Any = None
        self.error: BaseException | None = None
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class SharedCommits:
    """Carries out changes by a thread of `executor`. `together` writes those that it takes in one
    transaction, and notes for each what came of it; what it raises itself has become of all of them."""

    def __init__(self, executor: Executor, together: Callable[[Iterator[Asked]], None]) -> None:
        self._executor = executor
        self._together = together
        self._waiting: deque[Asked] = deque()
        # Whether the thread has been told of those that wait.
        self._told = False

    async def write(self, change: Callable[[Connection], T], proof: Proof | None) -> T:
        asked = Asked(change, proof)
        self._waiting.append(asked)
        self._tell()
        result: T = await asked.answer
        return result

    def _tell(self) -> None:
        """Have the thread come to those that wait, after what it was asked for before."""
        if self._told:
            return
        self._told = True
        try:
            self._executor.submit(self._work)
        except RuntimeError as error:
            self._told = False
            closed = list(self._waiting)
            self._waiting.clear()
            _fail(closed, StoreError(f"the store is closed: {error}"))
            _answer(closed)

    def _work(self) -> None:
        # Before any is taken: who comes from now on tells again.
        self._told = False
        taken: list[Asked] = []
        try:
            if self._waiting:
                self._together(self._take(taken))
        except BaseException as error:
            # A transaction that could not begin could not for any of them.
            if not taken:
                taken.extend(self._take([]))
            _fail(taken, error)
        _answer(taken)
        if self._waiting:
            self._tell()

    def _take(self, taken: list[Asked]) -> Iterator[Asked]:
        """Those that wait, also those that come meanwhile, as long as others need not wait for too long."""
        until = time.monotonic() + _LONGEST
        while self._waiting and len(taken) < _MOST:
            asked = self._waiting.popleft()
            if asked.answer.cancelled():
                continue
            taken.append(asked)
            yield asked
            if time.monotonic() >= until:
                return


def _fail(those: Sequence[Asked], error: BaseException) -> None:
    """None of them was written; one that had failed by itself says why."""
    for asked in those:
        asked.error = asked.error or error


def _answer(those: Sequence[Asked]) -> None:
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Asked]] = defaultdict(list)
    for asked in those:
        by_loop[asked.answer.get_loop()].append(asked)
    for loop, its_own in by_loop.items():
        # Nobody waits any more in a loop that is closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, its_own)


def _settle(those: Sequence[Asked]) -> None:
    for asked in those:
        if asked.answer.cancelled():
            continue
        if asked.error is None:
            asked.answer.set_result(asked.result)
        else:
            asked.answer.set_exception(asked.error)
