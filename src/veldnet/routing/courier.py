"""Delivers the messages of a queue in order, and decides what becomes of those that are not accepted."""

from __future__ import annotations

import asyncio
from collections import Counter

from veldnet.network.shell import Runtime
from veldnet.store import AttemptRow
from veldnet.texts import pack

from .attempts import Attempts
from .delivery_queue import DeliveryQueue, Pending, Retry, reason_to_set_aside
from .held import HeldMessages
from .outbox import Ended, Results
from .queue_runner import QueueRunner
from .transports import Outcome

# Seconds until a queue looks for more in the store, where the commit of what it delivered is not done.
PAUSE = 0.05


class DeliveryCounters:
    """What happened since the start."""

    def __init__(self) -> None:
        self.delivered = 0
        self.undelivered = 0
        self.attempts: Counter[str] = Counter()
        self.set_aside: Counter[str] = Counter()


class Courier:
    """What ends or fails here is written by the `outbox`."""

    def __init__(
        self,
        attempts: Attempts,
        runner: QueueRunner,
        held: HeldMessages,
        outbox: Results,
        runtime: Runtime,
        retry: Retry,
    ) -> None:
        self.counters = DeliveryCounters()
        self._attempts, self._runner, self._held, self._outbox = attempts, runner, held, outbox
        self._clock, self._rng, self._retry = runtime.clock, runtime.rng, retry

    async def drain(self, queue: DeliveryQueue) -> float | None:
        """Deliver in order; returns seconds to wait after a failure, None when nothing is left."""
        while not queue.closed:
            if not queue.pending:
                if not queue.spilled:
                    return None
                await self._held.load(queue)
                if not queue.pending:
                    # What fills the page has ended and waits for its commit.
                    self._outbox.hurry()
                    return PAUSE if queue.spilled else None
            head = queue.pending[0]
            if head.id > queue.proof:
                queue.proof = 0
            outcome, ended = await self._try(queue, head)
            if ended:
                self._moved_on(queue)
                continue
            queue.failures += 1
            wait = self._retry.wait(queue.failures, self._rng, outcome.retry_after)
            if outcome.refusal == "message" and await self._others_are_taken(queue, head, wait):
                self._moved_on(queue)
                continue
            self._note(queue, head, outcome, wait)
            return wait
        return None

    def _moved_on(self, queue: DeliveryQueue) -> None:
        queue.moved_on()
        self._runner.destination(queue).found(queue)
        if queue.searched and not queue.closed:
            self._held.begin_again(queue)

    async def _try(self, queue: DeliveryQueue, pending: Pending) -> tuple[Outcome, bool]:
        """Try a message; returns the outcome, and whether the message has ended with it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome = await self._attempts.make(queue, pending)
        seconds = loop.time() - started
        self.counters.attempts[outcome.status] += 1
        destination = self._runner.destination(queue)
        queue.unanswered = not outcome.delivered and outcome.refusal is None
        if outcome.delivered:
            destination.count(queue.name.kind, pending.refusals)
            self._end(queue, pending, outcome, None, seconds)
            if destination.waiting:
                self._runner.recovered(destination)
            return outcome, True
        if outcome.refusal == "message":
            pending.refusals += 1
            if queue.pending[0] is pending:
                queue.refused(destination)
        needed = destination.refusals_needed(self._retry.refusals)
        reason = reason_to_set_aside(pending, outcome, queue.proven, needed, self._clock())
        if reason is None and outcome.refusal == "message" and self._at_fault(queue, pending, needed):
            reason = "refusedRepeatedly"
        if reason is None:
            return outcome, False
        self._end(queue, pending, outcome, reason, seconds)
        return outcome, True

    async def _others_are_taken(self, queue: DeliveryQueue, head: Pending, wait: float) -> bool:
        """A message that is refused again and again must not keep those behind it: where one of them is
        taken, those before it that are refused once more are set aside."""
        needed = self._runner.destination(queue).refusals_needed(self._retry.refusals)
        if head.refusals < needed:
            return False
        for probe in await self._probes(queue, needed):
            if queue.closed:
                return False
            behind, ended = await self._try(queue, probe)
            if behind.delivered:
                # The server may have recovered just now: those before it are tried once more.
                queue.taken(probe)
                return True
            if ended:
                continue
            self._note(queue, probe, behind, wait)
            if behind.refusal != "message":
                return False
            if probe.refusals == needed:
                queue.passed += 1
        return False

    async def _probes(self, queue: DeliveryQueue, needed: int) -> list[Pending]:
        """The messages behind the first one that are tried now; none where all were refused often enough."""
        destination = self._runner.destination(queue)
        most = destination.width(queue)
        probes = queue.probes(needed, most)
        if not probes and queue.spilled:
            await self._held.load_behind(queue)
            probes = queue.probes(needed, most)
        if not probes:
            destination.found(queue)
        return probes

    def _at_fault(self, queue: DeliveryQueue, pending: Pending, needed: int) -> bool:
        """Whether a message that was refused is set aside because one behind it was taken before. Where the
        server refuses at random, it must have been refused often enough."""
        if pending.id >= queue.proof:
            return False
        at_random = needed > self._retry.refusals
        return not at_random or pending.refusals >= needed or pending.id <= queue.judged

    def _note(self, queue: DeliveryQueue, pending: Pending, outcome: Outcome, wait: float) -> None:
        """Have it written what was answered to a message that waits."""
        now = self._clock()
        queue.next_at = now + wait
        self._outbox.attempted(
            AttemptRow(
                pending.attempts,
                None if outcome.error is None else pack(outcome.error),
                int(now * 1000),
                int(queue.next_at * 1000),
                outcome.url,
                pending.id,
            )
        )

    def _end(
        self, queue: DeliveryQueue, pending: Pending, outcome: Outcome, reason: str | None, seconds: float
    ) -> None:
        """Take a message off its queue; the next commit writes what became of it."""
        self._held.remove(queue, pending)
        if reason is None:
            self.counters.delivered += 1
        else:
            self.counters.undelivered += 1
            self.counters.set_aside[reason] += 1
        at = int(self._clock() * 1000)
        self._outbox.ended(Ended.of(pending, outcome, reason, at, round(seconds * 1000)))
