"""Base station profiles: what base stations of a kind hear and how they send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.hosting import HostedServer
from tests.installation import sandbox
from tests.person import Person
from veldnet.lorawan import BaseStationId
from veldnet.simulator.customer import Account

V1 = "/api/v1/operator"
STATIONS, PROFILES = f"{V1}/baseStations", f"{V1}/baseStationProfiles"


@pytest.fixture(scope="module")
def server(data: Path, account: Account) -> Iterator[HostedServer]:
    hosted = HostedServer(
        data, VELDNET_NETWORK__MORE_REGIONS='["US915"]', VELDNET_NETWORK__SUB_BANDS="[2, 3]"
    )
    yield hosted
    hosted.stop()


def _desk(server: HostedServer, account: Account) -> Person:
    name = account.thingpark_username.replace("sandbox", "operator")
    return Person(server, name, account.thingpark_password)


@pytest.fixture(scope="module")
def desk(server: HostedServer, account: Account) -> Person:
    return _desk(server, account)


@pytest.fixture(scope="module")
def station(desk: Person) -> str:
    return str(desk.call("GET", STATIONS)[0]["id"])


def profile(desk: Person, profile_id: str) -> dict[str, Any]:
    return next(one for one in desk.call("GET", PROFILES) if one["id"] == profile_id)


def change(desk: Person, station: str, **members: Any) -> None:
    desk.call("PUT", f"{STATIONS}/{station}", {"name": "Mast", **members})


def test_base_stations_begin_with_the_default_profile(desk: Person, station: str) -> None:
    [found] = desk.call("GET", PROFILES)
    assert (found["id"], found["name"]) == ("default", "Default") and found["baseStations"] == 1
    assert found["settings"]["region"] is None and found["settings"]["classB"] is True
    shown = desk.call("GET", STATIONS)[0]
    assert (shown["profileId"], shown["profileName"], shown["region"]) == ("default", "Default", "EU868")
    defaults = desk.call("GET", f"{V1}/defaults")
    assert defaults["stationProfile"] == found["settings"]
    assert defaults["stationProfileFields"]["region"]["choices"] == ["EU868", "US915"]


def test_a_profile_takes_effect_on_its_base_stations(
    server: HostedServer, desk: Person, station: str
) -> None:
    settings = {"region": "US915", "subBands": [3], "antennaGain": 6, "maxEirp": 20, "classB": False}
    made = desk.call("POST", PROFILES, {"id": "roof", "name": "Roof", "settings": settings})
    change(desk, station, profileId="roof")
    conf = desk.call("GET", f"{STATIONS}/{station}/configuration?format=mqtt-forwarder")
    assert (conf["region"], conf["chip"]) == ("US915", "SX1302")
    assert 'topic_prefix = "us915_2"' in conf["files"][0]["content"]
    directory = server.platform.base_stations
    identifier = BaseStationId.parse(station)
    radio = directory.radio(identifier)
    assert (radio.antenna_gain, radio.max_eirp, radio.class_b) == (6, 20, False)
    assert radio.region is not None and radio.region.name == "US915"
    found = directory.profile(identifier)
    assert found is not None and found.plan.sub_bands == (3,) and found.max_eirp == 20
    # Its own settings come before those of its profile.
    change(desk, station, antennaGain=9, maxTxPower=8)
    assert directory.radio(identifier).antenna_gain == 9
    assert (found := directory.profile(identifier)) is not None and found.max_eirp == 17
    desk.call("PUT", f"{PROFILES}/{made['ref']}", {"name": "Tower", "settings": {"chip": "SX1301"}})
    conf = desk.call("GET", f"{STATIONS}/{station}/configuration")
    assert (conf["region"], conf["chip"]) == ("EU868", "SX1301")
    beacon = json.loads(conf["files"][1]["content"])["gateway_conf"]
    assert beacon["beacon_freq_hz"] == 869_525_000 and beacon["beacon_power"] == 20
    assert desk.call("GET", f"{PROFILES}/{made['ref']}")["name"] == "Tower"
    # Eight channels for each of two concentrators; a third one is there for nothing.
    settings = {"region": "US915", "subBands": [2, 3], "concentrators": 3}
    desk.call("PUT", f"{PROFILES}/{made['ref']}", {"name": "Tower", "settings": settings})
    conf = desk.call("GET", f"{STATIONS}/{station}/configuration?concentrator=2")
    assert (conf["concentrator"], conf["concentrators"]) == (2, 2)
    radios = json.loads(conf["files"][0]["content"])
    assert (
        radios["SX130x_conf"]["com_path"] == "/dev/spidev0.1"
        and "beacon_freq_hz" not in radios["gateway_conf"]
    )
    refused = desk.request("GET", f"{STATIONS}/{station}/configuration?concentrator=3")
    assert refused.status_code == 400 and "concentrator 3 has no channels" in refused.text


def test_a_used_profile_is_deleted_once_its_base_stations_have_another(desk: Person, station: str) -> None:
    roof = profile(desk, "roof")
    path = f"{PROFILES}/{roof['ref']}"
    assert desk.call("GET", f"{path}/uses") == {
        "count": 1,
        "baseStations": [{"id": station, "name": "Mast"}],
    }
    refused = desk.request("DELETE", path)
    assert refused.status_code == 400 and station in refused.text and "moveTo" in refused.text
    desk.call("DELETE", f"{path}?moveTo=default")
    assert [one["id"] for one in desk.call("GET", PROFILES)] == ["default"]
    assert desk.call("GET", STATIONS)[0]["profileId"] == "default"
    default = profile(desk, "default")
    assert "cannot be deleted" in desk.request("DELETE", f"{PROFILES}/{default['ref']}").text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"region": "AU915"}, "is not served"),
        ({"subBands": [2]}, "EU868 has no sub-bands"),
        ({"region": "US915", "subBands": [1]}, "not one of network.sub_bands: 2, 3"),
        ({"region": "US915", "subBands": [9]}, "sub-bands 1 to 8"),
        ({"antennaGain": 99}, "settings.antennaGain"),
        ({"concentrators": 0}, "settings.concentrators"),
        ({"chip": "SX1"}, "settings.chip"),
        ({"power": 3}, "settings.power"),
    ],
)
def test_a_profile_that_no_base_station_could_have_is_refused(
    desk: Person, settings: dict[str, Any], words: str
) -> None:
    answer = desk.request("POST", PROFILES, {"id": "wrong", "name": "Wrong", "settings": settings})
    assert answer.status_code == 400 and words in answer.text


def test_profiles_of_another_operator_are_neither_seen_nor_given(
    server: HostedServer, desk: Person, station: str
) -> None:
    other = _desk(server, sandbox(server.data))
    made = other.call("POST", PROFILES, {"id": "theirs", "name": "Theirs"})
    assert "theirs" not in [one["id"] for one in desk.call("GET", PROFILES)]
    for method in ("GET", "PUT", "DELETE"):
        body = {"name": "Mine"} if method == "PUT" else None
        assert desk.request(method, f"{PROFILES}/{made['ref']}", body).status_code == 404
    answer = desk.request("PUT", f"{STATIONS}/{station}", {"name": "Mast", "profileId": "theirs"})
    assert answer.status_code == 400 and "there is no base station profile theirs" in answer.text
    assert other.request("GET", f"{STATIONS}/{station}/configuration").status_code == 404
