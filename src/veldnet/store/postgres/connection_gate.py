"""Connections to a server that may be away: one attempt at a time then, for all who want one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from veldnet.store.interface import StoreError

T = TypeVar("T")

# Seconds between two attempts, doubling from the first to the longest.
FIRST, LONGEST = 0.1, 1.0


class NotReached(psycopg.OperationalError):
    """No connection could be opened; what was to be done on it has not begun."""


class ConnectionGate:
    """Threads that open connections. Once an attempt has failed, they wait for the next one together, which
    comes after a pause, and share its end. While the server is there nobody waits for anybody."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._failed: Exception | None = None
        # Attempts that failed, and when the next one may come, by the monotonic clock.
        self._failures = 0
        self._pause = 0.0
        self._next = 0.0

    def open(self, attempt: Callable[[], T]) -> T:
        """Raises `NotReached`, or the `StoreError` that an attempt has raised."""
        if self._failed is None:
            return self._try(attempt)
        before = self._failures
        with self._turn:
            failed = self._failed
            if failed is not None:
                if self._failures != before:
                    raise _again(failed) from failed
                time.sleep(max(self._next - time.monotonic(), 0.0))
            return self._try(attempt)

    def _try(self, attempt: Callable[[], T]) -> T:
        try:
            made = attempt()
        except (psycopg.Error, StoreError) as error:
            now = time.monotonic()
            # Those that were under way together count as one.
            if now >= self._next:
                self._pause = min(max(2 * self._pause, FIRST), LONGEST)
                self._next = now + self._pause
            self._failures += 1
            self._failed = error
            raise _again(error) from error
        self._failed, self._pause = None, 0.0
        return made


def _again(error: Exception) -> Exception:
    """An error of an attempt for one more thread."""
    return type(error)(*error.args) if isinstance(error, StoreError) else NotReached(str(error))
