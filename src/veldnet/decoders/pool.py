"""Pool of decoder worker processes, shared round-robin by subscribers."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from .problems import BROKEN, TOO_LONG, Problem, console_line, words_of

Function = Literal["decodeUplink", "decodeDownlink", "encodeDownlink"]

_LENGTH = struct.Struct(">I")
_WORKER = Path(__file__).with_name("worker.py")
# Seconds of a turn; a run that needs more goes to the end of the queue.
_TURN = 0.25
# Seconds that a worker may take beyond its turn before it counts as hung.
_GRACE = 2.0
# Inputs that are sent for one turn.
_MOST_INPUTS = 500
# Seconds of turns for one run: a decoder that always takes its whole time must not run for minutes.
_RUN = 10.0
# Frames in a row that took too long, after which the rest of a run is not tried.
_MOST_SLOW = 10
_MOST_ANSWER = 16_000_000
# Characters of all results of a run.
_MOST_RESULTS = 8_000_000
# Turns after which a worker is replaced, as memory that was used once is not given back.
_MOST_TURNS = 500


class Limits(msgspec.Struct, frozen=True):
    """Seconds for one frame, bytes of memory, how many worker processes there are, and how many runs of one
    subscriber may wait or be under way."""

    seconds: float = 0.1
    memory: int = 16_000_000
    workers: int = 2
    waiting: int = 8


class Decoded(msgspec.Struct):
    """What a decoder made of a frame: an object as JSON, or an error in words, a `Text` unless they are the
    decoder's own; and what it wrote to the console, each line with its level first."""

    value: str | None = None
    error: str | None = None
    console: list[str] = []


class Busy(Exception):
    """The subscriber has too many runs that wait; `retry_after` is in seconds."""

    retry_after = 5


class _Answer(msgspec.Struct):
    value: dict[str, Any] | None = None
    error: Problem | None = None
    console: list[str] = []


class _Run(msgspec.Struct, eq=False):
    """What somebody waits for."""

    owner: int
    source: str
    function: str
    inputs: Sequence[dict[str, Any]]
    console: bool
    done: asyncio.Future[None]
    answers: list[Decoded] = []
    seconds: float = 0.0
    characters: int = 0
    slow: int = 0

    def fail(self, code: str, **values: int) -> None:
        """Give all inputs that are left an error."""
        words = words_of(Problem(code, values))
        self.answers.extend(Decoded(error=words) for _ in range(len(self.inputs) - len(self.answers)))


class DecoderPool:
    """Worker processes that subscribers share. Each turn lasts a quarter of a second at most; then the
    next subscriber has its turn, and none has all workers at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[_Worker] = []
        self._workers = 0
        # Who has runs that wait, in the order in which they have their turn.
        self._waiting: dict[int, deque[_Run]] = {}
        self._runs: Counter[int] = Counter()
        self._working: Counter[int] = Counter()
        self._turns: set[asyncio.Task[None]] = set()
        # Runs for which somebody waits.
        self._open: set[_Run] = set()
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer of a worker."""
        return bool(self._open)

    async def run(
        self,
        owner: int,
        source: str,
        function: Function,
        inputs: Sequence[dict[str, Any]],
        *,
        console: bool = False,
        patient: bool = False,
    ) -> list[Decoded]:
        """Call a function of a subscriber's decoder for each input. Raises `Busy` unless the caller is
        `patient`, and nothing for what a decoder does. State that a decoder keeps between frames may be
        lost between them."""
        if not inputs:
            return []
        if self._runs[owner] >= self._limits.waiting and not patient:
            raise Busy
        self._runs[owner] += 1
        run = _Run(owner, source, function, inputs, console, asyncio.get_running_loop().create_future())
        self._open.add(run)
        self._enqueue(run)
        try:
            await run.done
        finally:
            self._open.discard(run)
            self._runs[owner] -= 1
            if not self._runs[owner]:
                del self._runs[owner]
            self._withdraw(run)
        return run.answers

    def _enqueue(self, run: _Run) -> None:
        self._waiting.setdefault(run.owner, deque()).append(run)
        self._dispatch()

    def _withdraw(self, run: _Run) -> None:
        """Forget a run for which nobody waits any longer; its turn under way ends by itself."""
        queue = self._waiting.get(run.owner)
        if queue is not None and run in queue:
            queue.remove(run)
            if not queue:
                del self._waiting[run.owner]

    def _dispatch(self) -> None:
        """Begin turns while there are workers and subscribers that may have one."""
        while not self._closed and (self._idle or self._workers < self._limits.workers):
            run = self._next()
            if run is None:
                return
            if self._idle:
                worker = self._idle.pop()
            else:
                worker = _Worker(self._limits.memory)
                self._workers += 1
            self._working[run.owner] += 1
            turn = asyncio.create_task(self._turn(worker, run))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    def _next(self) -> _Run | None:
        most = max(self._limits.workers - 1, 1)
        owner = next((each for each in self._waiting if self._working[each] < most), None)
        if owner is None:
            return None
        # To the end of the row, if anything of it is left.
        queue = self._waiting.pop(owner)
        run = queue.popleft()
        if queue:
            self._waiting[owner] = queue
        return run

    async def _turn(self, worker: _Worker, run: _Run) -> None:
        try:
            await self._advance(worker, run)
        except Exception as error:
            await worker.kill()
            if not run.done.done():
                run.done.set_exception(error)
        finally:
            if worker.turns >= _MOST_TURNS:
                await worker.kill()
            self._idle.append(worker)
            self._working[run.owner] -= 1
            if not self._working[run.owner]:
                del self._working[run.owner]
            if not run.done.done():
                if len(run.answers) < len(run.inputs):
                    self._waiting.setdefault(run.owner, deque()).append(run)
                else:
                    run.done.set_result(None)
            self._dispatch()

    async def _advance(self, worker: _Worker, run: _Run) -> None:
        """One turn of a run."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        task = {
            "source": run.source,
            "function": run.function,
            "inputs": run.inputs[len(run.answers) : len(run.answers) + _MOST_INPUTS],
            "seconds": self._limits.seconds,
            "slice": _TURN,
            "memory": self._limits.memory,
            "console": run.console,
        }
        # Loading the source may take five times as long as a frame.
        timeout = _TURN + 6 * self._limits.seconds + _GRACE
        try:
            answers = await worker.ask(task, timeout)
        except TimeoutError:
            run.fail(TOO_LONG)
            return
        except (OSError, EOFError, msgspec.MsgspecError, RecursionError):
            run.fail(BROKEN)
            return
        for answer in answers[: len(run.inputs) - len(run.answers)]:
            decoded = _written(answer)
            run.characters += len(decoded.value or "")
            run.answers.append(decoded)
            slow = answer.error is not None and answer.error.code == TOO_LONG
            run.slow = run.slow + 1 if slow else 0
        run.seconds += loop.time() - began
        if not answers:
            run.fail(BROKEN)
        elif run.characters > _MOST_RESULTS:
            run.fail("long_results", most=_MOST_RESULTS)
        elif run.seconds > _RUN or run.slow >= _MOST_SLOW:
            run.fail(TOO_LONG)

    async def close(self) -> None:
        self._closed = True
        for run in self._open:
            run.done.cancel()
        for turn in list(self._turns):
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        for worker in self._idle:
            await worker.kill()


def _written(answer: _Answer) -> Decoded:
    """An answer with its object written as JSON by this process: nothing of a decoder's own making passes
    for it."""
    console = [console_line(line) for line in answer.console]
    if answer.value is None:
        return Decoded(error=words_of(answer.error or Problem(BROKEN)), console=console)
    try:
        return Decoded(value=msgspec.json.encode(answer.value).decode(), console=console)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return Decoded(error=words_of(Problem("unwritable")), console=console)


_answers = msgspec.json.Decoder(list[_Answer])


class _Worker:
    """A place for a process, which is started when needed and replaced when it breaks."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._process: asyncio.subprocess.Process | None = None
        self.turns = 0

    async def ask(self, task: dict[str, Any], within: float) -> list[_Answer]:
        """Raises `TimeoutError`, and `OSError` or `EOFError` where the process broke; another takes its
        place."""
        octets = msgspec.json.encode(task)
        message = _LENGTH.pack(len(octets)) + octets
        fresh = self._process is None or self._process.returncode is not None
        try:
            async with asyncio.timeout(within):
                try:
                    return await self._exchange(message)
                except (OSError, EOFError):
                    await self.kill()
                    if fresh:
                        raise
                # It may have been broken before; what breaks a new one as well is to blame itself.
                return await self._exchange(message)
        except BaseException:
            await self.kill()
            raise

    async def _exchange(self, message: bytes) -> list[_Answer]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        self.turns += 1
        process.stdin.write(message)
        await process.stdin.drain()
        length = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))[0]
        if length > _MOST_ANSWER:
            raise EOFError
        return _answers.decode(await process.stdout.readexactly(length))

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self.turns = 0
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                str(_WORKER),
                str(self._memory),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # Nothing of the server's environment is of its business, but where Python finds its modules.
                env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            )
        return self._process

    async def kill(self) -> None:
        process, self._process = self._process, None
        self.turns = 0
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
