"""What the tests of this folder find: an application server, a device that talks, one with a wrong key."""

from __future__ import annotations

from pathlib import Path

from tests.e2e import radio
from tests.e2e.key_place import Receiver, wait_for
from tests.e2e.running import KPN
from tests.person import Person
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"

V1 = "/api/v1"

DECODER = """function decodeUplink(input) {
  return { data: { temperature: (input.bytes[0] << 8 | input.bytes[1]) / 100 } };
}"""

HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>alert(1)</script>"


class World:
    """What the tests of this file find: an application server, a device that talks, one with a wrong key."""

    def __init__(self, user: Person, account: Account, antenna: radio.Antenna, directory: Path) -> None:
        self.account = account
        self.receiver = Receiver(directory)
        profile = user.call(
            "POST",
            f"{KPN}/routingProfiles",
            {
                "name": "Receiver",
                "default": True,
                "routes": [{"contentType": "JSON", "addresses": [self.receiver.url]}],
            },
        )
        user.call(
            "POST",
            f"{V1}/decoders",
            {
                "name": "Thermometer",
                "kind": "JAVASCRIPT",
                "source": DECODER,
                "deviceProfileIds": [account.device_profile_id],
            },
        )
        self.ref = self._create(user, "0059AC00DD000001", "Kitchen", profile["id"], plain=True)
        self.hsm = self._create(user, "0059AC00DD000002", "Cellar", profile["id"])
        self.wrong = self._create(user, "0059AC00DD000003", HOSTILE, profile["id"])
        self.device = radio.device("0059AC00DD000001", KEY)
        radio.join(antenna, self.device)
        antenna.hear(self.device.uplink(2, bytes.fromhex("0834")))
        antenna.hear(radio.device("0059AC00DD000003", "00" * 15 + "01").join_request())
        wait_for(lambda: len(user.call("GET", f"{V1}/devices/{self.ref}/readings")) == 1)
        wait_for(lambda: user.call("GET", f"{V1}/alarms?deviceRef={self.wrong}")["total"] == 1)

    def _create(self, user: Person, eui: str, name: str, routing: str, *, plain: bool = False) -> str:
        more = {} if plain else {"hsmGroupId": self.account.hsm_group_id}
        created = user.call(
            "POST",
            f"{KPN}/devices",
            {
                "EUI": eui,
                "name": name,
                "applicationEUI": "0059AC0000000001",
                "applicationKey": KEY,
                "deviceProfileId": self.account.device_profile_id,
                "routingProfileId": routing,
                "geoLatitude": 52.09,
                "geoLongitude": 5.12,
                **more,
            },
            headers={"api-version": "v1.1.1"} if plain else {},
        )
        return str(created["ref"])
