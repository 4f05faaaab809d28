"""Processes of Veldnet that need not load it: they are forked from one that has (`tests/origin.py`).

Loading takes longer than most commands do. The process they are forked from is started once for all tests of
a run, and ends with it; each that was forked is killed when whoever asked for it ends, unless it is `kept`.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NamedTuple

ROOT = Path(__file__).parents[1]
VELDNET = "veldnet"
VAULT = "veldnet.assembly.vaults.process"

STARTED_VAULTS = "TEST_STARTED_VAULTS"
"""Who has this in its environment starts vaults as a server does for users: as its own children."""

# Which a process reads when it begins, and not again: where they differ, it must begin.
_READ_AT_THE_BEGINNING = (
    *("COVERAGE_", "FORCE_COLOR", "GITHUB_ACTIONS", "LANG", "LC_", "LD_", "MALLOC_", "PYTHON", "PY_COLORS"),
    *("TERMINAL_WIDTH", "_TYPER_"),
)
UNBUFFERED = "PYTHONUNBUFFERED"
NUMBER = struct.Struct("<i")
_PATIENCE = 60.0


class Request(NamedTuple):
    """What a process is to be. It finds what it is handed at the numbers `descriptors`."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    descriptors: list[int]
    kept: bool
    session: bool


class _Place:
    """Where one asks for processes, and the process that they all end with."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.folder = Path(tempfile.gettempdir()) / f"veldnet-origin-{self.owner}-{time.time_ns():x}"


_place = _Place()
_first_environment = dict(os.environ)


def use(folder: Path, owner: int) -> None:
    """In the process that others are forked from: they ask at the same place as whoever started it."""
    _place.folder, _place.owner = folder, owner


def can_be_forked(environment: Mapping[str, str]) -> bool:
    """Whether all that is read when a process begins is as it was when this run began. Lines that tests cover
    are counted in processes that begin."""
    if any(name.startswith("COVERAGE_PROCESS") for name in environment):
        return False
    differing = {n for n, _value in environment.items() ^ _first_environment.items()} - {UNBUFFERED}
    return not any(name.startswith(_READ_AT_THE_BEGINNING) for name in differing)


class Forked:
    """A process that was forked, as `subprocess.Popen` shows one."""

    stdout: IO[Any] | None = None

    def __init__(self, program: str, request: Request, handed: Sequence[int]) -> None:
        self.args = [program, *request.arguments]
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._connection = _connect(program)
        text = json.dumps(request).encode()
        socket.send_fds(self._connection, [NUMBER.pack(len(text))], list(handed))
        self._connection.sendall(text)
        self.pid = self._number()

    def _number(self) -> int:
        received = self._connection.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(received) < NUMBER.size:
            raise ChildProcessError(f"the process that {self.args} was forked from is gone")
        (number,) = NUMBER.unpack(received)
        return int(number)

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            ready = select.poll()
            ready.register(self._connection, select.POLLIN)
            if not ready.poll(None if timeout is None else max(timeout, 0) * 1000):
                return None
            with self._lock:
                if self.returncode is None:
                    self.returncode = self._number()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork(
    program: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    errors: IO[Any],
    session: bool = False,
) -> Forked:
    """A process whose standard output is read from `stdout`, as text."""
    request = Request(list(arguments), dict(environment), str(folder), [0, 1, 2], kept=False, session=session)
    ours, theirs = os.pipe()
    printed = os.fdopen(ours, "r")
    try:
        with Path(os.devnull).open("rb") as nothing:
            process = Forked(program, request, [nothing.fileno(), theirs, errors.fileno()])
    except BaseException:
        printed.close()
        raise
    finally:
        os.close(theirs)
    process.stdout = printed
    return process


def popen(command: Sequence[str], *, pass_fds: Sequence[int] = ()) -> Forked | subprocess.Popen[bytes]:
    """`subprocess.Popen` of a vault: it ends by itself when its server does, as all vaults must."""
    vault = tuple(command[:3]) == (sys.executable, "-m", VAULT)
    if not vault or os.environ.get(STARTED_VAULTS) or not can_be_forked(os.environ):
        return subprocess.Popen(command, pass_fds=pass_fds)
    handed = [0, 1, 2, *pass_fds]
    request = Request(list(command[3:]), dict(os.environ), str(Path.cwd()), handed, kept=True, session=False)
    return Forked(VAULT, request, handed)


# In the place of `subprocess` where vaults are started.
VAULT_STARTER = SimpleNamespace(Popen=popen)


# The process that others are forked from.


def address(program: str) -> str:
    return str(_place.folder / program)


def _connect(program: str) -> socket.socket:
    begin(program)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address(program))
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def begin(program: str) -> None:
    """Start the process, unless another process of this run has."""
    _place.folder.mkdir(mode=0o700, exist_ok=True)
    with (_place.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Path(address(program)).exists():
            return
        errors = _place.folder / f"{program}.errors"
        with errors.open("w") as said:
            started = subprocess.Popen(
                [sys.executable, "-m", "tests.origin", program, str(_place.folder), str(_place.owner)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Nothing of the one that asks first: it may end long before.
                stderr=said,
                env=_first_environment,
                start_new_session=True,
            )
        end = time.monotonic() + _PATIENCE
        while not Path(address(program)).exists():
            if started.poll() is not None or time.monotonic() > end:
                raise ChildProcessError(f"nothing to fork {program} from: {errors.read_text()}")
            time.sleep(0.01)
        # Not waited for: it ends with the run.
        started.returncode = 0


def clear() -> None:
    """The last that is asked for here is over."""
    shutil.rmtree(_place.folder, ignore_errors=True)


@atexit.register
def _clear_as_owner() -> None:
    if os.getpid() == _place.owner:
        clear()
