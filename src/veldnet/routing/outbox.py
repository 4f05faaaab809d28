"""Delivery results and retry states to be written with the next commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from veldnet.store import (
    AttemptRow,
    DeliveredRow,
    DeliveryResultRow,
    NewDeliveryRow,
    Rows,
    SetAsideRow,
    Statement,
)
from veldnet.texts import pack

from .delivery_queue import Pending
from .ledger import encode_message
from .transports import Outcome

# Seconds in which it is written that messages have ended, where no frame's commit takes it along before: a
# commit for each message would cost as much as that of its frame. A process that is killed meanwhile delivers
# them again.
_END_WITHIN = 0.25
# Seconds in which it is written what was answered to messages that wait.
_NOTE_WITHIN = 1.0
# Seconds after a failed commit before what has ended is to be written again.
_WRITE_AGAIN = 1.0


class DeliveryResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the journal keeps of a delivery that has ended; `ms` is the time of the last attempt, `error` a
    packed text."""

    as_id: str | None
    message: str
    status: str
    url: str | None = None
    error: str | None = None
    ms: int = 0
    reason: str | None = None


class Ended(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A delivery that has ended; `reason` None means delivered; `error` is a packed text."""

    delivery_id: int
    frame_id: int
    reason: str | None
    attempts: int
    error: str | None
    at: int
    url: str | None
    result: bytes

    @classmethod
    def of(cls, pending: Pending, outcome: Outcome, reason: str | None, at: int, ms: int) -> Ended:
        message = pending.message
        error = None if outcome.error is None else pack(outcome.error)
        result = DeliveryResult(message.as_id, message.name, outcome.status, outcome.url, error, ms, reason)
        return cls(
            pending.id,
            pending.frame_id,
            reason,
            pending.attempts,
            error,
            at,
            outcome.url,
            msgspec.json.encode(result),
        )


class Results(Protocol):
    """Takes what came of messages. `gone` have ended, though the store may not know it yet; it changes as
    they end and are written."""

    gone: set[int]

    def ended(self, item: Ended) -> None: ...

    def attempted(self, item: AttemptRow) -> None: ...

    def hurry(self) -> None:
        """Have what is collected written now: somebody waits for it."""


class Outbox:
    """Collects what is to be written, and keeps it until it is. `wake` asks for a commit."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._timer: asyncio.TimerHandle | None = None
        # Once the process stops, no commit is asked for by a timer.
        self.closed = False
        self.gone: set[int] = set()
        self._ended: list[Ended] = []
        self._attempted: dict[int, AttemptRow] = {}
        self._writing: list[Ended] = []
        self._noting: dict[int, AttemptRow] = {}

    def ended(self, item: Ended) -> None:
        self.gone.add(item.delivery_id)
        self._ended.append(item)
        self._attempted.pop(item.delivery_id, None)
        if self.closed:
            self._wake()
        elif len(self._ended) == 1:
            self._wake_after(_END_WITHIN)

    def attempted(self, item: AttemptRow) -> None:
        """What is known of a message that waits is written with the next commit, or soon."""
        self._attempted[item.id] = item
        self._wake_after(_NOTE_WITHIN)

    def came(self, ended: Sequence[Ended], attempted: Sequence[AttemptRow]) -> None:
        """What a delivery process has to say, at once."""
        for note in attempted:
            self.attempted(note)
        for item in ended:
            self._attempted.pop(item.delivery_id, None)
        if ended:
            self.gone.update(item.delivery_id for item in ended)
            self._ended += ended
            self._wake()

    def _wake_after(self, seconds: float) -> None:
        if self.closed:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._wait_over)

    def _wait_over(self) -> None:
        self._timer = None
        self._wake()

    def hurry(self) -> None:
        if self._ended:
            self._wake()

    def close(self) -> None:
        """Have what is collected written at once, and nothing later by itself."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._wait_over()

    @property
    def empty(self) -> bool:
        """Whether everything is written."""
        return not (self._ended or self._attempted or self._writing or self._noting)

    def rows(self) -> list[Rows]:
        """Everything, for the commit under way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._writing, self._ended = self._ended, []
        self._noting, self._attempted = self._attempted, {}
        rows: list[Rows] = []
        if self._noting:
            rows.append((Statement.NOTE_ATTEMPT, list(self._noting.values())))
        return rows + _ended_rows(self._writing)

    def written(self) -> None:
        self.gone.difference_update(item.delivery_id for item in self._writing)
        self._writing = []
        self._noting = {}

    def failed(self) -> None:
        """Nothing was written: it goes into the next commit, which is asked for in a while."""
        self._ended = self._writing + self._ended
        over = {item.delivery_id for item in self._ended}
        kept = {key: item for key, item in self._noting.items() if key not in over}
        self._attempted = kept | self._attempted
        self._writing = []
        self._noting = {}
        if self._ended or self._attempted:
            self._wake_after(_WRITE_AGAIN)


def _ended_rows(ended: Sequence[Ended]) -> list[Rows]:
    if not ended:
        return []
    return [
        (
            Statement.DELETE_DELIVERY,
            [DeliveredRow(item.delivery_id) for item in ended if item.reason is None],
        ),
        (
            Statement.SET_DELIVERY_ASIDE,
            [
                SetAsideRow(item.reason, item.attempts, item.error, item.at, item.url, item.delivery_id)
                for item in ended
                if item.reason is not None
            ],
        ),
        (
            Statement.INSERT_DELIVERY_RESULT,
            [DeliveryResultRow(item.frame_id, item.delivery_id, item.result) for item in ended],
        ),
    ]


def new_row(device_ref: int, queue: str, pending: Pending) -> NewDeliveryRow:
    """The row of a new delivery."""
    return NewDeliveryRow(
        pending.id,
        pending.frame_id,
        device_ref,
        pending.subscriber_ref,
        queue,
        pending.expires_at,
        0,
        None,
        encode_message(pending.message),
    )
