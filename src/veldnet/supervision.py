"""Supervises long-lived tasks: failures are logged and counted, and the task is restarted.

Three kinds of work are watched. A task that `keep`s running is restarted with back-off when it fails. A chore
that comes round (`repeat`) is tried again. A piece of work that ends by itself (`start`, or a callback that
reports with `caught`) is only logged and counted: whoever started it knows what to do without it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from veldnet.texts import Text

log = structlog.get_logger(__name__)

# Seconds before a failed task is restarted, doubling from the first to the longest.
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0


class Supervisor:
    """Watches the tasks of one process, on its event loop.

    `expected` are errors that are logged in one line, for they come from outside (a store that does not
    answer); any other is a defect and is logged with its traceback.
    """

    def __init__(
        self,
        *,
        expected: tuple[type[Exception], ...] = (),
        first_wait: float = FIRST_WAIT,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        # Failures since the start, by task.
        self.failures: Counter[str] = Counter()
        self._expected = expected
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._down: dict[str, str] = {}
        self._kept: set[asyncio.Task[None]] = set()
        self._started: set[asyncio.Task[None]] = set()

    # Tasks.

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `work` until it returns or is cancelled; restart it with back-off whenever it fails."""
        return self._keeping(self._restart(name, work))

    def repeat(self, name: str, every: float, chore: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `chore` after every so many seconds, less often while it fails."""
        return self._keeping(self._again(name, every, chore))

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a piece of work that ends by itself. The task does not raise; it is cancelled by its owner."""
        task = asyncio.get_running_loop().create_task(self._once(name, work))
        self._started.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._started.discard(task)
            # A task that is cancelled before its first step never awaits it.
            work.close()

        task.add_done_callback(ended)
        return task

    def _keeping(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return task

    async def _restart(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            # A task counts as up again once it has lasted as long as it had to wait.
            wait = self._wait(failures)
            settled = loop.call_later(wait, self.recovered, name) if failures else None
            begun = loop.time()
            try:
                await work()
            except Exception as error:
                failures = failures + 1 if loop.time() - begun < self._longest_wait else 1
                self.failed(name, error)
            else:
                self.recovered(name)
                return
            finally:
                if settled is not None:
                    settled.cancel()
            await asyncio.sleep(self._wait(failures))

    async def _again(self, name: str, every: float, chore: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            await asyncio.sleep(max(every, self._wait(failures)) if failures else every)
            try:
                await chore()
            except Exception as error:
                failures += 1
                self.failed(name, error)
            else:
                failures = 0
                self.recovered(name)

    async def _once(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self.caught(name, error)

    def _wait(self, failures: int) -> float:
        return min(self._first_wait * (1 << min(max(failures - 1, 0), 20)), self._longest_wait)

    # Failures.

    def caught(self, name: str, error: BaseException) -> None:
        """Log and count a failure after which work goes on by itself."""
        self.failures[name] += 1
        if isinstance(error, self._expected):
            log.error("task_failed", task=name, error=f"{type(error).__name__}: {error}")
        else:
            log.error("task_failed", task=name, exc_info=error)

    def failed(self, name: str, error: BaseException) -> None:
        """As `caught`, and name the task in `problems` until `recovered` is called."""
        self.caught(name, error)
        # Not the text of the error: this is shown to anybody who asks whether the server is ready.
        self._down[name] = type(error).__name__

    def recovered(self, name: str) -> None:
        """Note that a task works again."""
        if self._down.pop(name, None) is not None:
            log.info("task_recovered", task=name)

    def guard(self, name: str, callback: Callable[..., object], *arguments: object) -> None:
        """Call something that must not end its caller."""
        try:
            callback(*arguments)
        except Exception as error:
            self.caught(name, error)

    def problems(self) -> list[str]:
        """The tasks that are down, in words."""
        return [
            Text("{name} has failed ({error}) and is restarted", name=name, error=error)
            for name, error in self._down.items()
        ]

    def watch_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Log and count also what callbacks of timers and sockets raise."""

        def unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            error = context.get("exception")
            if isinstance(error, BaseException):
                self.caught("event loop callback", error)
            else:
                log.error("event_loop", message=context.get("message"))

        loop.set_exception_handler(unhandled)

    async def stop(self) -> None:
        """Cancel what is kept running, and wait for its end. What was started ends with its owner."""
        tasks = list(self._kept)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
