"""Answers that somebody waits for until what they say is durable, by token."""

from __future__ import annotations

import asyncio

from veldnet.network.core.events import Answer, SubmissionRefusal
from veldnet.store import StoreError

from .entries import Entry


class PendingAnswers:
    """Answers to submitted downlinks."""

    def __init__(self) -> None:
        self._pending: dict[int, asyncio.Future[SubmissionRefusal | None]] = {}

    def expect(self, token: int) -> asyncio.Future[SubmissionRefusal | None]:
        """The answer to come, to be awaited at once. It raises `StoreError` where what is answered could
        not be made durable."""
        answer: asyncio.Future[SubmissionRefusal | None] = asyncio.get_running_loop().create_future()
        self._pending[token] = answer
        answer.add_done_callback(lambda _answer: self._pending.pop(token, None))
        return answer

    def give(self, _entry: Entry, effect: Answer) -> None:
        """Do the effect."""
        answer = self._pending.get(effect.token)
        if answer is not None and not answer.done():
            answer.set_result(effect.refusal)

    def fail(self) -> None:
        """What they would say did not become durable."""
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(StoreError("the downlink could not be made durable"))
