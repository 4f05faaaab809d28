"""An InfluxDB of its own for tests, version 1 as Debian has it, and an application that reads its points; a
VictoriaMetrics, which takes the line protocol as version 2 does."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.mosquitto import free_port
from veldnet.domain.flows import ConnectionSettings

USER, PASSWORD = "veldnet", "secret"
# A document is made again of its fields: these names have an underscore of their own.
_ROOTS = ("DevEUI_uplink", "DevEUI_notification")


def _started(program: str, package: str, options: list[str], port: int) -> subprocess.Popen[bytes]:
    """A server that listens at its port."""
    found = shutil.which(program)
    assert found, f"{program} is not installed: apt-get install {package}"
    process = subprocess.Popen([found, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            assert time.monotonic() < end and process.poll() is None, f"{program} does not start"
            time.sleep(0.05)


class VictoriaMetrics:
    """A store of numbers that takes points of InfluxDB; without users, buckets and texts. It listens on
    addresses of this machine alone."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        options = [f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
        self._process = _started("victoria-metrics", "victoria-metrics", options, port)

    def points(self) -> list[dict[str, Any]]:
        """Each as its labels, with its times and values."""
        httpx.get(f"{self.url}/internal/force_flush", timeout=20).raise_for_status()
        given = {"match[]": '{__name__!=""}', "reduce_mem_usage": "1"}
        answer = httpx.get(f"{self.url}/api/v1/export", params=given, timeout=20).raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)


class InfluxApplication:
    """A database, and queries of what is in it. With `access` users need a password."""

    def __init__(self, folder: Path, *, access: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self.port, rpc = free_port(), free_port()
        self._file, self._access = folder / "influxdb.conf", access
        self._file.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
            f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
            f'[monitor]\nstore-enabled = false\n[http]\nbind-address = "127.0.0.1:{self.port}"\n'
            f"log-enabled = false\nauth-enabled = {str(access).lower()}\n"
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = ConnectionSettings(
            type="INFLUXDB", address=self.url, options={"api": "1", "bucket": "things", "measurement": "up"}
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._read: list[Any] = []

    def _start(self) -> None:
        self._process = _started("influxd", "influxdb", ["-config", str(self._file)], self.port)

    def query(self, statement: str) -> list[dict[str, Any]]:
        given = {"db": "things", "epoch": "ns"}
        if self._access:
            given |= {"u": USER, "p": PASSWORD}
        url = f"{self.url}/query?{urlencode(given)}"
        answer = httpx.post(url, data={"q": statement}, timeout=5)
        (result,) = answer.raise_for_status().json()["results"]
        assert "error" not in result, result
        return [
            {name: value for name, value in zip(series["columns"], row, strict=True) if value is not None}
            for series in result.get("series", ())
            for row in series["values"]
        ]

    async def start(self) -> None:
        await asyncio.to_thread(self._start)
        wanted, self._access = self._access, False
        if wanted:
            self.query(f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES")
        self._access = wanted
        self.query("CREATE DATABASE things")

    @property
    def bodies(self) -> list[Any]:
        """What was in the database when it could be read last."""
        with suppress(httpx.HTTPError):
            read = [_document(row) for row in self.query("SELECT * FROM up")]
            # Points have no order of their own but their times, which are alike here.
            self._read = sorted(read, key=lambda each: each.get("DevEUI_uplink", {}).get("FCntUp", 0))
        return self._read

    async def go_away(self) -> None:
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait, 10)

    async def come_back(self) -> None:
        await asyncio.to_thread(self._start)

    async def close(self) -> None:
        await self.go_away()


def _document(row: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        root = next((each for each in _ROOTS if name.startswith(f"{each}_")), name.partition("_")[0])
        rest = name[len(root) + 1 :]
        number = int(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if rest:
            made.setdefault(root, {})[rest] = number
        else:
            made[root] = number
    return made
