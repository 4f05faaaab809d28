"""Base stations on the paths of ThingPark's DX and OSS APIs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.antenna import Antenna, Reporting
from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.domain.resources import timestamp
from veldnet.simulator.customer import Account

CORE = "/thingpark/dx/core/latest/api"
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E906"
OSS = "/thingpark/wireless/rest/partners/mine/bss"
# Seconds.
HOUR, DAY = 3600, 86_400


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
    assert dx.call("GET", f"{CORE}/baseStationHealthStatistics") == {
        "initCount": 0,
        "activeCount": 0,
        "rfErrorCount": 0,
        "backhaulConnectionErrorCount": 1,
        "totalCount": 1,
    }


def test_an_alarm_is_acknowledged_by_its_ref(server: HostedServer, dx: Integration) -> None:
    [station] = dx.call("GET", f"{CORE}/baseStations")
    [alarm] = dx.call("GET", f"{CORE}/baseStationAlarms?baseStationId={station['id']}&pageIndex=1")
    assert (alarm["baseStationRef"], alarm["baseStationAlarmTypeId"]) == (station["ref"], 102)
    assert alarm["alarmState"] != "CLEARED" and alarm["acked"] is False and "ackAuthor" not in alarm
    path = f"{CORE}/baseStationAlarms/{alarm['ref']}"
    for _ in range(2):
        assert dx.request("POST", f"{path}/acks").status_code == 201
    seen = dx.call("GET", path)
    assert seen["acked"] is True and seen["ackAuthor"] and seen["lastAckTime"]
    assert dx.call("GET", f"{CORE}/baseStationAlarms?pageIndex=2") == []
    assert dx.request("GET", f"{CORE}/baseStationAlarms?baseStationId=xx").status_code == 400
    for wrong in ("0" * 24, f"{'0' * 8}{alarm['ref'][8:]}", "x"):
        assert dx.request("POST", f"{CORE}/baseStationAlarms/{wrong}/acks").status_code == 404


def test_statistics_of_a_base_station_that_hears_and_sends(
    server: HostedServer, account: Account, dx: Integration
) -> None:
    # All on one day, and the hour before it.
    if not HOUR < (second := server.clock() % DAY) < DAY - HOUR:
        server.pass_time((HOUR - second) % DAY + 1)
    antenna = Reporting(server, account.base_station_eui)
    user = Person(server, account.thingpark_username, account.thingpark_password)
    device = {
        "EUI": "0059AC00DD000002",
        "name": "Meter",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
    }
    user.call("POST", f"{KPN}/devices", device, headers={"api-version": "v1.1.1"})
    virtual = radio.device(device["EUI"], KEY)
    radio.join(antenna, virtual)
    antenna.hear(virtual.uplink(2, b"x"), snr=4.0)
    antenna.report(rxnb=10, rxok=8, rxfw=8, ackr=97.5)
    server.pass_time(70)
    [station] = dx.call("GET", f"{CORE}/baseStations")
    start = timestamp(round((server.clock() - 3600) * 1000))

    def of(path: str, query: str = "") -> Any:
        return dx.call("GET", f"{CORE}/{path}?startDate={start}{query}")

    both = of("baseStationFrameStatistics", f"&baseStationId={station['id'].lower()}&aggregationStep=24")
    assert sum(each["frameCount"] for each in both if each["type"] == "UPLINK") == 1
    up = next(each for each in both if each["type"] == "UPLINK" and each["frameCount"])
    assert up["baseStationSNR"] == 4.0 and up["baseStationRSSI"] == -70.0 and "averagePER" not in up
    assert of("baseStationFrameStatistics", "&aggregationStep=24") == both, "it is the only one"
    assert dx.call("GET", f"{CORE}/baseStationFrameStatistics?aggregationStep=24")[0] == up
    packets = of(f"baseStations/{station['ref']}/lrcPacketStatistics", "&aggregationStep=24")
    assert sum(each["receivedCount"] for each in packets) == 10
    assert sum(each["crcErrorCount"] for each in packets) == 2
    assert sum(each["downlinkCounts"].get("SENT", 0) for each in packets) == 1

    channels = dx.call("GET", f"/api/v1/operator/baseStations/{station['id']}/channels?duration=1")
    # A join request and an uplink; the accept is where the request was.
    assert {each["channel"] for each in channels} <= {f"LC{number}" for number in range(1, 9)}
    assert sum(each["frames"] for each in channels) == 2
    [sender] = [each for each in channels if each["downlinks"]]
    assert sender["airtime"] > 0 and 0 < sender["dutyCycleMax"] < 0.01
    path = f"baseStations/{station['ref']}/channels"
    for name in (sender["channel"], sender["channel"].lower(), str(sender["frequency"])):
        [duty] = of(f"{path}/{name}/dutyCycleStatistics", "&aggregationStep=24&duration=7")[-1:]
        assert duty["frameCount"] == 1 and duty["airtime"] == sender["airtime"]
    [heard] = [each for each in channels if each["frames"]][:1]
    signal = of(f"{path}/{heard['channel']}/signalStatistics", "&duration=2")
    assert sum(each["frameCount"] for each in signal) == heard["frames"]
    assert {each["baseStationRSSIMin"] for each in signal} == {-70.0}
    assert dx.call("GET", f"{CORE}/{path}/{heard['channel']}/signalStatistics") == signal[-1:]
    assert of(f"{path}/LC9/signalStatistics") == of(f"{path}/863.1/dutyCycleStatistics") == []
    assert of("baseStationFrameStatistics", "&duration=1")[0]["date"] >= start[:13]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("baseStations/{ref}/channels/north/signalStatistics", 404),
        ("baseStations/{ref}/channels/LC1/signalStatistics?duration=841", 400),
        ("baseStations/{ref}/channels/LC1/dutyCycleStatistics?duration=8", 400),
        ("baseStations/{ref}/lrcPacketStatistics?aggregationStep=25", 400),
        ("baseStations/{ref}/lrcPacketStatistics?startDate=yesterday", 400),
        ("baseStations/999999/lrcPacketStatistics", 404),
        ("baseStationFrameStatistics?baseStationId=00000001", 404),
        ("baseStationFrameStatistics?baseStationId=mast", 400),
    ],
)
def test_statistics_of_what_is_not_there_are_refused(dx: Integration, path: str, status: int) -> None:
    [station] = dx.call("GET", f"{CORE}/baseStations")
    assert dx.request("GET", f"{CORE}/{path.format(ref=station['ref'])}").status_code == status


def test_projects_and_other_operators_see_no_base_stations(
    server: HostedServer, client: Client, dx: Integration
) -> None:
    [station] = dx.call("GET", f"{CORE}/baseStations")
    path = f"{CORE}/baseStations/{station['ref']}"
    other = Integration(server, sandbox(server.data))
    assert station["ref"] not in [one["ref"] for one in other.call("GET", f"{CORE}/baseStations")]
    for method in ("GET", "PUT", "DELETE"):
        assert other.request(method, path, {"name": "Mine"}).status_code == 404
    [alarm] = dx.call("GET", f"{CORE}/baseStationAlarms")
    assert other.call("GET", f"{CORE}/baseStationAlarms") == []
    assert other.request("POST", f"{CORE}/baseStationAlarms/{alarm['ref']}/acks").status_code == 404
    assert other.call("GET", f"{CORE}/baseStationHealthStatistics")["totalCount"] == 1
    statistics = [
        f"{path}/channels/LC1/signalStatistics",
        f"{path}/channels/LC1/dutyCycleStatistics",
        f"{path}/lrcPacketStatistics",
        f"{CORE}/baseStationFrameStatistics?baseStationId={station['id']}",
        f"/api/v1/operator/baseStations/{station['id']}/channels",
    ]
    for where in statistics:
        assert other.request("GET", where).status_code == 404
    for where in (path, f"{CORE}/baseStations", OSS, *statistics[:4]):
        answer = client.http.get(where)
        assert answer.status_code == 401, "projects are subscribers'"


@pytest.mark.parametrize(
    ("body", "words"),
    [({"name": "x"}, "uuid is mandatory"), ({"name": "x", "uuid": "0059AC-zz"}, "uuid or id")],
)
def test_what_is_no_base_station_is_refused(dx: Integration, body: dict[str, str], words: str) -> None:
    answer = dx.request("POST", f"{CORE}/baseStations", body)
    assert answer.status_code == 400 and words in answer.text
