"""A real server process on real sockets, and a customer who talks to it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, ClassVar

import httpx
from typer.testing import CliRunner

from tests import customers
from tests.customers import KPN
from tests.e2e.programs import Running, run, start
from tests.installation import sandbox, store_environment
from veldnet.cli.main import app
from veldnet.simulator.customer import Account

__all__ = ["KPN", "Client", "RunningServer", "command", "failing", "sandbox", "veldnet"]


def command(*arguments: str, **environment: str) -> str:
    """Run a command in this process: starting Python takes longer than most commands do. Returns what it
    printed."""
    done = CliRunner().invoke(app, arguments, env=store_environment(arguments) | environment)
    assert done.exit_code == 0, f"{arguments}: {done.output}"
    return done.stdout


def failing(*arguments: str, **environment: str) -> str:
    """The error of a command that must fail, which is never a traceback; run in this process."""
    done = CliRunner().invoke(app, arguments, env=store_environment(arguments) | environment)
    assert done.exit_code != 0 and isinstance(done.exception, SystemExit), f"{arguments}: {done.output}"
    return done.stderr


def veldnet(*arguments: str, **environment: str) -> str:
    """Run a command to its end in a process of its own; returns what it printed."""
    done = run(*arguments, **environment)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


class RunningServer:
    """`veldnet serve` on a data directory; may be killed and started again."""

    # All that were made: a test that fails leaves none behind (see `conftest`).
    made: ClassVar[set[RunningServer]] = set()

    def __init__(self, data: Path, *flags: str, **environment: str) -> None:
        self.made.add(self)
        self.data = data
        self._flags = flags
        self._environment = {
            "VELDNET_ROUTING__ALLOW_PRIVATE_DESTINATIONS": "true",
            "VELDNET_API__RATE_LIMIT": "0",
            "VELDNET_LOG__LEVEL": "warning",
            # So long a machine may be busy with other tests, and no receive window is missed.
            "VELDNET_NETWORK__RX1_DELAY": "5",
        } | environment
        self.http = ""
        self.udp = ("", 0)
        self.process: Running
        self.log = data.parent / f"{data.name}.log"
        self.start()

    def start(self, http: str = "127.0.0.1:0", udp: str = "127.0.0.1:0") -> None:
        self.process = start(
            *("serve", "--json", "--data", str(self.data), "--http", http, "--udp", udp),
            *self._flags,
            errors=self.log,
            **self._environment,
        )
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if line.strip() == "}":
                break
        assert printed, self.log.read_text()
        addresses = json.loads(printed)
        self.addresses: dict[str, Any] = addresses
        self.http = f"http://{addresses['http']}"
        host, _colon, port = addresses["udp"].rpartition(":")
        self.udp = (host, int(port))

    def change(self, **environment: str) -> None:
        """What it is started with from the next time on."""
        self._environment |= environment

    def connect(self, **arguments: Any) -> httpx.Client:
        """A client with no credentials."""
        return httpx.Client(base_url=self.http, timeout=120, **arguments)

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        return self.process.wait(timeout=120)


class Client(customers.Client):
    server: RunningServer

    def __init__(self, server: RunningServer, account: Account) -> None:
        super().__init__(server, account)
