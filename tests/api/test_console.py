"""What the console asks of the API: sessions and roles, and everything that KPN's API does not offer."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.e2e.running import command
from tests.installation import sandbox
from tests.person import JSON, Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.
pytestmark = pytest.mark.xdist_group("console-in-process")

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"


def operator_of(account: Account) -> str:
    return account.thingpark_username.replace("sandbox", "operator")


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def operator(server: HostedServer, account: Account) -> Person:
    return Person(server, operator_of(account), account.thingpark_password)


@pytest.fixture(scope="module")
def outsider(server: HostedServer) -> Person:
    """A user of another customer of another operator."""
    account = sandbox(server.data)
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def antenna(server: HostedServer, account: Account) -> Antenna:
    return Antenna(server, account.base_station_eui)


def body(account: Account, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "EUI": f"0059AC00CC{number:06X}",
        "name": f"Console {number}",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
        "hsmGroupId": account.hsm_group_id,
    } | changes


def create(person: Person, account: Account, number: int, *, plain: bool = False, **changes: Any) -> str:
    wanted = body(account, number, **changes)
    if plain:
        wanted.pop("hsmGroupId")
    headers = {"api-version": "v1.1.1"} if plain else {}
    return str(person.call("POST", f"{KPN}/devices", wanted, headers=headers)["ref"])


def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(
    server: HostedServer, account: Account
) -> None:
    answer = server.connect().post(
        f"{server.http.replace('http:', 'https:')}{V1}/session",
        json={"username": account.thingpark_username, "password": account.thingpark_password},
    )
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/", "secure"} <= {part.strip() for part in cookie.split(";")}
    assert "password" not in answer.text and account.thingpark_password not in answer.text
    for headers, status in (
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 400),
    ):
        refused = server.connect().post(
            f"{V1}/session",
            content=b'{"username": "a", "password": "b"}',
            headers=JSON | headers,
        )
        assert refused.status_code == status, refused.text
    assert server.connect().get(f"{V1}/session").status_code == 401


def test_a_change_needs_the_pages_own_token(user: Person) -> None:
    assert user.http.get(f"{V1}/session").status_code == 200
    for headers in ({}, {"x-csrf-token": "0" * 64}):
        refused = user.http.post(f"{V1}/projects", json={"name": "Forged"}, headers=headers)
        assert refused.status_code == 403
        assert "x-csrf-token" in refused.json()["message"]
    assert "Forged" not in [project["name"] for project in user.call("GET", f"{V1}/projects")]


def test_guesses_of_a_password_are_limited(server: HostedServer) -> None:
    answers = [
        server.connect().post(f"{V1}/session", json={"username": "nobody-here", "password": str(n)})
        for n in range(12)
    ]
    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    assert answers[-1].status_code == 429
    assert "wait" in answers[-1].json()["message"]


def test_signing_out_and_a_new_password_end_sessions(
    server: HostedServer, operator: Person, account: Account
) -> None:
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    new = {"username": "leaver@example.com", "displayName": "Leaver", "password": "first password"}
    made = operator.call("POST", f"{V1}/operator/users", new | {"customerId": customer, "role": "rw"})
    one, other = (Person(server, new["username"], new["password"]) for _ in range(2))
    wrong = one.request("PUT", f"{V1}/session/password", {"currentPassword": "x", "newPassword": "abcdefgh"})
    assert wrong.status_code == 400 and "currentPassword" in wrong.json()["message"]
    short = one.request(
        "PUT", f"{V1}/session/password", {"currentPassword": new["password"], "newPassword": "short"}
    )
    assert short.status_code == 400
    one.call(
        "PUT",
        f"{V1}/session/password",
        {"currentPassword": new["password"], "newPassword": "second password"},
    )
    assert one.request("GET", f"{V1}/session").status_code == 200, "who changed it stays"
    assert other.request("GET", f"{V1}/session").status_code == 401
    one.call("DELETE", f"{V1}/session")
    assert one.request("GET", f"{V1}/session").status_code == 401
    operator.call("DELETE", f"{V1}/operator/users/subscriber/{made['ref']}")
    gone = server.connect().post(
        f"{V1}/session", json={"username": new["username"], "password": "second password"}
    )
    assert gone.status_code == 401


def test_who_may_only_look_changes_nothing(server: HostedServer, operator: Person, account: Account) -> None:
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    password = "only looking"
    for of in (customer, None):
        operator.call(
            "POST",
            f"{V1}/operator/users",
            {
                "username": f"looker-{of}@example.com",
                "displayName": "Looker",
                "password": password,
                "role": "ro",
                **({"kind": "subscriber", "customerId": of} if of else {"kind": "operator"}),
            },
        )
        looker = Person(server, f"looker-{of}@example.com", password, customer="" if of else customer)
        assert looker.signed_in["role"] == "ro"
        looker.call("GET", f"{V1}/devices")
        for method, path, sent in (
            ("POST", f"{KPN}/devices", body(account, 99)),
            ("DELETE", f"{KPN}/devices/1", None),
            ("POST", f"{V1}/projects", {"name": "No"}),
            ("POST", f"{V1}/devices/bulk", {"action": "delete", "refs": ["1"]}),
            ("POST", f"{V1}/devices/1/downlinks", {"fPort": 1, "payload": "00"}),
            ("POST", f"{V1}/alarms/acks", {"refs": ["1"]}),
            ("POST", f"{V1}/imports", {"name": "No"}),
        ):
            refused = looker.request(method, path, sent)
            assert refused.status_code == 403, f"{method} {path}: {refused.text}"
            assert refused.json()["errorId"] == "LDM-431"
        # Trying a decoder changes nothing.
        looker.call(
            "POST", f"{V1}/decoders/lab", {"kind": "CAYENNE_LPP", "trials": [{"payload": "0167 0110"}]}
        )
        if of is None:
            assert (
                looker.request("POST", f"{V1}/operator/plans", {"id": "a/b", "name": "x"}).status_code == 403
            )
    # A token got with the user's password has the user's rights, no more.
    token = (
        server.connect()
        .post(
            "/users-auth/protocol/openid-connect/token",
            data={
                "grant_type": "client_credentials",
                "client_id": f"looker-{customer}@example.com",
                "client_secret": password,
            },
        )
        .json()["access_token"]
    )
    refused = server.connect().post(
        f"{KPN}/devices",
        json=body(account, 98),
        headers={"authorization": f"Bearer {token}"},
    )
    assert refused.status_code == 403


def test_customers_are_apart(server: HostedServer, user: Person, outsider: Person, account: Account) -> None:
    """An outsider finds nothing of another customer under any address, and neither does another operator."""
    ref = create(user, account, 1)
    routing = user.call(
        "POST", f"{KPN}/routingProfiles", {"name": "Mine", "routes": [{"addresses": ["http://127.0.0.1:9"]}]}
    )["ref"]
    decoder = user.call("POST", f"{V1}/decoders", {"name": "Mine", "kind": "CAYENNE_LPP"})["ref"]
    project = user.call("POST", f"{V1}/projects", {"name": "Mine"})["ref"]
    part = user.call("POST", f"{V1}/imports", {"name": "mine.csv"})["ref"]
    operator = Person(server, operator_of(account), account.thingpark_password)
    station = operator.call("GET", f"{V1}/operator/baseStations")[0]["id"]
    plan = operator.call("GET", f"{V1}/operator/plans")[0]["ref"]
    person = operator.call("GET", f"{V1}/operator/users")["subscribers"][0]["ref"]
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    for method, path, sent in (
        *(
            ("GET", f"{V1}/devices/{ref}/{what}", None)
            for what in ("downlinks", "readings", "session", "battery")
        ),
        ("POST", f"{V1}/devices/{ref}/downlinks", {"fPort": 1, "payload": "00"}),
        ("DELETE", f"{V1}/devices/{ref}/downlinks", None),
        ("DELETE", f"{V1}/devices/{ref}/downlinks/1", None),
        ("GET", f"{V1}/alarms?deviceRef={ref}", None),
        ("POST", f"{V1}/routingProfiles/{routing}/trial", None),
        ("GET", f"{V1}/decoders/{decoder}", None),
        ("PUT", f"{V1}/decoders/{decoder}", {"name": "Stolen"}),
        ("DELETE", f"{V1}/decoders/{decoder}", None),
        ("POST", f"{V1}/decoders/lab", {"kind": "CAYENNE_LPP", "deviceRef": ref}),
        ("POST", f"{V1}/projects/{project}/secret", None),
        ("DELETE", f"{V1}/projects/{project}", None),
        ("POST", f"{V1}/imports/{part}/undo", None),
    ):
        found = outsider.request(method, path, sent)
        assert found.status_code == 404, f"{method} {path}: {found.status_code} {found.text}"
    done = outsider.call("POST", f"{V1}/devices/bulk", {"action": "delete", "refs": [ref]})
    assert done["done"] == 0 and done["failures"][0]["ref"] == ref
    eui = body(account, 1)["EUI"]
    assert outsider.call("GET", f"{V1}/devices?search={eui}")["devices"] == []
    assert eui not in outsider.call("GET", f"{V1}/devices/export")
    assert outsider.call("GET", f"{V1}/frames?deviceRef={ref}")["frames"] == []
    assert outsider.request("GET", f"{V1}/operator/overview").status_code == 403
    # The header is of no use to who is no operator's user.
    assert (
        outsider.call("GET", f"{V1}/devices?search={eui}", headers={"x-subscriber": customer})["devices"]
        == []
    )
    other = sandbox(server.data)
    rival = Person(server, operator_of(other), other.thingpark_password, customer=customer)
    assert rival.request("GET", f"{V1}/devices").status_code == 404
    rival.customer = ""
    assert rival.request("GET", f"{V1}/devices").status_code == 403, "an operator names a customer"
    foreign: tuple[tuple[str, str, Any], ...] = (
        ("GET", f"{V1}/operator/baseStations/{station}/statistics", None),
        ("PUT", f"{V1}/operator/baseStations/{station}", {"name": "Stolen"}),
        ("DELETE", f"{V1}/operator/baseStations/{station}", None),
        ("PUT", f"{V1}/operator/plans/{plan}", {"settings": {}}),
        ("PUT", f"{V1}/operator/users/subscriber/{person}", {"password": "stolen password"}),
        ("DELETE", f"{V1}/operator/users/subscriber/{person}", None),
    )
    for method, path, sent in foreign:
        found = rival.request(method, path, sent)
        assert found.status_code == 404, f"{method} {path}: {found.status_code} {found.text}"
    assert customer not in str(rival.call("GET", f"{V1}/operator/subscribers"))
    assert station not in str(rival.call("GET", f"{V1}/operator/baseStations"))
    assert "Mine" not in str(rival.call("GET", f"{V1}/operator/audit"))
    acting = Person(server, operator_of(account), account.thingpark_password, customer=customer)
    assert [d["EUI"] for d in acting.call("GET", f"{V1}/devices?search={eui}")["devices"]] == [eui]


def test_a4_what_is_left_out_of_a_new_user_gives_no_right(operator: Person, server: HostedServer) -> None:
    path, customer = f"{V1}/operator/users", operator.call("GET", f"{V1}/operator/subscribers")[0]
    person = {"displayName": "Somebody", "password": "some password"}

    def users() -> int:
        return sum(len(found) for found in operator.call("GET", path).values())

    before = users()
    for wrong, named in (
        ({}, "kind"),
        ({"customerId": None}, "kind"),
        ({"role": "rw"}, "kind"),
        ({"kind": None, "customerId": None}, "kind"),
        ({"kind": "subscriber"}, "customerId"),
        ({"kind": "subscriber", "customerId": None}, "customerId"),
        ({"kind": "operator", "customerId": customer["customerId"]}, "kind"),
        ({"kind": "admin"}, "kind"),
        ({"kind": ""}, "kind"),
    ):
        refused = operator.request("POST", path, person | {"username": "left-out@example.com"} | wrong)
        assert refused.status_code == 400 and named in refused.json()["message"], (wrong, refused.text)
    unknown = person | {"username": "left-out@example.com", "kind": "subscriber", "customerId": ""}
    assert operator.request("POST", path, unknown).status_code in (400, 404)
    assert users() == before
    for number, kind in enumerate(({"kind": "operator"}, {"customerId": customer["customerId"]})):
        name = f"left-out-{number}@example.com"
        assert operator.call("POST", path, person | {"username": name} | kind)["role"] == "ro"
        assert Person(server, name, person["password"]).signed_in["role"] == "ro"


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
    found = user.call("GET", f"{V1}/devices?routingProfileId={routing}")["devices"]
    assert sorted(device["ref"] for device in found) == sorted(refs)
    fixed = user.call(
        "POST",
        f"{V1}/devices/bulk",
        {"action": "update", "refs": refs, "change": {"EUI": "0059AC00CCFFFFFF"}},
    )
    assert fixed["done"] == 0 and "EUI cannot be changed" in fixed["failures"][0]["message"]
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

    def post(query: str, sent: str) -> list[list[str]]:
        answer = user.http.post(
            f"{V1}/devices/import{query}",
            content=sent,
            headers=user.headers("POST") | {"content-type": "text/csv"},
        )
        assert answer.status_code == 200, answer.text
        return list(csv.reader(io.StringIO(answer.text)))

    tried = post("?dryRun=true", text)
    assert [row[2][:5] for row in tried] == ["[200]", "[200]", "[400]", "[400]", "[400]"]
    assert "EUI" in tried[2][2] and "geoLatitude" in tried[3][2] and "CREATE or DELETE" in tried[4][2]
    assert user.call("GET", f"{V1}/devices?search=Tank")["devices"] == []
    part = user.call("POST", f"{V1}/imports", {"name": "tanks.csv"})["ref"]
    assert [row[2][:5] for row in post(f"?import={part}", text)] == [row[2][:5] for row in tried]
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


def test_the_operator_sells_and_watches(
    server: HostedServer, operator: Person, account: Account, antenna: Antenna
) -> None:
    operator.call("POST", f"{V1}/operator/subscribers", {"customerId": "123123123", "name": "New customer"})
    again = operator.request(
        "POST", f"{V1}/operator/subscribers", {"customerId": "123123123", "name": "Twice"}
    )
    assert again.status_code == 400
    operator.call(
        "POST",
        f"{V1}/operator/plans",
        {"id": "desk-cs/basic", "name": "Basic", "settings": {"downlinkTransmission": False}},
    )
    plan = next(p for p in operator.call("GET", f"{V1}/operator/plans") if p["id"] == "desk-cs/basic")
    assert plan["settings"]["downlinkTransmission"] is False
    wrong = operator.request(
        "POST", f"{V1}/operator/plans", {"id": "desk-cs/x", "name": "X", "settings": {"colour": 1}}
    )
    assert wrong.status_code == 400 and "colour" in wrong.json()["message"]
    operator.call(
        "PUT", f"{V1}/operator/plans/{plan['ref']}/grants", {"customerId": "123123123", "granted": 5}
    )
    operator.call(
        "POST",
        f"{V1}/operator/users",
        {
            "username": "new@example.com",
            "displayName": "New",
            "password": "new password",
            "customerId": "123123123",
        },
    )
    customer = Person(server, "new@example.com", "new password")
    assert [p["id"] for p in customer.call("GET", f"{KPN}/connectivityPlans")] == ["desk-cs/basic"]
    operator.call(
        "POST",
        f"{V1}/operator/deviceProfiles",
        {"id": "DESK/One", "name": "One", "settings": {"rx1DROffset": 1}},
    )
    profile = next(p for p in operator.call("GET", f"{V1}/operator/deviceProfiles") if p["id"] == "DESK/One")
    fixed = operator.request(
        "PUT",
        f"{V1}/operator/deviceProfiles/{profile['ref']}",
        {"name": "One", "settings": {"loRaWANMacVersion": "1.1"}},
    )
    assert fixed.status_code == 400 and "loRaWANMacVersion" in fixed.json()["message"]
    operator.call("PUT", f"{V1}/operator/deviceProfiles/{profile['ref']}", {"name": "Uno", "settings": {}})
    group = operator.call("POST", f"{V1}/operator/hsmGroups", {"name": "Second"})["id"]
    assert (
        next(g for g in operator.call("GET", f"{V1}/operator/hsmGroups") if g["id"] == group)["problem"]
        is None
    )
    unknown_eui = "0059ACFFFF000001"
    Antenna(server, unknown_eui)
    server.until(
        lambda: (
            unknown_eui
            in [s["gatewayEUI"] for s in operator.call("GET", f"{V1}/operator/baseStations/unknown")]
        ),
        seconds=30,
    )
    station = operator.call(
        "POST", f"{V1}/operator/baseStations", {"gatewayEUI": unknown_eui, "name": "Roof", "latitude": 52.0}
    )
    Antenna(server, unknown_eui)
    path = f"{V1}/operator/baseStations/{station['id']}"
    server.until(
        lambda: next(
            s for s in operator.call("GET", f"{V1}/operator/baseStations") if s["id"] == station["id"]
        )["connected"]
    )
    operator.call("PUT", path, {"name": "Tower", "latitude": 52.5, "longitude": 5.5})
    assert operator.call("GET", f"{path}/statistics") == []
    assert operator.request("PUT", path, {"name": "Moon", "latitude": 200}).status_code == 400
    overview = operator.call("GET", f"{V1}/operator/overview")
    assert overview["baseStations"] == 2 and overview["problems"] == []
    operator.call("DELETE", path)
    actions = [entry["action"] for entry in operator.call("GET", f"{V1}/operator/audit")]
    assert {"baseStation.removed", "connectivityPlan.granted", "user.created", "session.opened"} <= set(
        actions
    )
    audit = operator.request("GET", f"{V1}/operator/audit").text
    assert "new password" not in audit
    settings = {
        s["name"]: s for s in operator.call("GET", f"{V1}/operator/settings") if s["section"] == "keys"
    }
    assert settings["vault"]["value"] is None, "where keys lie is not shown"
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
