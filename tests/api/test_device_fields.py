"""Tags of devices, a member of Veldnet's own API, from the import to the export."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.installation import sandbox
from tests.person import Person
from veldnet.api.v1 import device_bulk
from veldnet.simulator.customer import Account

V1 = "/api/v1"


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture
def device(client: Client, request: pytest.FixtureRequest) -> dict[str, Any]:
    number = 0xF1E0 + hash(request.node.name) % 0x10000
    made: dict[str, Any] = client.call("POST", "/devices", client.device_body(number))
    return made


def names(user: Person, query: str) -> set[str]:
    return {found["ref"] for found in user.call("GET", f"{V1}/devices?{query}")["devices"]}


def test_tags_are_given_changed_and_removed(user: Person, client: Client, device: dict[str, Any]) -> None:
    ref = device["ref"]
    changed = user.call("PUT", f"{V1}/devices/{ref}", {"tags": ["roof", "Zone é"]})
    assert changed["tags"] == ["roof", "Zone é"] and changed["name"] == device["name"]
    assert user.call("GET", f"{V1}/devices/{ref}")["tags"] == ["roof", "Zone é"]
    assert ref in names(user, "tag=roof") and ref not in names(user, "tag=Roof")
    user.call("PUT", f"{V1}/devices/{ref}", {"name": "Another"})
    assert user.call("GET", f"{V1}/devices/{ref}")["tags"] == ["roof", "Zone é"], "not given, so kept"
    user.call("PUT", f"{V1}/devices/{ref}", {"tags": ["cellar"]})
    assert ref not in names(user, "tag=roof") and ref in names(user, "tag=cellar")
    assert "tags" not in user.call("PUT", f"{V1}/devices/{ref}", {"tags": []})
    assert ref not in names(user, "tag=cellar")


def test_kpns_api_is_as_it_was(user: Person, client: Client, device: dict[str, Any]) -> None:
    ref = device["ref"]
    user.call("PUT", f"{V1}/devices/{ref}", {"tags": ["roof"]})
    shown = client.call("GET", f"/devices/{ref}")
    assert "tags" not in shown
    client.call("PUT", f"/devices/{ref}", shown | {"name": "Renamed"})
    assert user.call("GET", f"{V1}/devices/{ref}")["tags"] == ["roof"]
    schemas = client.http.get("/openapi.json").json()["components"]["schemas"]
    assert "tags" not in schemas["Device"]["properties"] and "tags" in schemas["VeldnetDevice"]["properties"]
    assert client.http.delete(f"{KPN}/devices/{ref}").status_code == 204
    assert ref not in names(user, "tag=roof")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["a", "a"], "at most 20 different"),
        ([str(number) for number in range(21)], "at most 20 different"),
        (["x" * 51], "1 to 50 printable"),
        ([" a"], "no blanks around"),
        (["a;b"], "none of"),
    ],
)
def test_what_is_no_tag_is_refused(user: Person, device: dict[str, Any], tags: list[str], words: str) -> None:
    refused = user.request("PUT", f"{V1}/devices/{device['ref']}", {"tags": tags})
    assert refused.status_code == 400 and words in refused.json()["message"]
    assert "tags" not in user.call("GET", f"{V1}/devices/{device['ref']}")


def test_many_devices_get_tags_at_once(user: Person, device: dict[str, Any]) -> None:
    body = {"action": "update", "refs": [device["ref"]], "change": {"tags": ["bulk"]}}
    assert user.call("POST", f"{V1}/devices/bulk", body) == {"done": 1, "failures": []}
    assert names(user, "tag=bulk") == {device["ref"]}


def test_an_export_with_tags_can_be_imported_again(
    user: Person, client: Client, device: dict[str, Any]
) -> None:
    user.call("PUT", f"{V1}/devices/{device['ref']}", {"tags": ["out", "and in"]})
    exported = user.call("GET", f"{V1}/devices/export?tag=out")
    (row,) = csv.DictReader(io.StringIO(exported))
    assert row["tags"] == "out;and in"
    client.call("DELETE", f"/devices/{device['ref']}")
    row["applicationKey"] = "8F1CA24B6D0E93577A21C4F8B3D6E905"
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row))
    writer.writeheader()
    writer.writerow(row)
    answer = user.request(
        "POST",
        f"{V1}/devices/import",
        content=out.getvalue(),
        headers={"content-type": "text/csv"},
    )
    assert "[200] created" in answer.text, answer.text
    (found,) = user.call("GET", f"{V1}/devices?tag=out")["devices"]
    assert found["EUI"] == device["EUI"] and found["tags"] == ["out", "and in"]


def test_all_that_a_search_finds_are_tagged_and_deleted_in_batches(
    monkeypatch: pytest.MonkeyPatch, server: HostedServer, user: Person, client: Client
) -> None:
    monkeypatch.setattr(device_bulk, "_BATCH", 2)
    other_account = sandbox(server.data)
    outsider = Person(server, other_account.thingpark_username, other_account.thingpark_password)

    def create(number: int) -> str:
        body = client.device_body(0xBA7C0 + number) | {"name": f"Batch {number}"}
        return str(client.call("POST", "/devices", body)["ref"])

    path, refs = f"{V1}/devices/bulk/matching", [create(number) for number in range(3)]
    user.call("POST", f"{V1}/devices/bulk", {"action": "update", "refs": refs, "addTags": ["old"]})
    body = {"action": "update", "addTags": ["roof", "north"], "removeTags": ["old"]}
    first = user.call("POST", f"{path}?search=Batch", body)
    assert (first["done"], first["failures"], first["finished"]) == (2, [], False)
    # One that came meanwhile was not asked for.
    late = create(9)
    rest = user.call("POST", f"{path}?search=Batch", body | {k: first[k] for k in ("after", "until")})
    assert (rest["done"], rest["finished"]) == (1, True)
    assert names(user, "tag=roof") == set(refs) and names(user, "tag=old") == set()
    assert {"north", "roof"} <= set(user.call("GET", f"{V1}/devices/tags"))
    # Nobody else's.
    other = outsider.call("POST", f"{path}?search=Batch", {"action": "delete"})
    assert (other["done"], other["finished"]) == (0, True)
    assert outsider.call("GET", f"{V1}/devices/tags") == []
    refused: list[dict[str, Any]] = [
        {"action": "update"},
        body | {"after": "x"},
        body | {"change": {"tags": []}},
    ]
    for wrong in refused:
        assert user.request("POST", path, wrong).status_code == 400
    gone = user.call("POST", f"{path}?tag=roof", {"action": "delete"})
    gone = user.call(
        "POST", f"{path}?tag=roof", {"action": "delete"} | {k: gone[k] for k in ("after", "until")}
    )
    assert gone["finished"] and names(user, "search=Batch") == {late}
