"""Multicast groups: created, given members, sent to through base stations that answer, and reported on."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.person import Person
from veldnet.lorawan import AesKey, DevAddr, frames
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload, data_mic
from veldnet.lorawan.packages.multicast_keys import mc_app_s_key, mc_nwk_s_key
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
GROUPS = f"{V1}/multicastGroups"
PLAN = "groups-cs/multicast"
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"
_numbers = itertools.count(1)
_STEP = 0.25


class Lights:
    """An operator with three base stations and a plan for groups, and a subscriber with street lights."""

    def __init__(self, server: HostedServer, account: Account, user: Person, operator: Person) -> None:
        self.server, self.user, self.operator = server, user, operator
        self.account = account
        body = {"id": PLAN, "name": "Groups", "communicationType": "MULTICAST"}
        self.operator.call("POST", f"{V1}/operator/plans", body | {"settings": {"downlinkRate": 0}})
        plans = self.operator.call("GET", f"{V1}/operator/plans")
        self.plan = next(plan for plan in plans if plan["id"] == PLAN)
        self.grant(10)
        self.routing = self.user.call(
            "POST",
            f"{KPN}/routingProfiles",
            {"name": "Lights", "routes": [{"addresses": [server.inbox.url], "contentType": "JSON"}]},
        )["id"]
        for number in (2, 3):
            made = {"gatewayEUI": f"0059AC00006C{number:04X}", "name": f"Mast {number}", "latitude": 52.0}
            self.operator.call("POST", f"{V1}/operator/baseStations", made | {"longitude": 5.0})
        listed = self.operator.call("GET", f"{V1}/operator/baseStations")
        self.antennas = {station["id"]: Antenna(server, station["gatewayEUI"]) for station in listed}
        self.masts = [station["id"] for station in listed if station["name"].startswith("Mast")]
        (self.distant,) = self.antennas.keys() - set(self.masts)

    def grant(self, granted: int) -> None:
        customer = self.operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
        body = {"customerId": customer, "granted": granted}
        self.operator.call("PUT", f"{V1}/operator/plans/{self.plan['ref']}/grants", body)

    def group(self, **changes: Any) -> dict[str, Any]:
        body = {
            "EUI": f"0059AC00AF{next(_numbers):06X}",
            "name": "Market square",
            "deviceClass": "C",
            "connectivityPlanId": PLAN,
            "routingProfileId": self.routing,
            "multicastKey": KEY,
        } | changes
        made: dict[str, Any] = self.user.call("POST", GROUPS, body)
        return made

    def device(self, **changes: Any) -> dict[str, Any]:
        body = {
            "EUI": f"0059AC00BF{next(_numbers):06X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": CLASS_C,
        } | changes
        made: dict[str, Any] = self.user.call("POST", f"{KPN}/devices", body)
        return made

    def heard(self, seconds: float, refusing: dict[str, str] | None = None) -> list[tuple[float, str, bytes]]:
        """What the base stations are given meanwhile: seconds from now, base station and frame."""
        begun, found = self.server.clock(), []
        while self.server.clock() < begun + seconds:
            for station, antenna in self.antennas.items():
                error = (refusing or {}).get(station, "")
                octets = radio.Antenna.downlink(antenna, 0.0005, error)
                if octets is not None:
                    found.append((self.server.clock() - begun, station, octets))
            self.server.pass_time(_STEP)
        return found

    def keep_alive(self) -> None:
        for antenna in self.antennas.values():
            antenna.keep_alive()

    def summaries(self) -> list[dict[str, Any]]:
        bodies = [json.loads(body) for body in self.server.inbox.messages() if body[:1] == b"{"]
        return [body["DevEUI_multicast_summary"] for body in bodies if "DevEUI_multicast_summary" in body]


@pytest.fixture(scope="module")
def lights(server: HostedServer, account: Account, user: Person, operator: Person) -> Lights:
    return Lights(server, account, user, operator)


def opened(octets: bytes, address: str) -> tuple[int, int, bytes]:
    """Counter, port and payload of a frame, as a device of the group opens it."""
    key, dev_addr = AesKey.parse(KEY), DevAddr.parse(address)
    frame = frames.parse(octets)
    assert isinstance(frame, frames.DataFrame) and frame.dev_addr == dev_addr
    mic = data_mic(mc_nwk_s_key(key, dev_addr), DOWNLINK, dev_addr, frame.fcnt, octets[:-4])
    assert mic == frame.mic
    assert frame.fport is not None and frame.frm_payload is not None
    app = mc_app_s_key(key, dev_addr)
    return frame.fcnt, frame.fport, crypt_payload(app, DOWNLINK, dev_addr, frame.fcnt, frame.frm_payload)


def test_a_group_of_class_c_is_sent_to_by_three_base_stations(lights: Lights) -> None:
    group = lights.group()
    lights.keep_alive()
    sent = lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", {"fPort": 5, "payload": "0B0E"})
    heard = lights.heard(8)
    assert {station for _at, station, _octets in heard} == set(lights.antennas)
    assert len({octets for _at, _station, octets in heard}) == 1, "every base station sends the same frame"
    assert opened(heard[0][2], group["networkAddress"]) == (0, 5, bytes.fromhex("0B0E"))
    # Two stand side by side, and must not send at once; the third is far away.
    begun = {station: at for at, station, _octets in heard}
    first, second = (begun[station] for station in lights.masts)
    assert abs(first - second) > 4.5
    assert min(first, second) == begun[lights.distant]
    frame = lights.user.call("GET", f"{GROUPS}/{group['ref']}/downlinks/{sent['id']}")
    assert (frame["status"], frame["baseStations"], frame["succeeded"], frame["fCntDown"]) == (
        "SUCCESS",
        3,
        3,
        0,
    )
    assert [outcome["cause"] for outcome in frame["outcomes"]] == ["00", "00", "00"]
    (summary,) = [one for one in lights.summaries() if one["DevEUI"] == group["EUI"]]
    assert summary["TransmissionStatus"] == "SUCCESS"
    assert (summary["LrrCnt"], summary["LrrSuccessCnt"], summary["LrrFailedCnt"]) == (3, 3, 0)
