"""A real server process for benchmarks, on a processor core of its own where there is more than one."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from .histogram import Histogram, read_histogram

# Before this process restricts itself to what the server leaves it.
_CORES = sorted(os.sched_getaffinity(0))


class ServerFailed(Exception):
    """The server did not start, or ended early."""


class BenchServer:
    """`veldnet serve` as a child process."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        http: str,
        udp: tuple[str, int],
        basics_station: str | None = None,
        data: str = "",
    ) -> None:
        self.process = process
        self.data = data
        # Where Basics Station connects, where that is served.
        self.basics_station = basics_station
        self.http = f"http://{http}"
        self.udp = udp

    @classmethod
    async def start(
        cls,
        data: Path,
        environment: dict[str, str] | None = None,
        *,
        udp: str = "127.0.0.1:0",
        module: tuple[str, ...] = ("veldnet",),
    ) -> BenchServer:
        """`module` is what runs `serve`, with arguments that come before."""
        own, others = set(_CORES[:1]), set(_CORES[1:])
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *module,
            "serve",
            "--data",
            str(data),
            "--http",
            "127.0.0.1:0",
            "--udp",
            udp,
            "--json",
            stdout=asyncio.subprocess.PIPE,
            env=os.environ
            | {
                "VELDNET_ROUTING__ALLOW_PRIVATE_DESTINATIONS": "true",
                "VELDNET_API__RATE_LIMIT": "0",
                "VELDNET_LOG__LEVEL": "error",
            }
            | (environment or {}),
            preexec_fn=lambda: os.sched_setaffinity(0, own),
        )
        if others:
            os.sched_setaffinity(0, others)
        assert process.stdout is not None
        lines = []
        while line := await process.stdout.readline():
            lines.append(line)
            if line.strip() == b"}":
                break
        else:
            raise ServerFailed("the server ended before it listened")
        addresses: dict[str, Any] = msgspec.json.decode(b"".join(lines))
        host, _colon, port = addresses["udp"].rpartition(":")
        return cls(process, addresses["http"], (host, int(port)), addresses.get("basicsStation"), str(data))

    async def metrics(self, session: aiohttp.ClientSession) -> dict[str, float]:
        """The metrics without labels, by name."""
        async with session.get(f"{self.http}/metrics") as response:
            text = await response.text()
        found = {}
        for line in text.splitlines():
            if not line.startswith("#") and "{" not in line:
                name, _blank, value = line.partition(" ")
                found[name.removeprefix("veldnet_")] = float(value)
        return found

    async def histogram(self, session: aiohttp.ClientSession, metric: str, label: str) -> Histogram:
        """One with a label, for this value of it."""
        async with session.get(f"{self.http}/metrics") as response:
            return read_histogram(await response.text(), metric, label)

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
