"""Devices, application servers and catalogues on the paths of ThingPark's OSS and DX APIs, as clients of
ThingPark call them: with the token of a project, with members that are null, and by the EUI of a device."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from veldnet.simulator.customer import Account

OSS = "/thingpark/wireless/rest/subscriptions/mine"
DX = "/thingpark/dx/core/latest/api"
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E90A"
EUI = "0059AC00E50000{:02X}"
DESTINATION = {"addresses": ["https://lights.example.com/up"]}


class Oss:
    """A client of a subscriber, with a token."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        self.account = account
        client = Client(server, account)
        client.activate()
        self.http = client.http

    def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, path, json=body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.request(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, *, status: int = 400) -> str:
        answer = self.request(method, path, body)
        assert answer.status_code == status, answer.text
        assert isinstance(answer.json()["code"], int)
        return str(answer.json()["message"])

    def create(self, number: int, **members: Any) -> Any:
        body = {
            "EUI": EUI.format(number),
            "activation": "OTAA",
            "appEUI": "0059AC0000000001",
            "appKey": KEY,
            "model": {"ID": self.account.device_profile_id},
            "name": f"Lamp {number}",
            "networkSubscription": {"nwGeolocalization": True, "prAllowed": False},
            "nwAddress": None,
        }
        return self.call("POST", f"{OSS}/devices", body | members)


@pytest.fixture(scope="module")
def oss(server: HostedServer, account: Account) -> Oss:
    return Oss(server, account)


@pytest.fixture(scope="module")
def outsider(server: HostedServer) -> Oss:
    return Oss(server, sandbox(server.data))


@pytest.fixture(scope="module")
def lamps(oss: Oss) -> list[Any]:
    return [oss.create(number) for number in range(1, 5)]


def test_devices_are_found_by_filters_and_page_after_page(oss: Oss, outsider: Oss, lamps: list[Any]) -> None:
    euis = [lamp["EUI"] for lamp in lamps]

    def found(query: str) -> list[str]:
        return [brief["EUI"] for brief in oss.call("GET", f"{OSS}/devices?{query}")["briefs"]]

    assert found("name=lamp") == euis
    # The beginning of a name, not what stands within it: a client sends downlinks to all that it finds.
    assert found("name=amp") == [] and found("name=%25amp") == []
    assert found("query=amp+3") == [euis[2]]
    assert found(f"devEUI={euis[3].lower()}&devEUI={euis[0]}") == [euis[0], euis[3]]
    both = f"devEUI={euis[3]},{euis[0]}"
    assert found(f"{both}&sort=EUI,desc&pageSize=1&pageIndex=2") == [euis[0]]
    assert found(f"{both}&healthState=ACTIVE") == found(f"{both}&name=Post") == found("devEUI=zz") == []
    assert found("name=Lamp&healthState=INIT&sort=name,desc") == euis[::-1]
    assert found("name=Lamp&healthState=ACTIVE&connectivity=LORAWAN&sort=lastUpTimestamp%2Cdesc") == []
    assert found("name=Lamp&pageSize=3&pageIndex=2") == [euis[3]]
    page = oss.call("GET", f"{OSS}/devices?name=Lamp&pageSize=3")
    assert (page["more"], page["count"]) == (True, 4) and page["now"] > 1_700_000_000_000
    assert found(f"name=Lamp&pageSize=3&pageAfter={page['cursors']['last']}") == [euis[3]]
    assert outsider.call("GET", f"{OSS}/devices?name=Lamp")["briefs"] == []
    counted = oss.call("GET", f"{OSS}/devices/counters")
    assert sum(brief["count"] for brief in counted["briefs"]) == counted["totalCount"] >= 4


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("lat=52", "lat is no filter that this server has"),
        ("infRSSI=x", "infRSSI 'x' must be a number"),
        ("infSNR=0&sort=name", "sort must be creationDate"),
        ("healthState=FINE", "healthState 'FINE' must be one of RF_CNX_ERROR, INIT"),
        ("sort=lastSF,desc", "sort 'lastSF,desc' must be one of name, EUI"),
        ("sort=name,up", "sort 'name,up'"),
        ("alarmLevel=9", "alarmLevel '9' must be one of 1, 3"),
        ("pageSize=0", "pageSize '0'"),
        ("pageAfter=x", "pageAfter 'x'"),
    ],
)
def test_what_narrows_a_list_is_obeyed_or_refused(oss: Oss, query: str, reason: str) -> None:
    assert reason in oss.refused("GET", f"{OSS}/devices?{query}")


def test_a_device_from_creation_to_its_end(oss: Oss, outsider: Oss, lamps: list[Any]) -> None:
    made = oss.create(0x20, adminLat=52.1, adminLon=5.2, customerAdminData="Pole 7", motionIndicator="RANDOM")
    path = f"{OSS}/devices/e{made['EUI']}"
    shown = oss.call("GET", path)
    assert shown["uid"] == made["uid"] and shown["alarmCount"] == shown["alarmLevel"] == 0
    assert (shown["adminLat"], shown["customerAdminData"], shown["motionIndicator"]) == (
        52.1,
        "Pole 7",
        "RANDOM",
    )
    assert shown["networkSubscription"]["ID"] and shown["suspension"] == "NONE"
    assert "appKey" not in shown and KEY not in str(shown)
    changed = oss.call("PUT", path, {"name": "Pole", "adminLat": 52.5, "adminLon": 5.2, "domains": []})
    assert (changed["name"], changed["adminLat"]) == ("Pole", 52.5)
    suspended = oss.call("PUT", path, {"networkSubscription": {"ID": None}})
    assert suspended["suspension"] == "SUBSCRIBER_SUSPENDED" and "networkSubscription" not in suspended
    for method, body in (("GET", None), ("PUT", {"name": "Mine"}), ("DELETE", None)):
        outsider.refused(method, path, body, status=404)
    assert "EUI" in oss.refused("PUT", path, {"EUI": EUI.format(0x21)})
    assert "rootKeys" in oss.refused("POST", f"{OSS}/devices", {"EUI": EUI.format(0x22), "nwkKey": KEY})
    assert "ABP" in oss.refused("POST", f"{OSS}/devices", {"EUI": EUI.format(0x22), "activation": "ABP"})
    assert oss.request("DELETE", path).status_code == 204
    oss.refused("GET", path, status=404)


def test_references_of_another_type_leave_a_device_in_service(oss: Oss, lamps: list[Any]) -> None:
    path = f"{OSS}/devices/{lamps[0]['uid']}"
    before = oss.call("GET", path)
    wrongs: list[Any] = [0, False, [], {}]
    for wrong in wrongs:
        for name in ("networkSubscription", "model"):
            assert f"{name}.ID must be text" in oss.refused("PUT", path, {name: {"ID": wrong}})
        assert "appServers[0].ID" in oss.refused("PUT", path, {"appServers": [{"ID": wrong}]})
    nameless_ones: list[dict[str, Any]] = [{}, {"ID": None}, {"uid": "1"}, {"ID": ".AS"}]
    for nameless in nameless_ones:
        assert "appServers[0].ID is mandatory" in oss.refused("PUT", path, {"appServers": [nameless]})
    # Clients send back empty texts for what they do not know.
    unsaid: list[dict[str, Any]] = [{"ID": ""}, {}]
    for members in ({name: each} for name in ("networkSubscription", "model") for each in unsaid):
        assert oss.call("PUT", path, members)["networkSubscription"] == before["networkSubscription"]
    assert oss.call("GET", path)["model"] == before["model"]


def test_downlinks_frames_and_alarms_of_a_device(
    oss: Oss, outsider: Oss, lamps: list[Any], antenna: Antenna
) -> None:
    device = radio.device(lamps[0]["EUI"], KEY)
    path, dx = f"{OSS}/devices/e{lamps[0]['EUI']}", f"{DX}/devices/{lamps[0]['uid']}/downlinkMessages"
    assert "not joined" in oss.refused("POST", f"{path}/admins/downlink?payload=01&fPort=1")
    radio.join(antenna, device)
    antenna.hear(device.uplink(2, b"first"))
    antenna.downlink(3)
    query = "payload=ff030300&fPort=1&confirmed=true&flushDownlinkQueue=false&validityTime=600"
    assert oss.request("POST", f"{path}/admins/downlink?{query}").status_code == 201
    sent = oss.call(
        "POST",
        f"{dx}?flushDownlinkQueue=false",
        {"payloadHex": "0100003C", "targetPorts": "2", "confirmDownlink": False, "correlationID": "c1"},
    )
    assert (sent["payloadHex"], sent["targetPorts"], sent["correlationID"]) == ("0100003C", "2", "c1")
    queued = oss.call("GET", dx)
    assert [(each["targetPorts"], each["confirmDownlink"]) for each in queued] == [("1", True), ("2", False)]
    assert [each["payloadHex"].lower() for each in queued] == ["ff030300", "0100003c"]
    antenna.hear(device.uplink(2, b"second"))
    antenna.downlink(3)
    frames = oss.call("GET", f"{path}/frames?duration=P1D")
    kinds = [frame["type"] for frame in frames["briefs"]]
    assert kinds.count(0) == 2 and 1 in kinds
    assert frames["lrrs"] == [{"lrrID": frames["lrrs"][0]["lrrID"]}]
    times = [frame["timestamp"] for frame in frames["briefs"]]
    assert times == sorted(times)
    only_up = oss.call("GET", f"{path}/frames?type=0")["briefs"]
    assert {frame["type"] for frame in only_up} == {0} and only_up[0]["rssi"] < 0 and only_up[0]["size"] == 5
    shown = oss.call("GET", path)
    assert (shown["healthState"] == "ACTIVE" and shown["lastUpTimestamp"] == times[-1]) or kinds[-1] == 1
    assert shown["lastDwTimestamp"] > 0
    assert oss.call("GET", f"{path}/locations")["briefs"] == []
    for none in ("alarms", "alarms/histories"):
        assert oss.call("GET", f"{path}/{none}") == {"briefs": [], "more": False}
    _measured(oss, path)
    oss.refused("POST", f"{path}/alarms/0123456789abcdef/ack", status=404)
    assert oss.request("POST", f"{path}/alarms/ack").status_code == 201
    for wrong, reason in (
        ("frames?duration=7", "duration '7' must be a duration such as P7D"),
        ("frames?type=4", "type '4' must be 0 or 1"),
        ("frames?lrrID=zz", "lrrID 'zz'"),
        ("frames?begin=yesterday", "begin 'yesterday'"),
    ):
        assert reason in oss.refused("GET", f"{path}/{wrong}")
    for wrong, reason in (
        ("fPort=1", "payload and fPort are mandatory"),
        ("payload=0g&fPort=1", "payload must be hexadecimal"),
        ("payload=01&fPort=1&validityTime=soon", "validityTime 'soon'"),
    ):
        assert reason in oss.refused("POST", f"{path}/admins/downlink?{wrong}")
    for wrong_body, reason in (
        ({"targetPorts": "2"}, "payloadHex and targetPorts are mandatory"),
        ({"payloadHex": "01", "targetPorts": "1,2"}, "targetPorts '1,2' must be a port"),
    ):
        assert reason in oss.refused("POST", dx, wrong_body)
    for rest in ("frames", "frames/aggregated", "locations", "alarms", "alarms/histories", "batLevels"):
        outsider.refused("GET", f"{path}/{rest}", status=404)
    outsider.refused("GET", dx, status=404)


def test_a_file_comes_as_clients_send_it(oss: Oss) -> None:
    server = oss.call("POST", f"{OSS}/appServers", {"name": "Of a file", "destinations": [DESTINATION]})
    rows = [
        ["CREATE_OTAA", EUI.format(number), "", oss.account.device_profile_id, "0059AC0000000001", KEY]
        for number in (0x40, 0x40)
    ]
    rows = [row + [""] * 4 + ["Lamp of a file"] + [""] * 8 + [server["ID"]] for row in rows]
    text = "\r\n".join(",".join(row) for row in [*rows, ["DELETE", EUI.format(0x49)]])
    query = "async=true&forceDevAddrs=false&networkSubscriptionsHandlingMode=ADVANCED"
    answer = oss.http.post(f"{OSS}/devices/import?{query}", files={"csv": ("output.csv", text, "text/csv")})
    assert answer.status_code == 200, answer.text
    assert [each["code"] for each in answer.json()["briefs"]] == [200, 400, 404]
    made = oss.call("GET", f"{OSS}/devices/e{EUI.format(0x40)}")
    assert made["appServers"][0]["ID"] == server["ID"]
    assert made["networkSubscription"]["commercialName"] and made["model"]["commercialName"]
    answer = oss.http.post(f"{OSS}/devices/import", files={"a": ("a", "x"), "b": ("b", "y")})
    assert answer.status_code == 400 and "one file" in answer.text
    # Suspended by its client, and taken back.
    for suspension, plan in (("SUBSCRIBER_SUSPENDED", False), ("NONE", True), ("NONE", True)):
        changed = oss.call("PUT", f"{OSS}/devices/{made['uid']}", {"suspension": suspension})
        assert changed["suspension"] == suspension and ("networkSubscription" in changed) is plan
        found = oss.call("GET", f"{OSS}/devices?devEUI={made['EUI']}&networkSubscriptionID=_unset")
        assert found["count"] == (0 if plan else 1)


def test_refusals_name_members_as_these_clients_do(oss: Oss) -> None:
    body: dict[str, Any] = {"EUI": EUI.format(0x50), "appEUI": "xx", "appKey": KEY}
    assert "model.ID is mandatory; see GET /subscriptions" in oss.refused("POST", f"{OSS}/devices", body)
    body["model"] = {"ID": oss.account.device_profile_id}
    assert "appEUI 'xx'" in oss.refused("POST", f"{OSS}/devices", body)
    wrong = {"name": "x", "destinations": [{"addresses": []}]}
    assert "destinations[0].addresses" in oss.refused("POST", f"{OSS}/appServers", wrong)


def test_pages_begin_at_one_or_none(oss: Oss, lamps: list[Any]) -> None:
    first = oss.call("GET", f"{OSS}/devices?name=Lamp&pageIndex=0&pageSize=5000")["briefs"]
    assert first == oss.call("GET", f"{OSS}/devices?name=Lamp&pageIndex=1")["briefs"]
    assert oss.call("GET", f"{OSS}/devices?connectivity=CELLULAR")["count"] == 0
    assert oss.call("GET", f"{OSS}/devices/alarms")["more"] is False
    counted = oss.call("GET", f"{OSS}/devices/alarms/stateDistributions")
    assert counted["totalCount"] == sum(each["count"] for each in counted["briefs"])


def _measured(oss: Oss, path: str) -> None:
    """What was measured of a device that has sent two uplinks, and devices by that."""
    (slot,) = oss.call("GET", f"{path}/frames/aggregated?step=24&duration=P1D")["briefs"][-1:]
    assert slot["uplinkCount"] in (1, 2) and slot["avgRSSI"] < 0
    factors = oss.call("GET", f"{path}/spreadingFactors/sfDistributions")["briefs"]
    assert sum(each["count"] for each in factors) == 2
    assert oss.call("GET", f"{path}/batLevels")["briefs"] == []
    for query, count in (("infRSSI=0", 1), ("infRSSI=-999", 0), ("supSNR=-99", 1), ("infSNR=-99", 0)):
        assert oss.call("GET", f"{OSS}/devices?name=Lamp&{query}")["count"] == count
    assert oss.call("GET", f"{OSS}/devices?name=Lamp&batteryLevel=254")["count"] == 0


def _unknown(oss: Oss, uid: str) -> None:
    """IDs that only end as that of an application server name none."""
    for other in (f"x.{uid}", f"TWA_1.{uid}.AS", f"{uid}.AS"):
        for method in ("GET", "PUT", "DELETE"):
            body = {"name": "Other"} if method == "PUT" else None
            oss.refused(method, f"{OSS}/appServers/{other}", body, status=404)


def test_application_servers_are_routing_profiles(oss: Oss, outsider: Oss) -> None:
    body = {
        "name": "Lights",
        "contentType": "json",
        "destinations": [
            {"addresses": ["https://one.example.com/up"], "ports": "1-9", "strategy": "SEQUENTIAL"},
            {"addresses": ["https://two.example.com/up"], "ports": "*", "strategy": "BLAST"},
        ],
        "downlinkSecurity": {
            "status": "DOWNLINK_AS_KEY",
            "asID": "lights",
            "downlinkAsKey": "C72C6F867B150B1210ACDA5F3CDFB449",
            "maxTimestampDeviation": 10,
        },
        "customHttpHeaders": [],
    }
    made = oss.call("POST", f"{OSS}/appServers", body)
    profile = oss.call("GET", f"{KPN}/routingProfiles/{made['uid']}")
    assert made["ID"] == f"{profile['id']}.AS"
    assert made["destinations"] == body["destinations"] and made["contentType"] == "json"
    assert made["downlinkSecurity"] == {
        "status": "DOWNLINK_AS_KEY",
        "asID": "lights",
        "maxTimestampDeviation": 10,
    }
    (listed,) = oss.call("GET", f"{OSS}/appServers?name=light")["briefs"]
    assert listed["ID"] == made["ID"]
    assert [route["sourcePorts"] for route in profile["routes"]] == ["1-9", "*"]
    moved = {
        "destinations": [{"addresses": ["https://three.example.com/"], "ports": "*", "strategy": "BLAST"}]
    }
    changed = oss.call("PUT", f"{OSS}/appServers/{made['ID']}", moved)
    assert changed["destinations"] == moved["destinations"]
    assert changed["downlinkSecurity"]["asID"] == "lights", "it stays, and its key with it"
    device = oss.create(0x30, appServers=[{"ID": made["ID"]}])
    assert device["appServers"] == [
        {"ID": made["ID"], "name": "Lights", "href": f"{OSS}/appServers/{made['uid']}"}
    ]
    assert "use" in oss.refused("DELETE", f"{OSS}/appServers/{made['uid']}")
    route = next(each for each in oss.call("GET", f"{DX}/routes") if each["name"] == "Lights")
    assert (route["asId"], route["contentType"], route["strategy"]) == ("lights", "JSON", "BLAST")
    free = oss.call("PUT", f"{OSS}/devices/{device['uid']}", {"appServers": []})
    assert "appServers" not in free
    oss.refused("GET", f"{OSS}/appServers/{made['uid']}x", status=404)
    _unknown(oss, made["uid"])
    outsider.refused("GET", f"{OSS}/appServers/{made['uid']}", status=404)
    outsider.refused("PUT", f"{OSS}/appServers/{made['uid']}", moved, status=404)
    for wrong, reason in (
        ({"contentType": "jsontyped"}, "contentType must be xml or json"),
        ({"type": "KAFKA"}, "type must be HTTP"),
        ({"destinations": []}, "destinations is mandatory"),
        ({"downlinkSecurity": {"status": "DOWNLINK_AS_KEY"}}, "downlinkSecurity.asID is mandatory"),
    ):
        assert reason in oss.refused("POST", f"{OSS}/appServers", {"name": "Wrong", **moved} | wrong)
    two = [{"ID": made["ID"]}, {"ID": "TWA_1.2.AS"}]
    assert "one application server" in oss.refused(
        "PUT", f"{OSS}/devices/{device['uid']}", {"appServers": two}
    )
    assert oss.request("DELETE", f"{OSS}/appServers/{made['uid']}").status_code == 204


def test_tags_of_a_device(oss: Oss, outsider: Oss) -> None:
    device = oss.create(0x38)
    path = f"{OSS}/devices/e{device['EUI']}/tags"
    for _again in range(2):
        assert oss.call("POST", path, {"name": "model: Lamp / 3"}) == {"name": "model: Lamp / 3"}
    oss.call("POST", path, {"name": "dike"})
    assert oss.call("GET", path) == {"briefs": [{"name": "dike"}, {"name": "model: Lamp / 3"}]}
    (found,) = oss.call("GET", f"{OSS}/devices?tag=dike")["briefs"]
    assert {"name": "dike"} in found["tags"] and len(found["tags"]) == 2
    for _again in range(2):
        oss.call("DELETE", f"{path}/dike")
    assert oss.call("GET", path) == {"briefs": [{"name": "model: Lamp / 3"}]}
    assert "name is mandatory" in oss.refused("POST", path, {})
    assert "tags" in oss.refused("POST", path, {"name": "a;b"})
    for method, body in (("GET", None), ("POST", {"name": "x"})):
        outsider.refused(method, path, body, status=404)


def test_headers_of_application_servers(server: HostedServer, oss: Oss) -> None:
    made = oss.call("POST", f"{OSS}/appServers", {"name": "Pumps", "destinations": [DESTINATION]})
    secret = {"customHttpHeaders": [{"name": "Authorization", "value": "Bearer x"}]}
    hidden = [{"name": "Authorization", "value": "*****"}]
    assert oss.call("PUT", f"{OSS}/appServers/{made['uid']}", secret)["customHttpHeaders"] == hidden
    (listed,) = oss.call("GET", f"{OSS}/appServers?name=pump")["briefs"]
    assert listed["customHttpHeaders"] == hidden
    # A hidden value that is sent back stays, as does everything that is not sent.
    kept = {"customHttpHeaders": [*hidden, {"name": "X-Tenant", "value": "7"}]}
    changed = oss.call("PUT", f"{OSS}/appServers/{made['uid']}", kept)
    assert changed["destinations"] == made["destinations"]
    table = server.platform.table
    wanted = {"Authorization": "Bearer x", "X-Tenant": "7"}
    server.until(lambda: (found := table.get(int(made["uid"]))) and found.headers == wanted)
    oss.call("PUT", f"{KPN}/routingProfiles/{made['uid']}", {"name": "Pumps"})
    server.until(lambda: (found := table.get(int(made["uid"]))) and found.headers == wanted)
    bare = oss.call("PUT", f"{OSS}/appServers/{made['uid']}", {"customHttpHeaders": []})
    assert "customHttpHeaders" not in bare
    for wrong, reason in (
        ({"customHttpHeaders": [{"name": "Host", "value": "b"}]}, "customHttpHeaders: 'Host'"),
        ({"customHttpHeaders": [{"name": "A", "value": "*****"}]}, "customHttpHeaders: A has no value yet"),
        ({"customHttpHeaders": [{"name": "A", "value": "b\r\nC: d"}]}, "customHttpHeaders: the value of A"),
    ):
        assert reason in oss.refused("PUT", f"{OSS}/appServers/{made['uid']}", wrong)
    oss.call("DELETE", f"{OSS}/appServers/{made['uid']}")


def test_catalogues_connections_and_users(oss: Oss, outsider: Oss) -> None:
    profiles = oss.call("GET", f"{OSS}/deviceProfiles?pageIndex=1")
    assert oss.account.device_profile_id in [brief["ID"] for brief in profiles["briefs"]]
    plans = oss.call("GET", f"{OSS}/networkSubscriptions")["briefs"]
    assert plans and {brief["communicationType"] for brief in plans} <= {"UNICAST", "MULTICAST"}
    assert oss.call("GET", f"{OSS}/networkSubscriptions?pageIndex=99") == {"briefs": [], "more": False}
    connection = {"name": "Broker", "type": "MQTT", "address": "mqtts://broker.example.com:8883"}
    # Other tests of this server make some, too.
    before = [each["id"] for each in oss.call("GET", f"{DX}/connections?pageIndex=1")]
    ref = oss.call("POST", "/api/v1/connections", connection | {"dialect": "THINGPARK"})["ref"]
    (shown, *others) = sorted(
        oss.call("GET", f"{DX}/connections?pageIndex=1"), key=lambda each: each["id"] != ref
    )
    assert [each["id"] for each in others] == before
    assert (shown["id"], shown["connectorId"], shown["name"]) == (ref, "actility-mqtt-iot", "Broker")
    assert oss.call("GET", f"{DX}/connections?pageIndex=2") == []
    assert outsider.call("GET", f"{DX}/connections") == []
    for user in oss.call("GET", f"{DX}/users"):
        assert set(user) == {"id", "ref", "firstName", "lastName", "email", "organization", "scopes"}
        assert user["scopes"] == [f"SUBSCRIBER:{user['organization']}"]
