"""A moving device without GPS: its application server, which checks the token, is told where it is, and the
customer sees it on the map."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e import radio
from tests.e2e.console.world import KEY, V1
from tests.e2e.desk import Desk
from tests.e2e.key_place import wait_for
from tests.e2e.running import KPN, RunningServer
from tests.person import Person
from veldnet.client import Message, read_message, token_fits
from veldnet.location.plane import Plane, Point, distance, flat
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.simulator.customer import Account
from veldnet.simulator.fine_clock import FineClock, Surroundings

AS_KEY = "c6f5e3b263092120b8766b9aed9c41b4"
PLAN = "veld-cs/located"
MIDDLE = Plane(51.9225, 4.4792)
ROOFS = (Point(-900, -800, 30), Point(1100, -700, 30), Point(1000, 1200, 30), Point(-1000, 900, 30))
WAY = (Point(-40, 0, 1.5), Point(0, 10, 1.5), Point(40, 20, 1.5))


class Checking:
    """An application server that takes what is signed with its key."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], Message]] = []
        self.refused = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = read_message(self.rfile.read(int(self.headers["Content-Length"])))
                query = dict(parse_qsl(urlsplit(self.path).query))
                fits = token_fits(message, query, AS_KEY)
                if fits:
                    outer.taken.append((query, message))
                outer.refused += not fits
                self.send_response(204 if fits else 401)
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Nothing is written of it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/up"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def reports(self) -> list[tuple[dict[str, str], dict[str, Any]]]:
        return [(query, m.fields) for query, m in list(self.taken) if m.kind == "DevEUI_location"]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def checking() -> Iterator[Checking]:
    made = Checking()
    yield made
    made.stop()


def roofs(server: RunningServer, operator: Person) -> list[tuple[radio.Antenna, Point, FineClock]]:
    """Base stations with fine clocks that know where they are."""
    rng = random.Random(1)
    begun = round((unix_to_gps(time.time()) - time.monotonic()) * 1e9)
    made = []
    for number, place in enumerate(ROOFS):
        eui = f"0059ACFF0000B0{number:02X}"
        latitude, longitude = MIDDLE.degrees(Point(place.east, place.north))
        body = {"gatewayEUI": eui, "name": f"Mast {number}", "latitude": latitude, "longitude": longitude}
        operator.call("POST", f"{V1}/operator/baseStations", body | {"altitude": 30})
        antenna = radio.Antenna(eui)
        antenna.connect(server.udp)
        made.append((antenna, place, FineClock(rng, begun, Surroundings(0.0, 1.0, 0.0, 5.0, 5.0))))
    return made


def device_on_located_plan(user: Person, operator: Person, account: Account, url: str) -> str:
    plans = f"{V1}/operator/plans"
    (first, *_others) = operator.call("GET", plans)
    settings = first["settings"] | {"nwGeolocalization": True, "nwGeolocAlgo": "TDOA"}
    operator.call("POST", plans, {"id": PLAN, "name": "Located", "settings": settings})
    plan = next(one for one in operator.call("GET", plans) if one["id"] == PLAN)
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    operator.call("PUT", f"{plans}/{plan['ref']}/grants", {"customerId": customer, "granted": 5})
    route = {"contentType": "JSON", "asId": "located.as", "asKey": AS_KEY, "addresses": [url]}
    routing = user.call("POST", f"{KPN}/routingProfiles", {"name": "Signed", "routes": [route]})
    body = {
        "EUI": "0059AC00DD0000F1",
        "name": "Tracker",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
        "connectivityPlanId": PLAN,
        "routingProfileId": routing["id"],
    }
    return str(user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})["ref"])


def test_a_moving_tracker_is_reported_and_shown(
    desk: Desk,
    server: RunningServer,
    user: Person,
    operator: Person,
    account: Account,
    antenna: radio.Antenna,
    checking: Checking,
) -> None:
    ref = device_on_located_plan(user, operator, account, checking.url)
    masts = roofs(server, operator)
    tracker = radio.device("0059AC00DD0000F1", KEY)
    radio.join(antenna, tracker)
    for number, place in enumerate(WAY, 1):
        sent, at = tracker.uplink(2, b"x"), time.monotonic()
        for mast, roof, clock in masts:
            mast.hear(sent, fine=clock.stamp(at, distance(place, roof) / 1000))
        wait_for(lambda number=number: len(checking.reports()) == number)  # type: ignore[misc]
    query, report = checking.reports()[-1]
    assert query["LrnDevEui"] == report["DevEUI"] == "0059ac00dd0000f1" and query["LrnFPort"] == "0"
    assert query["AS_ID"] == "located.as" and checking.refused == 0
    seen = [MIDDLE.point(fields["DevLAT"], fields["DevLON"]) for _query, fields in checking.reports()]
    assert flat(seen[0], WAY[0]) < 30, "the first is what its uplink says"
    assert seen[0].east < seen[1].east < seen[2].east, "it moves"
    assert flat(seen[2], WAY[2]) < 2 * report["DevLocRadius"] and report["NwGeolocAlgo"] == 0
    desk.go(f"/devices/{ref}")
    shown = desk.page.get_by_test_id("located")
    expect(shown.get_by_text("Arrival times (TDOA)")).to_be_visible()
    expect(shown.get_by_text(f"Positions: {len(WAY)}, half of them within")).to_be_visible()
    # As it is stored: reports are rounded, and rounded once more might end in another digit.
    last = user.call("GET", f"{V1}/devices/{ref}/locations")["locations"][0]
    assert (round(last["lat"], 6), round(last["lon"], 6)) == (report["DevLAT"], report["DevLON"])
    expect(shown.get_by_text(f"{last['lat']:.5f}, {last['lon']:.5f}")).to_be_visible()
    place_map = desk.page.get_by_role("region", name="Location")
    # The circle of its accuracy, the way it went, and its mark.
    expect(place_map.locator("path.leaflet-interactive")).not_to_have_count(0)
    expect(place_map.locator(".leaflet-areas-pane path")).to_have_count(1)
    expect(place_map.locator(".leaflet-overlay-pane path[fill='none']")).not_to_have_count(0)
    # The map of all devices has it, too, with its age and radius.
    desk.go("/devices?view=map")
    every = desk.page.get_by_role("main")
    expect(every.get_by_text("1 device in view located by the network")).to_be_visible()
    expect(every.locator(".leaflet-areas-pane path")).to_have_count(1)
    every.get_by_label("Located by the network").uncheck()
    expect(every.locator(".leaflet-areas-pane path")).to_have_count(0)
