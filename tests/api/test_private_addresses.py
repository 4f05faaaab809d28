"""Connections cannot be had to this machine, to its network or to a cloud's metadata, whatever the type."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.hosting import HostedServer
from tests.installation import sandbox
from tests.person import Person
from veldnet.connections import KINDS, Kind
from veldnet.outgoing import Resolver

V1 = "/api/v1"
# With what the refusal says of each.
HOSTS = {
    "127.0.0.1": "not a public address",
    "10.0.0.1": "not a public address",
    "172.16.0.1": "not a public address",
    "192.168.1.1": "not a public address",
    "100.64.0.1": "not a public address",
    "169.254.169.254": "not a public address",
    "0.0.0.0": "not a public address",
    "[::1]": "not a public address",
    "[::]": "not a public address",
    "[fe80::1]": "not a public address",
    "[fd00:ec2::254]": "not a public address",
    "[::ffff:127.0.0.1]": "not a public address",
    "[::ffff:169.254.169.254]": "not a public address",
    "[64:ff9b::7f00:1]": "not a public address",
    "[2002:7f00:1::1]": "not a public address",
    "localhost": "this machine",
    "a.localhost.": "this machine",
    "2130706433": "four decimal numbers",
    "0x7f.1": "four decimal numbers",
    "127.1": "four decimal numbers",
}
INSIDE = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    data: Path = tmp_path_factory.mktemp("private") / "data"
    sandbox(data)
    hosted = HostedServer(data, VELDNET_ROUTING__ALLOW_PRIVATE_DESTINATIONS="false")
    yield hosted
    hosted.stop()


@pytest.fixture(scope="module")
def user(server: HostedServer) -> Person:
    account = sandbox(server.data)
    return Person(server, account.thingpark_username, account.thingpark_password)


def _connection(kind: Kind, beginning: str, host: str) -> dict[str, Any]:
    # What each type must have, besides.
    given: dict[str, Any] = {field.name: "x" for field in kind.fields if field.required}
    options = {field.name: given.pop(field.name) for field in kind.fields if field.option and field.required}
    path = "/x" if kind.example.count("/") > 2 else ""
    return {
        "name": f"{beginning} {host}",
        "type": kind.type,
        "address": f"{beginning}://{host}{path}",
        **given,
        "options": options,
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_no_connection_leads_inside(kind: Kind, user: Person) -> None:
    made = user.call(
        "POST", f"{V1}/connections", _connection(kind, kind.beginnings[-1], "broker.example.com")
    )
    for beginning in kind.beginnings:
        for host, words in HOSTS.items():
            body = _connection(kind, beginning, host)
            for method, path in (
                ("POST", f"{V1}/connections"),
                ("PUT", f"{V1}/connections/{made['ref']}"),
            ):
                answer = user.request(method, path, body)
                assert answer.status_code == 400, (method, body, answer.text)
                assert "address" in answer.text and words in answer.text, answer.text
    kept = user.call("GET", f"{V1}/connections/{made['ref']}")
    assert kept["address"] == made["address"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_no_name_leads_inside(kind: Kind, user: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked up when it is connected to: it may have changed since it was given."""
    asked: list[str] = []

    def look_up(_resolver: Resolver, host: str) -> list[Any]:
        asked.append(host)
        families = {False: socket.AF_INET, True: socket.AF_INET6}
        return [(families[":" in ip], socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in INSIDE]

    if kind.type == "AMQP1" and "TEST_CONNECTIONS" not in os.environ:
        pytest.skip("its client is built from C: make test-connections")
    monkeypatch.setattr(Resolver, "_look_up", look_up)
    host = f"{kind.type.lower()}.example.com"
    made = user.call("POST", f"{V1}/connections", _connection(kind, kind.beginnings[0], host))
    trial = user.call("POST", f"{V1}/connections/{made['ref']}/trial")
    assert not trial["delivered"] and f"{host} has no public address" in trial["error"], trial
    assert set(asked) == {host}
