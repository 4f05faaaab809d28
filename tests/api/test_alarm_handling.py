"""Alarms are muted, commented and assigned, and lead to what is behind them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account
from veldnet.store.schema import notifications

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
HOSTILE = "<img src=x onerror=alert(1)> =cmd|' /C calc'!A0"


class Ward:
    """Two customers; a device of the first has an alarm of a wrong key."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        self.server, self.account = server, account
        self.user = Person(server, account.thingpark_username, account.thingpark_password)
        operator = account.thingpark_username.replace("sandbox", "operator")
        self.operator = Person(server, operator, account.thingpark_password)
        other = sandbox(server.data)
        self.outsider = Person(server, other.thingpark_username, other.thingpark_password)
        self.antenna = Antenna(server, account.base_station_eui)
        self.user.call(
            "PUT",
            f"{V1}/notificationSettings",
            {"mode": "OFF", "webhook": "http://127.0.0.1:9/alarms"},
        )
        self.eui = "0059AC00DA000001"
        body = {
            "EUI": self.eui,
            "name": "Pump",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": account.device_profile_id,
        }
        made = self.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        self.ref = made["ref"]
        server.pass_time(2)
        self.wrong()
        self.alarm = self.user.call("GET", f"{V1}/alarms")["alarms"][0]["ref"]

    def wrong(self) -> None:
        """Somebody tries the device's name with another key."""
        self.antenna.keep_alive()
        self.antenna.hear(radio.device(self.eui, "0" * 31 + "1").join_request())
        self.server.pass_time(1)

    def told(self) -> int:
        """Notifications that wait to be sent."""
        counted = select(func.count()).select_from(notifications)
        store = self.server.platform.store
        return int(self.server.run(store.read(lambda c: c.execute(counted).scalar_one())))

    def put(self, what: str, body: Any, person: Person | None = None) -> int:
        path = f"{V1}/alarms/{self.alarm}/{what}"
        return (person or self.user).request("PUT", path, body).status_code

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = self.user.call("GET", f"{V1}/alarms/{self.alarm}")
        return found

    def moment(self, seconds: float) -> str:
        return datetime.fromtimestamp(self.server.clock() + seconds, UTC).isoformat()


@pytest.fixture(scope="module")
def ward(server: HostedServer, account: Account) -> Ward:
    return Ward(server, account)


def test_an_alarm_leads_to_the_frame_that_raised_it(ward: Ward) -> None:
    details = ward.read()
    assert details["alarm"]["deviceName"] == "Pump" and details["comments"] == []
    (cause,) = details["causes"]
    assert cause["kind"] == "frame"
    frame = ward.user.call("GET", f"{V1}/frames/{cause['ref']}")
    assert frame["id"] == cause["ref"]


def test_the_base_station_that_heard_it_has_an_alarm_of_its_own(ward: Ward) -> None:
    ward.server.run(ward.server.platform.monitoring.check_base_stations())
    (station,) = ward.operator.call("GET", f"{V1}/operator/baseStations")
    (alarm,) = [each for each in station["alarms"] if each["alarmTypeId"] == 114]
    assert alarm["alarmState"] == "WARNING" and ward.eui in str(alarm)


def test_recipients_hear_nothing_of_a_muted_alarm_until_its_time_is_over(ward: Ward) -> None:
    before = ward.told()
    assert ward.put("mute", {"until": ward.moment(120)}) == 204
    line = ward.read()["alarm"]
    assert line["mutedUntil"] is not None and line["mutedBy"] == ward.user.signed_in["displayName"]
    assert [one["ref"] for one in ward.user.call("GET", f"{V1}/alarms?muted=true")["alarms"]] == [ward.alarm]
    assert ward.user.call("GET", f"{V1}/alarms?muted=false")["alarms"] == []
    for _ in range(40):
        # It gets more severe.
        ward.wrong()
    line = ward.read()["alarm"]
    assert line["state"] != "WARNING" and ward.told() == before
    # KPN's own operation shows the same alarm as ever.
    kpn = ward.user.call("GET", f"{KPN}/deviceAlarms")
    assert "mutedUntil" not in str(kpn) and kpn[0]["ref"] == ward.alarm
    ward.server.pass_time(320)
    assert ward.told() == before + 1, "it is still there"
    assert ward.read()["alarm"]["mutedUntil"] is None
    # Muted and unmuted by hand, acknowledged meanwhile.
    assert ward.put("mute", {"until": ward.moment(30)}) == 204
    ward.user.call("POST", f"{V1}/alarms/acks", {"refs": [ward.alarm]})
    assert ward.put("mute", {"until": None}) == 204
    ward.server.pass_time(50)
    assert ward.told() == before + 1
    for wrong in (ward.moment(-5), ward.moment(400 * 86_400), "tomorrow"):
        refused = ward.user.request("PUT", f"{V1}/alarms/{ward.alarm}/mute", {"until": wrong})
        assert refused.status_code == 400 and "until" in refused.json()["message"]


def test_people_write_about_an_alarm_and_look_after_it(ward: Ward) -> None:
    path = f"{V1}/alarms/{ward.alarm}/comments"
    ward.user.call("POST", path, {"text": f"  {HOSTILE}  "})
    ward.user.call("POST", path, {"text": "Replaced the board"})
    details = ward.read()
    assert [one["text"] for one in details["comments"]] == ["Replaced the board", HOSTILE]
    assert details["comments"][0]["author"] == ward.user.signed_in["displayName"]
    assert details["alarm"]["comments"] == 2
    for wrong in ("", "   ", "x" * 2001):
        refused = ward.user.request("POST", path, {"text": wrong})
        assert refused.status_code == 400 and "text" in refused.json()["message"]
    customer = ward.operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    colleague = ward.operator.call(
        "POST",
        f"{V1}/operator/users",
        {
            "username": "colleague@example.com",
            "displayName": "Colleague",
            "password": "a password of hers",
            "customerId": customer,
            "role": "rw",
        },
    )
    people = ward.user.call("GET", f"{V1}/alarms/assignees")
    assert colleague["ref"] in [one["ref"] for one in people]
    assert ward.put("assignee", {"userRef": colleague["ref"]}) == 204
    assert ward.read()["alarm"]["assigneeName"] == "Colleague"
    other = Person(ward.server, "colleague@example.com", "a password of hers")
    mine = [one["ref"] for one in other.call("GET", f"{V1}/alarms?assignee=me")["alarms"]]
    assert mine == [ward.alarm]
    assert ward.user.call("GET", f"{V1}/alarms?assignee=me")["alarms"] == []
    assert ward.user.call("GET", f"{V1}/alarms?assignee=none&deviceRef={ward.ref}")["alarms"] == []
    # Who is gone looks after nothing.
    ward.operator.call("DELETE", f"{V1}/operator/users/subscriber/{colleague['ref']}")
    assert ward.read()["alarm"]["assigneeName"] is None
    assert ward.put("assignee", {"userRef": None}) == 204


def test_nobody_else_touches_it(ward: Ward) -> None:
    foreigner = ward.outsider.call("GET", f"{V1}/alarms/assignees")[0]["ref"]
    assert ward.put("assignee", {"userRef": foreigner}) == 404
    for what, body in (
        ("mute", {"until": ward.moment(60)}),
        ("assignee", {"userRef": None}),
        ("assignee", {"userRef": foreigner}),
    ):
        assert ward.put(what, body, ward.outsider) == 404
    assert ward.outsider.request("GET", f"{V1}/alarms/{ward.alarm}").status_code == 404
    refused = ward.outsider.request("POST", f"{V1}/alarms/{ward.alarm}/comments", {"text": "x"})
    assert refused.status_code == 404
    for ref in ("1", "x" * 24, ward.alarm[:-1] + "0"):
        assert ward.user.request("GET", f"{V1}/alarms/{ref}").status_code == 404
    ward.user.call("DELETE", f"{KPN}/devices/{ward.ref}")
    assert ward.user.request("GET", f"{V1}/alarms/{ward.alarm}").status_code == 404


def test_devices_are_sorted_by_their_worst_alarms(ward: Ward) -> None:
    body = {
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": ward.account.device_profile_id,
    }
    calm = [f"Calm {number}" for number in range(4)]
    euis = {name: f"0059AC00DB00000{number}" for number, name in enumerate(["Ill", *calm])}
    for name, eui in euis.items():
        device = body | {"EUI": eui, "name": name}
        ward.user.call("POST", f"{KPN}/devices", device, headers={"api-version": "v1.1.1"})
    ward.server.pass_time(2)
    ward.antenna.keep_alive()
    ward.antenna.hear(radio.device(euis["Ill"], "0" * 31 + "1").join_request())
    ward.server.pass_time(1)

    def names(query: str) -> list[str]:
        found = ward.user.call("GET", f"{V1}/devices?{query}")["devices"]
        # What became of the alarm of `Pump` is another test's.
        return [device["name"] for device in found if device["name"] != "Pump"]

    assert names("sort=-alarm") == ["Ill", *calm]
    assert names("sort=alarm") == [*calm, "Ill"]
    # Page by page, where the pages begin and end before, at and behind the border.
    for order, expected in (("-alarm", ["Ill", *calm]), ("alarm", [*calm, "Ill"])):
        for size in (1, 2, 3):
            pages = range(1, 8)
            shown = [names(f"sort={order}&page={page}&pageSize={size}") for page in pages]
            assert [name for page in shown for name in page] == expected
    assert names("sort=-alarm&search=calm") == calm
    assert names("sort=-alarm&search=l&alarm=ANY") == ["Ill"]
    assert names("sort=-alarm&search=l&pageSize=2&page=2") == calm[1:3]
    other = ward.outsider.call("GET", f"{V1}/devices?sort=-alarm")
    assert other["devices"] == []
