"""Commands and remote shells on base stations: who may, what is refused, and what is written down."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.api.hosting import HostedServer
from tests.e2e.running import command
from tests.installation import sandbox
from tests.person import Person
from veldnet.domain.errors import Conflict
from veldnet.lorawan import BaseStationId

_STATIONS = "/api/v1/operator/baseStations"


class ShellStation:
    """A station whose shells answer with what they are given."""

    def __init__(self, server: HostedServer, eui: str) -> None:
        self.uri = f"ws://127.0.0.1:{server.platform.hub.port('basics-station')}/router-{eui}"
        self.commands: list[dict[str, Any]] = []
        self.open = [False, False]
        self.users: list[str] = []
        self.configured = asyncio.Event()

    async def connect(self, features: str = "rmtsh") -> None:
        self.configured.clear()
        self.connection = await connect(self.uri, compression=None)
        await self.send({"msgtype": "version", "station": "2.0.6(linux/std)", "features": features})
        self.reading = asyncio.get_running_loop().create_task(self.read(self.connection))
        await self.configured.wait()

    async def send(self, message: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(message))

    async def read(self, connection: ClientConnection) -> None:
        async for received in connection:
            if isinstance(received, bytes):
                await connection.send(received[:1] + received[1:].upper())
                continue
            message = json.loads(received)
            if message["msgtype"] == "router_config":
                self.configured.set()
            elif message["msgtype"] == "runcmd":
                self.commands.append(message)
            elif message["msgtype"] == "rmtsh":
                await self.shell(message)

    async def shell(self, message: dict[str, Any]) -> None:
        if "stop" in message:
            self.open[message["stop"]] = False
        if "start" in message:
            self.open[message["start"]] = True
            self.users.append(message["user"])
        await self.send({"msgtype": "rmtsh", "rmtsh": [{"started": each} for each in self.open]})

    async def close(self) -> None:
        await self.connection.close()
        # What it was about to answer.
        with contextlib.suppress(ConnectionClosed):
            await self.reading


class Field:
    """An operator's user, and a base station that is connected."""

    def __init__(self, data: Path) -> None:
        account = sandbox(data)
        self.server = HostedServer(
            data,
            VELDNET_GATEWAYS__BASICS_STATION="127.0.0.1:0",
            VELDNET_GATEWAYS__BASICS_STATION_COMMANDS="true",
            VELDNET_GATEWAYS__BASICS_STATION_SHELLS="true",
        )
        self.name = account.thingpark_username.replace("sandbox", "operator")
        self.password = account.thingpark_password
        self.operator = Person(self.server, self.name, self.password)
        (self.id,) = [each["id"] for each in self.operator.call("GET", _STATIONS)]
        self.path = f"{_STATIONS}/{self.id}"
        self.station = ShellStation(self.server, account.base_station_eui)
        self.run(self.station.connect())
        self.until(self.has_free_shell)

    def run(self, work: Any) -> Any:
        """Time passes no quicker than sockets do."""
        with self.server.time.awaiting():
            return self.server.run(work)

    def until(self, what: Callable[[], object]) -> None:
        """Let sockets be read until something is so."""

        end = time.monotonic() + 10
        while not what():
            assert time.monotonic() < end, "it did not come about"
            self.run(asyncio.sleep(0.005))

    def has_free_shell(self) -> bool:
        try:
            self.server.platform.stations.remote.check_shell(BaseStationId.parse(self.id), "dumb")
        except Conflict:
            return False
        return True

    def closes_shells(self) -> None:
        self.until(lambda: self.station.open == [False, False])

    def shown(self) -> dict[str, Any]:
        """The base station in the list of its operator."""
        listed: list[dict[str, Any]] = self.operator.call("GET", _STATIONS)
        return next(each for each in listed if each["id"] == self.id)

    def allow(self, *, allowed: bool = True) -> None:
        flag = "--station-access" if allowed else "--no-station-access"
        command("admin", "user", "change", self.name, flag, "--data", str(self.server.data))
        # What is remembered of the session before is some seconds old.
        self.operator = Person(self.server, self.name, self.password)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        with self.server.time.awaiting():
            answer = self.operator.request(method, f"{self.path}{path}", body)
        return answer.status_code, answer.text

    def audited(self, action: str) -> list[dict[str, Any]]:
        entries = self.operator.call("GET", "/api/v1/operator/audit")
        return [each["details"] for each in entries if each["action"] == action]

    def last_end(self) -> str:
        return str(self.audited("baseStation.shellClosed")[0]["reason"])


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    made = Field(tmp_path_factory.mktemp("access") / "data")
    yield made
    made.run(made.station.close())
    made.server.stop()


def test_it_is_for_users_who_were_given_access(field: Field) -> None:
    status, text = field.ask("POST", "/commands", {"command": "reboot"})
    assert status == 403 and "access to base stations" in text
    assert field.ask("POST", "/shells", {})[0] == field.ask("GET", "/shells")[0] == 403
    key = {"name": "k", "scope": "stations"}
    assert field.operator.request("POST", "/api/v1/apiKeys", key).status_code == 400
    field.allow()
    assert field.ask("GET", "/shells") == (200, "[]")
    keys = {
        scope: field.operator.call("POST", "/api/v1/apiKeys", {"name": scope, "scope": scope})["key"]
        for scope in ("write", "stations")
    }
    for scope, expected in (("write", 403), ("stations", 200)):
        with field.server.connect() as http:
            headers = {"authorization": f"Bearer {keys[scope]}"}
            assert http.get(f"{field.path}/shells", headers=headers).status_code == expected


def test_a_command_is_sent_and_written_down(field: Field) -> None:
    field.allow()
    body = {"command": "logread", "arguments": ["-f", "é"]}
    assert field.ask("POST", "/commands", body) == (204, "")
    field.until(lambda: field.station.commands)
    assert field.station.commands == [{"msgtype": "runcmd", **body}]
    assert field.audited("baseStation.commandRun") == [body]
    for wrong in (
        {"command": " "},
        {"command": "a", "arguments": ["x"] * 65},
        {"command": "a", "arguments": ["x" * 1500]},
        {"command": "a\n"},
    ):
        assert field.ask("POST", "/commands", wrong)[0] == 400
    assert len(field.station.commands) == len(field.audited("baseStation.commandRun")) == 1


def test_a_shell_is_one_users_and_what_it_says_is_not_written_down(field: Field) -> None:
    field.allow()
    status, text = field.ask("POST", "/shells", {"terminal": "xterm"})
    shell = json.loads(text)
    assert status == 201 and shell["octetsSent"] == 0 and field.station.users == [field.name]
    given = {"data": base64.b64encode(b"secret\n").decode()}
    assert field.ask("POST", f"/shells/{shell['id']}/input", given) == (204, "")
    for wrong in ("", "?", base64.b64encode(b"x" * 1025).decode()):
        assert field.ask("POST", f"/shells/{shell['id']}/input", {"data": wrong})[0] == 400
    entry, opened = next(
        (each, each.shell)
        for each in field.server.platform.stations.remote._shells.values()
        if each.id == shell["id"]
    )
    assert opened is not None
    field.until(lambda: opened.received)
    (listed,) = field.operator.call("GET", f"{field.path}/shells")
    assert (listed["octetsSent"], listed["octetsReceived"]) == (7, 7)
    assert field.run(opened.read(1.0)) == b"SECRET\n"
    assert field.ask("DELETE", f"/shells/{shell['id']}") == (204, "")
    assert field.ask("GET", "/shells") == (200, "[]")
    assert field.ask("POST", f"/shells/{shell['id']}/input", given)[0] == 409
    assert field.ask("DELETE", f"/shells/{shell['id']}")[0] == 404
    # Its output can be read to the end for a moment.
    status, text = field.ask("GET", f"/shells/{shell['id']}/live")
    assert status == 200 and 'event: closed\ndata: {"reason": "closed"}' in text and not entry.reader
    (closed,) = field.audited("baseStation.shellClosed")
    assert (closed["reason"], closed["octetsSent"], closed["octetsReceived"]) == ("closed", 7, 7)
    entries = field.operator.call("GET", "/api/v1/operator/audit")
    assert "secret" not in json.dumps(entries).lower()
    field.closes_shells()


def test_shells_end_with_disuse_and_with_their_connection(field: Field) -> None:
    field.allow()
    assert field.ask("POST", "/shells", {})[0] == 201
    field.server.pass_time(620)
    assert field.last_end() == "idle"
    field.closes_shells()
    assert field.ask("POST", "/shells", {})[0] == 201
    reconnect(field)
    field.server.pass_time(40)
    assert field.last_end() == "disconnected"
    assert field.ask("POST", "/shells", {})[0] == 201
    field.allow(allowed=False)
    field.server.pass_time(60)
    assert field.last_end() == "withdrawn"
    field.closes_shells()


def reconnect(field: Field, features: str = "rmtsh") -> None:
    field.run(field.station.close())
    field.run(field.station.connect(features))
    if "rmtsh" in features:
        field.until(field.has_free_shell)


def test_what_a_station_cannot_do_is_refused_with_the_reason(field: Field) -> None:
    field.allow()
    reconnect(field, "gps prod")
    status, text = field.ask("POST", "/shells", {})
    assert status == 409 and "rmtsh" in text
    made = field.operator.call("POST", _STATIONS, {"gatewayEUI": "0059AC0000BB0001", "name": "absent"})
    for path, body in (("commands", {"command": "ls"}), ("shells", {})):
        answer = field.operator.request("POST", f"{_STATIONS}/{made['id']}/{path}", body)
        assert answer.status_code == 409 and "not connected" in answer.text
    reconnect(field)
    assert field.ask("POST", "/shells", {"terminal": "x;y"})[0] == 400
    for _ in range(2):
        assert field.ask("POST", "/shells", {})[0] == 201
    assert "both remote shells" in field.ask("POST", "/shells", {})[1]
    # What it says of shells that are none is counted, and nothing else happens.
    field.run(field.station.connection.send(b"\x07x"))
    field.until(lambda: "unknown_shell" in (field.shown().get("lastRefusal") or ""))
