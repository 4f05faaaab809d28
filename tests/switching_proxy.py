"""A TCP proxy before Unix sockets of servers, as stands before a database that has a standby."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path


class SwitchingProxy:
    """Connections go to the server that was named last; those to another one are broken. Threads, since tests
    ask the database in the thread of their loop."""

    def __init__(self, target: Path) -> None:
        # Connections that were asked for.
        self.asked = 0
        self._target = target
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._run(self._accept)

    def switch(self, target: Path) -> None:
        self._target = target
        for each in list(self._open):
            _end(each)

    def stop(self) -> None:
        _end(self._listening)
        self.switch(self._target)

    @staticmethod
    def _run(work: Callable[..., None], *arguments: socket.socket) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listening.accept()
                self.asked += 1
                far = socket.socket(socket.AF_UNIX)
                try:
                    far.connect(str(self._target))
                except OSError:
                    near.close()
                    far.close()
                    continue
                self._open |= {near, far}
                self._run(self._copy, near, far)
                self._run(self._copy, far, near)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        _end(target)
        self._open.discard(source)
        source.close()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
