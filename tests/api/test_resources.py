"""Clients that exist: what they send again, leave out or write otherwise, on KPN's paths and on DX's."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.e2e.running import command, sandbox
from veldnet.domain.resources import Device, Route, RoutingProfile
from veldnet.simulator.customer import Account

DX = "/thingpark/dx/core/latest/api"
OPERATOR, PASSWORD = "operator@d1.example", "a password of the operator"
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
_numbers = itertools.count(0xD100)
ODD: Sequence[Any] = (
    *(None, "", " ", "x", 0, -1, 1, 1.5, 1e308, 2**70, True, False, [], {}, [None], [[]], [{}], {"a": 1}),
    *("0", "52.1", "true", "reset", "nan", "Infinity", "-inf", "\x00", "\ud7ff", "é" * 300, "x" * 5000),
    *(
        ["x"],
        [1],
        [""],
        "2026-01-01T00:00:00Z",
        "ACTIVE",
        "A",
        "OTAA",
        "ABP",
        "DATAFLOW",
        "NOAS",
        "DEFAULTRP",
    ),
)


@pytest.fixture(scope="module")
def desk(client: Client, tmp_path_factory: pytest.TempPathFactory) -> httpx.Client:
    """An operator's user who is signed in."""
    secret = tmp_path_factory.mktemp("d1") / "password"
    secret.write_text(PASSWORD)
    command(
        *("admin", "operator-user-create", OPERATOR, "--operator", "sandbox-ope", "--role", "rw"),
        *("--password-file", str(secret), "--data", str(client.server.data)),
    )
    http = client.server.connect()
    signed = http.post("/api/v1/session", json={"username": OPERATOR, "password": PASSWORD})
    http.headers["x-csrf-token"] = signed.json()["csrfToken"]
    return http


def dx(client: Client, method: str, path: str, body: Any = None) -> httpx.Response:
    return client.http.request(method, DX + path, json=body)


def new_device(client: Client, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.call("POST", "/devices", client.device_body(next(_numbers), **changes))
    return made


def new_routing(client: Client) -> dict[str, Any]:
    route = {"addresses": ["http://127.0.0.1:9/a"], "asId": "as", "asKey": "0123456789abcdef" * 2}
    made: dict[str, Any] = client.call("POST", "/routingProfiles", {"name": "d", "routes": [route]})
    return made


def paths(base: str) -> Callable[..., Any]:
    return lambda client, method, path, body=None: client.http.request(method, base + path, json=body)


@pytest.mark.parametrize("base", [KPN, DX])
@pytest.mark.parametrize("member", Device.__struct_fields__)
def test_d1_odd_values_of_a_member(client: Client, base: str, member: str) -> None:
    """Refused in words or taken, in a new device and in one without such a value; never an error of ours."""
    bare = new_device(client)
    # `make fuzz` gives each member each value, and `make test` one in three; on the path of DX, which leads
    # to the same handlers, one in nine. They are others for each member.
    step = 1 if LONG else 3 if base == KPN else 9
    values = ODD[Device.__struct_fields__.index(member) % step :: step]
    for value in values:
        answer = client.http.put(f"{base}/devices/{bare['ref']}", json={member: value})
        assert answer.status_code in (200, 400), (value, answer.text)
        if answer.status_code == 400:
            assert answer.json()["errorId"] and len(answer.json()["message"]) < 1000
        if answer.status_code == 200 and value not in (None, ""):
            again = client.http.get(f"{base}/devices/{bare['ref']}")
            assert again.status_code == 200
    for value in values:
        body = client.device_body(next(_numbers)) | {member: value}
        answer = client.http.post(f"{base}/devices", json=body)
        assert answer.status_code in (201, 400), (value, answer.text)
        if answer.status_code == 201:
            assert client.http.delete(f"{base}/devices/{answer.json()['ref']}").status_code == 204
    client.call("DELETE", f"/devices/{bare['ref']}")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("geoLatitude", 1.5),
        ("geoLongitude", 1.5),
        ("administrativeInfo", "x"),
        ("dataflowTags", ["x"]),
        ("homeNsNetID", "000013"),
        ("asKeyId", "x"),
        ("secureElement", "x"),
        ("alarmThresholds", [{"enabled": True, "durationOfInactivity": "1_DAY", "level": "MAJOR"}]),
        ("motionIndicator", "WALKING_SPEED"),
        ("deviceClass", "C"),
        ("activationType", "ABP"),
        ("EUI", "0000000000000001"),
        ("ref", "1000000"),
        ("hsmGroupId", "HSM_X.1"),
        ("applicationKey", "00" * 16),
    ],
)
def test_d1_fixed_members_are_refused_by_name(client: Client, member: str, value: Any) -> None:
    device = new_device(client)
    refused = client.request("PUT", f"/devices/{device['ref']}", {member: value})
    assert refused.status_code == 400 and refused.json()["errorId"] == "LDM-403", refused.text
    assert member in refused.json()["message"]


@pytest.mark.parametrize("kind", [RoutingProfile, Route])
def test_d1_odd_values_of_routing_profiles(client: Client, kind: type[msgspec.Struct]) -> None:
    made = new_routing(client)
    # `make test` gives each member one in two, every other member the others.
    step = 1 if LONG else 2
    tried = [
        (member, value) for n, member in enumerate(kind.__struct_fields__) for value in ODD[n % step :: step]
    ]
    for member, value in tried:
        route = {"addresses": ["http://127.0.0.1:9/a"]}
        body = {member: value} if kind is RoutingProfile else {"routes": [route | {member: value}]}
        for method, path, done in (
            ("PUT", f"/routingProfiles/{made['ref']}", 200),
            ("POST", "/routingProfiles", 201),
        ):
            answer = client.request(method, path, {"name": "n", "routes": [route]} | body)
            assert answer.status_code in (done, 400), (member, value, answer.text)
            if answer.status_code == 201 and not answer.json().get("default"):
                client.request("DELETE", f"/routingProfiles/{answer.json()['ref']}")


@pytest.mark.parametrize("base", [KPN, DX])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"geoLatitude": 52.1, "geoLongitude": 5.2},
        {"processingStrategyId": "NOAS"},
        {"processingStrategyId": "IOT_FLOW", "deviceClass": "C"},
        {"dataflowTags": ["a", "b"], "administrativeInfo": "é", "secureElement": "x", "asKeyId": "k"},
        {"alarmThresholds": [{"enabled": True, "durationOfInactivity": "1_DAY", "level": "MAJOR"}]},
        {"homeNsNetID": "000013", "motionIndicator": "NEAR_STATIC"},
        {"routingProfileId": "made"},
        {"routingProfileId": "made", "processingStrategyId": "DEFAULTRP"},
    ],
    ids=str,
)
def test_d2_a_device_as_it_was_read_can_be_written(
    client: Client, base: str, changes: dict[str, Any]
) -> None:
    ask = paths(base)
    routing = new_routing(client)
    if changes.get("routingProfileId") == "made":
        changes = changes | {"routingProfileId": routing["id"]}
    device = new_device(client, **changes)
    before = ask(client, "GET", f"/devices/{device['ref']}")
    written = ask(client, "PUT", f"/devices/{device['ref']}", before.json())
    assert written.status_code == 200, written.text
    after = ask(client, "GET", f"/devices/{device['ref']}").json()
    kept = {name: value for name, value in before.json().items() if name != "statistics"}
    assert {name: after.get(name) for name in kept} == kept
    stale = before.json() | {
        "networkAddress": "00000001",
        "classBState": "ACTIVE",
        "statistics": {"lastSF": 7},
    }
    assert ask(client, "PUT", f"/devices/{device['ref']}", stale).status_code == 200
    other = str(int(device["ref"]) + 1)
    elsewhere = ask(client, "PUT", f"/devices/{device['ref']}", before.json() | {"ref": other})
    assert elsewhere.json().get("errorId") == "LDM-403", elsewhere.text


@pytest.mark.parametrize("base", [KPN, DX])
def test_d2_routing_profiles(client: Client, base: str) -> None:
    new_routing(client)
    new_device(client, processingStrategyId="NOAS")
    listed = client.http.get(f"{base}/routingProfiles").json()
    assert any(profile["id"].endswith(".dummy") for profile in listed)
    for profile in listed:
        path = f"{base}/routingProfiles/{profile['ref']}"
        written = client.http.put(path, json=client.http.get(path).json())
        assert written.status_code == 200, written.text
        assert client.http.get(path).json() == profile
    dummy = next(profile for profile in listed if profile["id"].endswith(".dummy"))
    changed = client.http.put(f"{base}/routingProfiles/{dummy['ref']}", json=dummy | {"name": "other"})
    assert changed.status_code == 400


def test_d2_what_the_operator_keeps(desk: httpx.Client) -> None:
    for plan in desk.get("/api/v1/operator/plans").json():
        written = desk.put(f"/api/v1/operator/plans/{plan['ref']}", json=plan)
        assert written.status_code == 204, written.text
        for grant in plan["grants"]:
            granted = desk.put(f"/api/v1/operator/plans/{plan['ref']}/grants", json=grant)
            assert granted.status_code == 204, granted.text
    assert desk.get("/api/v1/operator/deviceProfiles").json()
    for profile in desk.get("/api/v1/operator/deviceProfiles").json():
        written = desk.put(f"/api/v1/operator/deviceProfiles/{profile['ref']}", json=profile)
        assert written.status_code == 204, written.text
    for station in desk.get("/api/v1/operator/baseStations").json():
        written = desk.put(f"/api/v1/operator/baseStations/{station['id']}", json=station)
        assert written.status_code == 204, written.text
    users = desk.get("/api/v1/operator/users").json()
    for user in users["subscribers"]:
        written = desk.put(f"/api/v1/operator/users/subscriber/{user['ref']}", json=user)
        assert written.status_code == 204, written.text


def test_d2_settings_of_a_subscriber(client: Client) -> None:
    path = "/api/v1/notificationSettings"
    now = client.http.get(path)
    assert client.http.put(path, json=now.json()).status_code == 200, now.text


def test_d4_token_answers_name_the_customer(client: Client, account: Account) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": f"profile/{account.thingpark_username}",
        "client_secret": account.thingpark_password,
    }
    for path in (
        "/thingpark/dx/admin/latest/api/oauth/token",
        "/admin/v155/api/oauth/token",
        "/users-auth/protocol/openid-connect/token",
    ):
        answer = client.server.connect().post(path, data=form).json()
        assert answer["customer_id"].isdigit() and len(answer["customer_id"]) == 9
        assert isinstance(answer["expires_in"], int) and answer["access_token"]


@pytest.mark.parametrize("base", [DX, "/core/v155/api", KPN])
def test_d4_errors_of_the_gateway(client: Client, base: str) -> None:
    anonymous = client.server.connect()
    answers = [
        anonymous.get(f"{base}/devices"),
        anonymous.get(f"{base}/devices", headers={"authorization": "Bearer no"}),
        client.http.get(f"{base}/nothing"),
        client.http.delete(f"{base}/devices"),
        client.http.get(f"{base}/devices", headers={"api-version": "v9"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 404, 405, 400]
    for answer in answers:
        body = answer.json()
        assert body["status"] == str(answer.status_code)
        if base == KPN:
            assert "code" not in body and "errorId" not in body
        else:
            assert body["code"] == answer.status_code and body["errorId"].startswith("LDM-")
            assert isinstance(body["message"], str)


def test_d4_statistics_by_flag(client: Client) -> None:
    device = new_device(client)
    for path in (f"/devices/{device['ref']}", f"/devices?deviceEUI={device['EUI']}"):
        mark = "&" if "?" in path else "?"
        for flag, there in (("", True), (f"{mark}statistics=true", True), (f"{mark}statistics=false", False)):
            found = dx(client, "GET", path + flag).json()
            one = found[0] if isinstance(found, list) else found
            assert ("statistics" in one) is there, path + flag
            assert not there or one["statistics"]["healthState"] == "INIT"
    assert "statistics" not in client.call("GET", f"/devices?deviceEUI={device['EUI']}")[0]
    assert "statistics" in client.call("GET", f"/devices/{device['ref']}")


def test_d4_a_strategy_is_always_there(client: Client) -> None:
    routing = new_routing(client)
    device = new_device(client, routingProfileId=routing["id"])
    path = f"/devices/{device['ref']}"
    assert "processingStrategyId" not in client.call("GET", path)
    shown = dx(client, "GET", path).json()
    assert shown["processingStrategyId"] == "ROUTE" and shown["routingProfileId"] == routing["id"]
    listed = dx(client, "GET", f"/devices?deviceEUI={device['EUI']}").json()[0]
    assert listed["processingStrategyId"] == "ROUTE"
    body = {"processingStrategyId": "ROUTE", "routingProfileId": routing["id"], "name": "moved"}
    assert dx(client, "PUT", path, body).json()["name"] == "moved"
    assert client.request("PUT", path, body).status_code == 400, "KPN's contract has no such strategy"
    made = dx(client, "POST", "/devices", client.device_body(next(_numbers)) | body)
    assert made.status_code == 201 and made.json()["processingStrategyId"] == "ROUTE"


def test_d4_routes_of_a_device_are_refused_and_not_ignored(client: Client) -> None:
    device = new_device(client)
    for method, path, body in (
        ("PUT", f"/devices/{device['ref']}", {"routeRefs": ["1"]}),
        ("POST", "/devices", client.device_body(next(_numbers)) | {"routeRefs": ["1", "2"]}),
    ):
        refused = dx(client, method, path, body)
        assert refused.status_code == 400 and "routingProfileId" in refused.json()["message"]
    assert dx(client, "PUT", f"/devices/{device['ref']}", {"routeRefs": []}).status_code == 200


def test_d4_a_device_has_the_routes_of_one_routing_profile(client: Client) -> None:
    def connection(name: str) -> tuple[str, str]:
        """A connection that is created as clients do, and the route that has its name."""
        configuration = {
            "destinationURL": "https://one.example.com/up",
            "headers": {"Authorization": "Basic YTpi"},
            "downlinkAsId": "one",
            "downlinkAsKey": "C72C6F867B150B1210ACDA5F3CDFB449",
        }
        made = dx(client, "POST", "/connections", {"name": name, "configuration": configuration})
        assert made.status_code == 201, made.text
        shown = made.json()
        assert shown["configuration"]["headers"] == {"Authorization": "*****"}
        assert (shown["connectorId"], shown["configuration"]["downlinkAsId"]) == ("actility-http-iot", "one")
        assert shown in dx(client, "GET", "/connections").json()
        (route,) = [each for each in dx(client, "GET", "/routes").json() if each["name"] == name]
        assert dx(client, "GET", f"/routes/{route['ref']}").json() == route
        return shown["id"], route["ref"]

    (first, one), (second, two) = connection("One"), connection("Two")
    body = {**client.device_body(next(_numbers)), "routeRefs": [one]}
    device = dx(client, "POST", "/devices", body).json()
    assert (device["routeRefs"], device["routingProfileId"]) == ([one], first)
    path = f"/devices/{device['ref']}"
    (listed,) = dx(client, "GET", f"/devices?deviceEUI={device['EUI']}").json()
    assert listed["routeRefs"] == dx(client, "GET", path).json()["routeRefs"] == [one]
    # Who sends all that it has read changes one of both.
    for changes in ({"routeRefs": [two]}, {"routingProfileId": first}):
        before = dx(client, "GET", path).json()
        whole = {name: before[name] for name in ("name", "routeRefs", "routingProfileId")} | changes
        changed = dx(client, "PUT", path, whole).json()
        assert changes.items() <= changed.items()
    for wrong in (
        {"routeRefs": [one, two]},
        {"routeRefs": {"a": one}},
        {"routeRefs": [two], "routingProfileId": "x"},
    ):
        assert "routeRefs" in dx(client, "PUT", path, wrong).json()["message"]
    assert dx(client, "PUT", path, {"routeRefs": two}).json()["routeRefs"] == [two], "as text"
    assert dx(client, "PUT", path, {"routeRefs": [one]}).json()["routeRefs"] == [one]
    moved = {"configuration": {"destinationURL": "https://two.example.com/up", "downlinkAsId": "one"}}
    changed = dx(client, "PUT", f"/connections/{second}", moved).json()
    assert changed["configuration"] == moved["configuration"] | {"headers": {"Authorization": "*****"}}
    assert dx(client, "DELETE", f"/connections/{first}").status_code == 400, "a device uses it"
    assert dx(client, "DELETE", f"/connections/{second}").status_code == 204
    assert dx(client, "GET", f"/connections/{second}").status_code == 404
    assert dx(client, "GET", "/routes/1.99").status_code == 404


def test_d4_connections_that_cannot_be_made(client: Client) -> None:
    for body, words in (
        ({"name": "x"}, "configuration.destinationURL"),
        ({"configuration": {"destinationURL": "https://a.example.com"}}, "name is mandatory"),
        ({"name": "x", "connectorId": "actility-mqtt-iot"}, "POST /api/v1/connections"),
        ({"name": "x", "configuration": {"destinationURL": "ftp://a"}}, "http"),
        (
            {
                "name": "x",
                "configuration": {"destinationURL": "https://a.example.com", "headers": {"Host": "a"}},
            },
            "configuration.headers: 'Host'",
        ),
    ):
        assert words in dx(client, "POST", "/connections", body).json()["message"]


def test_d4_coordinates_change_and_may_be_text(client: Client) -> None:
    device = new_device(client)
    path = f"/devices/{device['ref']}"
    changed = dx(client, "PUT", path, {"geoLatitude": "52.1", "geoLongitude": "5.2", "name": "x"})
    assert (changed.json()["geoLatitude"], changed.json()["geoLongitude"]) == (52.1, 5.2)
    for body in ({"geoLatitude": 91, "geoLongitude": 1}, {"geoLatitude": 1}, {"geoLatitude": "nan"}):
        assert dx(client, "PUT", path, body).status_code == 400
    assert client.request("PUT", path, {"geoLatitude": 52.1, "geoLongitude": "5.2"}).status_code == 200
    assert client.request("PUT", path, {"geoLatitude": 1, "geoLongitude": 5.2}).status_code == 400


def test_d4_an_hsm_group_is_mandatory_on_kpns_paths_alone(client: Client) -> None:
    body = client.device_body(next(_numbers))
    del body["hsmGroupId"]
    refused = client.request("POST", "/devices", body)
    assert refused.status_code == 400 and "hsmGroupId" in refused.json()["message"]
    assert dx(client, "POST", "/devices", body).status_code == 201


@pytest.mark.parametrize(
    "text",
    [
        {"geoLatitude": "52.1", "geoLongitude": "5.2"},
        {"geoLatitude": "-0", "geoLongitude": "1e1"},
        {"geoLatitude": "", "geoLongitude": ""},
        {"alarmThresholds": [{"enabled": "true", "durationOfInactivity": "1_DAY", "level": "MAJOR"}]},
        {"alarmThresholds": [{"enabled": "false", "durationOfInactivity": "", "level": ""}]},
    ],
)
def test_api_02_numbers_and_booleans_as_text(client: Client, text: dict[str, Any]) -> None:
    made = new_device(client, **text)
    for name in ("geoLatitude", "geoLongitude"):
        assert made.get(name) == (float(text[name]) if text.get(name) else None)
    if "alarmThresholds" in text:
        assert made["alarmThresholds"][0]["enabled"] is (text["alarmThresholds"][0]["enabled"] == "true")


@pytest.mark.parametrize("wrong", ["north", "52,1", "0x10", "nan", "inf", "1 2", "١", [52.1], {"a": 1}, True])
def test_api_02_other_text_is_refused(client: Client, wrong: Any) -> None:
    body = client.device_body(next(_numbers), geoLatitude=wrong, geoLongitude=5.2)
    refused = client.request("POST", "/devices", body)
    assert refused.status_code == 400 and "geoLatitude" in refused.json()["message"]


def test_api_02_routes(client: Client) -> None:
    route = {"addresses": ["http://127.0.0.1:9/a"], "maxDeviation": "60", "asId": "", "asKey": ""}
    made = client.call("POST", "/routingProfiles", {"name": "t", "default": "false", "routes": [route]})
    assert made["routes"][0]["maxDeviation"] == 60 and "asId" not in made["routes"][0]


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("0123456789abcdef" * 2, True),
        ("46AB678CD45DF4A4E4B375EACD096ACC", True),
        ("00112233445566778899aabbccddeeff", True),
        ("12341234123412341234123412341234", True),
        ("01020304050607080102030405060708", True),
        ("0" * 32, False),
        ("f" * 31 + "0", False),
        ("01" * 16, False),
        ("0" * 16 + "1" * 8 + "2" * 8, False),
    ],
)
def test_d9_keys_that_are_too_regular(client: Client, key: str, taken: bool) -> None:
    route = {"addresses": ["http://127.0.0.1:9/a"], "asId": "as", "asKey": key}
    answer = client.request("POST", "/routingProfiles", {"name": "k", "routes": [route]})
    assert answer.status_code == (201 if taken else 400)
    if not taken:
        assert answer.json()["errorId"] == "LDM-409" and key not in answer.text


@pytest.mark.parametrize("limit", ["0", "3.5"])
def test_d9_the_threshold_is_a_setting(tmp_path: Path, limit: str) -> None:
    account = sandbox(tmp_path / "data")
    server = HostedServer(tmp_path / "data", VELDNET_ROUTING__AS_KEY_ENTROPY=limit)
    try:
        customer = Client(server, account)
        customer.activate()
        statuses = [
            customer.request(
                "POST",
                "/routingProfiles",
                {"name": "k", "routes": [{"addresses": ["http://127.0.0.1:9"], "asId": "a", "asKey": key}]},
            ).status_code
            for key in ("0" * 32, "12341234123412341234123412341234", "0123456789abcdef" * 2)
        ]
        assert statuses == ([201, 201, 201] if limit == "0" else [400, 400, 201])
    finally:
        server.stop()


def _parameters() -> Iterator[dict[str, str]]:
    given = {
        "startDate": "2026-01-01T00:00:00Z",
        "duration": "7",
        "aggregationStep": "24",
        "baseStationId": "FF000001",
        "deviceEUIList": "one",
    }
    for count in range(len(given) + 1):
        for names in itertools.combinations(given, count):
            yield {name: given[name] for name in names}


@pytest.mark.parametrize("parameters", list(_parameters()), ids=lambda given: "+".join(given) or "none")
def test_d10_every_parameter_is_optional(client: Client, parameters: dict[str, str]) -> None:
    if "deviceEUIList" in parameters:
        parameters = parameters | {"deviceEUIList": new_device(client)["EUI"]}
    answer = client.http.get(f"{KPN}/deviceFrameStatistics", params=parameters)
    assert answer.status_code == 200 and isinstance(answer.json(), list), answer.text
