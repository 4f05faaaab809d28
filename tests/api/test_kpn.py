"""KPN's API: every operation built, every rule of the reference, every body checked."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import padding

from tests.api import contract
from tests.api.contract import checker, refused
from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.e2e.running import command, sandbox
from tests.rsa_keys import private_key, public_pem
from veldnet.simulator.customer import Account

# The tests of this file share a server.

OURS = {"rsaPublicKey": "ours"}
AS_KEY = "46ab678cd45df4a4e4b375Eacd096acc"
ROUTE = {"addresses": ["http://127.0.0.1:9/up"], "asId": "my.as", "asKey": AS_KEY, "contentType": "JSON"}


def one_line_pem() -> str:
    return public_pem().replace("\n", "")


@pytest.fixture(scope="module")
def documents(client: Client) -> list[dict[str, Any]]:
    """Our own description, and the published one where it lies beside the repository."""
    found = [client.http.get("/openapi.json").json()]
    if contract.PUBLISHED.exists():
        found.append(yaml.safe_load(contract.PUBLISHED.read_text()))
    return found


@pytest.fixture(scope="module")
def checked(client: Client, documents: list[dict[str, Any]]) -> Any:
    return checker(client, documents)


@pytest.fixture
def newcomer(server: HostedServer) -> Client:
    """A customer who has nothing yet."""
    customer = Client(server, sandbox(server.data))
    customer.activate()
    return customer


def test_the_description_is_that_of_the_published_contract(documents: list[dict[str, Any]]) -> None:
    ours = documents[0]
    for operation_id, (method, path, query, has_body, status) in contract.OPERATIONS.items():
        for document, prefix in zip(documents, (KPN, ""), strict=False):
            operation = document["paths"][prefix + path][method]
            assert operation["operationId"] == operation_id
            named = {p["name"] for p in operation["parameters"] if p.get("in") == "query"}
            assert named == query and ("requestBody" in operation) == has_body
            assert str(status) in {str(key) for key in operation["responses"]}
    for document in documents:
        for name, members in contract.MEMBERS.items():
            properties = document["components"]["schemas"][name]["properties"]
            for member, kind in members.items():
                schema = properties[member]
                while "$ref" in schema or "anyOf" in schema:
                    schema = schema["anyOf"][0] if "anyOf" in schema else schema
                    if "$ref" in schema:
                        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
                assert schema.get("type", "string") == kind, f"{name}.{member}"
    assert ours["openapi"].startswith("3.0")


def test_every_described_operation_is_served_and_every_served_one_described(
    documents: list[dict[str, Any]], client: Client
) -> None:
    for path, operations in documents[0]["paths"].items():
        for method in operations:
            answer = client.http.request(
                method, path.replace("{", "0").replace("}", ""), headers={"authorization": ""}
            )
            if operations[method].get("security") == []:
                # Who signs in has no token yet.
                assert answer.status_code in (200, 204, 400, 404), f"{method} {path}: {answer.status_code}"
            else:
                assert answer.status_code == 401, f"{method} {path} answers {answer.status_code}"


def test_catalogues(checked: Any, account: Account) -> None:
    (plan,) = checked("Connectivityplansretrieval")
    assert plan["id"] == account.connectivity_plan_id and plan["communicationType"] == "UNICAST"
    assert account.device_profile_id in {p["id"] for p in checked("Deviceprofilesretrieval")}
    assert checked("HSMgroupsretrieval") == [{"id": account.hsm_group_id, "name": "Sandbox HSM group"}]
    assert checked("HSMgroupsretrieval", params={"pageIndex": "2"}) == []


def test_routing_profiles(newcomer: Client, documents: list[dict[str, Any]]) -> None:
    checked, account = checker(newcomer, documents), newcomer.account
    body = {
        "name": "First",
        "hsmGroupId": account.hsm_group_id,
        "rsaPublicKey": one_line_pem(),
        "routes": [ROUTE],
    }
    first = checked("Routingprofilescreation", body)
    assert first["default"] is True and first["id"].endswith(f".{first['ref']}")
    assert len(first["rsaEncryptedASKey"]) == 512
    key = private_key().decrypt(bytes.fromhex(first["rsaEncryptedASKey"]), padding.PKCS1v15())
    assert len(key) == 16
    path: dict[str, Any] = {"path": {"routingProfileRef": first["ref"]}}
    shown = checked("Routingprofileretrieval", **path)
    assert not {"rsaEncryptedASKey", "rsaPublicKey"} & set(shown)
    assert "asKey" not in shown["routes"][0] and shown["routes"][0]["sourcePorts"] == "*"
    second = checked("Routingprofilescreation", {"name": "Second", "routes": []})
    assert second["default"] is False
    flipped = checked("Routingprofileupdate", {"default": True}, path={"routingProfileRef": second["ref"]})
    assert flipped["default"] is True
    assert [p["default"] for p in checked("Routingprofilesretrieval")] == [False, True]
    refused(checked, "Routingprofileupdate", {"default": False}, path={"routingProfileRef": second["ref"]})
    again = checked(
        "Routingprofileupdate",
        {"hsmGroupId": account.hsm_group_id, "rsaPublicKey": one_line_pem(), "name": "Renamed"},
        **path,
    )
    assert again["rsaEncryptedASKey"] != first["rsaEncryptedASKey"] and again["name"] == "Renamed"
    assert again["routes"] == shown["routes"]
    found = checked("Routingprofilesretrieval", params={"routingProfileId": first["id"]})
    assert [p["ref"] for p in found] == [first["ref"]]
    assert checked("Routingprofilesretrieval", params={"routingProfileId": "nothing"}) == []
    message = refused(checked, "Routingprofiledeletion", None, path={"routingProfileRef": second["ref"]})
    assert "default" in message
    checked("Routingprofileupdate", {"default": True}, **path)
    checked("Routingprofiledeletion", path={"routingProfileRef": second["ref"]})
    refused(checked, "Routingprofileretrieval", None, 404, path={"routingProfileRef": second["ref"]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "name"),
        ({"routes": None}, "routes"),
        ({"routes": [{"addresses": []}]}, "routes[0].addresses"),
        ({"routes": [{"addresses": ["ftp://x"]}]}, "absolute http"),
        ({"routes": [{"addresses": ["http://a"] * 6}]}, "1 to 5"),
        ({"routes": [{"addresses": ["http://a"] * 4, "strategy": "BLAST"}]}, "1 to 3"),
        ({"routes": [ROUTE | {"sourcePorts": "300"}]}, "sourcePorts"),
        ({"routes": [ROUTE | {"sourcePorts": "9-3"}]}, "ends before"),
        ({"routes": [ROUTE, ROUTE]}, "must be last"),
        ({"routes": [ROUTE | {"asKey": "1" * 32}]}, "too regular"),
        ({"routes": [ROUTE | {"asKey": "xyz"}]}, "32 hexadecimal"),
        ({"routes": [ROUTE | {"asId": "a b"}]}, "asId"),
        ({"routes": [ROUTE | {"strategy": "MAYBE"}]}, "strategy"),
        ({"routes": [ROUTE | {"maxDeviation": -1}]}, "maxDeviation"),
        ({"routes": "none"}, "routes"),
        (OURS, "hsmGroupId"),
        ({"hsmGroupId": "HSM_X.1"}, "rsaPublicKey"),
        ({"rsaPublicKey": "garbage", "hsmGroupId": "HSM_SANDBOX-OPE.1"}, "PEM"),
        (OURS | {"hsmGroupId": "HSM_X.1"}, "HSM_X.1"),
        ({"id": "TWA_1.1"}, "id"),
    ],
)
def test_bad_routing_profiles_leave_nothing(checked: Any, change: dict[str, Any], words: str) -> None:
    if change.items() >= OURS.items():
        change = change | {"rsaPublicKey": one_line_pem()}
    before = checked("Routingprofilesretrieval")
    message = refused(checked, "Routingprofilescreation", {"name": "Bad", "routes": [ROUTE]} | change)
    assert words in message, message
    assert checked("Routingprofilesretrieval") == before


def test_a_devices_life(newcomer: Client, documents: list[dict[str, Any]]) -> None:
    client, checked, account = newcomer, checker(newcomer, documents), newcomer.account
    checked("Routingprofilescreation", {"name": "Default", "routes": [ROUTE]})
    created = checked("Devicecreation", client.device_body(1, name="One", dataflowTags=["t"]))
    assert created["processingStrategyId"] == "DATAFLOW" and "routingProfileId" not in created
    assert created["connectivityPlanId"] == account.connectivity_plan_id
    assert created["activationType"] == "OTAA" and created["deviceClass"] == "A"
    assert created["motionIndicator"] == "RANDOM" and created["dataflowTags"] == ["t"]
    assert not {"applicationKey", "networkAddress", "statistics"} & set(created)
    (listed,) = checked("Devicesretrieval", params={"deviceEUI": "00-59-ac-00-00-00-00-01"})
    assert listed == {"ref": created["ref"], "name": "One", "EUI": "0059AC0000000001"}
    (extended,) = checked("Devicesretrieval", params={"deviceEUI": created["EUI"], "extendedInfo": "true"})
    assert extended["statistics"]["healthState"] == "INIT" and "commercialDetails" in extended
    path: dict[str, Any] = {"path": {"deviceRef": created["ref"]}}
    shown = checked("Deviceretrieval", **path)
    assert shown["statistics"]["commissioningState"] == "COMMISSIONED"
    assert checked("Deviceretrieval", path={"deviceRef": "e0059ac0000000001"})["ref"] == created["ref"]
    used = checked("Connectivityplansretrieval")[0]["usedConnections"]
    freed = checked("Deviceupdate", {"connectivityPlanId": "reset", "EUI": created["EUI"]}, **path)
    assert "connectivityPlanId" not in freed
    assert freed["statistics"]["commissioningState"] == "PERSONALIZED"
    assert checked("Connectivityplansretrieval")[0]["usedConnections"] == used - 1
    assert created["ref"] in {
        d["ref"] for d in checked("Devicesretrieval", params={"connectivityPlanId": "_NOCP"})
    }
    back = checked(
        "Deviceupdate",
        {
            "connectivityPlanId": account.connectivity_plan_id,
            "processingStrategyId": "DEFAULTRP",
            "name": "Uno",
        },
        **path,
    )
    assert back["routingProfileId"] and back["name"] == "Uno"
    assert created["ref"] in {
        d["ref"] for d in checked("Devicesretrieval", params={"connectivityPlanId": "_CP"})
    }
    noas = checked("Deviceupdate", {"processingStrategyId": "NOAS"}, **path)
    assert noas["routingProfileId"].endswith(".dummy")
    gone = checked("Deviceupdate", {"routingProfileId": "reset"}, **path)
    assert not {"routingProfileId", "processingStrategyId"} & set(gone)
    message = refused(checked, "Deviceupdate", {"deviceClass": "C"}, **path)
    assert "deviceClass cannot be changed" in message
    refused(checked, "Deviceupdate", {"applicationKey": "0" * 32}, **path)
    checked("Devicedeletion", **path)
    refused(checked, "Deviceretrieval", None, 404, **path)
    assert checked("Connectivityplansretrieval")[0]["usedConnections"] == used - 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"EUI": None}, "EUI is mandatory"),
        ({"EUI": "0059AC000000000G"}, "EUI"),
        ({"EUI": 12}, "EUI: Expected `str`"),
        ({"applicationKey": None}, "applicationKey is mandatory"),
        ({"applicationKey": "12"}, "applicationKey must be 32"),
        ({"deviceProfileId": None}, "deviceProfileId is mandatory"),
        ({"deviceProfileId": "LORA/None"}, "LORA/None"),
        ({"hsmGroupId": None}, "hsmGroupId is mandatory"),
        ({"hsmGroupId": "HSM_X.9"}, "HSM_X.9"),
        ({"routingProfileId": "TWA_1.99"}, "TWA_1.99"),
        ({"activationType": "ABP"}, "activationType"),
        ({"deviceClass": "D"}, "deviceClass"),
        ({"geoLatitude": 91, "geoLongitude": 0}, "geoLatitude"),
        ({"geoLatitude": 1}, "go together"),
        ({"ref": "5"}, "ref is set by the network"),
        ({"applicationEUI": "12"}, "applicationEUI"),
        ({"alarmThresholds": [{}, {}, {}]}, "at most two"),
        ({"name": "\u0007"}, "name"),
    ],
)
def test_bad_devices_leave_nothing(checked: Any, client: Client, change: dict[str, Any], words: str) -> None:
    message = refused(checked, "Devicecreation", client.device_body(77) | change)
    assert words in message, message
    assert checked("Devicesretrieval", params={"deviceEUI": "0059AC000000004D"}) == []


def test_an_unknown_plan_answers_with_thingparks_words(checked: Any, client: Client) -> None:
    error = checked(
        "Devicecreation", client.device_body(77, connectivityPlanId="kpn-acc-ope-cs/none"), expect=400
    )
    assert error["errorId"] == "OSS-214"
    assert error["message"] == "Bad request: No ConnectivityPlan for ID: kpn-acc-ope-cs/none and Operator: 1"


def test_a_device_eui_is_unique(checked: Any, client: Client) -> None:
    created = checked("Devicecreation", client.device_body(2))
    assert "already registered" in refused(checked, "Devicecreation", client.device_body(2))
    checked("Devicedeletion", path={"deviceRef": created["ref"]})


def test_pages_hold_a_hundred(newcomer: Client, documents: list[dict[str, Any]]) -> None:
    client, checked = newcomer, checker(newcomer, documents)
    refs = [checked("Devicecreation", client.device_body(0x100 + n))["ref"] for n in range(101)]
    first = checked("Devicesretrieval", params={"pageIndex": "1"})
    second = checked("Devicesretrieval", params={"pageIndex": "2"})
    assert (len(first), len(second)) == (100, 1)
    assert [d["ref"] for d in first + second] == sorted(refs, key=int)
    assert checked("Devicesretrieval", params={"pageIndex": "3"}) == []
    for wrong in ("0", "-1", "x", "1.5", "9" * 30):
        refused(checked, "Devicesretrieval", None, params={"pageIndex": wrong})
    refused(checked, "Devicesretrieval", None, params={"healthState": "FINE"})
    refused(checked, "Devicesretrieval", None, params={"statistics": "maybe"})
    for ref in refs:
        checked("Devicedeletion", path={"deviceRef": ref})


def test_the_dx_paths_show_the_configuration_in_lists(
    newcomer: Client, documents: list[dict[str, Any]]
) -> None:
    client, checked = newcomer, checker(newcomer, documents)
    created = checked("Devicecreation", client.device_body(3))
    for base in ("/thingpark/dx/core/latest/api", "/core/v155/api"):
        (listed,) = client.http.get(f"{base}/devices").json()
        assert listed["deviceProfileId"] and listed["activationType"] == "OTAA"
    checked("Devicedeletion", path={"deviceRef": created["ref"]})


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"authorization": ""}, "/devices", 401),
        ({"authorization": "Bearer wrong"}, "/devices", 401),
        ({"authorization": "Basic eDp5"}, "/devices", 401),
        ({"api-version": "v9"}, "/devices", 400),
        ({}, "/nothing/here", 404),
    ],
)
def test_what_the_gateway_rejects_has_the_gateways_shape(
    client: Client, headers: dict[str, str], path: str, status: int
) -> None:
    answer = client.request("GET", path, headers=headers | {"x-request-id": "my-request-1"})
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"transactionId", "status", "name", "message", "info"}
    assert all(isinstance(value, str) for value in body.values())
    assert body["transactionId"] == answer.headers["x-request-id"] == "my-request-1"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"text"', b"{}"])
def test_bodies_that_are_no_resource(client: Client, body: bytes) -> None:
    answer = client.http.post(f"{KPN}/devices", content=body)
    assert answer.status_code == 400 and answer.json()["message"].startswith("Bad request: ")


def test_tokens_as_existing_clients_ask_for_them(client: Client, account: Account) -> None:
    with client.server.connect() as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": f"sub-1/{account.thingpark_username}",
            "client_secret": account.thingpark_password,
            "validityPeriod": "90days",
        }
        for path in (
            "/thingpark/dx/admin/latest/api/oauth/token",
            "/admin/v140/api/oauth/token",
            "/users-auth/protocol/openid-connect/token",
        ):
            answer = http.post(path, data=form)
            assert answer.status_code == 200 and answer.json()["expires_in"] == 90 * 86_400
            assert answer.json()["client_id"] == form["client_id"]
        token = answer.json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        assert http.get("/core/latest/api/devices", headers=headers).status_code == 200
        info = http.get("/admin/latest/api/oauth/tokeninfo", params={"access_token": token}).json()
        assert info["customer_id"] == "100000001" and info["client_id"] == form["client_id"]
        http.post("/admin/latest/api/oauth/revoke_token", params={"access_token": token})
        assert http.get("/core/latest/api/devices", headers=headers).status_code == 401
        basic = httpx.BasicAuth(account.client_id, account.client_secret)
        url = "/oauth/client_credential/accesstoken"
        given = http.post(url, data={"grant_type": "client_credentials"}, auth=basic)
        assert given.status_code == 200
        of_project = {"access_token": given.json()["access_token"]}
        info = http.get("/admin/latest/api/oauth/tokeninfo", params=of_project).json()
        assert info["client_id"] == given.json()["client_id"] == account.client_id
        for prefix in ("a\x00b", "a\nb", "x" * 600):
            unknown = form | {"client_id": f"{prefix}/{account.thingpark_username}"}
            assert http.post("/admin/latest/api/oauth/token", data=unknown).status_code == 401
        for wrong, status in (
            ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, 401),
            ({"grant_type": "client_credentials"}, 401),
            ({"grant_type": "password", "client_id": "x", "client_secret": "y"}, 400),
        ):
            answer = http.post(url, data=wrong)
            assert answer.status_code == status and "message" in answer.json()


def test_activation_needs_the_right_password(client: Client, account: Account) -> None:
    for body, status in (
        ({"thingpark_username": account.thingpark_username, "thingpark_password": "wrong"}, 401),
        ({"thingpark_username": "nobody", "thingpark_password": "wrong"}, 401),
        ({"thingpark_username": "nobody"}, 400),
    ):
        assert client.request("POST", "/activate", body).status_code == status
    client.activate()


def test_a_subscriber_never_sees_what_belongs_to_another(server: HostedServer, client: Client) -> None:
    """I6: a foreign ref answers as one that does not exist."""
    mine = client.call("POST", "/devices", client.device_body(4))
    profile = client.call("POST", "/routingProfiles", {"name": "Mine", "routes": [ROUTE]})
    other = Client(server, sandbox(server.data))
    assert other.request("GET", "/devices").status_code == 403, "not activated yet"
    other.activate()
    assert other.call("GET", "/devices") == [] and other.call("GET", "/routingProfiles") == []
    for method, path, body in (
        ("GET", f"/devices/{mine['ref']}", None),
        ("GET", f"/devices/e{mine['EUI']}", None),
        ("PUT", f"/devices/{mine['ref']}", {"name": "x"}),
        ("DELETE", f"/devices/{mine['ref']}", None),
        ("GET", f"/routingProfiles/{profile['ref']}", None),
        ("PUT", f"/routingProfiles/{profile['ref']}", {"name": "x"}),
        ("DELETE", f"/routingProfiles/{profile['ref']}", None),
    ):
        assert other.request(method, path, body).status_code == 404, path
    for path in (f"/devices/{mine['ref']}/frames",):
        assert other.http.get(f"/api/v1{path}").status_code == 404
    assert other.http.post(f"/api/v1/devices/{mine['ref']}/securityContext/reset").status_code == 404
    foreign_plan = other.device_body(5, connectivityPlanId=client.account.connectivity_plan_id)
    assert other.request("POST", "/devices", foreign_plan).json()["errorId"] == "OSS-214"
    foreign_profile = other.device_body(5, routingProfileId=profile["id"])
    assert other.request("POST", "/devices", foreign_profile).status_code == 400
    assert client.call("GET", f"/devices/{mine['ref']}")["name"] == mine["name"]
    client.call("DELETE", f"/devices/{mine['ref']}")


def test_a_full_plan_and_too_many_servers(server: HostedServer, client: Client, account: Account) -> None:
    command(
        "admin",
        "plan",
        "create",
        "sandbox-ope-cs/one",
        "One",
        "--operator",
        "sandbox-ope",
        "--data",
        str(server.data),
    )
    command("admin", "plan", "grant", "sandbox-ope-cs/one", "100000001", "1", "--data", str(server.data))
    first = client.call("POST", "/devices", client.device_body(6, connectivityPlanId="sandbox-ope-cs/one"))
    second = client.request(
        "POST", "/devices", client.device_body(7, connectivityPlanId="sandbox-ope-cs/one")
    )
    assert second.status_code == 400 and "no free connection" in second.json()["message"]
    two = [ROUTE, ROUTE | {"asId": "other.as"}]
    profile = client.call("POST", "/routingProfiles", {"name": "Two", "routes": two})
    answer = client.request("PUT", f"/devices/{first['ref']}", {"routingProfileId": profile["id"]})
    assert answer.status_code == 400 and "allows 1" in answer.json()["message"]
    client.call("DELETE", f"/devices/{first['ref']}")


def test_the_rate_limit_answers_429_with_the_quota(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("limited") / "data"
    account = sandbox(data)
    server = HostedServer(data, VELDNET_API__RATE_LIMIT="2")
    try:
        customer = Client(server, account)
        answers = [customer.request("GET", "/devices") for _ in range(6)]
        assert answers[-1].status_code == 429 and set(answers[-1].json()) >= {"status", "message"}
        for name in ("quota-limit", "quota-interval", "quota-time-unit", "quota-used", "quota-reset-UTC"):
            assert answers[-1].headers[name]
        assert answers[0].headers["quota-limit"] == "2"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A customer of a server with other settings."""
    data = tmp_path_factory.mktemp("strict") / "data"
    account = sandbox(data)
    server = HostedServer(
        data, VELDNET_ROUTING__ALLOW_PRIVATE_DESTINATIONS="false", VELDNET_API__JWT_TOKENS="true"
    )
    customer = Client(server, account)
    customer.activate()
    yield customer
    server.stop()


def test_private_destinations_are_refused_by_default(strict: Client) -> None:
    answer = strict.request("POST", "/routingProfiles", {"name": "x", "routes": [ROUTE]})
    assert answer.status_code == 400 and "public addresses only" in answer.json()["message"]


def test_tokens_are_json_web_tokens_where_clients_read_them(strict: Client) -> None:
    """They say whose they are and until when, and are known by nothing but themselves."""
    form = {"grant_type": "client_credentials", "client_id": "x/" + strict.account.thingpark_username}
    form["client_secret"] = strict.account.thingpark_password
    with strict.server.connect() as http:
        base = "/thingpark/dx/admin/latest/api/oauth"
        answer = http.post(f"{base}/token", data=form).json()
        token = answer["access_token"]
        header, claims, signature = (part + "==" for part in token.split("."))
        assert json.loads(urlsafe_b64decode(header))["typ"] == "JWT"
        said = json.loads(urlsafe_b64decode(claims))
        assert said["exp"] - said["iat"] == answer["expires_in"]
        assert said["client_id"] == form["client_id"]
        assert said["scope"] == [f"SUBSCRIBER:{answer['customer_id']}"]
        other = http.post(f"{base}/token", data=form).json()["access_token"]
        assert other.split(".")[2] != token.split(".")[2]
        path = "/thingpark/dx/core/latest/api/devices"

        def status(shown: str) -> int:
            return http.get(path, headers={"authorization": f"Bearer {shown}"}).status_code

        assert status(token) == 200
        # Neither other claims nor none of a signature count.
        forged = urlsafe_b64encode(json.dumps(said | {"exp": 1 << 40}).encode()).decode().rstrip("=")
        for wrong in (f"{token.split('.')[0]}.{forged}.{token.split('.')[2]}", token.rpartition(".")[0]):
            assert status(wrong) == 401
        assert signature
        assert http.post(f"{base}/revoke_token?access_token={token}").status_code < 300
        assert status(token) == 401
