"""Coverage on the map comes from the frames that were heard, each customer's from its own."""

from __future__ import annotations

from typing import Any

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"


def test_cells_show_what_was_heard_there_and_by_whom(server: HostedServer, account: Account) -> None:
    user = Person(server, account.thingpark_username, account.thingpark_password)
    name = account.thingpark_username.replace("sandbox", "operator")
    operator = Person(server, name, account.thingpark_password)
    other = sandbox(server.data)
    outsider = Person(server, other.thingpark_username, other.thingpark_password)
    antenna = Antenna(server, account.base_station_eui)
    frames = 0
    for number, place in enumerate(((52.001, 5.001), (52.0012, 5.0012), (52.31, 5.01), None), 1):
        body: dict[str, Any] = {
            "EUI": f"0059AC00DC00000{number}",
            "name": f"Meter {number}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": account.device_profile_id,
        }
        if place is not None:
            body |= {"geoLatitude": place[0], "geoLongitude": place[1]}
        user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        virtual = radio.device(str(body["EUI"]), KEY)
        radio.join(antenna, virtual)
        for _ in range(2):
            antenna.hear(virtual.uplink(2, b"x"))
            server.pass_time(2)
        frames += 2 if place is not None else 0
    server.pass_time(70)
    cells = user.call("GET", f"{V1}/coverage?south=51&west=4&north=53&east=6&cell=0.01")
    assert sorted(cell["frames"] for cell in cells) == [2, 4] and sum(c["frames"] for c in cells) == frames
    near = max(cells, key=lambda cell: cell["frames"])
    assert near["south"] <= 52.001 < near["south"] + near["size"] and near["stations"] == 1
    assert near["west"] <= 5.001 < near["west"] + near["size"] and -75 < near["esp"] < -65
    (wide,) = user.call("GET", f"{V1}/coverage?cell=10")
    assert wide["frames"] == frames
    assert user.call("GET", f"{V1}/coverage?south=53&north=54") == []
    (station,) = user.call("GET", f"{V1}/coverage/baseStations")
    assert station["frames"] == frames and station["connected"] and station["lastHeard"]
    assert station["name"] is None and station["lastSeen"] is None, "what is the operator's"
    of_station = user.call("GET", f"{V1}/coverage?cell=10&baseStationId={station['id']}")
    assert of_station[0]["frames"] == frames
    assert user.call("GET", f"{V1}/coverage?cell=10&baseStationId=FFFFFFF0") == []
    (seen,) = operator.call("GET", f"{V1}/coverage/baseStations")
    assert seen["frames"] == frames and seen["name"] and seen["lastSeen"]
    assert operator.call("GET", f"{V1}/coverage?cell=10")[0]["frames"] == frames
    for path in ("/coverage?cell=10", "/coverage/baseStations"):
        assert outsider.call("GET", f"{V1}{path}") == []
    for wrong in ("south=ninety", "cell=0", "cell=-1", "east=181", "north=nan", "baseStationId=x"):
        refused = user.request("GET", f"{V1}/coverage?{wrong}")
        assert refused.status_code == 400 and wrong.split("=")[0] in refused.json()["message"], wrong
    # What was taken up is not taken up again.
    server.pass_time(70)
    assert user.call("GET", f"{V1}/coverage?cell=10")[0]["frames"] == frames
