"""What the API refuses a Dutch user: every operation with members and parameters that are wrong, and no
English in what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.api.hosting import HostedServer
from tests.api.operations import EXAMPLES, World
from tests.api.operations.example import Example
from tests.customers import KPN
from tests.installation import sandbox

# Words of English that Dutch has not, and that name no member or value of the API.
_ENGLISH = re.compile(
    r"\b(the|must|not|and|expected|got|missing|required|be|has|have|are|there|this|with|invalid|cannot|than"
    r"|least|an|or|you|your|should|only|characters|whole|number|larger|mandatory|see|too|many)\b",
    re.IGNORECASE,
)
# What was sent stands between these as it was.
_QUOTED = re.compile(r"'[^']*'|`[^`]*`|\"[^\"]*\"")


def public_pem(key: Any) -> str:
    pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


# What the console asks: operations of its own, and those of KPN, which answer in English to everybody else.
_WALKED = ("/api/v1/", "/data/lora/thingpark/")
# Streams never end, remote shells do not last, and only programs activate.
_LEFT = "/live$|/shells|/activate$"
# Public keys with which no AS key is encrypted, each for another reason.
_KEYS = (
    "no key",
    "-----BEGIN PUBLIC KEY-----\n????\n-----END PUBLIC KEY-----",
    public_pem(ec.generate_private_key(ec.SECP256R1()).public_key()),
    public_pem(rsa.RSAPublicNumbers(65537, 1 << 8999 | 1).public_key()),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data: Path = tmp_path_factory.mktemp("dutch") / "data"
    account = sandbox(data)
    server = HostedServer(
        data,
        VELDNET_GATEWAYS__BASICS_STATION_COMMANDS="true",
        VELDNET_GATEWAYS__BASICS_STATION_SHELLS="true",
        VELDNET_SIGN_IN__URL="http://localhost",
    )
    yield World(server, account)
    server.stop()


def english(message: str) -> list[str]:
    return _ENGLISH.findall(_QUOTED.sub("", message))


def damaged(body: Any) -> Iterator[Any]:
    """Bodies with one thing wrong each: no object; a member that is missing, of a wrong type, too large."""
    yield []
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        rest = {other: given for other, given in body.items() if other != name}
        yield rest
        yield rest | {name: 7 if isinstance(value, str | dict | list) else "x"}
        yield rest | {name: {"x": []} if isinstance(value, str | int) else [7]}
        if isinstance(value, str):
            yield rest | {name: "~" * 300}
        elif isinstance(value, int):
            yield rest | {name: -1}
            yield rest | {name: 1 << 70}
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from (rest | {name: [inner]} for inner in damaged(value[0]))
        elif isinstance(value, dict):
            yield from (rest | {name: inner} for inner in damaged(value))


class Walk:
    """Requests in Dutch, and what of their answers is English."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refused = 0
        self.wrong: dict[str, str] = {}

    def ask(self, operation: tuple[str, str], path: dict[str, str], query: str, **content: Any) -> None:
        method, template = operation
        person = self.world.operator if template.startswith("/api/v1/operator") else self.world.user
        headers = person.headers(method.upper()) | {"accept-language": "nl", "api-version": "v1.1.1"}
        address = template.format(**path) + (f"?{query}" if query else "")
        answer: httpx.Response = person.http.request(method.upper(), address, headers=headers, **content)
        if answer.status_code < 400:
            return
        self.refused += 1
        message = answer.json()["message"]
        if english(message) or answer.headers.get("content-language") != "nl":
            self.wrong.setdefault(message, f"{method} {address} {str(content)[:200]}: {answer.status_code}")

    def operation(self, operation: tuple[str, str], example: Example, parameters: list[str]) -> None:
        if example.body is not None:
            self.ask(operation, example.path, example.query, content="{")
        for body in damaged(example.body) if example.body is not None else ():
            self.ask(operation, example.path, example.query, json=body)
        for name in parameters:
            for value in ("~", "-1"):
                self.ask(operation, example.path, f"{name}={value}", json=example.body)
        for name in example.path:
            self.ask(operation, example.path | {name: "999999"}, example.query, json=example.body)


def test_a_dutch_user_reads_no_english_in_refusals(world: World) -> None:
    for person in (world.user, world.operator):
        person.call("PUT", "/api/v1/session/language", {"language": "nl"})
    walk = Walk(world)
    for key in _KEYS:
        body = {"hsmGroupId": world.account.hsm_group_id, "rsaPublicKey": key}
        walk.ask(("put", f"{KPN}/routingProfiles/{world.routing['ref']}"), {}, "", json=body)
    assert walk.refused == len(_KEYS)
    described = {
        operation["operationId"]: (method, path, operation)
        for path, operations in world.client.http.get("/openapi.json").json()["paths"].items()
        for method, operation in operations.items()
    }
    tried: set[str] = set()
    for name, make in EXAMPLES.items():
        method, path, operation = described[name]
        named = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        # One reader reads all parameters of a name.
        parameters = [each for each in named if each not in tried]
        tried.update(parameters)
        walked = path.startswith(_WALKED) and method != "delete" and not re.search(_LEFT, path)
        if walked and (parameters or "requestBody" in operation):
            if name == "confirmSecondFactor":
                world.bare()
            walk.operation((method, path), make(world), parameters)
    assert walk.wrong == {}
    assert walk.refused > 500
