"""The calls of a vault process that have no answer yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from .wire import Answer, Call

# Processes to which a call is sent at most; one that kills each of them must not be retried endlessly.
_MOST_ATTEMPTS = 5


class PendingCall:
    """A call without an answer. An `urgent` one is sent before the process is ready."""

    __slots__ = ("answer", "attempts", "call", "sent_at", "urgent")

    def __init__(self, call: Call, *, urgent: bool) -> None:
        self.call = call
        self.urgent = urgent
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.attempts = 0
        self.sent_at = monotonic()


class PendingCalls:
    """They mean the same when they are made twice, so the next process is sent those of one that died."""

    def __init__(self, write: Callable[[Call], None]) -> None:
        self._write = write
        self._pending: dict[int, PendingCall] = {}

    def __len__(self) -> int:
        return len(self._pending)

    @contextmanager
    def waiting(self, call: Call, *, urgent: bool) -> Iterator[PendingCall]:
        """Keep a call as long as somebody waits for its answer."""
        pending = self._pending[call.id] = PendingCall(call, urgent=urgent)
        try:
            yield pending
        finally:
            self._pending.pop(call.id, None)

    def send(self, pending: PendingCall) -> None:
        """Send a call. To a process that has just died it goes nowhere; the next one is sent it again."""
        self._write(pending.call)
        pending.attempts += 1
        pending.sent_at = monotonic()

    def send_all(self) -> None:
        """Send what waits, but for calls that several processes have died of."""
        for pending in list(self._pending.values()):
            if pending.attempts < _MOST_ATTEMPTS:
                self.send(pending)
            else:
                self.answered(
                    Answer(pending.call.id, code="vault_failed", text="the vault died of this call")
                )

    def answered(self, answer: Answer) -> None:
        pending = self._pending.pop(answer.id, None)
        if pending is not None and not pending.answer.done():
            pending.answer.set_result(answer)

    def fail(self, code: str, words: str, *, urgent_only: bool = False) -> None:
        for pending in list(self._pending.values()):
            if pending.urgent or not urgent_only:
                self.answered(Answer(pending.call.id, code=code, text=words))

    def unanswered_since(self, moment: float) -> bool:
        """Whether a call that was sent before a moment, by the monotonic clock, has no answer."""
        return any(pending.attempts and pending.sent_at <= moment for pending in self._pending.values())
