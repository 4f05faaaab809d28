"""A network that has been in use for some days: something stands on every screen of the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.authenticator import Enrolled
from tests.cups_station import KEY as KEY_FILE
from tests.cups_station import CupsStation
from tests.customers import KPN
from tests.e2e import radio
from tests.e2e.running import command
from tests.firmware import Signer
from tests.person import Person
from tests.rsa_keys import public_pem
from veldnet.connections import Outcome
from veldnet.simulator.customer import Account

DAY = 86_400
PASSWORD = "another good password"
FIRMWARE = b"#!/bin/sh\n"
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
STATIONS = f"{V1}/operator/baseStations"
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>alert(1)</script>"
CRANE, HALL, UNKNOWN = "0059ACFF000000A2", "0059ACFF000000A3", "0059ACFF000000A4"
DECODER = """function decodeUplink(input) {
  return { data: { temperature: (input.bytes[0] << 8 | input.bytes[1]) / 100 } };
}"""
# Name, tags, and how well the three base stations hear it.
DEVICES: list[tuple[str, list[str], tuple[float | None, float | None, float | None]]] = [
    ("Kitchen", ["ground floor", "fleet"], (8.0, 8.0, 7.0)),
    ("Cellar", ["fleet"], (8.0, None, None)),
    ("Harbour crane, cabin of the driver", ["harbour"], (8.0, -18.0, None)),
]


class LivedIn:
    """Prepares `data`; the base stations spoke a week ago and within the last hour."""

    def __init__(self, data: Path, account: Account, trust: Path) -> None:
        self.data = data
        self.account = account
        self.settings: dict[str, Any] = {
            "VELDNET_GATEWAYS__BASICS_STATION": "127.0.0.1:0",
            "VELDNET_GATEWAYS__BASICS_STATION_CUPS": "127.0.0.1:0",
            "VELDNET_GATEWAYS__BASICS_STATION_TRUST": str(trust),
        }
        command("admin", "ca", "create", "Field", "--data", str(data))
        self.routing = ""
        self.stations: list[str] = []
        self.devices = [radio.device(_eui(number), KEY) for number in range(1, len(DEVICES) + 1)]
        for ago in (8 * DAY, 5000):
            self._live(ago)

    def _live(self, ago: float) -> None:
        # What is refused is undelivered at once.
        server = HostedServer(
            self.data, virtual=False, ago=ago, **self.settings, VELDNET_ROUTING__RETENTION="0"
        )
        user, operator = self.people(server)
        begins = not self.stations
        if begins:
            self._prepare(user, operator, server)
        antennas = [Antenna(server, eui) for eui in (self.account.base_station_eui, CRANE, HALL)]
        for virtual, (_name, _tags, heard) in zip(self.devices, DEVICES, strict=True):
            radio.join(antennas[0], virtual)
            for turn in range(4):
                sent = virtual.uplink(2, (2000 + 15 * turn).to_bytes(2, "big"))
                for antenna, snr in zip(antennas, heard, strict=True):
                    if snr is not None:
                        radio.Antenna.hear(antenna, sent, snr)
                server.pass_time(2)
        if not begins:
            self._problems(server, user, antennas[0])
        # The last one is away for a while, and comes again.
        for _ in range(4):
            server.pass_time(60)
            for antenna in antennas[:2]:
                antenna.keep_alive()
        antennas[2].keep_alive()
        server.run(server.platform.coverage.judge())
        server.stop()

    def people(self, server: Any) -> tuple[Person, Person]:
        name, password = self.account.thingpark_username, self.account.thingpark_password
        return Person(server, name, password), Person(server, name.replace("sandbox", "operator"), password)

    def _prepare(self, user: Person, operator: Person, server: HostedServer) -> None:
        account = self.account
        settings = {"antennaGain": 6, "maxEirp": 20, "classB": False}
        operator.call(
            "POST",
            f"{V1}/operator/baseStationProfiles",
            {"id": "roof", "name": "Roofs", "settings": settings},
        )
        self.stations = [operator.call("GET", STATIONS)[0]["id"]]
        for eui, name, east in ((CRANE, "Harbour crane 2", 5.04), (HALL, "Town hall, roof", 5.16)):
            body = {
                "gatewayEUI": eui,
                "name": name,
                "latitude": 52.06,
                "longitude": east,
                "profileId": "roof",
            }
            self.stations.append(operator.call("POST", STATIONS, body)["id"])
        server.run(server.platform.apply_changes())
        self._at_cups(operator, server, self.stations[0])
        made = user.call(
            "POST",
            f"{KPN}/routingProfiles",
            {
                "name": "Receiver",
                "default": True,
                "routes": [{"contentType": "JSON", "addresses": [server.inbox.url]}],
            },
        )
        self.routing = made["id"]
        decoder = {
            "name": "Thermometer",
            "kind": "JAVASCRIPT",
            "source": DECODER,
            "deviceProfileIds": [account.device_profile_id],
        }
        user.call("POST", f"{V1}/decoders", decoder)
        campaign = {"name": "Lamps 2.1", "content": "AAEC", "matching": {"search": ""}, "redundancy": 50}
        for number, (name, tags, _heard) in enumerate(DEVICES, 1):
            ref = self._device(user, number, name)
            user.call("PUT", f"{V1}/devices/{ref}", {"tags": tags})
        self._device(user, len(DEVICES) + 1, HOSTILE)
        # Nobody is sent anything. One is over, so that it may be deleted.
        for order in ("pause", "abort"):
            made = user.call("POST", f"{V1}/campaigns", campaign)
            user.call("POST", f"{V1}/campaigns/{made['ref']}/{order}")

        _flow(user, server.inbox.url)
        depot = {"latitude": 52.0907, "longitude": 5.1214, "radius": 800}
        user.call("POST", f"{V1}/geofences", {"name": "Depot", "circle": depot, "level": "MAJOR"})
        _group(user, operator)
        _by_people(user, operator, server, account)

    def _problems(self, server: HostedServer, user: Person, antenna: Antenna) -> None:
        """A device with a wrong key, a message that nobody takes, and a downlink that waits."""
        radio.Antenna.hear(antenna, radio.device(_eui(len(DEVICES) + 1), "0" * 31 + "1").join_request())
        server.inbox.answer = Outcome(False, "Error", "HTTP 503", server.inbox.url, refusal="message")
        radio.Antenna.hear(antenna, self.devices[0].uplink(2, b"\x08\x34"))
        server.pass_time(2)
        user.call("POST", f"{V1}/devices/1/downlinks", {"fPort": 1, "payload": "01"})

    def _device(self, user: Person, number: int, name: str) -> str:
        body = {
            "EUI": _eui(number),
            "name": name,
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": self.account.device_profile_id,
            "routingProfileId": self.routing,
            "geoLatitude": 52.08,
            "geoLongitude": 5.05 + number / 50,
        }
        created = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        return str(created["ref"])

    def _at_cups(self, operator: Person, server: HostedServer, identifier: str) -> None:
        """It has a token and a certificate, has asked at CUPS, and is to have another address."""
        key = operator.call("POST", f"{STATIONS}/{identifier}/tokens")["keyFile"]
        operator.call("POST", f"{STATIONS}/{identifier}/certificates")
        port = server.platform.hub.port("cups")
        assert port is not None
        station = CupsStation(self.account.base_station_eui, port, package="1.4.2")
        station.uris["cups"] = f"https://localhost:{port}"
        station.files["cups"] = (b"-----BEGIN CERTIFICATE-----", b"", key.encode())
        assert station.files["cups"][KEY_FILE]
        server.run(station.contact())
        order = {"lnsUri": "wss://lns.example.org:8887", "credentials": "certificate"}
        operator.call("POST", f"{STATIONS}/updates", {"baseStations": [identifier], **order})


def _flow(user: Person, url: str) -> None:
    """A flow over a connection."""
    connection = {"name": "Dashboards", "type": "HTTP", "address": url, "dialect": "CHIRPSTACK"}
    made = user.call("POST", f"{V1}/connections", connection)
    user.call("POST", f"{V1}/flows", {"name": "Everything", "connectionRefs": [made["ref"]]})


def _group(user: Person, operator: Person) -> None:
    """A multicast group with a member, that was sent something."""
    plan = {"id": "groups-cs/multicast", "name": "Groups", "communicationType": "MULTICAST"}
    operator.call("POST", f"{V1}/operator/plans", plan)
    listed = operator.call("GET", f"{V1}/operator/plans")
    ref = next(one["ref"] for one in listed if one["id"] == plan["id"])
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    operator.call("PUT", f"{V1}/operator/plans/{ref}/grants", {"customerId": customer, "granted": 5})
    body = {"EUI": "0059AC00AF000001", "name": "Quay lights", "deviceClass": "C", "multicastKey": KEY}
    group = user.call("POST", f"{V1}/multicastGroups", body | {"connectivityPlanId": plan["id"]})
    lamp = {
        "EUI": "0059AC00AF0000A1",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": "LORA/GenericC.1_ETSI_Rx2-SF9",
    }
    made = user.call("POST", f"{KPN}/devices", lamp, headers={"api-version": "v1.1.1"})
    user.call("PUT", f"{V1}/devices/{made['ref']}/rootKeys", {"genAppKey": KEY})
    user.call("POST", f"{V1}/multicastGroups/{group['ref']}/members", {"deviceEUIs": [lamp["EUI"]]})
    downlink = {"fPort": 5, "payload": "01"}
    user.call("POST", f"{V1}/multicastGroups/{group['ref']}/downlinks", downlink)


def _by_people(user: Person, operator: Person, server: HostedServer, account: Account) -> None:
    """What people make: an API key, a project, a second factor, an import, firmware, an AS key."""
    user.call("POST", f"{V1}/apiKeys", {"name": "Reports"})
    user.call("POST", f"{V1}/projects", {"name": "Receiver"})
    colleague = {"username": "colleague@example.com", "password": PASSWORD, "displayName": "Colleague"}
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    operator.call("POST", f"{V1}/operator/users", colleague | {"customerId": customer})
    Enrolled(Person(server, colleague["username"], PASSWORD), PASSWORD, server.clock())
    begun = user.call("POST", f"{V1}/imports", {"name": "more.csv"})["ref"]
    names = "name,EUI,applicationEUI,applicationKey,deviceProfileId,hsmGroupId"
    row = ("Imported", _eui(0x100), "0059AC0000000001", KEY, account.device_profile_id, account.hsm_group_id)
    csv = {"content": f"{names}\n{','.join(row)}", "headers": {"content-type": "text/csv"}}
    imported = user.call("POST", f"{V1}/devices/import?import={begun}", **csv)
    assert "[200]" in imported or "[201]" in imported, imported
    binary = {"content": FIRMWARE, "headers": {"content-type": "application/octet-stream"}}
    path = f"{V1}/operator/firmware"
    made = operator.call("POST", f"{path}?model=linux&version=2.1", **binary)["ref"]
    operator.call("POST", f"{path}/{made}/signatures", Signer().body(FIRMWARE))
    sealed = {
        "name": "Sealed",
        "hsmGroupId": account.hsm_group_id,
        "rsaPublicKey": public_pem(),
        "routes": [{"contentType": "JSON", "addresses": [server.inbox.url]}],
    }
    user.call("POST", f"{KPN}/routingProfiles", sealed)


def _eui(number: int) -> str:
    return f"0059AC00DD{number:06X}"
