"""Delivery queue of a device to one destination: order of messages, and handling of refused ones."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Collection
from itertools import islice
from math import ceil, log

import msgspec

from .ledger import UPLINK, QueueKey, QueueName, StoredMessage
from .transports import Outcome

# Messages behind a refused one that are tried at a time, to learn whether the server takes others: the
# fewest, and the most of the one queue of a destination that is searched widely.
_PROBES, _WIDEST = 3, 96


class Limits(msgspec.Struct, frozen=True):
    """How long messages are tried in seconds, how many are held in memory, and how many are under way at
    most, to one destination and to all."""

    retention: float = 86_400.0
    in_memory: int = 20_000
    each: int = 256
    all: int = 4_096


class Retry(msgspec.Struct, frozen=True):
    """Waits between attempts, in seconds: doubling from `first` to `longest`, each a little random. A message
    refused `refusals` times, or more where its server refuses many, while it accepts others is set aside."""

    first: float = 1.0
    longest: float = 300.0
    refusals: int = 5

    def wait(self, failures: int, rng: random.Random, asked: float | None = None) -> float:
        """`asked` is what the server has asked for."""
        doubled = self.first * (1 << min(max(failures - 1, 0), 20))
        wait = min(doubled, self.longest) * rng.uniform(0.8, 1.2)
        return wait if asked is None else min(max(wait, asked), self.longest)


class Pending(msgspec.Struct):
    """A delivery under way in memory. `orphan`: its device was deleted."""

    id: int
    frame_id: int
    subscriber_ref: int
    expires_at: int
    message: StoredMessage
    attempts: int = 0
    refusals: int = 0
    orphan: bool = False


# How likely it may be that a message is set aside though its server has refused it by chance.
_BY_CHANCE = 1e-4
_MOST_REFUSALS = 50
# Messages accepted after which those before count half.
_REMEMBERED = 1000
# Seconds between two times that waiting queues are woken: a server that comes and goes is not hammered.
_WAKE_EVERY = 10.0


class Destination:
    """What is known of a destination since the start."""

    __slots__ = ("_accepted", "_recovered", "_woken_at", "others", "searched", "uplinks", "waiting")

    def __init__(self) -> None:
        # What it has accepted, by whether it was uplinks.
        self.uplinks = 0
        self.others = 0
        # Delivery queues that had no answer and wait for their next attempt.
        self.waiting: set[DeliveryQueue] = set()
        self._woken_at = float("-inf")
        # Of which one many messages are tried at a time; a server that refuses all is not asked much more.
        self.searched: DeliveryQueue | None = None
        # Messages accepted of late, and how often they had been refused before.
        self._accepted = 0.0
        self._recovered = 0.0

    def count(self, kind: str, refusals: int) -> None:
        """Count a message that was accepted after so many refusals."""
        if kind == UPLINK:
            self.uplinks += 1
        else:
            self.others += 1
        if self._accepted >= _REMEMBERED:
            self._accepted /= 2
            self._recovered /= 2
        self._accepted += 1
        self._recovered += refusals

    def refusals_needed(self, least: int) -> int:
        """How often a message must be refused until that is hardly by chance. Messages that are accepted
        after refusals tell how often the destination refuses by chance."""
        if not self._recovered:
            return least
        share = self._recovered / (self._recovered + self._accepted)
        return max(least, min(ceil(log(_BY_CHANCE) / log(share)), _MOST_REFUSALS))

    def width(self, queue: DeliveryQueue) -> int:
        """How many messages behind the first one of a queue are tried at a time: of one queue as many as were
        refused often enough before, so that a long row of them takes few turns."""
        if self.searched is None or self.searched.closed:
            self.searched = queue
        return min(max(_PROBES, queue.passed), _WIDEST) if self.searched is queue else _PROBES

    def found(self, queue: DeliveryQueue) -> None:
        """The search in a queue has ended."""
        if self.searched is queue:
            self.searched = None

    def beside(self, kind: str) -> int:
        """What says that a message of a kind is refused for its own sake: for uplinks, that other uplinks are
        accepted; for the rest, that anything is."""
        return self.uplinks if kind == UPLINK else self.uplinks + self.others

    def to_wake(self, now: float) -> list[DeliveryQueue]:
        """Delivery queues that need not wait, as the destination answers again; `now` is monotonic."""
        if not self.waiting or now - self._woken_at < _WAKE_EVERY:
            return []
        self._woken_at = now
        queues = list(self.waiting)
        self.waiting.clear()
        return queues


class DeliveryQueue:
    """Deliveries of one device to one destination, of one kind; `spilled`: the store has more."""

    __slots__ = (
        "closed", "destination", "failures", "judged", "key", "listed", "name", "next_at", "partition",
        "passed", "pending", "proof", "proven", "running", "searched", "seen", "spilled", "timer",
        "unanswered",
    )  # fmt: skip

    def __init__(self, key: QueueKey, partition: int) -> None:
        self.key = key
        # Of its device.
        self.partition = partition
        # Another node delivers what is left.
        self.closed = False
        self.name = QueueName.parse(key[1])
        self.destination = self.name.destination
        self.pending: deque[Pending] = deque()
        self.spilled = False
        # What the store had when it was asked last.
        self.listed: Collection[int] = ()
        self.running = False
        # Failed attempts in a row, of the first message.
        self.failures = 0
        # Refusals of the first message since which its destination has taken others, and how many it had
        # taken at the last one.
        self.proven = 0
        self.seen = 0
        # How many behind the first one were refused often enough, and up to which number they are in the
        # store alone; 0 where memory has all from the first one to the last one.
        self.passed = 0
        self.searched = 0
        # The number of a message that was taken though those before it were not, and up to which number those
        # were refused often enough.
        self.proof = 0
        self.judged = 0
        self.timer: asyncio.TimerHandle | None = None
        # Whether the last attempt had no answer.
        self.unanswered = False
        # When the next attempt is due, in Unix seconds.
        self.next_at: float | None = None

    def refused(self, destination: Destination) -> None:
        """Note that the first message was answered, but not taken."""
        taken = destination.beside(self.name.kind)
        if self.pending[0].refusals > 1 and taken > self.seen:
            self.proven += 1
        self.seen = taken

    def probes(self, needed: int, most: int) -> list[Pending]:
        """The messages to try behind the first one. Those refused often enough are passed over: were they
        tried again and again, a few of them would hold up all behind them."""
        behind = islice(self.pending, 1, None)
        return list(islice((each for each in behind if each.refusals < needed), most))

    def taken(self, probe: Pending) -> None:
        """Note that a message behind the first one was taken."""
        self.proof, self.judged = probe.id, self.searched

    def moved_on(self) -> None:
        """Another message is the first now."""
        self.failures = 0
        self.proven = 0
        self.seen = 0
        self.passed = 0


def reason_to_set_aside(
    pending: Pending, outcome: Outcome, proven: int, needed: int, now: float
) -> str | None:
    """Why a message is not tried again after a failed attempt; None if it is. `needed` refusals say that the
    message itself is at fault."""
    if outcome.reason is not None:
        return outcome.reason
    if outcome.refusal == "never":
        return "refused"
    if now * 1000 >= pending.expires_at:
        return "expired"
    if outcome.refusal == "message" and proven >= needed - 1 and pending.refusals >= needed:
        return "refusedRepeatedly"
    return None
