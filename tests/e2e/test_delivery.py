"""A server in its default settings, and an application server that knows nothing but uplinks."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.e2e import radio
from tests.e2e.running import Client, RunningServer, sandbox
from tests.person import Person

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


class SummaryServer(ExampleServer):
    """Takes summaries of multicast groups, and checks their tokens."""

    def __init__(self) -> None:
        self.summaries: list[dict[str, Any]] = []
        super().__init__()

    def handle_message(self, body: bytes, query: str) -> int:
        summary = json.loads(body)["DevEUI_multicast_summary"]
        if not _signed(f"{summary['CustomerID']}{summary['DevEUI']}", query):
            self.wrong_tokens += 1
            return 401
        self.summaries.append(summary)
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
    running = RunningServer(data)
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
    stations = "/api/v1/operator/baseStations"
    antennas = []
    for number in (1, 2, 3):
        eui = f"0059AC00006E000{number}"
        place = {"gatewayEUI": eui, "name": f"Mast {number}", "latitude": 50.0 + number, "longitude": 5.0}
        operator.call("POST", stations, place)
        antennas.append(radio.Antenna(eui))
        antennas[-1].connect(client.server.udp)
    masts = [mast["id"] for mast in operator.call("GET", stations) if mast["name"].startswith("Mast")]
    for mast in masts:
        operator.call("PUT", f"{stations}/{mast}/tags", {"tags": ["lights"]})

    def connected() -> bool:
        for antenna in antennas:
            antenna.keep_alive()
        listed = operator.call("GET", stations)
        return all(mast["connected"] for mast in listed if mast["id"] in masts)

    wait_for(connected)
    return antennas


def test_a_group_of_class_c_is_sent_by_three_base_stations(client: Client) -> None:
    account, example = client.account, SummaryServer()
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
    wait_for(lambda: bool(example.summaries))
    (summary,) = example.summaries
    assert (summary["DevEUI"], summary["TransmissionStatus"]) == (body["EUI"], "SUCCESS")
    assert (summary["LrrCnt"], summary["LrrSuccessCnt"], summary["LrrFailedCnt"]) == (3, 3, 0)
    assert summary["FCntDn"] == 0 and not example.wrong_tokens
    example.shutdown()
    example.server_close()
