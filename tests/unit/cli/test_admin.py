"""The operator's work with every kind of thing, by command; `--json` has the names of the API."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.certificates import write_pair
from tests.e2e.running import command, failing
from tests.firmware import Signer
from tests.installation import sandbox
from veldnet.simulator.customer import Account

OPERATOR = ("--operator", "sandbox-ope")
CUSTOMER = ("--customer-id", "100000001")
DEVICES = (
    "EUI,applicationEUI,applicationKey,deviceProfileId,hsmGroupId,name\n"
    f"0059AC0000ABCDEF,0059AC0000000001,{'2B' * 16},LORA/GenericA.1_ETSI_Rx2-SF12,HSM_SANDBOX-OPE.1,Lamp\n"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("admin") / "data"


@pytest.fixture(scope="module", autouse=True)
def account(data: Path) -> Account:
    return sandbox(data)


class Admin:
    def __init__(self, data: Path) -> None:
        self._at = ("--data", str(data))

    def __call__(self, *arguments: str) -> Any:
        return json.loads(command("admin", *arguments, *self._at, "--json"))

    def refused(self, *arguments: str) -> str:
        text = failing("admin", *arguments, *self._at)
        assert text.startswith("error: ") and text.count("\n") == 1, text
        assert "Bad request" not in text and "Traceback" not in text
        return text

    def shown(self, *arguments: str) -> str:
        return command("admin", *arguments, *self._at)


@pytest.fixture
def admin(data: Path) -> Admin:
    return Admin(data)


def test_subscribers(admin: Admin) -> None:
    made = admin("subscriber", "create", "200000001", "Works", *OPERATOR)
    assert made == {"customerId": "200000001", "name": "Works"}
    admin("subscriber", "change", "200000001", "--name", "Water works")
    assert admin("subscriber", "show", "200000001")["name"] == "Water works"
    admin("subscriber", "change", "200000001", "--suspend")
    assert admin("subscriber", "show", "200000001")["suspended"] is True
    assert "Water works" in admin.shown("subscriber", "list")
    assert {"customerId", "name", "operator"} == set(admin("subscriber", "list")[0])
    admin("subscriber", "delete", "200000001")
    assert "there is no subscriber" in admin.refused("subscriber", "show", "200000001")
    assert "nine digits" in admin.refused("subscriber", "create", "12", "x", *OPERATOR)
    assert "name" in admin.refused("subscriber", "change", "100000001")


def test_users(admin: Admin, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("a long password\n")
    file = ("--password-file", str(password))
    admin("user", "create", "somebody@example.org", *CUSTOMER, *file)
    admin("operator-user-create", "desk@example.org", *OPERATOR, *file)
    assert admin("user", "change", "somebody@example.org", "--role", "ro")["username"]
    shown = admin("user", "show", "somebody@example.org")
    assert (shown["role"], shown["customerId"]) == ("ro", "100000001")
    admin("user", "change", "desk@example.org", *file)
    assert "desk@example.org" in [each["username"] for each in admin("user", "list", *OPERATOR)]
    assert "--role" in admin.refused("user", "change", "somebody@example.org")
    assert "must be" in admin.refused("user", "change", "somebody@example.org", "--role", "root")
    assert "role" in admin.refused("user", "change", "desk@example.org", "--role", "admin")
    changed = admin(
        "user", "change", "somebody@example.org", "--new-username", "anna@example.org", "--suspend"
    )
    assert (changed["username"], changed["email"], changed["suspended"]) == (*["anna@example.org"] * 2, True)
    assert "True" in admin.shown("user", "list")
    admin("user", "change", "desk@example.org", "--station-access")
    copy = admin("user", "copy", "desk@example.org", "desk2@example.org", *file)
    assert (copy["role"], copy["stationAccess"]) == ("rw", True)
    assert "exists already" in admin.refused("user", "copy", "anna@example.org", "desk@example.org", *file)
    for name in ("anna@example.org", "desk@example.org", "desk2@example.org"):
        admin("user", "delete", name)
        assert "there is no user" in admin.refused("user", "show", name)
    (desk,) = (each["username"] for each in admin("user", "list", *OPERATOR))
    (owner,) = (each["username"] for each in admin("user", "list") if each["role"] == "admin")
    for name, said in ((desk, "last one of the operator"), (owner, "last administrator")):
        for change in (("delete", name), ("change", name, "--role", "ro"), ("change", name, "--suspend")):
            assert said in admin.refused("user", *change)


def test_plans_and_device_profiles(admin: Admin) -> None:
    plan = "sandbox-ope-cs/other"
    admin("plan", "create", plan, "Other", *OPERATOR, "--set", "uplinkRate=5", "--set", "downlinkRate=7")
    admin("plan", "change", plan, *OPERATOR, "--set", "uplinkRate=6")
    settings = admin("plan", "show", plan, *OPERATOR)["settings"]
    assert (settings["uplinkRate"], settings["downlinkRate"]) == (6, 7), "the others are kept"
    assert "name what changes" in admin.refused("plan", "change", plan, *OPERATOR)
    admin("plan", "change", plan, *OPERATOR, "--set", "uplinkRate=6", "--replace")
    assert admin("plan", "show", plan, *OPERATOR)["settings"]["downlinkRate"] == 1
    granted = admin("plan", "grant", plan, "100000001", "3")
    assert granted == {"id": plan, "customerId": "100000001", "granted": 3}
    assert plan in [each["id"] for each in admin("plan", "list", *OPERATOR)]
    assert plan in admin.shown("plan", "list", *OPERATOR)
    assert "unknown" in admin.refused("plan", "change", plan, *OPERATOR, "--set", "none=1")
    assert "NAME=VALUE" in admin.refused("plan", "change", plan, *OPERATOR, "--set", "none")
    admin("plan", "delete", plan, *OPERATOR)
    assert "no connectivity plan" in admin.refused("plan", "show", plan, *OPERATOR).lower()

    profile = "LORA/Other"
    admin("device-profile", "create", profile, "Other", *OPERATOR, "--set", "rx2DataRate=3")
    admin("device-profile", "change", profile, *OPERATOR, "--name", "Meters", "--set", "loRaWANClass=C")
    shown = admin("device-profile", "show", profile, *OPERATOR)
    assert (shown["name"], shown["settings"]["loRaWANClass"]) == ("Meters", "C")
    assert shown["settings"]["rx2DataRate"] == 3
    assert "not the id" in admin.refused("device-profile", "delete", profile, *OPERATOR, "--move-to", "none")
    admin("device-profile", "delete", profile, *OPERATOR)
    assert "there is no device profile" in admin.refused("device-profile", "show", profile, *OPERATOR)


def test_firmware(admin: Admin, tmp_path: Path) -> None:
    content = b"#!/bin/sh\n"
    signer, paths = Signer(), {name: tmp_path / name for name in ("update.bin", "update.sig", "key.pub")}
    paths["update.bin"].write_bytes(content)
    body = signer.body(content)
    paths["update.sig"].write_bytes(base64.b64decode(body["signature"]))
    paths["key.pub"].write_text(body["publicKey"])
    file, signature, key = map(str, paths.values())
    ref = admin("firmware", "add", file, *OPERATOR, "--model", "linux", "--version", "2.1")["ref"]
    made = admin("base-station", "create", "00800000A00001FC", "Barn", *OPERATOR)
    order = ("base-station", "order-update", made["id"], "--firmware", ref)
    assert "signature" in admin.refused(*order)
    assert admin("firmware", "sign", ref, signature, key)["key"] == f"{signer.sum:08X}"
    assert "by this key" in admin.refused("firmware", "sign", ref, file, key)
    assert admin("firmware", "list")[0]["keys"] == [f"{signer.sum:08X}"]
    assert admin(*order) == {"baseStations": 1}
    (update,) = admin("base-station", "updates")
    assert (update["kind"], update["value"], update["attempts"]) == ("firmware", "2.1", 0)
    assert "withdraw" in admin.refused("firmware", "remove", ref)
    admin("base-station", "withdraw-update", made["id"], str(update["ref"]))
    admin("firmware", "remove", ref)
    assert admin("firmware", "list") == []


def test_base_stations(admin: Admin) -> None:
    made = admin("base-station", "create", "00800000A00001FF", "Tower", *OPERATOR, "--latitude", "52.5")
    assert (made["gatewayEUI"], made["latitude"], made["lastSeen"]) == ("00800000A00001FF", 52.5, None)
    admin("base-station", "change", made["id"].lower(), "--name", "Mast")
    assert admin("base-station", "show", made["id"])["name"] == "Mast"
    assert made["id"] in [each["id"] for each in admin("base-station", "list")]
    admin("base-station-profile", "create", "roof", "Roof", *OPERATOR, "--set", "antennaGain=6")
    admin("base-station-profile", "change", "roof", *OPERATOR, "--set", "chip=SX1301")
    assert admin("base-station-profile", "show", "roof", *OPERATOR)["settings"]["antennaGain"] == 6
    assert "is not served" in admin.refused(
        "base-station-profile", "change", "roof", *OPERATOR, "--set", "region=US915"
    )
    admin("base-station", "change", made["id"], "--profile", "roof")
    assert "used by 1 base station" in admin.refused("base-station-profile", "delete", "roof", *OPERATOR)
    admin("base-station-profile", "delete", "roof", *OPERATOR, "--move-to", "default")
    assert [one["id"] for one in admin("base-station-profile", "list", *OPERATOR)] == ["default"]
    station = ("base-station", "configuration", made["id"])
    files = admin(*station, "--server", "lns.example.com", "--format", "kerlink")["files"]
    assert [file["name"] for file in files] == ["lorafwd.toml"] and "lns.example.com" in files[0]["content"]
    assert "server is needed" in admin.refused(*station)
    assert admin("base-station", "delete", made["id"]) == {"id": made["id"]}
    assert "there is no base station" in admin.refused("base-station", "show", made["id"])


def test_hsm_groups_and_operators(admin: Admin) -> None:
    group = admin("hsm-group", "create", "Meters", *OPERATOR)["id"]
    admin("hsm-group", "change", group, *OPERATOR, "--name", "Water meters")
    assert admin("hsm-group", "show", group)["name"] == "Water meters"
    admin("hsm-group", "delete", group, *OPERATOR)
    assert group not in [each["id"] for each in admin("hsm-group", "list")]
    assert "no HSM group" in admin.refused("hsm-group", "show", group)
    admin("operator", "create", "other-ope", "Other")
    assert admin("operator", "show", "other-ope") == {"code": "other-ope", "name": "Other", "subscribers": 0}
    assert "other-ope" in [each["code"] for each in admin("operator-list")]


def test_campaigns(admin: Admin, tmp_path: Path) -> None:
    file, listed = tmp_path / "lamp.bin", tmp_path / "lamps.csv"
    file.write_bytes(b"firmware")
    listed.write_text("name,EUI\nLamp,0059AC0000ABCDEF\n")
    create = ("campaign", "create", "Lamps", str(file), *CUSTOMER)
    assert "say which devices" in admin.refused(*create)
    assert "do not exist, such as 0059AC0000ABCDEF" in admin.refused(*create, "--devices", str(listed))
    assert "no device matches" in admin.refused(*create, "--tag", "lamp")
    assert "cannot be read" in admin.refused("campaign", "create", "x", "none", *CUSTOMER, "--tag", "lamp")
    assert admin("campaign", "list", *CUSTOMER) == []
    for verb in ("show", "pause", "abort", "delete"):
        assert "No Campaign" in admin.refused("campaign", verb, "9", *CUSTOMER)
    plan, devices = "sandbox-ope-cs/groups", tmp_path / "devices.csv"
    admin("plan", "create-multicast", plan, "Groups", *OPERATOR)
    to_all = (*create, "--devices", str(listed), "--multicast", "C")
    admin("plan", "grant", plan, "100000001", "1")
    devices.write_text(DEVICES)
    assert admin("device", "import", str(devices), *CUSTOMER)["done"] == 1
    assert "give --multicast" in admin.refused(*create, "--devices", str(listed), "--plan", plan)
    assert "does not fit at data rate 0" in admin.refused(
        *to_all, "--data-rate", "0", "--fragment-size", "60"
    )
    assert "must look like" in admin.refused(*to_all, "--start", "soon")
    own = ("--group-number", "2", "--group-port", "199", "--start", "2099-01-01T12:00:00+01:00")
    assert "within 400 days" in admin.refused(*to_all, "--plan", plan, "--data-rate", "3", *own)
    ref = admin(*to_all, "--plan", plan, "--data-rate", "3", "--lead", "600", *own[:4])["ref"]
    shown = admin("campaign", "show", ref, *CUSTOMER)
    assert shown["devices"] == {"refused": 1}, "it is of an HSM group"
    assert shown["group"]["sessions"] == []
    first, device = admin.shown("campaign", "report", ref, *CUSTOMER).splitlines()
    assert first.startswith("deviceRef,deviceEUI,name,state,reason,reasonText,sent,")
    assert "it belongs to an HSM group" in device
    assert datetime.fromisoformat(device.rsplit(",", 1)[1])
    [group] = admin("multicast-group", "list", *CUSTOMER)
    assert (group["name"], group["connectivityPlanId"]) == ("Lamps (campaign)", plan)
    named = ("multicast-group", "delete", group["ref"], *CUSTOMER)
    assert "abort the campaign first" in admin.refused(*named)
    admin("campaign", "abort", ref, *CUSTOMER)
    assert admin("multicast-group", "list", *CUSTOMER) == []
    admin("campaign", "delete", ref, *CUSTOMER)
    admin("device", "delete", "0059AC0000ABCDEF", "--yes")


def test_decoders_and_routing_profiles(admin: Admin, tmp_path: Path) -> None:
    source = tmp_path / "decoder.js"
    source.write_text("function decodeUplink(input) { return {data: {}}; }")
    ref = admin("decoder", "create", "Meters", *CUSTOMER, "--source", str(source))["ref"]
    profile = "LORA/GenericA.1_ETSI_Rx2-SF12"
    admin("decoder", "change", ref, *CUSTOMER, "--device-profile", profile)
    shown = admin("decoder", "show", ref, *CUSTOMER)
    assert (shown["source"], shown["deviceProfileIds"]) == (source.read_text(), [profile])
    assert "Meters" in admin.shown("decoder", "list", *CUSTOMER)
    admin("decoder", "delete", ref, *CUSTOMER)
    assert "No Decoder" in admin.refused("decoder", "show", ref, *CUSTOMER)
    assert admin("routing-profile", "list", *CUSTOMER) == []
    for verb in ("show", "delete"):
        assert "No RoutingProfile" in admin.refused("routing-profile", verb, "9", *CUSTOMER)
    assert "--name" in admin.refused("routing-profile", "change", "9", *CUSTOMER)


def test_a_routing_profile_from_its_creation_to_its_end(admin: Admin) -> None:
    urls = ("--url", "https://one.example.com/up", "--url", "https://two.example.com/up")
    ref = admin("routing-profile", "create", "Meters", *CUSTOMER, *urls, "--as-id", "as-1")["ref"]
    shown = admin("routing-profile", "show", ref, *CUSTOMER)
    assert (shown["name"], shown["default"]) == ("Meters", True), "the first one is the default"
    route = {"strategy": "SEQUENTIAL", "contentType": "JSON", "asId": "as-1", "addresses": list(urls[1::2])}
    assert [{name: each[name] for name in route} for each in shown["routes"]] == [route]
    assert "two.example.com" in admin.shown("routing-profile", "show", ref, *CUSTOMER)
    assert "Meters" in admin.shown("routing-profile", "list", *CUSTOMER)
    own = ("--url", "http://127.0.0.1/up")
    assert "not a public address" in admin.refused("routing-profile", "create", "Own", *CUSTOMER, *own)
    csv = ("--content-type", "CSV", *urls)
    assert "JSON or XML" in admin.refused("routing-profile", "create", "Own", *CUSTOMER, *csv)
    admin("routing-profile", "delete", ref, *CUSTOMER)
    assert admin("routing-profile", "list", *CUSTOMER) == []


def test_devices_that_are_not_there(admin: Admin) -> None:
    assert admin("device", "list", *CUSTOMER) == []
    assert "there is no device" in admin.refused("device", "show", "0059AC0000000099")
    assert "DEVEUI" in admin.refused("device", "show", "xyz")
    assert "--set" in admin.refused("device", "change", "0059AC0000000099")
    wrong = admin.refused("device", "change", "0059AC0000000099", "--set", "nothing=1")
    assert "there is no such member" in wrong


def test_reports_are_sentences_without_json(admin: Admin, tmp_path: Path) -> None:
    target = str(tmp_path / "backup.db")
    assert target in admin.shown("backup", target).replace("\n", "")
    assert admin("backup", str(tmp_path / "other.db"))["backup"] == str(tmp_path / "other.db")
    assert "exists" in admin.refused("backup", target)
    assert admin("undelivered", "redeliver") == {"devices": 0}


def test_updates_of_base_stations(admin: Admin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = admin("base-station", "create", "00800000A00001FE", "Tower", *OPERATOR)["id"]
    order = ("base-station", "order-update")
    ordered = admin(*order, made.lower(), "--lns-uri", "wss://lns.example.org:8887")
    assert ordered == {"baseStations": 1}
    (update,) = admin("base-station", "updates")
    assert (update["kind"], update["value"]) == ("lnsUri", "wss://lns.example.org:8887")
    assert update["fetchedAt"] is None and "wss://lns" in admin.shown("base-station", "updates")
    assert admin(*order, "--all", "--cups-uri", "https://cups.example.org:8888") == {"baseStations": 0}
    assert admin("base-station", "contacts") == []
    assert "is not wss://HOST:PORT" in admin.refused(*order, made, "--lns-uri", "lns.example.org")
    assert "basics_station_trust" in admin.refused(*order, made, "--token")
    assert "give --cups-uri" in admin.refused(*order, made)
    assert "or give --all" in admin.refused(*order, "--token")
    assert "there is no base station" in admin.refused(*order, "FFFFFFFF", "--lns-uri", "wss://lns:1")
    authority = write_pair(tmp_path).certificate
    monkeypatch.setenv("VELDNET_GATEWAYS__BASICS_STATION_TRUST", str(authority))
    assert admin(*order, made, "--token") == {"baseStations": 1}
    assert [each["kind"] for each in admin("base-station", "updates")] == ["lnsUri", "credentials"]
    admin("base-station", "withdraw-update", made, str(update["ref"]))
    assert [each["kind"] for each in admin("base-station", "updates")] == ["credentials"]
    assert "99" in admin.refused("base-station", "withdraw-update", made, "99")


def test_certificate_authority(admin: Admin, tmp_path: Path) -> None:
    station = admin("base-station", "create", "00800000A00001FD", "Tower", *OPERATOR)["id"]
    folder = ("--output", str(tmp_path))
    assert "create one with" in admin.refused("ca", "issue", station, *folder)
    assert admin("ca", "create", "Field")["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert "--again" in admin.refused("ca", "create", "Field")
    made = admin("ca", "issue", station, *folder)
    assert (tmp_path / f"{station}.key").stat().st_mode & 0o777 == 0o600
    server = admin("ca", "issue-server", "lns.example.org", "192.0.2.1", *folder)
    (authority,) = x509.load_pem_x509_certificates((tmp_path / "server.trust").read_bytes())
    for name in (station, "server"):
        (issued,) = x509.load_pem_x509_certificates((tmp_path / f"{name}.crt").read_bytes())
        issued.verify_directly_issued_by(authority)
    admin("ca", "show", "--output", str(tmp_path / "authority.pem"))
    assert (tmp_path / "authority.pem").read_bytes() == (tmp_path / "server.trust").read_bytes()
    assert {each["serial"] for each in admin("ca", "list")} == {made["serial"], server["serial"]}
    assert admin("ca", "list", "--expiring", "30") == []
    assert "BEGIN" not in admin.shown("ca", "list") and "give --output" in admin.refused(
        "ca", "renew", server["serial"]
    )
    again = admin("ca", "renew", server["serial"], *folder)
    assert again["serial"] != server["serial"]
    assert admin("ca", "revoke", made["serial"].lower()) == {"serial": made["serial"]}
    assert "is revoked already" in admin.refused("ca", "revoke", made["serial"])
    assert "was issued here" in admin.refused("ca", "revoke", "00")
    # Of both authorities, for those who check certificates themselves.
    admin("ca", "create", "Second", "--again")
    admin("ca", "revocations", "--output", str(tmp_path / "ca.crl"), "--days", "7")
    texts = (tmp_path / "ca.crl").read_text().split("-----BEGIN")[1:]
    lists = [x509.load_pem_x509_crl(f"-----BEGIN{text}".encode()) for text in texts]
    assert [{f"{each.serial_number:X}".zfill(len(made["serial"])) for each in one} for one in lists] == [
        set(),
        {made["serial"]},
    ]
    key = authority.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert [one.is_signature_valid(key) for one in lists] == [False, True]
