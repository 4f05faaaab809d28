"""Veldnet as processes of their own that need not load it: they are forked from one that has.

Loading takes longer than most commands do. Servers in walks of the documentation, and tests of the
distributions, start the program as users do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, NamedTuple, Protocol

_fork = multiprocessing.get_context("forkserver")
# What a server and most commands need. Nothing of it starts a thread or opens a file.
_fork.set_forkserver_preload(
    [
        "litestar.plugins.attrs",
        "litestar.plugins.pydantic.dto",
        "segno",
        "tests.e2e.programs",
        "uvicorn.lifespan.on",
        "uvloop",
        "veldnet.api.front.server",
        "veldnet.assembly.platform",
        "veldnet.cli.admin.devices",
        "veldnet.cli.main",
        "veldnet.cli.server",
        "veldnet.cli.serving",
        "veldnet.gateways.basics_station",
        "zoneinfo",
        # The last: it readies what the others have loaded.
        "tests.e2e.loaded",
    ]
)

# Variables that are read when a process begins: one that is forked from another does not look at them.
_READ_AT_THE_BEGINNING = frozenset({"LD_PRELOAD", "PYTHONPATH"})

PATIENCE = 120.0
"""Seconds that a command may take."""


class Running(Protocol):
    """What tests do with a process; `subprocess.Popen` has it, too."""

    @property
    def pid(self) -> int: ...

    @property
    def stdout(self) -> IO[str] | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Done(NamedTuple):
    """What a command has said. `returncode` is negative for a signal."""

    returncode: int
    stdout: str
    stderr: str


class _Forked:
    """A process that was forked, as `subprocess.Popen` shows one."""

    def __init__(
        self, arguments: tuple[str, ...], environment: dict[str, str], errors: Path, folder: Path
    ) -> None:
        ours, theirs = _fork.Pipe(duplex=False)
        self._process = _fork.Process(
            target=_main, args=(arguments, environment, theirs, str(errors), str(folder)), daemon=True
        )
        self._process.start()
        theirs.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.stdout: IO[str] = os.fdopen(os.dup(ours.fileno()), "r")
        ours.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("veldnet", timeout or 0)
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(*arguments: str, errors: Path, **environment: str) -> Running:
    """Start `veldnet` with these arguments; what it prints is read from `stdout`, and its errors are appended
    to a file."""
    return _start(arguments, environment, errors, Path.cwd())


def _start(arguments: tuple[str, ...], environment: dict[str, str], errors: Path, folder: Path) -> Running:
    if environment.keys().isdisjoint(_READ_AT_THE_BEGINNING):
        return _Forked(arguments, os.environ | environment, errors, folder)
    with errors.open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "veldnet", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
            env=os.environ | environment,
        )


def run(*arguments: str, **environment: str) -> Done:
    """Run `veldnet` to its end; one that does not end is killed."""
    return run_in(Path.cwd(), *arguments, **environment)


def run_in(folder: Path, /, *arguments: str, **environment: str) -> Done:
    """The same in `folder`."""
    with tempfile.TemporaryDirectory(prefix="veldnet-command-") as kept:
        errors = Path(kept) / "errors"
        process = _start(arguments, environment, errors, folder)
        assert process.stdout is not None
        with process.stdout:
            killer = _kill_after(process, PATIENCE)
            try:
                printed = process.stdout.read()
                code = process.wait(PATIENCE)
            finally:
                killer.cancel()
        return Done(code, printed, errors.read_text())


def _kill_after(process: Running, seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    return timer


def _main(
    arguments: tuple[str, ...], environment: dict[str, str], printed: Connection, errors: str, folder: str
) -> None:
    """In the new process: be `veldnet`."""
    os.chdir(folder)
    os.dup2(printed.fileno(), 1)
    printed.close()
    log = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["veldnet", *arguments]
    from veldnet.cli.entry import main

    main()
