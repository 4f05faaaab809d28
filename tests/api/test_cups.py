"""CUPS of Basics Station: addresses and credentials by orders, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.asyncio.client as websockets

from tests.api.hosting import HostedServer
from tests.certificates import write_pair
from tests.cups_station import CERTIFICATE, KEY, TRUST, CupsStation
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

_STATIONS = "/api/v1/operator/baseStations"
_NUMBERS = iter(range(0x0059AC0000C00001, 0x0059AC0000C000FF))


@pytest.fixture(scope="module")
def server(data: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    trust = write_pair(tmp_path_factory.mktemp("trust")).certificate
    hosted = HostedServer(
        data,
        VELDNET_GATEWAYS__BASICS_STATION="127.0.0.1:0",
        VELDNET_GATEWAYS__BASICS_STATION_CUPS="127.0.0.1:0",
        VELDNET_GATEWAYS__BASICS_STATION_TRUST=str(trust),
    )
    yield hosted
    hosted.stop()


class Desk:
    """An operator with base stations that speak CUPS."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        self.server = server
        name = account.thingpark_username.replace("sandbox", "operator")
        self.operator = Person(server, name, account.thingpark_password)

    @property
    def port(self) -> int:
        port = self.server.platform.hub.port("cups")
        assert port is not None
        return port

    def station(self, **reported: Any) -> tuple[str, CupsStation]:
        """A registered base station, as it leaves the box: with the address of CUPS and a token."""
        eui = f"{next(_NUMBERS):016X}"
        made = self.operator.call("POST", _STATIONS, {"gatewayEUI": eui, "name": eui})
        key = self.operator.call("POST", f"{_STATIONS}/{made['id']}/tokens")["keyFile"]
        station = CupsStation(eui, self.port, **reported)
        station.uris["cups"] = f"https://localhost:{self.port}"
        station.files["cups"] = (b"-----BEGIN CERTIFICATE-----", b"", key.encode())
        return made["id"], station

    def contact(self, station: CupsStation) -> set[str]:
        return self.server.run(station.contact())

    def ask(self, station: CupsStation, request: bytes | None = None) -> tuple[int, bytes]:
        return self.server.run(station.ask(request))

    def order(self, *stations: str, **what: str) -> None:
        body = {"baseStations": list(stations), **what}
        assert self.operator.call("POST", f"{_STATIONS}/updates", body) == {"baseStations": len(stations)}

    def seen(self, station_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.operator.call("GET", f"{_STATIONS}/{station_id}/updates")
        return found

    def states(self, station_id: str) -> dict[str, str]:
        return {update["kind"]: update["state"] for update in self.seen(station_id)["updates"]}

    def tokens(self, station_id: str) -> list[str]:
        return [token["ref"] for token in self.operator.call("GET", f"{_STATIONS}/{station_id}/tokens")]


@pytest.fixture(scope="module")
def desk(server: HostedServer, account: Account) -> Desk:
    return Desk(server, account)


def test_a_station_from_the_box_gets_address_and_credentials_of_the_lns(desk: Desk) -> None:
    identifier, station = desk.station(package="1.4.2")
    token = station.files["cups"][KEY]
    assert desk.seen(identifier)["contact"] is None
    assert desk.contact(station) == {"lnsUri", "cups", "lns"}
    assert station.uris["lns"] == f"ws://localhost:{desk.server.platform.hub.port('basics-station')}"
    # The token that it has, and one certificate to trust, as it keeps them.
    assert station.files["lns"] == station.files["cups"]
    assert station.files["lns"][KEY] == token and station.files["lns"][CERTIFICATE] == b""
    assert station.files["lns"][TRUST][0] == 0x30
    # It has all: an answer without content.
    assert desk.contact(station) == set()
    contact = desk.seen(identifier)["contact"]
    assert (contact["package"], contact["proof"]) == ("1.4.2", "token")
    assert contact["lnsUri"] == station.uris["lns"]


def test_other_addresses_are_fetched_and_confirmed(desk: Desk) -> None:
    identifier, station = desk.station()
    desk.contact(station)
    desk.order(identifier, lnsUri="wss://lns.example.org:8887", cupsUri="https://cups.example.org:8888")
    assert desk.states(identifier) == {"lnsUri": "ordered", "cupsUri": "ordered"}
    assert desk.contact(station) == {"lnsUri", "cupsUri"}
    assert desk.states(identifier) == {"lnsUri": "fetched", "cupsUri": "fetched"}
    assert desk.contact(station) == set()
    assert desk.states(identifier) == {"lnsUri": "confirmed", "cupsUri": "confirmed"}
    # One that has lost it fetches it again; a later order takes its place.
    station.uris["lns"] = None
    assert desk.contact(station) == {"lnsUri"}
    desk.order(identifier, lnsUri="wss://other.example.org:8887")
    (update,) = [each for each in desk.seen(identifier)["updates"] if each["kind"] == "lnsUri"]
    path = f"{_STATIONS}/{identifier}/updates/{update['ref']}"
    desk.operator.call("DELETE", path)
    assert "lnsUri" not in desk.states(identifier)
    assert desk.operator.request("DELETE", path).status_code == 404


def test_the_old_token_works_until_the_new_one_has_been_used(desk: Desk) -> None:
    identifier, station = desk.station()
    desk.contact(station)
    before = station.files["cups"], station.files["lns"]
    (old,) = desk.tokens(identifier)
    desk.order(identifier, credentials="token")
    # Ordered again before it was fetched: the first one is gone.
    desk.order(identifier, credentials="token")
    assert len(desk.tokens(identifier)) == 2
    assert desk.contact(station) == {"cups", "lns"}
    # The answer was lost on its way: it asks with the old token, and gets the same again.
    fetched = station.files["cups"], station.files["lns"]
    station.files["cups"], station.files["lns"] = before
    assert desk.contact(station) == {"cups", "lns"}
    assert (station.files["cups"], station.files["lns"]) == fetched
    # Only one half was written: what is missing is fetched, and the old one still works.
    station.files["lns"] = before[1]
    assert desk.contact(station) == {"lns"}
    assert desk.states(identifier) == {"credentials": "fetched"} and old in desk.tokens(identifier)
    assert desk.contact(station) == set()
    assert desk.states(identifier) == {"credentials": "confirmed"}
    assert len(desk.tokens(identifier)) == 1 and old not in desk.tokens(identifier)
    station.files["cups"] = before[0]
    desk.server.pass_time(2)
    assert desk.ask(station)[0] == 401
    # The base station was never heard; its page shows all the same what was refused in its name.
    desk.server.run(desk.server.platform.presence_keeper.write())
    listed = desk.operator.call("GET", _STATIONS)
    [shown] = [each for each in listed if each["id"] == identifier]
    assert shown["lastRefusal"].startswith(
        "not_authenticated: the token is unknown or revoked (from 127.0.0.1"
    )
    assert shown["refusedFrames"] == 1 and shown["lastSeen"] is None


def test_a_new_token_is_used_once_the_lns_is_connected_with_it(desk: Desk) -> None:
    identifier, station = desk.station()
    desk.contact(station)
    desk.order(identifier, credentials="token")
    desk.contact(station)
    token = station.files["lns"][KEY].split()[-1].decode()

    async def connect() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with websockets.connect(
            f"{station.uris['lns']}/router-{station.eui}", additional_headers=headers
        ):
            await asyncio.sleep(2)

    desk.server.run(connect())
    assert desk.states(identifier) == {"credentials": "confirmed"} and len(desk.tokens(identifier)) == 1
    assert desk.contact(station) == set()


def test_credentials_that_were_fetched_stay_when_others_are_ordered(desk: Desk) -> None:
    identifier, station = desk.station()
    desk.contact(station)
    desk.order(identifier, credentials="token")
    desk.contact(station)
    (update,) = desk.seen(identifier)["updates"]
    refused = desk.operator.request("DELETE", f"{_STATIONS}/{identifier}/updates/{update['ref']}")
    assert refused.status_code == 400 and "has fetched" in refused.text
    desk.order(identifier, credentials="token")
    assert len(desk.tokens(identifier)) == 3
    assert desk.contact(station) == {"cups", "lns"} and desk.contact(station) == set()
    assert len(desk.tokens(identifier)) == 1


def test_an_order_for_all_reaches_those_that_speak_cups(desk: Desk, account: Account) -> None:
    identifier, station = desk.station()
    silent, _station = desk.station()
    desk.contact(station)
    listed = desk.operator.call("GET", f"{_STATIONS}/updates")
    assert identifier in [each["baseStationId"] for each in listed]
    assert silent not in [each["baseStationId"] for each in listed]
    body = {"lnsUri": "wss://all.example.org:8887"}
    made = desk.operator.call("POST", f"{_STATIONS}/updates", body)
    assert made == {"baseStations": len(listed)} and desk.states(silent) == {}
    assert desk.contact(station) == {"lnsUri"}
    # Nobody else sees or orders anything.
    other = Desk(desk.server, sandbox(desk.server.data))
    assert other.operator.call("GET", f"{_STATIONS}/updates") == []
    assert other.operator.call("POST", f"{_STATIONS}/updates", body) == {"baseStations": 0}
    for method, path in (("GET", f"{identifier}/updates"), ("DELETE", f"{identifier}/updates/1")):
        assert other.operator.request(method, f"{_STATIONS}/{path}").status_code == 404
    wrong = other.operator.request("POST", f"{_STATIONS}/updates", {**body, "baseStations": [identifier]})
    assert wrong.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"lnsUri": "wss://lns.example.org"},
        {"lnsUri": "wss://lns.example.org:8887/path"},
        {"lnsUri": "https://lns.example.org:8887"},
        {"lnsUri": "wss://lns.example.org:0"},
        {"lnsUri": "wss://lns.example.org:70000"},
        {"lnsUri": f"wss://{'x' * 130}:8887"},
        {"cupsUri": "wss://cups.example.org:8888"},
        {"cupsUri": "https://us er@cups.example.org:8888"},
        {"credentials": "password"},
    ],
    ids=lambda body: str(body)[:40],
)
def test_an_order_that_station_would_not_take_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    answer = desk.operator.request("POST", f"{_STATIONS}/updates", {"baseStations": [], **wrong})
    if wrong:
        identifier, _station = desk.station()
        body = {"baseStations": [identifier], **wrong}
        answer = desk.operator.request("POST", f"{_STATIONS}/updates", body)
    assert answer.status_code == 400, answer.text


def _changed(station: CupsStation, **members: Any) -> bytes:
    return station.request(json.dumps(station.report() | members).encode())


def test_who_is_not_the_station_or_not_registered_is_refused(desk: Desk) -> None:
    identifier, station = desk.station()
    _other, second = desk.station()
    stolen = CupsStation(second.eui, desk.port)
    stolen.files["cups"] = station.files["cups"]
    assert desk.ask(stolen) == (403, f"the credential is not that of {second.eui}\n".encode())
    stolen.eui = "0059AC0000CFFFFF"
    assert desk.ask(stolen)[0] == 403
    desk.server.pass_time(12)
    unknown = desk.operator.call("GET", f"{_STATIONS}/unknown")
    assert stolen.eui in [each["gatewayEUI"] for each in unknown]
    for key in (b"Authorization: Bearer wrong", b"Authorization: Bearer ", b"Authorization: x" * 60):
        station.files["cups"] = (b"", b"", key)
        assert desk.ask(station)[0] == 401
    assert desk.seen(identifier)["contact"] is None


def test_requests_of_any_kind_are_refused_with_a_reason(desk: Desk) -> None:
    _identifier, station = desk.station()
    right = station.request()
    wrong: list[tuple[int, bytes]] = [
        (400, _changed(station, router=None)),
        (400, _changed(station, router="x" * 40)),
        (400, _changed(station, router=True)),
        (400, _changed(station, router=1.5)),
        (400, _changed(station, cupsCredCrc=-1)),
        (400, _changed(station, tcCredCrc=1 << 32)),
        (400, _changed(station, tcCredCrc="1")),
        (400, _changed(station, tcUri=["wss://x:1"])),
        (400, _changed(station, tcUri="x" * 300)),
        (400, _changed(station, keys={})),
        (400, _changed(station, keys=[0] * 33)),
        (400, _changed(station, keys=[[1]])),
        (400, station.request(b"")),
        (400, station.request(b"[]")),
        (400, station.request(b"\x00\xff\xfe")),
        (400, station.request(b'{"router":')),
        (400, station.request(b'{"x":' + b"[" * 5000)),
        (413, station.request(b" " * 20_000)),
        (413, b"POST /update-info HTTP/1.1\r\nX: " + b"y" * 20_000),
        (404, right.replace(b"/update-info", b"/", 1)),
        (405, right.replace(b"POST", b"PUT", 1)),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)),
        (400, b"GET\r\n\r\n"),
        (400, b"POST /update-info HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        (400, b"POST /update-info HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
    ]
    for status, request in wrong:
        answered, words = desk.ask(station, request)
        assert answered == status and words.endswith(b"\n") and len(words) > 10, (request[:200], words)
    assert desk.ask(station, right)[0] == 200
    counts = desk.server.platform.hub.counts().refused
    assert counts["bad_report"] >= 12 and counts["bad_router"] >= 1 and counts["too_long"] == 2
    assert "Traceback" not in desk.server.log and "defect" not in desk.server.log


def test_a_slow_request_is_given_up(desk: Desk) -> None:
    _identifier, station = desk.station()

    async def slow() -> tuple[int, bytes]:
        return await station.ask(station.request()[:-10])

    assert desk.server.run(slow())[0] == 408


def test_an_update_that_never_returns_is_overdue_and_alarmed(desk: Desk) -> None:
    identifier, station = desk.station()
    desk.contact(station)
    lns = station.uris["lns"]
    desk.order(identifier, credentials="token", lnsUri="wss://lns.example.org:8887")
    desk.contact(station)

    def alarms() -> list[Any]:
        desk.server.run(desk.server.platform.run_background_tasks())
        found = desk.operator.call("GET", "/api/v1/operator/baseStations")
        (mine,) = [each["alarms"] for each in found if each["id"] == identifier]
        return [each for each in mine if each["alarmTypeId"] == 205 and each["alarmState"] != "CLEARED"]

    assert desk.states(identifier) == {"credentials": "fetched", "lnsUri": "fetched"} and not alarms()
    desk.server.suspend(2 * 3600 + 60)
    assert desk.states(identifier) == {"credentials": "overdue", "lnsUri": "fetched"}
    assert [each["additionalInfos"][0] for each in alarms()] == ["credentials"]
    # It comes back: the new token is used, and the address reported.
    assert station.uris["lns"] != lns
    desk.contact(station)
    assert desk.states(identifier) == {"credentials": "confirmed", "lnsUri": "confirmed"} and not alarms()
