"""Base stations on the paths of ThingPark's DX and OSS APIs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import Client, HostedServer
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

CORE = "/thingpark/dx/core/latest/api"
OSS = "/thingpark/wireless/rest/partners/mine/bss"


class Integration:
    """A client with an API key of an operator's user."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        name = account.thingpark_username.replace("sandbox", "operator")
        person = Person(server, name, account.thingpark_password)
        key = person.call("POST", "/api/v1/apiKeys", {"name": "DX", "scope": "admin"})["key"]
        self.http = server.connect()
        self.http.headers["authorization"] = f"Bearer {key}"

    def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, path, json=body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.request(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def dx(server: HostedServer, account: Account) -> Integration:
    return Integration(server, account)


def test_a_base_station_from_registration_to_removal(dx: Integration) -> None:
    body = {
        "name": "Mast",
        "uuid": "0059AC-0059AC00000000D1",
        "geoLatitude": 52.1,
        "geoLongitude": 5.1,
        "geoAltitude": 40,
        "baseStationProfileId": "default",
    }
    made = dx.call("POST", f"{CORE}/baseStations", body)
    assert {name: made[name] for name in body} == body and made["id"].startswith("FF")
    assert made["statistics"] == {"healthState": "INIT", "connectionState": "NEVERCNX"}
    path = f"/core/v155/api/baseStations/{made['ref']}"
    assert dx.call("GET", path) == made
    changed = dx.call("PUT", path, {**made, "name": "Tower"})
    assert changed["name"] == "Tower" and changed["geoLatitude"] == 52.1
    assert dx.request("PUT", path, {**made, "uuid": "0059AC-0059AC00000000D2"}).status_code == 400
    listed = dx.call("GET", f"{CORE}/baseStations?connectionState=NEVERCNX&statistics=false")
    found = next(one for one in listed if one["ref"] == made["ref"])
    assert "statistics" not in found
    assert [one["name"] for one in dx.call("GET", f"{CORE}/baseStations?baseStationId={made['id']}")] == [
        "Tower"
    ]
    assert dx.call("GET", f"{CORE}/baseStations?pageIndex=2") == []
    assert dx.request("DELETE", path).status_code == 204
    assert dx.request("GET", path).status_code == 404


def test_state_and_health_follow_what_is_heard(
    server: HostedServer, account: Account, dx: Integration
) -> None:
    antenna = Antenna(server, account.base_station_eui)
    antenna.keep_alive()
    [station] = dx.call("GET", f"{CORE}/baseStations?healthState=ACTIVE")
    assert station["uuid"].endswith(account.base_station_eui.upper())
    assert station["statistics"]["connectionState"] == "CNX"
    page = dx.call("GET", OSS)
    assert page["briefs"] == [station] and page["more"] is False and page["now"] > 1_000_000_000_000
    server.pass_time(400)
    [station] = dx.call("GET", f"{CORE}/baseStations")
    assert station["statistics"]["connectionState"] == "DISC"
    assert station["statistics"]["healthState"] == "BACKHAUL_CNX_ERROR"
    assert [profile["id"] for profile in dx.call("GET", f"{CORE}/baseStationProfiles")] == ["default"]
    alarms = dx.call("GET", f"{CORE}/baseStationAlarms")
    assert {alarm["baseStationId"] for alarm in alarms} <= {station["id"]}


def test_projects_and_other_operators_see_no_base_stations(
    server: HostedServer, client: Client, dx: Integration
) -> None:
    [station] = dx.call("GET", f"{CORE}/baseStations")
    path = f"{CORE}/baseStations/{station['ref']}"
    other = Integration(server, sandbox(server.data))
    assert station["ref"] not in [one["ref"] for one in other.call("GET", f"{CORE}/baseStations")]
    for method in ("GET", "PUT", "DELETE"):
        assert other.request(method, path, {"name": "Mine"}).status_code == 404
    for where in (path, f"{CORE}/baseStations", OSS):
        answer = client.http.get(where)
        assert answer.status_code == 401, "projects are subscribers'"


@pytest.mark.parametrize(
    ("body", "words"),
    [({"name": "x"}, "uuid is mandatory"), ({"name": "x", "uuid": "0059AC-zz"}, "uuid or id")],
)
def test_what_is_no_base_station_is_refused(dx: Integration, body: dict[str, str], words: str) -> None:
    answer = dx.request("POST", f"{CORE}/baseStations", body)
    assert answer.status_code == 400 and words in answer.text
