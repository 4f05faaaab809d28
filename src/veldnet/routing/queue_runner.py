"""Runs delivery queues: each at once, in its turn at a busy destination, or when its wait is over."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection

from veldnet.network.shell import Runtime

from .attempts import TASK
from .delivery_queue import DeliveryQueue, Destination, Limits, Retry
from .flow import Scheduler
from .held import HeldMessages


class QueueRunner:
    """`drain` delivers what is in a queue; it returns seconds to wait after a failure, None when nothing is
    left."""

    def __init__(
        self,
        drain: Callable[[DeliveryQueue], Awaitable[float | None]],
        held: HeldMessages,
        runtime: Runtime,
        retry: Retry,
        limits: Limits,
    ) -> None:
        self.scheduler: Scheduler[DeliveryQueue] = Scheduler(
            self._start, most_each=limits.each, most=limits.all
        )
        self._drain, self._held, self._retry = drain, held, retry
        self._supervisor, self._rng = runtime.supervisor, runtime.rng
        self._destinations: defaultdict[str, Destination] = defaultdict(Destination)
        self._tasks: dict[asyncio.Task[None], DeliveryQueue] = {}
        self._closed = False

    def destination(self, queue: DeliveryQueue) -> Destination:
        return self._destinations[queue.destination]

    def make_ready(self, queue: DeliveryQueue) -> None:
        """Run a queue now, or when its destination has room."""
        if queue.running or queue.timer is not None or queue.closed or self._closed:
            return
        queue.running = True
        self.scheduler.submit(queue.destination, queue)

    def end_wait(self, queue: DeliveryQueue) -> None:
        """Have a queue not wait any longer."""
        if queue.timer is not None:
            queue.timer.cancel()
            self._wait_over(queue)

    def recovered(self, destination: Destination) -> None:
        """A destination accepts messages: the queues that had no answer from it need not wait any longer."""
        for queue in destination.to_wake(asyncio.get_running_loop().time()):
            self.end_wait(queue)

    def _start(self, queue: DeliveryQueue) -> None:
        task = self._supervisor.start(TASK, self._run(queue))
        self._tasks[task] = queue
        task.add_done_callback(self._tasks.pop)

    async def _run(self, queue: DeliveryQueue) -> None:
        wait: float | None = self._retry.longest
        try:
            wait = await self._drain(queue)
        except Exception as error:
            # The store did not answer, or a defect: the queue goes on, later.
            self._supervisor.caught(TASK, error)
            queue.failures += 1
            wait = self._retry.wait(queue.failures, self._rng)
        finally:
            queue.running = False
            self._rest(queue, wait)
            if not self._closed:
                self.scheduler.release(queue.destination)

    def _rest(self, queue: DeliveryQueue, wait: float | None) -> None:
        """What a queue does when it does not run."""
        if self._closed or queue.closed:
            return
        if wait is not None:
            queue.timer = asyncio.get_running_loop().call_later(wait, self._wait_over, queue)
            if queue.unanswered:
                self.destination(queue).waiting.add(queue)
        elif queue.pending or queue.spilled:
            self.make_ready(queue)
        else:
            self._held.drop(queue.key)

    def _wait_over(self, queue: DeliveryQueue) -> None:
        queue.timer = None
        queue.next_at = None
        self.destination(queue).waiting.discard(queue)
        self.make_ready(queue)

    # Queues that end here, because another node goes on with them or the process stops.

    def close(self, partitions: Collection[int]) -> set[DeliveryQueue]:
        """Begin no more attempts for the devices of partitions; returns their queues."""
        closed = {queue for queue in self._held.queues.values() if queue.partition in partitions}
        for queue in closed:
            queue.closed = True
            if queue.timer is not None:
                queue.timer.cancel()
                queue.timer = None
            self.destination(queue).waiting.discard(queue)
        return closed

    def cancel(self, queues: Collection[DeliveryQueue]) -> None:
        """End attempts under way."""
        for task in self._running(queues):
            task.cancel()

    async def finish(self, queues: Collection[DeliveryQueue], seconds: float) -> None:
        """Let attempts under way end, for a while."""
        running = self._running(queues)
        if running:
            await asyncio.wait(running, timeout=seconds)

    def _running(self, queues: Collection[DeliveryQueue]) -> list[asyncio.Task[None]]:
        return [task for task, queue in self._tasks.items() if queue in queues]

    def abandon(self) -> None:
        """Begin nothing more, and end everything under way."""
        self._close_all()
        for task in self._tasks:
            task.cancel()

    async def stop(self, grace: float) -> None:
        """Begin nothing more; attempts under way may end."""
        self._close_all()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()

    def _close_all(self) -> None:
        self._closed = True
        for queue in self._held.queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
