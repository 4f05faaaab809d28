"""Supervision: what fails is logged, counted, named while it is down, and restarted with back-off."""

from __future__ import annotations

import asyncio
import itertools

import structlog

from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor
from veldnet.texts import in_language


class FromOutside(Exception):
    """An error that is expected."""


def test_b2_a_kept_task_is_restarted_with_back_off_and_named_while_it_is_down() -> None:
    async def story() -> None:
        supervisor = Supervisor(longest_wait=8.0)
        begun: list[float] = []
        loop = asyncio.get_running_loop()

        async def work() -> None:
            begun.append(loop.time())
            if len(begun) <= 5:
                raise RuntimeError("secret detail")
            await asyncio.Event().wait()

        supervisor.keep("worker", work)
        await asyncio.sleep(0.5)
        (problem,) = supervisor.problems()
        assert problem == "worker has failed (RuntimeError) and is restarted"
        assert in_language(problem, "nl") == "worker is mislukt (RuntimeError) en wordt opnieuw gestart"
        await asyncio.sleep(40)
        assert [round(after - before) for before, after in itertools.pairwise(begun)] == [*(1, 2, 4, 8, 8)]
        assert supervisor.failures == {"worker": 5}
        assert supervisor.problems() == []
        await supervisor.stop()

    run_virtually(story())


def test_b2_work_that_returns_is_not_restarted() -> None:
    async def story() -> None:
        supervisor = Supervisor()
        runs = []

        async def work() -> None:
            runs.append(1)
            if len(runs) == 1:
                raise RuntimeError

        task = supervisor.keep("once", work)
        await task
        assert len(runs) == 2 and supervisor.problems() == []

    run_virtually(story())


def test_b2_a_chore_goes_on_after_failures() -> None:
    async def story() -> None:
        supervisor = Supervisor()
        at: list[float] = []

        async def chore() -> None:
            at.append(asyncio.get_running_loop().time())
            if len(at) in (2, 3, 4):
                raise ValueError

        supervisor.repeat("chore", 1.0, chore)
        await asyncio.sleep(2.5)
        assert supervisor.problems() == ["chore has failed (ValueError) and is restarted"]
        await asyncio.sleep(8)
        assert at == [1, 2, 3, 5, 9, 10]
        assert supervisor.failures["chore"] == 3 and not supervisor.problems()
        await supervisor.stop()

    run_virtually(story())


def test_b2_a_failure_from_outside_is_a_line_and_a_defect_a_traceback() -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def story() -> None:
        supervisor = Supervisor(expected=(FromOutside,))
        with structlog.testing.capture_logs() as logs:
            await supervisor.start("load", fail(FromOutside("disk")))
            defect = KeyError("x")
            await supervisor.start("load", fail(defect))
        assert logs[0]["error"] == "FromOutside: disk" and "exc_info" not in logs[0]
        assert logs[1]["exc_info"] is defect
        assert supervisor.failures["load"] == 2 and supervisor.problems() == []

    run_virtually(story())


def test_b2_errors_of_callbacks_are_counted() -> None:
    async def story() -> None:
        supervisor = Supervisor()
        loop = asyncio.get_running_loop()
        supervisor.watch_loop(loop)
        loop.call_later(1.0, lambda: 1 // 0)
        await asyncio.sleep(2)
        assert supervisor.failures == {"event loop callback": 1}

    run_virtually(story())
