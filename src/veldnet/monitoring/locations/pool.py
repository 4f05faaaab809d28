"""Processes that solve places, so that arithmetic never holds up frames."""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec
import structlog

from veldnet.location import Answer, Problem, solve, worker

log = structlog.get_logger(__name__)

# Seconds that one solution may take, the start of a process included; it takes milliseconds.
_WITHIN = 20.0

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Answer)


class SolverPool:
    """So many processes, each started with its first problem; with none, problems are solved where they are
    asked."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._idle: list[_Solver] = [_Solver() for _each in range(processes)]
        self._free = asyncio.Semaphore(max(processes, 1))
        self._closed = False

    @property
    def width(self) -> int:
        """How many problems can be solved at once."""
        return max(self._processes, 1)

    async def solve(self, problem: Problem) -> Answer | None:
        """None where the process broke: the next one gets another."""
        if not self._processes:
            return solve(problem)
        async with self._free:
            if self._closed:
                return None
            solver = self._idle.pop()
            try:
                async with asyncio.timeout(_WITHIN):
                    return await solver.ask(_encode(problem))
            except (OSError, EOFError, TimeoutError, msgspec.MsgspecError) as error:
                log.warning("location_solver_broken", error=repr(error))
                await solver.kill()
                return None
            except BaseException:
                await solver.kill()
                raise
            finally:
                self._idle.append(solver)

    async def close(self) -> None:
        self._closed = True
        for solver in self._idle:
            await solver.kill()


class _Solver:
    """A place for a process."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, body: bytes) -> Answer:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(worker.LENGTH.pack(len(body)) + body)
        await process.stdin.drain()
        size = worker.LENGTH.unpack(await process.stdout.readexactly(worker.LENGTH.size))[0]
        if size > worker.LONGEST:
            raise EOFError
        return _decoder.decode(await process.stdout.readexactly(size))

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "veldnet.location.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # Nothing of the server's environment is of its business, but where Python finds its modules.
                env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            )
        return self._process

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
