"""How many SQL statements an operation of the API, and a commit of the network, may execute.

The limits are in `statements.toml`. Every operation has an example in `operations` and a limit, so that a
new one must be entered in both.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests.api.hosting import HostedServer
from tests.api.operations import EXAMPLES, World, ask
from tests.e2e import radio
from tests.installation import over_postgresql, sandbox
from veldnet.assembly import chores
from veldnet.assembly import platform as platforms
from veldnet.assembly.heartbeat import Heartbeat
from veldnet.assembly.platform import Platform
from veldnet.assembly.roles import Chore
from veldnet.inventory.accounts import api_keys, sessions

# Those of SQLite are counted.
pytestmark = pytest.mark.skipif(over_postgresql(), reason="statements are counted by SQLite")

TABLE = tomllib.loads(Path(__file__).with_name("statements.toml").read_text())
# How far numbers have come is written with the next commit, whichever that is.
_FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "--", "UPDATE id_marks")


class Statements:
    """Every statement that SQLite executes on connections that are opened meanwhile."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def __enter__(self) -> Statements:
        event.listen(Pool, "connect", self._connected)
        return self

    def __exit__(self, *_error: object) -> None:
        event.remove(Pool, "connect", self._connected)

    def _connected(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(self._texts.append)

    def take(self) -> list[str]:
        """Those since the last time."""
        return [text for text in self._taken() if not text.lstrip().startswith(_FRAME)]

    def take_commits(self) -> list[list[str]]:
        """Those of commits of the network since the last time, each by itself."""
        transactions: list[list[str]] = [[]]
        for text in self._taken():
            if text.startswith("BEGIN"):
                transactions.append([])
            elif not text.lstrip().startswith(_FRAME):
                transactions[-1].append(text)
        return [each for each in transactions if any(text.startswith("INSERT INTO frames") for text in each)]

    def _taken(self) -> list[str]:
        found, self._texts[:] = list(self._texts), []
        return found


def check(counts: dict[str, list[str]], limits: dict[str, int]) -> None:
    """Fails with the statements of whatever executes more than it may."""
    beyond = [
        "\n  ".join([f"{name} executes {len(texts)} statements, and may {limits[name]}:", *texts])
        for name, texts in counts.items()
        if len(texts) > limits[name]
    ]
    assert not beyond, "\n".join(line[:160] for line in "\n".join(beyond).splitlines())


@pytest.fixture
def statements() -> Iterator[Statements]:
    with Statements() as counted:
        yield counted


async def _nothing(_heartbeat: Heartbeat) -> None:
    """No beat."""


def _without_rounds(platform: Platform) -> list[Chore]:
    """What comes round by itself falls to whichever operation is asked just then: only changes of the
    inventory, which operations wait for, are taken up."""
    return [chore for chore in chores.chores_of(platform) if chore.name == "inventory changes"]


@pytest.fixture
def world(statements: Statements, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(platforms, "chores_of", _without_rounds)
    monkeypatch.setattr(Heartbeat, "beat", _nothing)
    account = sandbox(tmp_path / "data")
    server = HostedServer(
        tmp_path / "data",
        VELDNET_API__LEGACY_ABP="true",
        VELDNET_GATEWAYS__BASICS_STATION_COMMANDS="true",
        VELDNET_GATEWAYS__BASICS_STATION_SHELLS="true",
        # Nobody listens there.
        VELDNET_MAIL__HOST="127.0.0.1",
        VELDNET_MAIL__PORT="9",
        VELDNET_MAIL__SECURITY="none",
        VELDNET_SIGN_IN__URL="http://localhost",
    )
    yield World(server, account)
    server.stop()


def test_every_operation_keeps_its_limit(
    world: World, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = {
        operation["operationId"]: (method, path)
        for path, operations in world.client.http.get("/openapi.json").json()["paths"].items()
        for method, operation in operations.items()
    }
    assert set(described) == set(EXAMPLES), "an example of each operation"
    assert set(described) == set(TABLE["operations"]), "a limit of each operation"
    # Once a minute a request also notes that a session or a key is in use: whichever comes then, by how
    # long those before have taken.
    for module in (sessions, api_keys):
        monkeypatch.setattr(module, "_TOUCH_EVERY", 1 << 60)
    counts: dict[str, list[str]] = {}
    real = time.monotonic
    for ahead, (name, make) in zip(itertools.count(3600, 3600), EXAMPLES.items(), strict=False):
        example = make(world)
        world.server.pass_time(3)
        statements.take()
        with monkeypatch.context() as patch:
            # What is remembered of tokens and sessions has expired: each request looks for itself. It goes on
            # as it does, so that it matters not how often others ask for it meanwhile.
            patch.setattr(time, "monotonic", lambda ahead=ahead: real() + ahead)
            ask(world, *described[name], example)
        counts[name] = statements.take()
    check(counts, TABLE["operations"])


@pytest.mark.parametrize("devices", [1, 32])
def test_a_commit_keeps_its_limit(world: World, statements: Statements, devices: int) -> None:
    """What a commit executes grows with the logarithm of its rows."""
    virtual = [world.new_personalised() for _ in range(devices)]
    for device in virtual:
        # A device is loaded with its first frame, and answered.
        world.antenna.hear(device.uplink(1, b"x"))
    world.server.pass_time(30)
    statements.take()
    for device in virtual:
        radio.Antenna.hear(world.antenna, device.uplink(1, b"x"))
    world.server.pass_time(5)
    first = statements.take_commits()[0]
    check({f"uplinks of {devices} devices": first}, TABLE["commits"])
