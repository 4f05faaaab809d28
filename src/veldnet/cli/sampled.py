"""`python -m veldnet.cli.sampled FILE COMMAND ...`: a command of `veldnet` whose processor time is sampled.

SIGUSR1 begins, SIGUSR2 ends it and writes the stacks to the file. The kernel interrupts the process after
every few milliseconds of processor time that it has used; what each thread has used since the last time goes
to the stack at which it is. So the sum is all that the threads have used, whether in Python, in the kernel or
in a library.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType

import msgspec

from veldnet.cli.entry import main

# Seconds of processor time; the kernel rounds it up to its own tick, mostly 4 ms.
_EVERY = 0.001
_DEEPEST = 64
# Of a clock's number in Linux: that it is the processor time (2) of one thread (4).
_OF_A_THREAD = 2 | 4


class Stack(msgspec.Struct, frozen=True, array_like=True):
    """Functions of a stack as `file:function`, the innermost first, and its seconds of processor time."""

    functions: tuple[str, ...]
    seconds: float


class Samples(msgspec.Struct, frozen=True):
    """`seconds` is the processor time of the whole process, threads without Python included."""

    seconds: float
    ticks: int
    stacks: list[Stack]


class Sampler:
    """Writes to `file` when it ends."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._main = threading.get_ident()
        self._used: dict[int, float] = {}
        self._found: defaultdict[tuple[CodeType, ...], float] = defaultdict(float)
        self._ticks = 0
        self._counting = False
        self._begun = 0.0

    def install(self) -> None:
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)

    def _begin(self, _number: int, _frame: FrameType | None) -> None:
        self._found.clear()
        self._ticks = 0
        self._begun = time.process_time()
        self._used = _used_by_threads()
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)

    def _tick(self, _number: int, frame: FrameType | None) -> None:
        # One that comes during another would count what that one counts.
        if self._counting:
            return
        self._counting = True
        self._ticks += 1
        before, self._used = self._used, _used_by_threads()
        tops = sys._current_frames()
        for thread, now in self._used.items():
            used = now - before.get(thread, 0.0)
            if used > 0.0:
                # This runs in the main thread, on top of what it interrupted.
                top = frame if thread == self._main else tops.get(thread)
                self._found[tuple(_codes(top))] += used
        self._counting = False

    def _end(self, number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        # One that comes late would end the process if it had no handler.
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        self._tick(number, frame)
        seconds = time.process_time() - self._begun
        stacks = [Stack(tuple(map(_name, codes)), used) for codes, used in self._found.items()]
        unfinished = self._file.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(Samples(seconds, self._ticks, stacks)))
        unfinished.rename(self._file)


def _used_by_threads() -> dict[int, float]:
    """Seconds of processor time of each thread.

    By the kernel's number of the thread: to ask by that of the library for one that has just ended may read
    memory that is gone. Without `threading.enumerate`, whose lock the interrupted code may hold.
    """
    found: dict[int, float] = {}
    for thread, known in list(threading._active.items()):  # type: ignore[attr-defined]
        if known.native_id is not None:
            with suppress(OSError):
                found[thread] = time.clock_gettime(~known.native_id << 3 | _OF_A_THREAD)
    return found


def _codes(frame: FrameType | None) -> Iterator[CodeType]:
    for _depth in range(_DEEPEST):
        if frame is None:
            return
        yield frame.f_code
        frame = frame.f_back


def _name(code: CodeType) -> str:
    return f"{code.co_filename}:{code.co_qualname}"


if __name__ == "__main__":
    sampler = Sampler(Path(sys.argv.pop(1)))
    sampler.install()
    main()
