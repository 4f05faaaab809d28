"""Fleets as code: a YAML file is planned, applied, found to agree, and exported again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs_generator import ROOT
from tests.e2e.running import command, failing
from tests.installation import over_postgresql, postgresql, sandbox

CUSTOMER = "100000001"
# Each level has the one before nine times.
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 10))
# More entries than are read of any file, for what each device has.
MANY = "devices:\n" + "- {EUI: 0059AC0000000101, name: a, tags: [b]}\n" * 60_000
KEY = "000102030405060708090A0B0C0D0E0F"
SECRET = "of-the-broker"
FLEET: dict[str, Any] = {
    "connectivityPlans": [
        {
            "id": "water/daily",
            "name": "Daily",
            "granted": 10,
            "settings": {"uplinkRate": 4, "allowClassB": True},
        },
        {"id": "water/multicast", "communicationType": "MULTICAST", "granted": 1},
    ],
    "deviceProfiles": [{"id": "WATER/meter", "settings": {"loRaWANMacVersion": "1.0.4", "region": "EU868"}}],
    "routingProfiles": [
        {"name": "Water", "routes": [{"contentType": "JSON", "addresses": ["https://water.example.org/up"]}]}
    ],
    "connections": [
        {
            "name": "Broker",
            "type": "MQTT",
            "address": "mqtts://broker.example.org",
            "username": "veldnet",
            "password": {"file": "broker.password"},
            "qos": "2",
        },
        {
            "name": "Table",
            "type": "POSTGRESQL",
            "address": "postgresql://db.example.org/water",
            "username": "veldnet",
            "password": {"env": "BROKER_PASSWORD"},
            "options": {"table": "readings"},
        },
    ],
    "flows": [{"name": "Readings", "tags": ["dike"], "connections": ["Broker", "Table"]}],
    "devices": [
        {
            "EUI": "0059AC0000000101",
            "name": "Meter 1",
            "deviceProfileId": "WATER/meter",
            "connectivityPlanId": "water/daily",
            "routingProfile": "Water",
            "applicationKey": KEY,
            "tags": ["dike", "1"],
        },
        {
            "EUI": "0059AC0000000100",
            "activationType": "ABP",
            "networkAddress": "01000042",
            "deviceProfileId": "WATER/meter",
            "deviceClass": "C",
            "processingStrategyId": "IOT_FLOW",
            "networkSessionKey": KEY,
            "applicationSessionKey": KEY[::-1],
        },
    ],
    "multicastGroups": [
        {
            "EUI": "0059AC00000001F0",
            "name": "Valves",
            "deviceClass": "C",
            "connectivityPlanId": "water/multicast",
            "routingProfile": "Water",
            "multicastKey": KEY,
            "members": ["0059AC0000000100"],
        }
    ],
}
COUNT = sum(map(len, FLEET.values()))


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", SECRET)
    monkeypatch.setenv("VELDNET_API__LEGACY_ABP", "true")


def copy_of(folder: Path, to: Path) -> None:
    """A copy of an installation with the files beside it."""
    shutil.copytree(folder, to)
    if over_postgresql():
        postgresql().copy_database(folder / "data", to / "data")


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet") / "data"
    sandbox(folder)
    (folder.parent / "broker.password").write_text(f"{SECRET}\n")
    return folder


@pytest.fixture
def empty(beginning: Path, tmp_path: Path) -> Path:
    """An installation without a fleet."""
    copy_of(beginning.parent, tmp_path / "empty")
    return tmp_path / "empty/data"


@pytest.fixture(scope="module")
def applied(beginning: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("applied") / "fleet"
    copy_of(beginning.parent, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROKER_PASSWORD", SECRET)
        patch.setenv("VELDNET_API__LEGACY_ABP", "true")
        fleet(folder / "data", "apply", FLEET)
    return folder


@pytest.fixture
def data(applied: Path, tmp_path: Path) -> Path:
    """An installation with the fleet, for one test alone."""
    copy_of(applied, tmp_path / "applied")
    return tmp_path / "applied/data"


def fleet(data: Path, what: str, document: Any, *options: str) -> Any:
    file = data.parent / "fleet.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    arguments = ("fleet", what, str(file), "--customer-id", CUSTOMER, "--data", str(data), *options)
    return json.loads(command(*arguments, "--json", VELDNET_KEYS__PROCESS="false"))


def refused(data: Path, what: str, document: Any) -> str:
    file = data.parent / "fleet.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return failing(
        *("fleet", what, str(file), "--customer-id", CUSTOMER, "--data", str(data)),
        VELDNET_KEYS__PROCESS="false",
    )


def counts(found: Any) -> tuple[int, int, int, int]:
    return found["create"], found["change"], found["none"], found["error"]


def test_the_example_of_the_documentation(empty: Path) -> None:
    """As it stands there, with the secrets that it names."""
    page = (ROOT / "docs" / "fleets-as-code.md").read_text()
    file = empty.parent / "fleet.yaml"
    file.write_text(page.split("```yaml\n")[1].split("```")[0])
    secrets = empty.parent / "secrets"
    secrets.mkdir()
    (secrets / "broker").write_text(SECRET)
    (secrets / "valves").write_text(KEY[::-1])
    given = {"WATER_AS_KEY": KEY, "METER_1": KEY, "VELDNET_KEYS__PROCESS": "false"}

    def run(what: str) -> tuple[int, int, int, int]:
        arguments = ("fleet", what, str(file), "--customer-id", CUSTOMER, "--data", str(empty))
        return counts(json.loads(command(*arguments, "--json", **given)))

    applied = run("apply")
    assert applied[0] > 7 and applied[1:] == (0, 0, 0)
    assert run("diff") == (0, 0, applied[0], 0)


def test_from_nothing_to_a_fleet_and_back(empty: Path) -> None:
    data = empty
    planned = fleet(data, "plan", FLEET)
    assert counts(planned) == (COUNT, 0, 0, 0)
    assert SECRET not in json.dumps(planned) and KEY not in json.dumps(planned)
    # Had the plan written anything, less were to be created.
    applied = fleet(data, "apply", FLEET)
    assert applied == planned
    assert counts(fleet(data, "diff", FLEET)) == (0, 0, COUNT, 0)
    exported = command("fleet", "export", "--customer-id", CUSTOMER, "--data", str(data))
    document = yaml.safe_load(exported)
    device, personalised = document["devices"]
    assert personalised["activationType"] == "ABP" and personalised["networkAddress"] == "01000042"
    (group,) = document["multicastGroups"]
    assert group["members"] == ["0059AC0000000100"] and group["routingProfile"] == "Water"
    assert document["connections"][0]["qos"] == 2 and SECRET not in exported
    assert device["tags"] == ["1", "dike"] or device["tags"] == ["dike", "1"]
    assert device["routingProfile"] == "Water" and KEY not in exported
    assert counts(fleet(data, "diff", exported))[:2] == (0, 0)
    form = ("--form", "thingpark", "--customer-id", CUSTOMER, "--data", str(data))
    row, *_others = command("fleet", "export", *form).splitlines()
    assert row.split(",")[:5] == ["CREATE_OTAA", "0059AC0000000101", "", "WATER/meter", ""]


def test_drift_is_shown_and_mended(data: Path) -> None:
    changed = json.loads(json.dumps(FLEET))
    changed["connectivityPlans"][0]["settings"]["uplinkRate"] = 8
    changed["devices"][0] |= {"name": "Meter one", "tags": ["dike"]}
    changed["connections"][0] |= {"password": "another", "qos": 1}
    changed["connections"][1]["options"] = {"table": "others"}
    changed["multicastGroups"][0]["members"] = []
    arguments = ("fleet", "diff", "--customer-id", CUSTOMER, "--data", str(data))
    file = data.parent / "changed.yaml"
    file.write_text(yaml.safe_dump(changed))
    failing(*arguments, str(file))
    planned = fleet(data, "plan", changed)
    assert counts(planned) == (0, 5, COUNT - 5, 0)
    members = [each["member"] for step in planned["steps"] for each in step["differences"]]
    assert members == [
        *("settings.uplinkRate", "qos", "password", "options.table", "name", "tags", "members"),
    ]
    assert "another" not in json.dumps(planned)
    assert counts(fleet(data, "apply", changed)) == (0, 5, COUNT - 5, 0)
    assert counts(fleet(data, "plan", changed)) == (0, 0, COUNT, 0)
    assert counts(fleet(data, "plan", FLEET)) == (0, 5, COUNT - 5, 0)


def test_what_cannot_be_is_left_out_and_tried_again(data: Path) -> None:
    wrong = json.loads(json.dumps(FLEET))
    second = {
        **wrong["devices"][0],
        "EUI": "0059AC0000000102",
        "name": "Second",
        "deviceProfileId": "WATER/other",
    }
    wrong["devices"].append(second)
    refused(data, "plan", wrong)
    refused(data, "apply", wrong)
    wrong["deviceProfiles"].append({"id": "WATER/other", "settings": {"loRaWANMacVersion": "1.0.3"}})
    mended = fleet(data, "apply", wrong)
    assert (mended["create"], mended["error"]) == (2, 0)
    # What one device takes is not there for the next one, in a plan as well.
    scarce: dict[str, Any] = {"connectivityPlans": [{"id": "water/daily", "granted": 3}], "devices": []}
    for number in (3, 4):
        device = {**second, "EUI": f"0059AC000000010{number}", "connectivityPlanId": "water/daily"}
        scarce["devices"].append(device)
    refused(data, "plan", scarce)
    scarce["connectivityPlans"][0]["granted"] = 4
    assert counts(fleet(data, "plan", scarce)) == (2, 1, 0, 0)
    assert counts(fleet(data, "plan", wrong)) == (0, 0, COUNT + 2, 0)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "empty"),
        ("a: [", "not YAML"),
        ("plans: []", "unknown field `plans`"),
        ("devices: [{EUI: 0059AC0000000101}, {EUI: 0059ac0000000101}]", "comes twice"),
        ("devices: [{name: x}]", "missing required field `EUI`"),
        ("version: 2", "version"),
        ("- devices", "mapping"),
        ("devices:\n- EUI: 0059AC0000000101\n  name: a\n  name: b", "line 4: the key name comes twice"),
        ("version: 7", "line 1: version 7 must be one of 1"),
        (
            "version: 1\nflows:\n- {name: a, driver: RAWW}",
            "line 3: flows[0].driver 'RAWW' must be one of AUTO, RAW",
        ),
        ("devices:\n- EUI: 0059AC0000000101\n  nam: a", "line 2: "),
        ("connections: [{name: x, password: {env: NO_SUCH}}]", "connections[0].password: the environment"),
        ("connections: [{name: x, password: {file: none}}]", "connections[0].password: cannot read none"),
        ("devices: [{EUI: 0059AC0000000101, name: {env: HOME}}]", "Expected `str`"),
        (BOMB, "entries"),
        (MANY, "more than 10000 devices; split it"),
        ("devices: [" + "*a," * 10_001 + "]\na: &a x", "alias"),
        ("devices: [" + "&a x," + "*a," * 10_000 + "]", "more than 10000 devices; split it"),
    ],
)
def test_bad_files(beginning: Path, document: str, words: str) -> None:
    assert words in refused(beginning, "plan", document)
