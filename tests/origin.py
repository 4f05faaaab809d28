"""A process that others are forked from: `python -m tests.origin PROGRAM FOLDER OWNER` (`tests/forked.py`).

It has no thread. That of `veldnet` loads what a server and most commands need, that of vaults only what they
need: they lock all of their memory, so there must be little of it.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple, NoReturn

from tests import forked
from tests.forked import NUMBER, UNBUFFERED, VAULT, VELDNET, Request

Main = Callable[[list[str]], None]


class _Child(NamedTuple):
    pid: int
    ended: int
    """Which can be read when it has ended."""
    connection: socket.socket
    kept: bool


class Origin:
    """Forks a process for each connection, tells its number, and how it has ended."""

    def __init__(self, listener: socket.socket, owner: int, main: Main) -> None:
        self._listener = listener
        self._main = main
        self._owner = os.pidfd_open(owner)
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._take)
        self._selector.register(self._owner, selectors.EVENT_READ, self._end)

    def serve(self) -> NoReturn:
        while True:
            for key, _events in self._selector.select():
                key.data()

    def _take(self) -> None:
        connection, _address = self._listener.accept()
        connection.settimeout(30)
        # Whoever asked may be gone.
        with suppress(OSError, ValueError):
            start, handed, _flags, _from = socket.recv_fds(connection, NUMBER.size, 16)
            (length,) = NUMBER.unpack(start)
            with connection.makefile("rb") as rest:
                request = Request(*json.loads(rest.read(length)))
            self._fork(connection, request, handed)
            return
        connection.close()

    def _fork(self, connection: socket.socket, request: Request, handed: Sequence[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self._leave()
            connection.close()
            _become(request, handed, self._main)
        for each in handed:
            os.close(each)
        child = _Child(pid, os.pidfd_open(pid), connection, request.kept)
        self._children[pid] = child
        self._selector.register(child.ended, selectors.EVENT_READ, lambda: self._ended(child))
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._left(child))
        with suppress(OSError):
            connection.sendall(NUMBER.pack(pid))

    def _ended(self, child: _Child) -> None:
        del self._children[child.pid]
        self._selector.unregister(child.ended)
        os.close(child.ended)
        _pid, status = os.waitpid(child.pid, 0)
        with suppress(OSError):
            child.connection.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
        self._forget(child)

    def _left(self, child: _Child) -> None:
        """Whoever asked for it is gone."""
        self._forget(child)
        if not child.kept and child.pid in self._children:
            os.kill(child.pid, signal.SIGKILL)

    def _forget(self, child: _Child) -> None:
        if child.connection.fileno() >= 0:
            self._selector.unregister(child.connection)
            child.connection.close()

    def _end(self) -> NoReturn:
        """The tests are over."""
        for child in self._children.values():
            os.kill(child.pid, signal.SIGKILL)
        forked.clear()
        os._exit(0)

    def _leave(self) -> None:
        """In a new process: nothing of this one is open in it."""
        self._selector.close()
        self._listener.close()
        os.close(self._owner)
        for child in self._children.values():
            os.close(child.ended)
            child.connection.close()


def _become(request: Request, handed: Sequence[int], main: Main) -> NoReturn:
    gc.enable()
    above = max(request.descriptors) + 1
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, above) for each in handed]
    for each in handed:
        os.close(each)
    for each, number in zip(moved, request.descriptors, strict=True):
        os.dup2(each, number)
        os.close(each)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    os.chdir(request.folder)
    if request.session:
        os.setsid()
    if request.environment.get(UNBUFFERED):
        assert isinstance(sys.stdout, TextIOWrapper)
        sys.stdout.reconfigure(write_through=True)
    os._exit(_finish(_run(main, request.arguments)))


def _run(main: Main, arguments: list[str]) -> int:
    """As Python runs a program; returns the exit status."""
    try:
        main(arguments)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _finish(status: int) -> int:
    """What Python does before a process ends, but to clear its memory."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        status = 120
    with suppress(OSError):
        sys.stderr.flush()
    return status


# What the processes are.


def _veldnet(arguments: list[str]) -> None:
    from veldnet.assembly.vaults import process
    from veldnet.cli.entry import main

    vars(process)["subprocess"] = forked.VAULT_STARTER
    sys.argv = [VELDNET, *arguments]
    main()


def _vault(arguments: list[str]) -> None:
    from veldnet.assembly.vaults.process import main

    sys.exit(main(arguments))


def listen(program: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{forked.address(program)}.part")
    listener.listen(100)
    # There is none under this name that does not listen.
    Path(f"{forked.address(program)}.part").rename(forked.address(program))
    return listener


_MAINS = {VELDNET: (_veldnet, "tests.e2e.loaded"), VAULT: (_vault, VAULT)}


def main(program: str, folder: str, owner: int) -> NoReturn:
    forked.use(Path(folder), owner)
    listener = listen(program)
    main, module = _MAINS[program]
    # What is loaded stays: to look for garbage among it would copy all of it into each process.
    gc.disable()
    import_module(module)
    gc.collect()
    gc.freeze()
    others = [each.name for each in threading.enumerate()[1:]]
    assert not others, f"loading has started {others}"
    Origin(listener, owner, main).serve()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
