"""Compressed answers: which, for whom, and with which headers."""

from __future__ import annotations

import gzip
import zlib

import httpx
import pytest

from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.person import Person
from veldnet.api.compression import accepts_gzip
from veldnet.api.routers import routers
from veldnet.api.routes import Routes, compressed
from veldnet.simulator.customer import Account

# The tests of this file share a server.

GZIP = {"accept-encoding": "gzip, deflate, br"}
PLAIN = {"accept-encoding": "identity"}
SHOWN = "/api/v1/devices?pageSize=100"


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    person = Person(server, account.thingpark_username, account.thingpark_password)
    for number in range(25):
        device = {
            "EUI": f"0059AC00DD{number:06X}",
            "name": f"Meter {number}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": "8F1CA24B6D0E93577A21C4F8B3D6E905",
            "deviceProfileId": account.device_profile_id,
        }
        person.call("POST", f"{KPN}/devices", device, headers={"api-version": "v1.1.1"})
    return person


def raw(person: Person, path: str, method: str = "GET", **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer with the octets that went over the wire."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with person.http.stream(method, path, headers=person.headers("GET") | headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=0.001", True),
        ("nogzip", False),
    ],
)
def test_who_accepts_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_a_long_list_is_compressed_for_who_asks(user: Person) -> None:
    packed, octets = raw(user, SHOWN, **GZIP)
    plain, text = raw(user, SHOWN, **PLAIN)
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(octets)
    assert gzip.decompress(octets) == text
    assert len(octets) < len(text) / 5
    assert "content-encoding" not in plain.headers
    # Caches must tell them apart.
    assert packed.headers["vary"] == plain.headers["vary"] == "Origin, Accept-Encoding"


def test_head_says_what_get_would_send(user: Person) -> None:
    head, nothing = raw(user, SHOWN, "HEAD", **GZIP)
    get, octets = raw(user, SHOWN, **GZIP)
    assert nothing == b""
    assert head.headers["content-encoding"] == "gzip"
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(octets))


def test_streamed_csv_is_compressed_in_pieces(user: Person) -> None:
    answer, octets = raw(user, "/api/v1/devices/export", **GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-disposition"] == 'attachment; filename="devices.csv"'
    assert "content-length" not in answer.headers
    assert zlib.decompress(octets, 31).count(b"\n") == 26


@pytest.mark.parametrize("path", ["/api/v1/alarms", "/api/v1/devices?pageSize=1&search=nothing"])
def test_a_short_answer_is_left_as_it_is(user: Person, path: str) -> None:
    answer, octets = raw(user, path, **GZIP)
    assert "content-encoding" not in answer.headers
    assert len(octets) < 1024
    assert answer.headers["vary"] == "Origin, Accept-Encoding"


def test_kpns_paths_are_compressed_only_on_request(client: Client, user: Person) -> None:
    path = f"{KPN}/devices?pageSize=100"
    asked = {"authorization": client.http.headers["authorization"], "api-version": "v1.1.1"}
    for encoding, expected in (("gzip", "gzip"), ("identity", None), ("", None)):
        answer = client.http.get(path, headers=asked | {"accept-encoding": encoding})
        assert answer.status_code == 200
        assert answer.headers.get("content-encoding") == expected
        assert len(answer.content) > 1024


def test_an_answer_with_an_etag_is_as_it_is_and_the_etag_matches(user: Person) -> None:
    ref = user.call("GET", SHOWN)["devices"][0]["ref"]
    answer, _octets = raw(user, f"{KPN}/devices/{ref}", **GZIP)
    assert answer.headers["etag"]
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/session/sessions", "/metrics", "/healthz"])
def test_sessions_and_probes_are_left_as_they_are(user: Person, path: str) -> None:
    answer, _octets = raw(user, path, **GZIP)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Origin"


def test_which_routes_are_compressed() -> None:
    """Only what reads; never what signs in, streams events, or makes a secret, which is shown once."""
    marked = {
        (served.operation.method, served.router.name, served.operation.media)
        for served in Routes(routers()).served
        if compressed(served)
    }
    assert {method for method, _router, _media in marked} == {"get"}
    assert "text/event-stream" not in {media for _method, _router, media in marked}
    assert {router for _method, router, _media in marked} == {
        *("kpn", "dx", "subscriber", "administrator", "viewer"),
        *("operator", "dx administrator", "dx operator", "oss operator"),
    }
