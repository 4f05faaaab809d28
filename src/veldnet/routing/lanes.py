"""Lanes: the messages of a device to one destination, in order, and what becomes of one that is refused."""

from __future__ import annotations

import asyncio
import random
from collections import deque

import msgspec

from .ledger import UPLINK, LaneKey, LaneName, StoredMessage
from .transports.http import Outcome

# Messages behind a refused one that are tried, to learn whether the server takes others.
PROBES = 3


class Retry(msgspec.Struct, frozen=True):
    """Waits between attempts, in seconds: doubling from `first` to `longest`, each a little random. A message
    refused `refusals` times while its server takes others is set aside."""

    first: float = 1.0
    longest: float = 300.0
    refusals: int = 5

    def wait(self, failures: int, rng: random.Random, asked: float | None = None) -> float:
        """`asked` is what the server has asked for."""
        doubled = self.first * (1 << min(max(failures - 1, 0), 20))
        wait = min(doubled, self.longest) * rng.uniform(0.8, 1.2)
        return wait if asked is None else min(max(wait, asked), self.longest)


class Pending(msgspec.Struct):
    """A delivery under way in memory. `orphan` tells that its device does not exist any more."""

    id: int
    frame_id: int
    subscriber_ref: int
    expires_at: int
    message: StoredMessage
    attempts: int = 0
    refusals: int = 0
    orphan: bool = False


class Accepted:
    """What a destination has taken since the start, by whether it was uplinks."""

    __slots__ = ("others", "uplinks")

    def __init__(self) -> None:
        self.uplinks = 0
        self.others = 0

    def count(self, kind: str) -> None:
        if kind == UPLINK:
            self.uplinks += 1
        else:
            self.others += 1

    def beside(self, kind: str) -> int:
        """What says that a message of a kind is refused for its own sake: for uplinks, that other uplinks are
        taken; for the rest, that anything is."""
        return self.uplinks if kind == UPLINK else self.uplinks + self.others


class Lane:
    """Deliveries of one device to one destination, of one kind; `spilled`: the store has more."""

    __slots__ = (
        "failures", "key", "name", "next_at", "pending", "proven", "running", "seen", "spilled", "timer"
    )  # fmt: skip

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.name = LaneName.parse(key[1])
        self.pending: deque[Pending] = deque()
        self.spilled = False
        self.running = False
        # Failed attempts in a row, of the first message.
        self.failures = 0
        # Refusals of the first message since which its destination has taken others, and how many it had
        # taken at the last one.
        self.proven = 0
        self.seen = 0
        self.timer: asyncio.TimerHandle | None = None
        # When the next attempt is due, in Unix seconds.
        self.next_at: float | None = None

    def refused(self, accepted: Accepted) -> None:
        """Note that the first message was answered, but not taken."""
        taken = accepted.beside(self.name.kind)
        if self.pending[0].refusals > 1 and taken > self.seen:
            self.proven += 1
        self.seen = taken

    def moved_on(self) -> None:
        """Another message is the first now."""
        self.failures = 0
        self.proven = 0
        self.seen = 0


def reason_to_set_aside(
    pending: Pending, outcome: Outcome, proven: int, retry: Retry, now: float
) -> str | None:
    """Why a message is not tried again after a failed attempt; None if it is."""
    if outcome.reason is not None:
        return outcome.reason
    if outcome.refusal == "never":
        return "refused"
    if now * 1000 >= pending.expires_at:
        return "expired"
    if outcome.refusal == "message" and proven >= retry.refusals - 1 and pending.refusals >= retry.refusals:
        return "refusedRepeatedly"
    return None
