"""A data directory that servers, commands and accidents share: it has one server, and loses nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.programs import run
from tests.e2e.running import Client, RunningServer, sandbox, veldnet
from veldnet.cli.exits import Exit
from veldnet.simulator.customer import Account

ANYWHERE = ("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0")


def refused(*arguments: str, code: Exit, words: str, **environment: str) -> None:
    """Run a command that ends with an exit code and one sentence."""
    done = run(*arguments, **environment, VELDNET_LOG__LEVEL="error")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: "), done.stderr
    assert words in done.stderr


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def account(data: Path) -> Account:
    return sandbox(data)


@pytest.fixture
def server(data: Path, account: Account) -> Iterator[RunningServer]:
    running = RunningServer(data)
    yield running
    if running.process.poll() is None:
        running.kill()


def until_it_ends(server: RunningServer, seconds: float = 30) -> int:
    return server.process.wait(timeout=seconds)


def test_b6_b3_one_server_and_what_may_run_beside_it(
    server: RunningServer, account: Account, data: Path, tmp_path: Path
) -> None:
    """A second server and a restore are refused; commands and a backup are not; the first goes on."""
    client = Client(server, account)
    client.activate()
    client.call("POST", "/devices", client.device_body(1))
    backup = tmp_path / "backup.db"
    veldnet("admin", "backup", str(backup), "--data", str(data))
    before = sorted(path.name for path in data.iterdir())
    refused("serve", "--data", str(data), *ANYWHERE, code=Exit.IN_USE, words="--take-over")
    refused("demo", "--data", str(data), *ANYWHERE, code=Exit.IN_USE, words="holds the data directory")
    refused("admin", "restore", str(backup), "--data", str(data), code=Exit.IN_USE, words="holds the data")
    veldnet(
        "admin", "subscriber", "create", "555555555", "More", "--operator", "sandbox-ope", "--data", str(data)
    )
    assert sorted(path.name for path in data.iterdir()) == before
    assert httpx.get(f"{server.http}/readyz").status_code == 200
    assert len(client.call("GET", "/devices")) == 1
    # Its lock ends with it, whatever ends it.
    server.kill()
    server.start()
    assert server.stop() == 0


def test_b6_a_server_that_is_taken_over_stops_with_a_code_of_its_own(
    server: RunningServer, account: Account, data: Path
) -> None:
    client = Client(server, account)
    client.activate()
    second = RunningServer(data, "--take-over")
    assert until_it_ends(server) == Exit.LEASE_LOST
    assert "has taken over the data directory" in server.log.read_text()
    other = Client(second, account)
    other.activate()
    assert other.call("GET", "/devices") == []
    assert second.stop() == 0


def test_b6_a_server_that_was_paused_while_it_was_taken_over_changes_nothing(
    server: RunningServer, account: Account, data: Path
) -> None:
    """It does not let go of its lock, and notices only when it goes on."""
    client = Client(server, account)
    client.activate()
    server.process.send_signal(signal.SIGSTOP)
    second = RunningServer(data, "--take-over")
    server.process.send_signal(signal.SIGCONT)
    answer = client.request("POST", "/devices", client.device_body(1))
    assert answer.status_code == 500 and answer.json()["errorId"] == "LDM-500"
    assert until_it_ends(server) == Exit.LEASE_LOST
    other = Client(second, account)
    other.activate()
    assert other.call("GET", "/devices") == []
    other.call("POST", "/devices", other.device_body(1))
    assert second.stop() == 0


def test_b7_a_database_that_vanishes_makes_a_server_not_ready(server: RunningServer, data: Path) -> None:
    (data / "veldnet.db").rename(data / "away")
    answer = httpx.get(f"{server.http}/readyz")
    assert answer.status_code == 503 and "has gone" in answer.text
    (data / "away").rename(data / "veldnet.db")
    deadline = time.monotonic() + 30
    while httpx.get(f"{server.http}/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert server.stop() == 0
