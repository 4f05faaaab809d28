"""Alarms, statistics, notifications and the operator's view, with the real process over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api import contract
from tests.api.contract import checker, refused
from tests.e2e.running import Client, RunningServer, command, sandbox
from tests.monitoring.post_office import PostOffice
from veldnet.monitoring.alarms.types import BASE_STATION_TYPES, DEVICE_TYPES
from veldnet.simulator.customer import Account

APP_KEY = "00112233445566778899AABBCCDDEEFF"
JOIN_EUI = "0059AC0000000001"
T = "T00:00:00Z"


class Place:
    """A server that sends e-mail, a customer with a device that has spoken, and another customer."""

    def __init__(self, directory: Path, post: PostOffice) -> None:
        self.post = post
        self.data = directory / "data"
        self.account: Account = sandbox(self.data)
        self.other_account: Account = sandbox(self.data)
        self.server = RunningServer(
            self.data,
            VELDNET_MAIL__HOST="127.0.0.1",
            VELDNET_MAIL__PORT=str(post.port),
            VELDNET_MAIL__SECURITY="none",
            VELDNET_ALARMS__CHECK_INTERVAL="1s",
            VELDNET_ALARMS__BASE_STATION_SILENCE="4s",
            VELDNET_ALARMS__NOTIFICATION_WINDOW="1s",
            VELDNET_ALARMS__NOTIFICATION_INTERVAL="1s",
            VELDNET_LOG__LEVEL="info",
            VELDNET_LOG__FORMAT="json",
        )
        self.connect()
        # Two frames an hour are allowed; five come.
        command(
            *("admin", "plan", "change", self.account.connectivity_plan_id, "--operator", "sandbox-ope"),
            *("--data", str(self.data), "--set", "uplinkRate=1", "--set", "uplinkBucketSize=2"),
            *("--set", "thirdPartyAppServersRouting=false"),
        )
        self.routing = self.client.call(
            "POST", "/routingProfiles", {"name": "AS", "routes": [{"contentType": "JSON", "addresses": ["http://127.0.0.1:9/x"]}]},
        )["id"]  # fmt: skip
        self.device: dict[str, Any] = self.client.call(
            "POST", "/devices", self.client.device_body(1, routingProfileId=self.routing, name="Meter 1")
        )
        self.speak("--count", "5", "--period", "0.2")

    def connect(self) -> None:
        self.client = Client(self.server, self.account)
        self.client.activate()
        self.other = Client(self.server, self.other_account)
        self.other.activate()

    def speak(self, *more: str) -> None:
        host, port = self.server.udp
        command(
            *("simulate", "device", "--dev-eui", self.device["EUI"], "--join-eui", JOIN_EUI),
            *("--app-key", APP_KEY, "--base-station-eui", self.account.base_station_eui),
            *("--udp", f"{host}:{port}", *more),
        )

    def admin(self, *arguments: str) -> Any:
        return json.loads(command("admin", *arguments, "--data", str(self.data), "--json"))

    def v1(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        answer = self.client.http.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    def metrics(self) -> dict[str, float]:
        lines = self.client.http.get("/metrics").text.splitlines()
        return {
            line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in lines
            if not line.startswith("#")
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("monitoring")
    with PostOffice(directory) as post:
        built = Place(directory, post)
        yield built
        assert built.server.stop() == 0


@pytest.fixture(scope="module")
def checked(place: Place) -> Any:
    documents = [place.client.http.get("/openapi.json").json()]
    if contract.PUBLISHED.exists():
        documents.append(yaml.safe_load(contract.PUBLISHED.read_text()))
    return checker(place.client, documents)


def eventually(what: Callable[[], Any], seconds: float = 15) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come about")


def of_type(alarms: list[dict[str, Any]], kind: int) -> dict[str, Any]:
    (found,) = [alarm for alarm in alarms if alarm["deviceAlarmTypeId"] == kind]
    return found


def test_an_alarm_over_the_api(place: Place, checked: Any) -> None:
    alarm = of_type(checked("Devicealarmsretrieval"), 3)
    assert (alarm["alarmState"], alarm["occurrence"], alarm["acked"]) == ("MINOR", 3, False)
    assert alarm["deviceRef"] == place.device["ref"]
    by_device = checked("Devicealarmsretrieval", params={"deviceEUI": place.device["EUI"]})
    assert alarm in by_device
    assert checked("Devicealarmsretrieval", params={"deviceEUI": "FFFFFFFFFFFFFFFF"}) == []
    assert checked("Devicealarmsretrieval", params={"pageIndex": 2}) == []
    ref = {"deviceAlarmRef": alarm["ref"]}
    assert checked("Devicealarmretrieval", path=ref) == alarm
    before = checked("Deviceretrieval", path={"deviceRef": place.device["ref"]})["statistics"]
    assert before["alarmStatistics"]["nonAckedMinorCount"] == 1

    for _twice in range(2):
        checked("Devicealarmacknowledgement", path=ref)
    seen = checked("Devicealarmretrieval", path=ref)
    assert seen["acked"] and seen["ackAuthor"] == "Sandbox User" and seen["lastAckTime"]
    after = checked("Deviceretrieval", path={"deviceRef": place.device["ref"]})["statistics"]
    assert after["alarmStatistics"]["nonAckedMinorCount"] == 0

    # Another customer has never heard of it.
    assert place.other.call("GET", "/deviceAlarms") == []
    for method, tail in (("GET", ""), ("POST", "/acks")):
        assert place.other.request(method, f"/deviceAlarms/{alarm['ref']}{tail}").status_code == 404
    assert checked("Devicealarmretrieval", path=ref) == seen


def test_statistics_over_the_api(place: Place, checked: Any) -> None:
    eui = place.device["EUI"]
    today = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 3600)) + T
    one = {"deviceEUIList": eui, "startDate": today, "duration": 2}
    single = checked("Framestatisticsretrieval", params=one)
    assert [e["type"] for e in single].count("UPLINK") == 5
    by_day = checked("Framestatisticsretrieval", params=one | {"aggregationStep": 24})
    total = sum(e["frameCount"] for e in by_day if e["type"] == "UPLINK")
    assert total == 5
    both = one | {"deviceEUIList": f"{eui},{eui}"}
    assert checked("Framestatisticsretrieval", params=both) == single, "a device named twice counts once"
    station = place.admin("base-station", "list")[0]["id"]
    here = checked("Framestatisticsretrieval", params=one | {"baseStationId": station})
    assert len(here) == len(single)
    assert checked("Framestatisticsretrieval", params=one | {"baseStationId": "12345678"}) == []
    newest = checked("Framestatisticsretrieval", params={"deviceEUIList": eui})
    assert [e["type"] for e in newest].count("UPLINK") == 1
    fleet = checked(
        "Framestatisticsretrieval", params={"startDate": today, "duration": 2, "aggregationStep": 24}
    )
    assert sum(e["frameCount"] for e in fleet if e["type"] == "UPLINK") == 5
    health = checked("Healthstatisticsretrieval")
    assert health == {"initCount": 0, "activeCount": 1, "rfConnectionErrorCount": 0, "totalCount": 1}
    lists = checked("Devicesretrieval", params={"healthState": "ACTIVE", "statistics": "true"})
    assert [d["EUI"] for d in lists] == [eui]
    assert checked("Devicesretrieval", params={"healthState": "RF_CNX_ERROR"}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aggregationStep": "0"}, "aggregationStep"),
        ({"aggregationStep": "25"}, "from 1 to 24"),
        ({"aggregationStep": "x"}, "aggregationStep"),
        ({"duration": "0"}, "duration"),
        ({"duration": "99999"}, "duration"),
        ({"startDate": "yesterday"}, "2026-01-31T12:00:00Z"),
        ({"startDate": "9999-99-99T00:00:00Z"}, "startDate"),
        ({"deviceEUIList": "zz"}, "deviceEUIList"),
        ({"deviceEUIList": ",".join(f"{n:016X}" for n in range(101))}, "at most 100"),
        ({"baseStationId": "nonsense"}, "baseStationId"),
    ],
)
def test_what_statistics_refuse(place: Place, checked: Any, changes: dict[str, str], words: str) -> None:
    asked = {"deviceEUIList": place.device["EUI"]} | changes
    assert words in refused(checked, "Framestatisticsretrieval", None, params=asked)


def test_unknown_and_foreign_devices_and_alarms(place: Place, checked: Any) -> None:
    for eui in ("FFFFFFFFFFFFFFFF", f"{place.device['EUI']},FFFFFFFFFFFFFFFF"):
        refused(checked, "Framestatisticsretrieval", None, 404, params={"deviceEUIList": eui})
    foreign = place.other.request("GET", f"/deviceFrameStatistics?deviceEUIList={place.device['EUI']}")
    unknown = place.other.request("GET", "/deviceFrameStatistics?deviceEUIList=FFFFFFFFFFFFFFFF")
    assert foreign.status_code == unknown.status_code == 404
    for ref in ("999999", "-1", "abc", "9" * 40, "%00"):
        refused(checked, "Devicealarmretrieval", None, 404, path={"deviceAlarmRef": ref})
        refused(checked, "Devicealarmacknowledgement", None, 404, path={"deviceAlarmRef": ref})
    assert "pageIndex" in refused(checked, "Devicealarmsretrieval", None, params={"pageIndex": "0"})


def test_recipients_are_told(place: Place) -> None:
    settings = {"mode": "BASIC", "recipients": ["ops@customer.example"]}
    assert place.v1("GET", "/notificationSettings")["mode"] == "OFF"
    place.v1("PUT", "/notificationSettings", settings)
    assert place.v1("GET", "/notificationSettings")["recipients"] == settings["recipients"]
    for bad in (
        {"mode": "BASIC", "recipients": ["x"]},
        {"mode": "LOUD"},
        {"webhook": "gopher://x"},
        {"surprise": 1},
    ):
        place.v1("PUT", "/notificationSettings", bad, expect=400)
    # Somebody without the key tries to join.
    host_port = f"{place.server.udp[0]}:{place.server.udp[1]}"
    with pytest.raises(AssertionError, match="not served"):
        command(
            *("simulate", "device", "--dev-eui", place.device["EUI"], "--join-eui", JOIN_EUI),
            *("--app-key", "F" * 32, "--base-station-eui", place.account.base_station_eui),
            *("--udp", host_port, "--timeout", "3"),
        )
    message = eventually(lambda: place.post.messages and place.post.messages[-1])
    assert "Wrong MIC detected in Join request" in message["Subject"] and "Meter 1" in message["Subject"]
    assert place.post.recipients[-1] == ["ops@customer.example"]


def test_a_base_station_that_falls_silent(place: Place) -> None:
    """The operator is told, once; and again when it is back."""
    command(
        *("admin", "alarms", "recipients", "--operator", "sandbox-ope", "--to", "noc@operator.example"),
        *("--data", str(place.data)), VELDNET_MAIL__HOST="127.0.0.1",
    )  # fmt: skip

    def stations() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = place.admin("alarms", "base-stations", "--cleared")
        return [a for a in found if a["alarmTypeId"] == 102]

    def all_clear() -> bool:
        return all(a["alarmState"] == "CLEARED" for a in stations())

    with keeping_alive(place):
        eventually(all_clear, 60)
    before = len(place.post.messages)
    down = eventually(lambda: [a for a in stations() if a["alarmState"] == "CRITICAL"], 60)
    assert down[0]["alarmType"] == "Connection status"
    eventually(lambda: [m for m in place.post.messages[before:] if "CRITICAL" in m["Subject"]], 60)
    assert ["noc@operator.example"] in place.post.recipients
    assert place.metrics()['veldnet_base_station_alarms{type="102"}'] >= 1
    identifier = down[0]["baseStationId"]
    command("admin", "alarms", "acknowledge", identifier, "102", "--data", str(place.data))
    assert stations()[0]["acked"]
    with keeping_alive(place):
        eventually(all_clear, 60)
        assert stations()[0]["acked"], "its return does not write over it"


@contextmanager
def keeping_alive(place: Place) -> Iterator[None]:
    """The base station says that it is there, four times a second."""
    keep_alive = b"\x02\x00\x00\x02" + bytes.fromhex(place.account.base_station_eui)
    over = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
            while not over.wait(0.25):
                station.sendto(keep_alive, place.server.udp)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_thresholds_history_and_totals(place: Place) -> None:
    ref = place.device["ref"]
    thresholds = [
        {"enabled": True, "durationOfInactivity": "1_HOUR", "level": "MINOR"},
        {"enabled": True, "durationOfInactivity": "1_DAY", "level": "MAJOR"},
    ]
    shown = place.v1("PUT", f"/devices/{ref}/alarmThresholds", {"alarmThresholds": thresholds})
    assert shown["alarmThresholds"] == thresholds
    for bad in (thresholds[::-1], thresholds * 2, [{"enabled": True}], "x"):
        place.v1("PUT", f"/devices/{ref}/alarmThresholds", {"alarmThresholds": bad}, expect=400)
    place.v1("PUT", "/devices/99999/alarmThresholds", {"alarmThresholds": []}, expect=404)
    assert place.client.call("GET", f"/devices/{ref}")["alarmThresholds"] == thresholds
    assert place.v1("GET", f"/devices/{ref}/alarmHistory") == []
    (device,) = place.v1("GET", f"/devices/{ref}/statistics?aggregationStep=24&duration=2")
    fleet = place.v1("GET", "/statistics?aggregationStep=24&duration=2")
    assert device["uplinks"] == sum(t["uplinks"] for t in fleet) == 5
    assert device["uplinksOverLimit"] == 3 and device["uplinkAirtime"] > 0
    (plan,) = place.v1("GET", "/connectivityPlans/1/statistics?aggregationStep=24&duration=2")
    assert plan["uplinks"] == 5, "nobody else has this plan"
    for foreign in ("2", "99", "x"):
        place.v1("GET", f"/connectivityPlans/{foreign}/statistics", expect=404)
    place.v1("GET", "/statistics?aggregationStep=99", expect=400)


def test_the_audit_log_names_who_and_what_and_no_secret(place: Place) -> None:
    place.client.call("PUT", f"/devices/{place.device['ref']}", {"name": "Meter one"})
    entries = place.v1("GET", "/audit")
    actions = {entry["action"] for entry in entries}
    assert {"device.created", "device.changed", "alarm.acknowledged", "device.thresholds"} <= actions
    assert all(entry["actor"] == "Sandbox User" for entry in entries)
    everything = json.dumps(entries) + json.dumps(place.admin("audit"))
    for secret in (APP_KEY, place.account.client_secret, place.account.thingpark_password):
        assert secret not in everything and secret.lower() not in everything
    assert place.client.http.get("/api/v1/audit?before=nonsense").status_code == 400
    other = place.other.http.get("/api/v1/audit").json()
    assert not any("Meter" in json.dumps(entry) for entry in other)
    assert {"connectivityPlan.changed", "notifications.changed"} <= {
        e["action"] for e in place.admin("audit")
    }


def test_metrics_readiness_and_logs(place: Place) -> None:
    metrics = place.metrics()
    assert metrics['veldnet_alarms_raised_total{type="003"}'] == 1
    assert metrics['veldnet_devices{health="ACTIVE"}'] == 1
    assert metrics['veldnet_notifications_total{channel="mail",result="sent"}'] >= 1
    assert place.client.http.get("/readyz").status_code == 200
    lines = [json.loads(line) for line in place.server.log.read_text().splitlines()]
    assert any(line["event"] == "base_station_alarm" for line in lines)


def test_commands(place: Place) -> None:
    listed = place.admin("alarms", "list")
    assert {a["type"] for a in listed} >= {3, 8}
    types = place.admin("alarms", "types")
    assert len(types) == len(DEVICE_TYPES) + len(BASE_STATION_TYPES)
    found = {f["type"]: f for f in place.admin("alarms", "backtest", "--days", "1")}
    assert (found[3]["raised"], found[3]["devices"]) == (1, 1) and found[4]["raised"] == 0
    shown = place.admin(
        "statistics",
        "show",
        "--plan",
        place.account.connectivity_plan_id,
        "--operator",
        "sandbox-ope",
        "--days",
        "1",
    )
    assert sum(t["uplinks"] for t in shown) == 5
    assert place.admin("statistics", "recompute", "--days", "2") == []
    for text in (("alarms", "list"), ("alarms", "types"), ("audit",), ("alarms", "backtest", "--days", "1")):
        assert command("admin", *text, "--data", str(place.data)).strip()


def test_everything_is_there_after_kill_9(place: Place, checked: Any) -> None:
    before = place.client.call("GET", "/deviceAlarms")
    frames = place.v1("GET", "/statistics?aggregationStep=24&duration=2")
    place.server.kill()
    place.server.start()
    place.connect()
    assert place.client.call("GET", "/deviceAlarms") == before
    assert place.v1("GET", "/statistics?aggregationStep=24&duration=2") == frames
    assert place.v1("GET", "/notificationSettings")["mode"] == "BASIC"
