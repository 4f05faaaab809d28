"""A plan that allows it has the network locate devices: places are stored, listed and reported, and nothing
is reported where it does not."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.person import Person
from veldnet.client import read_message
from veldnet.location.plane import Plane, Point, distance, flat
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice
from veldnet.simulator.fine_clock import FineClock, Surroundings

V1 = "/api/v1"
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
MIDDLE = Plane(52.0907, 5.1214)
ROOFS = (Point(-900, -800, 30), Point(1100, -700, 30), Point(1000, 1200, 30), Point(-1000, 900, 30))
HERE = Point(150, 250, 1.5)


class Roofs:
    """Base stations with fine clocks around a place, and a plan that has devices located."""

    def __init__(self, server: HostedServer, account: Account, user: Person, operator: Person) -> None:
        self.server, self.account, self.user, self.operator = server, account, user, operator
        rng = random.Random(7)
        # GPS time at the beginning of the loop's.
        begun = round((unix_to_gps(server.clock()) - server.loop.time()) * 1e9)
        exact = Surroundings(hidden=0.0, offset=5.0, noise=5.0)
        self._clock = partial(FineClock, rng, begun, exact)
        self.antennas = [self.antenna(number, place) for number, place in enumerate(ROOFS)]
        (plan,) = operator.call("GET", f"{V1}/operator/plans")
        self.plan = plan
        url = f"{KPN}/routingProfiles"
        routes = [{"addresses": [server.inbox.url], "contentType": "JSON"}]
        self.routing = user.call("POST", url, {"name": "Here", "routes": routes})["id"]

    def antenna(self, number: int, place: Point) -> tuple[Antenna, Point, FineClock]:
        """A base station at a place."""
        eui = f"0059ACFF0000A0{number:02X}"
        latitude, longitude = MIDDLE.degrees(Point(place.east, place.north))
        body = {"gatewayEUI": eui, "name": f"Roof {number}", "latitude": latitude, "longitude": longitude}
        self.operator.call("POST", f"{V1}/operator/baseStations", body | {"altitude": 30})
        self.server.run(self.server.platform.apply_changes())
        return Antenna(self.server, eui), place, self._clock()

    def allow(self, **settings: Any) -> None:
        whole = self.plan["settings"] | {"nwGeolocalization": True} | settings
        self.operator.call("PUT", f"{V1}/operator/plans/{self.plan['ref']}", {"settings": whole})
        self.server.run(self.server.platform.apply_changes())

    def device(self, number: int) -> tuple[str, VirtualDevice]:
        body = {
            "EUI": f"0059AC00EE0000{number:02X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": self.account.device_profile_id,
            "routingProfileId": self.routing,
        }
        made = self.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        virtual = radio.device(str(body["EUI"]), KEY)
        antenna = self.antennas[0][0]
        while antenna.downlink(0.2) is not None:
            """What was sent to others is not the answer to it."""
        radio.join(antenna, virtual)
        return made["ref"], virtual

    def send(
        self, virtual: VirtualDevice, place: Point = HERE, *, wrong: int | None = None, late: float = 5_000.0
    ) -> None:
        """An uplink that all base stations hear, of which one may be so many nanoseconds `late`."""
        sent = virtual.uplink(2, b"x")
        at = self.server.loop.time()
        for number, (antenna, roof, clock) in enumerate(self.antennas):
            clock.wrong = late if number == wrong else 0.0
            antenna.hear_at_once(sent, clock.stamp(at, distance(place, roof) / 1000))
        self.server.pass_time(2)

    def locations(self, ref: str, query: str = "") -> Any:
        return self.user.call("GET", f"{V1}/devices/{ref}/locations{query}")


@pytest.fixture(scope="module")
def roofs(server: HostedServer, account: Account, user: Person, operator: Person) -> Roofs:
    return Roofs(server, account, user, operator)


def reports(roofs: Roofs, name: str) -> list[dict[str, Any]]:
    found = []
    for body in roofs.server.inbox.messages():
        message = read_message(body)
        if message.kind == name:
            found.append(message.fields)
    return found


def test_a_device_is_located_only_where_its_plan_allows_it(roofs: Roofs, outsider: Person) -> None:
    ref, virtual = roofs.device(1)
    roofs.send(virtual)
    before = roofs.locations(ref)
    assert before == {
        "allowed": False, "algorithm": None, "source": None, "problem": None, "locations": [], "methods": [],
        "next": None,
    }  # fmt: skip
    assert reports(roofs, "DevEUI_location") == []
    assert "DevLAT" not in reports(roofs, "DevEUI_uplink")[-1]
    roofs.allow()
    roofs.server.pass_time(30)
    roofs.send(virtual)
    now = roofs.locations(ref)
    assert now["allowed"] and now["algorithm"] == "BOTH" and now["source"] == "NETWORK"
    (place,) = now["locations"]
    assert now["methods"] == [{"method": "TDOA", "count": 1, "medianRadius": place["hRadius"]}]
    assert place["method"] == "TDOA" and place["baseStations"] == 4 and 0 < place["hRadius"] < 500
    assert flat(MIDDLE.point(place["lat"], place["lon"]), HERE) < 20
    (report,) = reports(roofs, "DevEUI_location")
    assert report["DevEUI"] == "0059ac00ee000001" and len(report["CustomerID"]) == 9
    assert (report["DevLAT"], report["DevLON"]) == (round(place["lat"], 6), round(place["lon"], 6))
    assert report["DevUlFCntUpUsed"] == place["FCntUp"] and report["NwGeolocAlgo"] == 2
    # The next uplink repeats it; one that comes too soon is not located itself.
    roofs.send(virtual)
    uplink = reports(roofs, "DevEUI_uplink")[-1]
    assert uplink["DevLAT"] == report["DevLAT"] and uplink["NwGeolocAlgoUsed"] == 0
    assert uplink["DevUlFCntUpUsed"] == report["DevUlFCntUpUsed"]
    assert len(roofs.locations(ref)["locations"]) == 1
    assert outsider.request("GET", f"{V1}/devices/{ref}/locations").status_code == 404
    # It is on the map of all devices, for those who may see it.
    url = f"{V1}/devices/map/locations?south=52&west=5&north=53&east=6&cell=0.1"
    (cell,) = roofs.user.call("GET", url)
    assert (cell["devices"], cell["ref"], cell["EUI"]) == (1, ref, "0059AC00EE000001")
    assert (cell["latitude"], cell["longitude"]) == (place["lat"], place["lon"])
    assert (cell["time"], cell["hRadius"]) == (place["time"], place["hRadius"])
    assert roofs.user.call("GET", f"{url}&search=ee000001") == [cell]
    assert roofs.user.call("GET", f"{url}&search=ee000002") == []
    assert roofs.user.call("GET", f"{url}&healthState=ACTIVE") == [cell]
    assert roofs.user.call("GET", f"{url}&healthState=RF_CNX_ERROR") == []
    assert roofs.user.call("GET", url.replace("south=52", "south=52.5")) == []
    assert outsider.call("GET", url) == []
    (line,) = roofs.user.call("GET", f"{V1}/frames?packetType=LOCATION")["frames"]
    assert line["type"] == "LOCATION" and line["latitude"] == place["lat"]


def test_places_are_listed_in_pages_and_periods(roofs: Roofs) -> None:
    roofs.allow()
    ref, virtual = roofs.device(2)
    for _number in range(5):
        roofs.server.pass_time(15)
        roofs.send(virtual)
    whole = roofs.locations(ref)["locations"]
    assert len(whole) == 5 and [each["timestamp"] for each in whole] == sorted(
        (each["timestamp"] for each in whole), reverse=True
    )
    first = roofs.locations(ref, "?limit=2")
    rest = roofs.locations(ref, f"?limit=3&before={first['next']}")
    assert first["locations"] + rest["locations"] == whole and rest["next"] is None
    middle = whole[2]["time"].replace("+", "%2B")
    assert len(roofs.locations(ref, f"?begin={middle}")["locations"]) == 3
    assert len(roofs.locations(ref, f"?end={middle}")["locations"]) == 2
    for wrong in ("limit=0", "before=x", "begin=yesterday"):
        assert roofs.user.request("GET", f"{V1}/devices/{ref}/locations?{wrong}").status_code == 400


def test_why_there_is_no_place_is_said_once(roofs: Roofs) -> None:
    roofs.allow(nwGeolocAlgo="TDOA")
    ref, virtual = roofs.device(3)
    kept = roofs.antennas
    try:
        roofs.antennas = kept[:2]
        for _number in range(2):
            roofs.server.pass_time(15)
            roofs.send(virtual)
        found = roofs.locations(ref)
        assert found["locations"] == [] and found["problem"]["reason"] == "few_time_stamps"
        roofs.antennas = kept
        roofs.server.pass_time(15)
        # A wrong clock, of four: no place rather than a wrong one.
        roofs.send(virtual, wrong=1)
        assert roofs.locations(ref)["problem"]["reason"] in ("inconsistent", "few_time_stamps")
        assert roofs.locations(ref)["locations"] == []
        roofs.server.pass_time(15)
        roofs.send(virtual)
        found = roofs.locations(ref)
        assert found["problem"] is None and len(found["locations"]) == 1
    finally:
        roofs.antennas = kept


def test_what_people_say_ends_what_the_network_has_said(roofs: Roofs) -> None:
    roofs.allow()
    ref, virtual = roofs.device(4)
    roofs.server.pass_time(15)
    roofs.send(virtual)
    assert roofs.locations(ref)["source"] == "NETWORK"
    found = f"{V1}/devices/map/locations?search=ee000004"
    assert [cell["ref"] for cell in roofs.user.call("GET", found)] == [ref]
    roofs.user.call("PUT", f"{V1}/devices/{ref}/location", {"latitude": 52.0, "longitude": 5.0})
    assert roofs.user.call("GET", found) == []
    roofs.server.run(roofs.server.platform.apply_changes())
    found = roofs.locations(ref)
    assert found["source"] == "MANUAL" and len(found["locations"]) == 1
    roofs.send(virtual)
    assert "DevLAT" not in reports(roofs, "DevEUI_uplink")[-1]


def test_a_base_station_with_a_wrong_clock_is_left_out_and_raises_an_alarm(roofs: Roofs) -> None:
    roofs.allow()
    ref, virtual = roofs.device(5)
    kept = roofs.antennas
    try:
        roofs.antennas = [*kept, roofs.antenna(9, Point(100, -1800, 30))]
        for _number in range(10):
            roofs.server.pass_time(15)
            roofs.send(virtual, wrong=4)
    finally:
        roofs.antennas = kept
    for place in roofs.locations(ref)["locations"]:
        assert place["method"] == "TDOA" and place["baseStations"] == 4
        assert flat(MIDDLE.point(place["lat"], place["lon"]), HERE) < 20
    assert alarmed(roofs) == ["Roof 9"]


def alarmed(roofs: Roofs) -> list[str]:
    """The base stations whose fine timestamps are alarmed."""
    roofs.server.pass_time(310)
    stations = roofs.operator.call("GET", f"{V1}/operator/baseStations")
    return [each["name"] for each in stations if 206 in [alarm["alarmTypeId"] for alarm in each["alarms"]]]


def test_of_four_one_that_lost_its_gps_is_found_out_left_out_and_taken_back(roofs: Roofs) -> None:
    roofs.allow()
    ref, virtual = roofs.device(8)
    others = set(alarmed(roofs))
    for _number in range(40):
        roofs.server.pass_time(15)
        roofs.send(virtual, wrong=3, late=80_000.0)
    assert set(alarmed(roofs)) - others == {"Roof 3"}
    newest = roofs.locations(ref)["locations"][0]
    assert newest["method"] == "TDOA" and newest["baseStations"] == 3
    for _number in range(40):
        roofs.server.pass_time(15)
        roofs.send(virtual)
    assert set(alarmed(roofs)) == others
    newest = roofs.locations(ref)["locations"][0]
    assert newest["baseStations"] == 4 and flat(MIDDLE.point(newest["lat"], newest["lon"]), HERE) < 20


def moved(roofs: Roofs, virtual: VirtualDevice, east: float, north: float) -> None:
    """The device goes there, and is heard until its track is there, too."""
    for _number in range(4):
        roofs.server.pass_time(60)
        roofs.send(virtual, Point(east, north, 1.5))


def states(roofs: Roofs, ref: str) -> dict[int, str]:
    found = roofs.user.call("GET", f"{V1}/alarms?deviceRef={ref}")["alarms"]
    return {alarm["type"]: alarm["state"] for alarm in found if alarm["type"] in (207, 208)}


def test_a_device_that_leaves_an_area_and_comes_back_is_told_of(roofs: Roofs, outsider: Person) -> None:
    roofs.allow()
    user, server = roofs.user, roofs.server
    ref, virtual = roofs.device(6)
    user.call("PUT", f"{V1}/devices/{ref}", {"tags": ["bicycle"]})
    latitude, longitude = MIDDLE.degrees(Point(0, 0))
    depot = {"latitude": latitude, "longitude": longitude, "radius": 400}
    area = user.call(
        "POST", f"{V1}/geofences", {"name": "Depot", "circle": depot, "level": "MAJOR", "tag": "bicycle"}
    )
    others = user.call("POST", f"{V1}/geofences", {"name": "Lamps", "circle": depot, "tag": "lamp"})
    server.run(server.platform.apply_changes())
    moved(roofs, virtual, 0, 0)
    assert states(roofs, ref) == {}, "it was there already"
    moved(roofs, virtual, 850, 850)
    assert states(roofs, ref) == {208: "MAJOR"}
    (left,) = user.call("GET", f"{V1}/alarms?deviceRef={ref}&type=208")["alarms"]
    assert left["text"] == "Device has left an area (Depot)" and left["objectId"] == area["ref"]
    moved(roofs, virtual, 0, 0)
    assert states(roofs, ref) == {207: "MAJOR", 208: "CLEARED"}
    # An area that is gone has no alarms; nor has one that watches other devices.
    url = f"{V1}/geofences/{area['ref']}"
    assert outsider.request("GET", url).status_code == 404
    assert outsider.request("DELETE", url).status_code == 404
    user.call("DELETE", url)
    server.run(server.platform.apply_changes())
    server.pass_time(90)
    server.run(server.platform.monitoring.check_devices())
    assert states(roofs, ref) == {207: "CLEARED", 208: "CLEARED"}
    assert [each["ref"] for each in user.call("GET", f"{V1}/geofences")] == [others["ref"]]
    user.call("DELETE", f"{V1}/geofences/{others['ref']}")


def corners(*places: tuple[float, float]) -> list[dict[str, float]]:
    return [{"latitude": latitude, "longitude": longitude} for latitude, longitude in places]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "either circle or polygon are mandatory"),
        ({"circle": {"latitude": 52, "longitude": 5, "radius": 5}}, "radius is 10 to 500000 metres"),
        ({"circle": {"latitude": 95, "longitude": 5, "radius": 50}}, "latitude is -85 to 85"),
        ({"polygon": corners((52, 5), (52, 6))}, "2 corners; there are 3 to 100"),
        ({"polygon": corners((52, 5), (53, 6), (52, 6), (53, 5))}, "its edges cross"),
        ({"polygon": corners((52, 5), (53, 6), (52, 5), (52, 6))}, "a corner is there twice"),
        ({"polygon": corners((52, 5), (52, 30), (53, 30))}, "more than 1000 km across"),
        ({"polygon": corners((52, 5), (52, 5.0001), (52.0001, 5.0001))}, "smaller than 300 square metres"),
        (
            {
                "circle": {"latitude": 52, "longitude": 5, "radius": 50},
                "polygon": corners((52, 5), (52, 6), (53, 6)),
            },
            "not both",
        ),
    ],
)
def test_what_is_no_area(user: Person, body: dict[str, Any], message: str) -> None:
    answer = user.request("POST", f"{V1}/geofences", {"name": "Area"} | body)
    assert answer.status_code == 400 and message in answer.text, answer.text


def test_areas_are_changed_and_limited(roofs: Roofs, user: Person) -> None:
    ring = corners((52, 5), (52, 5.1), (52.1, 5.1), (52, 5))
    made = user.call("POST", f"{V1}/geofences", {"name": "Field", "polygon": ring})
    assert (made["alarm"], made["level"], made["tag"], made["circle"]) == ("BOTH", "WARNING", None, None)
    assert made["polygon"] == ring[:-1], "closed as GeoJSON does"
    url = f"{V1}/geofences/{made['ref']}"
    circle = {"latitude": 52.0, "longitude": 5.0, "radius": 250.0}
    changed = user.call("PUT", url, {"name": "Yard", "alarm": "LEAVE", "level": "CRITICAL", "circle": circle})
    assert changed | {"name": "Yard", "alarm": "LEAVE", "level": "CRITICAL"} == changed
    assert (changed["circle"], changed["polygon"]) == (circle, None)
    assert user.call("GET", url) == changed
    for number in range(50 - len(user.call("GET", f"{V1}/geofences"))):
        user.call("POST", f"{V1}/geofences", {"name": f"Area {number}", "circle": circle})
    answer = user.request("POST", f"{V1}/geofences", {"name": "One more", "circle": circle})
    assert answer.status_code == 400 and "may have 50 areas" in answer.text
    roofs.server.run(roofs.server.platform.apply_changes())
    for each in user.call("GET", f"{V1}/geofences"):
        user.call("DELETE", f"{V1}/geofences/{each['ref']}")
