"""Veldnet as processes of their own that need not load it: see `tests/forked.py`.

Started as users start them are: all of `test_first_steps.py` and `test_container.py`, the sandboxes that
tests of customers start (`test_ci.py`), vaults that are looked into (`test_keys.py`, `test_hsm_groups.py`,
three in `tests/contract/test_vault.py`), and whatever has variables that are read when a process begins.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from tests import forked

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


def start(*arguments: str, errors: Path, **environment: str) -> Running:
    """Start `veldnet` with these arguments; what it prints is read from `stdout`, and its errors are appended
    to a file."""
    return _start(arguments, environment, errors, Path.cwd())


def _start(arguments: tuple[str, ...], environment: dict[str, str], errors: Path, folder: Path) -> Running:
    whole = os.environ | environment
    with errors.open("a") as log:
        if forked.can_be_forked(whole):
            return forked.fork(forked.VELDNET, arguments, environment=whole, folder=folder, errors=log)
        return subprocess.Popen(
            [sys.executable, "-m", "veldnet", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
            env=whole,
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
