"""Imports of devices through the API: a dry run says what the import does, and no answer or log has a key."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.api import imported
from tests.api.hosting import HostedServer
from tests.api.imported import Imported
from tests.customers import KPN
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.

V1 = "/api/v1"
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
JOIN_EUI = "70B3D5E75E000001"


@pytest.fixture(scope="module")
def server(data: Any, account: Account) -> Any:
    hosted = HostedServer(data)
    yield hosted
    hosted.stop()
    assert KEY not in hosted.log and KEY.lower() not in hosted.log


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


def post(user: Person, sent: bytes | str, query: str = "") -> tuple[list[Imported], str]:
    answer = user.http.post(
        f"{V1}/devices/import{query}",
        content=sent,
        headers=user.headers("POST") | {"content-type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    digits = answer.text.replace("-", "").replace(" ", "").upper()
    assert KEY[:24] not in digits
    return imported.read(answer.text), answer.headers.get("x-dry-run", "")


def table(*rows: list[str], separator: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue()


HEADER = ["name", "EUI", "applicationEUI", "applicationKey", "deviceProfileId", "hsmGroupId", "action"]


def outcomes(rows: list[Imported]) -> list[str]:
    """What became of rows, alike in a dry run and an import."""
    return [
        row.outcome.replace("would be ", "").split(" as ")[0] if row.code.startswith("2") else row.outcome
        for row in rows
    ]


def test_e3_a_dry_run_says_what_the_import_does(user: Person, account: Account) -> None:
    model, group = account.device_profile_id, account.hsm_group_id
    usual = dict(zip(HEADER, ["Tank", "", JOIN_EUI, KEY, model, group, ""], strict=True))

    def row(eui: str, **changes: str) -> list[str]:
        return list((usual | {"EUI": eui} | changes).values())

    def delete(eui: str) -> list[str]:
        return ["", eui, "", "", "", "", "DELETE"]

    first, second, third = (f"70B3D5E75E10{n:04X}" for n in (1, 2, 3))
    post(user, table(HEADER, row(third)))
    rows = [
        row(first),
        row(first.lower()),
        row(second, applicationKey="0" * 32),
        row(second, applicationKey="f" * 32),
        row(second, applicationKey=KEY[:-1]),
        row(second, deviceProfileId=KEY),
        row(second, hsmGroupId=f"nothing {KEY}"),
        row(KEY),
        row(second, name="x" * 300),
        delete(first),
        delete(first),
        row(first),
        delete(third),
        delete(third),
        row(third),
        row(third),
        delete(KEY),
        row(second),
    ]
    text = table(HEADER, *rows, separator=";")
    tried, _name = post(user, text, "?dryRun=true")
    again, _name = post(user, text, "?dryRun=true")
    assert tried == again, "a dry run changes nothing"
    done, none = post(user, text)
    assert outcomes(done) == outcomes(tried) and none == ""
    assert done[6].code.startswith("4")
    assert [row.code for row in done] == [
        "200", "400", "400", "400", "400", "400", done[6].code,
        "400", "400", "200", "404", "200", "200", "404", "200", "400", "400", "200",
    ]  # fmt: skip
    assert [row.line for row in done] == [str(n) for n in range(2, 20)]
    assert [row.eui for row in done[:3]] == [first, first, second] and done[7].eui == ""
    assert done[1].outcome.startswith("[400] line 3, column B (EUI): ") and done[1].column == "B (EUI)"
    for number in (2, 3):
        assert "one digit repeated" in done[number].outcome and done[number].column == "D (applicationKey)"
    assert done[5].column == "E (deviceProfileId)" and done[8].column == "A (name)"
    ended = {d["EUI"] for d in user.call("GET", f"{V1}/devices?search=70B3D5E75E10")["devices"]}
    assert ended == {first, second, third}


def test_e3_a_dry_run_counts_connections_over_its_parts(
    server: HostedServer, user: Person, account: Account
) -> None:
    plan = user.call("GET", f"{KPN}/connectivityPlans")[0]
    left = 60
    # With the server, as an operator does it.
    operator = Person(
        server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
    )
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]

    def grant(connections: int) -> None:
        path = f"{V1}/operator/plans/{plan['ref']}/grants"
        operator.call("PUT", path, {"customerId": customer, "granted": connections})

    grant(plan["usedConnections"] + left)
    header = ["EUI", "joinEUI", "appKey", "deviceProfileId", "hsmGroupId"]
    rest = [JOIN_EUI, KEY, account.device_profile_id, account.hsm_group_id]
    rows = [[f"70B3D5E75E2{n:05X}", *rest] for n in range(left + 3)]
    tried: list[Imported] = []
    name = ""
    for at in range(0, len(rows), 40):
        query = f"?dryRun=true&firstLine={at + 2}" + (f"&continues={name}" if name else "")
        found, name = post(user, table(header, *rows[at : at + 40]), query)
        tried += found
    done, _none = post(user, table(header, *rows))
    assert outcomes(tried) == outcomes(done) and [row.line for row in tried] == [row.line for row in done]
    assert [row.code for row in done] == ["200"] * left + ["400"] * 3
    refused = user.http.post(
        f"{V1}/devices/import?dryRun=true&continues=nothing", content=b"", headers=user.headers("POST")
    )
    assert refused.status_code == 400 and "begin the dry run again" in refused.json()["message"]
    grant(plan["grantedConnections"])


def test_imp_01_to_03_files_as_they_come(user: Person, account: Account) -> None:
    model, group = account.device_profile_id, account.hsm_group_id
    values = f"{JOIN_EUI};{KEY};{model};{group}"
    makers = "appEUI;appKey;deviceProfileId;hsmGroupId"
    files = (
        f"name;EUI;applicationEUI;applicationKey;deviceProfileId;hsmGroupId\r\nTank;{{eui}};{values}\r\n",
        "#Operation,DevEUI,DevAddr,DeviceProfile,AppEUI,AppKey\n"
        f"CREATE_OTAA,{{eui}},,{model},{JOIN_EUI},{KEY}{',' * 12}{group}\n",
        f"Name;devEUI;{makers}\nTank;{{eui}};{values}\n;;;;;\n;;;;;\n".replace(";", ","),
        "Device EUI;Name;Latitude;Longitude;Join EUI;App Key;Device Profile;HSM group\n"
        f"{{eui}};Kühlhaus;52,1;5,2;{values}\n".replace(";", "\t"),
        f"devEUI,{makers.replace(';', ',')},GenAppKey\n{{eui}},{values.replace(';', ',')},{KEY[::-1]}\n",
    )
    for number, octets in enumerate(files):
        eui = f"70B3D5E75E30{number:04X}"
        text = octets.replace("{eui}", eui)
        (row,) = post(user, text.encode("utf-16") if "ü" in text else text)[0]
        assert row.outcome.startswith("[200] created as"), row
        assert (row.eui, row.line) == (eui, "2")
    found = user.call("GET", f"{KPN}/devices?deviceEUI=70B3D5E75E300003&extendedInfo=true")[0]
    assert (found["name"], found["geoLatitude"], found["geoLongitude"]) == ("Kühlhaus", 52.1, 5.2)


def test_e3_a_key_that_the_form_refuses_is_refused_everywhere(user: Person, account: Account) -> None:
    for key in ("0" * 32, "F" * 32, "00-" * 15 + "00"):
        body = {
            "EUI": "70B3D5E75E400001",
            "applicationEUI": JOIN_EUI,
            "applicationKey": key,
            "deviceProfileId": account.device_profile_id,
            "hsmGroupId": account.hsm_group_id,
        }
        created = user.request("POST", f"{KPN}/devices", body)
        assert created.status_code == 400 and created.json()["errorId"] == "LDM-409"
        header, cells = list(body), list(body.values())
        for query in ("", "?dryRun=true"):
            (row,) = post(user, table(header, cells), query)[0]
            assert "one digit repeated" in row.outcome


def test_a_fleet_is_planned_and_applied_by_its_customer(user: Person, account: Account) -> None:
    eui = "70B3D5E75E10FF01"
    device = {"EUI": eui, "deviceProfileId": account.device_profile_id, "routingProfile": "Fleet"}
    wanted: dict[str, Any] = {
        "routingProfiles": [{"name": "Fleet", "routes": []}],
        "devices": [{**device, "applicationKey": KEY}],
    }
    planned = user.call("POST", f"{V1}/fleet/plan", wanted)
    assert [step["action"] for step in planned["steps"]] == ["create", "create"]
    assert user.call("POST", f"{V1}/fleet/apply", wanted) == planned
    wanted["connectivityPlans"] = [{"id": "mine", "granted": 5}]
    wanted["devices"][0]["name"] = "Renamed"
    steps = user.call("POST", f"{V1}/fleet/apply", wanted)["steps"]
    assert [step["action"] for step in steps] == ["error", "change"]
    assert "the operator's" in steps[0]["error"]
    refused = user.http.post(
        f"{V1}/fleet/plan",
        json={"connections": [{"name": "x", "password": {"file": "/etc/passwd"}}]},
        headers=user.headers("POST"),
    )
    assert refused.status_code == 400 and "send the value" in refused.text
    page = user.call("GET", f"{V1}/fleet")
    assert "connectivityPlans" not in page["fleet"]
    assert next(each for each in page["fleet"]["devices"] if each["EUI"] == eui)["name"] == "Renamed"


def test_e3_a_workbook_is_named(user: Person) -> None:
    refused = user.http.post(
        f"{V1}/devices/import", content=b"PK\x03\x04" + bytes(100), headers=user.headers("POST")
    )
    assert refused.status_code == 400 and "workbook" in refused.json()["message"]
