"""What the console asks of the API that KPN's API does not offer."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.api import imported
from tests.api.antenna import Antenna
from tests.api.examples import KEY, V1, create
from tests.api.hosting import HostedServer
from tests.api.imported import Imported
from tests.customers import KPN
from tests.e2e import radio
from tests.e2e.running import command
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.


def test_devices_are_found_by_words_filters_and_order(user: Person, account: Account) -> None:
    for number, name in ((0x11, "Pump north"), (0x12, "pump South 100%"), (0x13, "<b>Valve</b>")):
        create(user, account, number, name=name, geoLatitude=52.0, geoLongitude=5.0 + number / 1000)

    def names(query: str) -> list[str]:
        return [device["name"] for device in user.call("GET", f"{V1}/devices?{query}")["devices"]]

    assert sorted(names("search=PUMP")) == ["Pump north", "pump South 100%"]
    assert names("search=100%25") == ["pump South 100%"], "a per cent sign is one"
    assert names("search=<b>") == ["<b>Valve</b>"]
    assert names("search=00:59:AC:00:CC:00:00:12") == ["pump South 100%"]
    assert names("search=CC000013") == ["<b>Valve</b>"]
    assert names("search=pump&sort=-deviceEUI") == ["pump South 100%", "Pump north"]
    assert names("healthState=ACTIVE&search=pump") == []
    assert names("alarm=ANY&search=pump") == []
    assert names("connectivityPlanId=none-such") == []
    page = user.call("GET", f"{V1}/devices?search=pump&pageSize=1&page=2&sort=name")
    assert (page["total"], page["more"], len(page["devices"])) == (2, False, 1)
    for query, named in (("sort=colour", "sort"), ("pageSize=0", "pageSize"), ("alarm=LOUD", "alarm")):
        refused = user.request("GET", f"{V1}/devices?{query}")
        assert refused.status_code == 400 and named in refused.json()["message"]
    cells = user.call("GET", f"{V1}/devices/map?south=51&west=4&north=53&east=6&cell=1")
    assert sum(cell["devices"] for cell in cells) == 3
    alone = user.call("GET", f"{V1}/devices/map?south=51&west=4&north=53&east=6&cell=0.0005&search=valve")
    assert [cell["name"] for cell in alone] == ["<b>Valve</b>"]
    assert user.request("GET", f"{V1}/devices/map?south=ninety").status_code == 400


def test_a_device_is_given_a_place(user: Person, outsider: Person, account: Account) -> None:
    path = f"{V1}/devices/{create(user, account, 0x15)}/location"
    there = user.call("PUT", path, {"latitude": 51.5, "longitude": -0.12})
    assert (there["geoLatitude"], there["geoLongitude"]) == (51.5, -0.12)
    box = f"{V1}/devices/map?south=51&west=-1&north=52&east=0.5&cell=1"
    assert sum(cell["devices"] for cell in user.call("GET", box)) == 1
    for wrong in ({"latitude": 91, "longitude": 0}, {"latitude": 5}, {"latitude": 5, "longitude": 181}):
        assert user.request("PUT", path, wrong).status_code == 400
    assert outsider.request("PUT", path, {"latitude": 0, "longitude": 0}).status_code == 404
    assert "geoLatitude" not in user.call("PUT", path, {})
    assert user.call("GET", box) == []


def test_many_devices_are_changed_at_once_each_by_itself(user: Person, account: Account) -> None:
    refs = [create(user, account, number) for number in (0x21, 0x22)]
    routing = user.call("POST", f"{KPN}/routingProfiles", {"name": "Bulk", "routes": []})["id"]
    done = user.call(
        "POST",
        f"{V1}/devices/bulk",
        {"action": "update", "refs": [*refs, "999999"], "change": {"routingProfileId": routing}},
    )
    assert done["done"] == 2 and [failure["ref"] for failure in done["failures"]] == ["999999"]
    assert "EUI" not in done["failures"][0]
    found = user.call("GET", f"{V1}/devices?routingProfileId={routing}")["devices"]
    assert sorted(device["ref"] for device in found) == sorted(refs)
    fixed = user.call(
        "POST",
        f"{V1}/devices/bulk",
        {"action": "update", "refs": refs, "change": {"EUI": "0059AC00CCFFFFFF"}},
    )
    assert fixed["done"] == 0 and "EUI cannot be changed" in fixed["failures"][0]["message"]
    known = {device["ref"]: device["EUI"] for device in found}
    assert {failure["ref"]: failure["EUI"] for failure in fixed["failures"]} == known
    assert user.call("POST", f"{V1}/devices/bulk", {"action": "delete", "refs": refs})["done"] == 2
    assert user.call("GET", f"{V1}/devices?routingProfileId={routing}")["devices"] == []
    too_many = user.request(
        "POST", f"{V1}/devices/bulk", {"action": "delete", "refs": [str(n) for n in range(1001)]}
    )
    assert too_many.status_code == 400 and "1000" in too_many.json()["message"]


def test_two_people_editing_one_device_do_not_overwrite_each_other(user: Person, account: Account) -> None:
    path = f"{KPN}/devices/{create(user, account, 0x31)}"
    etag = user.request("GET", path).headers["etag"]
    user.call("PUT", path, {"name": "First"}, headers={"if-match": etag})
    second = user.request("PUT", path, {"name": "Second"}, headers={"if-match": etag})
    assert second.status_code == 412 and second.json()["errorId"] == "LDM-450"
    assert user.call("GET", path)["name"] == "First"
    user.call("PUT", path, {"name": "Third"}, headers={"if-match": user.request("GET", path).headers["etag"]})
    user.call("PUT", path, {"name": "Fourth"})
    assert user.call("GET", path)["name"] == "Fourth", "KPN's clients send no such header"


def test_a_csv_with_a_header_is_tried_imported_and_undone(user: Person, account: Account) -> None:
    header = (
        "name,EUI,applicationEUI,applicationKey,deviceProfileId,hsmGroupId,geoLatitude,geoLongitude,action"
    )
    rest = f"0059AC0000000001,{KEY},{account.device_profile_id},{account.hsm_group_id}"
    rows = [
        f'"Tank, large",0059AC00CC000041,{rest},52.1,5.1,',
        f"Tank 2,0059AC00CC000042,{rest},,,CREATE",
        f"Tank 3,not an EUI,{rest},,,",
        f"Tank 4,0059AC00CC000044,{rest},north,5,",
        f"Tank 5,0059AC00CC000045,{rest},,,PAINT",
    ]
    text = "\n".join([header, *rows])

    def post(query: str, sent: str) -> list[Imported]:
        answer = user.http.post(
            f"{V1}/devices/import{query}",
            content=sent,
            headers=user.headers("POST") | {"content-type": "text/csv"},
        )
        assert answer.status_code == 200, answer.text
        return imported.read(answer.text)

    tried = post("?dryRun=true", text)
    assert [row.code for row in tried] == ["200", "200", "400", "400", "400"]
    assert "EUI" in tried[2].outcome and "geoLatitude" in tried[3].outcome
    assert "CREATE or DELETE" in tried[4].outcome
    assert user.call("GET", f"{V1}/devices?search=Tank")["devices"] == []
    part = user.call("POST", f"{V1}/imports", {"name": "tanks.csv"})["ref"]
    assert [row.code for row in post(f"?import={part}", text)] == [row.code for row in tried]
    assert user.call("GET", f"{V1}/devices?search=Tank")["total"] == 2
    listed = next(item for item in user.call("GET", f"{V1}/imports") if item["ref"] == part)
    assert (listed["devices"], listed["name"], listed["undoneTime"]) == (2, "tanks.csv", None)
    # What was exported can be imported again: columns of a device's life are passed over.
    exported = list(csv.DictReader(io.StringIO(user.call("GET", f"{V1}/devices/export?search=Tank"))))
    assert {row["name"] for row in exported} == {"Tank, large", "Tank 2"}
    assert "applicationKey" not in exported[0] and KEY not in str(exported)
    assert user.call("POST", f"{V1}/imports/{part}/undo") == {"deleted": 2, "left": 0}
    assert user.call("GET", f"{V1}/devices?search=Tank")["devices"] == []
    assert user.request("POST", f"{V1}/imports/{part}/undo").status_code == 400, "undone once"
    for sent, words in (
        (b"EUI,colour\n1,red", "colour"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b'EUI,name\n"open', "CSV"),
        (b"EUI,EUI\n1,2", "more than once"),
    ):
        refused = user.http.post(f"{V1}/devices/import", content=sent, headers=user.headers("POST"))
        assert refused.status_code == 400 and words in refused.json()["message"], refused.text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("function decodeUplink() { while (true) {} }", "longer"),
        ("function decodeUplink() { return { data: /(a+)+$/.test('a'.repeat(40) + 'b') }; }", ""),
        ("function decodeUplink() { const a = []; for (;;) a.push(new Array(1e5).fill(7)); }", "memory"),
        ("function decodeUplink() { return decodeUplink(); }", "stack"),
        ("function decodeUplink() { return { data: 'x'.repeat(1e6) }; }", "larger"),
        ("function decodeUplink() { throw new Error('no such port'); }", "no such port"),
        ("function decodeUplink() { return 7; }", "object"),
        ("this is no program", "expecting"),
        ("var nothing;", "no function decodeUplink"),
        (
            "function decodeUplink() { return { data: require('fs').readFileSync('/etc/passwd') }; }",
            "require",
        ),
        ("function decodeUplink() { return { data: fetch('http://127.0.0.1') }; }", "fetch"),
    ],
)
def test_hostile_decoders_harm_nobody(user: Person, source: str, words: str) -> None:
    (result,) = user.call(
        "POST", f"{V1}/decoders/lab", {"kind": "JAVASCRIPT", "source": source, "trials": [{"payload": "00"}]}
    )
    assert words in (result["error"] or "")
    fine = "function Decoder(bytes, port) { return { sum: bytes[0] + port }; }"
    (after,) = user.call(
        "POST",
        f"{V1}/decoders/lab",
        {"kind": "JAVASCRIPT", "source": fine, "trials": [{"payload": "02", "fPort": 3}]},
    )
    assert after["result"] == {"data": {"sum": 5}}


def test_alarms_are_listed_described_and_acknowledged_together(
    server: HostedServer, user: Person, account: Account, antenna: Antenna
) -> None:
    ref = create(user, account, 0x61, name="Wrong key")
    antenna.keep_alive()
    antenna.hear(radio.device("0059AC00CC000061", "00112233445566778899AABBCCDDEE00").join_request())
    server.until(lambda: user.call("GET", f"{V1}/alarms?deviceRef={ref}")["total"] == 1)
    (alarm,) = user.call("GET", f"{V1}/alarms?deviceRef={ref}&acked=false&state=WARNING&type=8")["alarms"]
    assert alarm["text"].startswith("Wrong MIC detected in Join request (")
    assert (alarm["deviceName"], alarm["state"], alarm["acked"]) == ("Wrong key", "WARNING", False)
    assert user.call("GET", f"{V1}/overview")["alarms"]["WARNING"] >= 1
    assert user.call("GET", f"{V1}/devices?alarm=WARNING")["devices"][0]["ref"] == ref
    done = user.call("POST", f"{V1}/alarms/acks", {"refs": [alarm["ref"], "999999"]})
    assert done == {"acknowledged": 1, "unknown": ["999999"]}
    assert user.call("GET", f"{V1}/alarms?deviceRef={ref}&acked=false")["alarms"] == []
    (acked,) = user.call("GET", f"{V1}/alarms?deviceRef={ref}&acked=true")["alarms"]
    assert acked["ackAuthor"] == "Sandbox User"
    finding = user.call("GET", f"{V1}/devices/{ref}/explanation")["findings"]
    assert any("AppKey" in f"{f['text']} {f['next']}" for f in finding)


def test_a_project_is_made_rolled_and_removed(server: HostedServer, user: Person) -> None:
    made = user.call("POST", f"{V1}/projects", {"name": "Dashboard"})

    def token(secret: str) -> int:
        return (
            server.connect()
            .post(
                "/oauth/client_credential/accesstoken?grant_type=client_credentials",
                data={"client_id": made["clientId"], "client_secret": secret},
            )
            .status_code
        )

    assert token(made["clientSecret"]) == 200
    listed = next(p for p in user.call("GET", f"{V1}/projects") if p["ref"] == made["ref"])
    assert listed["clientSecret"] is None and not listed["activated"]
    rolled = user.call("POST", f"{V1}/projects/{made['ref']}/secret")
    assert token(made["clientSecret"]) == 401 and token(rolled["clientSecret"]) == 200
    user.call("DELETE", f"{V1}/projects/{made['ref']}")
    assert token(rolled["clientSecret"]) == 401


def test_preferences_are_kept_for_each_person(user: Person, outsider: Person) -> None:
    user.call("PUT", f"{V1}/preferences", {"deviceViews": [{"name": "Mine", "search": {}}]})
    assert user.call("GET", f"{V1}/preferences")["deviceViews"][0]["name"] == "Mine"
    assert outsider.call("GET", f"{V1}/preferences") == {}
    assert user.request("PUT", f"{V1}/preferences", {"big": "x" * 40_000}).status_code == 400
    assert user.request("PUT", f"{V1}/preferences", [1]).status_code == 400


def named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(row for row in rows if row["id"] == name)


def test_the_operator_sells_a_plan(server: HostedServer, operator: Person) -> None:
    customer = {"customerId": "123123123"}
    operator.call("POST", f"{V1}/operator/subscribers", customer | {"name": "New customer"})
    again = operator.request("POST", f"{V1}/operator/subscribers", customer | {"name": "Twice"})
    assert again.status_code == 400
    plans = f"{V1}/operator/plans"
    new = {"id": "desk-cs/basic", "name": "Basic", "settings": {"downlinkTransmission": False}}
    operator.call("POST", plans, new)
    plan = named(operator.call("GET", plans), "desk-cs/basic")
    assert plan["settings"]["downlinkTransmission"] is False
    wrong = operator.request("POST", plans, {"id": "desk-cs/x", "name": "X", "settings": {"colour": 1}})
    assert wrong.status_code == 400 and "colour" in wrong.json()["message"]
    operator.call("PUT", f"{plans}/{plan['ref']}/grants", customer | {"granted": 5})
    person = {"username": "new@example.com", "displayName": "New", "password": "new password"}
    operator.call("POST", f"{V1}/operator/users", customer | person)
    buyer = Person(server, "new@example.com", "new password")
    assert [p["id"] for p in buyer.call("GET", f"{KPN}/connectivityPlans")] == ["desk-cs/basic"]
    audit = operator.call("GET", f"{V1}/operator/audit")
    assert {"connectivityPlan.granted", "user.created", "session.opened"} <= {e["action"] for e in audit}
    assert "new password" not in str(audit)


def test_the_audit_log_names_devices_also_once_they_are_gone(
    user: Person, operator: Person, account: Account
) -> None:
    refs = []
    for number in (1, 2, 3):
        body = {
            "EUI": f"0059AC00DE{number:06X}", "name": f"Quay {number}", "applicationEUI": "0059AC0000000001",
            "applicationKey": "0" * 31 + "1", "deviceProfileId": account.device_profile_id,
            "hsmGroupId": account.hsm_group_id,
        }  # fmt: skip
        made = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        refs.append(made["ref"])
    begun = user.call("POST", f"{V1}/imports", {"name": "quay.csv"})["ref"]
    fourth = body | {"EUI": "0059AC00DE000004", "name": "Quay 4"}
    csv = f"{','.join(fourth)}\n{','.join(fourth.values())}"
    sent: dict[str, Any] = {"content": csv, "headers": {"content-type": "text/csv"}}
    user.call("POST", f"{V1}/devices/import?import={begun}", **sent)
    refs.append(user.call("GET", f"{KPN}/devices?deviceEUI={fourth['EUI']}")[0]["ref"])
    # Which notes no device by itself.
    user.call("POST", f"{V1}/imports/{begun}/undo")
    user.call("DELETE", f"{KPN}/devices/{refs[1]}")
    user.call("POST", f"{V1}/devices/bulk", {"action": "delete", "refs": [refs[2]]})
    for log in (user.call("GET", f"{V1}/audit"), operator.call("GET", f"{V1}/operator/audit")):
        ours = [entry for entry in log if entry["object"] in [f"device {ref}" for ref in refs]]
        told = [(entry["action"], entry["deviceEUI"], entry["deviceName"]) for entry in ours]
        expected = [
            (action, f"0059AC00DE{number:06X}", f"Quay {number}")
            for number, *actions in (
                (1, "created"),
                (2, "created", "deleted"),
                (3, "created", "deleted"),
                (4, "created"),
            )
            for action in (f"device.{each}" for each in actions)
        ]
        assert sorted(told) == sorted(expected)
        assert next(e["deviceEUI"] for e in log if e["action"] == "session.opened") is None


def test_the_operator_makes_profiles_and_groups(operator: Person) -> None:
    profiles = f"{V1}/operator/deviceProfiles"
    operator.call("POST", profiles, {"id": "DESK/One", "name": "One", "settings": {"rx1DROffset": 1}})
    profile = f"{profiles}/{named(operator.call('GET', profiles), 'DESK/One')['ref']}"
    other = {"name": "One", "settings": {"loRaWANMacVersion": "1.1"}}
    fixed = operator.request("PUT", profile, other)
    assert fixed.status_code == 400 and "loRaWANMacVersion" in fixed.json()["message"]
    operator.call("PUT", profile, {"name": "Uno", "settings": {}})
    group = operator.call("POST", f"{V1}/operator/hsmGroups", {"name": "Second"})["id"]
    assert named(operator.call("GET", f"{V1}/operator/hsmGroups"), group)["problem"] is None


def test_the_operator_adopts_a_base_station_that_is_not_registered(
    server: HostedServer, operator: Person, antenna: Antenna
) -> None:
    stations, eui = f"{V1}/operator/baseStations", "0059ACFFFF000001"
    Antenna(server, eui)
    server.until(
        lambda: eui in [one["gatewayEUI"] for one in operator.call("GET", f"{stations}/unknown")], seconds=30
    )
    station = operator.call("POST", stations, {"gatewayEUI": eui, "name": "Roof", "latitude": 52.0})
    Antenna(server, eui)
    server.until(lambda: named(operator.call("GET", stations), station["id"])["connected"])
    path = f"{stations}/{station['id']}"
    operator.call("PUT", path, {"name": "Tower", "latitude": 52.5, "longitude": 5.5})
    assert operator.call("GET", f"{path}/statistics") == []
    assert operator.request("PUT", path, {"name": "Moon", "latitude": 200}).status_code == 400
    overview = operator.call("GET", f"{V1}/operator/overview")
    assert overview["baseStations"] == 2 and overview["problems"] == []
    operator.call("DELETE", path)
    audit = operator.call("GET", f"{V1}/operator/audit")
    assert "baseStation.removed" in [entry["action"] for entry in audit]


def test_the_operator_sees_settings_but_no_secrets_and_does_not_remove_itself(operator: Person) -> None:
    settings = operator.call("GET", f"{V1}/operator/settings")
    keys = {setting["name"]: setting for setting in settings if setting["section"] == "keys"}
    assert keys["vault"]["value"] is None, "where keys lie is not shown"
    dutch = operator.call("GET", f"{V1}/operator/settings", headers={"accept-language": "nl"})
    assert [each["name"] for each in dutch] == [each["name"] for each in settings]
    assert all(one["help"] != other["help"] for one, other in zip(settings, dutch, strict=True))
    assert operator.call("GET", f"{V1}/operator/undelivered") == []
    me = operator.call("GET", f"{V1}/operator/users")["operator"][0]["ref"]
    assert operator.request("DELETE", f"{V1}/operator/users/operator/{me}").status_code == 400, "not oneself"


def test_an_operators_user_is_made_at_the_command_line(server: HostedServer, tmp_path: Any) -> None:
    password = tmp_path / "password"
    password.write_text("made by command\n")
    command(
        *("admin", "operator-user-create", "cli@example.com", "--operator", "sandbox-ope", "--role", "ro"),
        *("--password-file", str(password), "--data", str(server.data)),
    )
    person = Person(server, "cli@example.com", "made by command")
    assert (person.signed_in["kind"], person.signed_in["role"]) == ("operator", "ro")


def test_answers_to_a_page_name_the_build_that_the_page_carries(user: Person) -> None:
    page = user.http.get("/console/")
    if page.status_code == 503:
        pytest.skip("the console is not built")
    named = user.request("GET", f"{V1}/session").headers["console-build"]
    assert f'<meta name="build" content="{named}" />' in page.text
    assert user.http.get("/healthz").headers["console-build"] == named
    assert "console-build" not in user.request("GET", f"{KPN}/devices").headers
