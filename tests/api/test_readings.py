"""Readings of devices side by side: columns with units, and a file that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.inventory.devices import search
from veldnet.inventory.devices.by_standing import Sorting
from veldnet.monitoring.device_order import order_devices
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
FORMULA = "=HYPERLINK(A1)"


class Place:
    """Two devices that measure, with a Cayenne decoder."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        self.server, self.account = server, account
        self.user = Person(server, account.thingpark_username, account.thingpark_password)
        other = sandbox(server.data)
        self.outsider = Person(server, other.thingpark_username, other.thingpark_password)
        decoder = {"name": "LPP", "kind": "CAYENNE_LPP", "deviceProfileIds": [account.device_profile_id]}
        self.decoder = self.user.call("POST", f"{V1}/decoders", decoder)["ref"]
        antenna = Antenna(server, account.base_station_eui)
        self.refs = []
        for number, name in ((1, FORMULA), (2, "Cellar")):
            eui = f"0059AC00DB00000{number}"
            body = {
                "EUI": eui,
                "name": name,
                "applicationEUI": "0059AC0000000001",
                "applicationKey": KEY,
                "deviceProfileId": account.device_profile_id,
            }
            made = self.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
            self.refs.append(made["ref"])
            virtual = radio.device(eui, KEY)
            radio.join(antenna, virtual)
            for payload in ("016700D2026864", "016700D3026865", "00"):
                antenna.hear(virtual.uplink(2, bytes.fromhex(payload)))
                server.pass_time(20)
                antenna.keep_alive()

    def table(self, query: str = "", person: Person | None = None) -> Any:
        refs = ",".join(self.refs)
        return (person or self.user).call("GET", f"{V1}/readings?deviceRefs={refs}{query}")


@pytest.fixture(scope="module")
def place(server: HostedServer, account: Account) -> Place:
    return Place(server, account)


def test_devices_are_sorted_by_their_last_uplinks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    never = {
        "EUI": "0059AC00DB0000AA",
        "name": "Attic",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": place.account.device_profile_id,
    }
    place.user.call("POST", f"{KPN}/devices", never, headers={"api-version": "v1.1.1"})

    def listed(query: str) -> tuple[list[str], str | None]:
        found = place.user.call("GET", f"{V1}/devices?{query}")
        assert found["total"] == 3
        return [device["name"] for device in found["devices"]], found["orderedAt"]

    assert listed("sort=lastUplink") == ([FORMULA, "Cellar", "Attic"], None)
    assert listed("sort=-lastUplink") == (["Cellar", FORMULA, "Attic"], None)
    assert listed("sort=-meanPER&page=2&pageSize=2") == (["Attic"], None)
    # As in a fleet of many, whose order is made in the background.
    monkeypatch.setattr(search, "Sorting", partial(Sorting, exact=1))
    refused = place.user.request("GET", f"{V1}/devices?sort=lastUplink")
    assert refused.status_code == 400 and "in a few minutes" in refused.json()["message"]
    platform = place.server.platform
    place.server.run(order_devices(platform.store, platform.clock, above=1))
    names, at = listed("sort=lastUplink")
    assert names == [FORMULA, "Cellar", "Attic"] and at is not None and at.endswith("+00:00")
    assert place.outsider.call("GET", f"{V1}/devices?sort=lastUplink")["devices"] == []
    place.user.call("DELETE", f"{KPN}/devices/e{never['EUI']}")


def test_readings_of_several_devices_are_columns_with_units(place: Place) -> None:
    found = place.table()
    assert [device["name"] for device in found["devices"]] == [FORMULA, "Cellar"]
    columns = {field["name"]: (field["unit"], field["source"]) for field in found["fields"]}
    assert columns == {"temperature_1": ("°C", "NAME"), "relative_humidity_2": ("%", "NAME")}
    values = [row["values"]["temperature_1"] for row in found["readings"] if row["values"]]
    assert sorted(values) == [21.0, 21.0, 21.1, 21.1] and not found["more"]
    assert [row["frameId"] for row in found["readings"]] == sorted(
        (row["frameId"] for row in found["readings"]), reverse=True
    )
    assert len([row for row in found["readings"] if row["error"]]) == 2
    assert len(place.table("&limit=1")["readings"]) == 2 and place.table("&limit=1")["more"]


def test_a_decoder_says_what_its_readings_are_in(place: Place) -> None:
    path = f"{V1}/decoders/{place.decoder}"
    units = {"temperature_1": "K", "relative_humidity_2": "-"}
    assert place.user.call("PUT", path, {"units": units})["units"] == units
    columns = {field["name"]: (field["unit"], field["source"]) for field in place.table()["fields"]}
    assert columns == {"temperature_1": ("K", "DECODER"), "relative_humidity_2": (None, "DECODER")}
    # Another change leaves them.
    assert place.user.call("PUT", path, {"name": "LPP 2"})["units"] == units
    for wrong in ({"a": "x" * 21}, {"": "V"}, {"a": "V\n"}, {str(n): "V" for n in range(101)}):
        refused = place.user.request("PUT", path, {"units": wrong})
        assert refused.status_code == 400 and "units" in refused.json()["message"]


def test_the_file_has_a_column_for_each_and_no_formulas(place: Place) -> None:
    answer = place.user.request("GET", f"{V1}/readings/export?deviceRefs={','.join(place.refs)}")
    assert answer.headers["content-type"].startswith("text/csv") and "attachment" in str(answer.headers)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 6 and set(rows[0]) >= {
        "time",
        "deviceEUI",
        "temperature_1 (K)",
        "relative_humidity_2",
    }
    assert {row["deviceName"] for row in rows} == {f"'{FORMULA}", "Cellar"}


def test_readings_of_others_are_not_there(place: Place) -> None:
    refs = ",".join(place.refs)
    for path in (f"/readings?deviceRefs={refs}", f"/readings/export?deviceRefs={refs}"):
        assert place.outsider.request("GET", f"{V1}{path}").status_code == 404
    for wrong in ("", f"deviceRefs={','.join(map(str, range(11)))}", f"deviceRefs={refs}&limit=0"):
        assert place.user.request("GET", f"{V1}/readings?{wrong}").status_code == 400
