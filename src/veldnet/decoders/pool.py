"""Decoders as the server calls them: a process that is started when needed and replaced when it hangs."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

_LENGTH = struct.Struct(">I")
_GRACE = 2.0
_MOST_ANSWER = 64_000_000


class Limits(msgspec.Struct, frozen=True):
    """Seconds for one frame, and bytes of memory."""

    seconds: float = 0.1
    memory: int = 16_000_000


class Decoded(msgspec.Struct):
    """What a decoder made of a frame: an object as JSON, or an error in words."""

    value: str | None = None
    error: str | None = None


_answers = msgspec.msgpack.Decoder(list[Decoded])


class DecoderPool:
    """One worker process, one task at a time; others wait their turn."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def run(self, source: str, function: str, inputs: Sequence[dict[str, Any]]) -> list[Decoded]:
        """Call a function of a decoder for each input. Never raises for what a decoder does."""
        if not inputs:
            return []
        task = {
            "source": source,
            "function": function,
            "inputs": list(inputs),
            "seconds": self._limits.seconds,
            "memory": self._limits.memory,
        }
        # A decoder that always takes its whole time must not hold up everybody for minutes.
        patience = min(self._limits.seconds * (len(inputs) + 1), 10.0) + _GRACE
        async with self._turn:
            try:
                async with asyncio.timeout(patience):
                    return await self._ask(msgspec.msgpack.encode(task))
            except TimeoutError:
                await self._kill()
                return [Decoded(error="the decoder ran longer than it may")] * len(inputs)
            except (OSError, EOFError, msgspec.DecodeError):
                await self._kill()
                return [
                    Decoded(error="the decoder broke its process; it used more memory than it may")
                ] * len(inputs)
            except asyncio.CancelledError:
                # Its answer would be taken for that of the next task.
                await self._kill()
                raise

    async def _ask(self, octets: bytes) -> list[Decoded]:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "veldnet.decoders.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # Nothing of the server's environment is of its business, but where Python finds its modules.
                env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
                limit=_MOST_ANSWER,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_LENGTH.pack(len(octets)) + octets)
        await process.stdin.drain()
        length = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))[0]
        if length > _MOST_ANSWER:
            raise EOFError
        return _answers.decode(await process.stdout.readexactly(length))

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def close(self) -> None:
        await self._kill()
