"""Tests in several processes: `pytest --workers 4`.

They are forked from the process that has collected the tests; each of pytest-xdist's collects them by itself,
which costs more than a thousand of them do. Whoever is free takes the next test, or all that share what their
module or folder makes.

Tests that are marked with `waits` spend their time waiting, for receive windows, time limits and other
processes. They have processes of their own beside the others, which end when there are no more of them: so
they begin with the first, and nobody has to wait for them at the end.
"""

from __future__ import annotations

import atexit
import multiprocessing
import pickle
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Iterable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, NamedTuple

import pytest

_fork = multiprocessing.get_context("fork")
Group = tuple[int, ...]
"""Numbers of tests that one process runs one after the other."""


class Event(NamedTuple):
    """What a worker tells: a call of one of pytest's hooks, by name, or "next", "broken"."""

    name: str
    given: dict[str, Any]


def grouped(items: Iterable[pytest.Item]) -> list[Group]:
    """Tests of the same `xdist_group` together, in the place of the first."""
    groups: dict[object, list[int]] = {}
    for number, item in enumerate(items):
        marker = item.get_closest_marker("xdist_group")
        groups.setdefault(number if marker is None else marker.args[0], []).append(number)
    return [tuple(group) for group in groups.values()]


# Processes for tests that wait.
WAITERS = 2


def waits(item: pytest.Item) -> bool:
    return item.get_closest_marker("waits") is not None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--workers", type=int, default=0, help="run the tests in so many processes, which are forked"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "waits: spends its time waiting (see tests/workers.py)")
    if (count := config.getoption("workers")) > 1:
        config.pluginmanager.register(Workers(count))


class Workers:
    """Plugin of pytest: runs what was collected in `count` processes."""

    def __init__(self, count: int) -> None:
        self._count = count

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed or session.config.option.collectonly or len(session.items) < 2:
            return None
        # A process that is forked has this thread alone. That of quickjs waits for work that nobody gives it.
        others = [each.name for each in threading.enumerate()[1:] if not each.name.startswith("quickjs-")]
        assert not others, f"collecting the tests has started {others}"
        run = _Run(session)
        try:
            for _ in range(min(WAITERS, len(run.waiting))):
                run.start_worker(waits=True)
            for _ in range(min(self._count, len(run.groups))):
                run.start_worker(waits=False)
            run.follow()
        finally:
            run.end()
        return True


class _Worker(NamedTuple):
    process: ForkProcess
    connection: Connection[Any, Any]
    taken: deque[int]
    """The test that runs, and those that follow."""
    waits: bool
    """Whether it runs tests that wait, and no others."""


class _Run:
    """The process that has collected the tests."""

    def __init__(self, session: pytest.Session) -> None:
        groups = grouped(session.items)
        self.waiting = deque(group for group in groups if waits(session.items[group[0]]))
        self.groups = deque(group for group in groups if not waits(session.items[group[0]]))
        self._session = session
        self._hook = session.config.hook
        self._workers: dict[Connection[Any, Any], _Worker] = {}
        self._started = 0
        self._folders: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        self._folders.getbasetemp()
        session.config.pluginmanager.getplugin("terminalreporter").showfspath = False

    def start_worker(self, *, waits: bool) -> None:
        ours, theirs = _fork.Pipe()
        self._started += 1
        others = [*self._workers, ours]
        folder = self._folders.getbasetemp() / f"worker-{self._started}"
        process = _fork.Process(target=_work, args=(self._session, theirs, others, folder))
        process.start()
        theirs.close()
        self._workers[ours] = _Worker(process, ours, deque(), waits)

    def follow(self) -> None:
        """Until all workers have ended."""
        while self._workers:
            ready = wait(list(self._workers))
            for worker in [self._workers[each] for each in self._workers if each in ready]:
                event = _heard(worker.connection)
                if event is None:
                    self._ended(worker)
                else:
                    self._take(worker, event)
                if self._session.shouldfail:
                    raise self._session.Failed(self._session.shouldfail)

    def _take(self, worker: _Worker, event: Event) -> None:
        given = event.given
        if event.name == "next":
            group = self._next(worker)
            worker.taken.extend(group)
            worker.connection.send(group)
            return
        if event.name == "broken":
            raise RuntimeError(f"a process of tests has ended:\n{given['why']}")
        if event.name == "pytest_runtest_logreport":
            given["report"] = self._hook.pytest_report_from_serializable(
                config=self._session.config, data=given["report"]
            )
        if event.name == "pytest_warning_recorded":
            given["warning_message"] = warnings.WarningMessage(**given["warning_message"])
            self._hook.pytest_warning_recorded.call_historic(kwargs=given)
            return
        getattr(self._hook, event.name)(**given)
        if event.name == "pytest_runtest_logfinish":
            worker.taken.popleft()

    def _next(self, worker: _Worker) -> Group:
        """Nothing where there is none left."""
        mine, others = (self.waiting, deque[Group]()) if worker.waits else (self.groups, self.waiting)
        return next((groups.popleft() for groups in (mine, others) if groups), ())

    def _ended(self, worker: _Worker) -> None:
        """As it should, or in the middle of a test, which has failed then; another one runs what it had
        taken."""
        del self._workers[worker.connection]
        worker.connection.close()
        worker.process.join()
        if not worker.taken:
            return
        item = self._session.items[worker.taken.popleft()]
        report = pytest.TestReport(
            item.nodeid,
            item.location,
            {},
            "failed",
            f"its process ended with {worker.process.exitcode}",
            "call",
        )
        self._hook.pytest_runtest_logreport(report=report)
        if worker.taken:
            (self.waiting if worker.waits else self.groups).appendleft(tuple(worker.taken))
        self.start_worker(waits=worker.waits)

    def end(self) -> None:
        """Those that still run end with their test."""
        for worker in self._workers.values():
            worker.connection.close()
        for worker in self._workers.values():
            worker.process.join()


def _heard(connection: Connection[Any, Any]) -> Event | None:
    """What comes next; None for the end."""
    try:
        event: Event = connection.recv()
    except (EOFError, ConnectionResetError):
        return None
    return event


class _Teller:
    """Plugin of pytest in a worker: what the terminal shows is shown by the first process."""

    def __init__(self, config: pytest.Config, connection: Connection[Any, Any]) -> None:
        self._config = config
        self._connection = connection

    def tell(self, name: str, **given: Any) -> None:
        self._connection.send(Event(name, given))

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self.tell("pytest_runtest_logstart", nodeid=nodeid, location=location)

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self.tell("pytest_runtest_logfinish", nodeid=nodeid, location=location)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self.tell("pytest_runtest_logreport", report=data)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        about: dict[str, Any] = {
            name: getattr(warning_message, name) for name in ("message", "category", "filename", "lineno")
        }
        try:
            pickle.loads(pickle.dumps(about))  # noqa: S301
        except Exception:
            about |= {"message": str(warning_message.message), "category": UserWarning}
        self.tell(
            "pytest_warning_recorded", warning_message=about, when=when, nodeid=nodeid, location=location
        )


def _work(
    session: pytest.Session, connection: Connection[Any, Any], others: list[Connection[Any, Any]], folder: Any
) -> None:
    """In the new process: run tests until there are none."""
    for other in others:
        other.close()
    config = session.config
    folder.mkdir(mode=0o700)
    folders: Any = config._tmp_path_factory  # type: ignore[attr-defined]
    folders._basetemp = folder
    atexit.unregister(folders._exit_stack.close)
    # What it prints is kept in files, of which each process needs its own.
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    config.pluginmanager.unregister(name="terminalreporter")
    teller = _Teller(config, connection)
    config.pluginmanager.register(teller)

    def take() -> Group:
        teller.tell("next")
        taken: Group = connection.recv()
        return taken

    try:
        group = take()
        while group:
            following: Group = ()
            for place, number in enumerate(group):
                if place + 1 == len(group):
                    following = take()
                # What the next one shares with this one stays.
                (successor,) = (*group, *following, None)[place + 1 : place + 2]
                config.hook.pytest_runtest_protocol(
                    item=session.items[number],
                    nextitem=None if successor is None else session.items[successor],
                )
            group = following
    except (EOFError, OSError, KeyboardInterrupt):
        # The first process has ended, or ends.
        pass
    except BaseException:
        teller.tell("broken", why=traceback.format_exc())
    finally:
        session._setupstate.teardown_exact(None)
        capture.stop_global_capturing()
        connection.close()
        # Which a process that was forked does not do by itself before Python 3.13.
        atexit._run_exitfuncs()
