"""A server in its default settings, and an application server that knows nothing but uplinks."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.e2e import radio
from tests.e2e.running import Client, RunningServer, command, failing, sandbox
from tests.person import Person
from veldnet.location.plane import Plane, Point, distance, flat
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.simulator.fine_clock import FineClock, Surroundings

AS_KEY = "46ab678cd45df4a4e4b375eacd096acc"
APP_KEY = "00112233445566778899AABBCCDDEEFF"


class ExampleServer(ThreadingHTTPServer):
    """As the examples that operators publish: it reads the members of an uplink, checks the token, answers
    204; where a member is missing the program fails, and the answer is 500."""

    daemon_threads = True

    def __init__(self) -> None:
        self.uplinks: list[tuple[int, str]] = []
        self.refused: list[str] = []
        self.wrong_tokens = 0
        # Whether the tokens of join reports are those of the rule for every DevEUI_uplink.
        self.join_tokens: list[bool] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/uplink"

    def handle_message(self, body: bytes, query: str) -> int:
        message: dict[str, Any] = json.loads(body)
        name = next(iter(message))
        try:
            uplink = message["DevEUI_uplink"]
            elements = "".join(
                str(uplink[member]) for member in ("CustomerID", "DevEUI", "FPort", "FCntUp", "payload_hex")
            )
            if not _signed(elements, query):
                self.wrong_tokens += 1
                return 401
            self.uplinks.append((uplink["FCntUp"], uplink["payload_hex"]))
        except KeyError:
            self.refused.append(name)
            report = message.get("DevEUI_uplink")
            if report is not None:
                self.join_tokens.append(_signed(f"{report['CustomerID']}{report['DevEUI']}0", query))
            return 500
        return 204


class ReportServer(ExampleServer):
    """Takes reports of one kind, and checks their tokens; of others it knows nothing."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.reports: list[dict[str, Any]] = []
        super().__init__()

    def handle_message(self, body: bytes, query: str) -> int:
        report = json.loads(body).get(self.kind)
        if report is None:
            return 204
        if not _signed(f"{report['CustomerID']}{report['DevEUI']}", query):
            self.wrong_tokens += 1
            return 401
        self.reports.append(report)
        return 204


def _signed(elements: str, query: str) -> bool:
    parameters = dict(parse_qsl(query))
    plain = "&".join(f"{key}={value}" for key, value in parameters.items() if key != "Token")
    return parameters["Token"] == hashlib.sha256(f"{elements}{plain}{AS_KEY}".encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: ExampleServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.handle_message(body, self.path.partition("?")[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("delivery") / "data"
    account = sandbox(data)
    # Devices are located in the server, and as often as they send.
    running = RunningServer(data, VELDNET_LOCATION__PROCESSES="0", VELDNET_LOCATION__INTERVAL="0")
    running.account = account  # type: ignore[attr-defined]
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    customer = Client(server, server.account)  # type: ignore[attr-defined]
    customer.activate()
    return customer


def wait_for(met: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def create(client: Client, number: int, profile: dict[str, Any]) -> dict[str, Any]:
    """A device without HSM, whose messages take a routing profile."""
    body = client.device_body(number, applicationKey=APP_KEY, routingProfileId=profile["id"])
    del body["hsmGroupId"]
    made: dict[str, Any] = client.call("POST", "/devices", body, headers={"api-version": "v1.1.1"})
    return made


def test_c1_a_server_like_the_published_examples_gets_every_uplink_in_order(client: Client) -> None:
    example = ExampleServer()
    route = {"contentType": "JSON", "asId": "example", "asKey": AS_KEY, "addresses": [example.url]}
    profile = client.call("POST", "/routingProfiles", {"name": "Example", "routes": [route]})
    made = create(client, 0xC1, profile)
    antenna = radio.Antenna(client.account.base_station_eui)
    antenna.connect(client.server.udp)
    device = radio.device(made["EUI"], APP_KEY)
    radio.join(antenna, device)
    for number in range(10):
        antenna.hear(device.uplink(1, bytes((number,))))
        wait_for(lambda number=number: len(example.uplinks) == number + 1)  # type: ignore[misc]
    assert [payload for _fcnt, payload in example.uplinks] == [f"{number:02x}" for number in range(10)]
    assert [fcnt for fcnt, _payload in example.uplinks] == sorted(fcnt for fcnt, _ in example.uplinks)
    assert set(example.refused) == {"DevEUI_uplink", "DevEUI_notification"} and not example.wrong_tokens
    assert example.join_tokens and all(example.join_tokens), "D6: the port that is missing counts as 0"
    # What it cannot read waits with the reason, and is set aside while uplinks are taken.
    path = "/api/v1/undelivered?includePending=true"
    wait_for(lambda: all(item["lastError"] for item in client.http.get(path).json()))
    waiting = client.http.get(path).json()
    assert {item["message"] for item in waiting} == {"DevEUI_uplink", "DevEUI_notification"}
    for item in waiting:
        assert item["lastError"] == "HTTP status 500" and item["address"] == example.url
        assert item["attempts"] >= 1 and item["lastAttemptAt"]
        assert (item["nextAttemptAt"] is None) == (item["state"] == "undelivered")
    overview = client.http.get("/api/v1/overview").json()["deliveries"]
    assert overview["pending"] + overview["undelivered"] == len(waiting)
    assert {*overview} == {"pending", "undelivered", "waiting", "destinations"}
    metrics = client.http.get("/metrics").text
    assert "veldnet_deliveries_retrying" in metrics and "veldnet_oldest_delivery_seconds" in metrics
    example.shutdown()
    example.server_close()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://as.example.net/a#frag", "fragment"),
        ("http://127.0.0.1\\@example.org/x", "backslash"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://0x7f.1/", "four decimal numbers"),
        ("http://１２７.0.0.1/", "full-width"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://a@b@c/", "user name"),
        ("http://example.org:99999/", "port"),
        ("http://example.org/a b", "space"),
    ],
)
def test_a7_addresses_that_cannot_be_used_are_refused_when_they_are_given(
    client: Client, address: str, words: str
) -> None:
    for strategy in ("SEQUENTIAL", "BLAST"):
        route = {"strategy": strategy, "addresses": ["http://as.example.net/", address]}
        body = {"name": "x", "routes": [route]}
        answer = client.request("POST", "/routingProfiles", body)
        assert answer.status_code == 400 and words in answer.json()["message"], answer.text
        assert "routes[0].addresses" in answer.json()["message"]
    kept = client.call(
        "POST", "/routingProfiles", {"name": "y", "routes": [{"addresses": ["http://as.example.net/"]}]}
    )
    answer = client.request("PUT", f"/routingProfiles/{kept['ref']}", body)
    assert answer.status_code == 400 and words in answer.json()["message"]
    assert client.call("GET", f"/routingProfiles/{kept['ref']}")["routes"][0]["addresses"] == [
        "http://as.example.net/"
    ]


def _masts(operator: Person, client: Client) -> list[radio.Antenna]:
    """Three base stations far apart, with a tag and connected; and a plan for groups."""
    plan = {"id": "groups-cs/e2e", "name": "Groups", "communicationType": "MULTICAST"}
    plans = "/api/v1/operator/plans"
    operator.call("POST", plans, plan)
    ref = next(each["ref"] for each in operator.call("GET", plans) if each["id"] == plan["id"])
    grant = {"customerId": operator.call("GET", "/api/v1/operator/subscribers")[0]["customerId"]}
    operator.call("PUT", f"{plans}/{ref}/grants", grant | {"granted": 1})
    antennas = _connected(operator, client, "Mast", [(50.0 + number, 5.0) for number in (1, 2, 3)])
    stations = "/api/v1/operator/baseStations"
    for mast in operator.call("GET", stations):
        if mast["name"].startswith("Mast"):
            operator.call("PUT", f"{stations}/{mast['id']}/tags", {"tags": ["lights"]})
    return antennas


def _connected(
    operator: Person, client: Client, name: str, places: list[tuple[float, float]]
) -> list[radio.Antenna]:
    """Base stations of a name at places in degrees."""
    stations = "/api/v1/operator/baseStations"
    antennas = []
    for number, (latitude, longitude) in enumerate(places, 1):
        eui = f"0059AC0000{ord(name[0]):02X}000{number}"
        place = {"gatewayEUI": eui, "name": f"{name} {number}", "latitude": latitude, "longitude": longitude}
        operator.call("POST", stations, place)
        antennas.append(radio.Antenna(eui))
        antennas[-1].connect(client.server.udp)

    def connected() -> bool:
        for antenna in antennas:
            antenna.keep_alive()
        listed = operator.call("GET", stations)
        return all(station["connected"] for station in listed if station["name"].startswith(name))

    wait_for(connected)
    return antennas


def test_a_group_of_class_c_is_sent_by_three_base_stations(client: Client) -> None:
    account, example = client.account, ReportServer("DevEUI_multicast_summary")
    operator = Person(client.server, account.operator_username, account.operator_password)
    antennas = _masts(operator, client)
    route = {"contentType": "JSON", "asId": "example", "asKey": AS_KEY, "addresses": [example.url]}
    profile = client.call("POST", "/routingProfiles", {"name": "Groups", "routes": [route]})
    body = {
        "EUI": "0059AC00AF0000E2",
        "name": "Street lights",
        "deviceClass": "C",
        "connectivityPlanId": "groups-cs/e2e",
        "routingProfileId": profile["id"],
        "multicastKey": AS_KEY,
        "baseStationCoverage": "TAGS",
        "baseStationTags": ["lights"],
    }
    group = client.http.post("/api/v1/multicastGroups", json=body)
    assert group.status_code == 201, group.text
    sent = client.http.post(
        f"/api/v1/multicastGroups/{group.json()['ref']}/downlinks", json={"fPort": 5, "payload": "0B0E"}
    )
    assert sent.status_code == 202, sent.text
    frames = [antenna.downlink(20) for antenna in antennas]
    assert frames[0] is not None and len(set(frames)) == 1, "all three send the same frame"
    wait_for(lambda: bool(example.reports))
    (summary,) = example.reports
    assert (summary["DevEUI"], summary["TransmissionStatus"]) == (body["EUI"], "SUCCESS")
    assert (summary["LrrCnt"], summary["LrrSuccessCnt"], summary["LrrFailedCnt"]) == (3, 3, 0)
    assert summary["FCntDn"] == 0 and not example.wrong_tokens
    example.shutdown()
    example.server_close()


def test_places_of_a_device_that_moves_reach_a_server_that_checks_the_token(client: Client) -> None:
    account, example = client.account, ReportServer("DevEUI_location")
    operator = Person(client.server, account.operator_username, account.operator_password)
    middle, roofs = Plane(52.0907, 5.1214), [Point(x * 1500, y * 1400, 30) for x in (-1, 1) for y in (-1, 1)]
    antennas = _connected(operator, client, "Roof", [middle.degrees(roof) for roof in roofs])
    plans = "/api/v1/operator/plans"
    for plan in operator.call("GET", plans):
        if plan["communicationType"] != "MULTICAST":
            settings = plan["settings"] | {"nwGeolocalization": True, "nwGeolocAlgo": "TDOA"}
            operator.call("PUT", f"{plans}/{plan['ref']}", {"settings": settings})
    route = {"contentType": "JSON", "asId": "example", "asKey": AS_KEY, "addresses": [example.url]}
    profile = client.call("POST", "/routingProfiles", {"name": "Places", "routes": [route]})
    made = create(client, 0xE5, profile)
    device = radio.device(made["EUI"], APP_KEY)
    radio.join(antennas[0], device)
    begun = round((unix_to_gps(time.time()) - time.monotonic()) * 1e9)
    exact = Surroundings(hidden=0.0, offset=5.0, noise=5.0)
    clocks = [FineClock(random.Random(5), begun, exact) for _roof in roofs]

    def reported(here: Point) -> bool:
        """Send once more, from there; the place that the application server was told of last is that."""
        sent, at, known = device.uplink(1, b"x"), time.monotonic(), len(example.reports)
        for antenna, roof, clock in zip(antennas, roofs, clocks, strict=True):
            antenna.hear(sent, fine=clock.stamp(at, distance(here, roof) / 1000))
        end = time.monotonic() + 0.3
        while len(example.reports) == known and time.monotonic() < end:
            time.sleep(0.02)
        if not example.reports:
            return False
        last = example.reports[-1]
        return flat(middle.point(last["DevLAT"], last["DevLON"]), here) < 30

    # It moves faster than it can: the third place that does not fit begins another track.
    for here in (Point(-700, 300, 1.5), Point(800, -500, 1.5)):
        wait_for(lambda here=here: reported(here))  # type: ignore[misc]
    assert {report["DevEUI"] for report in example.reports} == {made["EUI"].lower()}
    counters = [report["DevUlFCntUpUsed"] for report in example.reports]
    assert counters == sorted(set(counters)) and not example.wrong_tokens
    example.shutdown()
    example.server_close()


class Typed:
    """The commands of flows and connections, as a customer types them."""

    def __init__(self, client: Client) -> None:
        self._here = ("--server", client.server.http)
        self._token = client.token

    def __call__(self, *arguments: str) -> Any:
        return json.loads(self.shown(*arguments, "--json"))

    def shown(self, *arguments: str) -> str:
        return command(*arguments, *self._here, VELDNET_API_KEY=self._token)

    def refused(self, *arguments: str, **environment: str) -> str:
        text = failing(*arguments, *self._here, **{"VELDNET_API_KEY": self._token} | environment)
        assert text.startswith("error: ") and text.count("\n") == 1 and "Traceback" not in text
        return text


def test_connections_and_flows_by_command(client: Client, tmp_path: Path) -> None:
    example, typed = ExampleServer(), Typed(client)
    words = tmp_path / "words"
    words.write_text("{n: DevEUI_uplink.FCntUp}\n")
    ref = typed(
        *("connection", "create", "Dashboards", f"{example.url}/{{event}}"),
        *("--set", "dialect=CHIRPSTACK", "--set", 'headers={"X-Key": "one that nobody sees"}'),
    )["ref"]
    flow = typed(
        *("flow", "create", "All", "--connection", ref, "--set", "ports=1-9", "--set", 'tags=["cold"]'),
        *("--set-file", f"transformation={words}"),
    )["ref"]
    shown = typed("flow", "show", flow)
    assert (shown["connectionRefs"], shown["ports"], shown["tags"]) == ([ref], "1-9", ["cold"])
    assert shown["transformation"] == "{n: DevEUI_uplink.FCntUp}"
    # The example's program fails for what is no uplink.
    assert "was not delivered" in typed.refused("connection", "test", ref)
    assert f"connection {ref}" in typed.refused("flow", "test", flow)
    typed("connection", "change", ref, "--set", "active=false", "--set", "name=Panels")
    shown = typed("connection", "show", ref)
    assert (shown["name"], shown["headers"], shown["type"]) == ("Panels", {"X-Key": "*****"}, "HTTP")
    assert shown["state"]["status"] == "DEACTIVATED"
    table = typed.shown("connection", "list")
    assert "Panels" in table and "DEACTIVATED" in table and "nobody" not in table
    typed("flow", "change", flow, "--clear", "transformation")
    assert typed("flow", "show", flow)["transformation"] is None
    typed("connection", "change", ref, "--set", "applicationId=mine")
    assert typed("connection", "show", ref)["applicationId"] == "mine"
    typed("connection", "change", ref, "--clear", "applicationId")
    assert "applicationId" not in typed("connection", "show", ref)
    assert "All" in typed.shown("flow", "list")
    assert "used by" in typed.refused("connection", "delete", ref)
    typed("flow", "delete", flow)
    typed("connection", "delete", ref)
    assert typed("flow", "list") == typed("connection", "list") == []


def test_commands_of_flows_say_what_is_wrong(client: Client) -> None:
    typed = Typed(client)
    for reason, arguments in (
        ("name what changes", ("connection", "change", "1")),
        ("name what changes", ("flow", "change", "1")),
        ("there is no such member", ("flow", "change", "1", "--set", "colour=red")),
        ("must look like MEMBER=VALUE", ("flow", "change", "1", "--set", "ports")),
        ("must be JSON", ("flow", "change", "1", "--set", "tags=cold")),
        ("cannot be read", ("connection", "change", "1", "--set-file", "password=/none")),
        ("clear", ("connection", "change", "1", "--clear", "name")),
        ("qos: Expected `int`", ("connection", "change", "1", "--set", "qos=high")),
        ("one of CHIRPSTACK, THE", ("connection", "change", "1", "--set", "dialect=chirpstack")),
        ("one of DATAFLOW, IOT", ("flow", "change", "1", "--set", 'strategies=["ROUTES"]')),
        ("--clear topic takes", ("connection", "change", "1", "--set", "topic=")),
        ("ref cannot be set", ("flow", "change", "1", "--set", "ref=3")),
        ("given twice", ("flow", "change", "1", "--set", "active=true", "--set", "active=false")),
        ("must begin with one of mqtt://", ("connection", "create", "X", "ftp://a")),
        ("99", ("connection", "show", "99")),
    ):
        assert reason in typed.refused(*arguments), arguments
    assert "API key" in typed.refused("flow", "list", VELDNET_API_KEY="")
