"""Members of bodies that nobody knows: refused by every operation of Veldnet's own API, at any depth, and
taken by those of KPN's and ThingPark's, whose clients send more than there is."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.hosting import HostedServer
from tests.api.operations import EXAMPLES, World, ask
from tests.api.test_hostile_names import described, send
from tests.customers import KPN
from tests.installation import sandbox
from veldnet.api.unknown_members import refuse_unknown
from veldnet.domain.errors import InvalidField

UNKNOWN = "nobodyKnowsThis"
DX = "/thingpark/dx/core/latest/api"
# Their bodies are documents of their own, with errors of their own, or any members that somebody keeps.
DOCUMENTS = {"planFleet", "applyFleet", "setPreferences"}
V1 = "/api/v1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    data = tmp_path / "data"
    account = sandbox(data)
    server = HostedServer(
        data,
        VELDNET_API__LEGACY_ABP="true",
        VELDNET_GATEWAYS__BASICS_STATION_COMMANDS="true",
        VELDNET_GATEWAYS__BASICS_STATION_SHELLS="true",
        VELDNET_MAIL__HOST="127.0.0.1",
        VELDNET_MAIL__PORT="9",
        VELDNET_MAIL__SECURITY="none",
        VELDNET_SIGN_IN__URL="http://localhost",
    )
    yield World(server, account)
    server.stop()


def test_operations_of_the_own_api_refuse_what_they_do_not_know(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is remembered from one request to the next, as examples change what users may do.
    ahead = itertools.count(3600, 3600)
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + next(ahead))
    tried, problems = set(), []
    operations = described(world)
    closed = closed_to_others(world)
    for operation, make in EXAMPLES.items():
        method, path, _properties = operations[operation]
        example = make(world)
        if isinstance(example.body, dict) and operation not in DOCUMENTS:
            more = msgspec.structs.replace(example, body=example.body | {UNKNOWN: None})
            if (operation in closed) != path.startswith(V1):
                problems.append(f"{operation}: its description says otherwise")
            if not path.startswith(V1):
                ask(world, method, path, more)
                continue
            answer = send(world, method, path, more)
            said = answer.json().get("message", "") if answer.status_code == 400 else ""
            # One of the examples sets the language of its user.
            if f"{UNKNOWN} is unknown here; " not in said and f"{UNKNOWN} is hier onbekend; " not in said:
                problems.append(f"{operation}: {answer.status_code} {answer.text[:200]}")
            tried.add(operation)
        # Those behind it build on it.
        ask(world, method, path, example)
    assert not problems, "\n".join(problems)
    assert len(tried) > 60, sorted(tried)


def closed_to_others(world: World) -> set[str]:
    """Operations whose bodies have no other members than those that are described."""
    document = world.client.http.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    return {
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
        for content in [operation.get("requestBody", {}).get("content", {}).get("application/json", {})]
        if "schema" in content
        and schemas.get(content["schema"].get("$ref", "").rpartition("/")[2], {}).get("additionalProperties")
        is False
    }


def test_what_is_meant_is_said_at_any_depth(world: World) -> None:
    for path, body, said in (
        (
            "/geofences",
            {"name": "x", "circle": {"latitude": 1, "longitud": 1, "radius": 9}},
            "circle.longitude",
        ),
        ("/flows", {"nam": "x"}, "name"),
        ("/connections", {"Name": "x", "type": "HTTP", "address": "http://127.0.0.1/"}, "name"),
    ):
        answer = world.user.request("POST", f"{V1}{path}", body)
        assert answer.status_code == 400, answer.text
        assert f"did you mean {said.rpartition('.')[2]}?" in answer.json()["message"]


def test_what_was_read_can_be_sent_back(world: World) -> None:
    user = world.user
    made = user.call(
        "POST", f"{V1}/connections", {"name": "a", "type": "HTTP", "address": "http://127.0.0.1:9"}
    )
    fence = {"name": "a", "circle": {"latitude": 1, "longitude": 1, "radius": 90}}
    user.call("POST", f"{V1}/geofences", fence)
    user.call("POST", f"{V1}/flows", {"name": "a", "connectionRefs": [made["ref"]]})
    for path in ("/connections", "/geofences", "/flows"):
        (one,) = user.call("GET", f"{V1}{path}")
        assert user.call("PUT", f"{V1}{path}/{one['ref']}", one)["name"] == "a"
    world.new_group()
    group = user.call("GET", f"{V1}/multicastGroups")["groups"][0]
    sent_back = user.call("PUT", f"{V1}/multicastGroups/{group['ref']}", group)
    assert sent_back["name"] == group["name"]
    profile = world.desk("GET", "/deviceProfiles")[0]
    world.operator.call("PUT", f"{V1}/operator/deviceProfiles/{profile['ref']}", profile)
    assert world.desk("GET", "/deviceProfiles")[0] == profile


def test_clients_of_other_platforms_may_send_more(world: World) -> None:
    user = world.user
    for number, base in enumerate((KPN, DX), 0xDD01):
        body = {
            "EUI": f"0059AC00DD{number:06X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": "8F1CA24B6D0E93577A21C4F8B3D6E905",
            "deviceProfileId": world.account.device_profile_id,
            "hsmGroupId": world.account.hsm_group_id,
            UNKNOWN: {"a": 1},
        }
        made = user.call("POST", f"{base}/devices", body)
        assert UNKNOWN not in made
        user.call("PUT", f"{base}/devices/{made['ref']}", {"name": "b", UNKNOWN: 1})


class _Inner(msgspec.Struct):
    name: str = ""


class _Body(msgspec.Struct, rename={"kind": "type"}):
    kind: str = ""
    one: _Inner | None = None
    many: list[_Inner] = []
    free: dict[str, Any] = {}
    pairs: dict[str, int] = {}


class _Shown(_Body):
    ref: str = ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": 1}, "kind is unknown here; known are free, many, one, pairs, type"),
        ({"tipe": 1}, "tipe is unknown here; did you mean type?"),
        ({"one": {"nme": 1}}, "one.nme is unknown here; did you mean name?"),
        ({"many": [{}, {"x": 1}]}, "many[1].x is unknown here; known are name"),
        ({"x" * 70_000: 1}, "... is unknown"),
        ({"free": {"x": {"y": 1}}, "pairs": {"x": 1}, "ref": {"any": 1}}, None),
        ({"one": None, "many": {"a": 1}}, None),
    ],
)
def test_names(change: dict[str, Any], words: str | None) -> None:
    members = copy.deepcopy(change)
    if words is None:
        refuse_unknown(members, _Body, [_Shown])
        return
    with pytest.raises(InvalidField) as refused:
        refuse_unknown(members, _Body, [_Shown])
    assert len(str(refused.value)) < 300
    assert words.strip(".") in str(refused.value)
